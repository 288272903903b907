"""Search spaces: what they map to, what they refuse, and what survives being written down."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import ParameterGrid

from gradwright.errors import ConfigError
from gradwright.train import Config
from gradwright.tune import Choice, Integer, Linear, Log, Space

WHOLE = """
[lr]
log = [1e-4, 1e-1]
count = 4
[dropout]
linear = [0.0, 0.5]
step = 0.1
when = { network = ["mlp"] }
[momentum]
linear = [0.0, 0.99]
count = 3
when = { optimizer = ["sgd"] }
[optimizer]
choice = ["sgd", "adam"]
[schedule]
choice = ["none", "cosine"]
[hidden]
choice = [[32], [64, 64]]
when = { network = "mlp" }
[network]
choice = ["mlp", "highway"]
[depth]
integer = [1, 9]
step = 4
when = { network = ["highway"] }
[batch_size]
integer = [8, 256]
log = true
count = 3
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "space.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_is_what_the_same_space_in_python_is(tmp_path: Path) -> None:
    read = Space.read(written(tmp_path, WHOLE))
    here = Space(
        {
            "lr": Log(1e-4, 1e-1, count=4),
            "dropout": Linear(0.0, 0.5, step=0.1, when={"network": ["mlp"]}),
            "momentum": Linear(0.0, 0.99, count=3, when={"optimizer": ["sgd"]}),
            "optimizer": Choice(("sgd", "adam")),
            "schedule": Choice([None, "cosine"]),
            "hidden": Choice([(32,), (64, 64)], when={"network": ["mlp"]}),
            "network": Choice(["mlp", "highway"]),
            "depth": Integer(1, 9, step=4, when={"network": ["highway"]}),
            "batch_size": Integer(8, 256, log=True, count=3),
        }
    )
    assert read.record() == here.record()
    # behind what they depend on, and else as written
    assert list(read) == [
        "lr", "optimizer", "momentum", "schedule", "network", "dropout", "hidden", "depth", "batch_size",
    ]  # fmt: skip
    again = Space.from_record(json.loads(json.dumps(read.record())))
    assert again.record() == read.record()
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    assert [read.sample(rng) for _ in range(50)] == [again.sample(other) for _ in range(50)]


def test_values_keep_to_range_step_and_conditions(tmp_path: Path) -> None:
    space = Space.read(written(tmp_path, WHOLE))
    corners = itertools.product([0.0, 1.0], repeat=len(space))
    rng = np.random.default_rng(1)
    for u in [*corners, *rng.random((300, len(space)))]:
        values = space.from_unit(u)
        assert 1e-4 <= values["lr"] <= 1e-1
        assert values.get("dropout", 0.1) in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
        assert ("momentum" in values) == (values["optimizer"] == "sgd")
        assert ("hidden" in values) == (values["network"] == "mlp") != ("depth" in values)
        assert values.get("depth", 1) in (1, 5, 9)
        assert type(values["batch_size"]) is int
        assert 8 <= values["batch_size"] <= 256
        space.apply(Config(source="digits"), values)


@pytest.mark.parametrize(
    ("parameter", "law"),
    [
        (Linear(-1.0, 3.0), stats.uniform(-1, 4)),
        (Log(1e-5, 10.0), stats.loguniform(1e-5, 10.0)),
    ],
)
def test_a_sample_follows_its_law(parameter: Any, law: Any) -> None:
    drawn = [parameter.from_unit(u) for u in np.random.default_rng(3).random(4000)]
    assert stats.kstest(drawn, law.cdf).pvalue > 0.01
    u = np.linspace(0, 1, 11)
    np.testing.assert_allclose([parameter.from_unit(x) for x in u], law.ppf(u), rtol=1e-12, atol=1e-15)


