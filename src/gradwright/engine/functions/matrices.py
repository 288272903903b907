"""Inverses, systems, factorizations and determinants under the names and signatures of ``torch.linalg``.

Matrices stand on the last two axes; all leading axes are batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gradwright.engine.autocast import in_float32
from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.sizing import whole
from gradwright.engine.op import wrap
from gradwright.engine.ops import factoring, matrices
from gradwright.engine.ops.elementwise import cast, gt, where
from gradwright.engine.ops.joining import cat, narrow
from gradwright.engine.ops.linalg import matmul
from gradwright.engine.ops.matrices import mT
from gradwright.engine.ops.reduction import amax
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.shape import reshape
from gradwright.errors import ConfigError, DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "cholesky", "cholesky_solve", "det", "eigh", "eigvalsh", "inv", "lstsq", "matrix_exp", "matrix_power",
    "matrix_rank", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve",
]  # fmt: skip


class SlogdetResult(NamedTuple):
    """What :func:`slogdet` returns."""

    sign: Any
    logabsdet: Any


class QRResult(NamedTuple):
    """What :func:`qr` returns."""

    Q: Any
    R: Any


class EighResult(NamedTuple):
    """What :func:`eigh` returns."""

    eigenvalues: Any
    eigenvectors: Any


class SVDResult(NamedTuple):
    """What :func:`svd` returns."""

    U: Any
    S: Any
    Vh: Any


class LstsqResult(NamedTuple):
    """What :func:`lstsq` returns."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


# --- checks -----------------------------------------------------------------------------------------------------------
def need_matrices(name: str, *tensors: Any, square: bool = False) -> None:
    """Refuse what is no floating Tensor of matrices, or matrices that are not square where they must be."""
    for x in tensors:
        need_tensor(f"linalg.{name}", x)
        if x.ndim < 2:
            raise ShapeError(f"linalg.{name}: expected matrices on the last two axes, got the shape {x.shape}")
        if x.dtype.kind not in "fV":
            raise DTypeError(f"linalg.{name}: expected a floating tensor, got {x.dtype}; use .float()")
        if x.dtype != tensors[0].dtype:
            raise DTypeError(f"linalg.{name}: {tensors[0].dtype} and {x.dtype}: both must have the same dtype")
        if square and x.shape[-1] != x.shape[-2]:
            raise ShapeError(f"linalg.{name}: expected square matrices, got the shape {x.shape}")


def _need_batches(name: str, a: Any, b: Any) -> None:
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ShapeError(f"linalg.{name}: the batches of {a.shape} and {b.shape} do not fit together") from None


