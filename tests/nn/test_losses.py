"""Every loss against PyTorch in float64, its messages, and the checks a compiled step makes on the host."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError
from gradwright.nn import functional as F

from .conformance import close

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 4)) * 3
LABELS = np.array([0, 3, 1, 1, 2, 0])
SOME_IGNORED = np.array([0, -100, 1, 7, 2, 7])
SOFT = RNG.dirichlet(np.ones(4), size=6)
CLASS_WEIGHT = np.array([0.2, 1.5, 0.7, 3.0])
PROBABILITIES = RNG.uniform(0.02, 0.98, size=(6, 4))
BINARY = RNG.integers(0, 2, size=(6, 4)).astype(np.float64)
REAL = RNG.normal(size=(6, 4))


@dataclass
class Case:
    """One loss with one set of options; arrays among the options are given to each library as its own."""

    name: str
    input: np.ndarray
    target: np.ndarray
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.name, *(k if isinstance(v, np.ndarray) else f"{k}={v}" for k, v in self.options.items())])

    def criterion(self, library: Any, make: Any) -> Any:
        options = {k: make(v) if isinstance(v, np.ndarray) else v for k, v in self.options.items()}
        return getattr(library, self.name)(**options)


def combine(name: str, input: np.ndarray, target: np.ndarray, **choices: list[Any]) -> list[Case]:
    """All combinations; None leaves the option out."""
    keys = ["reduction", *choices]
    return [
        Case(name, input, target, {k: v for k, v in zip(keys, values, strict=True) if v is not None})
        for values in itertools.product(["mean", "sum", "none"], *choices.values())
    ]


WEIGHT = [None, CLASS_WEIGHT]
SMOOTHING = [None, 0.15]
CASES = [
    *combine("MSELoss", LOGITS, REAL),
    *combine("L1Loss", LOGITS, REAL),
    *combine("CrossEntropyLoss", LOGITS, LABELS, weight=WEIGHT, label_smoothing=SMOOTHING),
    *combine("CrossEntropyLoss", LOGITS, SOFT, weight=WEIGHT, label_smoothing=SMOOTHING),
    *combine("CrossEntropyLoss", LOGITS, np.where(LABELS == 1, -100, LABELS), weight=WEIGHT, label_smoothing=SMOOTHING),
    *combine("CrossEntropyLoss", LOGITS, np.where(LABELS == 3, 7, LABELS), weight=WEIGHT, ignore_index=[7]),
    *combine("CrossEntropyLoss", LOGITS, LABELS, ignore_index=[1], label_smoothing=SMOOTHING),
    *combine("CrossEntropyLoss", LOGITS[0], LABELS[1], weight=WEIGHT, label_smoothing=SMOOTHING),
    *combine("CrossEntropyLoss", LOGITS * 300, LABELS),
    *combine("NLLLoss", np.log(PROBABILITIES), LABELS, weight=WEIGHT),
    *combine("NLLLoss", np.log(PROBABILITIES), np.where(LABELS == 1, -100, LABELS), weight=WEIGHT),
    *combine("NLLLoss", np.log(PROBABILITIES), LABELS, weight=WEIGHT, ignore_index=[0]),
    *combine("BCELoss", PROBABILITIES, BINARY, weight=[None, PROBABILITIES * 2]),
    *combine("BCELoss", PROBABILITIES, PROBABILITIES[::-1].copy()),
    *combine("BCEWithLogitsLoss", LOGITS, BINARY, weight=[None, PROBABILITIES], pos_weight=WEIGHT),
    *combine("BCEWithLogitsLoss", LOGITS * 300, PROBABILITIES),
]


def both_ways(criterion: Any, x: gw.Tensor, y: gw.Tensor, g: gw.Tensor) -> tuple[gw.Tensor, gw.Tensor]:
    x.requires_grad_()
    loss = criterion(x, y)
    (loss * g).sum().backward()
    return loss, x.grad


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_gradient_are_pytorchs(case):
    tx = torch.tensor(case.input, requires_grad=True)
    expected = case.criterion(torch.nn, torch.tensor)(tx, torch.tensor(case.target))
    g = np.random.default_rng(1).normal(size=tuple(expected.shape))
    (expected * torch.tensor(g)).sum().backward()
    criterion = case.criterion(nn, gw.tensor)
    loss, grad = both_ways(criterion, gw.tensor(case.input), gw.tensor(case.target), gw.tensor(g))
    close(loss, expected, 1e-12)
    close(grad, tx.grad, 1e-9)


SOME = [c for c in CASES if c.options["reduction"] == "mean" and len(c.options) != 2]


@pytest.mark.parametrize("case", SOME, ids=str)
def test_compiled_is_eager(case):
    criterion, g = case.criterion(nn, gw.tensor), gw.tensor(1.0)

    def step(x, y):
        return both_ways(criterion, x, y, g)

    eager = step(gw.tensor(case.input), gw.tensor(case.target))
    compiled = gw.compile(step)(gw.tensor(case.input), gw.tensor(case.target))
    for ours, theirs in zip(compiled, eager, strict=True):
        close(ours, theirs, 1e-12)


def test_float32_stays_float32():
    for case in CASES:
        if case.target.dtype.kind == "f":
            x, y = gw.tensor(case.input).float(), gw.tensor(case.target).float()
        else:
            x, y = gw.tensor(case.input).float(), gw.tensor(case.target)
        criterion = case.criterion(nn, lambda v: gw.tensor(v).float())
        loss, grad = both_ways(criterion, x, y, gw.tensor(1.0))
        assert loss.dtype == np.float32, str(case)
        assert grad.dtype == np.float32, str(case)


def test_the_weight_of_a_loss_is_a_buffer_as_in_pytorch():
    ours, theirs = nn.CrossEntropyLoss(gw.ones(3)), torch.nn.CrossEntropyLoss(torch.ones(3))
    assert list(ours.state_dict()) == list(theirs.state_dict()) == ["weight"]
    assert list(nn.BCEWithLogitsLoss(pos_weight=gw.ones(3)).state_dict()) == ["pos_weight"]


# --- saturation -------------------------------------------------------------------------------------------------------
def test_binary_cross_entropy_holds_the_logarithm_at_minus_100():
    x, y = np.array([0.0, 1.0, 0.0, 1.0, 0.3]), np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    t = torch.tensor(x, requires_grad=True)
    p = gw.tensor(x, requires_grad=True)
    loss, expected = (
        F.binary_cross_entropy(p, gw.tensor(y), reduction="none"),
        torch.nn.BCELoss(reduction="none")(t, torch.tensor(y)),
    )
    close(loss, expected, 1e-12)
    loss.sum().backward()
    assert np.isfinite(p.grad.numpy()).all(), "0 · inf at a saturated probability"


def test_binary_cross_entropy_pulls_a_saturated_probability_back_as_pytorchs_does():
    x, y = np.array([0.0, 1.0, 0.0, 1.0, 1e-8]), np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    p, t = gw.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    F.binary_cross_entropy(p, gw.tensor(y)).backward()
    torch.nn.functional.binary_cross_entropy(t, torch.tensor(y)).backward()
    close(p.grad, t.grad, 1e-8)  # PyTorch holds the 1e-12 in float32, which is 4e-9 less


def test_logits_do_not_overflow():
    x = gw.tensor(np.array([[1e4, -1e4], [-1e4, 1e4]]), requires_grad=True)
    loss = F.cross_entropy(x, gw.tensor([0, 0]), reduction="none")
    np.testing.assert_array_equal(loss.detach().numpy(), [0, 2e4])
    loss.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0, 0], [-1, 1]])


def test_an_ignored_row_may_hold_nan():
    x = gw.tensor(np.array([[1.0, 2.0], [np.nan, np.nan]]), requires_grad=True)
    loss = F.cross_entropy(x, gw.tensor([0, -100]))
    loss.backward()
    assert loss.item() == pytest.approx(np.log1p(np.e))
    assert np.isfinite(x.grad.numpy()[0]).all()


# --- messages ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize(("labels", "row", "value"), [([0, 1, 5, 9], 2, 5), ([0, -1, 2, 1], 1, -1)])
def test_a_label_out_of_range_names_row_and_value(loss, labels, row, value):
    with pytest.raises(IndexOutOfRangeError, match=rf"row {row} is {value}, but 3 classes have labels 0 to 2"):
        loss(gw.zeros(4, 3), gw.tensor(labels))


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_all_targets_ignored(loss):
    with pytest.raises(IndexOutOfRangeError, match="all 2 targets are -100"):
        loss(gw.zeros(2, 3), gw.tensor([-100, -100]))


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits])
def test_a_column_against_a_row_names_both_shapes(loss):
    for a, b in [((5, 1), (5,)), ((5,), (5, 1)), ((5, 2), (5,))]:
        with pytest.raises(ShapeError, match=r"same shape") as caught:
            loss(gw.full(a, 0.5), gw.full(b, 0.5))
        assert str(a) in str(caught.value)
        assert str(b) in str(caught.value)


def test_shapes_and_types_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"3 rows.*\(4,\)"):
        F.cross_entropy(gw.zeros(3, 2), gw.tensor([0, 1, 0, 1]))
    with pytest.raises(ShapeError, match=r"\(2, 3, 4\)"):
        F.cross_entropy(gw.zeros(2, 3, 4), gw.tensor([0, 1]))
    with pytest.raises(ShapeError, match="one label"):
        F.cross_entropy(gw.zeros(3), gw.tensor([0]))
    with pytest.raises(DTypeError, match="integers, got float32"):
        F.cross_entropy(gw.zeros(3, 2), gw.tensor([0.0, 1.0, 0.0]))
    with pytest.raises(ShapeError, match=r"\(3, 2\) and \(2,\)"):
        F.nll_loss(gw.zeros(3, 2), gw.tensor([0, 1]))
    with pytest.raises(ConfigError, match="'average'"):
        F.mse_loss(gw.zeros(3), gw.zeros(3), reduction="average")
    with pytest.raises(IndexOutOfRangeError, match=r"probabilities.*1\.5.*with_logits"):
        F.binary_cross_entropy(gw.tensor([0.5, 1.5]), gw.zeros(2))


@pytest.mark.parametrize("criterion", [nn.CrossEntropyLoss(), nn.NLLLoss()], ids=["cross_entropy", "nll"])
def test_a_compiled_step_refuses_bad_labels_before_it_runs(criterion):
    model = nn.Linear(2, 3)
    opt = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)

    @gw.compile
    def step(x, y):
        opt.zero_grad()
        out = model(x)
        loss = criterion(out if isinstance(criterion, nn.CrossEntropyLoss) else out.log_softmax(-1), y)
        loss.backward()
        opt.step()
        return loss

    x, good = gw.randn(4, 2), gw.tensor([0, 1, 2, 1])
    step(x, good)
    before = {k: v.numpy() for k, v in model.state_dict().items()}
    cases = [([0, 1, 3, 1], "row 2 is 3"), ([-5, 1, 2, 0], "row 0 is -5"), ([-100] * 4, "all 4 targets")]
    for labels, message in cases:
        with pytest.raises(IndexOutOfRangeError, match=message):
            step(x, gw.tensor(labels))
    with pytest.raises(IndexOutOfRangeError, match="row 5 is 77"):
        step.scan(gw.randn(8, 2), gw.tensor([0, 1, 2, 0, 1, 77, 0, 1]), order=[[0, 1, 2, 3]])
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])
    assert opt.state_dict()["state"][0]["step"] == 1
    assert np.isfinite(step(x, good).item())


def test_labels_computed_inside_a_compiled_step_give_nan_instead_of_a_wrong_loss():
    step = gw.compile(lambda x, y: F.cross_entropy(x, y + 1))
    assert np.isnan(step(gw.zeros(2, 3), gw.tensor([0, 2])).item())


def test_one_hot():
    np.testing.assert_array_equal(F.one_hot(gw.tensor([2, 0]), 3).numpy(), [[0, 0, 1], [1, 0, 0]])
    with pytest.raises(IndexOutOfRangeError, match="the index 3 in row 1"):
        F.one_hot(gw.tensor([2, 3]), 3)