def test_whole_numbers_and_choices_are_equally_likely() -> None:
    u = (np.arange(6000) + 0.5) / 6000
    for parameter, count in ((Integer(3, 8), 6), (Choice(list("abc")), 3), (Linear(0.0, 1.0, step=0.25), 5)):
        _, counts = np.unique([parameter.from_unit(x) for x in u], return_counts=True)
        assert counts.tolist() == [6000 // count] * count


def test_the_logarithms_of_whole_numbers_are_equally_likely() -> None:
    u = (np.arange(100_000) + 0.5) / 100_000
    values, counts = np.unique([Integer(1, 20, log=True).from_unit(x) for x in u], return_counts=True)
    expected = np.log((values + 0.5) / (values - 0.5)) / np.log(20.5 / 0.5)
    np.testing.assert_allclose(counts / 100_000, expected, atol=2e-5)


def test_a_grid_is_scikit_learns(tmp_path: Path) -> None:
    lists = {"lr": [0.001, 0.01, 0.1], "dropout": [0.0, 0.25, 0.5], "optimizer": ["sgd", "adam"], "depth": [2, 3]}
    space = Space(
        {
            "lr": Log(1e-3, 1e-1, count=3),
            "dropout": Linear(0.0, 0.5, count=3),
            "optimizer": Choice(["sgd", "adam"]),
            "depth": Integer(2, 3),
        }
    )
    grid = space.grid()
    key = lambda values: sorted((k, str(v)) for k, v in values.items())  # noqa: E731
    assert sorted(grid, key=key) == sorted(ParameterGrid(lists), key=key)
    assert [g["depth"] for g in grid[:4]] == [2, 3, 2, 3]

    conditional = Space.read(written(tmp_path, WHOLE)).grid()
    assert len({json.dumps(g) for g in conditional}) == len(conditional)
    # 4 rates, sgd with 3 momenta or adam, 2 schedules, 6 dropouts and 2 widths or 3 depths, 3 sizes
    assert len(conditional) == 4 * (3 + 1) * 2 * (6 * 2 + 3) * 3


def test_grids_that_are_none_or_too_large() -> None:
    with pytest.raises(ConfigError, match=r"\[lr\]: a grid needs to know its points: add count"):
        Space({"lr": Log(1e-3, 1e-1)}).grid()
    with pytest.raises(ConfigError, match="more than 100,000 combinations"):
        Space({"epochs": Integer(1, 10**15), "lr": Log(1e-3, 1e-1, count=1000)}).grid()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty; name a setting"),
        ("[droput]\nlinear = [0, 0.5]", r"\[droput\]: no such setting; did you mean 'dropout'\?"),
        ("[seed]\ninteger = [0, 5]", r"\[seed\]: not searched: the best of some seeds is luck"),
        ("[test]\nlinear = [0.1, 0.5]", r"\[test\]: not searched: it decides what the data are"),
        ("lr = [1e-4, 1e-1]", r"\[lr\]: expected a table, such as \[lr\] with log"),
        ("[lr]\nlgo = [1e-4, 1e-1]", r"\[lr\]: unknown 'lgo'; did you mean 'log'\?"),
        ("[lr]\ncount = 3", r"\[lr\]: expected one of linear, log, integer and choice, and found none of them"),
        ("[lr]\nlog = [1e-4, 1]\nlinear = [0.1, 1]", "and found linear and log"),
        ("[lr]\nlog = [1e-4, 1]\nstep = 0.1", r"\[lr\]: unknown 'step'; expected log, count, when"),
        ("[lr]\nlog = [0.0, 0.1]", r"\[lr\]: low = 0.0: a logarithm begins above 0"),
        ("[lr]\nlog = [0.1, 1e-3]", r"\[lr\]: the range 0.1 to 0.001 is empty"),
        ("[lr]\nlog = [0.1]", "expected two numbers, the lowest and the highest"),
        ("[lr]\nlog = [nan, 1.0]", "low = nan: expected a number"),
        ("[lr]\nlog = [0.1, inf]", "high = inf: expected a number"),
        ('[lr]\nlog = ["a", 1.0]', "low = 'a': expected a number"),
        ("[lr]\nlog = [0.1, 1.0]\ncount = 1", "count = 1: expected a whole number from 2"),
        ("[dropout]\nlinear = [0.0, 1.0]", r"\[dropout\]: 1.0: Input should be less than 1"),
        ("[dropout]\nlinear = [0.0, 0.5]\nstep = 0.0", "step = 0.0: expected a number above 0"),
        ("[depth]\nlinear = [1.0, 4.0]", r"\[depth\]: 2.14\d*: Input should be a valid integer"),
        ("[depth]\ninteger = [1.0, 4.0]", "low = 1.0: expected a whole number"),
        ("[depth]\ninteger = [0, 4]\nlog = true", "a logarithm of whole numbers begins at 1"),
        ("[depth]\ninteger = [1, 4]\nlog = 2", "log = 2: beside integer expected true or false"),
        ("[hidden]\nchoice = [[32], [0]]", r"\[hidden\]: \[0\]: Input should be greater than or equal to 1"),
        ('[optimizer]\nchoice = ["sgd", "adma"]', r'\[optimizer\]: "adma": no optimizer .adma.; did you mean adamax'),
        ('[optimizer]\nchoice = ["sgd", "sgd"]', r'choice: "sgd" stands in it twice'),
        ("[optimizer]\nchoice = []", "expected a list of one value or more"),
        ('[optimizer]\nchoice = "sgd"', "expected a list of one value or more"),
        ("[lr]\nlog = [0.1, 1]\nwhen = 3", r"\[lr\]: when = 3: expected a table"),
        ("[lr]\nlog = [0.1, 1]\nwhen = { optimizer = [] }", r"\[lr\]: when = .*: expected names with lists"),
        (
            '[lr]\nlog = [0.1, 1]\nwhen = { optimiser = ["sgd"] }\n[optimizer]\nchoice = ["sgd"]',
            r"when names 'optimiser', which is not in this space; did you mean 'optimizer'\?",
        ),
        (
            '[lr]\nlog = [0.1, 1]\nwhen = { optimizer = ["sdg"] }\n[optimizer]\nchoice = ["sgd"]',
            r'when optimizer = "sdg": it never is, it has "sgd"; did you mean .sgd.\?',
        ),
        (
            "[lr]\nlog = [0.1, 1]\nwhen = { dropout = [0.1] }\n[dropout]\nlinear = [0, 0.5]",
            "when names 'dropout', a range",
        ),
        (
            "[lr]\nlog = [0.1, 1]\nwhen = { depth = [4] }\n[depth]\ninteger = [1, 5]\nstep = 2",
            "when depth = 4: it never is, it has whole numbers from 1 to 5",
        ),
        (
            '[network]\nchoice = ["mlp"]\nwhen = { optimizer = "sgd" }\n[optimizer]\nchoice = ["sgd"]\n'
            'when = { network = "mlp" }',
            "the conditions go in a circle: network → optimizer → network",
        ),
        ("[lr\nlog", "not valid TOML"),
        (b"\xff", "not UTF-8 text"),
        ("x = " + "[" * 100_000, "not valid TOML"),
        ("x = " + "9" * 10_000, "not valid TOML"),
        ("#" * 2**20 + "#", "bytes are more than"),
    ],
)
def test_what_is_refused_names_file_table_and_remedy(tmp_path: Path, text: str | bytes, problem: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=problem) as caught:
        Space.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 2000


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Space.read(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="no ordinary file but a folder"):
        Space.read(tmp_path)


