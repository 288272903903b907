"""Sampling images at places of one's own: affine grids, and what an image has between its pixels."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from gradwright.engine.autocast import in_float32
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing
from gradwright.engine.ops.rounding import floor, round
from gradwright.engine.ops.shape import expand, reshape
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, ShapeError
from gradwright.nn.functional.checks import need_floats

__all__ = ["affine_grid", "grid_sample"]

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")
_CUBIC = -0.75  # the slope of Keys' kernel at 1, as PyTorch's


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """Return for each place of the output the place of the input that an affine map sends it to.

    Equation: grid[n, i, j] = θ[n] · (xⱼ, yᵢ, 1). Coordinates run from -1 to 1 over the image: from the first pixel's
    outer edge to the last one's, or with ``align_corners`` from centre to centre.

    Parameters
    ----------
    theta : (N, 2, 3), or (N, 3, 4) for volumes
        The maps, from output to input.
    size : (N, C, H, W), or (N, C, D, H, W)
        Of the output; C does not matter.
    align_corners : bool, optional
        False unless given; give :func:`grid_sample` the same.

    Returns
    -------
    Tensor (N, H, W, 2) of (x, y), or (N, D, H, W, 3) of (x, y, z)

    Raises
    ------
    ShapeError
        When the maps do not fit the size.

    Examples
    --------
    >>> import gradwright as gw
    >>> same = gw.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> affine_grid(same, (1, 1, 1, 2))
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])

    References
    ----------
    M. Jaderberg et al., *Spatial transformer networks* (NeurIPS 2015), equation 1.
    """
    need_floats("affine_grid", theta=theta)
    shape = tuple(int(n) for n in size)
    n = len(shape) - 2
    if n not in (2, 3) or theta.shape != (shape[0], n, n + 1) or min(shape) < 1:
        raise ShapeError(
            f"affine_grid: theta {theta.shape} and size {shape}; expected (N, 2, 3) and (N, C, H, W), or (N, 3, 4) and "
            "(N, C, D, H, W), with the same N and no size below 1"
        )
    grid = theta[(slice(None), *(None,) * n, slice(None), n)]
    for k in range(n):  # the k-th coordinate runs along the k-th axis from the end
        length = shape[-1 - k]
        at = np.linspace(-1, 1, length) if length > 1 else np.zeros(1)
        if not align_corners:
            at = at * ((length - 1) / length)
        along = Tensor(at.astype(theta.dtype).reshape(-1, *(1,) * (k + 1)))
        grid = grid + along * theta[(slice(None), *(None,) * n, slice(None), k)]
    return grid


@in_float32
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """Return what the input has at the places that ``grid`` names, each pixel a point of its own weight.

    Equation: y[n, c, p] = Σ x[n, c, i] · Π w(gridₙₚ - i) over the pixels i about the place; w is the hat 1 - \\|t\\|
    for ``bilinear`` (trilinear in volumes), Keys' cubic with a = -¾ for ``bicubic``, and 1 for the nearest pixel alone.

    Parameters
    ----------
    input : (N, C, H, W) or (N, C, D, H, W)
    grid : (N, h, w, 2) of (x, y), or (N, d, h, w, 3) of (x, y, z), of the input's dtype
        Places, -1 to 1 over the image: see :func:`affine_grid`.
    mode : 'bilinear', 'nearest' or 'bicubic'
        ``bicubic`` takes no volumes. ``nearest`` rounds halves to even, and gives the grid the gradient 0.
    padding_mode : 'zeros', 'border' or 'reflection'
        What lies outside: 0, the nearest pixel of the edge, or the image mirrored at its edge.
    align_corners : bool, optional
        Whether -1 and 1 are the outermost pixels' centres, rather than their outer edges; False unless given.

    Returns
    -------
    Tensor (N, C, h, w), or (N, C, d, h, w)

    Raises
    ------
    ShapeError, DTypeError, ConfigError
        When input and grid do not fit, or an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([[[[1.0, 3.0]]]])
    >>> grid_sample(x, gw.tensor([[[[-0.5, 0.0], [0.0, 0.0], [1.0, 0.0]]]]))
    tensor([[[[1.0000, 2.0000, 1.5000]]]])

    References
    ----------
    M. Jaderberg et al., *Spatial transformer networks* (NeurIPS 2015), equations 3 to 7; R. Keys, *Cubic convolution
    interpolation* (IEEE ASSP 29, 1981).
    """
    n = _checked(input, grid, mode, padding_mode)
    count, channels, *lengths = input.shape
    corners = bool(align_corners)
    taps = []
    for axis, length in enumerate(lengths):  # (x, y, z) go with the axes from the last to the first
        at = reshape(grid[..., n - 1 - axis], shape=(count, -1))
        at = at + 1
        at = at * ((length - 1) / 2) if corners else (at * length - 1) / 2
        taps.append(_taps(at, length, mode, padding_mode, corners))
    flat = reshape(input, shape=(count, channels, math.prod(lengths)))
    out: Any = None
    for chosen in itertools.product(*taps):
        place, weight = chosen[0]
        for length, (index, w) in zip(lengths[1:], chosen[1:], strict=True):
            place, weight = place * length + index, weight * w
        places = expand(place[:, None], shape=(count, channels, place.shape[1]))
        part = indexing.gather(flat, places, axis=2) * weight[:, None]
        out = part if out is None else out + part
    return reshape(out, shape=(count, channels, *grid.shape[1:-1]))


def _checked(input: Any, grid: Any, mode: str, padding_mode: str) -> int:
    """Refuse what does not fit; return the number of spatial axes."""
    need_floats("grid_sample", input=input, grid=grid)
    n = input.ndim - 2
    if n not in (2, 3) or grid.ndim != n + 2 or grid.shape[-1] != n or grid.shape[0] != input.shape[0]:
        raise ShapeError(
            f"grid_sample: input {input.shape} and grid {grid.shape}; expected (N, C, H, W) and (N, h, w, 2), or "
            "(N, C, D, H, W) and (N, d, h, w, 3), with the same N"
        )
    if min(input.shape[2:]) < 1:
        raise ShapeError(f"grid_sample: the input {input.shape} has no pixels")
    if input.dtype != grid.dtype:
        raise DTypeError(f"grid_sample: input is {input.dtype} and grid {grid.dtype}; they must be the same")
    if mode not in _MODES or (mode == "bicubic" and n == 3):
        raise ConfigError(f"grid_sample: mode is one of {', '.join(_MODES)} (not for volumes); got {mode!r}")
    if padding_mode not in _PADDINGS:
        raise ConfigError(f"grid_sample: padding_mode is one of {', '.join(_PADDINGS)}; got {padding_mode!r}")
    return n


def _taps(at: Tensor, length: int, mode: str, padding_mode: str, corners: bool) -> list[tuple[Tensor, Tensor]]:
    """Return for one axis the pixels about each place, as (index, weight)."""
    if mode != "bicubic":
        at = _inside(at, length, padding_mode, corners)
    below = (round if mode == "nearest" else floor)(at.detach())
    t = at - below
    if mode == "nearest":
        steps: list[tuple[int, Any]] = [(0, round(at) - below + 1)]  # 1, with a gradient of 0
    elif mode == "bilinear":
        steps = [(0, 1 - t), (1, t)]
    else:
        steps = [(-1, _far(t + 1)), (0, _near(t)), (1, _near(1 - t)), (2, _far(2 - t))]
    out = []
    for step, weight in steps:
        index = below + step
        if mode == "bicubic":
            index = _inside(index, length, padding_mode, corners)
        there = (index >= 0) & (index < length)  # false for NaN, too
        out.append((ew.cast(ew.where(there, index, 0.0), dtype=np.dtype(np.int32)), ew.where(there, weight, 0.0)))
    return out


def _near(t: Tensor) -> Tensor:
    return ((_CUBIC + 2) * t - (_CUBIC + 3)) * t * t + 1


def _far(t: Tensor) -> Tensor:
    return ((_CUBIC * t - 5 * _CUBIC) * t + 8 * _CUBIC) * t - 4 * _CUBIC


def _inside(at: Tensor, length: int, padding_mode: str, corners: bool) -> Tensor:
    """Bring places outside back into the image, as the padding says; there, the edge has no gradient."""
    if padding_mode == "zeros":
        return at
    if padding_mode == "reflection":
        low, span = (0.0, float(length - 1)) if corners else (-0.5, float(length))
        if span == 0:
            return ew.zeros_like(at)
        at = (at - low).abs()
        turns = floor(at.detach() / span)
        rest = at - turns * span
        at = ew.where(turns.detach() % 2 == 0, rest, span - rest) + low
    inside = (at > 0) & (at < length - 1)
    return ew.where(inside, at, at.detach().clamp(0, length - 1))
