"""Which classes are taken for which, and how well each is found."""

from __future__ import annotations

import math
from typing import NamedTuple

from gradwright.report.records import RunRecord
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import joined, plural, short

__all__ = [
    "ClassScore",
    "ConfusionInfo",
    "Mixup",
    "confusion_info",
    "confusion_words",
    "draw_confusion",
]

#: Up to so many classes the matrix is a table with its numbers; beyond, it is a picture.
TABLE_LIMIT = 30


class Mixup(NamedTuple):
    """`rows` of the `support` rows of class `truth` were taken for class `prediction`."""

    truth: str
    prediction: str
    rows: int
    support: int


class ClassScore(NamedTuple):
    """How well one class is found; NaN where nothing was predicted or there were no rows."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


class ConfusionInfo(NamedTuple):
    """The confusion matrix.

    Attributes
    ----------
    classes : tuple of str
    counts : tuple of tuple of int
        Rows are the truth, columns the prediction.
    mixups : tuple of Mixup
        All pairs that were confused, the most frequent first.
    scores : tuple of ClassScore
    noun : str
        What is counted: a row, or a token of a sequence.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    mixups: tuple[Mixup, ...]
    scores: tuple[ClassScore, ...]
    noun: str = "row"

    @property
    def title(self) -> str:
        """What the section is called."""
        return "Tags" if self.noun == "token" else "Classes"

    def level(self, row: int, column: int) -> int:
        """The shade of a cell, 0 to 10: its share of the row, every occupied cell at least 1."""
        total = sum(self.counts[row])
        return math.ceil(10 * self.counts[row][column] / total) if total else 0


def confusion_info(record: RunRecord) -> ConfusionInfo | None:
    """Collect the confusion matrix of classes or tags; None where there is none.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> info = confusion_info(example_record("binary"))
    >>> info.classes, info.counts[0], confusion_info(example_record("regression"))
    (('0', '1'), (135, 0), None)
    """
    test = record.result["test"]
    if "confusion" not in test:
        return None
    classes, counts = test["classes"], test["confusion"]
    mixups = [
        Mixup(classes[i], classes[j], number, sum(row))
        for i, row in enumerate(counts)
        for j, number in enumerate(row)
        if i != j and number
    ]
    # Equal counts: the one that is the larger part of its class first.
    mixups.sort(key=lambda m: (-m.rows, -m.rows / m.support))
    return ConfusionInfo(
        tuple(classes),
        tuple(tuple(row) for row in counts),
        tuple(mixups),
        tuple(ClassScore(s["class"], s["precision"], s["recall"], s["f1"], s["support"]) for s in test["per_class"]),
        "token" if record.result["task"] == "tagging" else "row",
    )


def confusion_words(info: ConfusionInfo) -> list[str]:
    """Say which classes are confused most, and which is found worst.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> confusion_words(confusion_info(example_record("binary")))[0]
    'Most often confused: 1 taken for 0 (2 of 135).'
    """
    if not info.mixups:
        what = "tag" if info.noun == "token" else "class"
        return [f"No test {info.noun} was taken for a {what} that it is not."]
    pairs = [
        f"{_named(m.truth)} taken for {_named(m.prediction)} ({m.rows:,} of {m.support:,})" for m in info.mixups[:3]
    ]
    words = [f"Most often confused: {joined(pairs)}."]
    wrong = sum(m.rows for m in info.mixups)
    total = sum(map(sum, info.counts))
    what = "tag" if info.noun == "token" else "class"
    words.append(f"In all, {plural(wrong, info.noun)} of {total:,} went to a wrong {what}.")
    worst = min(
        (s for s in info.scores if math.isfinite(s.recall) and s.support),
        key=lambda s: s.recall,
        default=None,
    )
    if worst is not None and worst.recall < 1:
        words.append(
            f"Hardest to find is {_named(worst.name)}: {worst.recall * 100:.1f}% of its "
            f"{plural(worst.support, info.noun)} were recognised."
        )
    unseen = [s.name for s in info.scores if not s.support]
    if unseen:
        words.append(f"{plural(len(unseen), 'class', 'classes')} had no {info.noun} in the test part.")
    return words


def _named(name: str) -> str:
    return short(name, 40)


def draw_confusion(info: ConfusionInfo) -> Drawing:
    """Draw the matrix of many classes, a small square each; the table of scores holds the names in full."""
    size = len(info.classes)
    cell = 14 if size <= 60 else 9 if size <= 150 else 5
    left, top = 110, 110
    width = left + cell * size + 10
    every = max(1, math.ceil(12 / cell))
    parts = [
        label("prediction →", 6, top - 26, class_="axis-name"),
        label("truth ↓", 6, top - 8, class_="axis-name"),
        element("rect", class_="frame", x=left, y=top, width=cell * size, height=cell * size),
    ]
    for i in range(0, size, every):
        at = cell * (i + 0.5) + 3.5
        name = short(info.classes[i], 14)
        parts.append(label(name, left - 6, top + at, text_anchor="end", class_="tick"))
        # Turned about its own foot, so that it reads upwards.
        parts.append(label(name, 0, 0, transform=f"translate({left + at:.1f} {top - 6}) rotate(-90)", class_="tick"))
    for i, row in enumerate(info.counts):
        for j, number in enumerate(row):
            if number:
                told = f"{info.classes[i]} taken for {info.classes[j]}: {number:,} of {sum(row):,}"
                kind = "right" if i == j else "wrong"
                parts.append(
                    element(
                        "rect",
                        element("title", told),
                        class_=f"{kind} s{info.level(i, j)}",
                        x=left + cell * j,
                        y=top + cell * i,
                        width=cell,
                        height=cell,
                    )
                )
    return drawing(
        "confusion",
        *parts,
        width=width,
        height=top + cell * size + 10,
        title=f"Confusion matrix of {size} classes",
        description=" ".join(confusion_words(info)),
        class_="fixed",
    )
