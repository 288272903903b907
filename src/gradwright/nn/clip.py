"""Gradient clipping, where PyTorch keeps it: ``gradwright.nn.utils``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from gradwright.backend import is_concrete
from gradwright.engine.mode import no_grad
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.row_sparse import RowSparse
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, NonFiniteError

__all__ = ["clip_grad_norm_", "clip_grad_norm_per_layer_", "clip_grad_value_"]


def _with_grad(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p for p in ([parameters] if isinstance(parameters, Tensor) else parameters) if p._grad is not None]


def _values(p: Tensor) -> Tensor:
    """Return the gradient's numbers: of a row-sparse one those of its rows, each row once."""
    if isinstance(p._grad, RowSparse):
        p._grad = p._grad.coalesce()
        return p._grad.values
    return p._grad


def _put_values(p: Tensor, values: Tensor) -> None:
    p._grad = p._grad.with_values(values) if isinstance(p._grad, RowSparse) else values


@no_grad()
def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: Any, norm_type: float = 2.0) -> Tensor:
    """Scale all gradients together so that their norm is at most ``max_norm``, and return the norm they had.

    Equation: g ← g · min(1, max_norm / (‖g‖ + 1e-6)), ‖·‖ over all gradients as one vector.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    max_norm : float > 0
        The bound.
    norm_type : float >= 1, or inf
        Which norm.

    Raises
    ------
    NonFiniteError
        When the norm is NaN or infinite: scaling by it would make every gradient NaN in silence. Inside a compiled
        step nothing can be raised; there the gradients are left as they are and the norm that is returned says it.

    References
    ----------
    R. Pascanu et al., *On the difficulty of training recurrent neural networks* (ICML 2013), algorithm 1.
    """
    params = _with_grad(parameters)
    if not params:
        return Tensor(np.zeros((), np.float32))
    total = _norm("clip_grad_norm_", params, norm_type)
    _scale(params, total, max_norm)
    return total


@no_grad()
def clip_grad_norm_per_layer_(
    layers: Iterable[Tensor | Iterable[Tensor]], max_norm: Any, norm_type: float = 2.0
) -> list[Tensor]:
    """Scale each layer's gradients so that their norm is at most ``max_norm``, and return the norms they had.

    Equation: g ← g · min(1, max_norm / (‖g‖ + 1e-6)), ‖·‖ over one layer's gradients as one vector. Unlike
    :func:`clip_grad_norm_` it changes the direction of the whole: a layer with a large gradient no longer shrinks the
    steps of the others.

    Parameters
    ----------
    layers : iterable of Tensor, or of iterables of Tensor
        Each item is a layer: one parameter, or several, as in ``[layer.parameters() for layer in model]``. Those
        without a gradient are passed over.
    max_norm : float > 0
        The bound, for each layer.
    norm_type : float >= 1, or inf
        Which norm.

    Returns
    -------
    list of Tensor
        Zero-dimensional, one for each layer that has a gradient.

    Raises
    ------
    NonFiniteError
        When a norm is NaN or infinite; nothing is changed then. In a compiled step that layer is left as it is.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright.nn.utils import clip_grad_norm_per_layer_
    >>> a, b = gw.zeros(2, requires_grad=True), gw.zeros(2, requires_grad=True)
    >>> (30 * a.sum() + 0.1 * b.sum()).backward()
    >>> _ = clip_grad_norm_per_layer_([a, b], 1.0)
    >>> a.grad, b.grad
    (tensor([0.7071, 0.7071]), tensor([0.1000, 0.1000]))
    """
    each = [params for params in map(_with_grad, layers) if params]
    norms = [_norm("clip_grad_norm_per_layer_", params, norm_type) for params in each]
    for params, norm in zip(each, norms, strict=True):
        _scale(params, norm, max_norm)
    return norms


def _norm(what: str, params: list[Tensor], norm_type: float) -> Tensor:
    """Return the norm of all gradients as one vector; raise when it is not finite."""
    grads = [_values(p) for p in params]
    total: Any = None
    if norm_type == float("inf"):
        for g in grads:
            top = g.abs().amax() if g.numel() else g.sum()
            total = top if total is None else ew.maximum(total, top)
    elif norm_type >= 1:
        for g in grads:
            part = (g * g).sum() if norm_type == 2 else g.abs().pow(norm_type).sum()
            total = part if total is None else total + part
        total = total.sqrt() if norm_type == 2 else total.pow(1.0 / norm_type)
    else:
        raise ConfigError(f"{what}: norm_type must be at least 1 or inf, got {norm_type}")
    if is_concrete(total._array) and not np.isfinite(total.item()):
        pairs = enumerate(zip(params, grads, strict=True))
        bad = [p.name or f"parameter {i}" for i, (p, g) in pairs if not np.isfinite(np.asarray(g)).all()]
        raise NonFiniteError(
            f"{what}: the gradient norm is {total.item()}; not finite: {', '.join(bad) or 'only the sum'}. "
            "Nothing was changed."
        )
    norm: Tensor = total
    return norm


def _scale(params: list[Tensor], norm: Any, max_norm: Any) -> None:
    """Scale gradients of this norm down to the largest one allowed."""
    factor = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    if not is_concrete(norm._array):
        factor = ew.where(norm - norm == 0, factor, 1.0)  # neither inf - inf nor NaN - NaN is 0
    for p in params:
        _put_values(p, _values(p) * factor)


@no_grad()
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Move each element of each gradient into [-clip_value, clip_value]."""
    for p in _with_grad(parameters):
        _put_values(p, _values(p).clamp(-clip_value, clip_value))
