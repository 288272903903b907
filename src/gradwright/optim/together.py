"""Several update rules as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gradwright.engine.state import Lift
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, StateError
from gradwright.optim.optimizer import Optimizer

__all__ = ["Together"]


class Together(Optimizer):
    """Step several optimizers, each with parameters of its own, as if they were one.

    Muon moves matrices only and SparseAdam row-sparse tables only; the rest of the network wants another rule beside
    them.

    Parameters
    ----------
    *optimizers : Optimizer
        At least one; a parameter belongs to one of them. Those that need a closure are refused.

    Examples
    --------
    >>> from gradwright import nn, optim
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    >>> matrices = [p for p in net.parameters() if p.ndim == 2]
    >>> others = [p for p in net.parameters() if p.ndim != 2]
    >>> opt = optim.Together(optim.Muon(matrices, lr=0.02), optim.AdamW(others, lr=0.001))
    >>> [group["lr"] for group in opt.param_groups]
    [0.02, 0.001]
    """

    def __init__(self, *optimizers: Optimizer) -> None:
        seen: dict[int, int] = {}
        for i, optimizer in enumerate(optimizers):
            if not isinstance(optimizer, Optimizer) or optimizer.closure is not None:
                raise ConfigError(
                    f"Together: argument {i} is a {type(optimizer).__name__}; expected optimizers that step without a "
                    "closure"
                )
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if seen.setdefault(id(p), i) != i:
                        raise ConfigError(
                            f"Together: a parameter of shape {p.shape} is in optimizer {seen[id(p)]} and in {i}"
                        )
        if not optimizers:
            raise ConfigError("Together: no optimizers given; expected at least one")
        self.optimizers = list(optimizers)
        self.defaults = {}

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The groups of all, in order; the same objects, so a schedule may change them."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    @property
    def state(self) -> dict[Tensor, dict[str, Tensor]]:  # type: ignore[override]
        """What is kept for each parameter."""
        return {p: slots for optimizer in self.optimizers for p, slots in optimizer.state.items()}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Refuse: it would not say to which rule the parameters belong."""
        raise ConfigError("Together: add the group to one of its .optimizers")

    def step(self, closure: Any = None) -> Any:
        """Update every parameter that has a gradient, each by its own rule."""
        loss = self.optimizers[0].step(closure)
        for optimizer in self.optimizers[1:]:
            optimizer.step()
        return loss

    def ensure_slots(self, names: Iterable[str] = ()) -> bool:
        """Return False: the optimizers answer for their slots themselves."""
        return False

    def slot_names(self) -> tuple[str, ...]:
        """Return nothing: the optimizers answer for their slots themselves."""
        return ()

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show the optimizers."""
        for i, optimizer in enumerate(self.optimizers):
            lift.visit(f"{path}.optimizers[{i}]", optimizer)

    def state_dict(self) -> dict[str, Any]:
        """Return the states of all, in order."""
        return {"optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state; nothing is changed when it does not fit."""
        saved = state_dict.get("optimizers")
        if not isinstance(saved, list) or len(saved) != len(self.optimizers):
            raise StateError(f"load_state_dict: not the state of {len(self.optimizers)} optimizers together")
        before = self.state_dict()["optimizers"]
        try:
            for optimizer, state in zip(self.optimizers, saved, strict=True):
                optimizer.load_state_dict(state)
        except Exception:
            for optimizer, state in zip(self.optimizers, before, strict=True):
                optimizer.load_state_dict(state)
            raise

    def __repr__(self) -> str:
        return f"Together({', '.join(map(repr, self.optimizers))})"
