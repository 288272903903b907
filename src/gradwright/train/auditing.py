"""What the audit has to say, in a line and in a run's findings."""

from __future__ import annotations

from collections.abc import Sequence

from gradwright.data import Leak

__all__ = ["audit_words", "leak_findings"]


def audit_words(leaks: Sequence[Leak]) -> str:
    """Return the audit in one line.

    Examples
    --------
    >>> audit_words([])
    'nothing found that would make the figures worthless'
    """
    told = [leak.title for leak in leaks if leak.severity != "info" or leak.kind == "none"]
    return "; ".join(told) if told else "nothing found that would make the figures worthless"


def leak_findings(leaks: Sequence[Leak]) -> list[dict[str, str]]:
    """Return a finding for each leak that wants a look, and where no audit was made."""
    return [
        {"severity": leak.severity, "title": leak.title, "detail": leak.detail}
        for leak in leaks
        if leak.severity != "info" or leak.kind == "none"
    ]
