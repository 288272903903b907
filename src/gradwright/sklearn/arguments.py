"""What the estimators' arguments may be, asked when fitting begins, as scikit-learn's estimators do."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from gradwright.errors import ConfigError
from gradwright.nn.named import ACTIVATIONS
from gradwright.train.choices.optimizers import OPTIMIZERS

__all__ = ["SOLVERS", "activation_name", "check_arguments", "hidden_sizes"]

#: Newton's rule wants all second derivatives at once, which networks of this size do not have room for.
SOLVERS = tuple(name for name in OPTIMIZERS if name != "newton")
_ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", **{name: name for name in ACTIVATIONS}}

#: Each number's kind, least value, whether that itself is allowed, and the value that it must stay below.
_NUMBERS: dict[str, tuple[Any, float, bool, float]] = {
    "alpha": (Real, 0, True, np.inf),
    "batch_size": (Integral, 1, True, np.inf),
    "dropout": (Real, 0, True, 1),
    "learning_rate_init": (Real, 0, False, np.inf),
    "max_iter": (Integral, 1, True, np.inf),
    "momentum": (Real, 0, True, 1),
    "n_iter_no_change": (Real, 1, True, np.inf),
    "tol": (Real, 0, True, np.inf),
    "validation_fraction": (Real, 0, False, 1),
}
_OR_ELSE: dict[str, tuple[Any, ...]] = {
    "batch_size": ("auto",),
    "learning_rate_init": (None,),
    "momentum": (None,),
    "n_iter_no_change": (np.inf,),
}
_SWITCHES = ("early_stopping", "shuffle", "standardize", "warm_start")


def check_arguments(estimator: Any) -> None:
    """Raise ConfigError for an argument that makes no sense, naming it."""
    who = type(estimator).__name__
    arguments = estimator.get_params(deep=False)
    for name, (kind, least, itself, below) in _NUMBERS.items():
        value = arguments[name]
        if any(value is other or (type(value) is type(other) and value == other) for other in _OR_ELSE.get(name, ())):
            continue
        fits = isinstance(value, kind) and not isinstance(value, bool) and least <= value < below
        if not fits or (value == least and not itself):
            what = "a whole number" if kind is Integral else "a number"
            bound = f"{'of at least' if itself else 'above'} {least}" + (
                f" and below {below}" if below < np.inf else ""
            )
            others = "".join(f", or {other!r}" for other in _OR_ELSE.get(name, ()))
            raise ConfigError(f"{who}: {name} must be {what} {bound}{others}; got {value!r:.80}")
    for name in _SWITCHES:
        if not isinstance(arguments[name], bool | np.bool_):
            raise ConfigError(f"{who}: {name} must be True or False, got {arguments[name]!r:.80}")
    activation_name(who, arguments["activation"])
    if arguments["solver"] not in SOLVERS:
        raise ConfigError(f"{who}: solver is {arguments['solver']!r:.80}; there are {', '.join(SOLVERS)}")
    hidden_sizes(who, arguments["hidden_layer_sizes"])


def activation_name(who: str, name: Any) -> str:
    """Return the name in ``nn.functional`` of an activation by scikit-learn's name or ours."""
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        raise ConfigError(f"{who}: activation is {name!r:.80}; there are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]


def hidden_sizes(who: str, sizes: Any) -> tuple[int, ...]:
    """Return the hidden layers' widths as a tuple."""
    given = tuple(np.ravel(sizes).tolist()) if isinstance(sizes, np.ndarray | list | tuple) else (sizes,)
    if not all(isinstance(size, Integral) and not isinstance(size, bool) and int(size) >= 1 for size in given):
        raise ConfigError(f"{who}: hidden_layer_sizes must be whole numbers of at least 1, got {sizes!r:.80}")
    return tuple(int(size) for size in given)
