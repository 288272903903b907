"""Promotion of dtypes is PyTorch's."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradwright.backend import namespace, promote
from gradwright.engine import tensor
from gradwright.engine.ops.elementwise import add, mul, where

DTYPES = [np.bool_, np.int32, np.int64, np.float32, np.float64]
operands = st.one_of(
    st.tuples(st.sampled_from(DTYPES), st.sampled_from([(), (2,), (1, 2)])),
    st.sampled_from([True, 2, 2.5]),
)


def torch_name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def as_torch(x: Any) -> Any:
    return torch.from_numpy(x) if isinstance(x, np.ndarray) else x


def made(operand: Any) -> Any:
    return np.ones(operand[1], operand[0]) if isinstance(operand, tuple) else operand


@given(operands, operands)
@settings(max_examples=300, deadline=None)
def test_two_operands_meet_in_torchs_dtype(a: Any, b: Any):
    x, y = made(a), made(b)
    if not isinstance(x, np.ndarray) and not isinstance(y, np.ndarray):
        return
    expected = torch_name(torch.result_type(as_torch(x), as_torch(y)))
    ours = [tensor(v) if isinstance(v, np.ndarray) else v for v in (x, y)]
    assert mul(*ours).dtype.name == expected
    assert add(*ours).dtype.name == expected
    assert where(tensor([True, False]), *ours).dtype.name == expected


@pytest.mark.parametrize(("a", "b"), list(itertools.product(DTYPES, DTYPES)))
def test_zero_dimensional_pairs_meet_in_the_wider_dtype(a: Any, b: Any):
    expected = torch_name(torch.result_type(as_torch(np.ones((), a)), as_torch(np.ones((), b))))
    assert {x.dtype.name for x in promote([np.ones((), a), np.ones((), b)])} == {expected}


def test_a_float32_array_stays_float32_beside_float64_scalars():
    x = tensor([1.0, 2.0])
    for scalar in (np.float64(3), 3.0, 3, np.int64(3), tensor(3.0, dtype=np.float64), np.array(3.0)):
        for result in (x * scalar, scalar * x, x + scalar, x / scalar, x - scalar, scalar - x, x**scalar):
            assert result.dtype == np.float32


def test_integers_beside_floats():
    whole = tensor([1, 2])
    assert (whole * tensor([0.5, 0.5])).dtype == np.float32
    assert (whole * 0.5).dtype == np.float32
    assert (0.5 + whole).dtype == np.float32
    assert (tensor([True]) * 0.5).dtype == np.float32
    assert (whole / 2).dtype == np.float32
    assert (whole / whole).dtype == np.float32
    assert (whole + 1).dtype == np.int64
    assert (whole > 0.5).tolist() == [True, True]


@pytest.mark.parametrize("function", ["exp", "log", "sqrt", "tanh", "sigmoid"])
def test_floating_functions_of_integers_are_float32(function: str):
    x = np.array([1, 2])
    ours, theirs = getattr(tensor(x), function)(), getattr(torch.tensor(x), function)()
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_gradients_have_the_dtype_of_their_leaf():
    narrow, wide = (
        tensor([1.0, 2.0], requires_grad=True),
        tensor([3.0, 4.0], dtype=np.float64, requires_grad=True),
    )
    out = (narrow * wide).sum()
    assert out.dtype == np.float64
    out.backward()
    assert narrow.grad.dtype == np.float32
    assert wide.grad.dtype == np.float64


def test_half_floats_promote():
    jnp = jax.numpy
    pairs = [
        (np.float16, np.float32, "float32"),
        (jnp.bfloat16, np.float32, "float32"),
        (jnp.bfloat16, np.int64, "bfloat16"),
    ]
    for a, b, expected in pairs:
        assert {x.dtype.name for x in promote([np.ones(2, a), np.ones(2, b)])} == {expected}


def test_the_namespace_is_jaxs_as_soon_as_one_array_is():
    assert namespace([np.ones(2), 1.0, np.float32(2)]) is np
    assert namespace([np.ones(2), jax.numpy.ones(2)]) is jax.numpy
    assert namespace([]) is np
