"""One row an operation: PyTorch's equivalent, sample inputs within its domain, order, tolerance.

`test_operations.py` runs every row through one battery. To add an operation, add a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

Array = Any


@dataclass(frozen=True)
class Sample:
    """One call of an operation: positional arrays, keyword metadata."""

    inputs: tuple[Array, ...]
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What the battery has to know about an operation.

    ``order`` is how often it can be differentiated here: 0 not at all, 2 to second order. ``samples`` draws
    from a generator, so that calling it twice gives other numbers of the same shapes, as ``vmap`` needs.
    """

    name: str
    torch: Callable[..., torch.Tensor]
    samples: Callable[[np.random.Generator], Iterator[Sample]]
    order: int = 2
    forward_tolerance: float = 1e-12
    gradient_tolerance: float = 1e-9
    # Made of what Tensors of both libraries have. Before the operation: inputs that must be symmetric. After it: what
    # of several outputs, or of outputs that are not unique, is compared.
    before: Callable[[list[Any]], list[Any]] | None = None
    after: Callable[[Any], Any] | None = None


# --- numbers -----------------------------------------------------------------------------------------------
def real(r: np.random.Generator, *shape: int) -> Array:
    """Numbers on both sides of 0, all apart: no tie and no kink within a step of finite differences."""
    n = int(np.prod(shape))
    values = (np.arange(n) - n / 2 + 0.5) * (4.0 / max(n, 4)) + r.uniform(-0.02, 0.02, n) + 0.11
    return r.permutation(values).reshape(shape)


def positive(r: np.random.Generator, *shape: int) -> Array:
    return r.uniform(0.3, 2.0, shape)


def nonzero(r: np.random.Generator, *shape: int) -> Array:
    return r.uniform(0.4, 2.0, shape) * r.choice([-1.0, 1.0], shape)


def whole(r: np.random.Generator, *shape: int) -> Array:
    return r.integers(-2, 3, shape)


def truth(r: np.random.Generator, *shape: int) -> Array:
    return r.integers(0, 2, shape).astype(bool)


# --- shapes ------------------------------------------------------------------------------------------------
UNARY_SHAPES: tuple[tuple[int, ...], ...] = ((), (4,), (2, 3), (1, 1), (0,), (2, 0))
BINARY_SHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((3,), (3,)),
    ((), ()),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((), (2,)),
    ((2,), ()),
    ((1, 2, 1), (3, 1, 2)),
    ((0,), (1,)),
    ((2, 0), (2, 1)),
    ((1,), (0, 1)),
)

Draw = Callable[..., Array]


def unary(draw: Draw, **meta: Any) -> Callable[[np.random.Generator], Iterator[Sample]]:
    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for shape in UNARY_SHAPES:
            yield Sample((draw(r, *shape),), meta)

    return samples


def binary(
    draw_x: Draw, draw_y: Draw, scalars: tuple[Any, ...] = ()
) -> Callable[[np.random.Generator], Iterator[Sample]]:
    """All broadcasts, and a Python number on either side."""

    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for a, b in BINARY_SHAPES:
            yield Sample((draw_x(r, *a), draw_y(r, *b)))
        for scalar in scalars:
            yield Sample((draw_x(r, 2, 2), scalar))
            yield Sample((scalar, draw_y(r, 2, 2)))

    return samples


def listed(*items: tuple[Callable[[np.random.Generator], tuple[Array, ...]], dict[str, Any]]) -> Any:
    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for inputs, meta in items:
            yield Sample(inputs(r), meta)

    return samples


def shaped(draw: Draw, *shapes: tuple[int, ...]) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    return lambda r: tuple(draw(r, *shape) for shape in shapes)


def compared(r: np.random.Generator) -> Iterator[Sample]:
    """Small whole numbers in both kinds of dtype, so that ties happen."""
    for a, b in BINARY_SHAPES:
        yield Sample((whole(r, *a), whole(r, *b)))
        yield Sample((whole(r, *a).astype(float), whole(r, *b).astype(float)))
    yield Sample((whole(r, 5), whole(r, 5).astype(float)))
    yield Sample((whole(r, 5), 1))
    yield Sample((truth(r, 4), truth(r, 4)))


def apart(r: np.random.Generator) -> Iterator[Sample]:
    """Pairs that are not near a tie."""
    for a, b in BINARY_SHAPES:
        y = r.uniform(-1, 1, b)
        x = r.choice([-3.0, 3.0], a) + r.uniform(-1, 1, a)
        yield Sample((x, y))
    yield Sample((real(r, 4), 0))
    yield Sample((0.03, real(r, 4)))


