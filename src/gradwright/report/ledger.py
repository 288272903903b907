"""The looks at the test part."""

from __future__ import annotations

from typing import NamedTuple

from gradwright.report.records import RunRecord
from gradwright.report.text import many

__all__ = ["LedgerInfo", "Look", "ledger_info", "ledger_words"]


class Look(NamedTuple):
    """One look at the test part."""

    look: int
    time: str
    command: str
    reason: str


class LedgerInfo(NamedTuple):
    """All looks.

    Attributes
    ----------
    entries : tuple of Look
    looks : int
        How many there were: the ledger's lines, or what the result says if that is more.
    lost : bool
        Whether the ledger holds fewer lines than the result says there were looks.
    """

    entries: tuple[Look, ...]
    looks: int
    lost: bool

    @property
    def clean(self) -> bool:
        """Whether the test figure is an unbiased estimate: at most one look, and none is missing."""
        return self.looks == 1 and not self.lost


def ledger_info(record: RunRecord) -> LedgerInfo:
    """Collect the looks.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> ledger_info(example_record()).clean, ledger_info(example_record(looks=3)).looks
    (True, 3)
    """
    entries = tuple(
        Look(line["look"], line["time"] or "", line["command"] or "", line["reason"] or "") for line in record.ledger
    )
    said = record.result["looks"] or 0
    # A look's number counts too, so that a line taken out of the middle is noticed.
    looks = max(len(entries), said, *(entry.look for entry in entries), 0)
    return LedgerInfo(entries, looks, lost=len(entries) < looks)


def ledger_words(info: LedgerInfo) -> str:
    """Say what the number of looks means for the test figure.

    Examples
    --------
    >>> ledger_words(LedgerInfo((), 2, lost=False))
    'The test part has been looked at twice; the figure is no longer an unbiased estimate. ...'
    """
    if info.looks == 0:
        words = "The ledger holds no look at the test part, yet there is a test figure: nothing vouches for it."
    elif info.looks == 1:
        words = (
            "The test part was looked at once, after training had ended: nothing was chosen by it, and "
            "the figure is an unbiased estimate."
        )
    else:
        words = (
            f"The test part has been looked at {many(info.looks)}; the figure is no longer an unbiased "
            "estimate. Whatever was changed between the looks may have been chosen for its test figure. "
            "Only new data gives a clean one."
        )
    if info.lost and info.looks:
        words += " Lines are missing from the ledger."
    return words
