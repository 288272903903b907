"""Update rules by the names that a configuration gives them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from gradwright import optim
from gradwright.errors import ConfigError

__all__ = ["FULL_BATCH", "OPTIMIZERS", "default_decay", "default_momentum", "default_rate", "make_optimizer"]

OPTIMIZERS: dict[str, type[optim.Optimizer]] = {
    "adadelta": optim.Adadelta,
    "adagrad": optim.Adagrad,
    "adam": optim.Adam,
    "adamax": optim.Adamax,
    "adamw": optim.AdamW,
    "gd": optim.GradientDescent,
    "lamb": optim.LAMB,
    "lars": optim.LARS,
    "lbfgs": optim.LBFGS,
    "lion": optim.Lion,
    "muon": optim.Muon,
    "nadam": optim.NAdam,
    "newton": optim.Newton,
    "radam": optim.RAdam,
    "rmsprop": optim.RMSprop,
    "rprop": optim.Rprop,
    "sgd": optim.SGD,
}

#: Rules that read a minibatch's noise as the gradient's own: they train on all rows at once unless told otherwise.
FULL_BATCH = ("gd", "lbfgs", "newton", "rprop")

_RATES = {"sgd": 0.05, "gd": 0.1}  # where PyTorch has a default that suits nobody, or none
_MORE: dict[str, dict[str, Any]] = {"lbfgs": {"line_search_fn": "strong_wolfe"}}  # without it steps may diverge
_MOMENTUM = {"sgd": 0.9, "lars": 0.9}


def default_rate(name: str) -> float:
    """Return the learning rate that a rule gets when none is given: ours, or else the rule's own default.

    Examples
    --------
    >>> default_rate("adam"), default_rate("sgd")
    (0.001, 0.05)
    """
    return _RATES.get(name) or float(_arguments(name)["lr"].default)


def default_momentum(name: str) -> float | None:
    """Return the momentum that a rule gets when none is given, or None for the rule's own default."""
    return _MOMENTUM.get(name)


def default_decay(name: str) -> float:
    """Return the weight decay that a rule has when none is given, 0 for one that has none.

    Examples
    --------
    >>> default_decay("adamw"), default_decay("sgd")
    (0.01, 0.0)
    """
    takes = _arguments(name)
    return float(takes["weight_decay"].default) if "weight_decay" in takes else 0.0


def _arguments(name: str) -> Any:
    return inspect.signature(OPTIMIZERS[name].__init__).parameters


def make_optimizer(
    name: str,
    params: Iterable[Any],
    *,
    lr: float | None = None,
    momentum: float | None = None,
    weight_decay: float | None = None,
) -> optim.Optimizer:
    """Return the rule of that name; what is None is left at its default.

    Raises
    ------
    ConfigError
        For a momentum or a weight decay that the rule does not have.
    """
    if name == "muon":
        return _muon(list(params), lr, momentum, weight_decay)
    takes = _arguments(name)
    wanted: dict[str, Any] = {
        "lr": default_rate(name) if lr is None else lr,
        "momentum": momentum,
        "weight_decay": weight_decay,
    }
    for key, value in wanted.items():
        if value is not None and key not in takes:
            if not value:
                continue  # what is not there is 0
            having = ", ".join(n for n in OPTIMIZERS if key in _arguments(n))
            raise ConfigError(f"{key} = {value}: {name} has no {key.replace('_', ' ')}; these have: {having}")
    return OPTIMIZERS[name](
        params, **_MORE.get(name, {}), **{k: v for k, v in wanted.items() if v is not None and k in takes}
    )


def _muon(params: list[Any], lr: float | None, momentum: float | None, weight_decay: float | None) -> optim.Optimizer:
    """Return Muon for the matrices and AdamW for all else, at a fifth of its rate."""
    rate = default_rate("muon") if lr is None else lr
    more: dict[str, Any] = {k: v for k, v in (("momentum", momentum), ("weight_decay", weight_decay)) if v is not None}
    decay: dict[str, Any] = {} if weight_decay is None else {"weight_decay": weight_decay}
    matrices, others = [p for p in params if p.ndim == 2], [p for p in params if p.ndim != 2]
    if not matrices:
        raise ConfigError("muon: the network has no weight matrix, which is all that it moves; choose adamw")
    muon = optim.Muon(matrices, lr=rate, **more)
    return optim.Together(muon, optim.AdamW(others, lr=rate / 5, **decay)) if others else muon
