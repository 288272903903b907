"""Products of vectors, matrices and tensors."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.autocast import as_given, in_float32, in_lower
from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axis_of, numpy_names
from gradwright.engine.functions.sizing import need_tensors
from gradwright.engine.ops import linalg
from gradwright.engine.ops.arranging import diagonal, roll
from gradwright.engine.ops.einsum import einsum
from gradwright.engine.ops.elementwise import ne, ones_like
from gradwright.engine.ops.joining import stack
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.shape import reshape
from gradwright.errors import DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "chain_matmul", "cross", "dot", "ger", "inner", "kron",
    "matmul", "mm", "mv", "outer", "tensordot", "trace", "vdot",
]  # fmt: skip


def _need(name: str, *pairs: tuple[Any, int]) -> None:
    """Refuse what is no Tensor, has another number of axes than said, or another dtype than the first."""
    for x, axes in pairs:
        need_tensor(name, x)
        if x.ndim != axes:
            shapes = " and ".join(str(tuple(y._array.shape)) for y, _ in pairs if isinstance(y, TensorBase))
            kinds = {1: "vector", 2: "matrix", 3: "batch of matrices"}
            raise ShapeError(
                f"{name}: expected a {kinds[axes]} where the shape is {tuple(x.shape)}; the shapes are {shapes}"
            )
        if x.dtype != pairs[0][0].dtype:
            raise DTypeError(f"{name}: {pairs[0][0].dtype} and {x.dtype}: all must have the same dtype; use .to(dtype)")


# --- matrix products --------------------------------------------------------------------------------------------------
def matmul(input: Any, other: Any) -> Tensor:
    """Return the matrix product, broadcasting the leading axes.

    Vectors count as one row on the left, one column on the right, and lose that axis again. Also ``input @ other``.

    Raises
    ------
    ShapeError
        The inner lengths differ; the message has both shapes.
    """
    if not (isinstance(input, TensorBase) and isinstance(other, TensorBase)):
        need_tensor("matmul", input)
        need_tensor("matmul", other)
    return linalg.matmul(input, other)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices."""
    _need("mm", (input, 2), (mat2, 2))
    return linalg.matmul(input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of two equally long batches of matrices."""
    _need("bmm", (input, 3), (mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise ShapeError(f"bmm: the batches differ in length: {input.shape} and {mat2.shape}")
    return linalg.matmul(input, mat2)


@as_given
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Return the product of a matrix and a vector."""
    _need("mv", (input, 2), (vec, 1))
    return linalg.matmul(input, vec)


@as_given
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Return the sum of the products of two vectors' elements."""
    _need("dot", (input, 1), (tensor, 1))
    if input.shape != tensor.shape:
        raise ShapeError(f"dot: the vectors must be equally long, got {input.shape} and {tensor.shape}")
    return linalg.matmul(input, tensor)


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Return the inner product of two vectors; of real ones the same as :func:`dot`."""
    return dot(input, other)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Return the sums of products along the last axes of both; with a number, the product."""
    need_tensor("inner", input)
    need_tensor("inner", other)
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError(f"inner: the last axes must be equally long, got {input.shape} and {other.shape}")
    return tensordot(input, other, ([-1], [-1]))


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Return the matrix of the products of all pairs of two vectors' elements."""
    for x in (input, vec2):
        need_tensor("outer", x)
        if x.ndim != 1:
            raise ShapeError(f"outer: expected two vectors, got the shapes {input.shape} and {vec2.shape}")
    return reshape(input, shape=(-1, 1) if input.numel() else (0, 1)) * vec2


def ger(input: Tensor, vec2: Tensor) -> Tensor:
    """Return the outer product of two vectors: another name of :func:`outer`."""
    return outer(input, vec2)


# --- products that are added to something -----------------------------------------------------------------------------
def _added(name: str, input: Any, product: Any, beta: float, alpha: float) -> Any:
    """``beta``·input + ``alpha``·product; with beta 0 the input is not looked at, not even for NaN."""
    need_tensor(name, input)
    lead = product.ndim - input.ndim
    if lead < 0 or any(n not in (1, m) for n, m in zip(input.shape, product.shape[lead:], strict=True)):
        raise ShapeError(f"{name}: the input {input.shape} does not broadcast to the product's shape {product.shape}")
    if input.dtype != product.dtype:
        raise DTypeError(f"{name}: the input is {input.dtype}, the others are {product.dtype}; use .to(dtype)")
    if product.dtype.kind == "b":  # products are "and", sums are "or"
        return input if alpha == 0 else product if beta == 0 else ne(input + product, 0)
    if product.dtype.kind in "iu":  # PyTorch cuts the fractions off
        beta, alpha = int(beta), int(alpha)
    if alpha != 1:
        product = product * alpha
    return product if beta == 0 else (input if beta == 1 else input * beta) + product


@in_lower
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return ``beta``·input + ``alpha``·(mat1 @ mat2)."""
    _need("addmm", (mat1, 2), (mat2, 2))
    return _added("addmm", input, linalg.matmul(mat1, mat2), beta, alpha)


@as_given
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return ``beta``·input + ``alpha``·(mat @ vec)."""
    _need("addmv", (mat, 2), (vec, 1))
    return _added("addmv", input, linalg.matmul(mat, vec), beta, alpha)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return ``beta``·input + ``alpha``·outer(vec1, vec2)."""
    product = outer(vec1, vec2)
    if product.dtype.kind in "biu" and (isinstance(beta, float) or isinstance(alpha, float)):
        raise DTypeError(f"addr: beta and alpha must be integers for tensors of {product.dtype}")
    return _added("addr", input, product, beta, alpha)


@in_lower
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return ``beta``·input + ``alpha``·(batch1 @ batch2), a batch of matrices."""
    return _added("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@in_lower
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return ``beta``·input + ``alpha`` times the sum of the products of two batches of matrices."""
    _need("addbmm", (batch1, 3), (batch2, 3))
    if batch1.shape[0] != batch2.shape[0] or batch1.shape[2] != batch2.shape[1]:
        raise ShapeError(f"addbmm: {batch1.shape} and {batch2.shape} do not fit together")
    product = einsum(batch1, batch2, subscripts=((0, 1, 2), (0, 2, 3)), output=(1, 3))
    return _added("addbmm", input, product, beta, alpha)


# --- products of more axes, or more factors ---------------------------------------------------------------------------
def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """Add up products along several axes of both tensors.

    ``dims`` is a number n (the last n axes of ``a`` meet the first n of ``b``) or two lists of axes, one a tensor.
    """
    need_tensor("tensordot", a)
    need_tensor("tensordot", b)
    if isinstance(dims, TensorBase):
        dims = np.asarray(dims._array).tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ShapeError(f"tensordot: {dims} axes cannot meet in {a.shape} and {b.shape}")
        first, second = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        given = [[d] if isinstance(d, int) else list(d) for d in dims]
        if len(given) != 2 or len(given[0]) != len(given[1]):
            raise ShapeError(f"tensordot: dims must be a number or two equally long lists, got {dims}")
        first = [axis_of("tensordot", a.shape, d) for d in given[0]]
        second = [axis_of("tensordot", b.shape, d) for d in given[1]]
    if len(set(first)) != len(first) or len(set(second)) != len(second):
        raise ShapeError(f"tensordot: a dim appears twice in {dims}")
    if a.dtype != b.dtype:
        raise DTypeError(f"tensordot: {a.dtype} and {b.dtype}: both must have the same dtype; use .to(dtype)")
    for i, j in zip(first, second, strict=True):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise ShapeError(f"tensordot: dim {i} of {a.shape} and dim {j} of {b.shape} must be equally long")
    # a length of 1 meets any other: the longer axis is added up
    for i, j in zip(first, second, strict=True):
        if a.shape[i] != b.shape[j]:
            if a.shape[i] == 1:
                b = sum_(b, axis=j, keepdims=True)
            else:
                a = sum_(a, axis=i, keepdims=True)
    left = tuple(range(a.ndim))
    right = tuple([left[first[second.index(j)]] if j in second else a.ndim + j for j in range(b.ndim)])
    output = tuple([k for k in left if k not in first] + [k for j, k in enumerate(right) if j not in second])
    return einsum(a, b, subscripts=(left, right), output=output)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Return Kronecker's product: every element of ``input`` times all of ``other``."""
    need_tensor("kron", input)
    need_tensor("kron", other)
    n = max(input.ndim, other.ndim)
    a, b = ((1,) * (n - x.ndim) + x.shape for x in (input, other))
    product = reshape(input, shape=tuple([m for k in a for m in (k, 1)])) * reshape(
        other, shape=tuple([m for k in b for m in (1, k)])
    )
    return reshape(product, shape=tuple([i * j for i, j in zip(a, b, strict=True)]))


@in_float32
def trace(input: Tensor) -> Tensor:
    """Return the sum of a matrix's diagonal."""
    need_tensor("trace", input)
    if input.ndim != 2:
        raise ShapeError(f"trace: expected a matrix, got the shape {input.shape}")
    return sum_(diagonal(input, offset=0, axis1=0, axis2=1))


def multi_dot(tensors: Any, *, out: Any = None) -> Tensor:
    """Return the product of several matrices, in the order of brackets that takes the fewest multiplications.

    The first and the last may be vectors: a row and a column.
    """
    given = list(need_tensors("multi_dot", tensors, 2))
    for k, x in enumerate(given):
        if x.ndim != 2 and not (x.ndim == 1 and k in (0, len(given) - 1)):
            raise ShapeError(f"multi_dot: tensor {k} must be a matrix (the ends may be vectors), got {x.shape}")
        if x.dtype != given[0].dtype:
            raise DTypeError(f"multi_dot: {given[0].dtype} and {x.dtype}: all must have the same dtype; use .to(dtype)")
    row, column = given[0].ndim == 1, given[-1].ndim == 1
    if row:
        given[0] = reshape(given[0], shape=(1, given[0].shape[0]))
    if column:
        given[-1] = reshape(given[-1], shape=(given[-1].shape[0], 1))
    for k, (a, b) in enumerate(itertools.pairwise(given)):
        if a.shape[1] != b.shape[0]:
            raise ShapeError(f"multi_dot: tensors {k} and {k + 1} do not fit together: {a.shape} @ {b.shape}")
    result = _in_order(given, _brackets([x.shape[0] for x in given] + [given[-1].shape[1]]), 0, len(given) - 1)
    shape = () if row and column else result.shape[1:] if row else result.shape[:1] if column else result.shape
    return reshape(result, shape=shape) if row or column else result


def chain_matmul(*matrices: Tensor, out: Any = None) -> Tensor:
    """Return the product of several matrices: PyTorch's older name of :func:`linalg.multi_dot`."""
    for x in need_tensors("chain_matmul", matrices):
        if x.ndim != 2:
            raise ShapeError(f"chain_matmul: expected matrices, got the shape {x.shape}")
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


def _brackets(lengths: list[int]) -> dict[tuple[int, int], int]:
    """Say for each run of factors behind which one to split it (Cormen et al., Introduction to Algorithms, 15.2)."""
    n = len(lengths) - 1
    cost = {(i, i): 0 for i in range(n)}
    where: dict[tuple[int, int], int] = {}
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            cost[i, j], where[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k) for k in range(i, j)
            )
    return where


def _in_order(given: list[Any], where: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return given[i]
    k = where[i, j]
    return linalg.matmul(_in_order(given, where, i, k), _in_order(given, where, k + 1, j))


@numpy_names
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Return the cross product of vectors of three; without ``dim``, along the first axis of that length."""
    need_tensor("cross", input)
    need_tensor("cross", other)
    if dim is None:
        dim = next((i for i, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise ShapeError(f"cross: no axis of {input.shape} has length 3")
    return linalg_cross(input, other, dim=dim)


def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Return the cross product of vectors of three along an axis."""
    need_tensor("linalg.cross", input)
    need_tensor("linalg.cross", other)
    if input.ndim != other.ndim:
        raise ShapeError(f"linalg.cross: the numbers of axes differ: {input.shape} and {other.shape}")
    axis = axis_of("linalg.cross", input.shape, dim)
    if input.ndim == 0 or input.shape[axis] != 3 or other.shape[axis] != 3:
        raise ShapeError(f"linalg.cross: dim {dim} must have length 3 in both, got {input.shape} and {other.shape}")

    def turned(x: Any, by: int) -> Any:
        return roll(x, shifts=(-by,), axes=(axis,))

    # (a × b)ᵢ = aᵢ₊₁ bᵢ₊₂ - aᵢ₊₂ bᵢ₊₁, counting around
    return turned(input, 1) * turned(other, 2) - turned(input, 2) * turned(other, 1)


@in_lower
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Return the sums of products along an axis of two tensors that broadcast."""
    need_tensor("linalg.vecdot", x)
    need_tensor("linalg.vecdot", y)
    if x.dtype != y.dtype:
        raise DTypeError(f"linalg.vecdot: {x.dtype} and {y.dtype}: both must have the same dtype; use .to(dtype)")
    product = x * y
    return sum_(product, axis=axis_of("linalg.vecdot", product.shape, dim)) if product.ndim else product


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the powers of a vector's elements, one row an element: Vandermonde's matrix, with ``N`` columns."""
    need_tensor("vander", x)
    if x.ndim != 1:
        raise ShapeError(f"vander: expected a vector, got the shape {x.shape}")
    n = x.shape[0] if N is None else N
    if n < 0:
        raise ShapeError(f"vander: N must not be negative, got {n}")
    out = linalg_vander(x, N=n) if n else reshape(x, shape=(-1, 1))[:, :0]
    return out if increasing or n < 2 else out.flip(1)


def linalg_vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Return the powers 0, 1, 2, … of the elements along a new last axis of length ``N``."""
    need_tensor("linalg.vander", x)
    if not x.ndim:
        x = reshape(x, shape=(1,))
    n = x.shape[-1] if N is None else N
    if n < 1:
        raise ShapeError(f"linalg.vander: needs at least one column, got {x.shape} and N={N}")
    powers = [ones_like(x)]
    for _ in range(n - 1):
        powers.append(powers[-1] * x)
    return stack(*powers, axis=x.ndim)
