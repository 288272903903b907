"""What the leakage audit found."""

from __future__ import annotations

from typing import NamedTuple

from gradwright.report.records import RunRecord
from gradwright.report.text import clean, count, many

__all__ = ["LeakRow", "leakage_info", "leakage_words"]

_ORDER = ("problem", "warning", "info")


class LeakRow(NamedTuple):
    """One finding of the audit; problems come first.

    Attributes
    ----------
    kind, severity, title, detail : str
    rows, columns : tuple of str
        Places and columns that it names.
    counts : tuple of (str, str)
        How often, by what.
    """

    kind: str
    severity: str
    title: str
    detail: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[str, str], ...]


def leakage_info(record: RunRecord) -> tuple[LeakRow, ...] | None:
    """Collect the audit's findings; None where there was no audit.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> [leak.severity for leak in leakage_info(example_record(audited=True))]
    ['warning', 'info']
    >>> leakage_info(example_record()) is None
    True
    """
    if record.audit is None:
        return None
    found = sorted(record.audit, key=lambda leak: _ORDER.index(leak["severity"]))
    return tuple(
        LeakRow(
            leak["kind"],
            leak["severity"],
            leak["title"],
            leak["detail"] or "",
            tuple(leak["rows"] or ()),
            tuple(leak["columns"] or ()),
            tuple((name, _counted(number)) for name, number in (leak["counts"] or {}).items()),
        )
        for leak in found
    )


def leakage_words(leaks: tuple[LeakRow, ...]) -> str:
    """Say what was looked for and what came of it.

    Examples
    --------
    >>> leakage_words(())[-29:]
    'None of these was found here.'
    """
    words = (
        "Before training, the parts were compared: equal and nearly equal rows, groups and times that straddle, "
        "columns that give the target away alone or by being missing, identifiers among the features, and a "
        "preparation fitted outside the training part. The test part's target was not read."
    )
    serious = sum(leak.severity != "info" for leak in leaks)
    if not serious:
        return f"{words} None of these was found here."
    return f"{words} Something was found {many(serious)}; a test figure is worth no more than the parts are apart."


def _counted(number: object) -> str:
    if isinstance(number, int | float) and not isinstance(number, bool):
        return count(number)
    return clean(str(number))
