"""Derivatives as functions: ``gradwright.autograd``."""

from gradwright.engine.ahead import jvp
from gradwright.engine.gradcheck import GradcheckError, gradcheck, gradgradcheck
from gradwright.engine.reverse import backward, grad

__all__ = ["GradcheckError", "backward", "grad", "gradcheck", "gradgradcheck", "jvp"]
