"""How surprised a network is by the next token."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.train.figures.resampling import DRAWS, sums_interval
from gradwright.train.metrics import Interval

__all__ = ["of_next_tokens", "perplexity", "token_losses"]

_AT_ONCE = 8_000_000  # logits in float64 at a time


def token_losses(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return -ln p of each token that comes, float64 (n, length); NaN where the target is negative.

    Parameters
    ----------
    output : (n, tokens, length) logits
    target : (n, length) int64
    """
    out = np.full(target.shape, np.nan)
    block = max(1, _AT_ONCE // (output.shape[1] * output.shape[2]))
    for start in range(0, len(output), block):
        logits = output[start : start + block].astype(np.float64)
        labels = target[start : start + block]
        highest = logits.max(1, keepdims=True)
        total = np.log(np.exp(logits - highest).sum(1)) + highest[:, 0]
        chosen = np.take_along_axis(logits, np.maximum(labels, 0)[:, None], 1)[:, 0]
        out[start : start + block] = np.where(labels >= 0, total - chosen, np.nan)
    return out


def perplexity(losses: np.ndarray, draws: int = DRAWS) -> Interval:
    """Return e to the mean loss, windows drawn again for its interval; NaN losses do not count."""
    there = ~np.isnan(losses)
    rows = np.stack([np.where(there, losses, 0).sum(1), there.sum(1)], axis=1)
    return sums_interval(rows, lambda s: np.exp(np.minimum(s[:, 0] / s[:, 1], 700)), "windows", draws=draws)


def of_next_tokens(losses: np.ndarray, hits: np.ndarray) -> dict[str, Any]:
    """Return perplexity, bits for each token, and how often the likeliest token came.

    Parameters
    ----------
    losses : (n, length)
        As `token_losses` returns them.
    hits : (n, length) bool
        Whether the likeliest token is the one that came.
    """
    there = ~np.isnan(losses)
    rows = np.stack([(hits & there).sum(1), there.sum(1)], axis=1)
    return {
        "tokens": int(there.sum()),
        "perplexity": perplexity(losses).to_dict(),
        "bits_per_token": float(losses[there].mean() / math.log(2)),
        "accuracy": sums_interval(rows, lambda s: s[:, 0] / s[:, 1], "windows").to_dict(),
    }
