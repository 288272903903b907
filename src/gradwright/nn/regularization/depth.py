"""Stochastic depth: whole residual branches left out in training."""

from __future__ import annotations

from typing import Any, ClassVar

from gradwright.engine.creation import ones
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional.dropout import dropout
from gradwright.nn.module import Module
from gradwright.nn.regularization.penalty import check_number

__all__ = ["StochasticDepth", "depth_rates", "stochastic_depth"]


def stochastic_depth(input: Tensor, p: Any, mode: str = "row", training: bool = True) -> Tensor:
    """Set whole samples of a residual branch to 0 with probability ``p`` and scale the others by 1 / (1 - p).

    Parameters
    ----------
    input : (N, …)
        What the branch gives; add the shortcut to the result.
    p : float in [0, 1]
        The probability; it may be traced.
    mode : 'row' or 'batch'
        A draw for each sample, or one for the whole batch.
    training : bool
        Without it the input is returned.

    Raises
    ------
    ConfigError
        For another mode, or a ``p`` that is no probability.

    References
    ----------
    G. Huang et al., *Deep networks with stochastic depth* (ECCV 2016), equation 2; the scaling, done here in training,
    stands there in equation 5 for evaluation. Argument names are torchvision's.
    """
    if mode not in ("row", "batch"):
        raise ConfigError(f"stochastic_depth: mode must be 'row' or 'batch', got {mode!r}")
    if isinstance(p, int | float) and not 0 <= p <= 1:
        raise ConfigError(f"stochastic_depth: p is a probability, from 0 to 1; got {p}")
    if not training:
        return input
    if input.ndim == 0:
        raise ShapeError("stochastic_depth: expected an input (N, …), got a single number")
    rows = input.shape[0] if mode == "row" else 1
    return input * dropout(ones(rows, *(1 for _ in input.shape[1:]), dtype=input.dtype), p)


class StochasticDepth(Module):
    """Leave out a residual branch in training, for each sample or the batch; see :func:`stochastic_depth`.

    Parameters
    ----------
    p : float in [0, 1]
        The probability of leaving it out. A compiled step serves every value from one program.
    mode : 'row' or 'batch'
        A draw for each sample, or one for the whole batch.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> drop, x = nn.StochasticDepth(0.5), gw.ones(6, 3)
    >>> y = x + drop(2 * x)
    >>> set(y.numpy().ravel().tolist()) <= {1.0, 5.0}
    True

    References
    ----------
    G. Huang et al., *Deep networks with stochastic depth* (ECCV 2016).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("p",)

    def __init__(self, p: float, mode: str = "row") -> None:
        super().__init__()
        if not 0 <= check_number("StochasticDepth", "p", p) <= 1:
            raise ConfigError(f"StochasticDepth: p is a probability, from 0 to 1; got {p}")
        if mode not in ("row", "batch"):
            raise ConfigError(f"StochasticDepth: mode must be 'row' or 'batch', got {mode!r}")
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        """Return the branch's output with samples left out in training, unchanged in evaluation."""
        return stochastic_depth(input, self.p, self.mode, self.training)

    def extra_repr(self) -> str:
        """Return the arguments, as torchvision writes them."""
        return f"p={self.p}, mode={self.mode}"


def depth_rates(depth: int, p: float = 0.5) -> list[float]:
    """Return a rate for each of ``depth`` blocks, rising from nearly 0 to ``p`` at the last.

    Equation: p_l = l/L · p for l = 1 … L: early blocks, on whose features all others build, are seldom left out.

    Parameters
    ----------
    depth : int >= 1
        L, the number of residual blocks.
    p : float in [0, 1]
        The last block's rate.

    Examples
    --------
    >>> from gradwright import nn
    >>> nn.regularization.depth_rates(4, 0.5)
    [0.125, 0.25, 0.375, 0.5]

    References
    ----------
    G. Huang et al., *Deep networks with stochastic depth* (ECCV 2016), equation 4, which gives 1 - p_l.
    """
    if depth < 1 or not 0 <= p <= 1:
        raise ConfigError(f"depth_rates: needs at least one block and a probability, got depth={depth}, p={p}")
    return [l / depth * p for l in range(1, depth + 1)]
