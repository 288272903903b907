"""Row-sparse gradients: what backward leaves, adding up, clipping, leaving a compiled step."""

from __future__ import annotations

import copy

import jax
import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.engine.autograd import grad
from gradwright.engine.row_sparse import RowSparse, put_rows
from gradwright.errors import CompileError, DTypeError, NonFiniteError, ShapeError
from gradwright.nn.functional import embedding

TABLE = np.random.default_rng(0).normal(size=(7, 3))
FIRST, SECOND = np.array([[3, 0], [3, 5]]), np.array([6, 3])


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def tables() -> tuple[gw.Tensor, torch.Tensor]:
    return gw.tensor(TABLE, requires_grad=True), torch.tensor(TABLE, requires_grad=True)


def looked_up(w, index, **options):
    """Some function of the rows, in the library of ``w``."""
    library = torch if isinstance(w, torch.Tensor) else gw
    look = torch.nn.functional.embedding if library is torch else embedding
    return (look(library.tensor(index), w, **options) ** 3).sum()


def equal(ours, theirs) -> None:
    """The same rows in the same order, with the same numbers, as PyTorch's sparse tensor."""
    assert isinstance(ours, RowSparse)
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_array_equal(ours.indices.numpy(), theirs._indices()[0].numpy())
    np.testing.assert_allclose(ours.values.numpy(), theirs._values().numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.to_dense().numpy(), theirs.to_dense().numpy(), rtol=1e-12)


# --- what backward leaves ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("padding", [None, 3])
@pytest.mark.parametrize("index", [FIRST, SECOND, np.zeros(0, np.int64), np.arange(50) % 7], ids=str)
def test_the_gradient_lists_pytorchs_rows(index, padding):
    w, t = tables()
    looked_up(w, index, sparse=True, padding_idx=padding).backward()
    looked_up(t, index, sparse=True, padding_idx=padding).backward()
    equal(w.grad, t.grad)
    equal(w.grad.coalesce(), t.grad.coalesce())
    assert w.grad.coalesce().coalesce().is_coalesced
    assert w.grad.is_sparse
    assert not w.grad.requires_grad
    assert w.grad.dtype == np.float64
    assert w.grad.ndim == 2
    assert w.grad.detach() is w.grad


def test_two_lookups_and_two_backwards_add_up_by_concatenation():
    w, t = tables()
    for x in (w, t):
        (looked_up(x, FIRST, sparse=True) + 2 * looked_up(x, SECOND, sparse=True)).backward()
        looked_up(x, SECOND, sparse=True).backward()
    assert len(w.grad.indices) == 8
    equal(w.grad.coalesce(), t.grad.coalesce())


@pytest.mark.parametrize("order", ["in one backward", "the sparse part first", "the dense part first"])
def test_a_sparse_and_a_dense_part_make_a_dense_gradient(order):
    w, t = tables()
    for x in (w, t):
        sparse, dense = looked_up(x, FIRST, sparse=True), (x**2).sum()
        if order == "in one backward":
            (sparse + dense).backward()
        else:
            for part in (sparse, dense) if order == "the sparse part first" else (dense, sparse):
                part.backward()
    assert isinstance(w.grad, gw.Tensor)
    np.testing.assert_allclose(w.grad.numpy(), t.grad.to_dense().numpy(), rtol=1e-12)


