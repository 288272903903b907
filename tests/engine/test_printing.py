"""Tensors as text: PyTorch's, but for the names of dtypes and operations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.errors import ConfigError


def normalised(text: str) -> str:
    text = text.replace("dtype=torch.", "dtype=")
    return re.sub(r"grad_fn=<(\w+?)(Backward\d*)?>", lambda m: f"grad_fn=<{m[1].lower()}>", text)


R = np.random.default_rng(0)
ARRAYS: dict[str, np.ndarray] = {
    "whole float": np.array(2.0, np.float32),
    "fraction": np.array(-2.5, np.float32),
    "nan": np.array(np.nan, np.float32),
    "zero": np.array(0.0, np.float32),
    "negative zero": np.array([-0.0, 0.0], np.float32),
    "int": np.array(7),
    "bool": np.array(True),
    "bools": np.array([True, False, True]),
    "bool matrix": R.integers(0, 2, (3, 4)).astype(bool),
    "ints": np.array([1, -20, 300]),
    "int matrix": R.integers(-1000, 1000, (4, 5)),
    "int32": R.integers(0, 9, (2, 2)).astype(np.int32),
    "uint8": np.array([1, 255], np.uint8),
    "big ints": np.array([2**62, -1]),
    "empty": np.zeros(0, np.float32),
    "empty int": np.zeros(0, np.int64),
    "empty bool": np.zeros((0,), bool),
    "empty (0, 3)": np.zeros((0, 3), np.float32),
    "empty (2, 0, 3)": np.zeros((2, 0, 3), np.int64),
    "float64": np.array([1.5, 2.0]),
    "float16": np.array([1.5, 2.25], np.float16),
    "float16 large": np.array([60000.0, 0.5], np.float16),
    "whole": np.arange(6, dtype=np.float32).reshape(2, 3),
    "negative whole": np.array([-1.0, 10.0, 100.0], np.float32),
    "fixed": R.normal(size=(3, 4)).astype(np.float32),
    "nans and infs": np.array([1.0, np.nan, np.inf, -np.inf], np.float32),
    "fractions with nan": np.array([0.5, np.nan, -np.inf], np.float32),
    "only nan": np.array([np.nan, np.nan], np.float32),
    "zeros": np.zeros((2, 2), np.float32),
    "scientific small": np.array([1e-6, 1.0], np.float32),
    "scientific large": np.array([1e10, 1.0], np.float32),
    "scientific whole": np.array([1.0, 5000.0], np.float32),
    "whole within 1000": np.array([1.0, 1000.0], np.float32),
    "scientific spread": np.array([0.001, 10.0], np.float32),
    "tiny": np.array(1e-7, np.float32),
    "1e8": np.array([1e8], np.float32),
    "above 1e8": np.array([1.5e8], np.float32),
    "scientific negative": np.array([-1e-6, 100.0, 0.0], np.float32),
    "scientific nan": np.array([1e-9, np.nan, 1.0], np.float32),
    "long line": np.arange(30, dtype=np.float32),
    "long int line": np.arange(100, 150),
    "long bool line": np.ones(30, bool),
    "wide matrix": R.normal(size=(2, 20)).astype(np.float32),
    "three axes": R.normal(size=(2, 2, 3)).astype(np.float32),
    "four axes": np.arange(16).reshape(2, 2, 2, 2),
    "1000": np.arange(1000),
    "1001": np.arange(1001),
    "summary float": R.normal(size=2000).astype(np.float32),
    "summary matrix": R.normal(size=(100, 100)).astype(np.float32),
    "summary tall": R.normal(size=(2000, 2)).astype(np.float32),
    "summary wide": np.arange(3000).reshape(2, 1500),
    "summary three axes": R.normal(size=(20, 3, 40)).astype(np.float32),
    "summary of 7": np.arange(7000).reshape(7, 1000),
    "summary hides the large": np.where(np.arange(2000) == 1000, 1e12, 1.0).astype(np.float32),
    "summary bool": np.ones((50, 50), bool),
    "float64 line that ends near the width": np.linspace(0, 1, 8),
    "float64 matrix": R.normal(size=(2, 6)),
    "float64 lines": R.normal(size=(3, 7)) * 10,
    "a column": R.normal(size=(4, 1)).astype(np.float32),
}


@pytest.fixture(autouse=True)
def _options_as_they_were() -> Iterator[None]:
    yield
    gw.set_printoptions(profile="default")
    torch.set_printoptions(profile="default")


def pair(array: np.ndarray) -> tuple[Any, Any]:
    return gw.tensor(array), torch.tensor(array)


def agree(ours: Any, theirs: Any) -> None:
    # our name of a dtype is shorter, so that what fits behind the last line may differ
    a, b = normalised(repr(ours)), normalised(repr(theirs))
    assert re.sub(r",\s+(dtype|grad_fn|requires_grad)", r", \1", a) == re.sub(
        r",\s+(dtype|grad_fn|requires_grad)", r", \1", b
    )


@pytest.mark.parametrize("name", ARRAYS)
def test_repr_is_pytorchs(name: str):
    agree(*pair(ARRAYS[name]))


@pytest.mark.parametrize("name", [n for n, a in ARRAYS.items() if a.dtype.kind == "f"])
def test_repr_with_gradients_is_pytorchs(name: str):
    ours, theirs = pair(ARRAYS[name])
    ours.requires_grad_()
    theirs.requires_grad_()
    agree(ours, theirs)
    agree(-ours, -theirs)
    agree(gw.nn.Parameter(ours.detach()), torch.nn.Parameter(theirs.detach()))


OPTIONS: list[dict[str, Any]] = [
    {"precision": 2},
    {"precision": 8},
    {"threshold": 5},
    {"threshold": 5, "edgeitems": 1},
    {"linewidth": 40},
    {"linewidth": 200},
    {"sci_mode": True},
    {"sci_mode": False},
    {"profile": "short"},
    {"profile": "full"},
    {"precision": 1, "sci_mode": True, "linewidth": 30},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options: dict[str, Any]):
    gw.set_printoptions(**options)
    torch.set_printoptions(**options)
    for array in ARRAYS.values():
        agree(*pair(array))


def test_str_and_format():
    cases: list[Callable[[Any], str]] = [
        str,
        lambda x: f"{x}",
        lambda x: f"{x.sum():.4f}",
        lambda x: f"{x.sum():8.2e}",
        lambda x: f"{x.sum()}",
        lambda x: f"{x.sum().long():d}",
        lambda x: "%.3f" % x.sum(),  # noqa: UP031 - as lectures write
        lambda x: f"{x.sum()!r}",
        lambda x: f"loss {x.sum():>10.3f}|",
    ]
    array = np.array([1.5, -2.25], np.float32)
    for case in cases:
        assert case(gw.tensor(array)) == case(torch.tensor(array))
    with pytest.raises(TypeError, match=r"\(2,\).*\.3f"):
        f"{gw.ones(2):.3f}"
    with pytest.raises(ConfigError, match="profile"):
        gw.set_printoptions(profile="huge")


def test_our_names_of_dtypes_and_operations():
    x = gw.tensor([1.5], dtype=gw.float64, requires_grad=True)
    assert repr(x * 2) == "tensor([3.], dtype=float64, grad_fn=<mul>)"
    assert repr(gw.ones(1).bfloat16()) == "tensor([1.], dtype=bfloat16)"
