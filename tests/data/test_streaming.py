"""Streams: every row once, orders by seed and epoch, resumed at every step, prepared like what fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gradwright import data
from gradwright.data import DataWarning, Preparation, StreamPart, infer_task, stream
from gradwright.data.looks import part_of_numbers
from gradwright.data.streaming import fitting
from gradwright.data.streaming.membership import hashed, mixed, part_of
from gradwright.data.streaming.parquet import ParquetSource
from gradwright.data.streaming.running import RunningMoments
from gradwright.errors import ConfigError, DataError

ROWS = 400


@pytest.fixture
def frame() -> pl.DataFrame:
    """A table with all kinds of columns; ``mark`` tells the rows apart."""
    rng = np.random.default_rng(0)
    values = rng.normal(3.0, 2.0, ROWS)
    return pl.DataFrame(
        {
            "mark": np.arange(ROWS, dtype=np.float64),
            "size": [None if i % 7 == 0 else v for i, v in enumerate(values)],
            "colour": [["red", "blue", None, "green"][i % 4] for i in range(ROWS)],
            "wet": [None if i % 50 == 3 else bool(i % 3 == 0) for i in range(ROWS)],
            "day": pl.Series([20_000 + i % 90 for i in range(ROWS)]).cast(pl.Date),
            "same": [4.0] * ROWS,
            "id": range(ROWS),
            "name": [f"row number {i}" for i in range(ROWS)],
            "y": [["yes", "no"][int(v > 3)] for v in values],
        }
    )


@pytest.fixture
def path(frame: pl.DataFrame, tmp_path: Path) -> Path:
    frame.write_parquet(tmp_path / "rows.parquet", row_group_size=64)
    return tmp_path / "rows.parquet"


@pytest.fixture
def plain(frame: pl.DataFrame, tmp_path: Path) -> Path:
    """The same rows with one feature, which is read quickly."""
    frame.select("mark", "y").write_parquet(tmp_path / "plain.parquet", row_group_size=64)
    return tmp_path / "plain.parquet"


def opened(path: Path | str, **more: Any) -> data.Streamed:
    size = 4 * 20 * (1 if Path(path).stem == "plain" else 10)  # about 20 rows
    return stream(path, **{"target": "y", "batch_size": 8, "block_bytes": size, **more})


def marks(part: StreamPart, preparation: Preparation, chunks: Iterator[Any]) -> list[int]:
    """Return the numbers of the rows, found again by the column that counts them."""
    mark = preparation.columns[0]
    return [round(float(v) * mark.std + mark.mean) for x, _ in chunks for v in x[:, 0]]


def test_every_row_comes_with_its_own_target(frame: pl.DataFrame, plain: Path) -> None:
    streamed = opened(plain)
    found = marks(streamed.train, streamed.preparation, streamed.train.blocks(1))
    labels = np.concatenate([y for _, y in streamed.train.blocks(1)])
    assert streamed.task.decode(labels) == [frame["y"][mark] for mark in found]


# --- order ------------------------------------------------------------------------------------------------------------
def test_every_row_is_in_one_part_and_once_an_epoch(plain: Path) -> None:
    streamed = opened(plain)
    parts = (streamed.train, streamed.validation, streamed.test)
    found = [marks(p, streamed.preparation, p.blocks(epoch=1)) for p in parts]
    assert [len(f) for f in found] == [p.rows for p in parts]
    assert sorted([*found[0], *found[1], *found[2]]) == list(range(ROWS))
    assert 0.6 * ROWS < streamed.train.rows < 0.8 * ROWS
    assert len(streamed.train._blocks) > 12  # so that there are several windows


def test_orders_differ_by_epoch_and_by_seed_and_are_shuffled(plain: Path) -> None:
    streamed, again, other = opened(plain), opened(plain), opened(plain, seed=1)
    first = marks(streamed.train, streamed.preparation, streamed.train.blocks(1))
    assert first == marks(again.train, again.preparation, again.train.blocks(1))
    second = marks(streamed.train, streamed.preparation, streamed.train.blocks(2))
    assert sorted(first) == sorted(second)
    assert first != second
    assert {m // 20 for m in first[:40]} != {m // 20 for m in second[:40]}  # other blocks come first
    assert set(marks(other.train, other.preparation, other.train.blocks(1))) != set(first)
    # rows that were neighbours in the file are rarely so now: in a uniform order 2 in n pairs are
    for order in (first, second):
        steps = np.abs(np.diff(order))
        assert np.mean(steps == 1) < 0.1
        assert np.mean(steps) > ROWS / 8


@pytest.mark.parametrize("batch_size", [1, 8, 30, 1000])
def test_chunks_are_whole_batches_of_one_size(plain: Path, batch_size: int) -> None:
    train = opened(plain, batch_size=batch_size).train
    sizes = [len(x) for x, _ in train.blocks(epoch=3)]
    assert sum(sizes) == train.rows
    assert len(set(sizes[:-1])) <= 1
    assert all(size % batch_size == 0 for size in sizes[:-1])
    assert train.steps == -(-train.rows // batch_size)


@pytest.mark.parametrize("batch_size", [8, 37])
def test_resumed_at_every_step(plain: Path, batch_size: int) -> None:
    """What is left after any step is, bit for bit, what an uninterrupted epoch had left."""
    train = opened(plain, batch_size=batch_size).train
    x, y = (np.concatenate(c) for c in zip(*train.blocks(epoch=2), strict=True))
    for step in range(train.steps + 2):
        rest = (
            list(opened(plain, batch_size=batch_size).train.blocks(2, step))
            if step == 5
            else list(train.blocks(2, step))
        )
        if step >= train.steps:
            assert not rest
            continue
        assert all(len(a) % batch_size == 0 for a, _ in rest[:-1])
        np.testing.assert_array_equal(np.concatenate([a for a, _ in rest]), x[step * batch_size :])
        np.testing.assert_array_equal(np.concatenate([b for _, b in rest]), y[step * batch_size :])


def test_what_is_left_out_is_not_read(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = opened(plain).train
    read = []
    original = train._source.read
    monkeypatch.setattr(train._source, "read", lambda b, c: read.append(b) or original(b, c))
    list(train.blocks(1, train.steps - 1))
    assert 0 < len(read) <= 8  # of more than 20 blocks


def test_hash_is_splitmix64() -> None:
    """Reference values of the authors' generator: from the state s, the outputs are the finalized s + k · golden."""
    state, outputs = 1234567, []
    for _ in range(3):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) % 2**64
        outputs.append(z ^ z >> 31)
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]  # published
    base = mixed(5, 0)
    z = (base + 3 * 0x9E3779B97F4A7C15) % 2**64
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) % 2**64
    assert int(hashed(2, 1, key=5)[0]) == z ^ z >> 31


