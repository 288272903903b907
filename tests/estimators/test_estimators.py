"""The estimators beyond scikit-learn's own checks: weights, sparse data, going on, stopping, and being kept."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

import gradwright as gw
from gradwright.errors import ConfigError, DataError, NonFiniteError
from gradwright.sklearn import GradwrightClassifier, GradwrightRegressor, training, workshop
from gradwright.sklearn.arguments import SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

Data = tuple[np.ndarray, np.ndarray]
HOW = ["eagerly", "compiled"]


def classifier(**more: Any) -> GradwrightClassifier:
    return GradwrightClassifier(**{"hidden_layer_sizes": (8,), "max_iter": 6, "random_state": 0, **more})


def weights(model: Any) -> np.ndarray:
    return np.concatenate([a.ravel() for a in (*model.coefs_, *model.intercepts_)])


# --- what is computed -----------------------------------------------------------------------------------------------
def _problem(kind: str) -> Data:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 4))
    if kind == "regression":
        return X, X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * rng.normal(size=50)
    if kind == "multilabel":
        return X, (X[:, :3] > 0).astype(int)
    return X, (X[:, 0] > 0).astype(int) + (X[:, 1] > 0) * (kind == "multiclass")


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
@pytest.mark.parametrize("weighted", [False, True])
def test_steps_are_scikit_learns(kind: str, weighted: bool) -> None:
    X, y = _problem(kind)
    weight = np.random.default_rng(2).uniform(0.5, 2, 50) if weighted else None
    same = {
        "hidden_layer_sizes": (7, 5),
        "activation": "tanh",
        "alpha": 0.3,
        "solver": "sgd",
        "learning_rate_init": 0.1,
    }
    same |= {"momentum": 0.0, "warm_start": True, "random_state": 0, "max_iter": 1, "n_iter_no_change": 1000}
    theirs, ours = (
        (MLPRegressor(**same), GradwrightRegressor(**same, standardize=False))
        if kind == "regression"
        else (MLPClassifier(**same), GradwrightClassifier(**same, standardize=False))
    )
    theirs.fit(X, y, weight)
    ours.fit(X, y, weight)
    ours.coefs_, ours.intercepts_ = [c.copy() for c in theirs.coefs_], [b.copy() for b in theirs.intercepts_]
    theirs.set_params(max_iter=15).fit(X, y, weight)
    ours.set_params(max_iter=15).fit(X, y, weight)
    np.testing.assert_allclose(weights(ours), weights(theirs), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-10)
    if kind == "regression" or not weighted:  # theirs adds weighted losses of batches up by rows
        np.testing.assert_allclose(ours.loss_curve_[1:], theirs.loss_curve_[1:], rtol=1e-10)
    if kind != "regression":
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)
        assert ours.out_activation_ == theirs.out_activation_


@pytest.mark.parametrize(
    "more", [{}, {"batch_size": 25, "dropout": 0.3}, {"tol": 0.05, "n_iter_no_change": 2, "max_iter": 60}]
)
def test_compiled_is_eager(flowers: Data, runs: Callable[[str], None], more: dict[str, Any]) -> None:
    fits = []
    for how in HOW:
        runs(how)
        fits.append(classifier(**more).fit(*flowers))
    eager, compiled = fits
    assert eager.n_iter_ == compiled.n_iter_
    assert eager.n_iter_ < 60
    np.testing.assert_allclose(compiled.loss_curve_, eager.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(weights(compiled), weights(eager), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_learns(flowers: Data, runs: Callable[[str], None], solver: str) -> None:
    runs("eagerly")
    X, y = flowers
    rate = {"adadelta": 1.0, "sgd": None, "gd": None, "lbfgs": None, "lars": 1.0}.get(solver, 0.02)
    model = classifier(solver=solver, learning_rate_init=rate, max_iter=40).fit(X, y)
    assert model.loss_curve_[-1] < 0.8 * model.loss_curve_[0]


def test_random_state_and_dtype(flowers: Data) -> None:
    X, y = flowers
    first, again, other = (classifier(random_state=seed, dropout=0.2).fit(X, y) for seed in (3, 3, 4))
    np.testing.assert_array_equal(weights(first), weights(again))
    assert np.abs(weights(first) - weights(other)).max() > 0.1
    assert weights(first).dtype == np.float64
    single = classifier().fit(X.astype(np.float32), y)
    assert {a.dtype for a in (*single.coefs_, *single.intercepts_)} == {np.dtype(np.float32)}
    assert single.predict_proba(X).dtype == np.float32


# --- weights --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", HOW)
def test_a_weight_of_two_is_two_rows(flowers: Data, runs: Callable[[str], None], how: str) -> None:
    runs(how)
    X, y = flowers
    times = np.random.default_rng(5).integers(0, 4, len(y))
    weighted = classifier(batch_size=200).fit(X, y, sample_weight=times)
    repeated = classifier(batch_size=200).fit(X.repeat(times, 0), y.repeat(times))
    np.testing.assert_allclose(weights(weighted), weights(repeated), rtol=1e-9, atol=1e-12)
    assert np.abs(weights(weighted) - weights(classifier(batch_size=200).fit(X, y))).max() > 1e-3


def test_class_weight_is_sample_weight(flowers: Data) -> None:
    X, y = flowers
    some = np.r_[0:25, 30:60]
    X, y = X[some], y[some]
    factors = {0: 2.0, 1: 0.5, 2: 1.0}
    by_class = classifier(class_weight=factors).fit(X, y)
    by_row = classifier().fit(X, y, sample_weight=[factors[k] for k in y])
    np.testing.assert_array_equal(weights(by_class), weights(by_row))
    balanced = classifier(class_weight="balanced").fit(X, y)
    factors = compute_class_weight("balanced", classes=np.unique(y), y=y)
    np.testing.assert_allclose(weights(balanced), weights(classifier().fit(X, y, factors[y])), rtol=1e-9, atol=1e-12)
    with pytest.raises(ConfigError, match="class_weight must be a dict"):
        classifier(class_weight="heavy").fit(X, y)


# --- sparse ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", [scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array])
def test_sparse_is_dense(flowers: Data, form: Any) -> None:
    X, y = flowers[0] * (flowers[0] > 1), flowers[1]
    dense, sparse = classifier().fit(X, y), classifier().fit(form(X), y)
    np.testing.assert_array_equal(weights(dense), weights(sparse))
    np.testing.assert_array_equal(dense.predict_proba(X), sparse.predict_proba(form(X)))


def test_data_too_large_to_be_dense_at_once(
    flowers: Data, runs: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs("compiled")
    X, y = flowers
    whole = classifier(batch_size=16).fit(X, y)
    monkeypatch.setattr(training, "MOST_BYTES", 16 * 4 * 8 * 16 * 2)  # two batches at a time
    monkeypatch.setattr(training.Rows, "large", lambda self: True)
    parts = classifier(batch_size=16).fit(scipy.sparse.csr_array(X), y)
    np.testing.assert_allclose(weights(parts), weights(whole), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-12)


# --- going on -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("how", "solver"), [("eagerly", "adam"), ("eagerly", "muon"), ("compiled", "adam")])
def test_partial_fits_are_epochs_of_one_fit(flowers: Data, runs: Callable[[str], None], how: str, solver: str) -> None:
    runs(how)
    X, y = flowers
    whole = classifier(batch_size=25, max_iter=4, solver=solver).fit(X, y)
    parts = classifier(batch_size=25, solver=solver)
    for _ in range(4):
        parts.partial_fit(X, y, classes=[0, 1, 2])
        parts = pickle.loads(pickle.dumps(parts))
    np.testing.assert_allclose(weights(parts), weights(whole), rtol=1e-9, atol=1e-12)
    assert parts.t_ == whole.t_ == 240
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-12)


def test_partial_fit_knows_all_classes(flowers: Data) -> None:
    X, y = flowers
    with pytest.raises(ConfigError, match="classes="):
        classifier().partial_fit(X, y)
    model = classifier().partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (60, 3)
    model.partial_fit(X, y)
    with pytest.raises(DataError, match=r"classes \[7\]"):
        model.partial_fit(X, np.where(y == 2, 7, y))
    for wrong, match in (({"early_stopping": True}, "early_stopping"), ({"class_weight": "balanced"}, "balanced")):
        with pytest.raises(ConfigError, match=match):
            classifier(**wrong).partial_fit(X, y, classes=[0, 1, 2])


def test_warm_start_goes_on(flowers: Data) -> None:
    X, y = flowers
    model = classifier(warm_start=True, max_iter=8).fit(X, y)
    before, curve = weights(model), list(model.loss_curve_)
    model.fit(X, y)
    assert model.loss_curve_[:8] == curve
    assert len(model.loss_curve_) == 16
    assert model.loss_curve_[8] < curve[0]
    cold = classifier(max_iter=8).fit(X, y)
    np.testing.assert_array_equal(weights(cold), before)
    np.testing.assert_array_equal(weights(cold.fit(X, y)), before)
    with pytest.raises(ConfigError, match="layers"):
        model.set_params(hidden_layer_sizes=(9,)).fit(X, y)


# --- stopping -------------------------------------------------------------------------------------------------------
def test_early_stopping_keeps_the_best(flowers: Data) -> None:
    X, y = flowers
    more = {"early_stopping": True, "validation_fraction": 0.3, "max_iter": 100, "n_iter_no_change": 5}
    model = classifier(learning_rate_init=0.3, **more).fit(X, y)
    assert model.n_iter_ == len(model.validation_scores_) < 100
    assert model.best_loss_ is None
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    _, X_held, _, y_held = train_test_split(X, y, random_state=seed, test_size=0.3, stratify=y)
    assert model.score(X_held, y_held) == model.best_validation_score_ == max(model.validation_scores_)


def test_the_loss_that_stands_still_ends_it(flowers: Data) -> None:
    X, y = flowers
    model = classifier(tol=10.0, n_iter_no_change=3, max_iter=100).fit(X, y)
    assert model.n_iter_ == 5  # the first betters infinity, then more than three in a row do not
    theirs = MLPClassifier((8,), tol=10.0, n_iter_no_change=3, max_iter=100).fit(X, y)
    assert theirs.n_iter_ == 5
    with pytest.warns(ConvergenceWarning, match="all 6 epochs"):
        classifier().fit(X, y)


def test_a_loss_that_is_no_number(flowers: Data) -> None:
    X, y = flowers[0], flowers[1].astype(float)
    model = GradwrightRegressor((8,), solver="sgd", learning_rate_init=0.01, max_iter=3, random_state=0).fit(X, y)
    before = weights(model)
    with pytest.raises(NonFiniteError, match="learning_rate_init"), np.errstate(all="ignore"):
        model.set_params(learning_rate_init=1e12, max_iter=50).fit(X, y)
    np.testing.assert_array_equal(weights(model), before)  # what was fitted before is still there


# --- programs -------------------------------------------------------------------------------------------------------
def test_folds_share_one_program(flowers: Data, runs: Callable[[str], None], fresh_pool: None) -> None:
    runs("compiled")
    X, y = flowers
    for rows, rate, alpha in ((48, 0.001, 1e-4), (47, 0.01, 1e-3), (49, 0.02, 0.1)):
        classifier(learning_rate_init=rate, alpha=alpha, max_iter=3 + rows % 2).fit(X[:rows], y[:rows] % 3)
    ((only,),) = workshop._waiting.values()
    assert only.compiled.traces == 1
    assert len(only.compiled._compiled) == 1


def test_the_pool_forgets(flowers: Data, fresh_pool: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "MOST_WORKSHOPS", 2)
    plans = [workshop.Plan((4, width, 1), "relu", "identity", "adam", False, "float64") for width in (2, 3, 4)]
    made = [workshop.borrow(plan) for plan in plans]
    assert workshop.borrow(plans[0]) is not made[0]  # nobody shares what is borrowed
    for one in made:
        workshop.give_back(one)
    assert list(workshop._waiting) == plans[1:]
    assert workshop.borrow(plans[2]) is made[2]


def test_threads(flowers: Data, runs: Callable[[str], None]) -> None:
    from joblib import parallel_backend

    runs("compiled")
    X, y = flowers
    grid = {"learning_rate_init": [0.01, 0.1], "dropout": [0.0, 0.3]}
    alone = GridSearchCV(classifier(), grid, cv=2).fit(X, y)
    with parallel_backend("threading", n_jobs=3):
        together = GridSearchCV(classifier(), grid, cv=2).fit(X, y)
    np.testing.assert_array_equal(together.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(weights(together.best_estimator_), weights(alone.best_estimator_))


# --- among scikit-learn's others ------------------------------------------------------------------------------------
def test_pipeline_search_and_calibration(flowers: Data) -> None:
    X, y = flowers
    piped = make_pipeline(StandardScaler(), classifier(max_iter=30, learning_rate_init=0.1))
    assert cross_val_score(piped, X, y, cv=3).mean() > 0.8
    search = GridSearchCV(piped, {"gradwrightclassifier__hidden_layer_sizes": [(4,), (8,)]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.8
    calibrated = CalibratedClassifierCV(classifier(max_iter=30, learning_rate_init=0.1), cv=2).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(1), 1)


def test_kept_are_arrays_and_plain_values(flowers: Data, runs: Callable[[str], None]) -> None:
    runs("compiled")
    X, y = flowers
    model = classifier().fit(X, y)

    def strange(value: Any) -> list[type]:
        if isinstance(value, dict):
            return [t for item in (*value, *value.values()) for t in strange(item)]
        if isinstance(value, list | tuple):
            return [t for item in value for t in strange(item)]
        plain = isinstance(value, str | int | float | bool | type(None)) or type(value) is np.ndarray
        return [] if plain else [type(value)]

    assert strange(vars(model)) == []
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_several_labels_and_several_targets() -> None:
    X, labels = make_multilabel_classification(60, 6, n_classes=4, random_state=0)
    model = classifier(max_iter=60, learning_rate_init=0.05).fit(X, labels)
    assert (model.predict(X) == labels).mean() > 0.85
    assert model.out_activation_ == "logistic"
    assert model.classes_.tolist() == [0, 1, 2, 3]
    X, y = make_regression(60, 5, n_targets=3, random_state=0)
    y = y * [1.0, 1e3, 1e-3] + [0, 1e6, 0]  # each target has its own unit
    regressor = GradwrightRegressor((8,), max_iter=60, learning_rate_init=0.05, random_state=0).fit(X, y)
    assert regressor.predict(X).shape == y.shape
    assert (1 - ((regressor.predict(X) - y) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)).min() > 0.9
    with pytest.raises(DataError, match="several columns"):
        classifier().fit(X, np.c_[np.arange(60) % 3, np.arange(60) % 4])


def test_columns_have_names(flowers: Data) -> None:
    import pandas as pd

    X, y = flowers
    named = pd.DataFrame(X, columns=list("abcd"))
    model = classifier().fit(named, pd.Series(y))
    assert model.feature_names_in_.tolist() == list("abcd")
    np.testing.assert_array_equal(model.predict_proba(named), classifier().fit(X, y).predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(named.rename(columns={"a": "z"}))


def test_the_users_random_stream_is_left_alone(flowers: Data, fresh_pool: None) -> None:
    gw.manual_seed(0)
    expected = gw.randn(3).numpy()
    gw.manual_seed(0)
    classifier(dropout=0.3).fit(*flowers)
    np.testing.assert_array_equal(gw.randn(3).numpy(), expected)


def test_labels_of_any_kind(flowers: Data) -> None:
    X, y = flowers
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)
    model = classifier(max_iter=40, learning_rate_init=0.05).fit(X, names[y])
    assert (model.predict(X) == names[y]).mean() > 0.9
    two = classifier(max_iter=40, learning_rate_init=0.05).fit(X, names[(y > 0).astype(int)])
    assert (two.predict(X) == names[(y > 0).astype(int)]).mean() > 0.9
    assert two.predict_proba(X).shape == (60, 2)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"alpha": -1}, "alpha must be a number of at least 0"),
        ({"alpha": float("nan")}, "alpha must be"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, or 'auto'; got 0"),
        ({"dropout": 1.0}, "dropout must be .* below 1"),
        ({"learning_rate_init": 0}, "learning_rate_init must be a number above 0"),
        ({"max_iter": 2.5}, "max_iter must be a whole number"),
        ({"activation": "maxout"}, "activation is 'maxout'; there are identity, logistic"),
        ({"solver": "newton"}, "solver is 'newton'; there are"),
        ({"hidden_layer_sizes": (8, 0)}, r"hidden_layer_sizes must be whole numbers of at least 1, got \(8, 0\)"),
        ({"shuffle": "yes"}, "shuffle must be True or False"),
        ({"solver": "adagrad", "momentum": 0.9}, "adagrad has no momentum"),
    ],
)
def test_arguments_that_make_no_sense(flowers: Data, arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        classifier(**arguments).fit(*flowers)
