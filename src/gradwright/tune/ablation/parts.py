"""The parts of a configuration, and what leaving each out, or replacing it, means in its settings."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradwright.errors import ConfigError
from gradwright.train.choices import FULL_BATCH, NETWORK_SETTINGS, default_decay, default_momentum, default_rate
from gradwright.train.config import Config, parse_config

__all__ = ["Part", "changed", "select_parts", "setting_parts"]

Change = Callable[[Config], Mapping[str, Any]]


@dataclass(frozen=True)
class Part:
    """A part of a configuration that can be left out or replaced.

    Attributes
    ----------
    name : str
        Unique among the parts: a setting's name, ``augment shift=1``, ``column age``, ``columns pixel_0_*``.
    family : str
        What it belongs to: regularisation, normalisation, augment, schedule, averaging, clipping, balance, optimizer,
        network, columns.
    what : str
        What was done to it, in words.
    change : callable
        From settings to those that change.
    columns : tuple of str
        Feature columns that are left out.
    replaced : bool
        Whether something else stands in its place; such parts are no steps of a cumulative ablation.
    """

    name: str
    family: str
    what: str
    change: Change = field(default=lambda config: {}, repr=False)
    columns: tuple[str, ...] = ()
    replaced: bool = False


#: Settings that are left out by a value: family, and that value.
_OFF: dict[str, tuple[str, Any]] = {
    "dropout": ("regularisation", 0.0),
    "weight_decay": ("regularisation", 0.0),
    "l1": ("regularisation", 0.0),
    "l2": ("regularisation", 0.0),
    "prior": ("regularisation", None),
    "max_norm": ("regularisation", None),
    "label_smoothing": ("regularisation", 0.0),
    "gradient_noise": ("regularisation", 0.0),
    "weight_noise": ("regularisation", 0.0),
    "stochastic_depth": ("regularisation", 0.0),
    "batch_norm": ("normalisation", False),
    "class_weights": ("balance", None),
    "schedule": ("schedule", None),
    "warmup": ("schedule", 0.0),
    "ema": ("averaging", None),
    "lookahead": ("averaging", None),
    "clip_norm": ("clipping", None),
    "clip_value": ("clipping", None),
    "momentum": ("optimizer", 0.0),
}
_MORE = ("early_stopping", "augment", "shortcut", "optimizer", "layers", "width", "activation", "init", "columns")


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return settings with some of them changed, checked together."""
    return parse_config({**config.model_dump(), **changes}, "ablate")


def setting_parts(config: Config) -> tuple[list[Part], list[str]]:
    """Return the parts that resolved settings have, but for columns; and what they do not have, in words.

    Examples
    --------
    >>> config = parse_config({"source": "digits", "dropout": 0.2, "hidden": [64, 32]}).resolved(1000, 64)
    >>> [part.name for part in setting_parts(config)[0]]
    ['dropout', 'early_stopping', 'optimizer', 'layers', 'width', 'activation']
    """
    parts = [part for name in _OFF if (part := _left_out(config, name)) is not None]
    if config.epochs > 1:
        parts.append(_early_stopping(config))
    parts += [_augmentation(name) for name in config.augment]
    parts += [part for make in (_shortcut, _optimizer, _layers, _width, _activation, _init) if (part := make(config))]
    having = {part.name.partition(" ")[0] for part in parts}
    absent = [_absent(config, name) for name in (*_OFF, *_MORE[:-1]) if name not in having]
    return parts, absent


def _absent(config: Config, name: str) -> str:
    if name == "shortcut" and config.network == "resnet":
        return "shortcut: resnet has shortcuts, but no setting takes them away"
    if name == "batch_norm" and config.network == "resnet":
        return "batch_norm: resnet normalises inside its blocks, and no setting takes that away"
    takes = NETWORK_SETTINGS[config.network]
    if name in {s for names in NETWORK_SETTINGS.values() for s in names} and name not in takes:
        return f"{name}: {config.network} has no such setting"
    value = getattr(config, name, None)
    return f"{name}: none here" if value in (None, (), False) else f"{name}: {value}, as without it"


# --- left out ---------------------------------------------------------------------------------------------------------
def _left_out(config: Config, name: str) -> Part | None:
    family, off = _OFF[name]
    value = getattr(config, name)
    was = f"{value}"
    if name == "weight_decay" and value is None:
        value = default_decay(config.optimizer)
        was = f"{value}, {config.optimizer}'s own"
    if not value:
        return None
    if name == "prior" or isinstance(value, str | dict):
        was = value if isinstance(value, str) else "a table"
    if name == "batch_norm":
        return Part(name, family, "left out", lambda config: {name: False})
    what = f"left out (was {was})"
    if name == "schedule":
        what = f"left out (was {value}): the rate stays"
    return Part(name, family, what, lambda config: {name: off})


def _early_stopping(config: Config) -> Part:
    """Only the last epoch counts as one that may be the best: see EarlyStopping's warm-up."""
    rule = f"patience {config.patience}" if config.stopping == "patience" else config.stopping
    return Part(
        "early_stopping",
        "regularisation",
        f"left out (was {rule}): all {config.epochs} epochs, and the last weights instead of the best",
        lambda config: {
            "stopping": "patience",
            "min_delta": 0.0,
            "patience": config.epochs,
            "stop_warmup": config.epochs - 1,
        },
    )


