"""Linear algebra under the names of ``torch.linalg``; matrices stand on the last two axes, all others are batches."""

from gradwright.engine.functions.arranging import diagonal as _diagonal
from gradwright.engine.functions.matrices import (
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    lstsq,
    matrix_exp,
    matrix_power,
    matrix_rank,
    pinv,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
    svdvals,
    tensorinv,
    tensorsolve,
)
from gradwright.engine.functions.matrix_norms import cond, matrix_norm, norm
from gradwright.engine.functions.norms import vector_norm
from gradwright.engine.functions.products import linalg_cross as cross
from gradwright.engine.functions.products import linalg_vander as vander
from gradwright.engine.functions.products import matmul, multi_dot, vecdot
from gradwright.engine.tensor import Tensor
from gradwright.errors import LinAlgError

__all__ = [
    "LinAlgError", "cholesky", "cond", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "lstsq", "matmul",
    "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve",
    "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return the diagonals of matrices, as the last axis."""
    return _diagonal(A, offset, dim1, dim2)
