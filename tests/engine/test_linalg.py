"""Linear algebra as users call it: what is refused, einsum's notation, functions made of operations at both orders."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.engine.functions.distances import cosine_similarity
from gradwright.errors import ConfigError, DTypeError, GraphError, LinAlgError, ShapeError

L = gw.linalg


def x(*shape: int, seed: int = 0) -> gw.Tensor:
    return gw.tensor(np.random.default_rng(seed).uniform(0.5, 2.0, shape), requires_grad=True)


def sound(*shape: int, seed: int = 0) -> gw.Tensor:
    """Far from singular, singular values apart."""
    numbers = np.random.default_rng(seed).uniform(-0.3, 0.3, shape)
    return gw.tensor(numbers + np.eye(*shape[-2:]) * (1 + np.arange(shape[-1])), requires_grad=True)


# --- what is refused ----------------------------------------------------------------------------------------
REFUSED: tuple[tuple[str, Any, type[Exception], str], ...] = (
    ("matmul", lambda: x(2, 3) @ x(2, 3), ShapeError, r"\(2, 3\) @ \(2, 3\)"),
    ("matmul of dtypes", lambda: x(2, 3) @ gw.ones(3), DTypeError, "float64 @ float32"),
    ("matmul of a number", lambda: x(2, 3) @ 2.0, DTypeError, "float"),
    ("mm", lambda: gw.mm(x(2, 3), x(3)), ShapeError, r"matrix.*\(3,\)"),
    ("bmm", lambda: gw.bmm(x(2, 2, 3), x(3, 3, 2)), ShapeError, r"\(2, 2, 3\) and \(3, 3, 2\)"),
    ("dot", lambda: gw.dot(x(2), x(3)), ShapeError, r"\(2,\) and \(3,\)"),
    ("addmm", lambda: gw.addmm(x(3), x(2, 2), x(2, 2)), ShapeError, r"\(3,\).*\(2, 2\)"),
    ("tensordot", lambda: gw.tensordot(x(2, 3), x(2, 3), 1), ShapeError, r"\(2, 3\)"),
    ("multi_dot", lambda: L.multi_dot([x(2, 3), x(2, 3)]), ShapeError, r"\(2, 3\) @ \(2, 3\)"),
    ("cross", lambda: L.cross(x(2), x(2)), ShapeError, "length 3"),
    ("inv", lambda: L.inv(x(2, 3)), ShapeError, r"square.*\(2, 3\)"),
    ("inv of integers", lambda: L.inv(gw.tensor([[1, 2], [3, 4]])), DTypeError, "floating"),
    ("solve", lambda: L.solve(x(2, 2), x(3, 1)), ShapeError, r"\(2, 2\).*\(3, 1\)"),
    ("inv of singular", lambda: L.inv(gw.ones(2, 2)), LinAlgError, r"\(2, 2\) is singular"),
    ("solve of singular", lambda: L.solve(gw.ones(2, 2), gw.ones(2)), LinAlgError, "singular"),
    ("cholesky", lambda: L.cholesky(-sound(2, 2)), LinAlgError, "not positive-definite"),
    ("svd of NaN", lambda: L.svd(x(2, 2) * math.nan), LinAlgError, "NaN"),
    ("qr mode", lambda: L.qr(x(2, 2), "full"), ConfigError, "'full'"),
    ("eigh UPLO", lambda: L.eigh(x(2, 2), "X"), ConfigError, "'X'"),
    ("matrix_norm", lambda: L.matrix_norm(x(2, 2), 3), ConfigError, "3"),
    ("einsum letters", lambda: gw.einsum("ijk->i", x(2, 2)), ShapeError, r"\(2, 2\)"),
    ("einsum lengths", lambda: gw.einsum("ij,jk", x(2, 3), x(2, 3)), ShapeError, r"'j'.*3.*2"),
    ("einsum output", lambda: gw.einsum("ij->k", x(2, 3)), ConfigError, "'k'"),
    ("einsum operands", lambda: gw.einsum("ij,jk", x(2, 3)), ConfigError, "2 operands, but 1"),
    ("einsum diagonal", lambda: gw.einsum("ii", x(2, 3)), ShapeError, "2 and 3"),
    ("cdist", lambda: gw.cdist(x(2, 3), x(2, 2)), ShapeError, r"\(2, 3\) and \(2, 2\)"),
)


@pytest.mark.parametrize(("call", "error", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_does_not_fit_is_refused_with_its_shapes(call: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        call()


def test_the_singular_matrix_of_a_batch_is_named():
    batch = np.stack([np.eye(2), np.ones((2, 2)), np.eye(2)])
    with pytest.raises(RuntimeError, match=r"\[1\] of the input of shape \(3, 2, 2\)"):
        L.inv(gw.tensor(batch))
    with pytest.raises(L.LinAlgError, match=r"\[1\]"):
        L.solve(gw.tensor(batch), gw.ones(3, 2, 1, dtype=gw.float64))


def test_columns_that_may_be_turned_at_will_have_no_gradient():
    q, _ = L.qr(x(3, 2), "complete")
    with pytest.raises(GraphError, match="mode='reduced'"):
        q.sum().backward()


def test_the_determinant_has_a_gradient_where_there_is_no_inverse():
    a = gw.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=gw.float64, requires_grad=True)
    L.det(a).backward()
    np.testing.assert_allclose(a.grad.numpy(), [[4, -2], [-2, 1]], atol=1e-12)
    z = gw.zeros(2, 2, requires_grad=True)
    L.det(z).backward()
    assert z.grad.tolist() == [[0, 0], [0, 0]]


def test_what_the_cholesky_factor_holds_above_its_diagonal_is_not_read_and_has_no_gradient():
    lower = np.tril(sound(3, 3).detach().numpy())
    a, b = x(3, 2), gw.tensor(lower + np.triu(np.ones((3, 3)), 1), requires_grad=True)
    ta, tb = torch.tensor(a.detach().numpy()), torch.tensor(lower, requires_grad=True)
    gw.cholesky_solve(a, b).pow(2).sum().backward()
    torch.cholesky_solve(ta, tb).pow(2).sum().backward()
    np.testing.assert_allclose(b.grad.numpy(), tb.grad.tril().numpy(), rtol=1e-9)


# --- einsum -------------------------------------------------------------------------------------------------
EQUATIONS: tuple[tuple[str, tuple[tuple[int, ...], ...]], ...] = (
    ("ij,jk", ((2, 3), (3, 4))),  # the output is not written
    ("ba", ((2, 3),)),
    ("aB->Ba", ((2, 3),)),
    ("Ba,aC", ((2, 3), (3, 2))),
    ("ii", ((3, 3),)),
    ("ii->i", ((3, 3),)),
    ("iij->j", ((2, 2, 3),)),
    ("ijij->", ((2, 3, 2, 3),)),
    ("iii->i", ((2, 2, 2),)),
    ("...ij,...jk->...ik", ((2, 1, 2, 3), (4, 3, 2))),
    ("...ij->...ji", ((2, 1, 2, 3),)),
    ("i...,i...", ((2, 3), (2, 1))),
    ("...,...", ((2, 3), (3,))),
    ("i...->i", ((2, 3, 2),)),  # dots that the output has not are added up
    ("b...i,...ij->...bj", ((2, 1, 3), (4, 3, 2))),
    ("ij,jk->ik", ((2, 1), (3, 2))),  # a length of 1 broadcasts
    (" i j , j k -> i k ", ((2, 3), (3, 2))),
    ("i,j,k,l->lkji", ((2,), (1,), (3,), (2,))),
    ("bij,bjk,bkl,b->il", ((2, 2, 3), (2, 3, 2), (2, 2, 2), (2,))),
    ("i,i,i->", ((3,), (3,), (3,))),
    ("...->...", ((2, 3),)),
    ("->", ((),)),
)


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS, ids=[e[0] for e in EQUATIONS])
def test_einsum_reads_what_torch_reads(equation: str, shapes: tuple[tuple[int, ...], ...]):
    xs = [x(*shape, seed=i) for i, shape in enumerate(shapes)]
    ts = [torch.tensor(a.detach().numpy(), requires_grad=True) for a in xs]
    ours, theirs = gw.einsum(equation, *xs), torch.einsum(equation, *ts)
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12)
    (ours * ours).sum().backward()
    (theirs * theirs).sum().backward()
    for a, t in zip(xs, ts, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), t.grad.numpy(), rtol=1e-9)


def test_einsum_takes_a_list_of_operands_and_lists_of_axes():
    a, b = x(2, 3), x(3, 4, seed=1)
    expected = (a @ b).detach().numpy()
    np.testing.assert_allclose(gw.einsum("ij,jk->ik", [a, b]).detach().numpy(), expected)
    np.testing.assert_allclose(gw.einsum(a, [0, 1], b, [1, 2], [0, 2]).detach().numpy(), expected)
    np.testing.assert_allclose(gw.einsum(a, [..., 1], b, [1, 2]).detach().numpy(), expected)


# --- functions made of operations ---------------------------------------------------------------------------


square = gw.tensor(np.eye(4).reshape(2, 2, 4) * 2 + 0.1, requires_grad=True)
COMPOSED: dict[str, tuple[Any, Any, tuple[gw.Tensor, ...]]] = {
    "tensordot": (
        lambda a, b: gw.tensordot(a, b, ([0, 2], [1, 0])),
        lambda a, b: torch.tensordot(a, b, ([0, 2], [1, 0])),
        (x(2, 2, 3), x(3, 2, 2)),
    ),
    "kron": (gw.kron, torch.kron, (x(2, 2), x(2, 1))),
    "outer": (gw.outer, torch.outer, (x(2), x(3))),
    "addmm": (
        lambda a, b, c: gw.addmm(a, b, c, beta=0.5, alpha=2),
        lambda a, b, c: torch.addmm(a, b, c, beta=0.5, alpha=2),
        (x(2), x(2, 3), x(3, 2)),
    ),
    "addbmm": (gw.addbmm, torch.addbmm, (x(2, 2), x(2, 2, 1), x(2, 1, 2))),
    "multi_dot": (
        lambda *a: L.multi_dot(a),
        lambda *a: torch.linalg.multi_dot(a),
        (x(2), x(2, 3), x(3, 1), x(1, 2)),
    ),
    "cross": (L.cross, torch.linalg.cross, (x(2, 3), x(1, 3, seed=1))),
    "vander": (lambda a: L.vander(a, N=4), lambda a: torch.linalg.vander(a, N=4), (x(2),)),
    "trace": (gw.trace, torch.trace, (x(2, 3),)),
    "solve a vector": (L.solve, torch.linalg.solve, (sound(2, 2), x(2))),
    "solve from the right": (
        lambda a, b: L.solve(a, b, left=False),
        lambda a, b: torch.linalg.solve(a, b, left=False),
        (sound(2, 2), x(3, 2)),
    ),
    "solve_triangular from the right": (
        lambda a, b: L.solve_triangular(a, b, upper=False, left=False),
        lambda a, b: torch.linalg.solve_triangular(a, b, upper=False, left=False),
        (sound(2, 2), x(3, 2)),
    ),
    "cholesky upper": (
        lambda a: L.cholesky(a @ a.mT, upper=True),
        lambda a: torch.linalg.cholesky(a @ a.mT, upper=True),
        (sound(2, 2),),
    ),
    "cholesky_inverse": (
        lambda a: gw.cholesky_inverse(a.tril()),
        lambda a: torch.cholesky_inverse(a.tril()),
        (sound(2, 2),),
    ),
    "matrix_power": (lambda a: L.matrix_power(a, -3), lambda a: torch.linalg.matrix_power(a, -3), (sound(2, 2),)),
    "logdet": (gw.logdet, torch.logdet, (sound(2, 2, 2),)),
    "qr wide": (
        lambda a: L.qr(a).Q ** 2 @ L.qr(a).R ** 2,
        lambda a: torch.linalg.qr(a).Q ** 2 @ torch.linalg.qr(a).R ** 2,
        (sound(2, 3),),
    ),
    "pinv of low rank": (
        lambda a: L.pinv(a @ a.mT, rtol=1e-8),
        lambda a: torch.linalg.pinv(a @ a.mT, rtol=1e-8),
        (sound(3, 2),),
    ),
    "pinv of symmetric": (
        lambda a: L.pinv(a + a.mT, hermitian=True),
        lambda a: torch.linalg.pinv(a + a.mT, hermitian=True),
        (sound(2, 2),),
    ),
    "lstsq": (
        lambda a, b: L.lstsq(a, b).solution,
        lambda a, b: torch.linalg.lstsq(a, b).solution,
        (sound(3, 2), x(3, 2)),
    ),
    "eigvalsh": (L.eigvalsh, torch.linalg.eigvalsh, (sound(3, 3),)),
    "svdvals": (L.svdvals, torch.linalg.svdvals, (sound(3, 2),)),
    "cond": (L.cond, torch.linalg.cond, (sound(2, 2),)),
    "tensorinv": (L.tensorinv, torch.linalg.tensorinv, (square,)),
    "cosine_similarity": (cosine_similarity, torch.nn.functional.cosine_similarity, (x(2, 3), x(1, 3, seed=1))),
    **{
        f"cdist {p}": (
            lambda a, b, p=p: gw.cdist(a, b, p),
            lambda a, b, p=p: torch.cdist(a, b, p),
            (x(2, 3), x(2, 3, seed=1)),
        )
        for p in (0.5, 1.0, 1.5, 2.0, 3.0, math.inf)
    },
    **{
        f"matrix_norm {p}": (
            lambda a, p=p: L.matrix_norm(a, p),
            lambda a, p=p: torch.linalg.matrix_norm(a, p),
            (sound(2, 3),),
        )
        for p in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    },
}


@pytest.mark.parametrize("name", COMPOSED)
def test_composed_functions_are_torchs_to_second_order(name: str):
    ours, theirs, inputs = COMPOSED[name]
    out, expected = ours(*inputs), theirs(*[torch.tensor(a.detach().numpy()) for a in inputs])
    np.testing.assert_allclose(out.detach().numpy(), expected.numpy(), rtol=1e-12, atol=1e-12)
    if name == "eigvalsh":  # the gradient is that of a symmetric matrix
        gw.autograd.gradgradcheck(lambda a: ours(a + a.mT), inputs)
    else:
        gw.autograd.gradgradcheck(ours, inputs)


def test_rows_that_are_the_same_have_distance_0_and_no_gradient_from_it():
    for p in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf):
        a, t = gw.ones(2, 3, requires_grad=True), torch.ones(2, 3, requires_grad=True)
        gw.cdist(a, a.detach(), p).sum().backward()
        torch.cdist(t, t.detach(), p).sum().backward()
        np.testing.assert_array_equal(a.grad.numpy(), t.grad.numpy())


def test_matrices_are_taken_apart_inside_a_program_as_they_are_eagerly():
    def step(a: Any) -> Any:
        t = gw.Tensor(a).requires_grad_()
        u, s, vh = L.svd(t, full_matrices=False)
        y = gw.einsum("ik,k,kj->ij", u, s.log(), vh) + L.solve(t @ t.mT, t) + L.pinv(t).mT
        y.pow(2).sum().backward()
        return y._array, t.grad._array

    a = sound(2, 3).detach().numpy().astype(np.float32)
    for eager, compiled in zip(step(a), jax.jit(step)(a), strict=True):
        np.testing.assert_allclose(eager, np.asarray(compiled), rtol=2e-4, atol=2e-4)
