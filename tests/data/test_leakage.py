"""The audit: planted leaks of every kind are found, and nothing is found where there is nothing."""

import json
import time
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import make_blobs, make_classification, make_friedman1, make_regression

from gradwright.data import LabeledRows, Leak, Preparation, Split, Task, audit, infer_task, read, split

SEEDS = range(2)


def table(seed: int, rows: int = 400, kind: str = "classes", features: int = 6) -> pl.DataFrame:
    """A task that can be learnt but not by one column."""
    if kind == "classes":
        x, y = make_classification(
            rows, features, n_informative=4, n_redundant=1, n_classes=3, n_clusters_per_class=1, random_state=seed
        )
    elif kind == "blobs":
        x, y = make_blobs(rows, features, centers=5, cluster_std=4.0, random_state=seed)
    elif kind == "friedman":
        x, y = make_friedman1(rows, max(features, 5), noise=1.0, random_state=seed)
    else:
        x, y = make_regression(rows, features, n_informative=5, noise=20.0, random_state=seed)
    return pl.DataFrame({f"c{i}": x[:, i] for i in range(x.shape[1])}).with_columns(y=pl.Series(y))


def with_copies(frame: pl.DataFrame, seed: int, count: int = 12, **noise) -> pl.DataFrame:
    """Some rows once more at the end, perhaps with noise in the numbers."""
    copies = frame.sample(count, seed=seed)
    if noise:
        random = np.random.default_rng(seed)
        names = [name for name in frame.columns if name.startswith("c")]
        copies = copies.with_columns(
            *[pl.col(name) + pl.Series(random.normal(size=count) * noise["by"] * frame[name].std()) for name in names]
        )
    return pl.concat([frame, copies])


def run(frame, seed: int = 0, *, fit: bool = True, **options) -> list[Leak]:
    dataset, task, parts = taken(frame, seed)
    preparation = fitted(dataset, task, parts.train, parts) if fit else None
    return audit(dataset, task, parts, preparation, **options)


def taken(frame, seed: int = 0, **options) -> tuple[LabeledRows, Task, Split]:
    dataset = read(frame, target="y") if isinstance(frame, pl.DataFrame) else read(frame)
    task = infer_task(dataset)
    return dataset, task, split(dataset, task, seed=seed, **options)


def fitted(dataset, task, rows, parts) -> Preparation:
    some = dataset.take(rows)
    target = None if task.is_classification else task.encode(some.target)
    return Preparation.fit(some.features, target, drop=parts.not_features)


def only(leaks: list[Leak], kind: str) -> Leak:
    found = [leak for leak in leaks if leak.kind == kind]
    assert len(found) == 1, leaks
    return found[0]


def straddling(frame: pl.DataFrame, seed: int, count: int) -> int:
    """How many held-out rows have their copy in an earlier part: row n - count + i is the copy of some row."""
    _, _, parts = taken(frame, seed)
    part = np.zeros(frame.height, int)
    part[parts.validation], part[parts.test] = 1, 2
    x = frame.drop("y").to_numpy()[: frame.height - count]
    found = 0
    for row in range(frame.height - count, frame.height):
        original = np.abs(x - frame.drop("y").to_numpy()[row]).sum(1).argmin()
        found += part[row] != part[original]
    return found


# -- planted leaks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["classes", "blobs", "friedman", "regression"])
@pytest.mark.parametrize("seed", SEEDS)
def test_equal_rows_are_found_and_named(kind, seed):
    frame = with_copies(table(seed, kind=kind), seed)
    leak = only(leaks := run(frame, seed), "duplicate")
    assert {leak.kind for leak in leaks} == {"duplicate"}
    assert sum(leak.counts.values()) == straddling(frame, seed, 12) > 0
    assert leak.severity == "warning"
    assert all(pair.count(", row ") == 2 for pair in leak.rows)
    assert {pair.split()[-1] for pair in leak.rows} <= {"(validation)", "(training)"}


