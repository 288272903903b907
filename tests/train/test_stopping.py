"""Early stopping: the present behaviour, least improvement and warm-up, and Prechelt's rules, worked by hand."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradwright.errors import ConfigError
from gradwright.train.folder import plain
from gradwright.train.stopping import Decision, EarlyStopping, generalization_loss, training_progress

Rows = list[dict[str, Any]]


def rows_of(validation: list[float | None], train: list[float] | None = None, name: str = "validation_loss") -> Rows:
    """One row an epoch; "skip" by a missing figure is written as ``...`` by the callers below."""
    rows: Rows = []
    for i, value in enumerate(validation):
        row: dict[str, Any] = {"epoch": i + 1, "train_loss": 1.0 if train is None else train[i]}
        if value is not ...:
            row[name] = value
        rows.append(row)
    return rows


def first_stop(rule: EarlyStopping, rows: Rows) -> int | None:
    """Return the first epoch after which training stops, asking after each as the trainer does."""
    return next((n for n in range(1, len(rows) + 1) if rule.decide(rows[:n]).stop), None)


# --- patience ---
@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.5, 1.0, math.nan, math.inf]), min_size=1, max_size=30), st.integers(1, 5)
)
def test_patience_does_what_the_trainer_did(losses: list[float], patience: int) -> None:
    best, best_epoch, since, stopped = math.inf, None, 0, None  # the trainer's loop as it stood before
    for epoch, loss in enumerate(losses):
        if loss < best:
            best, best_epoch, since = loss, epoch, 0
        else:
            since += 1
        if since >= patience:
            stopped = epoch + 1
            break
    rule, rows = EarlyStopping(patience=patience), rows_of(losses)
    assert first_stop(rule, rows) == stopped
    assert rule.decide(rows[:stopped]).best == best_epoch
    assert rule.decide(rows[:stopped]).since_best == since


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.5, math.nan, math.inf]), min_size=1, max_size=20))
@pytest.mark.parametrize("rule", ["patience", "gl", "pq", "up"])
def test_rows_that_went_through_json_decide_the_same(rule: Any, losses: list[float]) -> None:
    stopping = EarlyStopping(rule=rule, patience=3, strip=2)
    rows = rows_of(losses, train=[1 / (i + 1) for i in range(len(losses))])
    written = [json.loads(json.dumps(plain(row))) for row in rows]  # NaN and infinity become null
    assert stopping.decide(written) == stopping.decide(rows)


def test_nan_is_never_an_improvement_and_never_the_best() -> None:
    assert EarlyStopping().decide(rows_of([math.nan, math.nan])) == Decision(None, None, 2)
    assert EarlyStopping().decide(rows_of([math.nan, 3.0, math.nan])) == Decision(1, None, 1)
    more = EarlyStopping(monitor="validation_accuracy")
    assert more.decide(rows_of([0.5, math.nan, math.inf], name="validation_accuracy")) == Decision(0, None, 2)


def test_nothing_has_happened_yet() -> None:
    assert EarlyStopping().decide([]) == Decision(None, None, 0)


def test_without_patience_nothing_stops() -> None:
    assert EarlyStopping(patience=None).decide(rows_of([1.0] * 500)) == Decision(0, None, 499)


def test_more_can_be_better() -> None:
    rows = rows_of([0.5, 0.7, 0.6, 0.7], name="validation_roc_auc")
    decision = EarlyStopping(monitor="validation_roc_auc", patience=2).decide(rows)
    assert decision == Decision(1, "early: validation roc auc did not improve for 2 epochs", 2)
    assert EarlyStopping(monitor="score", mode="min").decide([{"score": 2.0}, {"score": 1.0}]).best == 1
    assert EarlyStopping(monitor="score", mode="max").decide([{"score": 2.0}, {"score": 1.0}]).best == 0


def test_least_improvement() -> None:
    rule = EarlyStopping(patience=3, min_delta=0.1)
    # 0.95 and 0.92 are lower than 1.0, but not by more than 0.1; 0.85 is, counted from 1.0 and not from 0.92
    assert rule.decide(rows_of([1.0, 0.95, 0.92])) == Decision(2, None, 2)
    assert rule.decide(rows_of([1.0, 0.95, 0.92, 0.85])) == Decision(3, None, 0)
    late = rule.decide(rows_of([1.0, 0.95, 0.92, 0.91]))
    assert late == Decision(3, "early: validation loss did not improve by more than 0.1 for 3 epochs", 3)


def test_exactly_the_least_improvement_is_none() -> None:
    assert EarlyStopping(min_delta=0.5).decide(rows_of([1.0, 0.5])).since_best == 1


def test_epochs_of_the_warmup_do_not_count() -> None:
    rule = EarlyStopping(patience=2, warmup=3)
    assert rule.decide(rows_of([0.1, 0.2, 0.3])) == Decision(0, None, 0)  # nothing else is there yet
    assert rule.decide(rows_of([0.1, 0.2, 0.3, 0.9])) == Decision(3, None, 0)
    assert rule.decide(rows_of([0.1, 0.2, 0.3, 0.9, 1.0, 1.0])).stop is not None
    assert first_stop(rule, rows_of([0.1, 0.2, 0.3, 0.9, 0.8, 1.0, 1.0])) == 7


def test_epochs_without_validation_are_skipped() -> None:
    rows = rows_of([..., 1.0, ..., 2.0, ..., 3.0])  # type: ignore[list-item]
    assert EarlyStopping(patience=2).decide(rows[:1]) == Decision(None, None, 0)
    assert EarlyStopping(patience=2).decide(rows[:5]) == Decision(1, None, 1)
    words = "early: validation loss did not improve for 2 validations"
    assert EarlyStopping(patience=2).decide(rows) == Decision(1, words, 2)


# --- Prechelt's figures, by hand ---
def test_generalization_loss_by_hand() -> None:
    # 100 · (E_va(t) / E_opt(t) - 1)
    assert generalization_loss([0.5]) == 0
    assert generalization_loss([0.5, 0.4, 0.5]) == pytest.approx(25)  # 0.5 / 0.4 = 1.25
    assert generalization_loss([0.5, 0.4, 0.2]) == 0
    assert generalization_loss([0.0, 0.1]) == math.inf
    assert generalization_loss([0.0, 0.0]) == 0


def test_training_progress_by_hand() -> None:
    # 1000 · (Σ / (k · min) - 1): the strip 5 4 3 2 1 has the sum 15, and 5 · 1 below: 1000 · (3 - 1)
    assert training_progress([5.0, 4.0, 3.0, 2.0, 1.0]) == pytest.approx(2000)
    assert training_progress([1.0, 1.1, 1.2]) == pytest.approx(100)  # 3.3 / 3 = 1.1
    assert training_progress([2.0, 2.0]) == 0
    assert training_progress([0.0, 1.0]) == math.inf
    assert training_progress([0.0, 0.0]) == 0


def test_gl_stops_after_the_first_epoch_above_alpha() -> None:
    # GL: 0, 0, 4 (0.52 / 0.5), 0 (0.4 is the lowest now), 5 (not above 5), 7.5
    rows = rows_of([1.0, 0.5, 0.52, 0.4, 0.42, 0.43])
    assert first_stop(EarlyStopping(rule="gl", alpha=5.1), rows) == 6
    assert first_stop(EarlyStopping(rule="gl", alpha=3.9), rows) == 3
    assert first_stop(EarlyStopping(rule="gl", alpha=8), rows) is None
    words = EarlyStopping(rule="gl", alpha=3).decide(rows).stop
    assert words == "early: validation loss in epoch 6 is 7.5% above its lowest (GL > 3)"
    assert EarlyStopping(rule="gl", alpha=3).decide(rows).best == 3


def test_pq_stops_at_the_end_of_a_strip_whose_loss_outweighs_its_progress() -> None:
    # Strips of 2; 3, 4: P = 1000 · ((0.8 + 0.5) / (2 · 0.5) - 1) = 300, GL(4) = 100 · (0.66 / 0.6 - 1) = 10: 1/30.
    # 5, 6: P = 1000 · ((0.5 + 0.49) / (2 · 0.49) - 1) = 10.2…, GL(6) = 20: 1.96.
    validation, train = [1.0, 0.6, 0.9, 0.66, 0.9, 0.72], [2.0, 1.0, 0.8, 0.5, 0.5, 0.49]
    rows = rows_of(validation, train)
    assert first_stop(EarlyStopping(rule="pq", alpha=0.03, strip=2), rows) == 4  # never after 3, which ends no strip
    assert first_stop(EarlyStopping(rule="pq", alpha=0.04, strip=2), rows) == 6
    assert first_stop(EarlyStopping(rule="pq", alpha=1.95, strip=2), rows) == 6
    assert first_stop(EarlyStopping(rule="pq", alpha=1.97, strip=2), rows) is None


def test_pq_of_training_that_stands_still() -> None:
    still = [1.0, 1.0]
    assert first_stop(EarlyStopping(rule="pq", strip=2), rows_of([1.0, 1.1], still)) == 2  # something over nothing
    assert (
        first_stop(EarlyStopping(rule="pq", strip=2), rows_of([1.0, 0.9], still)) is None
    )  # no loss, whatever progress


def test_up_counts_successive_strips() -> None:
    # Strip ends (k = 2): 1.0, 1.1 (up), 0.9 (down), 1.0 (up), 1.2 (up), 1.3 (up); what lies between does not matter
    validation = [9.0, 1.0, 0.1, 1.1, 9.0, 0.9, 0.1, 1.0, 9.0, 1.2, 0.1, 1.3]
    for rises, epoch in ((1, 4), (2, 10), (3, 12), (4, None)):
        assert first_stop(EarlyStopping(rule="up", rises=rises, strip=2), rows_of(validation)) == epoch
    words = EarlyStopping(rule="up", rises=2, strip=2).decide(rows_of(validation[:10])).stop
    assert words == "early: validation loss rose in 2 successive strips of 2 epochs"
    fallen = rows_of([-v for v in validation], name="validation_accuracy")
    assert first_stop(EarlyStopping("validation_accuracy", rule="up", rises=2, strip=2), fallen) == 10


def test_strips_are_counted_after_the_warmup() -> None:
    rows = rows_of([0.1, 1.0, 1.0, 2.0, 2.0])
    assert first_stop(EarlyStopping(rule="up", rises=1, strip=2, warmup=1), rows) == 5
    assert first_stop(EarlyStopping(rule="gl", warmup=1), rows) == 4


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), min_size=1, max_size=24),
    st.integers(1, 4),
    st.integers(1, 3),
    st.floats(0.1, 50),
)
def test_the_rules_are_prechelts_definitions(pairs: list[tuple[int, int]], k: int, s: int, alpha: float) -> None:
    va = [math.nan] + [float(v + 1) for v, _ in pairs]  # from 1, as in the paper
    tr = [math.nan] + [float(t) for _, t in pairs]
    last = len(pairs)

    def gl(t: int) -> float:
        return 100 * (va[t] / min(va[1 : t + 1]) - 1)

    def p(t: int) -> float:
        strip = tr[t - k + 1 : t + 1]
        return 1000 * (math.fsum(strip) / (k * min(strip)) - 1)

    def up(s: int, t: int) -> bool:  # "UP_s: stop after epoch t iff UP_{s-1} stops after epoch t-k and E(t) > E(t-k)"
        return t - k >= k and va[t] > va[t - k] and (s == 1 or up(s - 1, t - k))

    ends = range(k, last + 1, k)
    rows = rows_of(va[1:], tr[1:])
    expected = next((t for t in range(1, last + 1) if gl(t) > alpha), None)
    assert first_stop(EarlyStopping(rule="gl", alpha=alpha), rows) == expected
    if all(p(t) > 1e-9 for t in ends):
        expected = next((t for t in ends if gl(t) / p(t) > alpha), None)
        assert first_stop(EarlyStopping(rule="pq", alpha=alpha, strip=k), rows) == expected
    expected = next((t for t in ends if up(s, t)), None)
    assert first_stop(EarlyStopping(rule="up", rises=s, strip=k), rows) == expected


# --- what makes no sense ---
def test_an_unknown_figure_is_named_with_those_that_are_there() -> None:
    rows = rows_of([1.0])
    with pytest.raises(ConfigError, match=r"'validation_f1_macro', which no epoch has; there are .*validation_loss"):
        EarlyStopping(monitor="validation_f1_macro").decide(rows)
    with pytest.raises(ConfigError, match="'train_accuracy', which no epoch has"):
        EarlyStopping(monitor="train_accuracy").decide(rows_of([...]))  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"patience": 0}, "patience is 0; expected 1 or more"),
        ({"warmup": -1}, "warmup is -1"),
        ({"strip": 0}, "strip is 0"),
        ({"rises": 0}, "rises is 0"),
        ({"min_delta": math.nan}, "min_delta is nan"),
        ({"min_delta": -1.0}, "min_delta is -1.0"),
        ({"alpha": 0.0, "rule": "gl"}, "alpha is 0.0"),
        ({"rule": "GL"}, "no rule 'GL'; there are patience, gl, pq, up"),
        ({"mode": "more"}, "mode is 'more'"),
        ({"rule": "gl", "monitor": "validation_accuracy"}, "more is better; watch a loss"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        EarlyStopping(**settings)


def test_a_direction_that_nobody_knows_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="say mode='min' or 'max'"):
        EarlyStopping(monitor="validation_happiness")


def test_ratios_of_negative_errors_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"validation_loss is -0.5 in epoch 2; the rule gl compares errors"):
        EarlyStopping(rule="gl").decide(rows_of([1.0, -0.5]))
    with pytest.raises(ConfigError, match="train_loss is -1 in epoch 1"):
        EarlyStopping(rule="pq", strip=1).decide(rows_of([1.0], [-1.0]))
