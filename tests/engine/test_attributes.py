"""Attributes, conversions, Python's protocols, modes, dtypes, devices: as PyTorch's. And names that are not there."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import (
    ConfigError,
    DeviceError,
    DTypeError,
    GraphError,
    ShapeError,
    UnknownNameError,
)

from .against_torch import both, same

#: `x` is a (2, 3) float tensor, `i` three integers, `b` truth values, `w` a leaf that requires grad, `h` made from it.
LINES = """
x.T
x.mT
x.H
x.ndim
x.dim()
x.ndimension()
x.numel()
x.nelement()
x.element_size()
x.itemsize
x.nbytes
x.double().nbytes
x.stride()
x.stride(1)
x.size(0)
x.size(-1)
tuple(x.size())
x.dtype
x.is_floating_point()
i.is_floating_point()
i.is_signed()
b.is_signed()
x.is_complex()
x.is_cuda
x.is_contiguous()
x.contiguous()
x.get_device()
str(x.device)
x.device.type
x.device == torch.device('cpu')
x.item if False else x[0, 1].item()
x.tolist()
i.tolist()
b.tolist()
x[0, 0].tolist()
x.cpu()
x.clone()
x.detach()
w.detach()
h.detach()
x.float()
x.double()
x.half()
x.bfloat16()
x.int()
x.long()
x.short()
x.char()
x.byte() if False else i.abs().byte()
x.bool()
i.float()
b.int()
x.to(torch.float64)
x.to('cpu')
x.to(torch.device('cpu'))
x.to('cpu', torch.float64)
x.to(i)
x.to(dtype=torch.int32)
x.to(device='cpu')
x.to('cpu', non_blocking=True)
x.to(torch.float64, copy=True)
x.to(torch.float32) is x
x.to(torch.float32, copy=True) is x
x.type(torch.float64)
x.type_as(i)
x.type().split('.')[-1]
i.type().split('.')[-1]
x.type('torch.DoubleTensor')
w.requires_grad
w.is_leaf
h.is_leaf
h.requires_grad
w.grad_fn is None
h.grad_fn is None
w.double().requires_grad
len(x)
[r.tolist() for r in x]
2.5 in x
7.0 in x
bool(x[0, 0] > 0)
float(x[0, 1])
int(i[1])
complex(x[0, 1])
[10, 20, 30][i[0]]
list(range(i[2]))
list(reversed(i))
[t.tolist() for t in reversed(x)]
'abc' * i[0] if False else 'abc' * int(i[0])
hash(x) == hash(x)
{x: 1}[x]
np.asarray(x)[1, 2].item()
np.asarray(x, dtype=np.float64).dtype.name
np.sum(x.numpy()).item()
x.numpy().dtype.name
w.detach().numpy().dtype.name
w.numpy(force=True).dtype.name
copy.deepcopy(x)
copy.deepcopy(w)
copy.copy(w)
torch.is_tensor(x)
torch.is_tensor(3)
torch.is_floating_point(x)
torch.numel(x)
torch.result_type(x, i)
torch.result_type(i, 2.5)
torch.result_type(i, 2)
torch.result_type(b, 2)
torch.result_type(x, torch.tensor(1.0, dtype=torch.float64))
torch.result_type(i, torch.tensor(1.0, dtype=torch.float64))
torch.result_type(3, 2.5)
torch.promote_types(torch.int32, torch.float32)
torch.promote_types(torch.uint8, torch.int8)
torch.promote_types(torch.bool, torch.uint8)
torch.promote_types(torch.int64, torch.float16)
torch.promote_types(torch.float16, torch.bfloat16)
torch.promote_types(torch.bfloat16, torch.float64)
torch.promote_types(torch.bfloat16, torch.int64)
torch.can_cast(torch.float32, torch.int64)
torch.can_cast(torch.int64, torch.float32)
torch.can_cast(torch.int64, torch.bool)
torch.can_cast(torch.int64, torch.uint8)
torch.finfo(torch.float32).eps
torch.finfo(torch.float32).max
torch.finfo(torch.float32).min
torch.finfo(torch.float64).tiny
torch.finfo(torch.float16).max
torch.finfo(torch.bfloat16).eps
torch.finfo(torch.float32).bits
torch.finfo().dtype
torch.finfo(torch.float64).resolution
torch.iinfo(torch.int32).max
torch.iinfo(torch.int64).min
torch.iinfo(torch.uint8).max
torch.iinfo(torch.int8).bits
torch.float is torch.float32
torch.double is torch.float64
torch.long is torch.int64
torch.int is torch.int32
torch.half is torch.float16
torch.short is torch.int16
torch.pi
torch.e
torch.inf
torch.nan != torch.nan
x[torch.newaxis].ndim
torch.device('cpu') == torch.device('cpu')
torch.device('cuda:1').index
str(torch.device('cuda', 1))
repr(torch.device('cpu'))
repr(torch.device('cuda:0'))
torch.device('cuda') == torch.device('cpu')
torch.device(torch.device('cuda:2')).index
str(torch.device('cuda' if torch.cuda.is_available() else 'cpu'))
torch.cuda.is_available()
torch.cuda.device_count()
torch.cuda.manual_seed_all(3)
torch.backends.mps.is_available()
torch.get_default_dtype()
torch.is_grad_enabled()
x.new_zeros(2).dtype
w.retains_grad
h.retains_grad
x.is_cpu
torch.clone(h)
torch.detach(h)
torch.is_nonzero(x[0, 0])
torch.is_signed(b)
torch.is_inference_mode_enabled()
str(torch.get_default_device())
isinstance(x.dtype, torch.dtype)
isinstance(x.shape, torch.Size)
x.shape == torch.Size([2, 3])
""".strip().splitlines()

SETUP = """
x = torch.tensor([[1.0, 2.5, -3.0], [0.0, 4.25, 5.0]])
i = torch.tensor([2, 0, 1])
b = torch.tensor([True, False, True])
w = torch.tensor([1.0, 2.0], requires_grad=True)
h = w * 2
"""


@pytest.mark.parametrize("line", LINES)
def test_as_pytorchs(line: str):
    results = []
    for library in (gw, torch):
        names: dict[str, Any] = {"torch": library, "np": np, "copy": copy}
        exec(SETUP, names)
        results.append(eval(line, names))
    same(*results, what=line)


def test_switches_that_do_nothing_here():
    gw.backends.cudnn.deterministic = True
    gw.backends.cudnn.benchmark = False
    gw.backends.cuda.matmul.allow_tf32 = True
    gw.set_num_threads(gw.get_num_threads())
    assert gw.get_num_threads() >= 1
    gw.use_deterministic_algorithms(True)
    gw.cuda.empty_cache()
    gw.cuda.synchronize()
    with pytest.raises(ConfigError):
        gw.set_num_threads(0)


def test_sizes_are_plain_tuples():
    x = gw.ones(2, 3)
    assert type(x.shape) is type(x.size()) is tuple
    assert x.shape == torch.Size([2, 3])


# --- what is refused --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        ("torch.ones(2).cuda()", DeviceError, r"cuda.*gradwright\.compile"),
        ("torch.ones(2).to('cuda')", DeviceError, "cuda"),
        ("torch.ones(2).to(torch.device('cuda:0'), torch.float64)", DeviceError, "cuda:0"),
        ("torch.ones(2, requires_grad=True).numpy()", GraphError, "detach"),
        ("np.asarray(torch.ones(2, requires_grad=True))", GraphError, "detach"),
        ("len(torch.tensor(1.0))", TypeError, "axes"),
        ("list(torch.tensor(1.0))", TypeError, "axes"),
        ("bool(torch.ones(2))", ShapeError, "any"),
        ("float(torch.ones(2))", ShapeError, "one element"),
        ("[1, 2][torch.tensor(1.0)]", TypeError, "float32"),
        ("copy.deepcopy(torch.ones(2, requires_grad=True) * 2)", GraphError, "clone"),
        ("torch.ones(2).mT", ShapeError, r"\(2,\)"),
        ("torch.ones(2, 2, 2).H", ShapeError, r"\(2, 2, 2\)"),
        ("torch.ones(2).to(nonsense=3)", DTypeError, "nonsense"),
        ("torch.nn.Parameter([1.0])", DTypeError, "list"),
        ("torch.finfo(torch.int32)", DTypeError, "iinfo"),
        ("torch.iinfo(torch.float32)", DTypeError, "float32"),
        ("torch.ones(2, dtype=torch.int32).requires_grad_()", GraphError, "floating"),
    ],
)
def test_refusals(line: str, error: type[Exception], says: str):
    with pytest.raises(Exception):  # noqa: B017 - PyTorch raises many kinds
        eval(line, {"torch": torch, "np": np, "copy": copy})
    with pytest.raises(error, match=says):
        eval(line, {"torch": gw, "np": np, "copy": copy})


def test_deepcopy_of_modules_is_apart():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    net(gw.randn(4, 2)).sum().backward()
    twin = copy.deepcopy(net)
    for (name, a), (_, b) in zip(net.named_parameters(), twin.named_parameters(), strict=True):
        assert type(b) is nn.Parameter, name
        assert a is not b
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
        np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())
    with gw.no_grad():
        twin[0].weight.fill_(0)
    twin[0].weight.requires_grad_(False)
    assert net[0].weight.detach().numpy().any()
    assert net[0].weight.requires_grad


def test_a_shared_tensor_stays_shared_in_a_deepcopy():
    w = nn.Parameter(gw.ones(2))
    a, b = copy.deepcopy([w, w])
    assert a is b is not w


# --- modes ------------------------------------------------------------------------------------------------------------
libraries = pytest.mark.parametrize("library", [torch, gw], ids=["torch", "gradwright"])


@libraries
def test_modes(library: Any):
    on = library.is_grad_enabled
    try:
        library.set_grad_enabled(False)
        assert not on()
        with library.set_grad_enabled(True):
            assert on()
        assert not on()
        with library.enable_grad():
            assert on()
            with library.no_grad():
                assert not on()
        assert not on()
    finally:
        library.set_grad_enabled(True)
    assert on()
    with library.inference_mode():
        assert not on()
    with library.inference_mode(mode=True):
        assert not on()
    with library.inference_mode(False):
        assert on()
    with library.inference_mode(mode=False):
        assert on()

    @library.no_grad
    def bare() -> bool:
        return bool(on())

    @library.no_grad()
    def called() -> bool:
        return bool(on())

    @library.inference_mode
    def inference() -> bool:
        return bool(on())

    @library.inference_mode()
    def inference_called() -> bool:
        return bool(on())

    @library.set_grad_enabled(False)
    def switched() -> bool:
        return bool(on())

    @library.no_grad()
    @library.enable_grad
    def nested() -> bool:
        return bool(on())

    @library.no_grad()
    def generator() -> Any:
        yield on()
        yield on()

    assert on()
    assert [bare(), called(), inference(), inference_called(), switched(), nested()] == [False] * 5 + [True]
    seen = []
    for value in generator():
        seen.append((value, on()))
    assert seen == [(False, True), (False, True)]
    assert bare.__name__ == "bare"
    with pytest.raises(ZeroDivisionError), library.no_grad():
        raise ZeroDivisionError
    assert on()


def test_values_made_in_inference_mode_may_be_trained_on():
    with gw.inference_mode():
        x = gw.ones(2) * 2
    w = gw.ones(2, requires_grad=True)
    (w * x).sum().backward()
    assert w.grad.tolist() == [2.0, 2.0]


# --- names that are not there -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("gw.ones(2).sofmax(0)", "Tensor has no 'sofmax': did you mean softmax"),
        ("gw.ones(2).storage()", "storage.*numpy"),
        ("gw.ones(2).share_memory_()", "processes"),
        ("gw.ones(2).real", "complex"),
        ("gw.jit", r"gradwright has no 'jit': .*gradwright\.compile"),
        ("gw.zeroes(2)", "did you mean zeros"),
        ("gw.complex64", "real and the imaginary"),
        ("gw.nn.Linaer(2, 3)", r"gradwright\.nn has no 'Linaer': did you mean Linear"),
        ("gw.nn.DataParallel", "one process"),
        ("gw.nn.functional.crossentropy", "cross_entropy"),
        ("gw.optim.Adm", "Adam"),
        ("gw.autograd.grads", "grad"),
        ("gw.fft.rfft", "Fourier"),
        ("gw.xyzzy_quux", "gradwright has no 'xyzzy_quux'$"),
    ],
)
def test_a_name_that_is_not_there_says_what_to_use(line: str, says: str):
    with pytest.raises(UnknownNameError, match=says):
        eval(line, {"gw": gw})
    with pytest.raises(AttributeError):
        eval(line, {"gw": gw})


def test_questions_about_names_get_a_quick_no():
    x = gw.ones(2)
    assert not hasattr(x, "__array_interface__")
    assert not hasattr(gw, "__wrapped__")
    assert not hasattr(nn, "nothing_like_it")
    assert getattr(x, "nothing", 3) == 3


@pytest.mark.parametrize("name", ["autograd", "autograd.function", "nn", "nn.functional", "optim", "cuda", "backends"])
def test_modules_import_as_pytorchs_do(name: str):
    assert importlib.import_module(f"gradwright.{name}").__name__ == f"gradwright.{name}"
    importlib.import_module(f"torch.{name}")


def test_both_is_what_the_other_tests_think():
    ours, theirs = both("torch.ones(1)")
    assert isinstance(ours, gw.Tensor)
    assert isinstance(theirs, torch.Tensor)
