"""Mixed precision under PyTorch's name for it."""

from gradwright.engine.autocast import autocast, is_autocast_enabled
from gradwright.engine.missing import explained

__all__ = ["autocast", "is_autocast_enabled"]

__getattr__ = explained("gradwright.amp", globals())
