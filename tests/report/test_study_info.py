"""The data behind a study's pictures, against NumPy."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report.study_samples import (
    KINDS,
    VARIANTS,
    Files,
    ablate_files,
    compare_files,
    cv_files,
    seeds_files,
    tune_files,
    write_files,
)

from gradwright.report.metric import Metric
from gradwright.report.study import (
    StudyRecord,
    bands_info,
    contest_info,
    groups_info,
    history_info,
    impact_info,
    importance_info,
    members_info,
    parallel_info,
    ranking_info,
    read_study,
    scales_info,
    seeds_info,
    slices_info,
    tune_info,
    validation_info,
)
from gradwright.report.study.dots import Strip, draw_strips
from gradwright.report.study.members import draw_members
from gradwright.report.study.parallel import ParallelInfo, draw_parallel
from gradwright.report.study.scores import score_axis


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Files], StudyRecord]:
    """Write files and read them as a study."""
    return lambda files: read_study(write_files(tmp_path, files))


@pytest.mark.parametrize("metric", ["accuracy", "rmse"])
def test_ranks_are_those_of_numpy(read: Callable[[Files], StudyRecord], metric: str) -> None:
    record = read(tune_files(50, 4, metric=metric))
    ranking = ranking_info(record)
    scores = np.array([t.score for t in record.trials])
    order = np.argsort(-scores if metric == "accuracy" else scores, kind="stable")
    expected = [int(i) for i in order if math.isfinite(scores[i])]
    assert [t.number for t in ranking.order] == expected
    assert {t.number for t in ranking.unscored} == set(np.flatnonzero(~np.isfinite(scores)))
    assert ranking.looks[expected[0]] == "c9"
    assert ranking.looks[expected[-1]] == "c0"
    assert all(ranking.looks[t.number] == "cx" for t in ranking.unscored)


def test_the_best_so_far_is_the_running_best(read: Callable[[Files], StudyRecord]) -> None:
    record = read(tune_files(60, 3))
    complete = [(t.number, t.score) for t in record.trials if t.state == "complete"]
    running = np.maximum.accumulate([s for _, s in complete])
    info = history_info(record)
    steps = [(n, s) for i, (n, s) in enumerate(complete) if i == 0 or running[i] > running[i - 1]]
    assert list(info.steps) == steps
    assert info.steps[-1][0] == tune_info(record).best.number  # type: ignore[union-attr]


def test_bands_are_mean_and_range(read: Callable[[Files], StudyRecord]) -> None:
    record = read(seeds_files(9, epochs=12))  # they end at epochs 9 to 12
    info = next(b for b in bands_info(record, {"all": record.trials}) if b.column == "validation_accuracy")
    table = np.full((9, 12), np.nan)
    for row, t in zip(table, record.trials, strict=True):
        values = record.curves[t.number].columns["validation_accuracy"]
        row[: len(values)] = values
    (band,) = info.bands
    assert info.epochs == tuple(range(1, 13))
    assert info.uneven
    np.testing.assert_allclose(band.mean, np.nanmean(table, axis=0), rtol=1e-13)
    np.testing.assert_array_equal(band.low, np.nanmin(table, axis=0))
    np.testing.assert_array_equal(band.high, np.nanmax(table, axis=0))


def test_scales_follow_the_space(read: Callable[[Files], StudyRecord]) -> None:
    record = read(tune_files(40, 12))
    scales = {s.name: s for s in scales_info(record)}
    assert [s.kind for s in scales.values()][:4] == ["log", "log", "linear", "categorical"]
    assert scales["hidden"].choices == ("[32]", "[64, 64]", "[128, 64, 32]")
    assert (scales["lr"].low, scales["lr"].high) == (1e-5, 1e-1)
    with_momentum = {t.number for t in record.trials if t.parameters["optimizer"] == "sgd"}
    assert set(scales["momentum"].values) == with_momentum
    assert 0 < len(with_momentum) < 40


def test_more_parameters_than_axes_drop_the_least_important(read: Callable[[Files], StudyRecord]) -> None:
    files = tune_files(6, 12, trouble=False)
    trials = [json.loads(line) for line in files["trials.jsonl"].splitlines()]
    for i, t in enumerate(trials):
        t["parameters"] |= {"always the same": 1, "of no weight": i}
    info = parallel_info(read(files | {"trials.jsonl": "\n".join(map(json.dumps, trials))}))
    assert len(info.scales) == 12
    assert info.axes_left_out == 2
    assert "always the same" not in {s.name for s in info.scales}


def test_slices_and_members_hold_the_records(read: Callable[[Files], StudyRecord]) -> None:
    record = read(tune_files(20, 4))
    trials = {t.number: t for t in record.trials}
    infos = slices_info(record)
    assert [i.scale.name for i in infos] == ["lr", "weight_decay", "dropout", "hidden"]
    for number, value, score in zip(infos[0].trials, infos[0].values, infos[0].scores, strict=True):
        assert (trials[number].parameters["lr"], trials[number].score) == (value, score)
    loss, accuracy = members_info(record)
    assert (loss.column, accuracy.column) == ("validation_loss", "validation_accuracy")
    assert accuracy.trials[-1] is ranking_info(record).order[0]


def test_the_recorded_winner_is_drawn_thick_though_a_pruned_one_scored_higher(
    read: Callable[[Files], StudyRecord],
) -> None:
    files = tune_files(10, 2)
    trials = [json.loads(line) for line in files["trials.jsonl"].splitlines()]
    trials[4] |= {"state": "pruned", "score": 0.999}
    record = read(files | {"trials.jsonl": "\n".join(map(json.dumps, trials))})
    winner = json.loads(files["result.json"])["best"]
    assert winner != 4
    assert ranking_info(record).order[0].number == 4
    for info in (parallel_info(record), *members_info(record)):
        assert info.best == info.trials[-1].number == winner
        draw = draw_parallel(info, width=900) if isinstance(info, ParallelInfo) else draw_members(info)
        assert re.findall(r'winner" d="[^"]*" data-trial="(\d+)"', draw.svg) == [str(winner)]


def test_figures_of_the_other_kinds(read: Callable[[Files], StudyRecord]) -> None:
    cv = validation_info(read(files := cv_files()))
    result = json.loads(files["result.json"])
    assert (cv.folds, cv.repeats, cv.mean, cv.std, cv.low, cv.high) == (
        5, 2, *(result[k] for k in ("mean", "std", "low", "high")),
    )  # fmt: skip
    assert [s.score for s in cv.scores] == [f["score"] for f in result["per_fold"]]
    seeds = seeds_info(read(files := seeds_files(5)))
    assert [(seed, s) for seed, _, s in seeds.scores] == [
        (s["seed"], s["score"]) for s in json.loads(files["result.json"])["per_seed"]
    ]
    contest = contest_info(read(compare_files(2)))
    assert contest.pairs == 10
    assert [t.p for t in contest.tests] == [0.0312, 0.1004]
    impact = impact_info(read(ablate_files()))
    assert [p.chance for p in impact.parts] == [p.low <= 0 <= p.high for p in impact.parts]
    assert impact.parts[0].name == "dropout"
    assert impact_info(read(ablate_files(metric="rmse"))).parts[0].name == "dropout"  # higher is worse there
    assert groups_info(read(KINDS["tune"]()))[0].seconds[0] == ("fused", 0.0071)
    importance = importance_info(read(files := tune_files(8, 5)))
    assert importance is not None
    assert dict(importance.shares) == json.loads(files["result.json"])["importance"]


@settings(max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.booleans())
def test_the_better_half_is_never_cut_off(scores: list[float], higher: bool) -> None:
    metric = Metric("r2", "R²", higher)
    axis = score_axis(metric, scores, 300, 20)
    better = sorted(scores, reverse=higher)[: max(1, len(scores) // 2)]
    assert all(axis.low <= s <= axis.high for s in better)


@settings(max_examples=40)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=60))
def test_strips_take_any_scores(scores: list[float]) -> None:
    nan = math.nan
    strip = Strip("a", {str(i): (i, s) for i, s in enumerate(scores)}, nan, nan, nan)
    svg = str(draw_strips([strip], Metric("accuracy", "accuracy", True), key="k", title="t").svg)
    assert svg.count("<circle") == sum(map(math.isfinite, scores))
    assert "nan" not in svg


@pytest.mark.parametrize("name", VARIANTS)
def test_every_info_takes_every_study(read: Callable[[Files], StudyRecord], name: str) -> None:
    record = read(VARIANTS[name])
    for info in (tune_info, validation_info, seeds_info, contest_info, impact_info, history_info, parallel_info):
        assert info(record) is not None
