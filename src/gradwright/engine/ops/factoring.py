"""QR, symmetric eigenvalues, singular values and the pseudo-inverse, batched over the leading axes.

The rules are those of Seeger, Hetzel, Dai, Meissner and Lawrence 2017, "Auto-differentiating linear algebra"; Townsend
2016, "Differentiating the singular value decomposition"; Golub and Pereyra 1973 for the pseudo-inverse. In the comments
A is the input, dA a tangent, G_Q the upstream gradient of Q; ∘ multiplies element by element.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import Op, general
from gradwright.engine.ops.arranging import diagonal, put_diagonal, tril, triu
from gradwright.engine.ops.elementwise import where
from gradwright.engine.ops.joining import cat, narrow
from gradwright.engine.ops.linalg import matmul
from gradwright.engine.ops.matrices import mT, solve_triangular
from gradwright.engine.ops.shape import reshape
from gradwright.errors import GraphError, LinAlgError

__all__ = ["eigh", "pinv", "qr", "svd"]


def _total(parts: list[Any]) -> Any:
    """Add up what is there."""
    total: Any = None
    for part in parts:
        if part is not None:
            total = part if total is None else total + part
    return total


def _as_diagonal(x: Any) -> Any:
    n = x.shape[-1]
    return put_diagonal(x, shape=(*x.shape, n), offset=0, axis1=x.ndim - 1, axis2=x.ndim)


def _columns(x: Any) -> Any:
    """A vector that multiplies each column of a matrix by a number of its own."""
    return reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))


def _rows(x: Any) -> Any:
    """A vector that multiplies each row of a matrix by a number of its own."""
    return reshape(x, shape=(*x.shape, 1))


def _gaps(x: Any) -> Any:
    """1 / (xⱼ - xᵢ) off the diagonal, where it is 0; infinite between equal numbers, which have no order to keep."""
    same = np.eye(x.shape[-1], dtype=bool)
    gap = where(same, 1.0, _columns(x) - _rows(x))
    return where(same, 0.0, 1.0 / gap)


# --- QR ---------------------------------------------------------------------------------------------------------------
def _refuse_completed(q: Any, r: Any) -> None:
    if q.shape[-1] > r.shape[-1]:
        raise GraphError(
            f"linalg.qr: with mode='complete' the last {q.shape[-1] - r.shape[-1]} columns of Q {tuple(q.shape)} "
            "may be turned at will, so they have no derivative; use mode='reduced'"
        )


def _over(x: Any, r: Any, transposed: bool = False) -> Any:
    """X R⁻¹, or X R⁻ᵀ."""
    return mT(solve_triangular(r if transposed else mT(r), mT(x), upper=transposed, unitriangular=False))


def _qr_vjp(g: Any, ans: Any) -> Any:
    # (G_Q + Q copyltu(M)) R⁻ᵀ with M = R G_Rᵀ - G_Qᵀ Q, its lower triangle copied onto the upper one
    (q, r), (g_q, g_r) = ans, g
    _refuse_completed(q, r)
    m = _total([None if g_r is None else matmul(r, mT(g_r)), None if g_q is None else -matmul(mT(g_q), q)])
    folded = matmul(q, tril(m, diagonal=0) + mT(tril(m, diagonal=-1)))
    return _over(folded if g_q is None else g_q + folded, r, transposed=True)


def _qr_jvp(t: Any, ans: Any) -> Any:
    # with W = dA R⁻¹ and C = QᵀW: dR = Y R and dQ = W - Q Y, where Y is C with its lower triangle folded onto the upper
    q, r = ans
    _refuse_completed(q, r)
    w = _over(t, r)
    c = matmul(mT(q), w)
    y = triu(c, diagonal=0) + mT(tril(c, diagonal=-1))
    return w - matmul(q, y), matmul(y, r)


#: Q and R of matrices with at least as many rows as columns; the public function puts wide ones together from this.
qr: Op = general(
    "qr",
    lambda xp, x, *, complete: tuple(xp.linalg.qr(x, mode="complete" if complete else "reduced")),
    vjp=[_qr_vjp],
    jvp=[_qr_jvp],
)


# --- symmetric eigenvalues --------------------------------------------------------------------------------------------
def _eigh(xp: Any, x: Any, *, lower: bool) -> Any:
    if xp is np:
        return tuple(np.linalg.eigh(x, "L" if lower else "U"))
    return tuple(xp.linalg.eigh(x, "L" if lower else "U", symmetrize_input=False))


def _symmetric(x: Any) -> Any:
    return (x + mT(x)) * 0.5


def _eigh_vjp(g: Any, ans: Any) -> Any:
    # V (diag(G_w) + VᵀG_V ∘ F) Vᵀ, F = 1 / (wⱼ - wᵢ) off the diagonal; symmetrised, as A is
    (w, v), (g_w, g_v) = ans, g
    middle = _total(
        [None if g_w is None else _as_diagonal(g_w), None if g_v is None else matmul(mT(v), g_v) * _gaps(w)]
    )
    return matmul(matmul(v, _symmetric(middle)), mT(v))


def _eigh_jvp(t: Any, ans: Any) -> Any:
    # with dP = Vᵀ dA V: dw = diag(dP), dV = V (dP ∘ F)
    w, v = ans
    p = matmul(matmul(mT(v), _symmetric(t)), v)
    return diagonal(p), matmul(v, p * _gaps(w))


eigh: Op = general("eigh", _eigh, vjp=[_eigh_vjp], jvp=[_eigh_jvp])


# --- singular values --------------------------------------------------------------------------------------------------
def _first(x: Any, axis: int, n: int) -> Any:
    """Return the first ``n`` rows (axis -2) or columns (axis -1)."""
    return x if x.shape[axis] == n else narrow(x, x.ndim + axis, 0, n)


def _svd(xp: Any, x: Any, *, full: bool) -> Any:
    try:
        return tuple(xp.linalg.svd(x, full_matrices=full))
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.svd: {error}, for the input of shape {tuple(x.shape)}; has it NaN?") from None


def _outside(x: Any, u: Any) -> Any:
    """(I - U Uᵀ) X: what lies outside the span of U's columns."""
    return x - matmul(u, matmul(mT(u), x))


