"""Tools under the name that PyTorch gives them: ``gradwright.utils``."""

from gradwright.utils import data

__all__ = ["data"]
