"""What activations share.

Slopes, thresholds and the like are hyperparameters: a compiled step serves every value from one program. With
``inplace`` the result takes the input's place, for everybody who shows it.
"""

from __future__ import annotations

from typing import Any

from gradwright.engine.functions.inplace import put
from gradwright.engine.ops.elementwise import identity
from gradwright.nn.module import Module

__all__ = ["InPlace", "Shown"]


class Shown(Module):
    """An activation that prints its hyperparameters, and ``inplace`` where it was asked for."""

    inplace: bool = False

    def extra_repr(self) -> str:
        """Return the arguments."""
        shown = [f"{name}={getattr(self, name)}" for name in self.hyperparameters]
        return ", ".join([*shown, "inplace=True"] if self.inplace else shown)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.inplace:
            return super().__call__(*args, **kwargs)
        # of the input under another name, for what backward needs of it must not count as written over
        return put(args[0], super().__call__(identity(args[0]), *args[1:], **kwargs))


class InPlace(Shown):
    """An activation whose only argument is ``inplace``: whether the result takes the input's place."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace
