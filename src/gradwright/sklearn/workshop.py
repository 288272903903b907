"""A network with everything that trains it, and the pool from which fits borrow one whose programs are compiled."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gradwright import nn
from gradwright.compile import CompiledStep, compile
from gradwright.engine.generator import Generator, use_generator
from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.named import activation_layer
from gradwright.train.choices.optimizers import OPTIMIZERS, make_optimizer

__all__ = ["Plan", "Weights", "Workshop", "borrow", "give_back"]

#: Weight matrices (inputs, outputs) and biases, layer by layer.
Weights = tuple[list[np.ndarray], list[np.ndarray]]

#: How many workshops wait to be borrowed, and how many compiled programs one of them may have.
MOST_WORKSHOPS = 16
MOST_PROGRAMS = 32


@dataclass(frozen=True)
class Plan:
    """What decides which program a network and its training make; numbers such as the learning rate do not."""

    sizes: tuple[int, ...]
    activation: str
    output: str  # identity, logistic or softmax
    solver: str
    drops: bool
    dtype: str


class Workshop:
    """A network, its optimizer, and one training step on a weighted batch: ``step(x, y, weight)``.

    The loss of a batch is the mean of its rows' by their weights (half the squared error summed over outputs, or
    cross-entropy) and alpha / 2 · Σ w² / Σ weight, as in scikit-learn's perceptrons.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.generator = Generator(0)
        with self.inside():  # its first weights, which start() replaces, are no draws of the user's stream
            layers = self._make_layers(plan)
        self.model = nn.Sequential(*layers).to(np.dtype(plan.dtype))
        self.linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
        self.dropout = [layer for layer in layers if isinstance(layer, nn.Dropout)]
        self.penalty = nn.regularization.L2(0.0)
        self.optimizer = make_optimizer(plan.solver, self.model.parameters())
        self.step = self._make_step()
        self.compiled: CompiledStep = compile(self.step, state=[self.model, self.optimizer, self.penalty])

    def _make_layers(self, plan: Plan) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for i, (width, next_width) in enumerate(pairwise(plan.sizes)):
            if i and plan.activation != "identity":
                layers.append(activation_layer(plan.activation))
            if i and plan.drops:
                layers.append(nn.Dropout(0.5))
            layers.append(nn.Linear(width, next_width))
        return layers

    def _make_step(self) -> Any:
        model, optimizer, penalty, rows_loss = self.model, self.optimizer, self.penalty, _LOSSES[self.plan.output]

        def step(x: Tensor, y: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
            whole = weight.sum()

            def closure() -> Tensor:
                optimizer.zero_grad()
                loss: Tensor = ((rows_loss(model(x), y) * weight).sum() + penalty(model)) / whole
                loss.backward()
                return loss

            if optimizer.closure is not None:
                loss = optimizer.step(closure)
            else:
                loss = closure()
                optimizer.step()
            return loss.detach(), whole

        return step

    def start(
        self,
        weights: Weights,
        settings: Mapping[str, Any],
        *,
        alpha: float,
        dropout: float,
        seed: int,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin from these weights with a fresh optimizer of these settings, or one in ``state``."""
        dtype = np.dtype(self.plan.dtype)
        for layer, matrix, bias in zip(self.linear, *weights, strict=True):
            layer.weight._set(np.ascontiguousarray(matrix.T, dtype))
            layer.bias._set(np.array(bias, dtype))
        for p in self.model.parameters():
            p._grad = None
        self.penalty.strength = alpha
        for drop in self.dropout:
            drop.p = dropout
        self.generator.manual_seed(seed)
        if OPTIMIZERS[self.plan.solver].closure is None:
            fresh = make_optimizer(self.plan.solver, self.model.parameters(), **settings)
            self.optimizer.load_state_dict(fresh.state_dict() if state is None else state)

    def weights(self) -> Weights:
        """Return copies of the weights as they are now."""
        coefs = [np.array(np.asarray(layer.weight._array).T, order="C") for layer in self.linear]
        return coefs, [np.array(layer.bias._array) for layer in self.linear]

    def optimizer_state(self) -> dict[str, Any]:
        """Return the optimizer's state as plain data."""
        plain: dict[str, Any] = _plain(self.optimizer.state_dict())
        return plain

    def inside(self) -> Any:
        """Return a context in which this workshop's generator is the one that is drawn from."""
        return use_generator(self.generator)


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().numpy()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _squared(output: Tensor, y: Tensor) -> Tensor:
    d = output - y
    return (d * d).mean(1) * 0.5


def _binary(output: Tensor, y: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(output, y, reduction="none").sum(1)


def _classes(output: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(output, y, reduction="none")


_LOSSES = {"identity": _squared, "logistic": _binary, "softmax": _classes}

_waiting: OrderedDict[Plan, list[Workshop]] = OrderedDict()
_lock = threading.Lock()


def borrow(plan: Plan) -> Workshop:
    """Take a workshop for this plan out of the pool, or make one; nobody else has it until it is given back."""
    with _lock:
        found = _waiting.get(plan)
        if found:
            return found.pop()
    return Workshop(plan)


def give_back(workshop: Workshop) -> None:
    """Put a workshop into the pool, for the next fit of its plan; those that were used longest ago go."""
    if len(workshop.compiled._compiled) > MOST_PROGRAMS:
        return
    with _lock:
        _waiting.setdefault(workshop.plan, []).append(workshop)
        _waiting.move_to_end(workshop.plan)
        while sum(map(len, _waiting.values())) > MOST_WORKSHOPS:
            plan, oldest = next(iter(_waiting.items()))
            if oldest:
                oldest.pop()
            if not oldest:
                del _waiting[plan]