@pytest.mark.parametrize("kind", ["classes", "blobs", "friedman", "regression"])
@pytest.mark.parametrize("seed", SEEDS)
def test_copies_with_noise_are_found(kind, seed):
    frame = with_copies(table(seed, kind=kind), seed, by=0.003)
    leak = only(leaks := run(frame, seed), "near duplicate")
    assert {leak.kind for leak in leaks} == {"near duplicate"}
    planted = straddling(frame, seed, 12)
    assert 0.6 * planted <= sum(leak.counts.values()) <= planted
    for pair in leak.rows:
        first, second = (int(words.split("row ")[1].split()[0]) for words in pair.split(" and "))
        assert max(first, second) >= 400, "one of the two is a copy"


@pytest.mark.parametrize("seed", SEEDS)
def test_changed_pictures_are_found(seed):
    digits = read("digits")
    images = digits.features.astype(np.float64)
    random = np.random.default_rng(seed)
    chosen = random.choice(1797, 40, replace=False)
    copies = images[chosen] * random.uniform(0.5, 1.5, (40, 1, 1)) + 3 + random.normal(size=(40, 8, 8)) * 0.2
    dataset, task, parts = taken((np.concatenate([images, copies]), np.r_[digits.target, digits.target[chosen]]), seed)
    leak = only(audit(dataset, task, parts), "near duplicate")
    part = np.zeros(1837, int)
    part[parts.validation], part[parts.test] = 1, 2
    planted = int((part[chosen] != part[1797:]).sum())
    assert 0.8 * planted <= sum(leak.counts.values()) <= planted


def test_texts_in_another_spelling_are_found():
    words = ["red", "blue", "small", "large", "old", "new", "round", "square", "hard", "soft", "wet", "dry"]
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(words, 9)) for _ in range(200)]
    texts += [text.upper().replace(" ", ", ") + "!" for text in texts[:20]]
    frame = pl.DataFrame({"text": texts, "y": [0, 1] * 110})
    leaks = run(frame, fit=False)
    leak = only(leaks, "near duplicate")
    assert {leak.kind for leak in leaks} == {"near duplicate"}
    _, _, parts = taken(frame)
    part = np.zeros(220, int)
    part[parts.validation], part[parts.test] = 1, 2
    assert sum(leak.counts.values()) == (part[:20] != part[200:]).sum() > 0


@pytest.mark.parametrize("kind", ["classes", "friedman"])
@pytest.mark.parametrize("seed", SEEDS)
def test_groups_that_straddle_are_found(kind, seed):
    groups = np.random.default_rng(seed).integers(0, 60, 400)
    frame = table(seed, kind=kind)
    dataset, task, parts = taken(frame, seed)
    leak = only(audit(dataset, task, parts, groups=groups), "group")
    part = np.zeros(400, int)
    part[parts.validation], part[parts.test] = 1, 2
    assert leak.counts["groups"] == sum(len(set(part[groups == g])) > 1 for g in range(60))
    assert leak.severity == "problem"
    apart = split(dataset, task, seed=seed, groups=groups)
    assert not audit(dataset, task, apart, groups=groups)
    named = frame.with_columns(patient_id=pl.Series(groups))
    leak = only(run(named, seed), "group")
    assert (leak.severity, leak.columns) == ("warning", ("patient_id",))
    assert "split with groups='patient_id'" in leak.detail
    dataset, task, parts = taken(named, seed, groups="patient_id")
    assert not audit(dataset, task, parts, fitted(dataset, task, parts.train, parts))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shuffle_of_what_is_ordered_in_time_is_found(seed):
    days = [date(2025, 1, 1) + timedelta(days=i) for i in range(400)]
    frame = table(seed).with_columns(when=pl.Series(days))
    leak = only(leaks := run(frame, seed), "time")
    assert {leak.kind for leak in leaks} == {"time"}
    assert (leak.severity, leak.columns) == ("warning", ("when",))
    assert "split with time='when'" in leak.detail
    dataset, task, parts = taken(frame, seed)
    leak = only(audit(dataset, task, parts, time=np.arange(400)), "time")
    assert leak.severity == "problem"
    held = min(parts.validation.min(), parts.test.min())
    late = [row for row in parts.train if row > held] + [row for row in parts.validation if row > parts.test.min()]
    assert leak.counts["rows"] == len(late)
    dataset, task, parts = taken(frame, seed, time="when")
    assert not audit(dataset, task, parts, fitted(dataset, task, parts.train, parts))


