"""Nearly equal rows in two parts: copies with noise, brighter or compressed pictures, texts in another spelling."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import kind_of
from gradwright.data.leakage.duplicates import equal_pairs
from gradwright.data.leakage.leak import PARTS, Audited, Leak, pairs_of
from gradwright.data.messages import plural

if TYPE_CHECKING:
    import polars as pl

__all__ = ["find_near_duplicates"]

_WORK = 30_000_000  # distances at most: about a second
_VALUES = 30_000_000  # numbers held at a time: 240 MB
_NEIGHBOURS = 10
_NEAREST = 0.2  # of the tenth neighbour's distance: what is called near at most
_CHANCE = 0.002  # probability of a finding in a set without copies, if it were as even as is supposed here
_WIDTH = 64  # wider rows are projected, which keeps ratios of distances (Johnson, Lindenstrauss 1984)


def find_near_duplicates(audited: Audited, ignore: Collection[str], keys: NDArray[np.uint64] | None) -> list[Leak]:
    """Find held-out rows that lie much closer to a row of an earlier part than the density of rows there explains.

    In m dimensions the distance of the nearest of the k nearest rows, relative to the k-th, falls below r by chance
    with a probability of about (k-1) r^m. So r is chosen for all held-out rows together to be mistaken with a
    small probability; m is estimated from the distances themselves, and is no more than the number of measured
    columns (numbers of more than ten values). In one or two dimensions only the closest copies can be told from
    neighbours. Texts are also compared without regard to case, punctuation and white space.

    References
    ----------
    E. Levina, P. Bickel, Maximum likelihood estimation of intrinsic dimension (NIPS 2004).
    """
    pairs = _respelt(audited, ignore, keys)
    chosen = _affordable(audited)
    points, measured = _points(audited, ignore, chosen)
    sampled: list[Leak] = []
    held = int((audited.part > 0).sum())
    if points is not None and measured:
        close, asked = _close_pairs(audited.part[chosen], points, measured, None if keys is None else keys[chosen])
        respelt = {a for a, _ in pairs}
        pairs += [(int(chosen[a]), int(chosen[b])) for a, b in close if chosen[a] not in respelt]
        if asked < held:
            base = "all" if len(chosen) == (audited.part >= 0).sum() else "some"
            sampled.append(
                Leak(
                    "sample",
                    "info",
                    "Near-duplicates were looked for in a sample",
                    f"{asked:,} of {held:,} held-out rows were compared with {base} earlier rows; equal rows were "
                    f"looked for in all of them.",
                    counts={"compared": asked, "held out": held},
                )
            )
    if not pairs:
        return sampled
    leak = Leak(
        "near duplicate",
        "problem" if len(pairs) >= 0.1 * held else "warning",
        f"{plural(len(pairs), 'row')} {'is' if len(pairs) == 1 else 'are'} nearly equal to a row in another part",
        f"They lie so close to a row of an earlier part that chance does not explain it: copies with noise, frames of "
        f"one film, one thing measured twice. Such rows test the memory; {len(pairs):,} of {held:,} held-out rows are "
        f"affected. Leave them out, or keep them together with split(…, groups=…).",
        audited.name_pairs(pairs),
        counts=pairs_of(audited, pairs),
    )
    return [leak, *sampled]


def _respelt(audited: Audited, ignore: Collection[str], keys: NDArray[np.uint64] | None) -> list[tuple[int, int]]:
    """Pairs that are equal once texts are written in one way, but were not equal as they stand."""
    import polars as pl

    columns = [column for column in audited.columns if column.name not in ignore]
    if keys is None or not any(kind_of(c) == "category" for c in columns):
        return []
    plain = pl.DataFrame([_plain(c) for c in columns]).hash_rows(0).to_numpy()
    equal = {a for a, _ in equal_pairs(audited, keys)}
    return [(a, b) for a, b in equal_pairs(audited, plain) if a not in equal]


def _affordable(audited: Audited) -> NDArray[np.int64]:
    """The rows in any part; of more than memory is given to, some."""
    rows = np.flatnonzero(audited.part >= 0)
    width = 1 if audited.frame is None else max(audited.frame.width, 1)  # pictures are narrowed block by block
    if len(rows) * width <= _VALUES:
        return rows
    return np.sort(np.random.default_rng(1).choice(rows, _VALUES // width, replace=False))


def _plain(column: pl.Series) -> pl.Series:
    """Texts in lower case, letters and digits only; other columns as they are."""
    import polars as pl

    if column.dtype != pl.String:
        return column
    bare = column.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    return pl.select(pl.when(bare == "").then(column).otherwise(bare).alias(column.name)).to_series()


def _points(
    audited: Audited, ignore: Collection[str], chosen: NDArray[np.int64]
) -> tuple[NDArray[np.float32] | None, int]:
    """Rows as points, and how many of their columns are measured."""
    features = audited.dataset.features
    if isinstance(features, np.ndarray):
        return _pictures(features, chosen), features[0].size if len(features) else 0
    random = np.random.default_rng(0)
    blocks, measured = [], 0
    for whole in audited.columns:
        if whole.name in ignore:
            continue
        column = whole[chosen]
        if kind_of(column) in ("numeric", "date"):
            numbers = column.to_physical().cast(float, strict=False).fill_null(float("nan")).to_numpy()
            there = np.isfinite(numbers)
            scaled = _scaled(numbers, numbers[there])
            # One value for all gaps would put the rows that have them close together, by no merit of theirs.
            blocks.append(np.where(there, scaled, random.normal(size=len(numbers)))[:, None])
            measured += column.n_unique() > 10
        else:  # every value a direction of its own
            codes = _plain(column).cast(str, strict=False) if kind_of(column) == "boolean" else _plain(column)
            ranks = codes.hash(1).rank("dense").to_numpy().astype(np.int64) - 1
            blocks.append((random.normal(size=(int(ranks.max(initial=0)) + 1, 8)) / np.sqrt(8))[ranks])
    if not blocks:
        return None, 0
    return _narrow(np.concatenate(blocks, axis=1).astype(np.float32)), measured


def _scaled(numbers: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers in units of their middle half, far ones by their logarithm: outliers must not press the rest together."""
    if not len(there):
        return np.zeros(len(numbers))
    low, middle, high = np.quantile(there, [0.25, 0.5, 0.75])
    spread = (high - low) / 1.349 or there.std() or 1.0
    return np.arcsinh((numbers - middle) / spread)


