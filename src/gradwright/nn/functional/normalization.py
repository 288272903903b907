"""Normalisations: over the batch, a layer, groups of channels, an instance, or neighbouring channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.engine.autocast import in_float32, widened
from gradwright.engine.mode import no_grad
from gradwright.engine.ops import normalization as norms
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional.checks import need_floats

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


@widened
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Standardise each channel, then scale and shift it.

    Equation: y = (x - μ) / sqrt(σ² + ε) · weight + bias. In training μ and σ² are the batch's, σ² biased, and the
    running statistics move by ``momentum`` toward μ and the *unbiased* variance; otherwise they are the running
    statistics.

    Parameters
    ----------
    input : (N, C), or (N, C, d1, …)
    running_mean, running_var, weight, bias : (C,), optional
    momentum : float in [0, 1]
        Weight of the new value.

    Raises
    ------
    ShapeError
        In training with a single value per channel: it has no variance.

    References
    ----------
    S. Ioffe and C. Szegedy, *Batch normalization* (ICML 2015), algorithm 1.
    """
    need_floats("batch_norm", input=input)
    if input.ndim < 2:
        raise ShapeError(f"batch_norm: expected (N, C) or (N, C, …), got {input.shape}")
    _channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if training:
        axes = tuple(i for i in range(input.ndim) if i != 1)
        count = input.numel() // max(input.shape[1], 1)
        if count < 2:
            raise ShapeError(
                f"batch_norm: one value per channel has no variance (input {input.shape}). "
                "Use a batch of at least 2 in training, or call eval()."
            )
        out, mean, var = norms.standardize(input, axis=axes, eps=eps)
        _move(running_mean, mean.reshape(-1), momentum)
        _move(running_var, var.reshape(-1), momentum, count / (count - 1))
    elif running_mean is None or running_var is None:
        raise ConfigError("batch_norm: outside training it needs running_mean and running_var; say training=True")
    else:
        column = _column(input)
        out = (input - running_mean.reshape(column)) * (running_var.reshape(column) + eps).rsqrt()
    return _scaled(out, weight, bias, _column(input))


