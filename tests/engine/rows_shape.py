"""The battery's rows of operations that move elements: joining, splitting, turning, windows, sums over named axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from gradwright.engine.op import OPERATIONS

from .operations import Row, Sample, listed, real, shaped, truth, whole

Shape = tuple[int, ...]


def joined(outs: Any) -> Any:
    """All outputs in a row."""
    flat = [out.reshape(-1) for out in outs]
    return torch.cat(flat) if isinstance(flat[0], torch.Tensor) else OPERATIONS["cat"](*flat, axis=0)


def some_of(outs: Any) -> Any:
    """The second output only: nothing arrives at the others."""
    return outs[1] * 2


def each(draw: Any, meta: dict[str, Any], *shapes: Shape) -> tuple[Any, dict[str, Any]]:
    return shaped(draw, *shapes), meta


CATS = (
    each(real, {"axis": 0}, (2,), (3,), (1,)),
    each(real, {"axis": 1}, (2, 1), (2, 3)),
    each(real, {"axis": 0}, (2, 3)),
    each(real, {"axis": 1}, (2, 0, 2), (2, 2, 2), (2, 1, 2)),
    each(real, {"axis": 1}, (0,), (2, 3), (0,), (2, 1)),  # empty vectors go with anything
    each(real, {"axis": 0}, (0,), (0,)),
    each(whole, {"axis": 0}, (2,), (1,)),
    each(truth, {"axis": 0}, (2,), (1,)),
    (lambda r: (whole(r, 2, 2), real(r, 1, 2), truth(r, 1, 2)), {"axis": 0}),
)
STACKS = (
    each(real, {"axis": 0}, (2,), (2,), (2,)),
    each(real, {"axis": 1}, (2, 3), (2, 3)),
    each(real, {"axis": 2}, (2, 3), (2, 3)),
    each(real, {"axis": 0}, (), ()),
    each(real, {"axis": 0}, (2, 0), (2, 0)),
    (lambda r: (whole(r, 2), real(r, 2)), {"axis": 0}),
)
UNBINDS = (
    each(real, {"axis": 0}, (3,)),
    each(real, {"axis": 0}, (2, 3)),
    each(real, {"axis": 1}, (2, 3)),
    each(real, {"axis": 2}, (2, 1, 2)),
    each(real, {"axis": 1}, (0, 2)),
)
SPLITS = (
    each(real, {"sizes": (2, 1), "axis": 0}, (3,)),
    each(real, {"sizes": (1, 0, 2), "axis": 1}, (2, 3)),
    each(real, {"sizes": (0, 2), "axis": 0}, (2,)),
    each(real, {"sizes": (0, 0), "axis": 0}, (0,)),
    each(real, {"sizes": (1, 1), "axis": 2}, (2, 1, 2)),
)
PADS = (
    each(real, {"widths": ((1, 2),)}, (3,)),
    each(real, {"widths": ((0, 1), (2, 0)), "value": 1.5}, (2, 3)),
    each(real, {"widths": ((1, 0), (1, 1))}, (0, 2)),
    each(real, {"widths": ()}, ()),
    each(whole, {"widths": ((1, 1),), "value": 7}, (2,)),
)
FLIPS = tuple(
    each(real, {"axes": axes}, shape)
    for axes, shape in (((0,), (3,)), ((1,), (2, 3)), ((0, 2), (2, 1, 2)), ((), (2,)), ((0,), (0, 2)))
)
ROLLS = tuple(
    each(real, {"shifts": shifts, "axes": axes}, shape)
    for shifts, axes, shape in (
        ((1,), (0,), (3,)),
        ((-2,), (1,), (2, 3)),
        ((1, 4), (0, 1), (2, 3)),
        ((1, 1), (0, 0), (3,)),
        ((1,), (0,), (0, 2)),
    )
)
TRIANGLES = (
    *tuple(
        each(real, {"diagonal": k}, shape)
        for k, shape in ((0, (3, 3)), (1, (2, 3)), (-1, (3, 2)), (0, (2, 2, 2)), (5, (2, 2)), (0, (0, 2)))
    ),
    each(truth, {"diagonal": 0}, (2, 2)),
    each(whole, {"diagonal": 0}, (2, 2)),
)
DIAGONALS = (
    (((3, 3)), 0, 0, 1),
    (((2, 3)), 1, 0, 1),
    (((3, 2)), -1, 0, 1),
    (((2, 3, 2)), 0, 2, 0),
    (((2, 2, 3)), 1, -2, -1),
    (((2, 2)), 4, 0, 1),
    (((0, 2)), 0, 0, 1),
)
SLIDES = (((5,), 0, 2, 1), ((5,), 0, 2, 3), ((2, 5), 1, 3, 2), ((4, 2), 0, 4, 1), ((5,), 0, 1, 2), ((3, 0), 0, 2, 1))


def _diagonals(r: np.random.Generator) -> Iterator[Sample]:
    for shape, offset, a, b in DIAGONALS:
        yield Sample((real(r, *shape),), {"offset": offset, "axis1": a, "axis2": b})


def _put(r: np.random.Generator) -> Iterator[Sample]:
    for shape, offset, a, b in DIAGONALS:
        a, b = a % len(shape), b % len(shape)
        yield Sample(
            (real(r, *np.diagonal(np.zeros(shape), offset, a, b).shape),),
            {"shape": shape, "offset": offset, "axis1": a, "axis2": b},
        )


def _slides(r: np.random.Generator) -> Iterator[Sample]:
    for shape, axis, size, step in SLIDES:
        yield Sample((real(r, *shape),), {"axis": axis, "size": size, "step": step})


def _add_slides(r: np.random.Generator) -> Iterator[Sample]:
    for shape, axis, size, step in SLIDES:
        windows = torch.zeros(shape).unfold(axis, size, step).shape
        yield Sample((real(r, *windows),), {"length": shape[axis], "axis": axis, "size": size, "step": step})


def _torch_add_sliding(x: torch.Tensor, length: int, axis: int, size: int, step: int) -> torch.Tensor:
    hits = torch.zeros(x.shape[axis], size, length, dtype=x.dtype)
    for i in range(x.shape[axis]):
        for k in range(size):
            hits[i, k, i * step + k] = 1
    return torch.einsum("...cs,csl->...l", x.movedim(axis, -2), hits).movedim(-1, axis)


EQUATIONS: tuple[tuple[str, tuple[Shape, ...]], ...] = (
    ("ij,jk->ik", ((2, 3), (3, 2))),
    ("bij,bkj->bki", ((2, 2, 3), (2, 1, 3))),  # batched, the output turned
    ("ij,ij->ij", ((2, 3), (2, 3))),
    ("ij,jk->", ((2, 3), (3, 2))),
    ("ij,k->k", ((2, 3), (2,))),  # letters of one operand only are added up
    ("ij->j", ((2, 3),)),
    ("ij->", ((2, 3),)),
    ("ijk->kij", ((2, 1, 3),)),
    ("i,j,k->kji", ((2,), (3,), (2,))),
    ("ij,jk,kl->il", ((2, 3), (3, 2), (2, 3))),
    ("bi,bi,b->", ((2, 3), (2, 3), (2,))),
    (",i->i", ((), (2,))),
    ("ij,jk->ik", ((0, 3), (3, 2))),
    ("ij,jk->ik", ((2, 0), (0, 2))),
)


def _einsums(r: np.random.Generator) -> Iterator[Sample]:
    for equation, shapes in EQUATIONS:
        left, right = equation.split("->")
        subscripts = tuple(tuple(map(ord, part)) for part in left.split(","))
        yield Sample(
            tuple(real(r, *shape) for shape in shapes), {"subscripts": subscripts, "output": tuple(map(ord, right))}
        )
    yield Sample((whole(r, 2, 3), whole(r, 3)), {"subscripts": ((0, 1), (1,)), "output": (0,)})


def _torch_einsum(*xs: torch.Tensor, subscripts: Any, output: Any) -> torch.Tensor:
    letters: dict[int, str] = {}
    for label in [label for part in subscripts for label in part]:
        letters.setdefault(label, chr(ord("a") + len(letters)))
    left = ",".join("".join(letters[n] for n in part) for part in subscripts)
    return torch.einsum(f"{left}->{''.join(letters[n] for n in output)}", *xs)


def _torch_pad(x: torch.Tensor, widths: Any, value: float = 0) -> torch.Tensor:
    return F.pad(x, [n for pair in reversed(widths) for n in pair], value=value)


def _torch_put(x: torch.Tensor, shape: Shape, offset: int, axis1: int, axis2: int) -> torch.Tensor:
    return torch.diagonal_scatter(torch.zeros(shape, dtype=x.dtype), x, offset, axis1, axis2)


def _many(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs, axis: function(xs, axis)


ROWS = [
    Row("cat", _many(torch.cat), listed(*CATS)),
    Row("stack", _many(torch.stack), listed(*STACKS)),
    Row("unbind", lambda x, axis: torch.unbind(x, axis), listed(*UNBINDS), after=joined),
    Row("split", lambda x, sizes, axis: torch.split(x, sizes, axis), listed(*SPLITS), after=some_of),
    Row("pad", _torch_pad, listed(*PADS)),
    Row("flip", lambda x, axes: torch.flip(x, axes), listed(*FLIPS)),
    Row("roll", lambda x, shifts, axes: torch.roll(x, shifts, axes), listed(*ROLLS)),
    Row("tril", lambda x, diagonal: torch.tril(x, diagonal), listed(*TRIANGLES)),
    Row("triu", lambda x, diagonal: torch.triu(x, diagonal), listed(*TRIANGLES)),
    Row("diagonal", lambda x, offset, axis1, axis2: torch.diagonal(x, offset, axis1, axis2), _diagonals),
    Row("put_diagonal", _torch_put, _put),
    Row("sliding", lambda x, axis, size, step: x.unfold(axis, size, step), _slides),
    Row("add_sliding", _torch_add_sliding, _add_slides),
    Row("einsum", _torch_einsum, _einsums),
]
