"""Small data for the estimators, and a switch between their two ways of running."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from gradwright.sklearn import base, workshop


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes all fits from now on run "eagerly" or "compiled"."""

    def choose(how: str) -> None:
        monkeypatch.setattr(base, "runs_eagerly", lambda *_: how == "eagerly")

    return choose


@pytest.fixture
def fresh_pool() -> Iterator[None]:
    """Let a test see its own programs only."""
    before = workshop._waiting.copy()
    workshop._waiting.clear()
    yield
    workshop._waiting.clear()
    workshop._waiting.update(before)


@pytest.fixture(scope="session")
def flowers() -> tuple[np.ndarray, np.ndarray]:
    """Sixty flowers of three species, four measurements."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    return X[::5][:30].repeat(2, 0) + np.random.default_rng(0).normal(0, 0.1, (60, 4)), y[::5][:30].repeat(2)
