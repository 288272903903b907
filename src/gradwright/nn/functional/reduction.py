"""From a loss for each element to what was asked for: 'none', 'mean' or 'sum'."""

from __future__ import annotations

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError

__all__ = ["chosen", "reduced"]


def chosen(
    reduction: str,
    size_average: bool | None = None,
    reduce: bool | None = None,
    names: tuple[str, ...] = ("mean", "sum", "none"),
) -> str:
    """Return the reduction that the three arguments ask for: the two old ones, where given, overrule the name.

    Raises
    ------
    ConfigError
        When there is no reduction of this name.
    """
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in names:
        raise ConfigError(f"reduction must be {', '.join(map(repr, names[:-1]))} or {names[-1]!r}, got {reduction!r}")
    return reduction


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """Return the mean or the sum of all elements, or the elements."""
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()
