"""Drawn shapes, broadcasts, axes and indices: what nobody would write down as a sample.

Functions are looked for by PyTorch's name, and those that are not there yet are skipped, so that the tests grow with
the library. The draws are the same in every run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import gradwright as gw

from .found import dtype_name, find

Array = Any


def drawn(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


def function(name: str) -> Any:
    """Return Gradwright's function of PyTorch's name."""
    found = find(name)
    assert found is not None, f"{name} is not there"
    return found


def theirs_of(name: str) -> Any:
    found: Any = torch
    for part in name.split("."):
        found = getattr(found, part)
    return found


def numbers(shape: tuple[int, ...], seed: int, low: float = 0.5, high: float = 2.0) -> Array:
    """Numbers that are all apart, so that nothing is tied."""
    r = np.random.default_rng(seed)
    n = int(np.prod(shape))
    spread = low + (high - low) * (np.arange(n) + r.uniform(0.2, 0.8, n)) / max(n, 1)
    return r.permutation(spread).reshape(shape)


def agree(ours: Any, theirs: Any, name: str = "") -> None:
    """Compare one function of Tensors with PyTorch's: each takes no argument and gives (inputs, output or outputs)."""
    (xs, out), (ts, wanted) = ours(), theirs()
    outs = list(out) if isinstance(out, list | tuple) else [out]
    wants = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    assert len(outs) == len(wants), name
    total: Any = 0.0
    their_total: Any = 0.0
    for o, w in zip(outs, wants, strict=True):
        assert tuple(o.shape) == tuple(w.shape), name
        assert dtype_name(o.dtype) == dtype_name(w.dtype), name
        np.testing.assert_allclose(o.detach().numpy(), w.detach().numpy(), rtol=1e-11, atol=1e-11, err_msg=name)
        if w.requires_grad:
            v = np.cos(np.arange(o.numel()) + 0.5).reshape(o.shape)
            total, their_total = total + (o * gw.tensor(v)).sum(), their_total + (w * torch.tensor(v)).sum()
    if not isinstance(their_total, torch.Tensor):
        return
    total.backward()
    their_total.backward()
    for x, t in zip(xs, ts, strict=True):
        grad = np.zeros(x.shape) if x.grad is None else x.grad.numpy()
        wanted_grad = np.zeros(x.shape) if t.grad is None else t.grad.numpy()
        np.testing.assert_allclose(grad, wanted_grad, rtol=1e-9, atol=1e-9, err_msg=f"gradient of {name}")


def both(arrays: list[Array], ours: Any, theirs: Any, name: str = "") -> None:
    def run(make: Any, f: Any) -> Any:
        leaves = [make(a) for a in arrays]
        return leaves, f(*leaves)

    agree(
        lambda: run(lambda a: gw.tensor(a, requires_grad=True), ours),
        lambda: run(lambda a: torch.tensor(a, requires_grad=True), theirs),
        name,
    )


shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
full_shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


# --- broadcasts -------------------------------------------------------------------------------------------------------
BINARY = [
    "add", "sub", "mul", "div", "pow", "maximum", "minimum", "atan2", "hypot", "logaddexp", "fmod", "remainder",
    "xlogy", "max", "min",
]  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_pairs_of_any_shapes(name):
    ours, theirs = function(name), theirs_of(name)

    @drawn(25)
    @given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0))
    def check(pair: Any) -> None:
        both([numbers(s, i, 0.5 + i, 2.1 + i) for i, s in enumerate(pair.input_shapes)], ours, theirs, name)

    check()


@pytest.mark.parametrize("name", ["where", "lerp", "addcmul", "addcdiv", "clamp"])
def test_triples_of_any_shapes(name):
    ours, theirs = function(name), theirs_of(name)

    @drawn(25)
    @given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3, min_side=0))
    def check(triple: Any) -> None:
        a, b, c = (numbers(s, i, 0.5, 2.0) for i, s in enumerate(triple.input_shapes))
        if name == "where":
            mask = a > 1
            both([b, c], lambda *v: ours(gw.tensor(mask), *v), lambda *v: theirs(torch.tensor(mask), *v), name)
        elif name == "clamp":
            # PyTorch's own backward fails on bounds of more axes than the input, or of no element
            assume(triple.input_shapes[0] == triple.result_shape and a.size * b.size * c.size)
            both([a, b, c + 2], ours, theirs, name)
        else:
            assume(triple.input_shapes[0] == triple.result_shape or name == "lerp")
            both([a, b, c], ours, theirs, name)

    check()


