"""Equal rows in two parts."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from gradwright.data.leakage.leak import Audited, Leak, pairs_of
from gradwright.data.messages import plural

__all__ = ["equal_pairs", "find_duplicates"]


def find_duplicates(audited: Audited, ignore: Collection[str]) -> tuple[list[Leak], NDArray[np.uint64] | None]:
    """Find held-out rows whose inputs equal those of a row in an earlier part; also give the rows' keys.

    Inputs of few values coincide by chance, so as many equal rows as independent columns would give are no finding.
    """
    keys = _keys(audited, ignore)
    if keys is None:
        return [], None
    pairs = equal_pairs(audited, keys)
    chance = _expected(audited, ignore, len(pairs))
    if not pairs or len(pairs) <= 2 * chance + 3 * np.sqrt(chance):
        return [], keys
    used = audited.part >= 0
    coarse = len(np.unique(keys[used])) < 0.5 * used.sum()
    held = int((audited.part > 0).sum())
    many = len(pairs) >= 0.1 * held
    detail = (
        f"Their inputs are the same in every column. A row that was trained on tests only the memory; {len(pairs):,} "
        f"of {held:,} held-out rows are affected"
    )
    if coarse:
        detail += ", though most rows here have an equal, as inputs of few values do"
    elif chance >= 0.5:
        detail += f" (columns that know nothing of each other would give about {chance:.0f})"
    detail += ". Leave the copies out, or keep copies together with split(…, groups=…)."
    leak = Leak(
        "duplicate",
        "info" if coarse else "problem" if many else "warning",
        f"{plural(len(pairs), 'row')} {'has' if len(pairs) == 1 else 'have'} an equal in another part",
        detail,
        audited.name_pairs(pairs),
        counts=pairs_of(audited, pairs),
    )
    return [leak], keys


def equal_pairs(audited: Audited, keys: NDArray[np.uint64]) -> list[tuple[int, int]]:
    """For each held-out row whose key an earlier part holds: the row and the first such row."""
    order = np.argsort(audited.part, kind="stable")
    order = order[audited.part[order] >= 0]
    _, first, code = np.unique(keys[order], return_index=True, return_inverse=True)
    partner = order[first][code]  # in the earliest part, and there the first
    across = audited.part[partner] < audited.part[order]
    return [(int(a), int(b)) for a, b in zip(order[across], partner[across], strict=True)]


def _keys(audited: Audited, ignore: Collection[str]) -> NDArray[np.uint64] | None:
    """64 bits for each row's inputs; None where there is nothing to compare."""
    import polars as pl

    features = audited.dataset.features
    if isinstance(features, np.ndarray):
        flat = np.ascontiguousarray(features).reshape(len(features), -1)
        digests = b"".join(hashlib.blake2b(row.data, digest_size=8).digest() for row in flat)
        return np.frombuffer(digests, np.uint64)
    columns = [column for column in audited.columns if column.name not in ignore]
    if not columns:
        return None
    keys: NDArray[np.uint64] = pl.DataFrame(columns).hash_rows(0).to_numpy()
    return keys


def _expected(audited: Audited, ignore: Collection[str], found: int) -> float:
    """How many held-out rows would have an equal in an earlier part if the columns knew nothing of each other."""
    if audited.frame is None or not found:
        return 0.0
    log = 0.0
    for column in audited.columns:
        if column.name not in ignore:
            share = column.value_counts()["count"].to_numpy() / len(column)
            if len(share) > 0.5 * len(column):
                return 0.0  # measured or written freely: here equal values are copies, not chance
            log += float(np.log(np.square(share).sum()))
    sizes = np.bincount(audited.part[audited.part >= 0], minlength=3)
    alike = np.exp(log)
    return float(sum(sizes[i] * -np.expm1(-alike * sizes[:i].sum()) for i in (1, 2)))
