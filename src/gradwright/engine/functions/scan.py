"""Functions that run along ``dim``: cumulative sums, products, maxima; differences; areas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axis_of, numpy_names
from gradwright.engine.functions.results import pair
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing, joining, scan
from gradwright.engine.ops.shape import reshape
from gradwright.errors import ConfigError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid", "diff", "logcumsumexp", "trapezoid", "trapz",
]  # fmt: skip


def _along(name: str, op: Any, input: Any, dim: Any, dtype: Any = None, **meta: Any) -> Any:
    """Run an operation along an axis; a number without axes is a row of one."""
    need_tensor(name, input)
    axis = axis_of(name, input.shape, dim)
    if dtype is not None:
        return _along(name, op, input.to(dtype), dim, **meta).to(dtype)
    if input.ndim:
        return op(input, axis=axis, **meta)
    return reshape(op(reshape(input, shape=(1,)), axis=0, **meta), shape=())


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the sums of the first, the first two, … elements along ``dim``; integers add up in int64."""
    return _along("cumsum", scan.cumsum, input, dim, dtype)


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the products of the first, the first two, … elements; the gradient is right also where they are 0."""
    return _along("cumprod", scan.cumprod, input, dim, dtype)


@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Return log Σ eˣ over the first, the first two, … elements along ``dim``, without overflow."""
    return _along("logcumsumexp", scan.logcumsumexp, input, dim)


@numpy_names
def cummax(input: Tensor, dim: int) -> Any:
    """Return the largest element so far and its index (the latest of equal ones), as ``values`` and ``indices``."""
    return _cumulative("cummax", input, dim, True)


@numpy_names
def cummin(input: Tensor, dim: int) -> Any:
    """Return the smallest element so far and its index (the latest of equal ones), as ``values`` and ``indices``."""
    return _cumulative("cummin", input, dim, False)


def _cumulative(name: str, input: Any, dim: Any, largest: bool) -> Any:
    index = _along(name, scan.cummax_index, input, dim, largest=largest)
    if not input.ndim:
        return pair(name, ew.identity(input), index)
    return pair(name, indexing.gather(input, index, axis=axis_of(name, input.shape, dim)), index)


def _part(input: Any, axis: int, part: slice) -> Any:
    return indexing.getitem(input, index=(*(slice(None),) * axis, part))


@numpy_names
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Return each element's difference to the one before it along ``dim``, ``n`` times over.

    Parameters
    ----------
    prepend, append : Tensor, optional
        Put before and after ``input`` first; of its shape but for ``dim``.
    """
    need_tensor("diff", input)
    if not input.ndim:
        raise ShapeError(f"diff: a tensor of shape {input.shape} has no axis to take differences along")
    if n < 0:
        raise ConfigError(f"diff: n is how often differences are taken, from 0; got {n}")
    axis = axis_of("diff", input.shape, dim)
    for name, more in (("prepend", prepend), ("append", append)):
        if more is not None and (
            more.ndim != input.ndim or any(more.shape[a] != input.shape[a] for a in range(input.ndim) if a != axis)
        ):
            raise ShapeError(f"diff: {name} {more.shape} does not fit {input.shape} but for dim {axis}")
    if n == 0:
        return ew.identity(input)
    parts = [p for p in (prepend, input, append) if p is not None]
    out = joining.cat(*parts, axis=axis) if len(parts) > 1 else input
    for _ in range(min(n, out.shape[axis])):
        later, earlier = _part(out, axis, slice(1, None)), _part(out, axis, slice(0, -1))
        out = ew.ne(later, earlier) if out.dtype.kind == "b" else later - earlier
    return out


def _panels(name: str, y: Any, x: Any, dx: Any, dim: Any) -> tuple[Any, int]:
    """Return the areas between neighbours, and the axis."""
    need_tensor(name, y)
    if not y.ndim:
        raise ShapeError(f"{name}: a tensor of shape {y.shape} has no axis to run along")
    axis = axis_of(name, y.shape, dim)
    heights = (_part(y, axis, slice(1, None)) + _part(y, axis, slice(0, -1))) / 2
    if x is None:
        return heights * (1 if dx is None else dx), axis
    if x.ndim == 1:
        if x.shape[0] != y.shape[axis]:
            raise ShapeError(f"{name}: x {x.shape} does not fit y {y.shape} along dim {axis}")
        x = reshape(x, shape=tuple(-1 if a == axis else 1 for a in range(y.ndim)))
    return heights * diff(x, 1, axis - y.ndim), axis


@numpy_names
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """Return the area under straight lines through the points, ``x`` or ``dx`` (1) apart."""
    panels, axis = _panels("trapezoid", y, x, dx, dim)
    return panels.sum(axis - y.ndim)


@numpy_names
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """Return the areas under straight lines up to each point but the first."""
    panels, axis = _panels("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(panels, axis - y.ndim)


trapz = trapezoid


class ScanMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    cummax = cummax
    cummin = cummin
    cumprod = cumprod
    cumsum = cumsum
    diff = diff
    logcumsumexp = logcumsumexp