def _pictures(images: NDArray[np.generic], chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    """Pictures without their brightness and contrast, projected."""
    out = np.empty((len(chosen), min(_WIDTH, images[0].size if len(images) else 1)), np.float32)
    for start in range(0, len(chosen), 4096):
        some = images[chosen[start : start + 4096]]
        flat = np.nan_to_num(some.reshape(len(some), -1).astype(np.float32))
        flat -= flat.mean(axis=1, keepdims=True)
        flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
        out[start : start + len(flat)] = _narrow(flat)
    return out


def _narrow(points: NDArray[np.float32]) -> NDArray[np.float32]:
    if points.shape[1] <= _WIDTH:
        return points
    random = np.random.default_rng(points.shape[1])
    return points @ (random.normal(size=(points.shape[1], _WIDTH)) / np.sqrt(_WIDTH)).astype(np.float32)


def _close_pairs(
    part: NDArray[np.int8], points: NDArray[np.float32], measured: int, keys: NDArray[np.uint64] | None
) -> tuple[list[tuple[int, int]], int]:
    """Pairs that are too close, and about how many held-out rows was asked."""
    random = np.random.default_rng(0)
    pairs: list[tuple[int, int]] = []
    asked = 0
    for held in range(1, len(PARTS)):
        earlier, rows = np.flatnonzero(part < held), np.flatnonzero(part == held)
        room = max(_WORK // 2 // max(len(earlier), 1), 50)
        if len(rows) > room:
            rows = np.sort(random.choice(rows, room, replace=False))
        asked += len(rows)
        if len(earlier) >= _NEIGHBOURS and len(rows):
            pairs += _closer_than_chance(points, earlier, rows, measured, keys)
    return pairs, asked


def _closer_than_chance(
    points: NDArray[np.float32],
    earlier: NDArray[np.int64],
    rows: NDArray[np.int64],
    measured: int,
    keys: NDArray[np.uint64] | None,
) -> list[tuple[int, int]]:
    from sklearn.neighbors import NearestNeighbors

    k = _NEIGHBOURS
    found = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points[earlier])
    at = found.kneighbors(points[rows], return_distance=False)
    # The search works with |a|² + |b|² - 2ab, which loses the small distances that matter here.
    gaps = points[earlier[at]].astype(np.float64) - points[rows][:, None].astype(np.float64)
    distances = np.sqrt(np.square(gaps).sum(axis=2))
    order = np.argsort(distances, axis=1, kind="stable")
    distances, at = np.take_along_axis(distances, order, 1), np.take_along_axis(at, order, 1)
    nearest = earlier[at[:, 0]]
    spread = distances[:, -1] > 0
    if keys is not None:
        spread &= keys[nearest] != keys[rows]  # equal rows are another finding
    if not spread.any():
        return []
    sorted_ = distances[spread]
    dimension = min(_dimension(sorted_, 2, k // 2), _dimension(sorted_, k // 2, k), measured)
    ratio = min(_NEAREST, (_CHANCE / (len(rows) * (k - 1))) ** (1 / dimension))
    close = spread & (distances[:, 0] < ratio * distances[:, -1])
    return [(int(a), int(b)) for a, b in zip(rows[close], nearest[close], strict=True)]


def _dimension(distances: NDArray[np.float64], first: int, last: int) -> float:
    """Estimate m from the distances of the neighbours `first` to `last`: E log(d_k / d_j) = (1/j + … + 1/(k-1)) / m.

    The nearest is left out and the median over rows is taken, so that copies do not lower it.
    """
    inner = np.arange(first, last)
    sums = np.mean([np.sum(1 / np.arange(j, last)) for j in inner])
    logs = np.log(distances[:, last - 1 : last] / np.maximum(distances[:, inner - 1], 1e-300)).mean(axis=1)
    return max(float(sums) / max(float(np.median(logs)), 1e-9), 0.5)