def test_parts_are_independent_draws() -> None:
    """Shares, neighbours and parts under two seeds are those of independent draws, within four standard deviations."""
    n = 200_000
    a, b = (part_of(0, n, seed=s, validation=0.2, test=0.1) for s in (0, 1))
    for part, share in ((1, 0.2), (2, 0.1)):
        assert abs(np.mean(a == part) - share) < 4 * np.sqrt(share * (1 - share) / n)
    for one, two in ((a[1:], a[:-1]), (a, b)):
        assert abs(np.mean((one == 1) & (two == 1)) - 0.04) < 4 * np.sqrt(0.04 * 0.96 / n)


# --- the preparation --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("target", ["y", "size2"])
def test_fitted_like_what_is_in_memory(frame: pl.DataFrame, tmp_path: Path, target: str) -> None:
    """Task, preparation and prepared rows agree with those of the same rows read at once."""
    frame = frame.with_columns(size2=pl.col("mark") ** 1.5 + 0.25)
    frame.write_parquet(tmp_path / "rows.parquet", row_group_size=64)
    streamed = opened(tmp_path / "rows.parquet", target=target)
    whole = data.read(frame, target=target)
    task = infer_task(whole)
    assert (streamed.task.kind, streamed.task.classes) == (task.kind, task.classes)
    assert streamed.task.class_counts == task.class_counts
    blocks = marks(streamed.train, streamed.preparation, [streamed.train.arrays([])])
    rows = whole.take(blocks)
    y = task.encode(rows.target)
    expected = Preparation.fit(rows.features, None if task.is_classification else y)
    assert streamed.preparation.feature_names == expected.feature_names
    for mine, other in zip(streamed.preparation.columns, expected.columns, strict=True):
        assert type(mine) is type(other)
        for name, value in other.to_dict().items():
            if isinstance(value, float):
                assert mine.to_dict()[name] == pytest.approx(value, rel=1e-12, abs=1e-12), (mine.name, name)
            else:
                assert mine.to_dict()[name] == value
    x, encoded = streamed.train.arrays([])
    np.testing.assert_allclose(x, expected.transform(rows.features, notes=[]), rtol=1e-6, atol=1e-6)
    scaled = y if task.is_classification else expected.scale_target(y)[:, None]
    assert encoded.dtype == scaled.dtype
    np.testing.assert_allclose(encoded, scaled, rtol=1e-6, atol=1e-6)


