"""Baselines: what they say, how fast, and that they agree with scikit-learn's own."""

import time

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from gradwright.data import Preparation, Task, fit_baselines, infer_task, read, split
from gradwright.errors import DataError


def prepared(name: str):
    dataset = read(name)
    task = infer_task(dataset)
    parts = split(dataset, task)
    train, held = dataset.take(parts.train), dataset.take(parts.validation)
    preparation = Preparation.fit(train.features)
    return (
        task,
        preparation.transform(train.features),
        task.encode(train.target),
        preparation.transform(held.features),
        task.encode(held.target),
    )


def test_digits():
    task, x, y, x_held, y_held = prepared("digits")
    start = time.perf_counter()
    majority, chance, linear = fit_baselines(task, x, y)
    assert time.perf_counter() - start < 20  # seconds; far above the usual one, for busy machines
    oracle = DummyClassifier(strategy="most_frequent").fit(x, y)
    assert np.array_equal(majority.predict(x_held), oracle.predict(x_held))
    assert majority.description == f"always says '{task.classes[int(oracle.predict(x_held)[0])]}'"
    assert 0.02 < (chance.predict(x_held) == y_held).mean() < 0.2
    with threadpool_limits(1):
        theirs = LogisticRegression(max_iter=1000).fit(x, y).score(x_held, y_held)
    assert (linear.predict(x_held) == y_held).mean() == pytest.approx(theirs, abs=0.015)
    assert linear.name == "logistic regression"


def test_diabetes():
    task, x, y, x_held, y_held = prepared("diabetes")
    mean, linear = fit_baselines(task, x, y)
    assert (mean.name, linear.name) == ("mean", "linear regression")
    np.testing.assert_allclose(mean.predict(x_held), y.astype(float).mean())
    np.testing.assert_allclose(linear.predict(x_held), Ridge().fit(x.astype(float), y).predict(x_held), rtol=1e-6)
    errors = [np.sqrt(np.mean((b.predict(x_held) - y_held) ** 2)) for b in (mean, linear)]
    assert errors[1] < errors[0]


def test_chance_keeps_the_proportions_and_the_seed():
    task = Task("multiclass", "", classes=("a", "b", "c"), class_counts=(10, 30, 60))
    y = np.repeat([0, 1, 2], [10, 30, 60])
    x = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    chance = fit_baselines(task, x, y, seed=4)[1]
    rows = np.zeros((20_000, 2), np.float32)
    shares = np.bincount(chance.predict(rows), minlength=3) / 20_000
    np.testing.assert_allclose(shares, [0.1, 0.3, 0.6], atol=0.015)
    assert np.array_equal(chance.predict(rows), chance.predict(rows))
    assert not np.array_equal(chance.predict(rows), fit_baselines(task, x, y, seed=5)[1].predict(rows))


def test_many_rows_are_limited_and_that_is_said(monkeypatch):
    monkeypatch.setattr("gradwright.data.baselines._VALUES", 4000)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 5000)
    x = (rng.normal(size=(5000, 4)) + y[:, None]).astype(np.float32)
    linear = fit_baselines(Task("binary", "", classes=("a", "b")), x, y)[2]
    assert "on 1,000 of 5,000 training rows" in linear.description
    assert (linear.predict(x) == y).mean() > 0.8


def test_a_solver_that_does_not_arrive_warns_nobody_and_says_so(monkeypatch):
    monkeypatch.setattr("gradwright.data.baselines._WORK", 0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 30)).astype(np.float32) * np.logspace(0, 3, 30, dtype=np.float32)
    linear = fit_baselines(Task("binary", "", classes=("a", "b")), x, rng.integers(0, 2, 300))[2]
    assert "stopped after 30 iterations" in linear.description


def test_refused():
    task = Task("binary", "", classes=("a", "b"))
    with pytest.raises(DataError, match="2 rows of features and 1 target"):
        fit_baselines(task, np.zeros((2, 1), np.float32), np.array([0]))
    with pytest.raises(DataError, match="NaN or infinity"):
        fit_baselines(task, np.full((2, 1), np.nan, np.float32), np.array([0, 1]))
    with pytest.raises(DataError, match="one class only"):
        fit_baselines(task, np.zeros((2, 1), np.float32), np.array([1, 1]))
