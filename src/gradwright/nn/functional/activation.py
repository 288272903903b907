"""Activation functions: the engine's, under the name by which layers call them."""

from gradwright.engine.functions import activation as _functions
from gradwright.engine.functions.activation import *  # noqa: F403

# the softmax family takes more arguments here: see softmax.py
__all__ = [name for name in _functions.__all__ if name not in ("log_softmax", "softmax", "softmin")]