def powers(r: np.random.Generator) -> Iterator[Sample]:
    yield from binary(positive, real, scalars=(2, 2.5, 1, 3.0))(r)
    for exponent in (0, 1, 2, 3, -1):  # a negative base with a whole exponent
        yield Sample((nonzero(r, 2, 2), exponent))
    yield Sample((whole(r, 4), 3))


def chosen(r: np.random.Generator) -> Iterator[Sample]:
    for a, b in BINARY_SHAPES:
        yield Sample((truth(r, *np.broadcast_shapes(a, b)), real(r, *a), real(r, *b)))
    yield Sample((truth(r), real(r, 3), real(r, 2, 3)))
    yield Sample((truth(r, 2, 1), real(r, 3), 0.5))
    yield Sample((truth(r, 2, 1), 0, real(r, 3)))
    yield Sample((truth(r, 4), whole(r, 4), real(r, 4)))


# --- metadata ----------------------------------------------------------------------------------------------
def reductions(draw: Draw, empty: bool) -> Callable[[np.random.Generator], Iterator[Sample]]:
    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for keepdims in (False, True):
            for axis in (None, 0, 1, -1, (0, 2), (-1, -3), (0, 1, 2)):
                yield Sample((draw(r, 2, 3, 1),), {"axis": axis, "keepdims": keepdims})
            yield Sample((draw(r),), {"axis": None, "keepdims": keepdims})
            yield Sample((draw(r, 0, 3),), {"axis": 1, "keepdims": keepdims})
            if empty:
                yield Sample((draw(r, 2, 0),), {"axis": 1, "keepdims": keepdims})
                yield Sample((draw(r, 0),), {"axis": None, "keepdims": keepdims})
                for counted in (truth, whole):
                    yield Sample((counted(r, 2, 3),), {"axis": 1, "keepdims": keepdims})

    return samples


def indices(r: np.random.Generator) -> Iterator[Sample]:
    """Axis metadata of argmax and argmin; values are distinct."""
    for keepdims in (False, True):
        for axis in (None, 0, 1, -1):
            yield Sample((real(r, 2, 3),), {"axis": axis, "keepdims": keepdims and axis is not None})