@widened
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Standardise each channel of each row by itself, then scale and shift it.

    Equation: :func:`batch_norm`'s, with μ and σ² over the axes from the third on. Running statistics, where given, move
    toward the averages of μ and of the unbiased σ² over the rows.

    Parameters
    ----------
    input : (N, C, d1, …)
    running_mean, running_var, weight, bias : (C,), optional
    use_input_stats : bool
        Whether μ and σ² are the input's; otherwise the running statistics are used.

    References
    ----------
    D. Ulyanov, A. Vedaldi and V. Lempitsky, *Instance normalization* (arXiv:1607.08022).
    """
    need_floats("instance_norm", input=input)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ConfigError("instance_norm: without use_input_stats it needs running_mean and running_var")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if input.ndim < 2:
        raise ShapeError(f"instance_norm: expected (N, C, d1, …), got {input.shape}")
    _channels("instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    count = math.prod(input.shape[2:])
    if count == 1:
        raise ShapeError(f"instance_norm: one value per channel and row has no variance (input {input.shape})")
    out, mean, var = norms.standardize(input, axis=tuple(range(2, input.ndim)), eps=eps)
    over_rows = tuple(i for i in range(input.ndim) if i != 1)
    _move(running_mean, mean.mean(over_rows), momentum)
    _move(running_var, var.mean(over_rows), momentum, count / (count - 1))
    return _scaled(out, weight, bias, _column(input))


@widened
def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Standardise over the last axes, then scale and shift each place.

    Equation: y = (x - μ) / sqrt(σ² + ε) · weight + bias, σ² biased.

    Parameters
    ----------
    input : (…, *normalized_shape)
    weight, bias : normalized_shape, optional

    References
    ----------
    J. Ba, J. Kiros and G. Hinton, *Layer normalization* (arXiv:1607.06450).
    """
    axes = _last_axes("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    out, _, _ = norms.standardize(input, axis=axes, eps=eps)
    return _scaled(out, weight, bias, None)


@widened
def rms_norm(
    input: Tensor, normalized_shape: int | Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divide by the root of the mean square over the last axes, then scale each place.

    Equation: y = x / sqrt(mean(x²) + ε) · weight.

    Parameters
    ----------
    input : (…, *normalized_shape)
    weight : normalized_shape, optional
    eps : float, optional
        None takes the machine epsilon of the input's dtype.

    References
    ----------
    B. Zhang and R. Sennrich, *Root mean square layer normalization* (NeurIPS 2019).
    """
    axes = _last_axes("rms_norm", input, normalized_shape, weight=weight)
    if eps is None:
        eps = float(np.finfo(input.dtype).eps)
    return _scaled(norms.unit_rms(input, axis=axes, eps=eps), weight, None, None)


@widened
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Standardise each group of channels of each row, then scale and shift each channel.

    Parameters
    ----------
    input : (N, C, d1, …)
    num_groups : int
        Into how many groups of neighbours the C channels go.
    weight, bias : (C,), optional

    References
    ----------
    Y. Wu and K. He, *Group normalization* (ECCV 2018).
    """
    need_floats("group_norm", input=input)
    if input.ndim < 2:
        raise ShapeError(f"group_norm: expected (N, C, …), got {input.shape}")
    rows, channels = input.shape[:2]
    if num_groups < 1 or channels % num_groups:
        raise ConfigError(
            f"group_norm: {channels} channels (input {input.shape}) do not make {num_groups} equal groups"
        )
    _channels("group_norm", input, weight=weight, bias=bias)
    if rows * (channels // num_groups) * math.prod(input.shape[2:]) == 1:
        raise ShapeError(f"group_norm: one value per group has no variance (input {input.shape}, {num_groups} groups)")
    groups = input.reshape(rows, num_groups, math.prod(input.shape[1:]) // num_groups)
    out, _, _ = norms.standardize(groups, axis=(2,), eps=eps)
    return _scaled(out.reshape(input.shape), weight, bias, _column(input))


@in_float32
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide each element by a power of the squares around it in neighbouring channels.

    Equation: y = x / (k + α/n Σ x²)^β, over the n channels from ``size // 2`` before to ``(size - 1) // 2`` after.

    Parameters
    ----------
    input : (N, C, d1, …)
    size : int
        n; channels beyond the ends count as 0.

    References
    ----------
    A. Krizhevsky, I. Sutskever and G. Hinton, *ImageNet classification with deep convolutional neural networks*
    (NeurIPS 2012), section 3.3.
    """
    need_floats("local_response_norm", input=input)
    if input.ndim < 3:
        raise ShapeError(f"local_response_norm: expected (N, C, d1, …), got {input.shape}")
    if size < 1:
        raise ConfigError(f"local_response_norm: size counts channels, 1 or more; got {size}")
    around = norms.window_sum(input * input, axis=1, before=size // 2, after=(size - 1) // 2)
    return input / (around * (alpha / size) + k) ** beta


# --- tools ------------------------------------------------------------------------------------------------------------
def _column(input: Tensor) -> tuple[int, ...]:
    """Return the shape in which one number a channel broadcasts to the input."""
    return (1, -1) + (1,) * (input.ndim - 2)


def _channels(name: str, input: Tensor, **tensors: Tensor | None) -> None:
    for argument, tensor in tensors.items():
        if tensor is not None and tensor._array.shape != (input.shape[1],):
            raise ShapeError(
                f"{name}: {argument} needs one number for each of the {input.shape[1]} channels of input "
                f"{input.shape}; got {tensor.shape}"
            )


def _last_axes(
    name: str, input: Tensor, normalized_shape: int | Sequence[int], **tensors: Tensor | None
) -> tuple[int, ...]:
    need_floats(name, input=input)
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape:
        raise ConfigError(f"{name}: normalized_shape must name at least one axis, got ()")
    if len(shape) > input.ndim or input.shape[input.ndim - len(shape) :] != shape:
        raise ShapeError(f"{name}: normalized_shape {shape} does not end the input's shape {input.shape}")
    for argument, tensor in tensors.items():
        if tensor is not None and tensor.shape != shape:
            raise ShapeError(f"{name}: {argument} {tensor.shape} must have the shape {shape} that is normalised")
    return tuple(range(input.ndim - len(shape), input.ndim))


def _scaled(out: Tensor, weight: Tensor | None, bias: Tensor | None, column: tuple[int, ...] | None) -> Tensor:
    if weight is not None:
        out = out * (weight if column is None else weight.reshape(column))
    if bias is not None:
        out = out + (bias if column is None else bias.reshape(column))
    return out


def _move(running: Tensor | None, new: Tensor, momentum: Any, factor: float = 1.0) -> None:
    """Move a running statistic toward the new one."""
    if running is None:
        return
    with no_grad():
        if factor != 1.0:
            new = new * factor
        running._assign((running * (1 - momentum) + new * momentum).to(running.dtype))
