"""Automatic differentiation: Tensor, graph, both modes, and the operations with their rules."""

import gradwright.engine.tensor  # noqa: F401 - first: the function `tensor` then takes the name from the module
from gradwright.engine import creation as _creation
from gradwright.engine import from_data as _from_data
from gradwright.engine import questions as _questions
from gradwright.engine import random as _random
from gradwright.engine import settings as _settings
from gradwright.engine.anomaly import detect_anomaly
from gradwright.engine.autocast import autocast, is_autocast_enabled
from gradwright.engine.creation import *  # noqa: F403
from gradwright.engine.devices import device
from gradwright.engine.dtypes import (
    can_cast,
    finfo,
    get_default_dtype,
    iinfo,
    promote_types,
    result_type,
    set_default_dtype,
)
from gradwright.engine.from_data import *  # noqa: F403
from gradwright.engine.graph import graph
from gradwright.engine.mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from gradwright.engine.printing import set_printoptions
from gradwright.engine.questions import *  # noqa: F403
from gradwright.engine.random import *  # noqa: F403
from gradwright.engine.saving import load, save
from gradwright.engine.settings import *  # noqa: F403
from gradwright.engine.tensor import Parameter, Tensor

__all__ = [
    "Parameter",
    "Tensor",
    "autocast",
    "can_cast",
    "detect_anomaly",
    "device",
    "enable_grad",
    "finfo",
    "get_default_dtype",
    "graph",
    "iinfo",
    "inference_mode",
    "is_autocast_enabled",
    "is_grad_enabled",
    "load",
    "no_grad",
    "promote_types",
    "result_type",
    "save",
    "set_default_dtype",
    "set_grad_enabled",
    "set_printoptions",
    *_creation.__all__,
    *_from_data.__all__,
    *_questions.__all__,
    *_random.__all__,
    *_settings.__all__,
]
