"""The looks at the test part."""

from __future__ import annotations

from typing import NamedTuple

from gradwright.report.records import RunRecord
from gradwright.report.text import count, listed, many, percent

__all__ = ["LedgerInfo", "Look", "RunLook", "ledger_info", "ledger_words"]


class Look(NamedTuple):
    """One look at the test part."""

    look: int
    time: str
    command: str
    reason: str


class RunLook(NamedTuple):
    """One look at these test rows by some run of the workspace.

    Attributes
    ----------
    run, time, command, reason : str
    share : float
        The share of this run's test rows that were looked at.
    """

    run: str
    time: str
    command: str
    reason: str
    share: float


class LedgerInfo(NamedTuple):
    """All looks.

    Attributes
    ----------
    entries : tuple of Look
        This run's own.
    looks : int
        How many there were: the ledger's lines, or what the result says if that is more.
    lost : bool
        Whether the ledger lacks looks that this run is known to have taken.
    runs : tuple of RunLook
        The looks of all runs on the same data in the workspace; empty where they were not counted.
    level : float
        The level of the interval that is claimed, corrected for the number of looks; 0.95 where it is not.
    """

    entries: tuple[Look, ...]
    looks: int
    lost: bool
    runs: tuple[RunLook, ...] = ()
    level: float = 0.95

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
    >>> ledger_info(example_record(audited=True)).runs[0].run
    'digits-20251231-090000'
    """
    entries = tuple(
        Look(line["look"], line["time"] or "", line["command"] or "", line["reason"] or "") for line in record.ledger
    )
    runs = tuple(
        RunLook(
            look["run"],
            look["time"] or "",
            look["command"] or "",
            look["reason"] or "",
            1.0 if look["share"] is None else look["share"],
        )
        for look in record.result["looked_by"] or ()
    )
    said = record.result["looks"] or 0
    # A look's number counts too, so that a line taken out of the middle is noticed.
    own = max(len(entries), *(entry.look for entry in entries), 0 if runs else said, 1 if runs else 0)
    corrected = record.result["corrected"]
    level = 0.95 if corrected is None else corrected["level"]
    return LedgerInfo(entries, max(own, said, len(runs)), len(entries) < own, runs, level)


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
            "the figure is an unbiased estimate, as far as the leakage audit below has nothing against it."
        )
    else:
        words = (
            f"The test part has been looked at {many(info.looks)}{_by(info.runs)}; the figure is no longer an unbiased "
            "estimate. Whatever was changed between the looks may have been chosen for its test figure. "
            "Only new data gives a clean one."
        )
        if info.level > 0.95:
            words += (
                f" The interval of the test figure is therefore given at a level of {percent(info.level, 2)} instead "
                f"of 95% (Bonferroni: 1 − 0.05/{count(info.looks)}), so that all {count(info.looks)} intervals "
                "together hold with 95%."
            )
    if info.lost and info.looks:
        words += " Lines are missing from the ledger."
    return words


def _by(runs: tuple[RunLook, ...]) -> str:
    """Name the runs, those with the same test part and those with another of the same data apart."""
    same = list(dict.fromkeys(look.run for look in runs if look.share >= 1))
    others = list(dict.fromkeys(look.run for look in runs if look.share < 1))
    words = ""
    if same:
        words = f", by {'the run' if len(same) == 1 else 'the runs'} {listed(same)}"
    if others:
        shares = [look.share for look in runs if look.share < 1]
        low, high = percent(min(shares), 0), percent(max(shares), 0)
        parts = "another test part" if len(others) == 1 else "other test parts"
        words += (
            f"{' and' if same else ','} by {listed(others)} with {parts} of the same data "
            f"({low if low == high else f'{low} to {high}'} of the rows in common)"
        )
    return words
