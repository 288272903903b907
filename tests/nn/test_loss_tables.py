"""The losses with margins, densities, distances and alignments: values and gradients against PyTorch, one program."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn

from .conformance import close

RNG = np.random.default_rng(0)
X, Y, Z = RNG.normal(size=(3, 6, 4))
SIGNS = np.where(RNG.uniform(size=(6, 4)) < 0.5, -1.0, 1.0)
ROWS = np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0])
LABELS = np.array([0, 3, 1, 1, 2, 0])
SETS = np.array([[0, 2, -1, 1], [3, -1, 0, 0], [-1, 0, 0, 0], [0, 1, 2, 3], [1, 3, -1, -1], [2, -1, 3, 3]])
HOT = RNG.integers(0, 2, size=(6, 4)).astype(np.float64)
COUNTS = RNG.integers(0, 6, size=(6, 4)).astype(np.float64)
P, Q = RNG.dirichlet(np.ones(4), size=(2, 6))
VARIANCE = RNG.uniform(0.2, 2.0, size=(6, 4))
WEIGHT = np.array([0.2, 1.5, 0.7, 3.0])
PATHS = RNG.normal(size=(7, 3, 4))
WORDS = np.array([[1, 2, 3], [2, 2, 0], [3, 0, 0]])


class Case(NamedTuple):
    """One loss: inputs that are asked for gradients, what follows them, and arguments."""

    name: str
    inputs: tuple[np.ndarray, ...]
    rest: tuple[Any, ...] = ()
    options: Mapping[str, Any] = MappingProxyType({})
    reductions: tuple[str, ...] = ("mean", "sum", "none")

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.options)})"

    def criterion(self, library: Any, make: Any, **more: Any) -> Any:
        options = {k: make(v) if isinstance(v, np.ndarray) else v for k, v in self.options.items()}
        return getattr(library, self.name)(**options, **more)


def largest(a: Any, b: Any) -> Any:
    return abs(a - b).amax(-1)


CASES = [
    Case("SmoothL1Loss", (X, Y)),
    Case("SmoothL1Loss", (X, Y), (), {"beta": 0.3}),
    Case("SmoothL1Loss", (X, Y), (), {"beta": 0.0}),
    Case("HuberLoss", (X, Y)),
    Case("HuberLoss", (X, Y), (), {"delta": 0.4}),
    Case("KLDivLoss", (np.log(P), Q), (), {}, ("mean", "batchmean", "sum", "none")),
    Case("KLDivLoss", (np.log(P), np.log(Q)), (), {"log_target": True}, ("mean", "batchmean", "sum", "none")),
    Case("PoissonNLLLoss", (X,), (COUNTS,)),
    Case("PoissonNLLLoss", (VARIANCE,), (COUNTS,), {"log_input": False, "full": True, "eps": 1e-3}),
    Case("GaussianNLLLoss", (X, Y, VARIANCE)),
    Case("GaussianNLLLoss", (X, Y, VARIANCE[:, 0]), (), {"full": True, "eps": 0.5}),
    Case("HingeEmbeddingLoss", (X,), (SIGNS,)),
    Case("HingeEmbeddingLoss", (X,), (SIGNS,), {"margin": 0.3}),
    Case("MarginRankingLoss", (X[:, 0], Y[:, 0]), (ROWS,)),
    Case("MarginRankingLoss", (X, Y), (SIGNS,), {"margin": 0.7}),
    Case("SoftMarginLoss", (X,), (SIGNS,)),
    Case("MultiMarginLoss", (X,), (LABELS,)),
    Case("MultiMarginLoss", (X,), (LABELS,), {"p": 2, "margin": 0.5, "weight": WEIGHT}),
    Case("MultiLabelMarginLoss", (X,), (SETS,)),
    Case("MultiLabelSoftMarginLoss", (X,), (HOT,)),
    Case("MultiLabelSoftMarginLoss", (X,), (HOT,), {"weight": WEIGHT}),
    Case("CosineEmbeddingLoss", (X, Y), (ROWS,)),
    Case("CosineEmbeddingLoss", (X, Y), (ROWS,), {"margin": 0.4}),
    Case("TripletMarginLoss", (X, Y, Z)),
    Case("TripletMarginLoss", (X, Y, Z), (), {"margin": 0.5, "p": 3.0, "eps": 1e-3, "swap": True}),
    Case("TripletMarginWithDistanceLoss", (X, Y, Z), (), {"margin": 0.6}),
    Case("TripletMarginWithDistanceLoss", (X, Y, Z), (), {"distance_function": largest, "swap": True}),
    Case("CTCLoss", (PATHS,), (WORDS, (7, 6, 5), (3, 2, 1))),
    Case("CTCLoss", (PATHS,), (WORDS % 3, (7, 2, 5), (2, 3, 1)), {"blank": 3, "zero_infinity": True}),
]


def loss_of(case: Case, criterion: Any, inputs: Any, rest: Any) -> Any:
    if case.name == "CTCLoss":  # whose gradient is PyTorch's only behind a log-softmax
        inputs = [inputs[0].log_softmax(-1)]
    return criterion(*inputs, *rest)


def of(make: Any, values: tuple[Any, ...]) -> list[Any]:
    return [make(v) if isinstance(v, np.ndarray) else v for v in values]


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_gradients_are_pytorchs(case):
    for reduction in case.reductions:
        sides = []
        for library, make in ((nn, gw.tensor), (torch.nn, torch.tensor)):
            criterion = case.criterion(library, make, reduction=reduction)
            inputs = [make(x, requires_grad=True) for x in case.inputs]
            loss = loss_of(case, criterion, inputs, of(make, case.rest))
            g = np.random.default_rng(1).normal(size=tuple(loss.shape))
            (loss * make(g)).sum().backward()
            sides.append((loss, inputs))
        (loss, inputs), (expected, theirs) = sides
        close(loss, expected, 1e-12)
        for x, t in zip(inputs, theirs, strict=True):
            close(x.grad, t.grad, 1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_module_looks_like_pytorchs(case):
    ours, theirs = case.criterion(nn, gw.tensor), case.criterion(torch.nn, torch.tensor)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name in (*case.options, "reduction"):
        if name not in ours.state_dict():
            assert getattr(ours, name) == getattr(theirs, name)
    again = type(ours)(**ours.config())
    assert again.config() == ours.config()


def test_all_losses_compiled_are_the_same_run_eagerly_with_other_numbers_too():
    criteria = [case.criterion(nn, gw.tensor) for case in CASES]

    def everything(*inputs):
        rest, results = list(inputs), []
        for case, criterion in zip(CASES, criteria, strict=True):
            own, rest = rest[: len(case.inputs)], rest[len(case.inputs) :]
            arrays = sum(isinstance(v, np.ndarray) for v in case.rest)
            taken, rest = iter(rest[:arrays]), rest[arrays:]
            for x in own:
                x.requires_grad_()
            after = [next(taken) if isinstance(v, np.ndarray) else v for v in case.rest]
            loss = loss_of(case, criterion, own, after)
            loss.backward()
            results.append((loss, *(x.grad for x in own)))
        return results

    def inputs():
        return [gw.tensor(v) for case in CASES for v in (*case.inputs, *case.rest) if isinstance(v, np.ndarray)]

    def both(step):
        compiled, eager = step(*inputs()), everything(*inputs())
        for case, a, b in zip(CASES, compiled, eager, strict=True):
            for u, v in zip(a, b, strict=True):
                np.testing.assert_allclose(
                    u.detach().numpy(), v.detach().numpy(), rtol=1e-10, atol=1e-12, err_msg=str(case)
                )
        return [row[0].item() for row in compiled]

    step = gw.compile(everything)
    first = both(step)
    changed = []
    for i, criterion in enumerate(criteria):
        for name in criterion.hyperparameters:
            if getattr(criterion, name) != 0:  # which stays in the program's text
                setattr(criterion, name, getattr(criterion, name) * 1.25)
                changed += [i] if name != "eps" else []
    second = both(step)
    assert step.traces == 1
    assert len(changed) > 10
    assert all(first[i] != second[i] for i in changed)


def test_members_of_a_population_may_have_beta_0():
    def factory(beta):
        layer, criterion = nn.Linear(4, 4), nn.SmoothL1Loss(beta=beta)
        optimizer = gw.optim.SGD(layer.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            loss = criterion(layer(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return step

    x, y = X.astype(np.float32)[None].repeat(4, 0), Y.astype(np.float32)[None].repeat(4, 0)
    members = [{"beta": 0.0}, {"beta": 0.5}]
    losses = gw.Population(factory, members, seeds=[1, 2]).scan(gw.tensor(x), gw.tensor(y)).numpy()
    for member, seed, own in zip(members, (1, 2), losses, strict=True):
        with gw.use_generator(gw.Generator(seed)):
            step = factory(**member)
            alone = [step(gw.tensor(a), gw.tensor(b)).item() for a, b in zip(x, y, strict=True)]
        np.testing.assert_allclose(own, alone, rtol=1e-5)