@drawn(40)
@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=3, max_side=3, min_side=1))
def test_matrix_products_of_any_shapes(drawn_shapes: Any):
    a, b = (numbers(s, i) for i, s in enumerate(drawn_shapes.input_shapes))
    both([a, b], lambda x, y: x @ y, lambda x, y: x @ y, "matmul")


# --- reductions -------------------------------------------------------------------------------------------------------
ONE_AXIS = [
    "sum", "mean", "prod", "amax", "amin", "logsumexp", "cumsum", "cumprod", "logcumsumexp", "softmax", "log_softmax",
    "median", "sort", "argmax", "argmin", "max", "min", "flip", "unbind", "argsort", "any", "all", "count_nonzero",
]  # fmt: skip


@pytest.mark.parametrize("name", ONE_AXIS)
def test_along_any_axis(name):
    ours, theirs = function(name), theirs_of(name)

    @drawn(20)
    @given(full_shapes, st.data())
    def check(shape: tuple[int, ...], data: Any) -> None:
        dim = data.draw(st.integers(-len(shape), len(shape) - 1))
        axis = (dim,) if name == "flip" else dim
        both([numbers(shape, 1)], lambda x: ours(x, axis), lambda t: theirs(t, axis), name)

    check()


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "logsumexp", "var", "std", "linalg.vector_norm"])
def test_over_any_axes(name):
    ours, theirs = function(name), theirs_of(name)

    @drawn(20)
    @given(full_shapes, st.booleans(), st.data())
    def check(shape: tuple[int, ...], keepdim: bool, data: Any) -> None:
        axes = data.draw(hnp.valid_tuple_axes(len(shape), min_size=1))
        more: dict[str, Any] = {"correction": 0} if name in ("var", "std") else {}
        assume(not more or np.prod([shape[a] for a in axes]) > 1)  # the deviation of one number has no gradient

        def call(f: Any) -> Any:
            return lambda x: f(x, dim=axes, keepdim=keepdim, **more)

        both([numbers(shape, 2)], call(ours), call(theirs), name)

    check()


# --- shapes: there and back -------------------------------------------------------------------------------------------
def returns(x: Any, y: Any) -> None:
    """Assert that y is x, and that its gradient arrives unchanged."""
    assert y.shape == x.shape
    np.testing.assert_array_equal(y.detach().numpy(), x.detach().numpy())
    v = np.cos(np.arange(x.numel(), dtype=np.float64)).reshape(x.shape)
    (y * gw.tensor(v)).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), v)


def leaf(shape: tuple[int, ...]) -> Any:
    return gw.tensor(numbers(shape, 3), requires_grad=True)


@drawn(40)
@given(shapes, st.data())
def test_reshape_and_back(shape: tuple[int, ...], data: Any):
    x = leaf(shape)
    there = data.draw(st.permutations(shape))
    returns(x, x.reshape(there).reshape(-1 if x.numel() else 0).reshape(shape))
    if shape:
        y = leaf(shape)
        returns(y, y.reshape(*there).reshape(*shape))


@drawn(40)
@given(shapes, st.data())
def test_permute_and_back(shape: tuple[int, ...], data: Any):
    axes = data.draw(st.permutations(range(len(shape))))
    back = [int(i) for i in np.argsort(axes)]
    x = leaf(shape)
    returns(x, x.permute(tuple(axes)).permute(tuple(back)))
    if shape:
        y = leaf(shape)
        returns(y, y.permute(*axes).permute(*back))


@drawn(40)
@given(full_shapes, st.data())
def test_transpose_and_movedim_and_back(shape: tuple[int, ...], data: Any):
    a, b = data.draw(st.tuples(*[st.integers(-len(shape), len(shape) - 1)] * 2))
    x = leaf(shape)
    returns(x, x.transpose(a, b).transpose(a, b))
    move = find("movedim")
    if move is not None:
        y = leaf(shape)
        returns(y, move(move(y, a, b), b, a))


