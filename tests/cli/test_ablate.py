"""`gradwright ablate` as users run it."""

from __future__ import annotations

import json

import pytest

SETTINGS = 'source = "iris"\nhidden = [6]\nepochs = 3\neager = true\ndropout = 0.1\naugment = ["noise=0.1"]\n'


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "iris.toml").write_text(SETTINGS)
    return tmp_path / "iris.toml"


def test_a_file_of_settings(gradwright, settings, tmp_path):
    done = gradwright(
        "ablate", settings, "--only", "dropout,augment,columns", "--seeds", "3", "--epochs", "2", "--out", "out"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Accuracy of the whole on the validation part, 3 seeds:" in done.stdout
    assert "one by one" in done.stdout
    assert "one after the other" in done.stdout
    for name in ("dropout", "augment noise=0.1", "column petal width (cm)"):
        assert f"  {name}" in done.stdout
    assert "p is corrected for that (Holm)" in done.stdout
    study = json.loads((tmp_path / "out" / "study.json").read_text())
    assert (study["kind"], study["config"]["epochs"], study["strategy"]["seeds"]) == ("ablate", 2, 3)
    trials = [json.loads(line) for line in (tmp_path / "out" / "trials.jsonl").read_text().splitlines()]
    assert len(trials) == 3 * (1 + 6 + 4)
    assert "column petal width (cm)" in (tmp_path / "out" / "report.html").read_text()


def test_a_runs_settings_and_json(gradwright, home, tmp_path):
    done = gradwright(
        "ablate", home / "run", "--only", "columns", "--seeds", "2", "--epochs", "2", "--one-by-one", "--json",
        "--out", tmp_path / "study", cwd=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [part["name"] for part in found["parts"]] == ["column length", "column width", "column colour"]
    assert found["cumulative"] == []
    assert json.loads((tmp_path / "study" / "study.json").read_text())["config"]["lr"] == 0.02


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a TOML file of settings, a run folder, or a SOURCE"),
        (["iris.toml", "--only", "dropuot"], "did you mean dropout?"),
        (["iris.toml", "--only", "ema"], "has none to leave out (ema: none here)"),
        (["iris.toml", "--seeds", "0"], "--seeds 0: expected 1 or more"),
        (["iris.toml", "--groups", "none.toml"], "--groups none.toml: cannot be read"),
        (["empty.toml"], "source is missing"),
        (["iris.toml", "--lr", "auto"], "lr = 'auto'"),
    ],
)
def test_errors_that_help(here, settings, arguments, message):
    (settings.parent / "empty.toml").write_text("epochs = 3\n")
    done = here("ablate", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert sorted(p.name for p in settings.parent.iterdir()) == ["empty.toml", "iris.toml"]
