"""All parameters as one vector and back, and the norm of many tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from gradwright.backend import is_concrete
from gradwright.engine.functions.joining import cat
from gradwright.engine.mode import no_grad
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, NonFiniteError, ShapeError

__all__ = ["get_total_norm", "parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all parameters as one vector, in their order; part of the graph.

    Examples
    --------
    >>> from gradwright import nn
    >>> nn.utils.parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    parts = [p.reshape(-1) for p in parameters]
    if not parts:
        raise ConfigError("parameters_to_vector: no parameters were given")
    return cat(parts)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Put the elements of a vector into the parameters, in their order.

    Parameters
    ----------
    vec : Tensor, (n,)
        As :func:`parameters_to_vector` gives it.
    parameters : iterable of Tensor
        Together n elements.

    Raises
    ------
    ShapeError
        When there are more or fewer; nothing is changed then.
    """
    into = list(parameters)
    count = sum(p.numel() for p in into)
    if vec.shape != (count,):
        raise ShapeError(f"vector_to_parameters: a tensor of shape {vec.shape} for parameters of {count} elements")
    start = 0
    with no_grad():
        for p in into:
            p.data = vec[start : start + p.numel()].reshape(p.shape).to(p.dtype)
            start += p.numel()


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
) -> Tensor:
    """Return the norm of all tensors taken as one vector.

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
        For instance gradients.
    norm_type : float > 0, or inf
        Which norm.
    error_if_nonfinite : bool
        Raise when it is NaN or infinite; inside a compiled step nothing can be raised.

    Raises
    ------
    NonFiniteError
        If asked for.
    """
    every = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not every:
        return Tensor(np.zeros((), np.float32))
    if norm_type == float("inf"):
        total: Any = every[0].abs().amax()
        for t in every[1:]:
            total = ew.maximum(total, t.abs().amax())
    elif norm_type > 0:
        powers = [t.abs().pow(norm_type).sum() for t in every]
        total = sum(powers[1:], powers[0]).pow(1.0 / norm_type)
    else:
        raise ConfigError(f"get_total_norm: norm_type must be above 0 or inf, got {norm_type}")
    if error_if_nonfinite and is_concrete(total._array) and not np.isfinite(total.item()):
        raise NonFiniteError(f"get_total_norm: the norm of order {norm_type} is {total.item()}")
    return total