def _svd_vjp(g: Any, ans: Any) -> Any:
    # with E = sⱼ² - sᵢ² and sk(X) = X - Xᵀ:
    #   U [(sk(UᵀG_U) / E) S + S (sk(VᵀG_V) / E) + diag(G_s)] Vᵀ + (I - U Uᵀ) G_U S⁻¹ Vᵀ + U S⁻¹ G_Vᵀ (I - V Vᵀ)
    # Of full matrices only the first columns have a gradient: the others may be turned at will.
    (u, s, vh), (g_u, g_s, g_vh) = ans, g
    k = s.shape[-1]
    u, v = _first(u, -1, k), mT(_first(vh, -2, k))
    middle, left, right = [None if g_s is None else _as_diagonal(g_s)], None, None
    if g_u is not None:
        g_u = _first(g_u, -1, k)
        turn = matmul(mT(u), g_u)
        middle.append((turn - mT(turn)) * _gaps(s * s) * _columns(s))
        if u.shape[-2] > k:
            left = matmul(_outside(g_u, u) / _columns(s), mT(v))
    if g_vh is not None:
        g_v = mT(_first(g_vh, -2, k))
        turn = matmul(mT(v), g_v)
        middle.append((turn - mT(turn)) * _gaps(s * s) * _rows(s))
        if v.shape[-2] > k:
            right = matmul(u, mT(_outside(g_v, v) / _columns(s)))
    return _total([matmul(matmul(u, _total(middle)), mT(v)), left, right])


def _svd_jvp(t: Any, ans: Any, full: bool) -> Any:
    # with dP = Uᵀ dA V: ds = diag(dP), dU = U ((dP S + S dPᵀ) / E) + (I - U Uᵀ) dA V S⁻¹, and V likewise from dAᵀ
    u, s, vh = ans
    k = s.shape[-1]
    u_all, v_all, u, v = u, mT(vh), _first(u, -1, k), mT(_first(vh, -2, k))
    p, f = matmul(matmul(mT(u), t), v), _gaps(s * s)
    du = matmul(u, (p * _columns(s) + mT(p) * _rows(s)) * f)
    dv = matmul(v, (p * _rows(s) + mT(p) * _columns(s)) * f)
    if u.shape[-2] > k:
        du = du + _outside(matmul(t, v), u) / _columns(s)
    if v.shape[-2] > k:
        dv = dv + _outside(matmul(mT(t), u), v) / _columns(s)
    return _completed(du, u, u_all), diagonal(p), mT(_completed(dv, v, v_all))


def _completed(d: Any, u: Any, u_all: Any) -> Any:
    """Give the further columns of full matrices the tangent that keeps them at right angles to the first ones."""
    k = u.shape[-1]
    if u_all.shape[-1] == k:
        return d
    rest = narrow(u_all, u_all.ndim - 1, k, u_all.shape[-1] - k)
    return cat(d, -matmul(u, matmul(mT(d), rest)), axis=d.ndim - 1)


svd: Op = general("svd", _svd, vjp=[_svd_vjp], jvp=[_svd_jvp])


# --- pseudo-inverse ---------------------------------------------------------------------------------------------------
def _pinv(xp: Any, x: Any, *, atol: Any, rtol: Any, hermitian: bool) -> Any:
    """Invert the singular values above max(``atol``, largest · ``rtol``); each tolerance a number, or one a matrix."""
    if 0 in x.shape:
        return xp.swapaxes(x, -1, -2)
    if hermitian:
        w, u = _eigh(xp, x, lower=True)
        vh = xp.swapaxes(u, -1, -2)
    else:
        u, w, vh = _svd(xp, x, full=False)
    size = xp.abs(w)
    low = xp.maximum(xp.asarray(atol)[..., None], size.max(axis=-1, keepdims=True) * xp.asarray(rtol)[..., None])
    kept = size > low
    inverse = xp.where(kept, 1 / xp.where(kept, w, 1), 0).astype(x.dtype)
    return xp.matmul(xp.swapaxes(vh, -1, -2) * inverse[..., None, :], xp.swapaxes(u, -1, -2))


def _pinv_vjp(g: Any, x: Any, ans: Any) -> Any:
    # with P the output: -Pᵀ G Pᵀ + (I - A P) Gᵀ P Pᵀ + Pᵀ P Gᵀ (I - P A)
    g, p = mT(g), mT(ans)
    right, left = matmul(matmul(g, ans), p), matmul(p, matmul(ans, g))
    return (right - matmul(x, matmul(ans, right))) + (left - matmul(matmul(left, ans), x)) - matmul(matmul(p, mT(g)), p)


def _pinv_jvp(t: Any, x: Any, ans: Any) -> Any:
    # dP = -P dA P + P Pᵀ dAᵀ (I - A P) + (I - P A) dAᵀ Pᵀ P, where the rank does not change
    h, p = mT(t), mT(ans)
    left, right = matmul(matmul(ans, p), h), matmul(matmul(h, p), ans)
    return (left - matmul(matmul(left, x), ans)) + (right - matmul(ans, matmul(x, right))) - matmul(matmul(ans, t), ans)


pinv: Op = general("pinv", _pinv, vjp=[_pinv_vjp], jvp=[_pinv_jvp], floating=True)
