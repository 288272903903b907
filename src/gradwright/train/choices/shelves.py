"""The shelves that `gradwright list` shows."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Mapping
from typing import Any

from gradwright import nn
from gradwright.errors import ConfigError
from gradwright.train.choices.augmentations import AUGMENTATIONS
from gradwright.train.choices.networks import ACTIVATIONS, NETWORKS
from gradwright.train.choices.optimizers import OPTIMIZERS
from gradwright.train.choices.regularisation import INITIALISATIONS, PRIORS
from gradwright.train.choices.schedules import SCHEDULES
from gradwright.train.metrics import METRICS

__all__ = ["SHELVES", "check_choice", "shelf_lines"]


def _modules(of_loss: bool) -> dict[str, Any]:
    found = {name: getattr(nn, name) for name in nn.__all__}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, type) and issubclass(value, nn.Module) and value is not nn.Module
        if name.endswith("Loss") is of_loss
    }


SHELVES: dict[str, Mapping[str, Any]] = {
    "activations": ACTIVATIONS,
    "augmentations": AUGMENTATIONS,
    "initialisations": INITIALISATIONS,
    "layers": _modules(of_loss=False),
    "losses": _modules(of_loss=True),
    "metrics": {name: info.words for name, info in METRICS.items()},
    "networks": NETWORKS,
    "optimizers": OPTIMIZERS,
    "priors": PRIORS,
    "schedules": SCHEDULES,
}

#: Which shelf a setting's names lie on.
_SHELF_OF = {
    "activation": "activations",
    "augment": "augmentations",
    "init": "initialisations",
    "network": "networks",
    "optimizer": "optimizers",
    "prior": "priors",
    "schedule": "schedules",
}


_WITH_A_NUMBER = ("augment", "prior")


def check_choice(setting: str, text: str) -> None:
    """Raise ConfigError, with what comes close, for a name that is not on the setting's shelf.

    Examples
    --------
    >>> check_choice("optimizer", "lamd")
    Traceback (most recent call last):
        ...
    gradwright.errors.ConfigError: no optimizer 'lamd'; did you mean lamb? `gradwright list optimizers` shows all
    """
    shelf = _SHELF_OF[setting]
    name = text.partition("=")[0] if setting in _WITH_A_NUMBER else text
    if name not in SHELVES[shelf]:
        close = difflib.get_close_matches(name, SHELVES[shelf], n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(SHELVES[shelf])};"
        raise ConfigError(f"no {setting} {name!r:.80}; {hint} `gradwright list {shelf}` shows all")


def shelf_lines(shelf: str) -> list[tuple[str, str]]:
    """Return the names of a shelf with the first sentence of what explains each."""
    return [(name, _first_sentence(value)) for name, value in SHELVES[shelf].items()]


def _first_sentence(thing: Any) -> str:
    text = thing if isinstance(thing, str) else inspect.getdoc(thing) or ""
    plain = re.sub(r":\w+:`~?([^`]+)`|``([^`]+)``", r"\1\2", text.split("\n\n")[0])  # as a terminal shows it
    return " ".join(plain.split()).removesuffix(".")
