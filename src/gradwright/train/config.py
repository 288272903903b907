"""The settings of a run: read from TOML and the command line, checked, defaults filled in from the data's shape."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gradwright.errors import ConfigError

__all__ = ["Config", "load_toml", "parse_config", "to_toml"]


#: Of next tokens, unless told otherwise.
CONTEXT, TOKENS = 64, "characters"


class Config(BaseModel):
    """Everything that decides a run. ``None`` means: chosen from the data, and written down as chosen.

    Parameters
    ----------
    source : str
        A built-in set, a CSV, TSV, Parquet or NPZ file, or a folder of IDX files.
    target : str or tuple of str, optional
        The column to predict, or several columns.
    task : {"binary", "multiclass", "multilabel", "regression", "tagging", "next_token"}, optional
        Overrules what is inferred from the target.
    class_weights : "balanced" or table of class to number > 0, optional
        How much the rows of each class count in the loss.
    context, tokens : int, {"characters", "words"}, optional
        For next tokens: how many are seen at once (64), and what they are (characters).
    network : str
        One of ``gradwright list networks``; for sequences mlp stands for the first that fits. ``hidden`` are the widths
        of an mlp's hidden layers (() is a linear model), ``depth`` and ``width`` the size of other networks. A setting
        that the network does not have is refused.
    activation, init : str
        As ``gradwright list activations`` and ``gradwright list initialisations`` name them.
    dropout : float in [0, 1), optional
        Rate after each hidden layer.
    optimizer, schedule : str
        As ``gradwright list optimizers`` and ``gradwright list schedules`` name them; no schedule is a constant rate.
    warmup : float in [0, 1)
        Part of the training in which the learning rate first rises.
    lr : float > 0 or "auto", optional
        Learning rate; auto takes a learning-rate range test's suggestion.
    weight_decay : float >= 0
        The update rule's own; ``l1`` and ``l2`` are penalties added to the loss, ``prior`` a named prior's
        ("gaussian=1", "laplace=0.5", "student-t=1").
    max_norm : float > 0, optional
        Bound on the norm of each unit's incoming weights.
    label_smoothing : float in [0, 1)
        How much of the target is spread evenly over the classes.
    gradient_noise : float >= 0
        Standard deviation of noise added to the gradients, falling with the steps.
    weight_noise, stochastic_depth : float
        Standard deviation of noise on the weights in training; chance of the last shortcut of a resnet to be all there
        is of its block, less in the blocks before it.
    lookahead : int >= 1, optional
        Steps between Lookahead's averages.
    ema : float in (0, 1), optional
        Decay of an exponential average of the weights, which is what is validated and kept.
    augment : tuple of str
        As ``gradwright list augmentations`` names them, with a strength after ``=`` where one is wanted.
    precision : {"float32", "bfloat16"}
        What matrix products and convolutions are computed in; weights, sums and losses keep ``dtype``.
    accumulate : int >= 1
        Parts of a batch that are computed one after the other, for less memory; the gradient is the whole batch's.
    epochs, patience : int
        At most so many epochs; stop after ``patience`` without a better figure.
    stopping : {"patience", "gl", "pq", "up"}
        Prechelt's rules instead of patience; see :class:`EarlyStopping`.
    monitor : str
        The validation figure that decides about stopping and about the best weights.
    min_delta : float >= 0
        What is less is no improvement.
    stop_warmup, validate_every : int
        First epochs that do not count; epochs from one validation to the next.
    metrics : tuple of str
        Further validation figures, as ``gradwright list metrics`` names them.
    group, time : str, optional
        A column whose equal values must not be parted, or in whose order the parts follow each other; no features.
    validation, test : float in (0, 1)
        Parts of the data.
    stream : bool
        Read the data in blocks while training goes on, as is done unasked with what does not fit into memory.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    source: str
    target: str | tuple[str, ...] | None = None
    task: Literal["binary", "multiclass", "multilabel", "regression", "tagging", "next_token"] | None = None
    class_weights: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = None
    context: int | None = Field(default=None, ge=1, le=65536)
    tokens: Literal["characters", "words"] | None = None
    network: str = "mlp"
    hidden: tuple[Annotated[int, Field(ge=1, le=65536)], ...] | None = None
    depth: int | None = Field(default=None, ge=1, le=1000)
    width: int | None = Field(default=None, ge=1, le=65536)
    activation: str = "relu"
    init: str | None = None
    dropout: float | None = Field(default=None, ge=0, lt=1)
    batch_norm: bool = False
    optimizer: str = "adam"
    lr: Annotated[float, Field(gt=0)] | Literal["auto"] | None = None
    momentum: float | None = Field(default=None, ge=0, lt=1)
    weight_decay: float | None = Field(default=None, ge=0)
    schedule: str | None = None
    warmup: float = Field(default=0.0, ge=0, lt=1)
    l1: float = Field(default=0.0, ge=0)
    l2: float = Field(default=0.0, ge=0)
    prior: str | None = None
    max_norm: float | None = Field(default=None, gt=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    gradient_noise: float = Field(default=0.0, ge=0)
    augment: tuple[str, ...] = ()
    weight_noise: float = Field(default=0.0, ge=0)
    stochastic_depth: float = Field(default=0.0, ge=0, lt=1)
    lookahead: int | None = Field(default=None, ge=1)
    ema: float | None = Field(default=None, gt=0, lt=1)
    clip_norm: float | None = Field(default=None, gt=0)
    clip_value: float | None = Field(default=None, gt=0)
    batch_size: int | None = Field(default=None, ge=1)
    precision: Literal["float32", "bfloat16"] = "float32"
    accumulate: int = Field(default=1, ge=1)
    epochs: int = Field(default=100, ge=1)
    patience: int = Field(default=10, ge=1)
    stopping: Literal["patience", "gl", "pq", "up"] = "patience"
    monitor: str = "validation_loss"
    min_delta: float = Field(default=0.0, ge=0)
    stop_warmup: int = Field(default=0, ge=0)
    validate_every: int = Field(default=1, ge=1)
    metrics: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    stream: bool = False
    seed: int = Field(default=0, ge=0, lt=2**63)
    validation: float = Field(default=0.15, gt=0, lt=1)
    test: float = Field(default=0.15, gt=0, lt=1)
    dtype: Literal["float32", "float64"] = "float32"
    eager: bool = False
    compare: Literal["torch"] | None = None

    @field_validator("source", "target")
    @classmethod
    def _unicode(cls, text: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if any("\ud800" <= c <= "\udfff" for part in text or () for c in part):
            raise ValueError("not Unicode text, so no record can hold it; rename it")
        return text

    @field_validator("network", "activation", "init", "optimizer", "schedule", "prior", "augment")
    @classmethod
    def _known(cls, value: Any, info: Any) -> Any:
        from gradwright.train.choices import check_choice

        try:
            for name in value if isinstance(value, tuple) else () if value is None else (value,):
                check_choice(info.field_name, name)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _of_use(self) -> Config:
        """Refuse what would be ignored in silence."""
        from gradwright.train.choices import settings_in_vain

        problems = settings_in_vain(self)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def resolved(self, rows: int, features: int, kind: str = "") -> Config:
        """Fill in what depends on the data: ``rows`` training rows of ``features`` prepared numbers, of a kind of task.

        Raises
        ------
        ConfigError
            A setting that the task makes meaningless.
        """
        from gradwright.train.choices import FULL_BATCH, NETWORK_SETTINGS, default_momentum, default_rate

        filled = self._of_the_task(kind)
        takes = NETWORK_SETTINGS[filled.get("network", self.network)]
        if self.hidden is None and "hidden" in takes:
            # about as wide as the input, between 32 and 512, and no wider than the rows can carry
            width = 32
            while width < min(features * 2, 512) and width * features < rows * 50:
                width *= 2
            filled["hidden"] = (width, max(width // 2, 16))
        if self.dropout is None and "dropout" in takes:
            filled["dropout"] = 0.0 if self.optimizer in FULL_BATCH else 0.1
        if self.lr is None:
            filled["lr"] = default_rate(self.optimizer)
        if self.momentum is None:
            filled["momentum"] = default_momentum(self.optimizer)
        if self.batch_size is None and self.optimizer in FULL_BATCH:
            filled["batch_size"] = rows
        elif self.batch_size is None:
            # some twenty to a few hundred steps an epoch
            size = 16
            while size < 128 and rows // (size * 2) >= 20:
                size *= 2
            filled["batch_size"] = size
        return self.model_copy(update=filled)

    def _of_the_task(self, kind: str) -> dict[str, Any]:
        """Return what follows from the kind of task: a network that reads tokens, and its window."""
        from gradwright.train.choices import OF_SEQUENCES, settings_in_vain

        if kind != "next_token":
            for name in ("context", "tokens"):
                if getattr(self, name) is not None:
                    raise ConfigError(f"{name} = {getattr(self, name)}: only a text that is to be continued has it")
        filled: dict[str, Any] = {}
        if kind == "next_token":
            filled = {"context": self.context or CONTEXT, "tokens": self.tokens or TOKENS}
        if kind in OF_SEQUENCES and self.network == "mlp":
            filled["network"] = OF_SEQUENCES[kind][0]
            problems = settings_in_vain(self.model_copy(update=filled))
            if problems:
                raise ConfigError("; ".join(problems))
        if kind in OF_SEQUENCES and self.augment:
            raise ConfigError(f"augment = {', '.join(self.augment)}: rows of tokens are not augmented; leave it away")
        if kind in OF_SEQUENCES and filled.get("network", self.network) not in OF_SEQUENCES[kind]:
            raise ConfigError(
                f"network = {self.network}: it is not for {kind.replace('_', ' ')}; choose "
                f"{', '.join(OF_SEQUENCES[kind])}, or leave network out"
            )
        return filled


def load_toml(path: Path, where: str | None = None) -> dict[str, Any]:
    """Read settings from a TOML file; ``where`` says in errors how it was named."""
    where = where or f"--config {path}"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where}: not UTF-8 text (byte {error.start}); TOML files are UTF-8") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: not valid TOML: {error}") from None


def parse_config(values: dict[str, Any], where: str = "configuration") -> Config:
    """Check values and return the Config.

    Raises
    ------
    ConfigError
        Listing every wrong setting with what was given and what is allowed, and close names for unknown ones.
    """
    import difflib

    try:
        return Config(**values)
    except ValidationError as error:
        problems: list[str] = []
        named: set[str] = set()
        for item in error.errors():
            # of a setting that may be one of several kinds, each kind complains: the first says enough
            name = ".".join(str(part) for i, part in enumerate(item["loc"]) if i == 0 or isinstance(part, int))
            if name in named:
                continue
            named.add(name)
            if item["type"] == "extra_forbidden":
                close = difflib.get_close_matches(name, Config.model_fields, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(Config.model_fields)}"
                problems.append(f"unknown setting {name!r}{hint}")
            elif not item["loc"]:
                problems.append(item["msg"].removeprefix("Value error, "))
            elif item["type"] == "missing":
                problems.append(f"{name} is missing")
            else:
                problems.append(f"{name} = {item['input']!r}: {item['msg']}")
        raise ConfigError(f"{where}: " + "; ".join(problems)) from None


def to_toml(values: dict[str, Any]) -> str:
    """Write settings as TOML: numbers, strings, booleans, lists of those, and tables of numbers."""
    lines = []
    for key, value in values.items():
        if value is None:
            continue
        if isinstance(value, bool):
            shown = "true" if value else "false"
        elif isinstance(value, str):
            shown = _quoted(value)
        elif isinstance(value, dict):
            shown = "{ " + ", ".join(f"{_quoted(k)} = {v!r}" for k, v in value.items()) + " }"
        elif isinstance(value, list | tuple):
            shown = "[" + ", ".join(_quoted(v) if isinstance(v, str) else repr(v) for v in value) + "]"
        else:
            shown = repr(value)
        lines.append(f"{key} = {shown}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Quote a string as TOML's basic string."""
    out = []
    for c in text:
        if c in '"\\':
            out.append("\\" + c)
        elif ord(c) < 32 or ord(c) == 127:
            out.append(f"\\u{ord(c):04X}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'