@drawn(30)
@given(full_shapes, st.data())
def test_flip_twice(shape: tuple[int, ...], data: Any):
    flip = function("flip")
    axes = data.draw(hnp.valid_tuple_axes(len(shape)))
    x = leaf(shape)
    np.testing.assert_array_equal(flip(x, axes).detach().numpy(), np.flip(x.detach().numpy(), axes))
    returns(x, flip(flip(x, axes), axes))


@drawn(30)
@given(full_shapes, st.data())
def test_roll_and_back(shape: tuple[int, ...], data: Any):
    roll = function("roll")
    dim, shift = data.draw(st.integers(-len(shape), len(shape) - 1)), data.draw(st.integers(-9, 9))
    x = leaf(shape)
    np.testing.assert_array_equal(roll(x, shift, dim).detach().numpy(), np.roll(x.detach().numpy(), shift, dim))
    returns(x, roll(roll(x, shift, dim), -shift, dim))


@drawn(40)
@given(full_shapes, st.data())
def test_split_and_cat(shape: tuple[int, ...], data: Any):
    split, cat = function("split"), function("cat")
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = leaf(shape)
    returns(x, cat(split(x, data.draw(st.integers(1, 5)), dim), dim))
    cuts = sorted(data.draw(st.lists(st.integers(0, shape[dim]), max_size=3)))
    sizes = [int(n) for n in np.diff([0, *cuts, shape[dim]])]
    y = leaf(shape)
    pieces = split(y, sizes, dim)
    assert [p.shape[dim] for p in pieces] == sizes
    returns(y, cat(pieces, dim))


@drawn(30)
@given(full_shapes, st.data())
def test_unbind_and_stack(shape: tuple[int, ...], data: Any):
    unbind, stack = function("unbind"), function("stack")
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = leaf(shape)
    returns(x, stack(unbind(x, dim), dim))


@drawn(40)
@given(full_shapes, st.data())
def test_pad_and_crop(shape: tuple[int, ...], data: Any):
    pad = function("nn.functional.pad")
    count = data.draw(st.integers(1, len(shape)))
    pairs = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=count, max_size=count))
    flat = [n for pair in pairs for n in pair]
    both(
        [numbers(shape, 4)],
        lambda x: pad(x, flat, value=1.5),
        lambda t: torch.nn.functional.pad(t, flat, value=1.5),
        "pad",
    )
    x = leaf(shape)
    returns(x, pad(pad(x, flat), [-n for n in flat]))


@drawn(30)
@given(full_shapes, st.data())
def test_expand_repeats_without_adding_an_element(shape: tuple[int, ...], data: Any):
    kept = tuple(1 if data.draw(st.booleans()) else n for n in shape)
    lead = tuple(data.draw(st.lists(st.integers(0, 3), max_size=2)))
    wanted = lead + shape
    both([numbers(kept, 5)], lambda x: x.expand(*wanted), lambda t: t.expand(*wanted), "expand")


@drawn(30)
@given(full_shapes, st.data())
def test_repeat_and_tile(shape: tuple[int, ...], data: Any):
    more = tuple(data.draw(st.lists(st.integers(0, 3), min_size=len(shape), max_size=len(shape) + 1)))
    for name in ("repeat", "tile"):
        if find(name) is None:
            continue
        both([numbers(shape, 6)], lambda x, n=name: getattr(x, n)(more), lambda t, n=name: getattr(t, n)(more), name)


@drawn(40)
@given(hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=2), st.data())
def test_squeeze_and_unsqueeze(shape: tuple[int, ...], data: Any):
    at = data.draw(st.integers(-len(shape) - 1, len(shape)))
    x = leaf(shape)
    returns(x, x.unsqueeze(at).squeeze(at))
    both([numbers(shape, 7)], lambda x: x.squeeze(), lambda t: t.squeeze(), "squeeze")


@drawn(30)
@given(full_shapes, st.data())
def test_flatten_and_unflatten(shape: tuple[int, ...], data: Any):
    start = data.draw(st.integers(0, len(shape) - 1))
    end = data.draw(st.integers(start, len(shape) - 1))
    both([numbers(shape, 8)], lambda x: x.flatten(start, end), lambda t: t.flatten(start, end), "flatten")
    unflatten = find("unflatten")
    if unflatten is not None:
        x = leaf(shape)
        returns(x, unflatten(x.flatten(start, end), start, shape[start : end + 1]))