# --- inverse, systems -------------------------------------------------------------------------------------------------
@in_float32
def inv(A: Tensor) -> Tensor:
    """Return the inverses of square matrices.

    Raises
    ------
    LinAlgError
        A matrix is singular (eagerly; a compiled step gives inf or NaN).
    """
    need_matrices("inv", A, square=True)
    return matrices.inv(A)


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """Return X with A X = B (or X A = B where not ``left``).

    Parameters
    ----------
    A : Tensor, shape (…, n, n)
        Square matrices.
    B : Tensor, shape (…, n, k) or (…, n)
        Right sides: matrices whose batch broadcasts with that of ``A``; or vectors, where ``B`` has one axis only or is
        exactly of A's shape without its last axis.
    left : bool
        Whether A stands on the left.

    Raises
    ------
    LinAlgError
        A matrix is singular.
    """
    need_matrices("solve", A, square=True)
    need_tensor("linalg.solve", B)
    vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    if vector and not left:
        raise ShapeError(f"linalg.solve: left=False takes no vectors, got {B.shape} beside {A.shape}")
    b = reshape(B, shape=(*B.shape, 1)) if vector else B
    need_matrices("solve", A, b)
    if A.shape[-1] != b.shape[-2 if left else -1]:
        raise ShapeError(f"linalg.solve: A {A.shape} and B {B.shape} do not fit together")
    _need_batches("solve", A, b)
    x = matrices.solve(A, b) if left else mT(matrices.solve(mT(A), mT(b)))
    return reshape(x, shape=x.shape[:-1]) if vector else x


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """Return X with A X = B (or X A = B where not ``left``) for triangular A, of which only that triangle is read.

    With ``unitriangular`` the diagonal counts as ones. A zero on the diagonal gives inf or NaN.
    """
    need_matrices("solve_triangular", A, B)
    need_matrices("solve_triangular", A, square=True)
    if A.shape[-1] != B.shape[-2 if left else -1]:
        raise ShapeError(f"linalg.solve_triangular: A {A.shape} and B {B.shape} do not fit together")
    _need_batches("solve_triangular", A, B)
    if left:
        return matrices.solve_triangular(A, B, upper=upper, unitriangular=unitriangular)
    return mT(matrices.solve_triangular(mT(A), mT(B), upper=not upper, unitriangular=unitriangular))


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """Return the inverse of the matrix that A is with its first ``ind`` axes as rows and the others as columns."""
    need_tensor("linalg.tensorinv", A)
    if ind <= 0:
        raise ShapeError(f"linalg.tensorinv: ind must be above 0, got {ind}")
    rows, columns = A.shape[:ind], A.shape[ind:]
    n, m = int(np.prod(rows)), int(np.prod(columns))
    if n != m:
        raise ShapeError(f"linalg.tensorinv: {A.shape} folds at {ind} into {n} rows and {m} columns, not a square")
    return reshape(inv(reshape(A, shape=(n, m))), shape=(*columns, *rows))


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """Return X with tensordot(A, X, X.ndim) = B, first moving A's axes ``dims`` to its end."""
    need_tensor("linalg.tensorsolve", A)
    need_tensor("linalg.tensorsolve", B)
    if dims is not None:
        from gradwright.engine.functions.shape import movedim

        A = movedim(A, tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    shape = A.shape[B.ndim :]
    if int(np.prod(shape)) != int(np.prod(A.shape[: B.ndim])) or A.numel() // max(int(np.prod(shape)), 1) != B.numel():
        raise ShapeError(f"linalg.tensorsolve: A {A.shape} and B {B.shape} do not make a square system")
    n = int(np.prod(shape))
    return reshape(solve(reshape(A, shape=(n, n)), reshape(B, shape=(n,))), shape=shape)


# --- factorizations ---------------------------------------------------------------------------------------------------
@in_float32
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Return lower triangular L with A = L Lᵀ (or upper triangular U with A = Uᵀ U) of positive-definite matrices.

    One triangle of A is read; the gradient is that of a symmetric matrix.

    Raises
    ------
    LinAlgError
        A matrix is not positive-definite.
    """
    need_matrices("cholesky", A, square=True)
    return mT(matrices.cholesky(mT(A))) if upper else matrices.cholesky(A)


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """Return X with A X = B from the Cholesky factor of A."""
    need_matrices("cholesky_solve", B, L)
    need_matrices("cholesky_solve", L, square=True)
    if B.shape[-2] != L.shape[-1]:
        raise ShapeError(f"cholesky_solve: B {B.shape} and the factor {L.shape} do not fit together")
    _need_batches("cholesky_solve", B, L)
    lower = mT(L) if upper else L
    half = matrices.solve_triangular(lower, B, upper=False, unitriangular=False)
    return matrices.solve_triangular(mT(lower), half, upper=True, unitriangular=False)


def qr(A: Tensor, mode: str = "reduced") -> QRResult:
    """Return Q with orthonormal columns and upper triangular R with A = Q R.

    ``mode`` is ``"reduced"``, ``"complete"`` (Q square) or ``"r"`` (Q empty). With ``"complete"`` and more rows than
    columns there is no derivative.
    """
    need_matrices("qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise ConfigError(f"linalg.qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    m, n = A.shape[-2:]
    if m >= n:
        q, r = factoring.qr(A, complete=mode == "complete")
    else:  # A = [X | Y], X = Q U: R = [U | Qᵀ Y]
        last = A.ndim - 1
        q, u = factoring.qr(narrow(A, last, 0, m), complete=False)
        r = cat(u, matmul(mT(q), narrow(A, last, m, n - m)), axis=last)
    return QRResult(wrap(np.zeros(0, A.dtype)) if mode == "r" else q, r)


def eigh(A: Tensor, UPLO: str = "L") -> EighResult:
    """Return eigenvalues, rising, and eigenvectors (as columns) of symmetric matrices.

    ``UPLO`` says which triangle is read. The vectors' signs are arbitrary; their gradient is infinite where two
    eigenvalues are equal.
    """
    need_matrices("eigh", A, square=True)
    return EighResult(*factoring.eigh(A, lower=_lower("eigh", UPLO)))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues, rising, of symmetric matrices."""
    need_matrices("eigvalsh", A, square=True)
    return factoring.eigh(A, lower=_lower("eigvalsh", UPLO))[0]


def _lower(name: str, UPLO: str) -> bool:
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise ConfigError(f"linalg.{name}: UPLO must be 'L' or 'U', got {UPLO!r}")
    return UPLO.upper() == "L"


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVDResult:
    """Return U, the singular values (falling) and Vᵀ with A = U diag(S) Vᵀ.

    With ``full_matrices`` U and Vᵀ are square; what goes beyond the smaller length of A has no gradient. Signs are
    arbitrary; the vectors' gradient is infinite where two singular values are equal. ``driver`` has no effect here.
    """
    need_matrices("svd", A)
    return SVDResult(*factoring.svd(A, full=full_matrices))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """Return the singular values, falling."""
    need_matrices("svdvals", A)
    return factoring.svd(A, full=False)[1]


# --- determinants -----------------------------------------------------------------------------------------------------
def det(A: Tensor) -> Tensor:
    """Return the determinants of square matrices."""
    need_matrices("det", A, square=True)
    return matrices.det(A)


def slogdet(A: Tensor) -> SlogdetResult:
    """Return the sign and the logarithm of the absolute value of the determinants: no overflow (singular: 0, -inf)."""
    need_matrices("slogdet", A, square=True)
    return SlogdetResult(*matrices.slogdet(A))


# --- pseudo-inverse, rank, least squares ------------------------------------------------------------------------------
def _array(value: Any) -> Any:
    return value._array if isinstance(value, TensorBase) else value


def _tolerances(x: Any, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """PyTorch's defaults: ``rtol`` is eps·max(m, n), but 0 where an ``atol`` above 0 is given."""
    atol = _array(atol)
    if rtol is None:
        usual = np.finfo(x.dtype).eps * max(x.shape[-2:])
        rtol = usual if atol is None else np.where(np.asarray(atol) > 0, 0.0, usual)
    return 0.0 if atol is None else atol, _array(rtol)


@in_float32
def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """Return the pseudo-inverses (Moore and Penrose) of matrices.

    Parameters
    ----------
    A : Tensor, shape (…, m, n)
        Any matrices.
    rcond : optional
        Another name of ``rtol``.
    hermitian : bool
        Whether A is symmetric; then its lower triangle is read.
    atol, rtol : float or Tensor, optional
        Singular values up to max(atol, rtol·largest) count as 0. Default ``rtol``: eps·max(m, n), or 0 beside an atol.
    """
    need_matrices("pinv", A, square=hermitian)
    low, relative = _tolerances(A, atol, rcond if rtol is None else rtol)
    return factoring.pinv(A, atol=low, rtol=relative, hermitian=hermitian)


def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """Return the number of singular values above max(atol, rtol·largest); ``tol`` is an ``atol``. No gradient."""
    need_matrices("matrix_rank", A, square=hermitian)
    x = A.detach()
    low, relative = (tol, 0.0) if tol is not None else _tolerances(A, atol, rtol)
    s = abs(eigvalsh(x)) if hermitian else svdvals(x)
    if 0 in A.shape[-2:]:
        return sum_(cast(s, dtype=np.int64), axis=-1)
    low, relative = (_column(t, A) for t in (low, relative))
    top = amax(s, axis=-1, keepdims=True) * relative
    return sum_(gt(s, where(gt(top, low), top, low)), axis=-1)


def _column(tolerance: Any, like: Any) -> Any:
    t = wrap(np.asarray(_array(tolerance), like.dtype))
    return reshape(t, shape=(*t.shape, 1)) if t.ndim else t


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> LstsqResult:
    """Return X with the smallest ‖A X - B‖, and among those the smallest X.

    The solution is pinv(A) B, which is also how it is differentiated. ``driver`` (``"gelsy"`` by default, ``"gels"``,
    ``"gelsd"``, ``"gelss"``) chooses what comes beside it, as in PyTorch: rank for all but "gels", singular values for
    "gelsd" and "gelss", residuals for all but "gelsy" where A has more rows than columns and full rank.
    """
    need_matrices("lstsq", A)
    need_tensor("linalg.lstsq", B)
    vector = A.ndim - 1 == B.ndim and B.shape == A.shape[:-1]
    b = reshape(B, shape=(*B.shape, 1)) if vector else B
    need_matrices("lstsq", A, b)
    if A.shape[-2] != b.shape[-2]:
        raise ShapeError(f"linalg.lstsq: A {A.shape} and B {B.shape} must have equally many rows")
    _need_batches("lstsq", A, b)
    if driver not in (None, "gelsy", "gels", "gelsd", "gelss"):
        raise ConfigError(f"linalg.lstsq: driver must be 'gels', 'gelsy', 'gelsd' or 'gelss', got {driver!r}")
    m, n = A.shape[-2:]
    relative = np.finfo(A.dtype).eps * max(m, n) if rcond is None or rcond < 0 else rcond
    x = matmul(factoring.pinv(A, atol=0.0, rtol=relative, hermitian=False), b)
    rank = matrix_rank(A, rtol=relative)
    nothing = wrap(np.zeros(0, A.dtype))
    residuals = reshape(narrow(x, x.ndim - 1, 0, 0), shape=(0,))
    if m > n and driver not in (None, "gelsy") and _all_are(rank, n):
        off = matmul(A, x) - b
        residuals = sum_(off * off, axis=-2)
    return LstsqResult(
        reshape(x, shape=x.shape[:-1]) if vector else x,
        residuals,
        wrap(np.zeros(0, np.int64)) if driver == "gels" else rank,
        svdvals(A.detach()) if driver in ("gelsd", "gelss") else nothing,
    )


def _all_are(rank: Any, n: int) -> bool:
    from gradwright.backend import is_concrete

    return is_concrete(rank._array) and bool((np.asarray(rank._array) == n).all())


# --- powers -----------------------------------------------------------------------------------------------------------
def matrix_power(A: Tensor, n: int) -> Tensor:
    """Return the n-th power of square matrices, by squaring; of the inverse where ``n`` is negative."""
    need_tensor("linalg.matrix_power", A)
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise ShapeError(f"linalg.matrix_power: expected square matrices, got the shape {A.shape}")
    times = whole("linalg.matrix_power", "n", n)
    if times == 0:
        return _identities(A)
    base, times, result = inv(A) if times < 0 else A, abs(times), None
    while True:
        if times & 1:
            result = base if result is None else matmul(result, base)
        times >>= 1
        if not times:
            return result  # type: ignore[return-value]
        base = matmul(base, base)


def _identities(x: Any) -> Any:
    return where(np.True_, wrap(np.eye(x.shape[-1], dtype=x.dtype)), x)  # hangs in the graph, with slope 0


def matrix_exp(A: Tensor) -> Tensor:
    """Return the exponentials I + A + A²/2 + … of square matrices."""
    need_matrices("matrix_exp", A, square=True)
    return matrices.matrix_exp(A)
