"""An operation's other arguments in words: axes, shapes, indices."""

from __future__ import annotations

from typing import Any

__all__ = ["argument_words"]

_LONGEST = 60


def argument_words(value: Any) -> str:
    """Write an argument as its user would have.

    Examples
    --------
    >>> import numpy as np
    >>> argument_words((slice(None), slice(1, None, 2), 3)), argument_words(np.zeros((4, 2)))
    (':, 1::2, 3', 'array (4, 2)')
    """
    text = _words(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _words(value: Any) -> str:
    if isinstance(value, slice):
        start, stop, step = ("" if part is None else str(part) for part in (value.start, value.stop, value.step))
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    if isinstance(value, tuple) and any(isinstance(part, slice) for part in value):
        return ", ".join(map(_words, value))
    if value is Ellipsis:
        return "…"
    if isinstance(value, type):
        return value.__name__
    if getattr(value, "ndim", 0):
        return f"array {tuple(value.shape)}"
    return str(value)
