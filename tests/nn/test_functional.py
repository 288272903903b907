"""Functions of `nn.functional` against PyTorch, against differences to second order, and compiled."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as T

import gradwright as gw
from gradwright.nn import functional as F

from .functional_cases import CALLS, LOSSES, Call, moves

each_call = pytest.mark.parametrize("call", CALLS, ids=str)


def weights(shape: Any) -> np.ndarray:
    return np.cos(np.arange(int(np.prod(shape)), dtype=np.float64)).reshape(shape) + 0.2


def arguments(call: Call, dtype: Any = np.float64) -> tuple[list[Any], dict[str, Any]]:
    """Return a call's arguments with Tensors for arrays, the floating ones of ``dtype``."""

    def tensor(x: Any) -> gw.Tensor:
        x = np.asarray(x)
        return gw.tensor(x.astype(dtype) if x.dtype.kind == "f" else x)

    return call.arguments(tensor, tensor)


def result_and_gradients(call: Call, inputs: list[Any], options: dict[str, Any]) -> list[Any]:
    """Return the result, and the gradients of a weighted sum of it."""
    moving = [x.requires_grad_() for x, given in zip(inputs, call.inputs, strict=True) if moves(given)]
    out = getattr(F, call.name)(*inputs, **options)
    out.backward(gw.tensor(weights(out.shape).astype(out.dtype)))
    return [out, *(x.grad for x in moving)]


@each_call
def test_values_and_gradients_are_pytorchs(call: Call):
    out, *grads = result_and_gradients(call, *arguments(call))
    inputs, options = call.arguments(lambda x: torch.tensor(x, requires_grad=True), torch.tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(T, call.name)(*inputs, **options)
    assert out.shape == tuple(expected.shape)
    assert out.dtype == np.float64
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    expected.backward(torch.tensor(weights(expected.shape)))
    theirs = [x.grad for x, given in zip(inputs, call.inputs, strict=True) if moves(given)]
    for a, b in zip(grads, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("call", [c for c in CALLS if c.options.get("reduction") not in ("mean", "sum")], ids=str)
def test_both_derivatives_are_those_of_differences(call: Call):
    inputs, options = arguments(call)
    places = [i for i, given in enumerate(call.inputs) if moves(given)]

    def function(*moved: gw.Tensor) -> gw.Tensor:
        values = list(inputs)
        for i, x in zip(places, moved, strict=True):
            values[i] = x
        return getattr(F, call.name)(*values, **options)

    points = [inputs[i].requires_grad_() for i in places]
    gw.autograd.gradcheck(function, points)
    gw.autograd.gradgradcheck(function, points)


@pytest.mark.parametrize("name", dict.fromkeys(call.name for call in CALLS))
def test_float32_stays_float32_and_compiled_is_eager(name: str):
    # one program for all of them: compiling is what costs
    calls = [c for c in CALLS if c.name == name and c.options.get("reduction") != "sum"]

    def step(*arrays: Any) -> list[Any]:
        rest = iter(arrays)
        found: list[Any] = []
        for call in calls:
            inputs, options = arguments(call, np.float32)
            inputs = [next(rest) if moves(given) else x for x, given in zip(inputs, call.inputs, strict=True)]
            found += result_and_gradients(call, inputs, options)
        return found

    def arrays() -> list[Any]:
        return [gw.tensor(x.astype(np.float32)) for call in calls for x in call.inputs if moves(x)]

    for compiled, eager in zip(gw.compile(step)(*arrays()), step(*arrays()), strict=True):
        assert compiled.dtype == eager.dtype == np.float32
        assert compiled.shape == eager.shape
        np.testing.assert_allclose(compiled.detach().numpy(), eager.detach().numpy(), rtol=1.3e-6, atol=1e-5)


# --- what they have in common -----------------------------------------------------------------------------------------
def test_arguments_have_pytorchs_names_order_and_defaults():
    for name in F.__all__:
        theirs = getattr(T, name, None)
        try:
            expected = inspect.signature(theirs).parameters if theirs is not None else None
        except ValueError:  # a built-in one
            continue
        if expected is None or name not in {call.name for call in CALLS}:
            continue
        found = inspect.signature(getattr(F, name)).parameters
        assert list(found) == list(expected), name
        for argument, parameter in expected.items():
            assert found[argument].default == parameter.default, (name, argument)
            assert found[argument].kind == parameter.kind, (name, argument)


OLD = [call for call in LOSSES if "size_average" in inspect.signature(getattr(F, call.name)).parameters]


@pytest.mark.parametrize(
    ("size_average", "reduce", "reduction"),
    [(None, False, "none"), (True, None, "mean"), (False, None, "sum"), (False, True, "sum"), (True, False, "none")],
)
def test_the_old_names_of_reductions(size_average: Any, reduce: Any, reduction: str):
    for name in dict.fromkeys(call.name for call in OLD):
        call = next(call for call in OLD if call.name == name and call.options.get("reduction") == "none")
        inputs, options = arguments(call)
        function = getattr(F, name)
        old = function(*inputs, **options | {"reduction": "mean"}, size_average=size_average, reduce=reduce)
        new = function(*inputs, **options | {"reduction": reduction})
        np.testing.assert_array_equal(old.numpy(), new.numpy())
