"""Inverse, linear systems, Cholesky, determinants: operations of square matrices, batched over the leading axes.

The rules are the standard ones (Giles 2008, "Collected matrix derivative results for forward and reverse mode"; Murray
2016 for Cholesky). In the comments A is the input, X or L the output, dA a tangent, G the upstream gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.backend import jax_modules
from gradwright.engine.op import Op, general, sum_to
from gradwright.engine.ops.arranging import tril, triu
from gradwright.engine.ops.linalg import matmul
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.shape import reshape, swap
from gradwright.errors import LinAlgError

__all__ = ["cholesky", "cofactor", "det", "inv", "mT", "matrix_exp", "slogdet", "solve", "solve_triangular"]


def mT(x: Any) -> Any:
    """Return the transposes of the matrices on the last two axes."""
    return swap(x, -1, -2)


def refused(name: str, why: str, check: Callable[[Any], Any], x: Any, error: Exception) -> LinAlgError:
    """Say which matrix of a batch could not be worked with."""
    shape = tuple(x.shape)
    for place in np.ndindex(*shape[:-2]):
        try:
            check(x[place])
        except np.linalg.LinAlgError:
            where = f" the matrix at {list(place)} of" if place else ""
            return LinAlgError(f"linalg.{name}:{where} the input of shape {shape} {why}")
    return LinAlgError(f"linalg.{name}: the input of shape {shape}: {error}")


# --- inverse ----------------------------------------------------------------------------------------------------------
def _inv(xp: Any, x: Any) -> Any:
    try:
        return xp.linalg.inv(x)
    except np.linalg.LinAlgError as error:
        raise refused(
            "inv", "is singular, so it has no inverse; pinv has no such limit", np.linalg.inv, x, error
        ) from None


def _inv_rule(a: Any, ans: Any) -> Any:
    return -matmul(matmul(ans, a), ans)


# X = A⁻¹: dX = -X dA X, and back Xᵀ (-G) Xᵀ
inv: Op = general(
    "inv", _inv, vjp=[lambda g, ans: _inv_rule(g, mT(ans))], jvp=[lambda t, ans: _inv_rule(t, ans)], floating=True
)


# --- linear systems ---------------------------------------------------------------------------------------------------
def _solve(xp: Any, x: Any, y: Any) -> Any:
    try:
        return xp.linalg.solve(x, y)
    except np.linalg.LinAlgError as error:
        raise refused("solve", "is singular, so the system has no single solution", np.linalg.inv, x, error) from None


# X = A⁻¹B: dX = A⁻¹(dB - dA X); back B gets A⁻ᵀG and A gets -(A⁻ᵀG) Xᵀ
solve: Op = general(
    "solve",
    _solve,
    vjp=[
        lambda g, x, ans, x_shape: sum_to(-matmul(solve(mT(x), g), mT(ans)), x_shape),
        lambda g, x, y_shape: sum_to(solve(mT(x), g), y_shape),
    ],
    jvp=[lambda t, x, ans: -solve(x, matmul(t, ans)), lambda t, x: solve(x, t)],
)


def _solve_triangular(xp: Any, x: Any, y: Any, *, upper: bool, unitriangular: bool) -> Any:
    lead = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = xp.broadcast_to(x, (*lead, *x.shape[-2:])), xp.broadcast_to(y, (*lead, *y.shape[-2:]))
    if xp is not np:
        solver = jax_modules().jax.scipy.linalg.solve_triangular
        return solver(x, y, lower=not upper, unit_diagonal=unitriangular)
    from scipy.linalg import blas

    trsm = blas.dtrsm if x.dtype == np.float64 else blas.strsm  # a zero on the diagonal gives inf, as in PyTorch
    out = np.empty(y.shape, y.dtype)
    if out.size:
        for place in np.ndindex(*lead):
            # in Fortran's order these are the transposes: Xᵀ from XᵀAᵀ = Bᵀ, so that nothing is copied
            out[place] = trsm(1.0, x[place].T, y[place].T, side=1, lower=int(upper), diag=int(unitriangular)).T
    return out


def _part(x: Any, upper: bool, unitriangular: bool) -> Any:
    """Return the triangle that the solver reads."""
    return (triu if upper else tril)(x, diagonal=(1 if upper else -1) if unitriangular else 0)


# as for `solve`, and only the triangle that is read has a gradient
solve_triangular: Op = general(
    "solve_triangular",
    _solve_triangular,
    vjp=[
        lambda g, x, ans, x_shape, upper, unitriangular: _part(
            sum_to(-matmul(solve_triangular(mT(x), g, upper=not upper, unitriangular=unitriangular), mT(ans)), x_shape),
            upper,
            unitriangular,
        ),
        lambda g, x, y_shape, upper, unitriangular: sum_to(
            solve_triangular(mT(x), g, upper=not upper, unitriangular=unitriangular), y_shape
        ),
    ],
    jvp=[
        lambda t, x, ans, upper, unitriangular: (
            -solve_triangular(x, matmul(_part(t, upper, unitriangular), ans), upper=upper, unitriangular=unitriangular)
        ),
        lambda t, x, upper, unitriangular: solve_triangular(x, t, upper=upper, unitriangular=unitriangular),
    ],
)


# --- Cholesky ---------------------------------------------------------------------------------------------------------
def _cholesky(xp: Any, x: Any) -> Any:
    if xp is not np:
        return jax_modules().lax.linalg.cholesky(x, symmetrize_input=False)
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError as error:
        raise refused("cholesky", "is not positive-definite", np.linalg.cholesky, x, error) from None


def _halved(x: Any) -> Any:
    """Φ: the lower triangle, with half of the diagonal."""
    return (tril(x, diagonal=0) + tril(x, diagonal=-1)) * 0.5


def _lower(a: Any, b: Any, transposed: bool = False) -> Any:
    """L⁻¹B, or L⁻ᵀB."""
    return solve_triangular(mT(a) if transposed else a, b, upper=transposed, unitriangular=False)


def _cholesky_vjp(g: Any, ans: Any) -> Any:
    # L⁻ᵀ Φ(LᵀG) L⁻¹, symmetrised: A is symmetric although the forward reads its lower triangle only
    p = _halved(matmul(mT(ans), g))
    s = _lower(ans, mT(_lower(ans, p + mT(p), True)), True)  # both triangles of Φ at once: the result is symmetric
    return s * 0.5


def _cholesky_jvp(t: Any, ans: Any) -> Any:
    # dL = L Φ(L⁻¹ dA L⁻ᵀ) for the symmetric part of dA
    t = (t + mT(t)) * 0.5
    return matmul(ans, _halved(mT(_lower(ans, mT(_lower(ans, t))))))


cholesky: Op = general("cholesky", _cholesky, vjp=[_cholesky_vjp], jvp=[_cholesky_jvp], floating=True)


# --- determinants -----------------------------------------------------------------------------------------------------
def _cofactor(xp: Any, x: Any) -> Any:
    # cof(A) = det(U) det(V) U diag(∏_{j≠i} s_j) Vᵀ: det(A) A⁻ᵀ where A has an inverse, and right where it has none
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    n = x.shape[-1]
    others = xp.where(np.eye(n, dtype=bool), xp.ones_like(s)[..., None, :], s[..., None, :]).prod(axis=-1)
    turns = (xp.linalg.det(u) * xp.linalg.det(vh))[..., None]
    return xp.matmul(u * (others * turns)[..., None, :], vh)


def _cofactor_rule(t: Any, x: Any, ans: Any) -> Any:
    # d cof(A) = tr(cof(A)ᵀ dA) A⁻ᵀ - A⁻ᵀ dAᵀ cof(A); back the same with cof(A) and A⁻ᵀ exchanged, which are
    # multiples of each other. It takes an inverse: at a singular matrix the determinant is differentiable only once.
    b = mT(inv(x))
    return _as_matrices(_inner(ans, t)) * b - matmul(matmul(b, mT(t)), ans)


def _cofactor_back(g: Any, x: Any, ans: Any) -> Any:
    b = mT(inv(x))
    return _as_matrices(_inner(b, g)) * ans - matmul(matmul(ans, mT(g)), b)


def _inner(a: Any, b: Any) -> Any:
    return sum_(a * b, axis=(-2, -1), keepdims=False)


def _as_matrices(x: Any) -> Any:
    return reshape(x, shape=(*x.shape, 1, 1))


#: The matrix of cofactors: the derivative of the determinant, also where there is no inverse.
cofactor: Op = general("cofactor", _cofactor, vjp=[_cofactor_back], jvp=[_cofactor_rule])

# d det(A) = tr(cof(A)ᵀ dA)
det: Op = general(
    "det",
    lambda xp, x: xp.linalg.det(x),
    vjp=[lambda g, x: _as_matrices(g) * cofactor(x)],
    jvp=[lambda t, x: _inner(cofactor(x), t)],
    floating=True,
)


def _slogdet_jvp(t: Any, x: Any, ans: Any) -> Any:
    return None, _inner(mT(inv(x)), t)


# d log|det(A)| = tr(A⁻¹ dA); the sign is flat
slogdet: Op = general(
    "slogdet",
    lambda xp, x: tuple(xp.linalg.slogdet(x)),
    vjp=[lambda g, x: None if g[1] is None else _as_matrices(g[1]) * mT(inv(x))],
    jvp=[_slogdet_jvp],
    floating=True,
)


# --- exponential ------------------------------------------------------------------------------------------------------
def _matrix_exp(xp: Any, x: Any) -> Any:
    if xp is not np:
        return jax_modules().jax.scipy.linalg.expm(x, max_squarings=48)
    from scipy.linalg import expm

    return expm(x) if x.size else x.copy()


def _frechet(x: Any, t: Any) -> Any:
    """The derivative of the exponential at A in the direction E: exp [A E; 0 A] has it in its upper right corner."""
    from gradwright.engine.ops.joining import cat, narrow

    n, rows = x.shape[-1], x.ndim - 2
    upper = cat(x, t, axis=rows + 1)
    lower = cat(t * 0, x, axis=rows + 1)
    both = matrix_exp(cat(upper, lower, axis=rows))
    return narrow(narrow(both, rows, 0, n), rows + 1, n, n)


matrix_exp: Op = general(
    "matrix_exp", _matrix_exp, vjp=[lambda g, x: _frechet(mT(x), g)], jvp=[lambda t, x: _frechet(x, t)], floating=True
)
