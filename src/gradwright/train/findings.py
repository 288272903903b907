"""What the reader of a run should know besides its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradwright.data import Leak, Note
from gradwright.train.assess import higher_is_better, metric_of

__all__ = ["audit_words", "findings", "leak_findings"]

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


def findings(
    task: Any,
    history: Any,
    baselines: list[dict[str, Any]],
    test: dict[str, Any],
    notes: list[Note],
    *,
    planned: bool = False,
) -> list[dict[str, str]]:
    """Return what the reader should know besides the figures.

    ``planned`` says that a schedule led the learning rate to where training was to end.
    """
    out = []
    if history.problem:
        out.append({"severity": "problem", "title": "Training broke down", "detail": history.problem})
    if history.stopped.startswith("all") and not planned:
        out.append(
            {
                "severity": "info",
                "title": "Training was not finished",
                "detail": "Validation loss was still within its patience when the last epoch ended "
                f"({history.stopped}). More epochs may help.",
            }
        )
    metric = metric_of(task)
    own = test[metric]["value"]
    best = (max if higher_is_better(metric) else min)(baselines, key=lambda b: b["test"]["value"])
    better = own > best["test"]["value"] if higher_is_better(metric) else own < best["test"]["value"]
    if not better:
        out.append(
            {
                "severity": "warning",
                "title": "A baseline is as good" if own == best["test"]["value"] else "A baseline is better",
                "detail": f"On the test part the network does not beat the baseline {best['name']!r}. "
                "Prefer the simpler model, or find out why the network learns no more.",
            }
        )
    out += [{"severity": "info", "title": "Data", "detail": str(note)} for note in notes]
    return out
