"""What a run says about the looks at its test part: in `result.json` after each look, and brought up to date later."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from gradwright.data import LookBook, SealedTest, corrected_claim
from gradwright.train.folder import write_json
from gradwright.train.saved import read_object

__all__ = ["looks_record", "recount_looks"]

_SCALES: dict[str, Literal["share", "positive", "any"]] = {
    "rmse": "positive",
    "mae": "positive",
    "perplexity": "positive",
    "r2": "any",
}


def looks_record(sealed: SealedTest, figures: dict[str, Any], metric: str) -> dict[str, Any]:
    """Return the fields of `result.json` about looks; call it after `SealedTest.open`.

    Parameters
    ----------
    sealed : SealedTest
        Opened already.
    figures : dict
        The test part's, as `assess` gives them: ``rows``, and the metric with ``value``, ``low``, ``high``, ``method``.
    metric : str
        The figure that the run is judged by, such as ``accuracy``.

    Returns
    -------
    dict
        ``looks``, ``looked_by``, ``test_fingerprint`` (see `History.to_dict`) and ``corrected``: the figure with an
        interval of level 1 - 0.05/looks, or None after one look.

    Examples
    --------
    >>> import numpy as np
    >>> from gradwright.data import read
    >>> sealed = SealedTest(read("iris"), np.arange(0, 150, 5))
    >>> _ = sealed.open(reason="final evaluation", command="train")
    >>> accuracy = {"value": 0.9, "low": 0.744, "high": 0.965, "method": "Wilson score, 95%"}
    >>> record = looks_record(sealed, {"rows": 30, "accuracy": accuracy}, "accuracy")
    >>> record["looks"], record["looked_by"][0]["reason"], record["corrected"]
    (1, 'final evaluation', None)
    """
    history = sealed.history
    return {**history.to_dict(), "corrected": _corrected(figures, metric, history.looks)}


def recount_looks(path: Path) -> dict[str, Any]:
    """Bring a run's `result.json` up to date with the looks of other runs since; call it before its report is made.

    Parameters
    ----------
    path : Path
        The run's folder; its parent holds ``looks.jsonl``.

    Returns
    -------
    dict
        The result, written anew where the count has changed. A run from before looks were counted across runs, or
        one that was moved elsewhere, keeps what it says: a count never falls.

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
    result |= history.to_dict() | {"corrected": _corrected(result["test"], result["metric"], history.looks)}
    write_json(path / "result.json", result)
    return result


def _corrected(figures: dict[str, Any], metric: str, looks: int) -> dict[str, Any] | None:
    figure = figures.get(metric)
    if not isinstance(figure, dict):
        return None
    return corrected_claim(figure, figures["rows"], looks, scale=_SCALES.get(metric, "share"))