def planted(frame: pl.DataFrame, how: str, seed: int) -> pl.Series:
    y = frame["y"].to_numpy()
    random = np.random.default_rng(seed)
    return {
        "codes": lambda: pl.Series(np.array([7, 3, 11, 5, 2])[y]),
        "texts": lambda: pl.Series([["no", "yes", "perhaps", "late", "gone"][i] for i in y]),
        "noisy codes": lambda: pl.Series(y * 3.0 + random.normal(size=len(y)) * 0.1),
        "with gaps": lambda: pl.Series(np.where(random.uniform(size=len(y)) < 0.005, np.nan, y * 2.0)).fill_nan(None),
        "scaled": lambda: pl.Series(y * 2.54 + 1),
        "monotone": lambda: pl.Series(np.exp(y / np.abs(y).max())),
        "noisy": lambda: pl.Series(y + random.normal(size=len(y)) * 0.02 * y.std()),
    }[how]()


@pytest.mark.parametrize(
    ("kind", "how"),
    [(kind, how) for kind in ("classes", "blobs") for how in ("codes", "texts", "noisy codes", "with gaps")]
    + [(kind, how) for kind in ("friedman", "regression") for how in ("scaled", "monotone", "noisy")],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_column_that_gives_the_target_away_is_found(kind, how, seed):
    frame = table(seed, kind=kind)
    leak = only(leaks := run(frame.with_columns(result=planted(frame, how, seed)), seed), "giveaway")
    assert {leak.kind for leak in leaks} == {"giveaway"}
    assert (leak.severity, leak.columns) == ("problem", ("result",))


def test_a_pixel_that_gives_the_target_away_is_found():
    digits = read("digits")
    images = digits.features.copy()
    images[:, 0, 0] = digits.target.to_numpy()
    leak = only(audit(*taken((images, digits.target))), "giveaway")
    assert leak.columns == ("pixel_0_0",)


@pytest.mark.parametrize("kind", ["classes", "blobs", "friedman"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_column_whose_being_missing_gives_the_target_away_is_found(kind, seed):
    frame = table(seed, kind=kind)
    y = frame["y"].to_numpy()
    gone = y == 1 if kind != "friedman" else y > np.quantile(y, 0.7)
    values = np.random.default_rng(seed).normal(size=400)
    frame = frame.with_columns(ended=pl.Series(np.where(gone, np.nan, values)).fill_nan(None))
    leak = only(leaks := run(frame, seed), "missingness")
    assert {leak.kind for leak in leaks} == {"missingness"}
    assert (leak.severity, leak.columns) == ("problem", ("ended",))
    assert ("class '1'" if kind != "friedman" else "high values") in leak.detail


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("laufnummer", range(100, 500)),
        ("shuffled", np.random.default_rng(0).permutation(400)),
        ("recordId", np.random.default_rng(0).choice(10**9, 400, replace=False)),
        ("uuid", [f"{i * 7919 % 2**32:08x}-0000-4{i:03x}" for i in range(400)]),
    ],
)
def test_an_identifier_among_the_features_is_found(name, values):
    frame = table(0).with_columns(pl.Series(name, list(values)))
    leak = only(leaks := run(frame, fit=False), "identifier")
    assert {leak.kind for leak in leaks} == {"identifier"}
    assert leak.columns == (name,)
    assert leak.rows


def test_an_identifier_hides_no_duplicate_and_is_no_matter_once_dropped():
    frame = with_copies(table(0), 0).with_columns(id=pl.Series(range(412)))
    assert {leak.kind for leak in run(frame, fit=False)} == {"identifier", "duplicate"}
    assert {leak.kind for leak in run(frame)} == {"duplicate"}, "Preparation drops a column of this name"


@pytest.mark.parametrize("kind", ["classes", "friedman"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_preparation_fitted_outside_training_is_found(kind, seed):
    frame = table(seed, kind=kind).with_columns(colour=pl.Series(["red", "blue", "green"] * 133 + ["rare"]))
    dataset, task, parts = taken(frame, seed)
    known = np.r_[parts.train, parts.validation]
    some = np.sort(np.random.default_rng(seed).permutation(400)[:200])
    for rows, words in ((known, "training and validation"), (np.arange(400), "training, validation and test")):
        leak = only(leaks := audit(dataset, task, parts, fitted(dataset, task, rows, parts)), "preparation")
        assert len(leaks) == 1
        assert leak.severity == "problem"
        assert f"Its figures are those of {words}:" in leak.detail
        assert set(leak.columns) >= {"c0", "c1"}
    leak = only(audit(dataset, task, parts, fitted(dataset, task, some, parts)), "preparation")
    assert (leak.severity, "not those of the training rows" in leak.detail) == ("warning", True)
    assert not audit(dataset, task, parts, fitted(dataset, task, parts.train[::-1], parts)), "order is of no account"


def test_pictures_and_categories_and_targets_of_a_preparation_are_compared():
    dataset, task, parts = taken("digits")
    leak = only(audit(dataset, task, parts, Preparation.fit(dataset.features)), "preparation")
    assert "all pixels has mean" in leak.detail
    frame = pl.DataFrame({"a": ["x", "y"] * 100, "b": [1.0, 2.0, 3.0, 4.0] * 50, "y": [0, 1] * 100})
    rare = frame.with_columns(a=pl.when(pl.int_range(200) == 7).then(pl.lit("z")).otherwise("a"))
    dataset, task, parts = taken(rare, next(s for s in range(99) if 7 in taken(rare, s)[2].test))
    leaks = audit(dataset, task, parts, fitted(dataset, task, np.arange(200), parts))
    assert "column 'a' knows 'z', which training never saw" in only(leaks, "preparation").detail
    dataset, task, parts = taken(table(0, kind="friedman"))
    good = fitted(dataset, task, parts.train, parts)
    other = fitted(dataset, task, np.r_[parts.train, parts.validation], parts)
    mixed = Preparation(good.columns, None, other.target_scale, good.notes)
    assert "the target has mean" in only(audit(dataset, task, parts, mixed), "preparation").detail


# -- nothing where there is nothing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast-cancer", "diabetes"])
@pytest.mark.parametrize("seed", [0, 2])
def test_the_builtin_sets_have_no_leaks_but_the_twin_flower(name, seed):
    dataset, task, parts = taken(name, seed)
    leaks = audit(dataset, task, parts, fitted(dataset, task, parts.train, parts))
    apart = len({tuple(row in part for part in (parts.train, parts.validation, parts.test)) for row in (101, 142)}) == 2
    if name == "iris" and apart:
        (leak,) = leaks
        assert leak.kind == "duplicate"
        assert "row 101 " in leak.rows[0]
        assert "row 142 " in leak.rows[0]
    else:
        assert leaks == []


def clean(seed: int) -> pl.DataFrame:
    """A random set of one of ten kinds, without a leak."""
    random = np.random.default_rng(seed)
    rows = int(random.integers(60, 1200))
    kind = seed % 10
    if kind < 4:
        return table(seed, rows, ("classes", "blobs", "friedman", "regression")[kind], int(random.integers(5, 20)))
    y = random.integers(0, 3, rows)
    if kind == 4:  # nothing but noise
        columns = random.normal(size=(rows, 4))
    elif kind == 5:  # heavy tails
        columns = random.standard_cauchy(size=(rows, 3))
    elif kind == 6:  # coarse numbers: rows coincide
        columns = random.integers(0, 5, (rows, 4))
    elif kind == 7:  # one dimension curled up in many
        turn = random.uniform(0, 20, rows)
        columns = np.stack([np.sin(turn), np.cos(turn), turn], 1)
    elif kind == 8:  # with gaps
        columns = np.where(random.uniform(size=(rows, 5)) < 0.1, np.nan, random.normal(size=(rows, 5)))
    else:  # numbers and texts
        frame = {f"t{i}": [f"v{v}" for v in random.integers(0, 3, rows)] for i in range(5)}
        return pl.DataFrame({**frame, "number": random.exponential(size=rows), "y": y})
    frame = pl.DataFrame({f"c{i}": columns[:, i] for i in range(columns.shape[1])}).fill_nan(None)
    return frame.with_columns(y=pl.Series(y))


@pytest.mark.parametrize("start", range(1000, 1050, 10))
def test_clean_random_sets_give_nothing(start):
    found = {seed: leaks for seed in range(start, start + 10) if (leaks := run(clean(seed), seed))}
    assert not found


def test_copied_sentences_are_found(tmp_path):
    random = np.random.default_rng(0)
    sentences = ["\n".join(f"w{w} {'BO'[w % 2]}" for w in random.integers(0, 50, 7)) for _ in range(80)]
    (tmp_path / "words.bio").write_text("\n\n".join(sentences + sentences[:15]) + "\n")
    dataset, task, parts = taken(str(tmp_path / "words.bio"))
    assert task.kind == "tagging"
    (leak,) = audit(dataset, task, parts)
    assert leak.kind == "duplicate"
    part = np.zeros(95, int)
    part[parts.validation], part[parts.test] = 1, 2
    assert sum(leak.counts.values()) == (part[:15] != part[80:]).sum() > 0


def test_tasks_of_more_than_one_target_are_audited_without_it():
    frame = with_copies(table(0), 0)
    dataset, task, parts = taken(frame)
    other = Task("multilabel", "as an example", classes=task.classes, usable=task.usable)
    assert {leak.kind for leak in audit(dataset, other, parts)} == {"duplicate"}


def test_the_test_parts_target_is_not_read():
    """Whatever stands there, the audit finds the same."""
    frame = table(0).with_columns(result=pl.col("y") * 2)
    dataset, task, parts = taken(frame)
    scrambled = dataset.target.to_numpy().copy()
    scrambled[parts.test] = 2 - scrambled[parts.test]
    other = type(dataset)(**{**{f: getattr(dataset, f) for f in dataset.__dataclass_fields__},
                             "target": pl.Series("y", scrambled)})  # fmt: skip
    assert audit(dataset, task, parts) == audit(other, task, parts) != []


def test_a_leak_is_plain_data():
    leak = run(with_copies(table(0), 0))[0]
    assert list(json.loads(json.dumps(leak.to_dict()))) == [
        "kind", "severity", "title", "detail", "rows", "columns", "counts",
    ]  # fmt: skip


def test_ten_thousand_rows_of_64_columns_take_two_seconds_at_most():
    random = np.random.default_rng(0)
    frame = pl.DataFrame({f"c{i}": random.normal(size=10_000) for i in range(64)})
    dataset, task, parts = taken(
        with_copies(frame.with_columns(y=pl.Series(random.integers(0, 3, 10_000))), 0, by=0.01)
    )
    preparation = fitted(dataset, task, parts.train, parts)
    audit(dataset, task, parts, preparation)  # what is imported on the way is not the audit's
    started = time.process_time()
    leaks = audit(dataset, task, parts, preparation)
    assert {leak.kind for leak in leaks} == {"near duplicate"}
    assert time.process_time() - started < 4, "two seconds of two cores"


def test_larger_sets_are_sampled_and_that_is_said():
    random = np.random.default_rng(0)
    frame = pl.DataFrame({f"c{i}": random.normal(size=60_000) for i in range(4)})
    frame = frame.with_columns(y=pl.Series(random.integers(0, 2, 60_000)))
    leaks = run(with_copies(frame, 0, 5_000))
    assert [leak.kind for leak in leaks] == ["duplicate", "sample"]
    assert leaks[1].severity == "info"
    assert leaks[1].counts["compared"] < leaks[1].counts["held out"] == 19_500
