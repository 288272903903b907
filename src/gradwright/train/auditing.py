"""What the audit has to say, in a line and in a run's findings."""

from __future__ import annotations

from collections.abc import Sequence

from gradwright.data import Leak

__all__ = ["audit_words", "leak_findings"]

_LEFT_OUT = {
    "severity": "info",
    "title": "Leaks were not looked for",
    "detail": "The audit for duplicates, give-aways and identifiers compares rows in memory, and these were read in "
    "blocks. Train on a part that fits into memory once, and read what its audit says.",
}


def audit_words(leaks: Sequence[Leak] | None) -> str:
    """Return the audit in one line; None says that there was none.

    Examples
    --------
    >>> audit_words([])
    'nothing found that would make the figures worthless'
    """
    if leaks is None:
        return _LEFT_OUT["title"].lower()
    told = [leak.title for leak in leaks if leak.severity != "info"]
    return "; ".join(told) if told else "nothing found that would make the figures worthless"


def leak_findings(leaks: Sequence[Leak] | None) -> list[dict[str, str]]:
    """Return a finding for each leak that wants a look, or one that says that there was no audit."""
    if leaks is None:
        return [_LEFT_OUT]
    return [
        {"severity": leak.severity, "title": leak.title, "detail": leak.detail}
        for leak in leaks
        if leak.severity != "info"
    ]
