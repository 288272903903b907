"""A bound on the length of each unit's incoming weights, held after every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from gradwright.backend import is_concrete, namespace
from gradwright.engine.base import settle
from gradwright.errors import ConfigError
from gradwright.nn.module import Module
from gradwright.nn.regularization.penalty import check_number
from gradwright.nn.weights import Weight, chosen_weights

__all__ = ["MaxNorm", "max_norm_"]


def max_norm_(model: Module, max_norm: Any, patterns: str | Sequence[str] | None = None) -> Module:
    """Shorten each unit's incoming weights that are longer than a bound; call it after ``optimizer.step()``.

    Equation: w ← w · min(1, c / ‖w‖₂) for the weights w that lead into one unit: a row of a linear layer's matrix, a
    filter of a convolution with all its input channels.

    Parameters
    ----------
    model : Module
    max_norm : float > 0
        c.
    patterns : str or sequence of str, optional
        Which layers, as in :class:`Penalty`; unless given, all weights. Vectors such as biases are passed over.

    Returns
    -------
    Module
        The model.

    Raises
    ------
    ConfigError
        When ``max_norm`` is not above 0, or there is nothing to bound.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Linear(2, 2)
    >>> net.weight.data.copy_(gw.tensor([[3.0, 4.0], [0.3, 0.4]])).shape
    (2, 2)
    >>> nn.regularization.max_norm_(net, 1.0).weight.detach()
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])

    References
    ----------
    N. Srebro and A. Shraibman, *Rank, trace-norm and max-norm* (COLT 2005); with dropout in N. Srivastava et al.,
    *Dropout* (JMLR 15, 2014), section 5.1.
    """
    if is_concrete(max_norm):
        check_number("max_norm_", "max_norm", max_norm, above=True)
    bounded = [w for w in chosen_weights("max_norm_", model, patterns) if w.parameter.ndim >= 2]
    if not bounded:
        raise ConfigError("max_norm_: none of the chosen parameters has units (at least 2 axes); nothing would be done")
    for w in bounded:
        array = settle(w.parameter)
        xp = namespace([array, max_norm])
        grouped, axes = _units(w, array)
        lengths = xp.sqrt((grouped * grouped).sum(axes, keepdims=True))
        # where all is within the bound nothing may change, not even by rounding; and 0/0 must not arise
        factor = xp.where(lengths > max_norm, max_norm / xp.where(lengths > 0, lengths, 1), 1)
        w.parameter._set((grouped * factor.astype(array.dtype)).reshape(array.shape))
    return model


def _units(w: Weight, array: Any) -> tuple[Any, tuple[int, ...]]:
    """Return the weight and the axes along which one unit's incoming weights lie."""
    if not type(w.module).__name__.startswith("ConvTranspose"):
        return array, tuple(range(1, array.ndim))
    # (in, out / groups, …): a group's outputs see its own part of the first axis
    groups = getattr(w.module, "groups", 1)
    grouped = array.reshape(groups, array.shape[0] // groups, *array.shape[1:])
    return grouped, (1, *range(3, grouped.ndim))


class MaxNorm(Module):
    """:func:`max_norm_` with a bound that a compiled step reads anew and each member of a population has of its own.

    Parameters
    ----------
    max_norm : float > 0
        The bound.
    patterns : str or sequence of str, optional
        Which layers.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net, bound = nn.Linear(10, 3), nn.regularization.MaxNorm(0.1)
    >>> bool((bound(net).weight.norm(dim=1) <= 0.1 + 1e-6).all())
    True
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("max_norm",)

    def __init__(self, max_norm: float, patterns: str | Sequence[str] | None = None) -> None:
        super().__init__()
        self.max_norm = check_number("MaxNorm", "max_norm", max_norm, above=True)
        self.patterns = patterns

    def forward(self, model: Module) -> Module:
        """Shorten the model's weights and return it."""
        return max_norm_(model, self.max_norm, self.patterns)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"max_norm={self.max_norm}" + ("" if self.patterns is None else f", patterns={self.patterns!r}")
