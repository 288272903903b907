"""Making tensors: numbers, shapes and dtypes are PyTorch's, and so is what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.errors import ConfigError, DeviceError, DTypeError, GradwrightError, GraphError, ShapeError

from .against_torch import both, same

LINES = """
torch.tensor(3)
torch.tensor(3.5)
torch.tensor(True)
torch.tensor([1, 2.5])
torch.tensor([True, 2])
torch.tensor([])
torch.tensor([[], []])
torch.tensor([[1, 2], [3, 4]], dtype=torch.float64)
torch.tensor([1.7, -1.7], dtype=torch.int64)
torch.tensor([0, 2], dtype=torch.bool)
torch.tensor([1.0], requires_grad=True)
torch.tensor(np.float64(3))
torch.tensor(np.int32(3))
torch.tensor([np.float64(3), np.float64(4)])
torch.tensor([np.float32(3)])
torch.tensor(np.arange(3))
torch.tensor(np.ones((2, 2)))
torch.tensor([torch.tensor(1.0), torch.tensor(2.0)])
torch.tensor([[torch.tensor(1), 2]])
torch.tensor(range(3))
torch.tensor((1, (2,))[1])
torch.tensor(torch.ones(2).tolist(), device="cpu")
torch.as_tensor([1, 2.5])
torch.as_tensor(np.ones(2), dtype=torch.float32)
torch.as_tensor(torch.ones(2), dtype=torch.int32)
torch.asarray([1, 2], dtype=torch.float32)
torch.asarray(np.ones(2), copy=True)
torch.asarray([1.0], requires_grad=True)
torch.from_numpy(np.ones((2, 1), np.float32))
torch.scalar_tensor(2)
torch.zeros(2, 3)
torch.zeros((2, 3))
torch.zeros([2, 3], dtype=torch.int64)
torch.zeros(size=(2,))
torch.zeros(())
torch.zeros(0, 3)
torch.zeros(2, dtype=bool)
torch.zeros(2, dtype=float)
torch.zeros(2, dtype=int)
torch.ones(2, requires_grad=True, device=torch.device("cpu"))
torch.ones(torch.tensor(2), np.int64(1))
torch.full((2,), 3)
torch.full((2,), 3.0)
torch.full((2,), True)
torch.full([2, 1], 3, dtype=torch.float64)
torch.full((), 2.5)
torch.full((2,), torch.tensor(3))
torch.empty(2, 3).shape
torch.empty(0)
torch.eye(3)
torch.eye(2, 3)
torch.eye(3, dtype=torch.int64)
torch.eye(0)
torch.arange(5)
torch.arange(5.0)
torch.arange(2, 7)
torch.arange(2, 7, 2)
torch.arange(7, 2, -2)
torch.arange(0, 1, 0.1)
torch.arange(1, 0, -0.3)
torch.arange(0.5, 3)
torch.arange(5, dtype=torch.float64)
torch.arange(5, 10, dtype=torch.int32)
torch.arange(0)
torch.arange(3, 3)
torch.arange(torch.tensor(4))
torch.arange(end=3, start=1)
torch.arange(4, requires_grad=False)
torch.linspace(0, 1, 5)
torch.linspace(-1, 1, 10)
torch.linspace(0, 10, 5, dtype=torch.int64)
torch.linspace(3, 10, steps=1)
torch.linspace(3, 10, 0)
torch.linspace(1, 2, 7, dtype=torch.float64)
torch.logspace(0, 2, 3)
torch.logspace(-10, 10, 5)
torch.logspace(0, 3, 4, base=2)
torch.zeros_like(torch.ones(2, dtype=torch.int32))
torch.ones_like(torch.zeros(2, 3), dtype=torch.float64)
torch.full_like(torch.zeros(2), 2)
torch.full_like(torch.zeros(2, dtype=torch.int64), 2.7)
torch.full_like(torch.zeros(2), 3, dtype=torch.int64)
torch.empty_like(torch.ones(2, 1)).shape
torch.zeros_like(torch.ones(2), requires_grad=True)
torch.ones(2, dtype=torch.float64).new_zeros(3)
torch.ones(2, dtype=torch.float64).new_ones((2, 1))
torch.ones(2).new_full((2,), 7)
torch.ones(2, dtype=torch.int64).new_full((2,), 7)
torch.ones(2, dtype=torch.int64).new_tensor([1.5, 2])
torch.ones(2).new_zeros(2, dtype=torch.int64)
torch.ones(2).new_empty(2, 3).shape
torch.Tensor([1, 2])
torch.Tensor([[1, 2], [3, 4]])
torch.Tensor(2, 3).shape
torch.Tensor()
torch.Tensor((3, 4))
torch.FloatTensor([1, 2])
torch.LongTensor([1, 2])
torch.LongTensor([1.5])
torch.DoubleTensor(2, 3).shape
torch.BoolTensor([0, 1])
torch.ByteTensor([1, 255])
torch.rand(2, 3).shape
torch.rand((2, 3), dtype=torch.float64).dtype
torch.randn(2, dtype=torch.float16).dtype
torch.randn(size=(4,)).dtype
torch.rand_like(torch.ones(2, dtype=torch.float64)).dtype
torch.randn_like(torch.ones(2, dtype=torch.int64), dtype=torch.float32).shape
torch.randint(3, (2, 2)).dtype
torch.randint(0, 3, (2, 2)).shape
torch.randint(low=0, high=3, size=(2,)).shape
torch.randint(5, size=(2,)).shape
torch.randint(1, 2, (3,))
torch.randint(5, (2,), dtype=torch.float32).dtype
torch.randint_like(torch.ones(3), 4).dtype
torch.randint_like(torch.ones(3, dtype=torch.int32), 4, 5)
torch.randperm(5).sum()
torch.randperm(0)
torch.randperm(4, dtype=torch.int32).dtype
torch.normal(0.0, 1.0, (2, 3)).shape
torch.normal(torch.zeros(3), torch.zeros(3))
torch.normal(torch.ones(2, 1), 0.0)
torch.normal(2.0, torch.zeros(3))
torch.bernoulli(torch.tensor([0.0, 1.0]))
torch.ones(3, dtype=torch.int64).bernoulli(0.0)
torch.multinomial(torch.tensor([0.0, 0.0, 2.0]), 3, replacement=True)
torch.multinomial(torch.tensor([[0.0, 3.0], [1.0, 0.0]]), 1)
torch.tensor([1.0, 2.0, 3.0]).multinomial(3).sort().values.sum() if False else torch.tensor(0)
torch.zeros(2, dtype=torch.half)
torch.zeros(2, dtype=torch.bfloat16)
torch.ones(2).bfloat16()
torch.zeros(2, dtype=torch.short)
torch.zeros(2, dtype=torch.uint8)
""".strip().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_as_pytorch_makes_it(line: str):
    same(*both(line), what=line)


REFUSED: list[tuple[str, type[GradwrightError], str]] = [
    ("torch.tensor([[1, 2], [3]])", ShapeError, "different lengths"),
    ("torch.tensor([2**63])", DTypeError, "63 bits"),
    ("torch.tensor([2**70])", DTypeError, "64 bits"),
    ("torch.tensor('a')", DTypeError, "numbers"),
    ("torch.tensor([torch.ones(2), torch.ones(2)])", ShapeError, "stack"),
    ("torch.tensor([1, 2], requires_grad=True)", GraphError, "floating"),
    ("torch.zeros(-1)", ShapeError, r"\(-1,\)"),
    ("torch.zeros(2.0)", DTypeError, "whole"),
    ("torch.eye(-1)", ShapeError, "-1"),
    ("torch.zeros(2, device='cuda')", DeviceError, "cuda.*gradwright.compile"),
    ("torch.ones(2, dtype=torch.int64, requires_grad=True)", GraphError, "int64"),
    ("torch.full((2,), [1, 2])", DTypeError, "list"),
    ("torch.arange(3, 1)", ConfigError, "from 3 to 1"),
    ("torch.arange(1, 3, 0)", ConfigError, "step"),
    ("torch.linspace(0, 1, -1)", ShapeError, "-1"),
    ("torch.from_numpy([1])", DTypeError, "NumPy array"),
    ("torch.randint(3, 3, (2,))", ConfigError, "from 3"),
    ("torch.randperm(-1)", ShapeError, "-1"),
    ("torch.rand(2, dtype=torch.int64)", DTypeError, "int64"),
    ("torch.rand_like(torch.ones(2, dtype=torch.int64))", DTypeError, "int64"),
    ("torch.normal(0.0, -1.0, (2,))", ConfigError, "-1"),
    ("torch.normal(torch.tensor([1, 2]), 1.0)", DTypeError, "int64"),
    ("torch.bernoulli(torch.tensor([2.0]))", ConfigError, "2"),
    ("torch.bernoulli(torch.tensor([1]))", DTypeError, "int64"),
    ("torch.multinomial(torch.tensor([0.0, 0.0]), 1)", ConfigError, "all 0"),
    ("torch.multinomial(torch.tensor([1.0, -1.0]), 1)", ConfigError, "negative"),
    ("torch.multinomial(torch.ones(2, 2, 2), 1)", ShapeError, r"\(2, 2, 2\)"),
    ("torch.multinomial(torch.tensor([1, 2]), 1)", DTypeError, "int64"),
    ("torch.multinomial(torch.ones(2), 3)", ConfigError, "replacement=True"),
    ("torch.Tensor(5.0)", DTypeError, "float"),
    ("torch.Tensor([1, 2], [3])", DTypeError, "and more"),
    ("torch.device('foo')", DeviceError, "foo"),
    ("torch.set_default_dtype(torch.int64)", DTypeError, "int64"),
    ("torch.ones(2).uniform_(2, 1)", ConfigError, "from 2 to 1"),
    ("torch.ones(2).exponential_(-1)", ConfigError, "-1"),
    ("torch.ones(2).bernoulli_(1.5)", ConfigError, "1.5"),
    ("torch.ones(2).random_(3, 3)", ConfigError, "3"),
    ("torch.ones(2, dtype=torch.int64).normal_()", DTypeError, "int64"),
    ("torch.zeros(2, dtype='nonsense')", DTypeError, "nonsense"),
]


@pytest.mark.parametrize(("line", "error", "says"), REFUSED, ids=[line for line, _, _ in REFUSED])
def test_what_pytorch_refuses_is_refused(line: str, error: type[GradwrightError], says: str):
    with pytest.raises(Exception):  # noqa: B017 - PyTorch raises many kinds
        eval(line, {"torch": torch})
    with pytest.raises(error, match=says):
        eval(line, {"torch": gw})


def test_complex_numbers_are_refused_with_a_remedy():
    with pytest.raises(DTypeError, match="real and the imaginary part"):
        gw.tensor([1 + 2j])
    with pytest.raises(DTypeError, match="complex"):
        gw.from_numpy(np.ones(2, complex))


def test_the_default_dtype():
    try:
        gw.set_default_dtype(gw.float64)
        assert gw.get_default_dtype() == gw.float64
        made = [gw.tensor(1.5), gw.zeros(2), gw.ones(2), gw.full((1,), 0.5), gw.arange(0, 1, 0.5), gw.eye(2)]
        made += [gw.linspace(0, 1, 3), gw.rand(2), gw.randn(2), gw.tensor([1, 2]) / 2, gw.tensor([1, 2]) * 0.5]
        made += [gw.tensor([1, 4]).sqrt(), gw.normal(0.0, 1.0, (2,)), gw.Tensor([1])]
        assert {t.dtype for t in made} == {gw.float64}
        assert repr(gw.tensor([1.5])) == "tensor([1.5000])"
        assert repr(gw.tensor([1.5]).float()) == "tensor([1.5000], dtype=float32)"
    finally:
        gw.set_default_dtype(gw.float32)
    assert gw.tensor(1.5).dtype == gw.float32


def test_sharing():
    a = np.ones(2)
    assert np.shares_memory(gw.from_numpy(a)._array, a)
    assert np.shares_memory(gw.as_tensor(a)._array, a)
    assert np.shares_memory(gw.asarray(a)._array, a)
    assert not np.shares_memory(gw.asarray(a, copy=True)._array, a)
    assert not np.shares_memory(gw.tensor(a)._array, a)
    x = gw.tensor([1.0], requires_grad=True)
    assert gw.asarray(x).requires_grad is False
    with pytest.raises(DTypeError, match="cannot be shared"):
        gw.asarray([1.0], copy=False)
