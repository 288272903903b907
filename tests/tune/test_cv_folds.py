"""Folds: which row does what, whatever belongs together or comes later."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from gradwright.errors import ConfigError, DataError
from gradwright.train import Config, parse_config
from gradwright.tune.folds import Fold, draw_folds, one_split, roles_npz
from gradwright.tune.source import Source, read_source


def _config(**more: object) -> Config:
    return parse_config({"source": "iris", **more})


def _source(config: Config) -> Source:
    return read_source(config)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """60 rows of 20 persons in order of time, two classes."""
    random = np.random.default_rng(0)
    lines = ["person,day,x,y"]
    lines += [f"p{i % 20},{i // 2},{random.normal():.3f},{'ab'[i % 2]}" for i in range(60)]
    path = tmp_path_factory.mktemp("folds") / "people.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def _apart(fold: Fold) -> np.ndarray:
    rows = np.concatenate([fold.train, fold.validation, fold.held])
    assert len(np.unique(rows)) == len(rows)
    return rows


@pytest.mark.parametrize("all_rows", [False, True])
def test_every_row_is_held_once_a_repeat_and_the_test_part_only_when_asked_for(all_rows: bool) -> None:
    config = _config()
    source = _source(config)
    folds, notes = draw_folds(source, config, 4, repeats=2, all_rows=all_rows)
    assert [(f.repeat, f.fold) for f in folds] == [(r, i) for r in range(2) for i in range(4)]
    wanted = np.arange(150) if all_rows else source.explored
    for r in range(2):
        held = np.sort(np.concatenate([f.held for f in folds if f.repeat == r]))
        np.testing.assert_array_equal(held, wanted)
    for fold in folds:
        assert np.isin(_apart(fold), wanted).all()
        # at most a row is idle, so that all folds are one program
        assert len(wanted) - len(_apart(fold)) in (0, 1)
    assert len({len(f.train) for f in folds}) == len({len(f.validation) for f in folds}) == 1
    assert notes == []


def test_folds_and_their_stopping_rows_have_the_classes_in_proportion() -> None:
    config = _config()
    source = _source(config)
    target = source.dataset.target.to_numpy() if hasattr(source.dataset.target, "to_numpy") else source.dataset.target
    for fold in draw_folds(source, config, 5)[0]:
        for part in (fold.train, fold.validation, fold.held):
            counts = np.unique(np.asarray(target)[part], return_counts=True)[1]
            assert len(counts) == 3
            assert counts.max() - counts.min() <= 2


def test_the_seed_decides() -> None:
    drawn = [draw_folds(_source(c), c, 3)[0] for c in (_config(), _config(), _config(seed=1))]
    assert all(np.array_equal(a.validation, b.validation) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert not np.array_equal(drawn[0][0].held, drawn[2][0].held)


def test_no_group_stands_on_two_sides(table: str) -> None:
    config = _config(source=table, target="y", group="person")
    source = _source(config)
    persons = np.arange(60) % 20
    for fold in draw_folds(source, config, 4)[0]:
        parts = [set(persons[part]) for part in (fold.train, fold.validation, fold.held, source.parts.test)]
        for i, part in enumerate(parts):
            assert part
            assert not part & set().union(*parts[:i])


def test_by_time_everything_scored_is_later_than_all_that_was_learnt_from(table: str) -> None:
    config = _config(source=table, target="y", time="day")
    source = _source(config)
    days = np.arange(60) // 2
    folds = draw_folds(source, config, 3)[0]
    assert len(folds) == 3
    for fold in folds:
        assert days[fold.train].max() < days[fold.validation].min()
        assert days[fold.validation].max() < days[fold.held].min()
        assert days[fold.held].max() < days[source.parts.test].min()


def test_leave_one_out_holds_every_row_and_leave_one_group_out_every_group(table: str) -> None:
    config = _config(source=table, target="y")
    folds, _ = draw_folds(_source(config), config, leave_one_out=True)
    assert sorted(int(f.held[0]) for f in folds) == _source(config).explored.tolist()
    assert {len(f.held) for f in folds} == {1}
    assert {len(_apart(f)) for f in folds} == {len(folds)}
    config = _config(source=table, target="y", group="person")
    folds, _ = draw_folds(_source(config), config, leave_one_out=True, all_rows=True)
    assert sorted({p for f in folds for p in f.held % 20}) == list(range(20))
    assert all(len(set(f.held % 20)) == 1 and not set(f.held % 20) & set(f.train % 20) for f in folds)


def test_one_split_scores_what_train_validates_with() -> None:
    config = _config()
    source = _source(config)
    [fold], _ = one_split(source, config)
    np.testing.assert_array_equal(fold.held, source.parts.validation)
    np.testing.assert_array_equal(np.sort(np.concatenate([fold.train, fold.validation])), source.parts.train)


def test_the_record_says_which_row_did_what() -> None:
    fold = Fold(1, 0, np.array([0, 3]), np.array([1]), np.array([4]))
    with np.load(io.BytesIO(roles_npz([fold], 6))) as file:
        assert file["roles"].tolist() == [[1, 2, 0, 1, 3, 0]]
        assert (file["repeat"].tolist(), file["fold"].tolist()) == ([1], [0])


def test_errors_say_what_to_do(table: str, tmp_path: Path) -> None:
    config = _config(source=table, target="y", time="day")
    with pytest.raises(ConfigError, match="ask for --folds"):
        draw_folds(_source(config), config, leave_one_out=True)
    with pytest.raises(ConfigError, match="Leave repeats out"):
        draw_folds(_source(config), config, 3, repeats=2)
    config = _config()
    with pytest.raises(ConfigError, match="--repeats would train the same again"):
        draw_folds(_source(config), config, repeats=2, leave_one_out=True)
    with pytest.raises(ConfigError, match="k is 1"):
        draw_folds(_source(config), config, 1)
    few = tmp_path / "few.csv"
    few.write_text("x,y\n" + "".join(f"{i},{i * 1.5}\n" for i in range(8)))
    config = _config(source=str(few), target="y", task="regression")
    with pytest.raises(DataError, match="Ask for fewer folds"):
        draw_folds(_source(config), config, 10)
    config = _config(source=table, target="y", group="person")
    with pytest.raises(DataError, match="groups"):
        draw_folds(_source(config), config, 20)


def test_a_source_with_its_own_test_part_keeps_it(tmp_path: Path) -> None:
    from dataclasses import replace

    config = _config()
    source = _source(config)
    given = replace(source, parts=replace(source.parts, given=True))
    with pytest.raises(ConfigError, match="brings a test part of its own"):
        draw_folds(given, config, 3, all_rows=True)
