"""The CTC loss: against PyTorch, impossible alignments included, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as T

import gradwright as gw
from gradwright.errors import ConfigError, GraphError, IndexOutOfRangeError, ShapeError
from gradwright.nn import functional as F

R = np.random.default_rng(0)
#: scores (T, N, C), labels (N, S), lengths of both; repeated labels, no labels, no steps, and rows that are too short
CASES = {
    "plain": (R.normal(size=(12, 4, 5)), R.integers(1, 5, (4, 5)), [12, 9, 11, 12], [5, 2, 4, 0]),
    "repeated": (R.normal(size=(7, 2, 3)), np.array([[1, 1, 2], [2, 2, 2]]), [7, 6], [3, 3]),
    "one step": (R.normal(size=(1, 3, 3)), np.array([[1], [2], [1]]), [1, 1, 1], [1, 1, 0]),
    "no labels": (R.normal(size=(4, 2, 3)), np.zeros((2, 0), np.int64), [4, 2], [0, 0]),
    "impossible": (R.normal(size=(4, 3, 4)), np.array([[1, 1, 2], [3, 0, 0], [2, 1, 3]]), [3, 4, 4], [3, 1, 3]),
    "no steps": (R.normal(size=(3, 3, 4)), np.array([[1, 1], [3, 0], [2, 2]]), [0, 0, 3], [2, 0, 1]),
    "long": (R.normal(size=(50, 3, 20)) * 4, R.integers(1, 20, (3, 20)), [50, 44, 30], [20, 18, 11]),
}
each_case = pytest.mark.parametrize("case", CASES)
each_reduction = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])


def one_after_the_other(labels: np.ndarray, counts: list[int]) -> np.ndarray:
    return np.concatenate([row[:n] for row, n in zip(labels, counts, strict=True)])


@each_case
@each_reduction
@pytest.mark.parametrize("zero_infinity", [False, True])
@pytest.mark.parametrize("padded", [True, False])
def test_value_and_gradient_behind_a_log_softmax_are_pytorchs(
    case: str, reduction: str, zero_infinity: bool, padded: bool
):
    scores, labels, steps, counts = CASES[case]
    targets = labels if padded else one_after_the_other(labels, counts)
    x, t = gw.tensor(scores, requires_grad=True), torch.tensor(scores, requires_grad=True)
    how: dict[str, Any] = {"reduction": reduction, "zero_infinity": zero_infinity}
    loss = F.ctc_loss(F.log_softmax(x, -1), gw.tensor(targets), gw.tensor(steps), tuple(counts), **how)
    expected = T.ctc_loss(t.log_softmax(-1), torch.tensor(targets), steps, counts, **how)
    np.testing.assert_allclose(loss.detach().numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    assert loss.shape == tuple(expected.shape)
    v = np.cos(np.arange(loss.numel(), dtype=np.float64)).reshape(loss.shape)
    loss.backward(gw.tensor(v))
    expected.backward(torch.tensor(v))
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-9, atol=1e-9)


def test_another_blank_and_a_single_sequence():
    scores, labels, _, _ = CASES["plain"]
    scores, labels = scores[:, 0], labels[0, :3] - 1
    x, t = gw.tensor(scores, requires_grad=True), torch.tensor(scores, requires_grad=True)
    for reduction in ("none", "mean", "sum"):
        how: dict[str, Any] = {"blank": 4, "reduction": reduction}
        loss = F.ctc_loss(x.log_softmax(-1), gw.tensor(labels), gw.tensor(12), gw.tensor(3), **how)
        expected = T.ctc_loss(t.log_softmax(-1), torch.tensor(labels), torch.tensor(12), torch.tensor(3), **how)
        assert loss.shape == ()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_gradient_is_that_of_the_value_where_the_input_is_not_normalised():
    scores, labels, steps, counts = CASES["repeated"]

    def loss(x: gw.Tensor) -> gw.Tensor:
        return F.ctc_loss(x, gw.tensor(labels), steps, counts, reduction="none")

    x = gw.tensor(scores, requires_grad=True)
    gw.autograd.gradcheck(loss, x)
    gw.autograd.gradgradcheck(loss, x)


def test_a_third_derivative_is_refused_not_wrong():
    scores, labels, steps, counts = CASES["repeated"]
    x = gw.tensor(scores, requires_grad=True)
    y = F.ctc_loss(x, gw.tensor(labels), steps, counts)
    for _ in range(2):
        (g,) = gw.autograd.grad(y, x, create_graph=True)
        y = (g * g).sum()
    with pytest.raises(GraphError, match="third"):
        y.backward()


@each_case
def test_compiled_is_eager_with_lengths_that_are_inputs(case: str):
    scores, labels, steps, counts = CASES[case]

    def step(x: gw.Tensor, labels: gw.Tensor, steps: gw.Tensor, counts: gw.Tensor) -> tuple[Any, Any]:
        x.requires_grad_()
        loss = F.ctc_loss(x.log_softmax(-1), labels, steps, counts, zero_infinity=True)
        loss.backward()
        return loss, x.grad

    for targets in (labels, one_after_the_other(labels, counts).astype(np.int64)):
        found = []
        for function in (gw.compile(step), step):
            found.append(function(*(gw.tensor(a) for a in (scores.astype(np.float32), targets, steps, counts))))
        for a, b in zip(*found, strict=True):
            assert a.dtype == np.float32
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-5, atol=1e-5)


# --- refusals ---------------------------------------------------------------------------------------------------------
def call(**changes: Any) -> gw.Tensor:
    given: dict[str, Any] = {
        "log_probs": gw.zeros(5, 2, 4),
        "targets": gw.tensor([[1, 2], [3, 0]]),
        "input_lengths": (5, 4),
        "target_lengths": (2, 1),
    }
    return F.ctc_loss(**given | changes)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"log_probs": gw.zeros(5)}, ShapeError, r"\(T, N, C\) or \(T, C\), got \(5,\)"),
        ({"log_probs": gw.zeros(0, 2, 4)}, ShapeError, r"\(0, 2, 4\)"),
        ({"blank": 4}, IndexOutOfRangeError, "blank is class 4, but 4 classes are 0 to 3"),
        ({"input_lengths": (5, 6)}, ConfigError, r"input_lengths\[1\] is 6.* 5"),
        ({"input_lengths": (5,)}, ShapeError, "input_lengths must be 2 whole numbers"),
        ({"target_lengths": (3, 1)}, ConfigError, r"target_lengths\[0\] is 3.*\(2, 2\)"),
        ({"target_lengths": (-1, 1)}, ConfigError, r"target_lengths\[0\] is -1"),
        ({"targets": gw.tensor([[1, 2]])}, ShapeError, r"2 rows.*\(1, 2\)"),
        ({"targets": gw.tensor([1, 2, 3, 3])}, ShapeError, "add up to 3, but there are 4"),
        ({"targets": gw.tensor([[[1]]])}, ShapeError, r"\(1, 1, 1\)"),
        ({"targets": gw.tensor([[1, 2], [4, 0]])}, IndexOutOfRangeError, "label 0 of row 1 is 4, but 4 classes"),
        ({"reduction": "average"}, ConfigError, "'average'"),
    ],
    ids=str,
)
def test_what_is_refused(changes: dict[str, Any], error: type[Exception], message: str):
    call()
    with pytest.raises(error, match=message):
        call(**changes)


def test_labels_behind_a_rows_length_do_not_matter():
    a = call(targets=gw.tensor([[1, 2], [3, 99]]))
    assert a.item() == call().item()


def test_a_compiled_step_refuses_a_bad_label_before_it_runs():
    step = gw.compile(lambda x, y: F.ctc_loss(x, y, (5, 4), (2, 1)))
    step(gw.zeros(5, 2, 4), gw.tensor([[1, 2], [3, 0]]))
    with pytest.raises(IndexOutOfRangeError, match="label 1 of row 0 is 7"):
        step(gw.zeros(5, 2, 4), gw.tensor([[1, 7], [3, 0]]))
