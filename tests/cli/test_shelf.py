"""What `gradwright list` shows can be trained with, and lr-find and --lr auto find a rate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradwright.train.choices import SHELVES


def test_list_names_the_shelves(here) -> None:
    done = here("list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(SHELVES)


@pytest.mark.parametrize("shelf", ["optimizers", "layers"])
def test_list_explains_each_name(here, shelf: str) -> None:
    done = here("list", shelf)
    assert done.returncode == 0
    starts = [line.split()[0] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert starts == list(SHELVES[shelf])
    assert all(len(line) <= 110 for line in done.stdout.splitlines())


def test_list_of_what_is_not_there(here) -> None:
    done = here("list", "optimisers")
    assert (done.returncode, done.stdout) == (2, "")
    assert "optimizers" in done.stderr


@pytest.mark.long
def test_train_with_much_of_the_shelf(here, tmp_path: Path) -> None:
    done = here(
        "train", "digits", "--network", "resnet", "--width", "4", "--optimizer", "lamb", "--lr", "auto",
        "--schedule", "onecycle",
        "--warmup", "0.1", "--l2", "1e-4", "--prior", "student-t=1", "--max-norm", "3", "--label-smoothing", "0.1",
        "--gradient-noise", "1e-4", "--weight-noise", "0.01", "--ema", "0.9", "--lookahead", "5", "--clip-value", "1",
        "--stochastic-depth", "0.1", "--augment", "shift=1,rotate,mixup", "--init", "orthogonal", "--epochs", "1",
        "--eager", "--out", "run", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    run = tmp_path / "run"
    plan, search = (json.loads((run / name).read_text()) for name in ("schedule.json", "lr_find.json"))
    config = json.loads((run / "config.json").read_text())
    assert config["lr"] == search["suggestion"] == pytest.approx(max(plan["rates"]), rel=0.05)
    sheet = json.loads((run / "augmentation.json").read_text())
    assert sheet["augment"] == ["shift=1", "rotate", "mixup"]
    assert len(sheet["labels"]) == 8
    page = (run / "report.html").read_text()
    for part in ('id="learning-rate"', 'id="augmentation"', "<img", "Conv2d"):
        assert part in page
    assert result["test"]["rows"] == 270

    again = here("evaluate", run, "--json")
    assert again.returncode == 0, again.stderr
    figures = json.loads(again.stdout)
    assert figures["accuracy"]["value"] == pytest.approx(result["validation"]["accuracy"], abs=1e-12)
    assert figures["loss"] == pytest.approx(result["validation"]["loss"], rel=1e-5)


def test_lr_find_prints_a_rate_and_draws_it(here, tmp_path: Path) -> None:
    done = here("lr-find", "iris", "--out", "rates.html", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert 1e-5 < found["suggestion"] < 3
    assert found["bounds"][0] < found["bounds"][1]
    assert f"taken: {found['suggestion']:.2g}" in (tmp_path / "rates.html").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rates.html"], "nothing else is written"
    quiet = here("lr-find", "iris", "-q")
    assert float(quiet.stdout) == pytest.approx(found["suggestion"], rel=1e-2)
    assert quiet.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--optimizer", "adma"], ["no optimizer 'adma'", "did you mean adamax or adam"]),
        (["--lr", "fast"], ["--lr fast", "0.001, or auto"]),
        (["--network", "lenet"], ["lenet", "takes images", "4 numbers"]),
        (["--augment", "flip"], ["augment = flip", "takes images"]),
        (["--augment", "noise=much"], ["noise=much", "a number"]),
        (["--optimizer", "adam", "--momentum", "0.5"], ["adam has no momentum", "sgd"]),
        (["--compare", "torch", "--schedule", "cosine"], ["--compare torch", "schedule = cosine"]),
        (["--prior", "gaussian=wide"], ["prior", "expected a scale"]),
    ],
)
def test_what_does_not_fit_is_one_message(here, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    done = here("train", "iris", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    message = [line for line in done.stderr.splitlines() if line.startswith("gradwright:")]
    assert len(message) == 1
    for word in words:
        assert word in message[0]
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
