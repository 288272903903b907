"""Shape functions as users call them: what is refused and how it is said, unused parts, second derivatives."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.engine.functions.padding import pad
from gradwright.errors import CompileError, DTypeError, IndexOutOfRangeError, ShapeError


def x(*shape: int, seed: int = 0) -> gw.Tensor:
    return gw.tensor(np.random.default_rng(seed).uniform(0.5, 2.0, shape), requires_grad=True)


# --- what is refused ----------------------------------------------------------------------------------------
REFUSED: tuple[tuple[str, Any, type[Exception], str], ...] = (
    ("reshape", lambda: x(2, 3).reshape(4), ShapeError, r"\(2, 3\) has 6 elements.*\(4,\)"),
    ("reshape -1", lambda: x(2, 3).reshape(4, -1), ShapeError, r"\(2, 3\).*\(4, -1\)"),
    ("reshape two -1", lambda: x(2, 3).reshape(-1, -1), ShapeError, r"\(-1, -1\)"),
    ("reshape -1 of nothing", lambda: x(0, 3).reshape(0, -1), ShapeError, r"\(0, 3\)"),
    ("reshape float", lambda: x(2, 3).reshape(6.0), DTypeError, "6.0"),
    ("view as bits", lambda: x(2).view(gw.float32), DTypeError, r"\.to\(dtype\)"),
    ("expand", lambda: x(2, 3).expand(3, 3), ShapeError, r"\(2, 3\).*\(3, 3\)"),
    ("expand to fewer", lambda: x(2, 3).expand(3), ShapeError, r"\(2, 3\).*\(3,\)"),
    ("permute", lambda: x(2, 3).permute(0, 0), ShapeError, r"twice.*\(0, 0\).*\(2, 3\)"),
    ("permute too few", lambda: x(2, 3).permute(1), ShapeError, r"\(1,\).*\(2, 3\)"),
    ("transpose", lambda: x(2, 3).transpose(0, 2), IndexOutOfRangeError, r"dim 2.*\(2, 3\)"),
    ("unsqueeze", lambda: x(2, 3).unsqueeze(4), IndexOutOfRangeError, r"dim 4.*\(2, 3\)"),
    ("squeeze", lambda: x(2, 3).squeeze((0, 0)), ShapeError, "twice"),
    ("t", lambda: x(2, 3, 1).t(), ShapeError, r"\(2, 3, 1\)"),
    ("mT", lambda: x(2).mT, ShapeError, r"\(2,\)"),
    ("H", lambda: x(2, 2, 2).H, ShapeError, r"\.mH"),
    ("cat", lambda: gw.cat([x(2, 3), x(3, 2)]), ShapeError, r"dim 0.*tensor 1.*\(3, 2\).*\(2, 3\)"),
    ("cat of nothing", lambda: gw.cat([]), ShapeError, "at least 1"),
    ("cat of numbers", lambda: gw.cat([x(), x()]), ShapeError, "stack"),
    ("cat of no list", lambda: gw.cat(x(2)), DTypeError, "list or tuple"),
    ("cat of no tensors", lambda: gw.cat([x(2), 1.0]), DTypeError, "item 1"),
    ("cat dim", lambda: gw.cat([x(2), x(2)], dim=1), IndexOutOfRangeError, r"dim 1.*\(2,\)"),
    ("stack", lambda: gw.stack([x(2, 3), x(3, 2)]), ShapeError, r"\(3, 2\).*\(2, 3\)"),
    ("split", lambda: x(5).split([2, 2]), ShapeError, r"\[2, 2\].*5.*\(5,\)"),
    ("split 0", lambda: x(5).split(0), ShapeError, "0"),
    ("split of a number", lambda: x().split(1), ShapeError, "without axes"),
    ("chunk", lambda: x(5).chunk(0), ShapeError, "above 0"),
    ("hsplit", lambda: gw.hsplit(x(2, 3), 2), ShapeError, r"2 equal parts.*\(2, 3\)"),
    ("narrow", lambda: x(3).narrow(0, 2, 2), ShapeError, r"\(3,\)"),
    ("flip", lambda: x(2, 3).flip(0, 0), ShapeError, "twice"),
    ("roll", lambda: x(2, 3).roll((1, 2), 0), ShapeError, "equally many"),
    ("repeat", lambda: x(2, 3).repeat(2), ShapeError, r"\(2,\).*\(2, 3\)"),
    ("repeat_interleave", lambda: x(3).repeat_interleave(gw.tensor([1, 2])), ShapeError, r"\(2,\).*\(3,\)"),
    ("tril", lambda: x(3).tril(), ShapeError, r"\(3,\)"),
    ("diagonal", lambda: x(3, 3).diagonal(0, 1, 1), ShapeError, "same axis"),
    ("diag", lambda: x(3, 3, 3).diag(), ShapeError, r"\(3, 3, 3\)"),
    ("unfold", lambda: x(3).unfold(0, 4, 1), ShapeError, r"4.*\(3,\)"),
    ("meshgrid", lambda: gw.meshgrid(x(2, 2)), ShapeError, r"\(2, 2\)"),
    ("broadcast_tensors", lambda: gw.broadcast_tensors(x(2), x(3)), ShapeError, r"\(2,\) and \(3,\)"),
    ("pad", lambda: pad(x(2, 3), (1, 1, 1)), ShapeError, r"\(1, 1, 1\).*\(2, 3\)"),
    ("pad reflect", lambda: pad(x(1, 2, 3), (3, 0), "reflect"), ShapeError, r"2 places.*\(1, 2, 3\)"),
)


@pytest.mark.parametrize(("call", "error", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_does_not_fit_is_refused_with_its_shapes(call: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        call()


def test_repeats_that_a_program_computes_are_refused_with_a_remedy():
    def step(repeats: Any) -> Any:
        return gw.ones(2).repeat_interleave(gw.Tensor(repeats))._array

    with pytest.raises(CompileError, match="outside the step"):
        jax.jit(step)(np.array([1, 2]))


# --- several outputs ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("part", [0, 1, 2])
def test_parts_that_nobody_used_get_zeros(part: int):
    a = x(5, 2)
    a.split(2)[part].sum().backward()
    expected = np.zeros((5, 2))
    expected[2 * part : 2 * part + 2] = 1
    np.testing.assert_array_equal(a.grad.numpy(), expected)
    b = x(3, 2)
    (b.unbind(0)[part] * 2).sum().backward()
    assert b.grad.sum(1).tolist() == [4.0 * (i == part) for i in range(3)]


def test_splitting_and_joining_are_the_identity_at_both_orders():
    def there_and_back(a: gw.Tensor) -> gw.Tensor:
        left, right = (a * a).split([1, 2], 1)
        first, second = gw.stack([left.expand(2, 2), right]).unbind(0)
        return gw.cat([first[:, :1], second], 1) * a

    gw.autograd.gradgradcheck(there_and_back, x(2, 3))


def test_joining_brings_dtypes_together_and_gradients_come_back_in_their_own():
    a, b = gw.ones(2, requires_grad=True), x(3)
    joined = gw.cat([a, b, gw.tensor([1, 2])])
    assert joined.dtype == np.float64
    joined.sum().backward()
    assert a.grad.dtype == np.float32
    assert b.grad.dtype == np.float64


# --- functions made of operations ---------------------------------------------------------------------------
COMPOSED: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "repeat": (lambda a: a.repeat(2, 1, 2), lambda a: a.repeat(2, 1, 2), (2, 2)),
    "tile": (lambda a: gw.tile(a, (2,)), lambda a: torch.tile(a, (2,)), (2, 2)),
    "repeat_interleave": (lambda a: a.repeat_interleave(2, 1), lambda a: a.repeat_interleave(2, 1), (2, 2)),
    "repeat_interleave each": (
        lambda a: a.repeat_interleave(gw.tensor([2, 0, 1]), 0),
        lambda a: a.repeat_interleave(torch.tensor([2, 0, 1]), 0),
        (3, 2),
    ),
    "rot90": (lambda a: gw.rot90(a, 3), lambda a: torch.rot90(a, 3), (2, 3)),
    "block_diag": (lambda a: gw.block_diag(a, a[0]), lambda a: torch.block_diag(a, a[0]), (2, 2)),
    "cartesian_prod": (lambda a: gw.cartesian_prod(a, a), lambda a: torch.cartesian_prod(a, a), (3,)),
    "combinations": (lambda a: gw.combinations(a), lambda a: torch.combinations(a), (3,)),
    "diag_embed": (lambda a: gw.diag_embed(a, 1, 0, 2), lambda a: torch.diag_embed(a, 1, 0, 2), (2, 2)),
    "meshgrid": (
        lambda a: gw.meshgrid(a, a[:2], indexing="xy")[0],
        lambda a: torch.meshgrid(a, a[:2], indexing="xy")[0],
        (3,),
    ),
    "column_stack": (lambda a: gw.column_stack([a[0], a.t()]), lambda a: torch.column_stack([a[0], a.t()]), (2, 3)),
    **{
        f"pad {mode}": (
            lambda a, mode=mode: pad(a, (2, 1, 0, 1), mode),
            lambda a, mode=mode: torch.nn.functional.pad(a, (2, 1, 0, 1), mode),
            (2, 3, 3),
        )
        for mode in ("constant", "reflect", "replicate", "circular")
    },
}


@pytest.mark.parametrize("name", COMPOSED)
def test_composed_functions_are_torchs_to_second_order(name: str):
    ours, theirs, shape = COMPOSED[name]
    a = x(*shape)
    out, expected = ours(a), theirs(torch.tensor(a.detach().numpy()))
    np.testing.assert_array_equal(out.detach().numpy(), expected.numpy())
    gw.autograd.gradgradcheck(lambda v: ours(v * v), a)


def test_shapes_move_inside_a_program_as_they_do_eagerly():
    def step(a: Any) -> Any:
        t = gw.Tensor(a).requires_grad_()
        left, right = t.movedim(0, -1).flatten().roll(1).unfold(0, 4, 2).chunk(2, 0)
        y = gw.cat([left.flip(1), pad(right, (1, 0))[:, 1:]]).tril().diagonal() ** 2
        y.sum().backward()
        return y._array, t.grad._array

    a = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 3, 2)
    for eager, compiled in zip(step(a), jax.jit(step)(a), strict=True):
        np.testing.assert_allclose(eager, np.asarray(compiled), rtol=1e-6)