def test_a_sample_gives_medians_alone(frame: pl.DataFrame, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = opened(path)
    monkeypatch.setattr(fitting, "SAMPLE_ROWS", 120)
    sampled = opened(path)
    assert "sample of" in sampled.preparation.notes[-1]
    assert not any("sample of" in note for note in whole.preparation.notes)
    mark, exact = sampled.preparation.columns[0], whole.preparation.columns[0]
    assert (mark.mean, mark.std) == (exact.mean, exact.std)
    assert mark.median != exact.median
    assert abs(mark.median - exact.median) < 60
    assert sampled.preparation.columns[2] == whole.preparation.columns[2]
    assert sampled.task.class_counts == whole.task.class_counts


def test_running_moments_are_numpys() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(1e6, 1.0, 1000)
    values[::9] = np.nan
    moments = RunningMoments()
    for piece in np.split(values, [0, 1, 2, 9, 500]):
        moments.add(piece)
    good = values[~np.isnan(values)]
    assert (moments.count, moments.missing) == (len(good), 112)
    assert moments.mean == pytest.approx(good.mean(), rel=1e-14)
    assert moments.std == pytest.approx(good.std(), rel=1e-9)
    filled = np.where(np.isnan(values), 5.0, values)
    assert moments.filled(5.0).std == pytest.approx(filled.std(), rel=1e-12)
    constant = RunningMoments()
    for _ in range(3):
        constant.add(np.full(7, 0.1))
    assert constant.std == 0


def test_categories_that_only_other_parts_have_are_reported(tmp_path: Path) -> None:
    inside = part_of(0, 100, seed=0, validation=0.2, test=0.2)
    colour = np.where(inside == 1, "teal", np.where(np.arange(100) % 2 == 0, "red", "blue"))
    pl.DataFrame({"c": colour, "y": [i % 2 for i in range(100)]}).write_parquet(tmp_path / "a.parquet")
    streamed = stream(tmp_path / "a.parquet", target="y", validation=0.2, test=0.2)
    assert streamed.preparation.feature_names == ("c=blue", "c=red")
    with pytest.warns(DataWarning, match="'teal' was not seen"):
        streamed.validation.arrays()
    notes: list[Any] = []
    x, y = streamed.validation.arrays(notes)
    assert len(notes) == 1
    assert not x.any()
    assert len(y) == streamed.validation.rows


# --- sources ----------------------------------------------------------------------------------------------------------
def test_several_files_are_one_source(frame: pl.DataFrame, path: Path) -> None:
    one = opened(path)
    folder = path.parent / "days"
    folder.mkdir()
    for i, start in enumerate((0, 130, 133)):
        frame[start : (130, 133, ROWS)[i]].write_parquet(folder / f"day-{i}.parquet")
    for source in (folder, str(folder / "day-*.parquet")):
        many = opened(source)
        assert many.rows == ROWS
        mine, other = many.train.arrays([]), one.train.arrays([])
        np.testing.assert_allclose(mine[0], other[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(mine[1], other[1])
        assert sorted(marks(many.train, many.preparation, many.train.blocks(1))) == sorted(
            marks(one.train, one.preparation, one.train.blocks(1))
        )


def test_columns_are_chosen(path: Path) -> None:
    streamed = opened(path, columns=["size", "mark"])
    assert streamed.preparation.feature_names == ("size", "size (missing)", "mark")


@pytest.mark.parametrize("kind", ["table", "bytes", "floats"])
def test_npy(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    shape = (120, 3) if kind == "table" else (120, 2, 3)
    x = rng.integers(0, 255, shape).astype(np.uint8) if kind == "bytes" else rng.normal(size=shape).astype(">f4")
    np.save(tmp_path / "X.npy", x)
    np.save(tmp_path / "y.npy", x.reshape(120, -1).astype(float)[:, :1] * 2)
    streamed = stream(tmp_path, batch_size=4, block_bytes=200, task="regression")
    rows = np.flatnonzero(part_of(0, 120, seed=0, validation=0.15, test=0.15) == 0)
    native = x.astype(x.dtype.newbyteorder("="))[rows]
    raw = {f"x{i}": native[:, i] for i in range(3)} if kind == "table" else native
    expected = Preparation.fit(pl.DataFrame(raw) if kind == "table" else raw, native.reshape(len(rows), -1)[:, 0] * 2.0)
    got, y = streamed.train.arrays()
    np.testing.assert_allclose(
        got, expected.transform(pl.DataFrame(raw) if kind == "table" else raw), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(y[:, 0], expected.scale_target(native.reshape(len(rows), -1)[:, 0] * 2.0), atol=1e-6)
    epoch = np.concatenate([a for a, _ in streamed.train.blocks(1)])
    assert sorted(map(tuple, epoch.tolist())) == sorted(map(tuple, got.tolist()))
    one, target = streamed.train.example()
    assert one.shape == (1, got.shape[1])
    assert target.shape == (1, 1)


# --- faults -----------------------------------------------------------------------------------------------------------
def refused(words: str, source: Any, **more: Any) -> None:
    with pytest.raises(DataError) as caught:
        stream(source, **{"target": "y", "block_bytes": 800, **more})
    assert words in str(caught.value)


def test_a_file_cut_short(path: Path) -> None:
    whole = path.read_bytes()
    for size in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused("rows.parquet': it is no whole Parquet file", path)


def test_a_file_damaged_in_the_middle_is_named_with_its_rows(frame: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    frame.select("mark", "y").write_parquet(path, row_group_size=100, compression="zstd", statistics=False)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle - 40 : middle + 40] = bytes(80)
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"cannot read rows \d+ to \d+ of '.*rows.parquet'"):
        stream(path, target="y", block_bytes=800)


def test_a_file_that_changes_meanwhile(frame: pl.DataFrame, path: Path) -> None:
    train = opened(path).train
    frame[:100].write_parquet(path)
    with pytest.raises(DataError, match=r"rows\.parquet' on: it has changed since"):
        list(train.blocks(1))
    path.unlink()
    with pytest.raises(DataError, match=r"rows\.parquet': No such file"):
        train.example()


def test_values_that_cannot_be_are_named_by_file_and_row(frame: pl.DataFrame, tmp_path: Path) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    training = [int(i) for i in np.flatnonzero(part_of(0, ROWS, seed=0, validation=0.15, test=0.15) == 0)]
    row = next(i for i in training if i > 250)
    for column, value, target, words in (
        ("mark", float("inf"), "y", f"day-1.parquet', row {row - 200}, column 'mark': found inf"),
        ("y", None, "y", f"day-1.parquet', row {row - 200}, target 'y': found nothing"),
        ("mark", float("nan"), "mark", f"day-1.parquet', row {row - 200}, target 'mark': found nan"),
    ):
        broken = frame.with_row_index("at").with_columns(
            pl.when(pl.col("at") == row).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
        )
        for i in range(2):
            broken[200 * i : 200 * (i + 1)].drop("at").write_parquet(folder / f"day-{i}.parquet")
        refused(words, folder, target=target)


def test_tables_that_do_not_fit(frame: pl.DataFrame, path: Path, tmp_path: Path) -> None:
    refused("no column 'yy'; did you mean 'y'?", path, target="yy")
    refused("no column 'sise'; did you mean 'size'?", path, columns=["sise"])
    refused("no features are left", path, columns=["y"])
    refused("no Parquet file at", tmp_path / "nothing-*.parquet")
    folder = tmp_path / "days"
    folder.mkdir()
    frame.write_parquet(folder / "a.parquet")
    frame.with_columns(pl.col("mark").cast(pl.Int32)).write_parquet(folder / "b.parquet")
    refused("b.parquet', column 'mark': expected Float64 as in", folder)
    frame.rename({"size": "Size"}).write_parquet(folder / "b.parquet")
    refused("column 'size': expected Float64 as in", folder)
    frame[:0].write_parquet(tmp_path / "none.parquet")
    refused("no rows", tmp_path / "none.parquet")
    refused("cannot predict the target 'day'", path, target="day")
    (tmp_path / "text.parquet").write_text("a,b\n1,2\n")
    refused("no whole Parquet file", tmp_path / "text.parquet")


def test_npy_files_that_do_not_fit(tmp_path: Path) -> None:
    x, y = tmp_path / "X.npy", tmp_path / "y.npy"
    np.save(x, np.zeros((6, 2)))
    refused("no such file", x, target=None)
    np.save(y, np.arange(5))
    refused("one number, boolean or text for each of the 6 rows", x, target=None)
    np.save(y, np.arange(6).astype("M8[D]"))
    refused("expected one number", x, target=None)
    np.save(y, np.arange(6))
    np.save(x, np.array([["a"], ["b"]]))
    refused("expected numbers", x, target=None)
    np.save(x, np.array([[object()]] * 6), allow_pickle=True)
    refused("never unpickled", x, target=None)
    np.save(x, np.zeros((6, 2)))
    x.write_bytes(x.read_bytes()[:-8])
    refused("X.npy'", x, target=None)
    np.savez(tmp_path / "a.npz", x=1)
    x.write_bytes((tmp_path / "a.npz").read_bytes())
    refused("Expected a whole NPY file", x, target=None)
    images = np.zeros((6, 2, 2))
    images[4, 1, 1] = np.inf
    np.save(x, images)
    assert part_of(4, 1, seed=2, validation=0.15, test=0.15)[0] == 0
    refused("X.npy', row 4: found an infinite pixel", x, target=None, seed=2)


def test_what_is_too_large_to_be_read_at_once_says_how_to_stream(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradwright.data.limits.MAX_BYTES", 1000)
    with pytest.raises(DataError, match=r"streamed = gradwright\.data\.stream\('rows\.parquet', target='label'\)"):
        data.read(path)


def test_arguments(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (
        {"batch_size": 0}, {"seed": -1}, {"validation": 0.0}, {"validation": 0.5, "test": 0.5}, {"block_bytes": 0.5},
        {"target": None},
    ):  # fmt: skip
        with pytest.raises(ConfigError, match="stream"):
            opened(path, **wrong)
    train = opened(path).train
    with pytest.raises(ConfigError, match="start_step"):
        train.blocks(1, -1)
    monkeypatch.setattr("gradwright.data.streaming.part.MAX_ARRAYS", 2000)
    with pytest.raises(DataError, match=r"arrays\(\) gives at most"):
        train.arrays()


def test_the_first_pass_says_how_far_it_is(path: Path) -> None:
    said: list[tuple[int, int]] = []
    opened(path, progress=lambda done, total: said.append((done, total)))
    assert said[-1] == (ROWS, ROWS)
    assert [d for d, _ in said] == sorted({d for d, _ in said})


# --- for whole jobs ---------------------------------------------------------------------------------------------------
def test_a_part_in_the_files_order_in_pieces_of_any_size(frame: pl.DataFrame, plain: Path) -> None:
    streamed = opened(plain)
    x, y = streamed.test.arrays()
    numbers = np.concatenate(list(streamed.test.members()))
    assert len(numbers) == len(streamed.test) == streamed.test.rows
    assert streamed.task.decode(y) == frame["y"][numbers].to_list()
    for size in (1, 7, 20, 33, len(y), 1000):
        pieces = list(streamed.test.in_order(size))
        assert {len(a) for a, _ in pieces[:-1]} <= {size}
        np.testing.assert_array_equal(np.concatenate([a for a, _ in pieces]), x)
        np.testing.assert_array_equal(np.concatenate([b for _, b in pieces]), y)


def test_quantities_are_in_their_own_unit(frame: pl.DataFrame, plain: Path) -> None:
    streamed = opened(plain, target="mark", columns=["y"])
    target = np.concatenate([t for _, t in streamed.validation.in_order(10)])
    assert target.tolist() == frame["mark"][np.concatenate(list(streamed.validation.members()))].to_list()


def test_batches_of_another_size_are_those_of_a_stream_with_it(plain: Path) -> None:
    other, made = opened(plain).train.batched(24), opened(plain, batch_size=24).train
    assert other.steps == made.steps
    for a, b in zip(other.blocks(2, 3), made.blocks(2, 3), strict=True):
        np.testing.assert_array_equal(a[0], b[0])


def test_classes_are_counted_without_reading_features(
    frame: pl.DataFrame, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streamed = opened(plain)
    there = frame["y"][np.concatenate(list(streamed.train.members()))].to_list()
    asked: list[Any] = []
    whole = ParquetSource.read
    monkeypatch.setattr(ParquetSource, "read", lambda *args: asked.append(args[2]) or whole(*args))
    assert streamed.train.class_counts().tolist() == [there.count(c) for c in streamed.task.classes or ()]
    assert asked
    assert not any(asked)


def test_the_sample_is_of_training_rows(frame: pl.DataFrame, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "SAMPLE_ROWS", 100)
    streamed = opened(plain)
    marks_ = streamed.sample.features["mark"].cast(pl.Int64).to_list()
    assert 60 < len(marks_) < 140
    assert set(marks_) <= set(np.concatenate(list(streamed.train.members())).tolist())
    assert streamed.sample.target.to_list() == [frame["y"][mark] for mark in marks_]


def test_fingerprints_are_of_bytes_and_parts_of_rows(frame: pl.DataFrame, plain: Path, tmp_path: Path) -> None:
    first, again = opened(plain), opened(plain, seed=1)
    content = first.fingerprint()
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "plain.parquet").write_bytes(plain.read_bytes())
    assert opened(copy / "plain.parquet").fingerprint() == content
    frame.select("mark", "y").reverse().write_parquet(copy / "plain.parquet", row_group_size=64)
    assert opened(copy / "plain.parquet").fingerprint() != content
    part, other = first.test_part(content), again.test_part(content)
    assert part == opened(plain).test_part(content)
    assert part.rows == first.test.rows
    mine, theirs = (set(np.concatenate(list(s.test.members())).tolist()) for s in (first, again))
    assert set(part.sample) == mine
    assert part.share_in(other) == pytest.approx(len(mine & theirs) / len(mine))
    more = opened(plain, test=0.3, validation=0.15).test_part(content)  # the next share of the same numbers
    assert part.share_in(more) == 1.0
    assert part.fingerprint != more.fingerprint


def test_the_sample_of_a_large_part_is_that_of_all_its_rows() -> None:
    numbers = np.arange(0, 50_000, 3)
    whole = part_of_numbers("sha256:0", "", [numbers])
    pieces = part_of_numbers("sha256:0", "", np.array_split(numbers, 13))
    assert pieces == whole
    assert len(whole.sample) == 1024
    assert part_of_numbers("sha256:0", "other", [np.arange(0, 50_000, 6)]).share_in(whole) == 1.0
