"""A run's `result.json` brought up to date with the looks that other runs have taken since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradwright.data import LookBook, corrected_claim
from gradwright.train.assess import scale_of
from gradwright.train.folder import write_json
from gradwright.train.saved import read_object

__all__ = ["recount_looks"]


def recount_looks(path: Path) -> dict[str, Any]:
    """Count the looks at a run's test part anew and correct its claim; call it before the run's report is made.

    Parameters
    ----------
    path : Path
        The run's folder; its parent holds ``looks.jsonl``.

    Returns
    -------
    dict
        The result, written anew where there are more looks. A run from before looks were counted across runs, or one
        that was moved elsewhere, keeps what it says: a count never falls.

    Raises
    ------
    RunError
        A file cannot be read or written.
    """
    result: dict[str, Any] = read_object(path / "result.json")
    seal = result.get("test_fingerprint")
    if not isinstance(seal, str):
        return result
    history = LookBook(path.resolve().parent).history(seal)
    if history.looks <= int(result.get("looks") or 0):
        return result
    metric, test = result["metric"], result["test"]
    claim = corrected_claim(test[metric], test["rows"], history.looks, scale=scale_of(metric))
    result |= history.to_dict() | {"corrected": claim}
    write_json(path / "result.json", result)
    return result