@pytest.mark.parametrize(
    "record",
    [None, [], {"lr": 3}, {"lr": {"kind": "os.system", "low": 0.1, "high": 1}}, {"lr": {"kind": ["log"]}},
     {"lr": {"kind": "log", "low": 0.1}}, {"optimizer": {"kind": "categorical", "choices": None}},
     {"lr": {"kind": "log", "low": 0.1, "high": 1.0, "when": [1]}}],
)  # fmt: skip
def test_records_that_are_none(record: Any) -> None:
    with pytest.raises(ConfigError):
        Space.from_record(record)


def test_what_does_not_go_together_is_found_before_training() -> None:
    base = Config(source="digits")
    with pytest.raises(ConfigError, match=r'adam has no momentum.*add when = \{ optimizer = \["sgd"\] \} to \[mom'):
        Space({"optimizer": Choice(["sgd", "adam"]), "momentum": Linear(0.5, 0.9)}).check(base)
    with pytest.raises(
        ConfigError, match=r'means nothing to lbfgs.*when = \{ optimizer = \["adam"\] \} to \[schedule\]'
    ):
        Space({"schedule": Choice([None, "cosine"]), "optimizer": Choice(["adam", "lbfgs"])}).check(base)
    with pytest.raises(
        ConfigError, match=r'depth = 1: mlp has no such.*when = \{ network = \["highway"\] \} to \[depth\]'
    ):
        Space({"network": Choice(["mlp", "highway"]), "depth": Integer(1, 4)}).check(base)
    with pytest.raises(ConfigError, match=r"momentum = 0.9: adam has no momentum"):
        Space({"optimizer": Choice(["sgd", "adam"])}).check(Config(source="digits", momentum=0.9))
    Space(
        {
            "optimizer": Choice(["sgd", "adam", "lbfgs"]),
            "momentum": Linear(0.5, 0.9, when={"optimizer": ["sgd"]}),
            "schedule": Choice([None, "cosine"], when={"optimizer": ["sgd", "adam"]}),
            "warmup": Linear(0.0, 0.2, when={"schedule": ["cosine"]}),
            "network": Choice(["mlp", "highway"]),
            "depth": Integer(1, 4, when={"network": ["highway"]}),
        }
    ).check(base)


def test_values_take_the_place_of_the_runs_own() -> None:
    base = Config(source="digits", lr=0.5, epochs=7)
    space = Space({"lr": Log(1e-3, 1e-1), "hidden": Choice([[8], [4, 4]])})
    config = space.apply(base, {"lr": 0.01, "hidden": [4, 4]})
    assert (config.lr, config.hidden, config.epochs, config.source) == (0.01, (4, 4), 7, "digits")
    with pytest.raises(ConfigError, match=r"with lr = -1"):
        space.apply(base, {"lr": -1})


def test_points_outside_the_unit_cube() -> None:
    space = Space({"lr": Log(1e-3, 1e-1)})
    for u in ([], [0.1, 0.2], [1.5], [float("nan")]):
        with pytest.raises(ConfigError, match="a point of 1 numbers from 0 to 1"):
            space.from_unit(u)


def test_names_of_ones_own() -> None:
    space = Space({"beta1": Linear(0.8, 0.99), "scale": Log(0.1, 10.0)}, settings=False)
    assert list(space.sample(np.random.default_rng(0))) == ["beta1", "scale"]
    with pytest.raises(ConfigError, match="expected Linear, Log, Integer or Choice"):
        Space({"beta1": 0.9}, settings=False)  # type: ignore[dict-item]
