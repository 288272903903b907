"""The order of rows: a permutation, fixed for good, different in every epoch."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from gradwright.data import epoch_order, uniform
from gradwright.errors import ConfigError


@pytest.mark.parametrize("n", [0, 1, 2, 17, 1000])
def test_permutation(n):
    order = epoch_order(n, key=1, epoch=2)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(n))


def test_depends_on_key_and_epoch_only():
    seen = {tuple(epoch_order(20, key=key, epoch=epoch)) for key in range(20) for epoch in range(20)}
    assert len(seen) == 400
    code = "from gradwright.data import epoch_order; print(epoch_order(20, key=5, epoch=9).tolist())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other.strip() == str(epoch_order(20, key=5, epoch=9).tolist())


def test_fixed_for_good():
    assert epoch_order(8, key=0, epoch=0).tolist() == [0, 2, 1, 5, 4, 3, 6, 7]
    assert epoch_order(8, key=2**64 - 1, epoch=3).tolist() == [3, 1, 5, 7, 0, 4, 2, 6]


def test_every_row_comes_everywhere():
    counts = np.zeros((6, 6))
    for epoch in range(3000):
        counts[np.arange(6), epoch_order(6, key=11, epoch=epoch)] += 1
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4


def test_uniform_is_uniform():
    assert stats.kstest(uniform(20_000, key=3, stream=0), "uniform").pvalue > 1e-4


@pytest.mark.parametrize("options", [{"key": -1, "epoch": 0}, {"key": 0, "epoch": -1}, {"key": 2**64, "epoch": 0}])
def test_out_of_range(options):
    with pytest.raises(ConfigError, match="expected 0 to"):
        epoch_order(3, **options)
