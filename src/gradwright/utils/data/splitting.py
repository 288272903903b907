"""`random_split`: a data set cut into parts at random."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

from gradwright.engine.generator import Generator, current_generator
from gradwright.errors import ConfigError
from gradwright.utils.data.combining import Subset

__all__ = ["random_split"]


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Cut a data set into parts that do not overlap, at random.

    Parameters
    ----------
    dataset : Dataset
        With a length.
    lengths : sequence of int, or of float
        How many samples each part has; or fractions that sum up to 1: each part then has floor(fraction · n), and
        the rows left over go one each to the first parts.
    generator : Generator, optional
        Default: the one that `manual_seed` seeds.

    Returns
    -------
    list of Subset

    Raises
    ------
    ConfigError
        Lengths that do not sum up to that of the data set, or a fraction that is none.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright.utils.data import random_split
    >>> parts = random_split(range(10), [0.7, 0.3], generator=gw.Generator(0))
    >>> [len(part) for part in parts], sorted([*parts[0], *parts[1]])
    ([7, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    n = len(dataset)
    total = sum(lengths)
    if math.isclose(total, 1) and total <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ConfigError(f"random_split: fraction {i} is {fraction}; expected 0 to 1")
        counts = [math.floor(n * fraction) for fraction in lengths]
        for i in range(n - sum(counts)):
            counts[i % len(counts)] += 1
        for i, count in enumerate(counts):
            if count == 0:
                warnings.warn(f"random_split: part {i} has no samples: {lengths[i]} of {n}", stacklevel=2)
    else:
        if not all(isinstance(length, int) and length >= 0 for length in lengths):
            raise ConfigError(
                f"random_split: lengths are {list(lengths)}; expected whole numbers, or fractions that sum up to 1"
            )
        counts = [int(length) for length in lengths]
    if sum(counts) != n:
        raise ConfigError(f"random_split: lengths {counts} sum up to {sum(counts)}; the data set has {n} samples")
    order = (generator or current_generator()).permutation(n).tolist()
    ends = itertools.accumulate(counts)
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]
