"""The settings of `train` as options, for every command that trains: they stand here once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.train.config import Config

__all__ = ["Given", "given_settings", "hidden_widths", "names", "takes_settings"]


def hidden_widths(text: str | None) -> list[int] | None:
    """Read ``128,64``; an empty string means no hidden layer."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(f"--hidden {text}: expected widths separated by commas, such as 128,64") from None


def _rate(text: str | None) -> float | str | None:
    """Read a learning rate, or ``auto``."""
    if text is None or text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"--lr {text}: expected a number such as 0.001, or auto") from None


def names(text: str | None) -> list[str] | None:
    """Read names separated by commas."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def given_settings(config: Path | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a file, if there is one, overruled by the options that were given."""
    from gradwright.train.config import load_toml

    return {
        **({} if config is None else load_toml(config)),
        **{name: value for name, value in options.items() if value is not None},
    }


def _settings(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A built-in set (digits, iris, wine, breast-cancer, diabetes); a file of CSV, TSV, Parquet, Arrow, "
            "JSON lines, NPZ, NPY, BIO or text, or several by a quoted pattern; a folder of images or texts by class, "
            "or of IDX files."
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(help="The column to predict; several with commas between.")] = None,
    task: Annotated[
        str | None,
        typer.Option(help="binary, multiclass, multilabel, regression, tagging or next_token; overrules the inferred."),
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="mlp, linear, highway; for images also lenet, resnet. See gradwright list.")
    ] = None,
    hidden: Annotated[str | None, typer.Option(help="Widths of an mlp's hidden layers, such as 128,64.")] = None,
    depth: Annotated[int | None, typer.Option(help="Layers of a resnet (8, 14, 20, …) or a highway network.")] = None,
    width: Annotated[int | None, typer.Option(help="Width of a resnet's first stage or of a highway network.")] = None,
    activation: Annotated[str | None, typer.Option(help="relu, tanh, gelu, …: gradwright list activations.")] = None,
    init: Annotated[str | None, typer.Option(help="Initial weights: gradwright list initialisations.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Dropout rate after each hidden layer, 0 to 1.")] = None,
    batch_norm: Annotated[
        bool | None, typer.Option("--batch-norm/--no-batch-norm", help="Batch normalisation.")
    ] = None,
    optimizer: Annotated[str | None, typer.Option(help="adam, sgd, lamb, …: gradwright list optimizers.")] = None,
    lr: Annotated[str | None, typer.Option(help="Learning rate, or auto for a range test's suggestion.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Momentum, where the optimizer has one.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Weight decay, the optimizer's own.")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="How the learning rate goes: onecycle, cosine, …: gradwright list schedules.")
    ] = None,
    warmup: Annotated[float | None, typer.Option(help="Part of the steps in which the rate first rises.")] = None,
    l1: Annotated[float | None, typer.Option("--l1", help="L1 penalty on the weights.")] = None,
    l2: Annotated[float | None, typer.Option("--l2", help="L2 penalty on the weights.")] = None,
    prior: Annotated[
        str | None, typer.Option(help="A prior on the weights, such as gaussian=1: gradwright list priors.")
    ] = None,
    max_norm: Annotated[float | None, typer.Option(help="Bound on the norm of each unit's weights.")] = None,
    class_weights: Annotated[
        str | None, typer.Option(help="balanced: rare classes count as much as frequent ones; a table goes into TOML.")
    ] = None,
    context: Annotated[
        int | None, typer.Option(help="Of a text to be continued: tokens that are seen at once.")
    ] = None,
    tokens: Annotated[str | None, typer.Option(help="Of a text to be continued: characters or words.")] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="Part of the target that is spread over all classes.")
    ] = None,
    gradient_noise: Annotated[
        float | None, typer.Option(help="Noise on the gradients, falling with the steps.")
    ] = None,
    weight_noise: Annotated[float | None, typer.Option(help="Noise on the weights in training.")] = None,
    stochastic_depth: Annotated[
        float | None, typer.Option(help="Chance of a resnet's last block to be left out in training.")
    ] = None,
    lookahead: Annotated[int | None, typer.Option(help="Lookahead round the optimizer, every so many steps.")] = None,
    ema: Annotated[float | None, typer.Option(help="Keep an average of the weights with this decay.")] = None,
    augment: Annotated[
        str | None, typer.Option(help="Such as shift,rotate=15 or mixup: gradwright list augmentations.")
    ] = None,
    clip_norm: Annotated[float | None, typer.Option(help="Bound on the norm of the gradient.")] = None,
    clip_value: Annotated[float | None, typer.Option(help="Bound on each element of the gradient.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows in a minibatch.")] = None,
    epochs: Annotated[int | None, typer.Option(help="At most so many epochs.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a better validation loss.")
    ] = None,
    stopping: Annotated[str | None, typer.Option(help="patience, or Prechelt's gl, pq or up.")] = None,
    monitor: Annotated[
        str | None, typer.Option(help="What decides about stopping and the best weights, such as validation_f1_macro.")
    ] = None,
    min_delta: Annotated[float | None, typer.Option(help="What is less is no improvement.")] = None,
    stop_warmup: Annotated[int | None, typer.Option(help="First epochs that do not count for stopping.")] = None,
    validate_every: Annotated[int | None, typer.Option(help="Epochs from one validation to the next.")] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Further validation figures, such as roc_auc,brier: gradwright list metrics.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="float32, or bfloat16 for products and convolutions.")] = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Compute each batch in so many parts, for less memory; the gradient is the same.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="A column whose equal values stay in one part of the data.")] = None,
    time: Annotated[str | None, typer.Option(help="A column to split by in its order: train, validate, test.")] = None,
    validation: Annotated[float | None, typer.Option(help="Share of the rows for validation.")] = None,
    test: Annotated[float | None, typer.Option(help="Share of the rows for the test part.")] = None,
    stream: Annotated[
        bool | None,
        typer.Option("--stream", help="Read Parquet or NPY in blocks, as is done unasked beyond what fits in memory."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the split, the initial weights, the batches, dropout.")
    ] = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or float64.")] = None,
    eager: Annotated[bool | None, typer.Option("--eager", help="Run on NumPy instead of compiling.")] = None,
    compare: Annotated[str | None, typer.Option(help="torch: train the same network in PyTorch beside it.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings from a TOML file; options given here overrule it.")
    ] = None,
) -> dict[str, Any]:
    """Return the settings that were given, those of ``--config`` among them."""
    options = {
        "source": source, "target": target, "task": task, "network": network, "hidden": hidden_widths(hidden),
        "depth": depth, "width": width, "activation": activation, "init": init, "dropout": dropout,
        "batch_norm": batch_norm, "optimizer": optimizer, "lr": _rate(lr), "momentum": momentum,
        "weight_decay": weight_decay, "schedule": schedule, "warmup": warmup, "l1": l1, "l2": l2, "prior": prior,
        "max_norm": max_norm, "label_smoothing": label_smoothing, "gradient_noise": gradient_noise,
        "weight_noise": weight_noise, "stochastic_depth": stochastic_depth, "lookahead": lookahead, "ema": ema,
        "augment": names(augment), "clip_norm": clip_norm, "clip_value": clip_value,
        "batch_size": batch_size, "epochs": epochs, "patience": patience, "validation": validation, "test": test,
        "stopping": stopping, "monitor": monitor, "min_delta": min_delta, "stop_warmup": stop_warmup,
        "validate_every": validate_every, "metrics": names(metrics), "precision": precision,
        "accumulate": accumulate, "group": group, "time": time, "stream": stream,
        "class_weights": class_weights, "context": context, "tokens": tokens,
        "seed": seed, "dtype": dtype, "eager": eager, "compare": compare,
    }  # fmt: skip
    return given_settings(config, options)


