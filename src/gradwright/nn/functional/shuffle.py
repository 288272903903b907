"""Channels into pixels and back."""

from __future__ import annotations

from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError

__all__ = ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Lay r² channels out as r × r pixels: (…, C r², H, W) to (…, C, H r, W r).

    References
    ----------
    W. Shi et al., *Real-time single image and video super-resolution* (CVPR 2016).
    """
    *lead, channels, height, width = _picture("pixel_shuffle", input, upscale_factor)
    r = upscale_factor
    if channels % (r * r):
        raise ShapeError(f"pixel_shuffle: {channels} channels (input {input.shape}) are no multiple of {r}² = {r * r}")
    n = len(lead)
    split = input.reshape(*lead, channels // (r * r), r, r, height, width)
    order = (*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    return split.permute(*order).reshape(*lead, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Take the r × r pixels of each block apart into channels: (…, C, H r, W r) to (…, C r², H, W)."""
    *lead, channels, height, width = _picture("pixel_unshuffle", input, downscale_factor)
    r = downscale_factor
    if height % r or width % r:
        raise ShapeError(
            f"pixel_unshuffle: {height} × {width} pixels (input {input.shape}) do not make {r} × {r} blocks"
        )
    n = len(lead)
    split = input.reshape(*lead, channels, height // r, r, width // r, r)
    order = (*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    return split.permute(*order).reshape(*lead, channels * r * r, height // r, width // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Deal the channels of a (N, C, d1, …) input from ``groups`` piles in turn.

    References
    ----------
    X. Zhang et al., *ShuffleNet* (CVPR 2018).
    """
    need_tensor("channel_shuffle", input)
    if input.ndim < 3:
        raise ShapeError(f"channel_shuffle: expected (N, C, d1, …), got {input.shape}")
    rows, channels, *rest = input.shape
    if groups < 1 or channels % groups:
        raise ConfigError(
            f"channel_shuffle: {channels} channels (input {input.shape}) do not make {groups} equal groups"
        )
    split = input.reshape(rows, groups, channels // groups, *rest)
    return split.transpose(1, 2).reshape(input.shape)


native_channel_shuffle = channel_shuffle


def _picture(name: str, input: Tensor, factor: int) -> tuple[int, ...]:
    need_tensor(name, input)
    if input.ndim < 3:
        raise ShapeError(f"{name}: expected (…, C, H, W), got {input.shape}")
    if factor < 1:
        raise ConfigError(f"{name}: the factor counts pixels, 1 or more; got {factor}")
    return input.shape
