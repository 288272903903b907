"""Ablations: what is left out, that it is what it says, and that differences are judged as SciPy would."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import scipy.stats

from gradwright.data.rows import pixel_names
from gradwright.errors import ConfigError
from gradwright.report.study import impact_info, read_study, write_study_report
from gradwright.train import parse_config
from gradwright.tune import Member, Members
from gradwright.tune.ablation import ablate, column_parts, read_groups, select_parts, setting_parts
from gradwright.tune.ablation.differences import corrected, difference, order_of_harm
from gradwright.tune.ablation.parts import Part, changed
from gradwright.tune.source import read_source

from .alone import train_alone

EAGER = {"eager": True, "dtype": "float64", "epochs": 4, "batch_size": 35, "lr": 0.01}
FULL = {
    "source": "digits", "hidden": [64, 32], "dropout": 0.1, "batch_norm": True, "label_smoothing": 0.1,
    "weight_decay": 0.01, "l1": 1e-5, "l2": 1e-5, "prior": "gaussian=1", "max_norm": 3.0, "gradient_noise": 0.01,
    "weight_noise": 0.01, "class_weights": "balanced", "schedule": "cosine", "warmup": 0.1, "ema": 0.9, "lookahead": 5,
    "clip_norm": 1.0, "clip_value": 1.0, "augment": ["shift=1", "noise=0.1"], "init": "orthogonal", "patience": 3,
    "activation": "gelu", "optimizer": "adamw",
}  # fmt: skip


def resolved(**values: Any) -> Any:
    return parse_config({"source": "digits", **values}).resolved(1000, 64, "multiclass")


# --- the parts --------------------------------------------------------------------------------------------------------
def test_every_part_of_a_full_configuration_is_listed_and_changes_what_it_says():
    base = resolved(**FULL)
    parts, absent = setting_parts(base)
    changes = {p.name: changed(base, p.change(base)).model_dump() for p in parts}
    was = base.model_dump()
    differing = {name: {k: v for k, v in new.items() if v != was[k]} for name, new in changes.items()}
    assert differing == {
        "dropout": {"dropout": 0.0}, "weight_decay": {"weight_decay": 0.0}, "l1": {"l1": 0.0}, "l2": {"l2": 0.0},
        "prior": {"prior": None}, "max_norm": {"max_norm": None}, "label_smoothing": {"label_smoothing": 0.0},
        "gradient_noise": {"gradient_noise": 0.0}, "weight_noise": {"weight_noise": 0.0},
        "batch_norm": {"batch_norm": False}, "class_weights": {"class_weights": None}, "schedule": {"schedule": None},
        "warmup": {"warmup": 0.0}, "ema": {"ema": None}, "lookahead": {"lookahead": None},
        "clip_norm": {"clip_norm": None}, "clip_value": {"clip_value": None},
        "early_stopping": {"patience": 100, "stop_warmup": 99},
        "augment shift=1": {"augment": ("noise=0.1",)}, "augment noise=0.1": {"augment": ("shift=1",)},
        "optimizer": {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9},
        "layers": {"hidden": (64,)}, "width": {"hidden": (32, 16)}, "activation": {"activation": "relu"},
        "init": {"init": None},
    }  # fmt: skip
    assert {words.partition(":")[0] for words in absent} == {"stochastic_depth", "momentum", "shortcut"}
    assert [p.name for p in parts if p.replaced] == ["optimizer", "layers", "width", "activation", "init"]


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        ({"hidden": [16]}, "layers", {"hidden": ()}),
        ({"optimizer": "adamw"}, "weight_decay", {"weight_decay": 0.0}),
        ({"optimizer": "sgd"}, "momentum", {"momentum": 0.0}),
        ({"network": "resnet", "depth": 14, "stochastic_depth": 0.2}, "layers", {"depth": 8}),
        ({"network": "resnet", "stochastic_depth": 0.2}, "stochastic_depth", {"stochastic_depth": 0.0}),
        ({"network": "highway", "depth": 3, "width": 8}, "shortcut",
         {"network": "mlp", "hidden": (8,) * 4, "depth": None, "width": None}),
        ({"stopping": "gl"}, "early_stopping", {"stopping": "patience", "patience": 100, "stop_warmup": 99}),
        ({"optimizer": "gd", "batch_size": 50}, "optimizer",
         {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9, "batch_size": None}),
    ],
)  # fmt: skip
def test_parts_of_other_configurations(values, name, expected):
    base = resolved(**values)
    (part,) = (p for p in setting_parts(base)[0] if p.name == name)
    was, new = base.model_dump(), changed(base, part.change(base)).model_dump()
    assert {k: v for k, v in new.items() if v != was[k]} == expected


def test_what_no_setting_takes_away_is_said():
    _, absent = setting_parts(resolved(network="resnet"))
    assert "shortcut: resnet has shortcuts, but no setting takes them away" in absent
    assert any(words.startswith("batch_norm: resnet normalises inside") for words in absent)


def test_without_early_stopping_the_last_weights_are_scored():
    """The part's settings say so through the warm-up, of which no epoch can be the best."""
    base = parse_config({"source": "iris", **EAGER, "epochs": 12, "patience": 1, "lr": 0.5, "hidden": [8]})
    source = read_source(base)
    (part,) = (p for p in setting_parts(base.resolved(105, 4))[0] if p.name == "early_stopping")
    rows = source.parts.train, source.parts.validation
    early, last = (
        train_alone(source.dataset, source.task, Member(0, config, *rows))
        for config in (base, changed(base, part.change(base)))
    )
    assert early.history.best_epoch < len(early.rows) < 12
    assert (last.history.best_epoch, len(last.rows), last.history.stopped) == (12, 12, "all 12 epochs done")


