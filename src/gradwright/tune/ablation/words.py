"""What an ablation says in plain words, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ablation_words", "verdict"]


def verdict(row: Mapping[str, Any], *, higher_is_better: bool, alpha: float, what: str = "it") -> str:
    """Say of a part what its difference to the whole allows; ``what`` is gone.

    Examples
    --------
    >>> row = {"difference": -0.02, "p": 0.001, "p_holm": 0.004, "within_spread": False, "failed": 0, "per_seed": [1]}
    >>> verdict(row, higher_is_better=True, alpha=0.05)
    'worse without it'
    >>> verdict({**row, "p": 0.2, "p_holm": 0.4, "within_spread": True}, higher_is_better=True, alpha=0.05)
    "not shown: could be luck; smaller than the seeds' spread"
    """
    seeds = len(row["per_seed"])
    failed = f"{row['failed']} of {seeds} seeds have no score" if row["failed"] else ""
    if row["difference"] is None:
        return f"no difference: {failed}" if failed else "no difference: the whole has no score"
    if row["p"] is None:
        same = "the same difference with every seed, so no spread to judge it by"
        if seeds - row["failed"] == 1:
            same = "not judged: one seed"
        elif row["difference"] == 0:
            same = "no difference with any seed"
        return "; ".join(filter(None, [same, failed]))
    better = (row["difference"] > 0) == higher_is_better
    said = [("better " if better else "worse ") + ("when replaced" if row.get("replaced") else f"without {what}")]
    if row["p_holm"] >= alpha:
        said = ["not shown: could be luck"]
        if row["p"] < alpha:
            said = [f"not shown once corrected (p {row['p']:.2g} alone)"]
    if row["within_spread"]:
        said.append("smaller than the seeds' spread")
    return "; ".join(filter(None, [*said, failed]))


def ablation_words(result: Mapping[str, Any], *, seeds: int, columns: str) -> list[str]:
    """Say how the figures came about, and what that means for them."""
    parts: Sequence[Mapping[str, Any]] = result["parts"]
    said = [
        f"Each is trained with the same {seeds} seeds on the same rows and scored on the validation part; the test "
        "part stays sealed. Differences are paired by seed: they are about training again on these rows, not about "
        "other rows. The validation part also decided which epoch was the best."
        if seeds > 1
        else "One seed: whether a difference is more than luck cannot be said. Ask for --seeds 5."
    ]
    tested = sum(part["p"] is not None for part in parts)
    if tested > 1:
        said.append(
            f"{tested} differences were tested at once; p is corrected for that (Holm) before anything is called shown."
        )
    replaced = [part for part in parts if part["name"] == "optimizer"]
    if replaced and not result["retuned"]:
        said.append(
            "The optimizer was replaced without tuning the rate of the other, so its difference is that of two rates "
            "too; --retune sweeps the rate of both."
        )
    for sweep in result["retuned"]:
        tried = ", ".join(f"{rate:g}" for rate in sweep["rates"])
        at_end = sweep["chosen"] in (sweep["rates"][0], sweep["rates"][-1])
        said.append(
            f"Rate of {sweep['optimizer']}: {sweep['chosen']:g}, the best of {tried} on the validation part"
            + ("; it is at the end of the sweep, so a better one may lie beyond." if at_end else ".")
        )
    if any(part["name"] == "early_stopping" for part in parts):
        said.append(
            "Without early stopping the last weights are scored, otherwise the best of all epochs on the validation "
            "part: a choice that flatters, if a little."
        )
    if columns:
        said.append(columns)
    if result["cumulative"]:
        said.append(
            "Cumulative: parts go one after the other, those first that did the least harm alone. That order was "
            "chosen on the same validation rows, so the first steps look better than they are; the differences are to "
            "the whole. Parts that are replaced are no steps of it."
        )
    if result["absent"]:
        said.append(f"Not in this configuration: {_absent(result['absent'])}.")
    return said


def _absent(listed: Sequence[str]) -> str:
    """Name what is not there, first what there is nothing more to say of."""
    plain = [words.removesuffix(": none here") for words in listed if words.endswith(": none here")]
    return "; ".join(
        filter(None, [", ".join(plain), *(words for words in listed if not words.endswith(": none here"))])
    )
