"""Linear algebra under the names that stand in ``torch`` itself, some of them older than ``torch.linalg``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gradwright.engine.autocast import in_float32
from gradwright.engine.functions import products
from gradwright.engine.functions.distances import cdist
from gradwright.engine.functions.einsum import einsum
from gradwright.engine.functions.matrices import cholesky as linalg_cholesky
from gradwright.engine.functions.matrices import (
    cholesky_solve,
    det,
    matrix_exp,
    matrix_power,
    need_matrices,
    pinv,
    slogdet,
)
from gradwright.engine.functions.matrices import inv as linalg_inv
from gradwright.engine.functions.matrices import qr as linalg_qr
from gradwright.engine.functions.matrices import svd as linalg_svd
from gradwright.engine.functions.products import *  # noqa: F403
from gradwright.engine.op import wrap
from gradwright.engine.ops.elementwise import lt, where
from gradwright.engine.ops.matrices import mT, solve_triangular
from gradwright.engine.ops.shape import expand
from gradwright.errors import ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "cdist", "cholesky", "cholesky_inverse", "cholesky_solve", "det", "einsum", "inverse", "logdet", "matrix_exp",
    "matrix_power", "pinverse", "qr", "slogdet", "svd", "vander", *products.__all__,
]  # fmt: skip

vander = products.vander


class QRResult(NamedTuple):
    """What :func:`qr` returns."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """What :func:`svd` returns."""

    U: Any
    S: Any
    V: Any


def inverse(input: Tensor) -> Tensor:
    """Return the inverses of square matrices: another name of :func:`linalg.inv`."""
    return linalg_inv(input)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Return the pseudo-inverses of matrices; :func:`linalg.pinv` has the better default of ``rcond``."""
    return pinv(input, rcond)


def logdet(input: Tensor) -> Tensor:
    """Return the logarithms of determinants: -inf where they are 0, NaN where negative."""
    need_matrices("logdet", input, square=True)
    sign, logabsdet = slogdet(input)
    return where(lt(sign, 0), float("nan"), logabsdet)


@in_float32
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Return the Cholesky factors of positive-definite matrices: see :func:`linalg.cholesky`."""
    return linalg_cholesky(input, upper=upper)


def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """Return the inverses of the matrices whose Cholesky factors are given."""
    need_matrices("cholesky_inverse", L, square=True)
    identities = expand(wrap(np.eye(L.shape[-1], dtype=L.dtype)), shape=L.shape)
    lower = mT(L) if upper else L
    half = solve_triangular(lower, identities, upper=False, unitriangular=False)
    return solve_triangular(mT(lower), half, upper=True, unitriangular=False)


def qr(input: Tensor, some: bool = True) -> QRResult:
    """Return Q and R, reduced or (not ``some``) complete: an older form of :func:`linalg.qr`."""
    return QRResult(*linalg_qr(input, "reduced" if some else "complete"))


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> SVDResult:
    """Return U, S and V (not its transpose): an older form of :func:`linalg.svd`.

    Without ``compute_uv`` U and V are zeros.
    """
    u, s, vh = linalg_svd(input, not some if compute_uv else False)
    if not compute_uv:
        m, n = input.shape[-2:]
        if m == 0 and n == 0:
            raise ShapeError(f"svd: nothing to take apart in the shape {input.shape}")
        u, vh = (wrap(np.zeros((*input.shape[:-2], k, k), input.dtype)) for k in (m, n))
    return SVDResult(u, s, mT(vh))


class LinalgMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    addbmm = products.addbmm
    addmm = products.addmm
    addmv = products.addmv
    addr = products.addr
    baddbmm = products.baddbmm
    bmm = products.bmm
    cholesky = cholesky
    cholesky_inverse = cholesky_inverse
    cholesky_solve = cholesky_solve
    cross = products.cross
    det = det
    dot = products.dot
    ger = products.ger
    inner = products.inner
    inverse = inverse
    kron = products.kron
    logdet = logdet
    matmul = products.matmul
    matrix_exp = matrix_exp
    matrix_power = matrix_power
    mm = products.mm
    mv = products.mv
    outer = products.outer
    pinverse = pinverse
    qr = qr
    slogdet = slogdet
    svd = svd
    trace = products.trace
    vdot = products.vdot