def test_names_choose_parts():
    parts = [*setting_parts(resolved(**FULL))[0], Part("column age", "columns", "", columns=("age",))]
    absent = ["momentum: none here"]

    def chosen(*only: str) -> list[str]:
        return [p.name for p in select_parts(parts, only, absent)]

    assert chosen("dropout", "columns") == ["dropout", "column age"]
    assert chosen("weight-decay", "weight_decay") == ["weight_decay"]
    assert chosen("age") == ["column age"]
    assert chosen("augment") == ["augment shift=1", "augment noise=0.1"]
    assert chosen("noise=0.1", "clipping") == ["augment noise=0.1", "clip_norm", "clip_value"]
    with pytest.raises(ConfigError, match=r"--only dropuot: no such part; did you mean dropout\?"):
        chosen("dropuot")
    with pytest.raises(ConfigError, match=r"has none to leave out \(momentum: none here\)"):
        chosen("momentum")
    with pytest.raises(ConfigError, match="nothing to leave out: a: none here; b: 0"):
        select_parts([], [], ["a: none here", "b: 0"])


# --- columns ----------------------------------------------------------------------------------------------------------
def test_columns_and_groups(tmp_path):
    pixels = pixel_names((8, 8))
    by_row = column_parts(pixels)
    assert [p.name for p in by_row] == [f"columns pixel_{i}_*" for i in range(8)]
    assert sum(len(p.columns) for p in by_row) == 64
    (tmp_path / "g.toml").write_text('[groups]\nedge = ["pixel_0_*", "pixel_*_0"]\ncorner = "pixel_7_7"\n')
    edge, corner = column_parts(pixels, read_groups(tmp_path / "g.toml"))
    assert (len(edge.columns), corner.columns) == (15, ("pixel_7_7",))
    assert column_parts(["only"]) == []
    with pytest.raises(ConfigError, match=r"no column is called 'pixle_0_\*'; did you mean pixel_0"):
        column_parts(pixels, {"edge": ["pixle_0_*"]})
    with pytest.raises(ConfigError, match="group all: it has all 64 columns"):
        column_parts(pixels, {"all": ["pixel*"]})


