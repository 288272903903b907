"""Brackets and picking by index: assignment, what is refused, and checks that reach into compiled steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import errors
from gradwright.engine.functions.lookup import embedding, one_hot

VALUES = np.arange(24.0).reshape(2, 3, 4)


# --- brackets ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "index",
    [
        "0, :, [1, 2]",  # numbers go first: NumPy's axes are the other way round
        "T.tensor(0), :, [1, 2]",
        "[0], :, [1, 2]",
        "[0, 1], None, [1]",
        "True",
        "False",
        "True, 0",
        ":, True",
        "T.tensor([True, False])",
        ":, T.ones(3, 4, dtype=T.bool)",
        "..., [0, -1]",
        "range(2)",
        "T.tensor(1):2",
        "[]",
        "T.tensor([[0, 1]]), ..., 0",
        "..., None",
        "(0, 1),",
    ],
)
def test_brackets_are_pytorchs(index: str):
    code = f"x[{index}]"
    ours = gw.tensor(VALUES, requires_grad=True)
    theirs = torch.tensor(VALUES, requires_grad=True)
    a, b = eval(code, {"x": ours, "T": gw}), eval(code, {"x": theirs, "T": torch})
    np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    a.sum().backward()
    b.sum().backward()
    np.testing.assert_array_equal(ours.grad.numpy(), theirs.grad.numpy())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x[5]", r"index: the index 5 is out of range for axis 0 of the shape \(2, 3, 4\); it may be -2 to 1"),
        ("x[0, 0, -5]", r"-5 .* axis 2 of the shape \(2, 3, 4\)"),
        ("x[[0, 2]]", r"\(2, 3, 4\)"),
        ("x[:, T.tensor([0, 7])]", r"7"),
        ("x[0, 0, 0, 0]", r"4 axes are indexed, but the shape \(2, 3, 4\) has 3"),
        ("x[:, T.tensor([True, False])]", r"mask of shape \(2,\) does not fit the shape \(2, 3, 4\) from axis 1 on"),
        ("x[0.5]", "0.5 is a float"),
        ("x[T.tensor([1.0, 0.0])]", "float32 is no index"),
        ("T.gather(x[0], 0, T.tensor([[-1]]))", r"index -1 in row \(0, 0\)"),
        ("T.index_select(x, 0, T.tensor([0, 2]))", "index 2 in row 1 is out of range for axis 0"),
        ("T.take(x, T.tensor([24]))", "index 24 in row 0"),
        ("x.scatter(0, T.tensor([[[3]]]), 1.0)", "index 3"),
        ("x.index_add(1, T.tensor([3]), x[:, :1])", "index 3 in row 0 is out of range for axis 1"),
    ],
)
def test_an_index_that_does_not_fit_is_named(code: str, message: str):
    with pytest.raises((IndexError, errors.DTypeError), match=message):
        eval(code, {"x": gw.tensor(VALUES), "T": gw})


def test_embedding_and_one_hot_name_row_and_value():
    with pytest.raises(errors.IndexOutOfRangeError, match="embedding: the index 3 in row 1"):
        embedding(gw.tensor([0, 3]), gw.ones(3, 2))
    with pytest.raises(errors.IndexOutOfRangeError, match=r"one_hot: the index 4 in row 1 .* it may be 0 to 2"):
        one_hot(gw.tensor([0, 4]), 3)


def test_embedding_leaves_the_padding_row_alone_and_counts():
    weight = gw.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    out = embedding(gw.tensor([[0, 2], [2, 1]]), weight, padding_idx=-1)
    assert out[0, 1].tolist() == [5.0, 6.0]
    out.sum().backward()
    assert weight.grad.tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
    weight.grad = None
    embedding(gw.tensor([2, 2, 0]), weight, scale_grad_by_freq=True).sum().backward()
    assert weight.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]


def test_embedding_scales_long_rows_down():
    weight, other = gw.tensor([[3.0, 4.0], [0.3, 0.4]]), torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    out = embedding(gw.tensor([0, 1]), weight, max_norm=1.0)
    expected = torch.nn.functional.embedding(torch.tensor([0, 1]), other, max_norm=1.0)
    np.testing.assert_allclose(out.numpy(), expected.numpy(), rtol=1e-6)
    np.testing.assert_allclose(weight.numpy(), other.numpy(), rtol=1e-6)


# --- assignment -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("index", "value"),
    [
        ("0", "v[0]"),
        ("..., 1", "v[:, :, 0]"),
        ("::2, [0, 2]", "v[0, :1]"),
        (":, 0, 1:3", "v[:, 0, :2]"),
        ("0, 1, 2", "v[0, 0, 0]"),
        ("v.detach() > 9.0", "v[0, 0, 0]"),
        ("v.detach()[:, 0, 0] > 0.0", "v[0]"),
        ("None, 1", "v[1]"),
        ("[0, 0]", "v[0]"),
        (":, [1, 2], [0, 1]", "v[0, 0, :2]"),
        ("1", "v[None, None, 0]"),
    ],
)
def test_assignment_is_pytorchs_and_differentiable_in_both(index: str, value: str):
    found = []
    for library in (gw, torch):
        x = library.tensor(VALUES, requires_grad=True)
        v = library.tensor(np.flip(VALUES).copy(), requires_grad=True)
        out = x * 2
        exec(f"out[{index}] = {value}", {"x": x, "v": v, "out": out})
        weights = library.tensor(np.cos(VALUES))
        (out * weights).sum().backward()
        found.append([a.detach().numpy() for a in (out, x.grad, v.grad)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_assigned_values_take_the_tensors_dtype():
    x = gw.tensor([1, 2, 3])
    x[0] = 2.7
    x[1] = gw.tensor(3.7)
    x[x == 3] = 9.9
    assert x.tolist() == [2, 9, 9]
    assert x.dtype == gw.int64
    y = gw.ones(3)
    y[1:] = np.array([2.0, 3.0])
    y[0] = True
    assert y.dtype == gw.float32
    assert y.tolist() == [1.0, 2.0, 3.0]


def test_assignment_refuses_what_does_not_fit():
    x = gw.ones(3, 4)
    with pytest.raises(errors.ShapeError, match=r"shape \(2,\) does not fit into the shape \(4,\) .* \(3, 4\)"):
        x[0] = gw.ones(2)
    with pytest.raises(errors.DTypeError, match="float64 for a tensor of float32"):
        x[[0, 1]] = gw.ones(4, dtype=gw.float64)
    with pytest.raises(errors.IndexOutOfRangeError, match="index 7"):
        x[7] = 1.0
    leaf = gw.ones(3, requires_grad=True)
    with pytest.raises(errors.GraphError, match="in-place"):
        leaf[0] = 1.0
    with gw.no_grad():
        leaf[0] = 5.0
    assert leaf.tolist() == [5.0, 1.0, 1.0]


# --- compiled steps ---------------------------------------------------------------------------------------------------
PICKS = {
    "brackets": lambda x, i: x[i],
    "brackets with a number": lambda x, i: x[i, 0],
    "index_select": lambda x, i: x.index_select(0, i),
    "gather": lambda x, i: x[:, 0].gather(0, i),
    "scatter_add": lambda x, i: x[:, 0].scatter_add(0, i, x[0, :2]),
    "index_add": lambda x, i: x.index_add(0, i, x[:2]),
    "take": lambda x, i: x[:, 0].take(i),
    "embedding": lambda x, i: embedding(i, x),
    "one_hot": lambda x, i: one_hot(i, 3),
}


@pytest.mark.parametrize("name", PICKS)
def test_a_compiled_step_checks_the_indices_that_it_is_given(name: str):
    pick = PICKS[name]
    step = gw.compile(pick)
    x = gw.tensor(np.arange(12.0, dtype=np.float32).reshape(3, 4))
    np.testing.assert_array_equal(step(x, gw.tensor([2, 0])).numpy(), pick(x, gw.tensor([2, 0])).numpy())
    with pytest.raises(errors.IndexOutOfRangeError, match=r"index 3 in row 1 .*axis 0"):
        step(x, gw.tensor([2, 3]))
    np.testing.assert_array_equal(step(x, gw.tensor([1, 1])).numpy(), pick(x, gw.tensor([1, 1])).numpy())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[x > 1],
        lambda x: x.nonzero(),
        lambda x: x.unique(),
        lambda x: x.masked_select(x > 1),
        lambda x: x.long().bincount(),
        lambda x: one_hot(x.long()),
    ],
)
def test_a_length_that_depends_on_values_is_refused_while_compiling(function: Any):
    with pytest.raises(errors.CompileError, match="how long the result is depends on values"):
        gw.compile(function)(gw.tensor([1.0, 2.0]))


def test_assignment_compiles_by_slice_by_index_and_by_mask():
    def step(x: Any, i: Any) -> Any:
        y = x * 2
        y[0] = 7.0
        y[:, 1] = x[:, 0]
        y[1:, ::2] = -1.0
        y[i] = x[i] + 0.5
        y[y > 10] = 10.0
        y[y < -50] = x[0].sum()
        y[i[0], 3] = 0.25
        return y, y[::-1, 1:], y[i[1]]

    x, i = gw.tensor(np.arange(12.0, dtype=np.float32).reshape(3, 4)), gw.tensor([2, 0])
    for a, b in zip(gw.compile(step)(x, i), step(x, i), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_traced_mask_takes_no_tensor_with_an_element_for_each_place():
    def step(x: Any) -> Any:
        y = x * 1
        y[x > 1] = x[:1]
        return y

    assert gw.compile(step)(gw.tensor([1.0, 2.0, 3.0])).tolist() == [1.0, 1.0, 1.0]

    def other(x: Any) -> Any:
        y = x * 1
        y[x > 1] = x[:2]
        return y

    with pytest.raises(errors.CompileError, match="by a mask"):
        gw.compile(other)(gw.tensor([1.0, 2.0, 3.0]))


def test_gradients_of_slices_compile_to_what_they_are_eagerly():
    x = gw.tensor(np.arange(24.0, dtype=np.float32).reshape(2, 3, 4))

    def slope(x: Any) -> Any:
        x = x.detach().requires_grad_()
        parts = [x[0], x[:, ::2], x[..., ::-3], x[1, None, 2:0:-1], x[:, 1:1], x[:, :, -1]]
        total = sum((p * p).sum() * (k + 1) for k, p in enumerate(parts))
        return gw.autograd.grad(total, x)[0]

    np.testing.assert_allclose(gw.compile(slope)(x).numpy(), slope(x).numpy(), rtol=1e-6)
