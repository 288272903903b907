"""Derivatives as functions: ``gradwright.autograd``."""

from gradwright.engine.ahead import jvp
from gradwright.engine.anomaly import detect_anomaly
from gradwright.engine.function import Function
from gradwright.engine.gradcheck import GradcheckError, gradcheck, gradgradcheck
from gradwright.engine.mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from gradwright.engine.reverse import backward, grad

__all__ = [
    "Function",
    "GradcheckError",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "jvp",
    "no_grad",
    "set_grad_enabled",
]