def _augmentation(name: str) -> Part:
    return Part(
        f"augment {name}",
        "augment",
        "left out",
        lambda config: {"augment": tuple(other for other in config.augment if other != name)},
    )


# --- replaced ---------------------------------------------------------------------------------------------------------
def _shortcut(config: Config) -> Part | None:
    if config.network != "highway":
        return None
    width, depth = config.width or 64, config.depth or 8
    return Part(
        "shortcut",
        "network",
        f"gates and shortcuts left out: an mlp of {depth + 1} layers as wide",
        lambda config: {"network": "mlp", "hidden": (width,) * (depth + 1), "width": None, "depth": None},
        replaced=True,
    )


def _optimizer(config: Config) -> Part | None:
    if config.optimizer == "sgd":
        return None
    rate, momentum = default_rate("sgd"), default_momentum("sgd")
    batch = {"batch_size": None} if config.optimizer in FULL_BATCH else {}
    return Part(
        "optimizer",
        "optimizer",
        f"{config.optimizer} replaced by sgd, rate {rate:g}, momentum {momentum:g}; its rate was not tuned",
        lambda config: {"optimizer": "sgd", "lr": rate, "momentum": momentum, **batch},
        replaced=True,
    )


def _layers(config: Config) -> Part | None:
    if config.network == "mlp" and config.hidden:
        left = config.hidden[:-1]
        what = f"one hidden layer fewer: {_widths(left)}"
        return Part("layers", "network", what, lambda config: {"hidden": left}, replaced=True)
    fewer = 6 if config.network == "resnet" else 1
    if config.depth is None or config.depth - fewer < (8 if config.network == "resnet" else 1):
        return None
    depth = config.depth - fewer
    what = f"depth {depth} instead of {config.depth}"
    return Part("layers", "network", what, lambda config: {"depth": depth}, replaced=True)


def _width(config: Config) -> Part | None:
    if config.network == "mlp" and config.hidden and max(config.hidden) > 1:
        half = tuple(max(1, width // 2) for width in config.hidden)
        what = f"half as wide: {_widths(half)}"
        return Part("width", "network", what, lambda config: {"hidden": half}, replaced=True)
    if config.width is None or config.width < 2:
        return None
    narrow = config.width // 2
    what = f"half as wide: {narrow} instead of {config.width}"
    return Part("width", "network", what, lambda config: {"width": narrow}, replaced=True)


def _activation(config: Config) -> Part | None:
    if "activation" not in NETWORK_SETTINGS[config.network] or (config.network == "mlp" and not config.hidden):
        return None
    other = "tanh" if config.activation == "relu" else "relu"
    what = f"{config.activation} replaced by {other}"
    return Part("activation", "network", what, lambda config: {"activation": other}, replaced=True)


def _init(config: Config) -> Part | None:
    if config.init is None:
        return None
    what = f"{config.init} replaced by the layers' own"
    return Part("init", "network", what, lambda config: {"init": None}, replaced=True)


def _widths(widths: Sequence[int]) -> str:
    return "-".join(map(str, widths)) if widths else "none, a linear model"


# --- choosing ---------------------------------------------------------------------------------------------------------
def select_parts(parts: Sequence[Part], only: Sequence[str], absent: Sequence[str]) -> list[Part]:
    """Return the parts that are named: by their own names, by a setting's, or by their families'.

    Raises
    ------
    ConfigError
        Nothing to leave out; a name that is none, with what comes close; one that this configuration does not have.

    Examples
    --------
    >>> select_parts([Part("dropout", "regularisation", "left out")], ["drop_out"], [])
    Traceback (most recent call last):
        ...
    gradwright.errors.ConfigError: --only drop_out: no such part; did you mean dropout? ...
    """
    if not parts:
        raise ConfigError("nothing to leave out: " + "; ".join(absent))
    if not only:
        return list(parts)
    chosen: list[Part] = []
    for name in only:
        wanted = {name, name.replace("-", "_"), name.replace(" ", "_")}
        found = [
            p for p in parts if {p.name, p.family, p.name.partition(" ")[0], p.name.partition(" ")[2]} & wanted
        ]  # fmt: skip
        if not found:
            raise ConfigError(_not_found(name, wanted, parts, absent))
        chosen += [part for part in found if part not in chosen]
    return chosen


def _not_found(name: str, wanted: set[str], parts: Sequence[Part], absent: Sequence[str]) -> str:
    why = [words for words in absent if words.partition(":")[0] in wanted]
    if why:
        return f"--only {name}: this configuration has none to leave out ({why[0]})"
    here = list(dict.fromkeys([*(p.name for p in parts), *(p.family for p in parts)]))
    close = difflib.get_close_matches(name, dict.fromkeys([*here, *_OFF, *_MORE]), n=3)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"--only {name}: no such part; {hint}this configuration has {', '.join(here[:30])}" + (
        " …" if len(here) > 30 else ""
    )
