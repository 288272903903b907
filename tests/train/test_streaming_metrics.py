"""Streaming metrics against scikit-learn, whatever the batches: ties, absent classes, constants, weights, one row."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

import gradwright as gw
from gradwright.errors import ConfigError, DataError, DTypeError, IndexOutOfRangeError, ShapeError, StateError
from gradwright.train.choices import SHELVES, shelf_lines
from gradwright.train.metrics import (
    F1,
    MAE,
    METRICS,
    R2,
    RMSE,
    ROCAUC,
    Accuracy,
    AveragePrecision,
    Brier,
    CalibrationError,
    LogLoss,
    Metric,
    MetricCollection,
    Precision,
    Recall,
    TopK,
    check_metrics,
    direction_of,
    make_metric,
    metric_info,
    r2,
    rmse,
)
from gradwright.train.metrics import ranking as ranking_module

Data = tuple[np.ndarray, np.ndarray, np.ndarray]  # output, target, weight
Oracle = Callable[[np.ndarray, np.ndarray, np.ndarray], Any]


# --- data, random and adversarial ---
def draw(kind: str, seed: int, rows: int) -> Data:
    """Draw a batch: logits that are often equal, classes that are often absent, weights that are often 0."""
    rng = np.random.default_rng(seed)
    tied, weighted = rng.random() < 0.5, rng.random() < 0.5
    columns = {"binary": 2, "multiclass": 4, "multilabel": 3, "regression": 2}[kind]
    output = rng.integers(-2, 3, (rows, columns)).astype(float) if tied else rng.normal(0, 2, (rows, columns))
    weight = rng.integers(0, 4, rows) / 2 if weighted else np.ones(rows)
    if kind == "regression":
        target = rng.normal(1000, 1, (rows, columns))
        output = target + output
        if rng.random() < 0.3:
            target[:, rng.integers(columns)] = 0.1  # whose rounded mean need not be 0.1
        return output.astype(np.float32 if tied else np.float64), target, weight
    few = rng.integers(1, columns + 1)
    if kind == "multilabel":
        return output, rng.integers(0, 2, (rows, columns)) * (np.arange(columns) < few), weight
    return output.astype(np.float32), rng.integers(0, few, rows), weight


def cut(data: Data, seed: int) -> list[Data]:
    """Cut rows into batches of any size, empty ones among them."""
    rng = np.random.default_rng(seed)
    n = len(data[0])
    places = np.sort(rng.integers(0, n + 1, rng.integers(0, n + 3))) if rng.random() < 0.7 else np.arange(1, n)
    return list(zip(*(np.split(a, places) for a in data), strict=True))


# --- oracles ---
def probabilities(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    z = z.astype(np.float64)
    return expit(z) if y.ndim == 2 else softmax(z, axis=1)


def each_against_the_rest(figure: Callable[..., float], both: bool) -> Oracle:
    def oracle(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> float | None:
        p = probabilities(z, y).round(10)  # ties that SciPy's rounding breaks are ties again
        truth = y if y.ndim == 2 else y[:, None] == np.arange(z.shape[1])
        classes = [1] if y.ndim == 1 and z.shape[1] == 2 else range(z.shape[1])
        known = [k for k in classes if truth[:, k].any() and not (both and truth[:, k].all())]
        return np.mean([figure(truth[:, k], p[:, k], sample_weight=w) for k in known]) if known else None

    return oracle


def claimed(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (z > 0).astype(int) if y.ndim == 2 else z.argmax(1)


def averaged(figure: Callable[..., Any], average: str) -> Oracle:
    def oracle(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> float | None:
        c = claimed(z, y)
        if average == "macro":  # scikit-learn's own choice of labels; of 0/1 labels it would take all
            there = list(np.flatnonzero((y | c).any(0))) if y.ndim == 2 else None
            if there == []:
                return None
            return figure(y, c, average="macro", sample_weight=w, zero_division=0, labels=there)
        return figure(y, c, average=average, sample_weight=w, zero_division=np.nan)

    return oracle


def one_by_one(figure: Callable[..., Any]) -> Oracle:
    def oracle(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> list[float | None]:
        labels = range(z.shape[1])
        figures = figure(y, claimed(z, y), average=None, labels=labels, sample_weight=w, zero_division=np.nan)
        return [None if np.isnan(f) else f for f in figures]

    return oracle


def accuracy(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    if y.ndim == 2:
        return sk.accuracy_score(y.ravel(), claimed(z, y).ravel(), sample_weight=np.repeat(w, y.shape[1]))
    return sk.accuracy_score(y, claimed(z, y), sample_weight=w)


def top(k: int) -> Oracle:
    def oracle(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
        last = z.shape[1] - 1  # of equal scores scikit-learn prefers the higher class: the classes are turned round
        return sk.top_k_accuracy_score(last - y, z[:, ::-1], k=k, labels=range(last + 1), sample_weight=w)

    return oracle


def log_loss(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    p = probabilities(z, y)
    if y.ndim == 2:
        return np.mean([sk.log_loss(y[:, k], p[:, k], labels=[0, 1], sample_weight=w) for k in range(z.shape[1])])
    return sk.log_loss(y, p, labels=range(z.shape[1]), sample_weight=w)


def brier(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    p = probabilities(z, y)
    if y.ndim == 2:
        return np.mean([np.average((p[:, k] - y[:, k]) ** 2, weights=w) for k in range(z.shape[1])])
    labels = range(z.shape[1])
    return sk.brier_score_loss(y, p[:, 1] if z.shape[1] == 2 else p, labels=labels, sample_weight=w)


def calibration_error(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    # scikit-learn's curve knows no weights; the drawn ones are halves, so rows are repeated
    times = np.round(2 * w).astype(int)
    p, held = probabilities(z, y), y
    confidence, right = (p, held) if y.ndim == 2 else (p.max(1), p.argmax(1) == y)
    confidence, right = np.repeat(confidence, times, 0).ravel(), np.repeat(right, times, 0).ravel()
    true, predicted = calibration_curve(right, confidence, n_bins=15, strategy="uniform")
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 16)[1:-1], confidence), minlength=15)
    return float(np.abs(true - predicted) @ counts[counts > 0] / counts.sum())


def r_squared(p: np.ndarray, y: np.ndarray, w: np.ndarray) -> float | None:
    vary = [k for k in range(y.shape[1]) if len(np.unique(y[:, k])) > 1]
    return np.mean([sk.r2_score(y[:, k], p[:, k], sample_weight=w) for k in vary]) if vary else None


def error(figure: Callable[..., float]) -> Oracle:
    return lambda p, y, w: figure(y, p.astype(np.float64), sample_weight=w)


SETS = ("binary", "multiclass", "multilabel")
CASES: list[tuple[Callable[[], Metric], Oracle, tuple[str, ...]]] = [
    (Accuracy, accuracy, SETS),
    (lambda: TopK(1), top(1), ("multiclass",)),
    (lambda: TopK(2), top(2), ("multiclass",)),
    (lambda: TopK(3), top(3), ("multiclass",)),
    *(
        (lambda kind=kind, a=a: kind(a), averaged(figure, a), SETS)
        for kind, figure in ((Precision, sk.precision_score), (Recall, sk.recall_score), (F1, sk.f1_score))
        for a in ("micro", "macro")
    ),
    *(
        (lambda kind=kind: kind("binary"), averaged(figure, "binary"), ("binary",))
        for kind, figure in ((Precision, sk.precision_score), (Recall, sk.recall_score), (F1, sk.f1_score))
    ),
    *(
        (lambda kind=kind: kind(None), one_by_one(figure), SETS)
        for kind, figure in ((Precision, sk.precision_score), (Recall, sk.recall_score), (F1, sk.f1_score))
    ),
    (ROCAUC, each_against_the_rest(sk.roc_auc_score, both=True), SETS),
    (AveragePrecision, each_against_the_rest(sk.average_precision_score, both=False), SETS),
    (LogLoss, log_loss, SETS),
    (Brier, brier, SETS),
    (CalibrationError, calibration_error, SETS),
    (RMSE, error(sk.root_mean_squared_error), ("regression",)),
    (MAE, error(sk.mean_absolute_error), ("regression",)),
    (R2, r_squared, ("regression",)),
]
RUNS = [pytest.param(m, o, kind, id=f"{m()!r}-{kind}") for m, o, kinds in CASES for kind in kinds]


def judged(oracle: Oracle, data: Data) -> Any:
    """Ask the oracle about the rows that count."""
    rows = data[2] > 0
    if not rows.any():
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        figure = oracle(*(a[rows] for a in data))
    return figure if isinstance(figure, list) or figure is None or np.isfinite(figure) else None


def assert_same(figure: Any, expected: Any) -> None:
    if isinstance(expected, list):
        assert len(figure) == len(expected)
        for mine, theirs in zip(figure, expected, strict=True):
            assert_same(mine, theirs)
    elif isinstance(figure, list):  # one a class, and no row counts
        assert figure == [None] * len(figure)
    elif figure is None or expected is None:
        assert figure is expected
    else:
        assert figure == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("make", "oracle", "kind"), RUNS)
def test_any_cut_gives_scikit_learns_figure(make: Callable[[], Metric], oracle: Oracle, kind: str) -> None:
    for seed in range(14):
        data = draw(kind, seed, rows=1 + seed if seed < 11 else 4 * seed)
        expected = judged(oracle, data)
        whole, streamed, merged = make(), make(), make()
        whole.update(*data)
        assert_same(whole.compute(), expected)
        for k, batch in enumerate(cut(data, seed)):
            streamed.update(*batch)
            other = make()
            other.update(*batch)
            if k % 2:  # from both sides
                other.merge(merged)
                merged = other
            else:
                merged.merge(other)
        resumed = make()
        resumed.load_state_dict(streamed.state_dict())
        for metric in (streamed, merged, resumed):
            assert_same(metric.compute(), expected)
        streamed.reset()
        assert streamed.compute() is None
        streamed.update(*data)
        assert_same(streamed.compute(), expected)


def test_the_draws_hold_the_hard_cases() -> None:
    drawn = [draw(kind, seed, 1 + seed) for kind in SETS for seed in range(14)]
    assert any((w == 0).all() for *_, w in drawn)  # nothing counts
    assert any(len(np.unique(y)) < 3 for z, y, _ in drawn if z.shape[1] == 4)  # absent classes
    assert any(len(np.unique(z)) < z.size for z, *_ in drawn)  # ties
    assert any(len(b[0]) == 0 for d in drawn for b in cut(d, 3))  # empty batches


def test_many_rows_of_one_stream() -> None:
    rng = np.random.default_rng(3)
    z = rng.normal(0, 1, (3000, 5)).astype(np.float32)
    y = rng.integers(0, 5, 3000)
    for name in (m for m, info in METRICS.items() if "multiclass" in info.tasks and m != "top5"):
        whole, streamed = make_metric(name), make_metric(name)
        whole.update(z, y)
        for i in range(0, 3000, 7):
            streamed.update(z[i : i + 7], y[i : i + 7])
        assert streamed.compute() == pytest.approx(whole.compute(), rel=1e-12)
    auc = make_metric("roc_auc")
    auc.update(z, y)
    theirs = sk.roc_auc_score(y, softmax(z.astype(float), axis=1), multi_class="ovr", average="macro")
    assert auc.compute() == pytest.approx(theirs, rel=1e-9)


# --- numerical soundness ---
def test_r2_keeps_its_digits_far_from_zero() -> None:
    rng = np.random.default_rng(0)
    y = 1e9 + rng.normal(0, 1, 2000)
    p = y + rng.normal(0, 0.5, 2000)
    m = R2()
    for i in range(2000):
        m.update(p[i : i + 1], y[i : i + 1])
    assert m.compute() == pytest.approx(sk.r2_score(y, p), rel=1e-7)  # Σy² - n·ȳ² has lost all digits here


def test_errors_beyond_the_range_of_squares_have_no_figure() -> None:
    m = RMSE()
    m.update([1e200], [0.0])
    assert m.compute() is None
    m = MAE()
    m.update([1e200], [0.0])
    assert m.compute() == 1e200


def test_confident_outputs_keep_their_order() -> None:
    # softmax rounds all of these to 1: by the probabilities there would be only ties
    margin = np.array([50.0, 60.0, 70.0, 80.0])
    y = np.array([0, 1, 0, 1])
    two, three = (np.zeros((4, k)) for k in (2, 3))
    two[:, 1] = three[:, 1] = margin
    m = ROCAUC()
    m.update(two, y)
    assert m.compute() == 0.75
    m.reset()
    m.update(three, y)
    assert m.compute() == pytest.approx((0.75 + 0.75) / 2)  # class 2 has no rows


def test_log_loss_does_not_clip() -> None:
    m = LogLoss()
    m.update([[2000.0, 0.0]], [1])
    assert m.compute() == 2000
    m.update([[[-3000.0]]][0], [[1.0]])
    assert m.compute() == 2500


def test_outputs_that_are_nan_give_no_figure() -> None:
    z = np.array([[0.0, 1.0], [np.nan, 1.0], [1.0, 0.0]])
    y = np.array([1, 1, 0])
    for name, info in METRICS.items():
        if "binary" not in info.tasks:
            continue
        m = make_metric(name)
        for i in range(3):
            m.update(z[i : i + 1], y[i : i + 1])
        assert m.compute() is None, name
        m.reset()
        m.update(z, y, [1.0, 0.0, 1.0])  # it does not count
        assert m.compute() is not None, name
    for name in ("rmse", "mae", "r2"):
        m = make_metric(name)
        m.update([1.0, np.nan], [1.0, 2.0])
        m.update([1.0], [1.5])
        assert m.compute() is None


# --- shapes ---
def test_positions_are_rows_and_ignored_ones_do_not_count() -> None:
    rng = np.random.default_rng(5)
    z, y = rng.normal(size=(6, 4, 7)), rng.integers(0, 4, (6, 7))
    y[rng.random((6, 7)) < 0.4] = -100
    kept = y != -100
    rows, labels = np.moveaxis(z, 1, -1)[kept], y[kept]
    weight = rng.random(6)
    for name in (m for m, info in METRICS.items() if "tagging" in info.tasks and m != "top5"):
        by_position, by_row, by_element = make_metric(name), make_metric(name), make_metric(name)
        by_position.update(z[:4], y[:4], weight[:4])
        by_position.update(z[4:], y[4:], weight[4:])
        by_row.update(rows, labels, np.broadcast_to(weight[:, None], y.shape)[kept])
        by_element.update(z, y, np.broadcast_to(weight[:, None], y.shape))
        assert by_position.compute() == pytest.approx(by_row.compute(), rel=1e-12)
        assert by_element.compute() == pytest.approx(by_row.compute(), rel=1e-12)


def test_one_logit_is_one_label() -> None:
    rng = np.random.default_rng(6)
    z, y = rng.normal(size=20), rng.integers(0, 2, 20)
    two = np.stack([np.zeros(20), z], 1)
    for name in ("roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1_binary"):
        flat, column, pair = make_metric(name), make_metric(name), make_metric(name)
        flat.update(z, y.astype(np.float32))
        column.update(z[:, None], y[:, None])
        pair.update(two, y)
        assert flat.compute() == column.compute() == pytest.approx(pair.compute(), rel=1e-12)


def test_ignored_labels_of_several() -> None:
    z, y = np.array([[1.0, -1.0], [2.0, 3.0]]), np.array([[1, -100], [0, 1]])
    m = Accuracy()
    m.update(z, y)
    assert m.compute() == pytest.approx(2 / 3)


def test_several_targets_are_averaged_and_followed_by_length() -> None:
    rng = np.random.default_rng(7)
    p, y = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 2, 3))
    flat_p, flat_y = (np.moveaxis(a, 1, -1).reshape(-1, 2) for a in (p, y))
    for name, theirs in (("rmse", sk.root_mean_squared_error), ("r2", sk.r2_score), ("mae", sk.mean_absolute_error)):
        m = make_metric(name)
        m.update(p, y)
        assert m.compute() == pytest.approx(theirs(flat_y, flat_p), rel=1e-12)
    assert rmse(flat_y, flat_p) == pytest.approx(sk.root_mean_squared_error(flat_y, flat_p), rel=1e-12)
    assert r2(flat_y, flat_p) == pytest.approx(sk.r2_score(flat_y, flat_p), rel=1e-12)


def test_tensors_are_taken_too() -> None:
    m = Accuracy()
    m.update(gw.tensor([[1.0, 2.0], [3.0, 0.0]]), gw.tensor([1, 1]))
    assert m.compute() == 0.5


# --- what does not fit ---
@pytest.mark.parametrize(
    ("make", "args", "error", "words"),
    [
        (
            Accuracy,
            ([[1.0, 2.0]], [2]),
            IndexOutOfRangeError,
            "label 2 in row 0 of the batch; the output has 2 classes",
        ),
        (Accuracy, (np.zeros((2, 3, 4)), np.full((2, 4), 7)), IndexOutOfRangeError, "label 7 in row 0, position 0"),
        (Accuracy, ([[1.0, 2.0]], [0.5]), DTypeError, "labels are float64"),
        (Accuracy, ([[1.0, 2.0]], [0, 1]), ShapeError, r"output \(1, 2\) and target \(2,\) do not fit"),
        (Accuracy, ([[1.0, 2.0]], [[1, 2]]), DataError, "target is 2 in row 0, label 1 of the batch; expected 0 or 1"),
        (Accuracy, ([[1.0, 2.0]], [0], [1.0, 2.0]), ShapeError, r"weight \(2,\); expected \(1,\)"),
        (Accuracy, ([[1.0, 2.0]], [0], [-1.0]), DataError, "weight in row 0 of the batch is -1.0"),
        (Accuracy, ([[1.0, 2.0]], [0], [np.nan]), DataError, "weight in row 0"),
        (RMSE, (np.zeros((4, 1)), np.zeros(4)), ShapeError, r"output \(4, 1\) and target \(4,\)"),
        (lambda: TopK(5), (np.zeros((1, 3)), [0]), ConfigError, "3 classes, where it is always 1"),
        (lambda: TopK(0), None, ConfigError, "k is 0"),
        (lambda: F1("binary"), (np.zeros((1, 3)), [0]), ConfigError, "class 1 of two was asked for, and there are 3"),
        (lambda: F1("weighted"), None, ConfigError, "expected macro, micro, binary or None"),  # type: ignore[arg-type]
        (lambda: CalibrationError(0), None, ConfigError, "bins is 0"),
    ],
)
def test_what_does_not_fit_is_named(make: Any, args: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make().update(*args)


@pytest.mark.parametrize("name", ["roc_auc", "f1_macro", "calibration_error"])
def test_batches_of_other_classes_are_refused(name: str) -> None:
    m = make_metric(name)
    m.update(np.zeros((2, 3)), [0, 1])
    if name == "calibration_error":
        m.update(np.zeros((2, 4)), [0, 1])  # which only counts hits: any number of classes
        return
    with pytest.raises(ShapeError, match="this batch has 4 classes or targets, those before 3"):
        m.update(np.zeros((2, 4)), [0, 1])


def test_only_the_same_metrics_merge() -> None:
    with pytest.raises(ConfigError, match="must have the same settings"):
        TopK(2).merge(TopK(3))
    with pytest.raises(ConfigError, match="must have the same settings"):
        Accuracy().merge(Brier())
    with pytest.raises(StateError, match=r"the state holds \['hits'\]; expected"):
        Accuracy().load_state_dict({"hits": np.zeros(1)})


def test_scores_are_not_kept_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking_module, "MOST_SCORES", 10)
    m = ROCAUC()
    m.update(np.zeros((4, 2)), [0, 1, 0, 1])
    with pytest.raises(ConfigError, match="these are 16, more than 10; take accuracy"):
        m.update(np.zeros((4, 2)), [0, 1, 0, 1])


# --- by name ---
@pytest.mark.parametrize("name", METRICS)
def test_every_name_makes_its_metric(name: str) -> None:
    info = metric_info(name)
    assert isinstance(make_metric(name), Metric)
    assert info.direction in ("max", "min")
    assert direction_of(f"validation_{name}") == info.direction
    # a better prediction is better in the direction that is named
    rng = np.random.default_rng(1)
    good, bad = info.make(), info.make()
    if "regression" in info.tasks:
        y = rng.normal(size=50)
        good.update(y + 0.1, y)
        bad.update(-y, y)
    else:
        classes = 2 if "binary" in info.tasks else 8
        y = np.arange(50) % classes
        sure = 2.0 * (y[:, None] == np.arange(classes)) + rng.normal(0, 0.1, (50, classes))
        good.update(3 * sure, y)
        bad.update(-sure, y)
    a, b = good.compute(), bad.compute()
    assert a is not None
    assert b is not None
    assert (a > b) == (info.direction == "max")


def test_names_on_the_shelf() -> None:
    assert set(SHELVES["metrics"]) == set(METRICS)
    assert dict(shelf_lines("metrics"))["accuracy"] == "The part of the labels that is right"
    assert repr(make_metric("top3")) == "TopK(ignore_index=-100, k=3)"
    assert direction_of("validation_loss") == "min"
    assert direction_of("validation_top3") == "max"
    assert direction_of("learning_rate") is None
    for wrong, words in (
        ("f1", "did you mean f1_macro or f1_micro or f1_binary"),
        ("acuracy", "did you mean accuracy"),
    ):
        with pytest.raises(ConfigError, match=words):
            make_metric(wrong)
    with pytest.raises(ConfigError, match="there are accuracy, "):
        make_metric("elephant")
    with pytest.raises(ConfigError, match="no metric 'top0'"):
        make_metric("top0")


def test_metrics_are_checked_against_the_task() -> None:
    check_metrics(["accuracy", "roc_auc", "top3"], "multiclass", 10)
    check_metrics(["rmse", "r2"], "regression")
    with pytest.raises(
        ConfigError, match=r"metric accuracy is for .* not for regression; for regression there are mae, r2"
    ):
        check_metrics(["accuracy"], "regression")
    with pytest.raises(ConfigError, match="metric top3: of 3 classes it is always 1"):
        check_metrics(["top3"], "multiclass", 3)


def test_a_collection_is_its_metrics() -> None:
    rng = np.random.default_rng(2)
    z, y = rng.normal(size=(30, 3)), rng.integers(0, 3, 30)
    names = ["accuracy", "f1_macro", "roc_auc"]
    a, b, c = (MetricCollection(names) for _ in range(3))
    a.update(z, y)
    b.update(z[:10], y[:10])
    c.update(z[10:], y[10:])
    resumed = MetricCollection(names)
    resumed.load_state_dict(b.state_dict())
    resumed.merge(c)
    assert resumed.compute("train_") == pytest.approx(a.compute("train_"), rel=1e-12)
    assert set(a.compute()) == set(names)
    a.reset()
    assert a.compute() == dict.fromkeys(names)
    with pytest.raises(StateError, match="the state holds 'brier'"):
        a.load_state_dict({"brier.sum": np.zeros(())})
    assert isinstance(MetricCollection({"mine": F1(None)}).metrics["mine"], F1)
