"""Rules that PyTorch does not have, written down from the papers as PyTorch optimizers; and Muon in float64."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch


class PaperRule(torch.optim.Optimizer):
    """One parameter at a time; all state is made at the first gradient, as in PyTorch's own."""

    slots: tuple[str, ...] = ()

    def __init__(self, params: Any, **options: Any) -> None:
        super().__init__(params, {"maximize": False, **self.defaults_of(), **options})

    def defaults_of(self) -> dict[str, Any]:
        return {}

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = 0
                    state.update({name: torch.zeros_like(p) for name in self.slots})
                state["step"] += 1
                self.move(p, -p.grad if group["maximize"] else p.grad, state, group)
        return loss

    def move(self, p: Any, g: Any, state: Any, group: Any) -> None:
        raise NotImplementedError


class GradientDescent(PaperRule):
    def defaults_of(self):
        return {"lr": 1e-2}

    def move(self, p, g, state, group):
        p.copy_(p - group["lr"] * g)


class Lion(PaperRule):
    """Chen et al. 2023, algorithm 2."""

    slots = ("exp_avg",)

    def defaults_of(self):
        return {"lr": 1e-4, "betas": (0.9, 0.99), "weight_decay": 0}

    def move(self, p, g, state, group):
        m, (b1, b2) = state["exp_avg"], group["betas"]
        c = b1 * m + (1 - b1) * g
        sign = torch.where(c.isnan(), c, torch.sign(c))  # PyTorch's sign of NaN is 0
        p.copy_(p - group["lr"] * (sign + group["weight_decay"] * p))
        m.copy_(b2 * m + (1 - b2) * g)


class LARS(PaperRule):
    """You et al. 2017, algorithm 1, with Optax's denominator."""

    slots = ("momentum_buffer",)

    def defaults_of(self):
        return {
            "lr": 1.0, "momentum": 0.9, "weight_decay": 0, "trust_coefficient": 1e-3, "eps": 0, "nesterov": False,
        }  # fmt: skip

    def move(self, p, g, state, group):
        g = g + group["weight_decay"] * p
        a, b = torch.linalg.vector_norm(p), torch.linalg.vector_norm(g)
        local = group["trust_coefficient"] * a / (b + group["eps"]) if a != 0 and b != 0 else 1.0
        v = state["momentum_buffer"]
        v.copy_(group["momentum"] * v + group["lr"] * local * g)
        p.copy_(p - (group["momentum"] * v + group["lr"] * local * g if group["nesterov"] else v))


class LAMB(PaperRule):
    """You et al. 2020, algorithm 2, φ the identity, the ratio at most trust_clip."""

    slots = ("exp_avg", "exp_avg_sq")

    def defaults_of(self):
        return {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-6, "weight_decay": 0, "trust_clip": 10.0}

    def move(self, p, g, state, group):
        m, v, (b1, b2), t = state["exp_avg"], state["exp_avg_sq"], group["betas"], state["step"]
        m.copy_(b1 * m + (1 - b1) * g)
        v.copy_(b2 * v + (1 - b2) * g**2)
        r = (m / (1 - b1**t)) / (torch.sqrt(v / (1 - b2**t)) + group["eps"]) + group["weight_decay"] * p
        a, b = torch.linalg.vector_norm(p).item(), torch.linalg.vector_norm(r).item()
        ratio = min(a / b, group["trust_clip"]) if a != 0 and b != 0 else 1.0
        p.copy_(p - group["lr"] * ratio * r)


class Muon(torch.optim.Muon):
    """PyTorch's own code, kept from rounding to bfloat16."""

    def step(self, closure=None):
        with mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone):
            return super().step(closure)


@contextmanager
def float64_by_default() -> Iterator[None]:
    """PyTorch keeps step counts, and NAdam's product, in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def oracle(name: str) -> type[torch.optim.Optimizer]:
    """Return the oracle for a rule: PyTorch's where it has one, Muon's without bfloat16."""
    own = globals().get(name)
    return own if isinstance(own, type) else getattr(torch.optim, name)