@pytest.mark.parametrize(
    ("text", "message"),
    [("edge = 3", "expected patterns"), ("edge = []", "expected patterns"), ("x", "not valid TOML"), ("", "no group")],
)
def test_files_of_groups_that_are_none(tmp_path, text, message):
    (tmp_path / "g.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_groups(tmp_path / "g.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_groups(tmp_path / "none.toml")


# --- differences ------------------------------------------------------------------------------------------------------
def test_differences_are_scipys_paired_t_test():
    rng = np.random.default_rng(0)
    base = 0.9 + 0.01 * rng.standard_normal(6)
    arms = [base + 0.01 * rng.standard_normal(6) + shift for shift in (-0.05, 0.001, -0.01)]
    parts = [Part(f"p{i}", "x", "left out") for i in range(3)]
    rows = corrected(
        [difference(p, base.tolist(), a.tolist(), "accuracy") for p, a in zip(parts, arms, strict=True)],
        higher_is_better=True,
    )
    for row, arm in zip(rows, arms, strict=True):
        test = scipy.stats.ttest_rel(arm, base)
        low, high = test.confidence_interval(0.95)
        found = [row[k] for k in ("p", "low", "high", "difference", "mean")]
        np.testing.assert_allclose(found, [test.pvalue, low, high, (arm - base).mean(), arm.mean()], rtol=1e-10)
    p = np.sort([row["p"] for row in rows])
    assert sorted(row["p_holm"] for row in rows) == pytest.approx(np.minimum(1, np.maximum.accumulate(p * [3, 2, 1])))
    assert rows[0]["words"] == "worse without it"
    for row, arm in zip(rows, arms, strict=True):
        small = abs(row["difference"]) < np.sqrt((base.var(ddof=1) + arm.var(ddof=1)) / 2)
        assert ("smaller than the seeds' spread" in row["words"]) == row["within_spread"] == small
    assert [row["within_spread"] for row in rows] == [False, False, True]
    assert order_of_harm(rows, higher_is_better=True)[-1] == "p0"
    assert order_of_harm(rows, higher_is_better=False)[0] == "p0"


def test_seeds_without_a_score_are_left_out_and_said():
    part = Part("p", "x", "left out")
    row = difference(part, [0.9, 0.8, None], [0.7, None, 0.6], "accuracy")
    assert (row["mean"], row["failed"], row["p"]) == (0.7, 1, None)
    assert row["difference"] == pytest.approx(-0.2)
    nothing = difference(part, [None], [0.5], "accuracy")
    assert nothing["difference"] is None
    words = [r["words"] for r in corrected([row, nothing], higher_is_better=True)]
    assert words[0].endswith("1 of 3 seeds have no score")
    assert words[1] == "no difference: the whole has no score"


# --- the whole --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Rows whose class one column says, while two say nothing."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((240, 3))
    kind = np.where(x[:, 0] + 0.2 * rng.standard_normal(240) > 0, "up", "down")
    lines = [
        "signal,noise_1,noise_2,kind",
        *(f"{a:.4f},{b:.4f},{c:.4f},{k}" for (a, b, c), k in zip(x, kind, strict=True)),
    ]
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_an_ablation_finds_the_column_that_matters(table, tmp_path, monkeypatch):
    """Scores are those of each arm trained alone; the test part is in no member; the records make a report."""
    config = parse_config(
        {"source": str(table), "network": "mlp", "hidden": [6], "dropout": 0.1, "ema": 0.5, **EAGER, "epochs": 5}
    )  # fmt: skip
    seen: list[Member] = []
    made = Members.__init__

    def spy(self: Members, dataset: Any, task: Any, members: Any, **more: Any) -> None:
        seen.extend(members)
        made(self, dataset, task, members, **more)

    monkeypatch.setattr(Members, "__init__", spy)
    found = ablate(config, seeds=4, only=["dropout", "ema", "columns", "layers"])
    source = read_source(config)
    used = {int(row) for member in seen for row in (*member.train, *member.validation)}
    assert used == set(source.explored.tolist())
    assert not used & set(source.parts.test.tolist())

    parts = {part["name"]: part for part in found.result["parts"]}
    assert list(parts) == ["dropout", "ema", "column signal", "column noise_1", "column noise_2", "layers"]
    assert parts["column signal"]["words"] == "worse without it"
    assert parts["column signal"]["difference"] < -0.2
    assert "not shown" in parts["column noise_1"]["words"] or "no difference" in parts["column noise_1"]["words"]
    rows = source.parts.train, source.parts.validation
    for name, changes in [("dropout", {"dropout": 0.0}), ("ema", {"ema": None}), ("layers", {"hidden": ()})]:
        for k, score in enumerate(parts[name]["per_seed"]):
            own = config.model_copy(update={**changes, "seed": config.seed + k})
            alone = train_alone(source.dataset, source.task, Member(0, own, *rows))
            assert score == alone.rows[alone.history.best_epoch - 1]["validation_accuracy"]

    chain = [part["name"] for part in found.result["cumulative"]]
    assert "layers" not in chain, "what is replaced is no step"
    assert len(chain) == 4, "one column must stay"
    assert chain[0] == order_of_harm([p for p in parts.values() if not p["replaced"]], higher_is_better=True)[0]
    assert len(found.trials) == 4 * (1 + 6 + 3)
    assert {trial["arm"] for trial in found.trials} >= {"the whole", "dropout", f"without {', '.join(chain)}"}

    found.write(tmp_path)
    report = write_study_report(tmp_path).read_text()
    info = impact_info(read_study(tmp_path))
    assert info.parts[0].name == "column signal"
    assert [p.name for p in info.cumulative] == chain
    assert info.base == pytest.approx(np.mean(found.result["base"]["per_seed"]))
    assert "column signal" in report
    assert "worse without it" in report
    assert "How to read this" in report
    assert "p is corrected for that (Holm)" in report
    assert [p.chance for p in info.parts if p.p_holm == p.p_holm] == [
        p["p_holm"] >= 0.05 for p in sorted(parts.values(), key=lambda p: p["difference"]) if p["p_holm"] is not None
    ]


def test_a_column_that_cannot_be_masked_is_left_out_before_preparing(table):
    """LAMB looks at whole matrices: the network gets one column less, as the weights' shapes show."""
    config = parse_config({"source": str(table), "network": "linear", "optimizer": "lamb", **EAGER, "epochs": 2})
    found = ablate(config, seeds=1, only=["signal"], cumulative=False)
    assert "before anything is prepared" in " ".join(found.result["words"])
    assert found.result["parts"][0]["words"] == "not judged: one seed"
    source = read_source(config)
    rows = source.parts.train, source.parts.validation
    together = Members(source.dataset, source.task, [Member(0, config, *rows, without=("signal",))])
    together.run()
    (result,) = together.results(("weights",))
    assert result.weights["0.weight"].shape == (2, 2)
    assert found.result["parts"][0]["per_seed"] == [result.validation["accuracy"]]


def test_rates_are_swept_for_both_rules(table):
    config = parse_config({"source": str(table), "network": "linear", **EAGER, "lr": 1e-5, "epochs": 2})
    found = ablate(config, seeds=2, only=["optimizer"], cumulative=False, retune=True)
    whole, other = found.result["retuned"]
    assert whole["rates"] == [1e-6, 3e-6, 1e-5, 3e-5, 1e-4]
    assert (whole["optimizer"], other["optimizer"]) == ("adam", "sgd")
    assert other["rates"] == [0.005, 0.015, 0.05, 0.15, 0.5]
    for record in (whole, other):
        assert record["chosen"] == record["rates"][int(np.argmax(record["scores"]))]
    assert found.record["config"]["lr"] == whole["chosen"]
    assert f"rate {other['chosen']:g} after a sweep" in found.result["parts"][0]["what"]
    assert "without tuning" not in " ".join(found.result["words"])


def test_a_quantity_with_a_rate_that_fails(tmp_path):
    """One part makes the loss infinite in every seed: it has no score, and the others have theirs."""
    config = parse_config(
        {"source": "diabetes", "network": "linear", "optimizer": "sgd", "clip_norm": 1.0, **EAGER, "lr": 30.0}
    )  # fmt: skip
    found = ablate(config, seeds=2, only=["clipping", "momentum"], cumulative=True)
    clip, momentum = found.result["parts"][::-1]
    assert {clip["name"], momentum["name"]} == {"clip_norm", "momentum"}
    by_name = {part["name"]: part for part in found.result["parts"]}
    assert by_name["clip_norm"]["difference"] is None
    assert by_name["clip_norm"]["words"] == "no difference: 2 of 2 seeds have no score"
    assert by_name["momentum"]["difference"] is not None
    assert found.record["direction"] == "minimize"
    assert any(trial["problem"] for trial in found.trials if trial["arm"] == "clip_norm")
    found.write(tmp_path)
    json.loads((tmp_path / "result.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    write_study_report(tmp_path)


def test_compiled_and_with_one_program_for_all_columns():
    config = parse_config({"source": "iris", "network": "linear", "epochs": 3, "lr": 0.05, "batch_size": 35})
    found = ablate(config, seeds=2, only=["columns"], cumulative=False)
    assert [len(group["members"]) for group in found.record["groups"]] == [10], "the whole and four columns, two seeds"