@pytest.mark.parametrize("name", ["tril", "triu", "diagonal"])
def test_any_diagonal(name):
    ours, theirs = function(name), theirs_of(name)

    @drawn(25)
    @given(hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=4), st.integers(-5, 5))
    def check(shape: tuple[int, ...], k: int) -> None:
        both([numbers(shape, 9)], lambda x: ours(x, k), lambda t: theirs(t, k), name)

    check()


# --- indices ----------------------------------------------------------------------------------------------------------
@st.composite
def indices(draw: Any, shape: tuple[int, ...]) -> Any:
    """An index such as PyTorch takes: numbers, slices forward, arrays of places, masks, None, an ellipsis."""
    arrays = draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=3))
    parts: list[Any] = []
    axis = 0
    while axis < len(shape):
        n = shape[axis]
        kind = draw(st.sampled_from(["whole", "number", "slice", "array", "list", "new", "mask", "stop"]))
        if kind == "new":
            parts.append(None)
            continue
        if kind == "stop":
            break
        if kind == "number":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "array":
            some = tuple(1 if draw(st.booleans()) else m for m in arrays)
            parts.append(draw(hnp.arrays(np.int64, some, elements=st.integers(-n, n - 1))))
        elif kind == "list":
            parts.append(draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=1)))
        elif kind == "mask" and not any(isinstance(p, np.ndarray | list) for p in parts):
            # a mask together with other arrays has to broadcast with them: let it pick one place
            mask = np.zeros(n, bool)
            mask[draw(st.integers(0, n - 1))] = True
            parts.append(mask)
        elif kind == "slice":
            parts.append(slice(draw(st.integers(-5, 5)), draw(st.integers(-5, 5)), draw(st.integers(1, 3))))
        else:
            parts.append(slice(None))
        axis += 1
    if draw(st.booleans()):
        # one ellipsis, where it stands for the axes that no part is for
        place = draw(st.integers(0, len(parts)))
        used = sum(p is not None for p in parts)
        if place == len(parts) or used == len(shape):
            parts.insert(place, Ellipsis)
    return tuple(parts)


def to_torch(index: Any) -> Any:
    return tuple(torch.from_numpy(p) if isinstance(p, np.ndarray) else p for p in index)


def to_ours(index: Any, as_tensors: bool) -> Any:
    return tuple(gw.tensor(p) if as_tensors and isinstance(p, np.ndarray) else p for p in index)


@drawn(150)
@given(full_shapes, st.booleans(), st.data())
def test_any_index_of_pytorchs(shape: tuple[int, ...], as_tensors: bool, data: Any):
    index = data.draw(indices(shape))
    mine, others = to_ours(index, as_tensors), to_torch(index)
    both([numbers(shape, 10)], lambda x: x[mine], lambda t: t[others], f"{shape}[{index}]")


@drawn(60)
@given(full_shapes, st.data())
def test_any_slice_of_numpys_backwards_too(shape: tuple[int, ...], data: Any):
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    values = numbers(shape, 11)
    x = gw.tensor(values, requires_grad=True)
    out = x[index]
    np.testing.assert_array_equal(out.detach().numpy(), values[index])
    v = np.cos(np.arange(out.numel(), dtype=np.float64)).reshape(out.shape)
    (out * gw.tensor(v)).sum().backward()
    expected = np.zeros(shape)
    expected[index] = v
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@drawn(60)
@given(full_shapes, st.data())
def test_repeated_places_add_up(shape: tuple[int, ...], data: Any):
    index = data.draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=5)))
    values = numbers(shape, 12)
    x = gw.tensor(values, requires_grad=True)
    out = x[tuple(gw.tensor(i) for i in index)]
    np.testing.assert_array_equal(out.detach().numpy(), values[index])
    out.sum().backward()
    expected = np.zeros(shape)
    np.add.at(expected, index, 1)
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@drawn(40)
@given(full_shapes, st.data())
def test_masks(shape: tuple[int, ...], data: Any):
    axes = data.draw(st.integers(1, len(shape)))
    mask = data.draw(hnp.arrays(bool, shape[:axes]))
    both([numbers(shape, 13)], lambda x: x[gw.tensor(mask)], lambda t: t[torch.tensor(mask)], "a mask")
    select, fill = find("masked_select"), find("masked_fill")
    whole = data.draw(hnp.arrays(bool, shape))
    if select is not None:
        both(
            [numbers(shape, 14)],
            lambda x: select(x, gw.tensor(whole)),
            lambda t: torch.masked_select(t, torch.tensor(whole)),
            "masked_select",
        )
    if fill is not None:
        both(
            [numbers(shape, 15)],
            lambda x: fill(x, gw.tensor(whole), -7.0),
            lambda t: torch.masked_fill(t, torch.tensor(whole), -7.0),
            "masked_fill",
        )


