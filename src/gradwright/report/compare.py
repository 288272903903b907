"""The same training in another library, beside ours."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from gradwright.report.lines import Line, line_chart
from gradwright.report.metric import Metric, metric_of
from gradwright.report.records import RunRecord
from gradwright.report.svg import Drawing
from gradwright.report.text import duration, plural, significant

__all__ = ["CompareEpoch", "CompareInfo", "compare_info", "compare_words", "draw_compare"]

_NAMES: dict[str, str] = {"torch": "PyTorch"}


class CompareEpoch(NamedTuple):
    """One epoch in both libraries; NaN where a record has no figure."""

    epoch: int
    own_train_loss: float
    other_train_loss: float
    own_validation_loss: float
    other_validation_loss: float
    own_metric: float
    other_metric: float
    loss_difference: float
    weight_difference: float


class CompareInfo(NamedTuple):
    """The comparison.

    Attributes
    ----------
    library : str
        The other library's name and version.
    name : str
        Its name alone.
    dtype, mode : str
    metric : Metric
    epochs : tuple of CompareEpoch
    max_loss_difference, max_weight_difference : float
    own_seconds, other_seconds : float
    """

    library: str
    name: str
    dtype: str
    mode: str
    metric: Metric
    epochs: tuple[CompareEpoch, ...]
    max_loss_difference: float
    max_weight_difference: float
    own_seconds: float
    other_seconds: float


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def compare_info(record: RunRecord) -> CompareInfo | None:
    """Collect the comparison; None where none was made.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> compare_info(example_record(compare=True)).library, compare_info(example_record())
    ('PyTorch 2.13.0', None)
    """
    compare = record.compare
    if compare is None:
        return None
    metric = metric_of(record)
    own: dict[int, Any] = {line["epoch"]: line for line in record.metrics}
    epochs = []
    for line in compare["epochs"]:
        ours = own.get(line["epoch"], {})
        judged = f"validation_{metric.key}"
        epochs.append(
            CompareEpoch(
                epoch=line["epoch"],
                own_train_loss=_number(ours.get("train_loss")),
                other_train_loss=_number(line["train_loss"]),
                own_validation_loss=_number(ours.get("validation_loss")),
                other_validation_loss=_number(line["validation_loss"]),
                own_metric=_number(ours.get(judged)),
                other_metric=_number(line[judged]),
                loss_difference=_number(line["loss_difference"]),
                weight_difference=_number(line["weight_difference"]),
            )
        )
    library: str = compare["library"]
    name = _NAMES.get(library, library)
    return CompareInfo(
        library=f"{name} {compare['version'] or ''}".strip(),
        name=name,
        dtype=compare["dtype"] or "",
        mode=compare["mode"] or "",
        metric=metric,
        epochs=tuple(epochs),
        max_loss_difference=compare["max_loss_difference"],
        max_weight_difference=_number(compare["max_weight_difference"]),
        own_seconds=compare["seconds"]["gradwright"],
        other_seconds=compare["seconds"]["torch"],
    )


def compare_words(info: CompareInfo) -> list[str]:
    """Say how far the two differ and how long each took.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> words = compare_words(compare_info(example_record(compare=True)))
    >>> words[-1]
    'Gradwright took 1.2 s, compiling included, and PyTorch 9.4 s for the same work: PyTorch took 7.8 times as long.'
    """
    setting = ", ".join(part for part in (info.dtype, f"Gradwright {info.mode}" if info.mode else "") if part)
    words = [
        f"The same network was trained in {info.library} from the same initial weights on the same batches"
        + (f" ({setting})." if setting else ".")
    ]
    loss = info.max_loss_difference
    if not math.isfinite(loss):
        words.append("The losses cannot be compared: one of them was not a finite number.")
    else:
        scale = max((abs(e.other_train_loss) for e in info.epochs if math.isfinite(e.other_train_loss)), default=1.0)
        relative = loss / scale if scale else loss
        agreement = (
            "The two agree number by number"
            if loss == 0
            else "The curves lie on each other"
            if relative < 2e-3
            else "The curves can be told apart"
            if relative < 0.05
            else "The two runs differ"
        )
        where = max(
            (e for e in info.epochs if math.isfinite(e.loss_difference)),
            key=lambda e: e.loss_difference,
            default=None,
        )
        words.append(
            f"{agreement}: over {plural(len(info.epochs), 'epoch')} the loss differs by at most "
            f"{significant(loss, 2)}"
            + (f" (epoch {where.epoch})" if where is not None and loss else "")
            + (
                f", a weight by at most {significant(info.max_weight_difference, 2)}."
                if math.isfinite(info.max_weight_difference)
                else "."
            )
        )
    own, other = info.own_seconds, info.other_seconds
    if own > 0 and other > 0 and math.isfinite(own + other):
        slower, ratio = (info.name, other / own) if other >= own else ("Gradwright", own / other)
        how = "both took as long" if ratio < 1.05 else f"{slower} took {significant(ratio, 2)} times as long"
        words.append(
            f"Gradwright took {duration(own)}, compiling included, and {info.name} {duration(other)} for the same "
            f"work: {how}."
        )
    return words


def draw_compare(info: CompareInfo, *, width: int = 520, height: int = 300, suffix: str = "") -> list[Drawing]:
    """Draw both sets of curves over each other: ours broad and pale, the other's thin and dashed on top."""
    epochs = [e.epoch for e in info.epochs]
    figures = [
        ("train loss", "Training loss", [(e.own_train_loss, e.other_train_loss) for e in info.epochs]),
        (
            "validation loss",
            "Validation loss",
            [(e.own_validation_loss, e.other_validation_loss) for e in info.epochs],
        ),
        (
            "validation metric",
            f"Validation {info.metric.name}",
            [(e.own_metric, e.other_metric) for e in info.epochs],
        ),
    ]
    drawings = []
    for key, title, pairs in figures:
        own, other = [a for a, _ in pairs], [b for _, b in pairs]
        if not any(map(math.isfinite, other)):
            continue
        metric = key.endswith("metric")
        drawings.append(
            line_chart(
                f"compare-{key.replace(' ', '-')}{suffix}",
                f"{title} in Gradwright and in {info.name}",
                " ".join(compare_words(info)[1:]),
                epochs,
                [Line("Gradwright", "own", own), Line(info.name[:12], "torch", other)],
                width=width,
                height=height,
                show=info.metric.show if metric else lambda v: significant(v, 6),
                axis_name=title,
                log=False if metric else None,
                share=metric and info.metric.key == "accuracy",
            )
        )
    return drawings