def along(r: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in (
        ((4,), 0),
        ((2, 3), 1),
        ((2, 3), -2),
        ((2, 3, 2), 1),
        ((0, 3), 1),
        ((3, 1), -1),
        ((2, 0), 1),
    ):
        yield Sample((real(r, *shape),), {"axis": axis})
    yield Sample((real(r, 2, 3) * 400,), {"axis": 1})  # exponentials of these overflow


INDICES: tuple[tuple[tuple[int, ...], Any], ...] = (
    ((3,), 1),
    ((3,), -1),
    ((2, 3), (slice(None), 1)),
    ((4,), slice(None, None, 2)),
    ((4,), slice(None, None, -1)),
    ((2, 3), (Ellipsis, None, slice(1, 3))),
    ((2, 3), np.array([1, 0, 1])),
    ((3,), [2, 2, 0]),
    ((3,), np.array([-1, 0, -1])),
    ((2, 3), (np.array([0, 1]), np.array([2, 2]))),
    ((2, 3), (slice(None), np.array([[0, 2], [2, 1]]))),
    ((2, 2), np.array([[True, False], [True, True]])),
    ((3,), np.array([False, False, False])),
    ((0, 2), slice(None)),
    ((2, 2), (0, 1)),
    ((2, 3), None),
    ((3,), np.int64(2)),
    ((3,), slice(1, 1)),
)


def _picked(shape: tuple[int, ...], index: Any) -> np.ndarray:
    return np.arange(int(np.prod(shape))).reshape(shape)[index]


def picks(r: np.random.Generator) -> Iterator[Sample]:
    for shape, index in INDICES:
        yield Sample((real(r, *shape),), {"index": index})


def scatters(r: np.random.Generator) -> Iterator[Sample]:
    for shape, index in INDICES:
        yield Sample((real(r, *_picked(shape, index).shape),), {"index": index, "shape": shape})


def _torch_getitem(x: torch.Tensor, index: Any) -> torch.Tensor:
    positions = _picked(tuple(x.shape), index)
    return x.reshape(-1)[torch.from_numpy(np.ascontiguousarray(positions).ravel())].reshape(positions.shape)


def _torch_scatter(x: torch.Tensor, index: Any, shape: tuple[int, ...]) -> torch.Tensor:
    positions = torch.from_numpy(np.ascontiguousarray(_picked(shape, index)).ravel())
    return torch.zeros(int(np.prod(shape)), dtype=x.dtype).index_add(0, positions, x.reshape(-1)).reshape(shape)


def tables(r: np.random.Generator) -> Iterator[Sample]:
    for index in (np.array([3, 0, 3, 1]), np.array([[1, 2], [1, 1]]), np.array(2), np.zeros(0, np.int64)):
        yield Sample((real(r, 4, 3),), {"index": index})


def _numbers(shape: tuple[int, ...]) -> Any:
    return shaped(real, shape)


def _products(r: np.random.Generator) -> Iterator[Sample]:
    for a, b in (
        ((2, 3), (3, 2)),
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((2, 2, 3), (3, 2)),
        ((2, 3), (2, 3, 1)),
        ((2, 1, 1, 3), (2, 3, 2)),
        ((3,), (2, 3, 2)),
        ((2, 2, 3), (3,)),
        ((1, 2, 3), (2, 3, 1)),
        ((0, 3), (3, 2)),
        ((2, 0), (0, 3)),
        ((2, 3), (3, 0)),
        ((0, 2, 3), (3, 2)),
    ):
        yield Sample((real(r, *a), real(r, *b)))


def _affines(r: np.random.Generator) -> Iterator[Sample]:
    for lead in ((3,), (), (2, 2), (0,)):
        yield Sample((real(r, *lead, 3), real(r, 2, 3), real(r, 2)))


def _labels(r: np.random.Generator) -> Iterator[Sample]:
    for lead in ((4,), (), (2, 2), (0,)):
        yield Sample((real(r, *lead, 3), r.integers(0, 3, lead)))
    yield Sample((real(r, 2, 3) * 400, r.integers(0, 3, 2)))


def _logits(r: np.random.Generator) -> Iterator[Sample]:
    for shape in UNARY_SHAPES:
        yield Sample((real(r, *shape), r.uniform(0, 1, shape)))
    yield Sample((real(r, 4) * 400, truth(r, 4).astype(float)))


def _probabilities(r: np.random.Generator) -> Iterator[Sample]:
    for shape in UNARY_SHAPES:
        yield Sample((r.uniform(0.1, 0.9, shape), r.uniform(0, 1, shape)))


def _torch_sum(x: torch.Tensor, axis: Any, keepdims: bool) -> torch.Tensor:
    return torch.sum(x, tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)


def _torch_axes(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda x, axis, keepdims: function(x, tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)


def _torch_pair(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Give a function of two tensors a tensor in a Python number's place."""

    def called(x: Any, y: Any) -> torch.Tensor:
        dtype = (x if isinstance(x, torch.Tensor) else y).dtype
        return function(torch.as_tensor(x, dtype=dtype), torch.as_tensor(y, dtype=dtype))

    return called


def _torch_dtype(dtype: Any) -> torch.dtype:
    return getattr(torch, np.dtype(dtype).name)


def _torch_cross_entropy(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    rows = F.cross_entropy(x.reshape(-1, x.shape[-1]), target.reshape(-1), reduction="none")
    return rows.reshape(target.shape)


def _torch_logistic(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(x, target, reduction="none")


def _torch_binary(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy(x, target, reduction="none")


CASTS = (
    (shaped(real, (2, 3)), {"dtype": np.float64}),
    (shaped(real, ()), {"dtype": np.float64}),
    (shaped(real, (0,)), {"dtype": np.float64}),
    (shaped(whole, (3,)), {"dtype": np.float32}),
    (shaped(truth, (3,)), {"dtype": np.float32}),
    (shaped(truth, (3,)), {"dtype": np.int64}),
)
ONE_HOTS = (
    (lambda r: (r.integers(0, 3, (2, 2)),), {"classes": 3, "dtype": np.float32}),
    (lambda r: (r.integers(0, 3, ()),), {"classes": 3, "dtype": np.float32}),
    (lambda r: (r.integers(0, 3, (0,)),), {"classes": 3, "dtype": np.float32}),
)
RESHAPES = tuple(
    (_numbers(old), {"shape": new})
    for old, new in (
        ((2, 3), (3, 2)),
        ((2, 3), (-1,)),
        ((), (1, 1)),
        ((1,), ()),
        ((0, 3), (3, 0, 2)),
        ((4,), (2, -1)),
    )
)
EXPANDS = tuple(
    (_numbers(old), {"shape": new})
    for old, new in (
        ((1, 3), (2, 3)),
        ((3,), (2, 3)),
        ((), (2, 2)),
        ((2, 1, 1), (2, 0, 3)),
        ((2,), (2,)),
        ((1,), (3, 1)),
    )
)
PERMUTES = tuple(
    (_numbers(shape), {"axes": axes})
    for shape, axes in (
        ((2, 3), (1, 0)),
        ((2, 3, 1), (1, 2, 0)),
        ((2, 3, 2), (-1, 0, 1)),
        ((2, 3), (-1, 0)),
        ((), ()),
        ((0, 2), (1, 0)),
    )
)

ROWS = [
    Row("add", torch.add, binary(real, real, (2, 0.5))),
    Row("sub", torch.sub, binary(real, real, (2, 0.5))),
    Row("mul", torch.mul, binary(real, real, (2, 0.5))),
    Row("div", torch.div, binary(real, nonzero, (2, 0.5))),
    Row("neg", torch.neg, unary(real)),
    Row("identity", torch.clone, unary(real)),
    Row("reciprocal", torch.reciprocal, unary(nonzero)),
    Row("exp", torch.exp, unary(real)),
    Row("expm1", torch.expm1, unary(real)),
    Row("log", torch.log, unary(positive)),
    Row("log1p", torch.log1p, unary(positive)),
    Row("sin", torch.sin, unary(real)),
    Row("cos", torch.cos, unary(real)),
    Row("sqrt", torch.sqrt, unary(positive)),
    Row("square", torch.square, unary(real)),
    Row("rsqrt", torch.rsqrt, unary(positive)),
    Row("pow", torch.pow, powers),
    Row("sign", torch.sign, unary(real), order=1),
    Row("abs", torch.abs, unary(real)),
    Row("maximum", _torch_pair(torch.maximum), apart),
    Row("minimum", _torch_pair(torch.minimum), apart),
    Row(
        "clamp",
        lambda x, low, high: torch.clamp(x, low, high),
        lambda r: (
            Sample((real(r, *shape),), {"low": low, "high": high})
            for shape in UNARY_SHAPES
            for low, high in ((-1.0, 1.0), (None, 0.5), (-0.5, None), (0, 1))
        ),
    ),
    Row("where", torch.where, chosen),
    Row("eq", torch.eq, compared, order=0),
    Row("ne", torch.ne, compared, order=0),
    Row("lt", torch.lt, compared, order=0),
    Row("le", torch.le, compared, order=0),
    Row("gt", torch.gt, compared, order=0),
    Row("ge", torch.ge, compared, order=0),
    Row("logical_not", torch.logical_not, unary(truth), order=0),
    Row("zeros_like", torch.zeros_like, unary(real), order=0),
    Row("ones_like", torch.ones_like, unary(real), order=0),
    Row("cast", lambda x, dtype: x.to(_torch_dtype(dtype)), listed(*CASTS)),
    Row("sum", _torch_sum, reductions(real, empty=True)),
    Row("amax", _torch_axes(torch.amax), reductions(real, empty=False)),
    Row("logsumexp", _torch_axes(torch.logsumexp), reductions(real, empty=False)),
    Row("argmax", lambda x, axis, keepdims: torch.argmax(x, axis, keepdim=keepdims), indices, order=0),
    Row("argmin", lambda x, axis, keepdims: torch.argmin(x, axis, keepdim=keepdims), indices, order=0),
    Row("relu", torch.relu, unary(real)),
    Row("tanh", torch.tanh, unary(real)),
    Row("sigmoid", torch.sigmoid, unary(real)),
    Row("softmax", lambda x, axis: torch.softmax(x, axis), along),
    Row("log_softmax", lambda x, axis: torch.log_softmax(x, axis), along),
    Row("getitem", _torch_getitem, picks),
    Row("scatter_into", _torch_scatter, scatters),
    Row("embedding", lambda x, index: F.embedding(torch.from_numpy(np.asarray(index)), x), tables),
    Row(
        "one_hot",
        lambda x, classes, dtype: F.one_hot(x, classes).to(_torch_dtype(dtype)),
        listed(*ONE_HOTS),
        order=0,
    ),
    Row("reshape", lambda x, shape: x.reshape(shape), listed(*RESHAPES)),
    Row("expand", lambda x, shape: x.expand(shape), listed(*EXPANDS)),
    Row("permute", lambda x, axes: x.permute(axes), listed(*PERMUTES)),
    Row("matmul", torch.matmul, _products),
    Row("linear", F.linear, _affines),
    Row("softmax_cross_entropy", _torch_cross_entropy, _labels),
    Row("logistic_loss", _torch_logistic, _logits),
    Row("binary_loss", _torch_binary, _probabilities),
]

from .rows_elementwise import ROWS as ELEMENTWISE_ROWS  # noqa: E402 - made with the tools above
from .rows_linalg import ROWS as LINALG_ROWS  # noqa: E402
from .rows_reduction import ROWS as REDUCTION_ROWS  # noqa: E402
from .rows_shape import ROWS as SHAPE_ROWS  # noqa: E402

ROWS += ELEMENTWISE_ROWS
ROWS += REDUCTION_ROWS
ROWS += SHAPE_ROWS
ROWS += LINALG_ROWS
from .operations_convolution import CONVOLUTION_ROWS  # noqa: E402 - its rows are made with the tools above

ROWS += CONVOLUTION_ROWS

from .rows_networks import NETWORK_ROWS  # noqa: E402

ROWS += NETWORK_ROWS