@dataclass(frozen=True)
class Given:
    """The settings that a command was given: read only when asked for, where errors are explained."""

    command: str
    options: dict[str, Any]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The options and what the file of ``--config`` says; nothing is filled in."""
        return _settings(**self.options)

    def config(self) -> Config:
        """Check them.

        Raises
        ------
        ConfigError
            No source, or a wrong setting.
        """
        from gradwright.train.config import parse_config

        if "source" not in self.settings:
            raise ConfigError(
                f"{self.command}: name a SOURCE: a built-in set (digits, iris, wine, breast-cancer, diabetes) or a "
                f"file. Example: gradwright {self.command} digits"
            )
        file = self.options.get("config")
        return parse_config(self.settings, self.command if file is None else f"{self.command}, {file} and options")


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command SOURCE, every setting of `train` and ``--config`` as options before its own.

    They come in as the keyword ``given``, a :class:`Given`. A parameter of the command's own takes the place of the
    setting of that name.
    """
    own = {n: p for n, p in inspect.signature(command, eval_str=True).parameters.items() if n != "given"}
    options = {n: p for n, p in inspect.signature(_settings, eval_str=True).parameters.items() if n not in own}

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        given = Given(command.__name__, {name: values[name] for name in options})
        command(**{name: values[name] for name in own}, given=given)

    every = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*options.values(), *own.values())]
    wrapped.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in every}
    return wrapped