@drawn(60)
@given(full_shapes, st.data())
def test_an_index_out_of_range_is_an_index_error(shape: tuple[int, ...], data: Any):
    axis = data.draw(st.integers(0, len(shape) - 1))
    outside = data.draw(st.sampled_from([shape[axis], -shape[axis] - 1, shape[axis] + 7]))
    part = data.draw(st.sampled_from([outside, [outside], gw.tensor(np.array([outside]))]))
    with pytest.raises(IndexError):
        gw.tensor(numbers(shape, 16))[(*[slice(None)] * axis, part)]


@drawn(80)
@given(full_shapes, st.booleans(), st.data())
def test_assignment_to_any_index(shape: tuple[int, ...], as_tensors: bool, data: Any):
    index = data.draw(indices(shape))
    target = torch.tensor(numbers(shape, 17))
    picked = target[to_torch(index)]
    value = numbers(tuple(picked.shape), 18, 5.0, 6.0)
    assume(np.unique(places(shape, index)).size == picked.numel())  # of two values for one place either may win

    def assign(x: Any, v: Any, where: Any) -> Any:
        y = x.clone()
        y[where] = v
        return y

    mine, others = to_ours(index, as_tensors), to_torch(index)
    both([target.numpy(), value], lambda x, v: assign(x, v, mine), lambda t, v: assign(t, v, others), "assignment")
    both([target.numpy()], lambda x: assign(x, 3.0, mine), lambda t: assign(t, 3.0, others), "assignment of a number")


def places(shape: tuple[int, ...], index: Any) -> Array:
    return torch.arange(int(np.prod(shape))).reshape(shape)[to_torch(index)].numpy()


@pytest.mark.parametrize("name", ["gather", "scatter", "scatter_add", "index_select", "take_along_dim"])
def test_picking_along_any_axis(name):
    ours, theirs = function(name), theirs_of(name)

    @drawn(30)
    @given(full_shapes, st.data())
    def check(shape: tuple[int, ...], data: Any) -> None:
        dim = data.draw(st.integers(-len(shape), len(shape) - 1))
        n, x = shape[dim], numbers(shape, 19)
        if name == "index_select":
            index = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=6)))
        else:
            smaller = tuple(data.draw(st.integers(1, m)) for m in shape)
            if name == "take_along_dim":  # broadcasts, and takes as many as asked
                smaller = tuple(4 if i == dim % len(shape) else m for i, m in enumerate(shape))
            index = data.draw(hnp.arrays(np.int64, smaller, elements=st.integers(0, n - 1)))
        mine, other = gw.tensor(index), torch.tensor(index)
        if name in ("index_select", "gather"):
            both([x], lambda a: ours(a, dim, mine), lambda a: theirs(a, dim, other), name)
        elif name == "take_along_dim":
            both([x], lambda a: ours(a, mine, dim), lambda a: theirs(a, other, dim), name)
        else:
            if name == "scatter":  # of two values for one place either may win
                index = np.argsort(numbers(shape, 20), axis=dim)[tuple(slice(0, m) for m in index.shape)]
                mine, other = gw.tensor(index), torch.tensor(index)
            source = numbers(index.shape, 21)
            both([x, source], lambda a, s: ours(a, dim, mine, s), lambda a, s: theirs(a, dim, other, s), name)

    check()
