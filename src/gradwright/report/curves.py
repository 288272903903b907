"""How loss and the judged figure went, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from gradwright.report.lines import Line, line_chart
from gradwright.report.metric import Estimate, Metric, curve_metric, estimate_of
from gradwright.report.records import RunRecord
from gradwright.report.svg import Drawing
from gradwright.report.text import joined, listed, plural, significant

__all__ = ["CurvesInfo", "curves_info", "curves_words", "draw_curves"]


class CurvesInfo(NamedTuple):
    """Loss and metric of training and validation at each epoch; NaN where a record has none.

    Attributes
    ----------
    epochs : tuple of int
    train_loss, validation_loss, train_metric, validation_metric : tuple of float
        One value an epoch.
    metric : Metric
    best_epoch : int
        The epoch whose weights were kept.
    test_loss : float
    test : Estimate
        The one test figure.
    stopped : str
        Why training ended.
    not_finite : tuple of int
        Epochs at which a loss was NaN or infinite.
    monitor : str
        The figure that decided which epoch was the best, in words.
    validated : int
        How many of the epochs were validated; in between, the curves are straight lines.
    """

    epochs: tuple[int, ...]
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    train_metric: tuple[float, ...]
    validation_metric: tuple[float, ...]
    metric: Metric
    best_epoch: int
    test_loss: float
    test: Estimate
    stopped: str
    not_finite: tuple[int, ...]
    monitor: str
    validated: int


def curves_info(record: RunRecord) -> CurvesInfo:
    """Collect the curves of a run.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> info = curves_info(example_record("binary", epochs=3))
    >>> info.epochs, info.best_epoch
    ((1, 2, 3), 2)
    """
    metric = curve_metric(record)

    def column(name: str) -> tuple[float, ...]:
        return tuple(math.nan if line.get(name) is None else line[name] for line in record.metrics)

    epochs = tuple(line["epoch"] for line in record.metrics)
    judged = f"validation_{metric.key}"
    skipped = tuple(line["validation_loss"] is None and line[judged] is None for line in record.metrics)
    train_loss, validation_loss = column("train_loss"), _joined(column("validation_loss"), skipped)
    loss = record.result["test"]["loss"]
    return CurvesInfo(
        epochs=epochs,
        train_loss=train_loss,
        validation_loss=validation_loss,
        train_metric=column(f"train_{metric.key}"),
        validation_metric=_joined(column(judged), skipped),
        metric=metric,
        best_epoch=record.result["best_epoch"],
        test_loss=math.nan if loss is None else loss,
        test=estimate_of(record, metric.key),
        stopped=record.result["stopped"] or "",
        not_finite=tuple(
            epoch
            for epoch, a, b in zip(epochs, train_loss, validation_loss, strict=True)
            if not (math.isfinite(a) and math.isfinite(b))
        ),
        monitor=str(record.config.get("monitor") or "validation_loss").replace("_", " "),
        validated=len(epochs) - sum(skipped),
    )


def _joined(values: tuple[float, ...], skipped: tuple[bool, ...]) -> tuple[float, ...]:
    """Return values with straight lines over the epochs that were not validated."""
    known = [i for i, gone in enumerate(skipped) if not gone]
    out = list(values)
    for i, gone in enumerate(skipped):
        if gone and known:
            before, after = max((k for k in known if k < i), default=known[0]), min(k for k in known if k > i)
            share = (i - before) / (after - before) if before < i else 0.0
            out[i] = values[before] + share * (values[after] - values[before])
    return tuple(out)


def curves_words(info: CurvesInfo) -> list[str]:
    """Say what the curves show.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> curves_words(curves_info(example_record("binary", epochs=1)))[0]
    'The network was trained for 1 epoch; the weights of epoch 1 were kept, ...'
    """
    words = [
        f"The network was trained for {plural(len(info.epochs), 'epoch')}; the weights of epoch "
        f"{info.best_epoch} were kept, because the {info.monitor} was best there, and the test figure "
        "is theirs."
    ]
    if info.best_epoch in info.epochs:
        at = info.epochs.index(info.best_epoch)
        pairs = [("training", info.train_metric[at]), ("validation", info.validation_metric[at])]
        known = [f"{info.metric.show(v)} in {name}" for name, v in pairs if math.isfinite(v)]
        if known:
            words.append(f"At that epoch the {info.metric.name} was {joined(known)}.")
    if info.validated < len(info.epochs):
        words.append(f"{plural(info.validated, 'epoch')} of them were validated; between these the lines are straight.")
    if info.not_finite:
        words.append(
            f"The loss was not a finite number at {listed([f'epoch {e}' for e in info.not_finite])}: "
            "the curves have gaps there."
        )
    words.append(
        "Training figures are those of each epoch's own minibatches, with dropout on and weights moving, "
        "so they can lie on either side of the validation figures."
    )
    return words


def draw_curves(info: CurvesInfo, *, width: int = 520, height: int = 300, suffix: str = "") -> list[Drawing]:
    """Draw the loss and the metric, each with its test figure.

    Parameters
    ----------
    info : CurvesInfo
    width, height : int
        The paper for each of the two.
    suffix : str
        Tells drawings of different widths apart on one page.
    """

    def lines(train: tuple[float, ...], validation: tuple[float, ...]) -> list[Line]:
        return [Line("training", "train", train), Line("validation", "validation", validation)]

    span = f"{plural(len(info.epochs), 'epoch')}"
    name = info.metric.name[:1].upper() + info.metric.name[1:]
    unit = f" ({info.metric.unit})" if info.metric.unit else ""
    drawings = [
        line_chart(
            f"loss{suffix}",
            "Loss of training and validation over epochs",
            f"{span}. {_ends('loss', info.train_loss, info.validation_loss, significant)} "
            f"Test loss: {significant(info.test_loss)}.",
            info.epochs,
            lines(info.train_loss, info.validation_loss),
            width=width,
            height=height,
            show=lambda value: significant(value, 3),
            axis_name="Loss",
            log=None,
            best_epoch=info.best_epoch,
            test=Estimate(info.test_loss, math.nan, math.nan) if math.isfinite(info.test_loss) else None,
        )
    ]
    if any(math.isfinite(v) for v in (*info.train_metric, *info.validation_metric)):
        interval = info.metric.interval(info.test)
        drawings.append(
            line_chart(
                f"metric{suffix}",
                f"{name} of training and validation over epochs",
                f"{span}. "
                f"{_ends(info.metric.name, info.train_metric, info.validation_metric, info.metric.show)} "
                f"Test {info.metric.name}: {info.metric.show(info.test.value)}"
                + (f", 95% interval {interval}." if interval else "."),
                info.epochs,
                lines(info.train_metric, info.validation_metric),
                width=width,
                height=height,
                show=info.metric.show,
                axis_name=name + unit,
                share=info.metric.share,
                best_epoch=info.best_epoch,
                test=info.test,
            )
        )
    return drawings


def _ends(name: str, train: tuple[float, ...], validation: tuple[float, ...], show: Callable[[float], str]) -> str:
    if not math.isfinite(train[0]):
        return f"Validation {name} goes from {show(validation[0])} to {show(validation[-1])}."
    return (
        f"Training {name} goes from {show(train[0])} to {show(train[-1])}, "
        f"validation {name} from {show(validation[0])} to {show(validation[-1])}."
    )
