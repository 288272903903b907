"""Automatic differentiation: Tensor, graph, both modes, and the operations with their rules."""

from gradwright.engine.anomaly import detect_anomaly
from gradwright.engine.creation import (
    arange,
    as_tensor,
    from_numpy,
    full,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from gradwright.engine.graph import graph
from gradwright.engine.mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from gradwright.engine.random import Generator, current_generator, manual_seed, rand, randn, use_generator
from gradwright.engine.tensor import Parameter, Tensor

__all__ = [
    "Generator",
    "Parameter",
    "Tensor",
    "arange",
    "as_tensor",
    "current_generator",
    "detect_anomaly",
    "enable_grad",
    "from_numpy",
    "full",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "manual_seed",
    "no_grad",
    "ones",
    "ones_like",
    "rand",
    "randn",
    "set_grad_enabled",
    "tensor",
    "use_generator",
    "zeros",
    "zeros_like",
]
