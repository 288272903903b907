"""`autograd.Function`: operations that users write, in both libraries with the same lines."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.autograd import Function, gradcheck, gradgradcheck, jvp
from gradwright.errors import DTypeError, GraphError, ShapeError

libraries = pytest.mark.parametrize("library", [torch, gw], ids=["torch", "gradwright"])


def functions(library: Any) -> SimpleNamespace:
    """Define the same Functions on top of either library."""
    Base = library.autograd.Function

    class MyReLU(Base):
        @staticmethod
        def forward(ctx: Any, input: Any) -> Any:
            ctx.save_for_backward(input)
            return input.clamp(min=0)

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            (input,) = ctx.saved_tensors
            grad_input = grad_output.clone()
            return library.where(input < 0, library.zeros_like(input), grad_input)

    class LegendrePolynomial3(Base):
        @staticmethod
        def forward(ctx: Any, input: Any) -> Any:
            ctx.save_for_backward(input)
            return 0.5 * (5 * input**3 - 3 * input)

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            (input,) = ctx.saved_tensors
            return grad_output * 1.5 * (5 * input**2 - 1)

    class Exp(Base):
        @staticmethod
        def forward(ctx: Any, i: Any) -> Any:
            result = i.exp()
            ctx.save_for_backward(result)
            return result

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            (result,) = ctx.saved_tensors
            return grad_output * result

    class Linear(Base):
        @staticmethod
        def forward(ctx: Any, input: Any, weight: Any, bias: Any = None, scale: float = 1.0) -> Any:
            ctx.save_for_backward(input, weight, bias)
            ctx.scale = scale
            out = input @ weight.t() * scale
            return out if bias is None else out + bias

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            input, weight, bias = ctx.saved_tensors
            gi = gw_ = gb = None
            if ctx.needs_input_grad[0]:
                gi = g @ weight * ctx.scale
            if ctx.needs_input_grad[1]:
                gw_ = g.t() @ input * ctx.scale
            if bias is not None and ctx.needs_input_grad[2]:
                gb = g.sum(0)
            return gi, gw_, gb, None

    class SumAndProduct(Base):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.save_for_backward(x, y)
            return x + y, x * y

        @staticmethod
        def backward(ctx: Any, gs: Any, gp: Any) -> Any:
            x, y = ctx.saved_tensors
            return gs + gp * y, gs + gp * x

    class WithIndices(Base):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            mask = x > 0
            doubled = x * 2
            ctx.mark_non_differentiable(mask, doubled)
            ctx.save_for_backward(mask)
            return x * 3, mask, doubled

        @staticmethod
        def backward(ctx: Any, g: Any, g_mask: Any, g_doubled: Any) -> Any:
            return g * 3

    class Quiet(Base):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx: Any, a: Any, b: Any) -> Any:
            assert b is None
            return a

    class Setup(Base):
        @staticmethod
        def forward(x: Any, k: float) -> Any:
            return x * k

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            _, ctx.k = inputs

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.k, None

    class InPlace(Base):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            x.mul_(4)
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 4

    class Same(Base):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return -g

    class Once(Base):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @library.autograd.function.once_differentiable
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * 2 * x

    return SimpleNamespace(**{k: v for k, v in locals().items() if isinstance(v, type) and v is not Base})


@libraries
def test_relu_of_the_tutorial(library: Any):
    x = library.tensor([-1.0, 0.5, 2.0], requires_grad=True)
    y = functions(library).MyReLU.apply(x)
    (y * library.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert y.tolist() == [0.0, 0.5, 2.0]
    assert x.grad.tolist() == [0.0, 2.0, 3.0]
    assert "MyReLU" in y.grad_fn.name()


@libraries
def test_several_inputs_some_of_which_are_no_tensors_or_ask_for_nothing(library: Any):
    F = functions(library)
    x, w, b = library.ones(2, 3), library.full((4, 3), 2.0, requires_grad=True), library.zeros(4, requires_grad=True)
    F.Linear.apply(x, w, b, 0.5).sum().backward()
    assert x.grad is None
    assert w.grad.tolist() == [[1.0] * 3] * 4
    assert b.grad.tolist() == [2.0] * 4
    w.grad = None
    F.Linear.apply(x, w, None, 1.0).sum().backward()
    assert w.grad.tolist() == [[2.0] * 3] * 4
    with library.no_grad():
        assert not F.Linear.apply(x, w).requires_grad


@libraries
def test_several_outputs(library: Any):
    F = functions(library)
    x, y = library.tensor([2.0], requires_grad=True), library.tensor([5.0], requires_grad=True)
    s, p = F.SumAndProduct.apply(x, y)
    (s * 10 + p).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([15.0], [12.0])
    x.grad = None
    s, _ = F.SumAndProduct.apply(x, y)
    s.sum().backward()
    assert x.grad.tolist() == [1.0]
    out, mask, doubled = F.WithIndices.apply(x)
    assert (out.requires_grad, mask.requires_grad, doubled.requires_grad) == (True, False, False)
    F.Quiet.apply(x)[0].sum().backward()
    assert x.grad.tolist() == [2.0]


@libraries
def test_other_forms(library: Any):
    F = functions(library)
    x = library.tensor([2.0], requires_grad=True)
    F.Setup.apply(x, 7.0).sum().backward()
    assert x.grad.tolist() == [7.0]
    F.Same.apply(x).sum().backward()
    assert x.grad.tolist() == [6.0]
    y = x * 1
    out = F.InPlace.apply(y)
    assert out is y
    out.sum().backward()
    assert (y.tolist(), x.grad.tolist()) == ([8.0], [10.0])
    with pytest.raises(RuntimeError, match="leaf"):
        F.InPlace.apply(x)


@libraries
def test_second_derivatives(library: Any):
    F = functions(library)
    x = library.tensor([0.3, -0.7], requires_grad=True)
    for name in ("LegendrePolynomial3", "Exp"):
        (g,) = library.autograd.grad(getattr(F, name).apply(x).sum(), x, create_graph=True)
        (h,) = library.autograd.grad(g.sum(), x)
        want = 15 * x if name == "LegendrePolynomial3" else x.exp()
        np.testing.assert_allclose(h.tolist(), want.tolist(), rtol=1e-5)
    (g,) = library.autograd.grad(F.Once.apply(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable" if library is gw else "require grad"):
        library.autograd.grad(g.sum(), x)


def test_gradients_are_central_differences():
    F = functions(gw)
    x = gw.tensor([[0.3, -0.7, 0.2]], dtype=gw.float64, requires_grad=True)
    w = gw.tensor([[0.5, 0.1, -0.2], [1.0, 2.0, 3.0]], dtype=gw.float64, requires_grad=True)

    class Cubed(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            (x,) = ctx.saved_tensors
            return t * 3 * x * x

    assert gradcheck(Cubed.apply, x)
    assert gradgradcheck(Cubed.apply, x)
    (g,) = gw.autograd.grad(F.Linear.apply(x, w).sum(), w)
    assert g.tolist() == [x.tolist()[0]] * 2
    _, t = jvp(Cubed.apply, [gw.tensor([2.0])], [gw.tensor([1.0])])
    assert t.tolist() == [12.0]
    with pytest.raises(GraphError, match="Exp defines no static jvp"):
        jvp(F.Exp.apply, [gw.tensor([2.0])], [gw.tensor([1.0])])


def test_in_a_compiled_step():
    F = functions(gw)
    w = gw.tensor([1.0, -2.0], requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = None
        F.MyReLU.apply(F.Exp.apply(w * x) - 1).sum().backward()
        return w.grad

    x = gw.tensor([0.5, -0.25])
    np.testing.assert_allclose(gw.compile(step)(x).numpy(), step(x).numpy(), rtol=1e-6)


# --- planted mistakes -------------------------------------------------------------------------------------------------
def wrong(returned: Any) -> type[Function]:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, k: float) -> Any:
            return x * k

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return returned(g)

    return Wrong


@pytest.mark.parametrize(
    ("returned", "error", "says"),
    [
        (lambda g: g, GraphError, r"Wrong\.backward returned 1 gradients, but forward took 2"),
        (lambda g: (g, None, g), GraphError, "returned 3 gradients"),
        (lambda g: (g, g), GraphError, "argument 1, which is no Tensor"),
        (lambda g: (gw.ones(3), None), ShapeError, r"\(3,\) for argument 0 of shape \(2,\)"),
        (lambda g: (g.numpy(), None), DTypeError, "ndarray"),
    ],
)
def test_wrong_gradients_are_named(returned: Any, error: type[Exception], says: str):
    x = gw.ones(2, requires_grad=True)
    with pytest.raises(error, match=says):
        wrong(returned).apply(x, 2.0).sum().backward()


@libraries
def test_what_pytorch_forgives_is_forgiven(library: Any):
    class Broadcast(library.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return library.ones(3, 2), None, None  # more than the shape, which is summed, and None beyond the arguments

    x = library.ones(2, requires_grad=True)
    Broadcast.apply(x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_other_faults():
    F = functions(gw)
    x = gw.ones(2, requires_grad=True)
    y = F.Exp.apply(x)
    y.sum().backward()
    with pytest.raises(GraphError, match=r"ExpBackward.*second time"):
        y.sum().backward()
    with pytest.raises(GraphError, match="while backward runs"):
        _ = y.grad_fn.op.ctx.saved_tensors

    class SavesNumbers(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(3.0)
            return x

    with pytest.raises(DTypeError, match="float"):
        SavesNumbers.apply(x)

    class Nothing(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return 3

    with pytest.raises(DTypeError, match=r"Nothing\.forward returned a int"):
        Nothing.apply(x)
    z = x * 1
    out = F.MyReLU.apply(z)
    z += 1
    with pytest.raises(GraphError, match="written over in place"):
        out.sum().backward()