def test_a_gradient_to_be_differentiated_again_is_dense():
    w, t = gw.tensor(TABLE, requires_grad=True), torch.tensor(TABLE, requires_grad=True)
    (slope,) = grad(looked_up(w, FIRST, sparse=True), w, create_graph=True)
    (expected,) = torch.autograd.grad(looked_up(t, FIRST), t, create_graph=True)
    np.testing.assert_allclose(slope.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    (slope**2).sum().backward()  # which is not to be differentiated again
    (expected**2).sum().backward()
    np.testing.assert_allclose(w.grad.to_dense().numpy(), t.grad.numpy(), rtol=1e-12)


def test_derivatives_as_functions_are_dense_and_autograds_is_not():
    w, t = tables()
    looked_up(t, FIRST).backward()
    (listed,) = grad(looked_up(w, FIRST, sparse=True), w)
    assert isinstance(listed, RowSparse)
    for full in (
        listed.to_dense(),
        gw.func.grad(lambda x: looked_up(x, FIRST, sparse=True))(w.detach()),
        gw.func.grad(lambda x: gw.func.checkpoint(lambda y: looked_up(y, FIRST, sparse=True), x))(w.detach()),
    ):
        np.testing.assert_allclose(full.numpy(), t.grad.numpy(), rtol=1e-12)
    tangent = gw.autograd.jvp(lambda x: looked_up(x, FIRST, sparse=True), [w.detach()], [gw.ones_like(w)])[1]
    np.testing.assert_allclose(tangent.item(), t.grad.sum().item(), rtol=1e-12)


def test_a_table_that_an_operation_made_gets_a_dense_gradient():
    w, t = tables()
    for x in (w, t):
        looked_up(2 * x, FIRST, sparse=x is w).backward()
    np.testing.assert_allclose(w.grad.numpy(), t.grad.numpy(), rtol=1e-12)


def test_hooks_see_the_rows_and_may_change_them():
    w, t = tables()
    seen = []
    w.register_hook(lambda g: seen.append(g))
    w.register_hook(lambda g: g * 2)
    w.register_post_accumulate_grad_hook(lambda x: seen.append(x.grad))
    looked_up(w, FIRST, sparse=True).backward()
    (2 * looked_up(t, FIRST, sparse=True)).backward()
    assert isinstance(seen[0], RowSparse)
    assert seen[1] is w.grad
    equal(w.grad, t.grad)
    w.register_hook(lambda g: g.to_dense())
    w.grad = None
    looked_up(w, FIRST, sparse=True).backward()
    np.testing.assert_allclose(w.grad.numpy(), t.grad.to_dense().numpy(), rtol=1e-12)


def test_watchers_see_arrays():
    w, _ = tables()
    with gw.detect_anomaly():
        looked_up(w, FIRST, sparse=True).backward()
    assert isinstance(w.grad, RowSparse)
    up = np.zeros((2, 3))
    up[1, 2] = np.inf
    with pytest.raises(NonFiniteError, match=r"rule of embedding gave inf at \[3, 2\]"), gw.detect_anomaly():
        embedding(gw.tensor(SECOND), w, sparse=True).backward(gw.tensor(up))
    text = str(gw.graph(looked_up(w, FIRST, sparse=True)))
    assert "embedding" in text


# --- the object -------------------------------------------------------------------------------------------------------
def test_coalescing_while_a_step_is_traced_pads_with_rows_that_are_not_there():
    rng = np.random.default_rng(1)
    for n in (0, 4, 30):
        index, values = rng.integers(0, 8, n), rng.normal(size=(n, 3))  # 7 is no row of the table

        def traced(index, values):
            g = RowSparse(gw.Tensor(index), gw.Tensor(values), (7, 3)).coalesce()
            assert g.is_coalesced
            return g.indices._array, g.values._array, g.to_dense()._array

        with jax.enable_x64(True):
            rows, sums, full = map(np.asarray, jax.jit(traced)(index, values))
        eager = RowSparse(gw.tensor(index), gw.tensor(values), (7, 3))
        used = np.unique(index[index < 7])
        assert len(rows) == min(n, 7)
        np.testing.assert_array_equal(rows, [*used, *[7] * (len(rows) - len(used))])
        np.testing.assert_array_equal(eager.coalesce().indices.numpy(), used)
        np.testing.assert_array_equal(sums[: len(used)], eager.coalesce().values.numpy())
        assert (sums[len(used) :] == 0).all()
        np.testing.assert_array_equal(full, eager.to_dense().numpy())
        expected = np.zeros((8, 3))
        np.add.at(expected, index, values)
        np.testing.assert_allclose(full, expected[:7], rtol=1e-12, atol=1e-15)


def test_what_does_not_fit_is_refused_with_all_shapes():
    with pytest.raises(ShapeError, match=r"indices \(2,\) and values \(3, 2\) for rows of \(5, 2\)"):
        RowSparse(gw.tensor([0, 1]), gw.ones(3, 2), (5, 2))
    w = gw.ones(4, 2, requires_grad=True)
    with pytest.raises(ShapeError, match=r"\(5, 2\) for a tensor of shape \(4, 2\)"):
        w.grad = RowSparse(gw.tensor([0]), gw.ones(1, 2), (5, 2))
    with pytest.raises(DTypeError, match="expected a Tensor or None, got list"):
        w.grad = [1]
    w.grad = RowSparse(gw.tensor([0]), gw.ones(1, 2), (4, 2))
    assert copy.deepcopy(w).grad.to_dense().tolist() == w.grad.to_dense().tolist()


def test_numbers_scale_it():
    g = RowSparse(gw.tensor([2, 2]), gw.tensor([[1.0], [2.0]]), (4, 1))
    assert (3 * g).to_dense().tolist() == (g * 3).to_dense().tolist() == [[0.0], [0.0], [9.0], [0.0]]
    assert (-g).to_dense().tolist() == [[0.0], [0.0], [-3.0], [0.0]]
    assert (g + gw.ones(4, 1)).tolist() == [[1.0], [1.0], [4.0], [1.0]]
    assert g.cleared().to_dense().tolist() == [[0.0]] * 4


# --- tables are written to in place only where nobody sees it ---------------------------------------------------------
def test_rows_are_put_into_an_array_that_nobody_else_holds():
    w = gw.tensor(TABLE)
    held = w._array
    put_rows(w, np.array([1]), np.ones((1, 3)))
    assert w._array is not held
    np.testing.assert_array_equal(held, TABLE)
    del held
    own = id(w._array)
    put_rows(w, np.array([2]), np.ones((1, 3)))
    assert id(w._array) == own
    np.testing.assert_array_equal(w.numpy()[1:3], np.ones((2, 3)))


@pytest.mark.parametrize(
    "hold",
    [
        lambda w: w._array,
        lambda w: w._array[2:],
        lambda w: memoryview(w._array),
        lambda w: (w * w).grad_fn,  # which keeps its input for backward
        lambda w: [w._array],
    ],
    ids=["the array", "a view", "its memory", "the graph", "a list"],
)
def test_whoever_holds_the_array_keeps_the_numbers(hold):
    w = gw.tensor(TABLE.copy(), requires_grad=True)
    put_rows(w, np.array([0]), np.zeros((1, 3)))  # now the array is the tensor's own
    held = hold(w)
    before = id(w._array)
    put_rows(w, np.array([3]), np.ones((1, 3)))
    assert id(w._array) != before
    assert held is not None


def test_views_of_a_tensor_see_the_rows():
    w = gw.tensor(TABLE.copy())
    put_rows(w, np.array([0]), np.zeros((1, 3)))
    shown, same = w[3], w.detach()
    put_rows(w, np.array([3]), np.ones((1, 3)))
    assert shown.tolist() == same[3].tolist() == w[3].tolist() == [1.0, 1.0, 1.0]


# --- clipping and forgetting ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [1.0, 2.0, float("inf")])
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_clipping_is_of_the_rows_added_up(kind, compiled):
    t, u = torch.tensor(TABLE, requires_grad=True), torch.ones(3, dtype=torch.float64, requires_grad=True)
    (looked_up(t, FIRST, padding_idx=0) + (u**2).sum()).backward()
    norm = torch.nn.utils.clip_grad_norm_([t, u], 0.7, kind)
    torch.nn.utils.clip_grad_value_([t, u], 0.1)
    w, v = gw.Parameter(gw.tensor(TABLE)), gw.Parameter(gw.ones(3, dtype=gw.float64))

    def step(index):
        (looked_up(w, index, sparse=True, padding_idx=0) + (v**2).sum()).backward()
        total = nn.utils.clip_grad_norm_([w, v], 0.7, kind)
        nn.utils.clip_grad_value_([w, v], 0.1)
        return total

    found = (gw.compile(step) if compiled else step)(gw.tensor(FIRST))
    assert found.item() == pytest.approx(norm.item(), rel=1e-12)
    assert isinstance(w.grad, RowSparse)
    np.testing.assert_allclose(w.grad.to_dense().numpy(), t.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(v.grad.numpy(), u.grad.numpy(), rtol=1e-12)


def test_clipping_nothing_and_what_is_not_finite():
    w, _ = tables()
    looked_up(w, np.zeros(0, np.int64), sparse=True).backward()
    assert nn.utils.clip_grad_norm_(w, 1.0, float("inf")).item() == 0.0
    w.name = "words"
    (looked_up(w, FIRST, sparse=True) * np.inf).backward(gw.tensor(1.0, dtype=gw.float64))
    with pytest.raises(NonFiniteError, match="not finite: words"):
        nn.utils.clip_grad_norm_(w, 1.0)


def test_zero_grad_forgets_rows():
    layer = nn.Embedding(7, 3, sparse=True)
    opt = gw.optim.SGD(layer.parameters(), lr=0.1)
    layer(gw.tensor(FIRST)).sum().backward()
    opt.zero_grad(set_to_none=False)
    assert isinstance(layer.weight.grad, RowSparse)
    assert layer.weight.grad.indices.shape == (0,)
    layer(gw.tensor(SECOND)).sum().backward()
    assert layer.weight.grad.coalesce().indices.tolist() == [3, 6]
    layer.zero_grad()
    assert layer.weight.grad is None


# --- compiled steps ---------------------------------------------------------------------------------------------------
def test_gradients_leave_and_enter_compiled_steps():
    t = torch.tensor(TABLE, requires_grad=True)
    w = gw.Parameter(gw.tensor(TABLE))

    @gw.compile
    def step(index):
        looked_up(w, index, sparse=True, padding_idx=5).backward()

    for _ in range(2):
        step(gw.tensor(FIRST))
        looked_up(t, FIRST, padding_idx=5).backward()
        assert isinstance(w.grad, RowSparse)
        np.testing.assert_allclose(w.grad.to_dense().numpy(), t.grad.numpy(), rtol=1e-12)
    assert w.grad.coalesce().indices.tolist() == [0, 3]  # without what stands for nothing
    assert step.traces == 2  # without a gradient to add to, and with one
    w.grad = None
    step(gw.tensor(FIRST))
    assert step.traces == 2
    with pytest.raises(CompileError, match="row-sparse ones"):
        step.scan(gw.tensor(np.stack([FIRST, FIRST])))


def test_a_compiled_step_does_not_return_one():
    w = gw.Parameter(gw.tensor(TABLE))

    @gw.compile
    def step(index):
        looked_up(w, index, sparse=True).backward()
        return w.grad

    with pytest.raises(CompileError, match="returns a RowSparse; return its indices and values"):
        step(gw.tensor(FIRST))
