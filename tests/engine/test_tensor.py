"""The Tensor: what it shows, converts to, and says when shapes do not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import torch

from gradwright.engine import arange, from_numpy, full, ones, ones_like, tensor, zeros, zeros_like
from gradwright.engine.creation import as_tensor
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import GraphError, IndexOutOfRangeError, ShapeError

SHOWN: list[Any] = [
    [1.0, 2.0, 3.0],
    [0.5, 1.25],
    [[1.0, 2.0], [3.0, 4.5]],
    2.0,
    2.5,
    -0.125,
    3.14159265,
    0.0,
    [],
    [1, 2, 3],
    7,
    True,
    [True, False],
    [0.1, 0.2, 0.3],
    [1.0, float("nan"), float("inf")],
    [-1.0, 10.5],
    [100.0, 0.25],
    [[1], [2]],
    1e-6,
    1e10,
    [1e-6, 1.0],
    [12345.678, 0.1],
    1e6,
    123456.0,
    1234567.0,
    [[0.5], [2.0]],
]


@pytest.mark.parametrize("values", SHOWN, ids=str)
def test_repr_is_torchs(values: Any):
    assert repr(tensor(values)) == repr(torch.tensor(values))


def test_repr_says_dtype_and_gradient():
    assert repr(tensor([1.5], dtype=np.float64)) == "tensor([1.5000], dtype=float64)"
    assert repr(tensor([1.5], requires_grad=True)) == "tensor([1.5000], requires_grad=True)"
    assert repr(tensor([1.5], requires_grad=True) * 2) == "tensor([3.], grad_fn=<mul>)"
    assert repr(Parameter(tensor([1.5]))) == "Parameter containing:\ntensor([1.5000], requires_grad=True)"


def test_a_traced_tensor_shows_dtype_and_shape():
    shown = []
    jax.jit(lambda x: shown.append(repr(Tensor(x))))(np.ones(2, np.float32))
    assert shown == ["tensor(<traced float32 (2,)>)"]


def test_item_is_a_python_number():
    for value, kind in ((2.5, float), (3, int), (True, bool)):
        assert tensor(value).item() == value
        assert type(tensor([[value]]).item()) is kind
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        tensor([1.0, 2.0]).item()
    assert (float(tensor(2.5)), int(tensor(3)), bool(tensor([0.0]))) == (2.5, 3, False)
    with pytest.raises(ShapeError, match=r"\(2,\) is ambiguous"):
        bool(tensor([1.0, 2.0]))


def test_numpy_is_a_copy_and_refuses_tensors_that_require_grad():
    x = tensor([1.0, 2.0])
    x.numpy()[0] = 9
    assert x.tolist() == [1.0, 2.0]
    with pytest.raises(GraphError, match=r"detach\(\)\.numpy\(\)"):
        tensor([1.0], requires_grad=True).numpy()
    np.testing.assert_array_equal(np.asarray(x), [1.0, 2.0])


def test_numpy_arrays_on_the_left_give_tensors():
    x = tensor([1.0, 2.0], requires_grad=True)
    a = np.array([3.0, 4.0], np.float32)
    for out in (a * x, a + x, a - x, a / x, a @ x, np.float32(3) * x):
        assert isinstance(out, Tensor)
        assert out.requires_grad
        assert out.dtype == np.float32
    assert (a - x).tolist() == [2.0, 2.0]
    assert (a / x).tolist() == [3.0, 2.0]


def test_python_numbers_on_the_left():
    x = tensor([2.0, 4.0])
    assert (1 - x).tolist() == [-1.0, -3.0]
    assert (8 / x).tolist() == [4.0, 2.0]
    assert (2**x).tolist() == [4.0, 16.0]


def test_tensor_copies_and_as_tensor_does_not():
    a = np.ones(2, np.float32)
    copied, shared = tensor(a), as_tensor(a)
    a[0] = 5
    assert copied.tolist() == [1.0, 1.0]
    assert shared.tolist() == [5.0, 1.0]
    assert from_numpy(a).tolist() == [5.0, 1.0]
    assert as_tensor(shared) is shared


def test_what_tensor_is_made_of():
    assert tensor([1.0]).dtype == np.float32
    assert tensor(np.array([1.0])).dtype == np.float64
    assert tensor([1, 2]).dtype == np.int64
    assert tensor([True]).dtype == np.bool_
    assert tensor([1, 2], dtype=np.float32).dtype == np.float32
    with pytest.raises(ShapeError, match="different lengths"):
        tensor([[1.0], [1.0, 2.0]])
    with pytest.raises(ShapeError, match="other than numbers"):
        tensor([None, 1.0])


def test_creation():
    assert zeros(2, 3).shape == zeros((2, 3)).shape == (2, 3)
    assert ones(2).tolist() == [1.0, 1.0]
    assert zeros(()).shape == ()
    assert full((2,), 3).dtype == np.int64
    assert full((2,), 3.0).dtype == np.float32
    assert arange(3).tolist() == [0, 1, 2]
    assert arange(0, 1, 0.25).dtype == np.float32
    assert ones_like(zeros(2)).tolist() == [1.0, 1.0]
    assert zeros_like(ones(2, dtype=np.float64)).dtype == np.float64


MISFITS: list[tuple[Callable[[], Any], list[str]]] = [
    (lambda: ones(2) + ones(3), ["(2,)", "(3,)", "add"]),
    (lambda: ones(2, 3) * ones(2), ["(2, 3)", "(2,)", "mul"]),
    (lambda: ones(2, 3) > ones(4), ["(2, 3)", "(4,)", "gt"]),
    (lambda: ones(2, 3) @ ones(2, 3), ["(2, 3) @ (2, 3)", "matmul"]),
    (lambda: ones(2, 2, 3) @ ones(3, 3, 1), ["(2, 2, 3)", "(3, 3, 1)", "matmul"]),
    (lambda: ones(2) @ tensor(1.0), ["(2,) @ ()", "matmul"]),
    (lambda: ones(2, 3).reshape(4, 2), ["(2, 3)", "(4, 2)", "6"]),
    (lambda: ones(2, 3).reshape(-1, 4), ["(2, 3)", "(-1, 4)"]),
    (lambda: ones(2).expand(3), ["(2,)", "(3,)", "expand"]),
    (lambda: setattr(ones(2), "grad", ones(3)), ["(2,)", "(3,)"]),
]


@pytest.mark.parametrize(("misfit", "parts"), MISFITS, ids=range(len(MISFITS)))
def test_shape_errors_name_both_shapes(misfit: Callable[[], Any], parts: list[str]):
    with pytest.raises(ShapeError) as caught:
        misfit()
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("index", [3, -4, (0, 5), [0, 7], np.array([1, -9])], ids=str)
def test_an_index_out_of_range_is_an_error_that_names_it(index: Any):
    with pytest.raises(IndexOutOfRangeError, match=r"\(3, 2\)"):
        ones(3, 2)[index]


def test_shape_methods_are_torchs():
    a = np.arange(24.0).reshape(2, 3, 4)
    ours, theirs = tensor(a), torch.tensor(a)
    cases: list[Callable[[Any], Any]] = [
        lambda x: x.flatten(),
        lambda x: x.flatten(1),
        lambda x: x.flatten(0, 1),
        lambda x: x.reshape(4, -1),
        lambda x: x.reshape((6, 4)),
        lambda x: x.unsqueeze(0),
        lambda x: x.unsqueeze(-1),
        lambda x: x.unsqueeze(1).squeeze(1),
        lambda x: x.unsqueeze(1).unsqueeze(0).squeeze(),
        lambda x: x.transpose(0, 2),
        lambda x: x.transpose(-1, 1),
        lambda x: x.permute(2, 0, 1),
        lambda x: x.permute(-1, 0, 1),
        lambda x: x[:, 1],
        lambda x: x[..., -1],
        lambda x: x[1, 2, 3],
        lambda x: x[:, None],
        lambda x: x[0:1].expand(5, 3, 4),
        lambda x: x[0].t(),
        lambda x: x[0].T,
        lambda x: x.squeeze(1),
        lambda x: x[x > 5],
        lambda x: x.view(-1),
    ]
    for case in cases:
        np.testing.assert_array_equal(case(ours).numpy(), case(theirs).numpy())
    np.testing.assert_array_equal(ours[tensor([1, 0])].numpy(), theirs[torch.tensor([1, 0])].numpy())


def test_python_protocols():
    x = tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    assert {x: 1}[x] == 1
    assert (x.size(), x.size(1), x.dim(), x.numel()) == ((2, 2), 2, 2, 4)
    with pytest.raises(TypeError, match="without axes"):
        len(tensor(1.0))
