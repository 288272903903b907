"""`gradwright train`: what it prints where, what it leaves, and how settings come together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

QUICK = ("--eager", "--epochs", "2")


def test_progress_on_stderr_and_the_result_on_stdout(home: Path) -> None:
    out, err = (home / "stdout").read_text(), (home / "stderr").read_text()
    for stage in ("1 read", "2 split", "3 prepare", "4 baselines", "5 network", "6 train", "8 report"):
        assert stage in err
    assert "90 rows, 3 columns; task: multiclass" in err
    assert "the test part is sealed" in err
    assert "Test accuracy, 14 rows, look 1" in out
    assert "95% interval" in out
    assert "majority class" in out
    assert "Report: run/report.html" in out
    assert "\x1b" not in out + err  # not a terminal
    assert (home / "run" / "report.html").stat().st_size > 10_000


def test_a_new_run_goes_under_runs(gradwright, tmp_path: Path) -> None:
    done = gradwright("train", "iris", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    run, book = sorted((tmp_path / "runs").iterdir())
    assert book.name == "looks.jsonl"
    assert run.name.startswith("iris-")
    result = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert result["run"] == f"runs/{run.name}"
    assert (tmp_path / result["report"]).is_file()
    stored = json.loads((run / "result.json").read_text())
    assert {k: result[k] for k in stored} == stored
    assert result["baselines"] == json.loads((run / "baselines.json").read_text())


def test_quiet_prints_nothing(gradwright, tmp_path: Path) -> None:
    done = gradwright("train", "diabetes", *QUICK, "--quiet", "--out", "here/there")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "here/there/report.html").is_file()


def test_an_existing_run_is_not_overwritten(gradwright, home: Path) -> None:
    before = {p.name: p.read_bytes() for p in (home / "run").iterdir() if p.is_file()}
    done = gradwright("train", "iris", *QUICK, "--out", "run", cwd=home)
    assert done.returncode == 2
    assert "never overwritten" in done.stderr
    assert {p.name: p.read_bytes() for p in (home / "run").iterdir() if p.is_file()} == before


def test_print_config_is_toml_that_gives_itself(gradwright, tmp_path: Path) -> None:
    first = gradwright("train", "iris", "--print-config", "--hidden", "", "--lr", "1e-5", "--target", 'a "b" \\ ü')
    assert first.returncode == 0
    assert first.stderr == ""
    settings = tomllib.loads(first.stdout)
    assert settings["hidden"] == []
    assert settings["lr"] == 1e-5
    assert settings["target"] == 'a "b" \\ ü'
    (tmp_path / "a.toml").write_text(first.stdout)
    second = gradwright("train", "--config", "a.toml", "--print-config")
    assert second.returncode == 0
    assert second.stdout == first.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["a.toml"]


def test_options_overrule_the_file(gradwright, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('source = "wine"\nlr = 0.5\nbatch_norm = true\nhidden = [3]\nseed = 4\n')
    done = gradwright("train", "iris", "--config", "a.toml", "--lr", "0.25", "--no-batch-norm", "--print-config")
    settings = tomllib.loads(done.stdout)
    assert (settings["source"], settings["lr"], settings["batch_norm"]) == ("iris", 0.25, False)
    assert (settings["hidden"], settings["seed"]) == ([3], 4)
    done = gradwright("train", "--config", "a.toml", *QUICK, "--quiet", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "config.json").read_text())["hidden"] == [3]
    given = tomllib.loads((tmp_path / "run" / "config.given.toml").read_text())
    assert given == {
        "source": "wine", "lr": 0.5, "batch_norm": True, "hidden": [3], "seed": 4, "eager": True, "epochs": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["name a SOURCE", "gradwright train digits"]),
        (["iriss"], ["'iriss'", "did you mean 'iris'"]),
        (["iris", "--hidden", "12,x"], ["--hidden 12,x"]),
        (["iris", "--hidden", "0"], ["hidden"]),
        (["iris", "--task", "regresion"], ["task", "'regression'"]),
        (["iris", "--optimizer", "adma"], ["optimizer = 'adma'", "did you mean adamax or adam"]),
        (["iris", "--lr", "inf"], ["lr = inf"]),
        (["iris", "--dropout", "1"], ["dropout = 1.0"]),
        (["iris", "--validation", "0.6", "--test", "0.6"], ["leave nothing to train on"]),
        (["iris", "--config", "missing.toml"], ["missing.toml", "cannot be read"]),
        (["iris", "--config", "typo.toml"], ["typo.toml", "unknown setting 'epoch'", "did you mean 'epochs'"]),
        (["iris", "--config", "broken.toml"], ["broken.toml", "not valid TOML"]),
        (["iris", "--out", "typo.toml"], ["--out typo.toml"]),
        (["iris", "--out", "typo.toml/run"], ["typo.toml"]),
        (["iris", "--lr", "1e30", "--optimizer", "sgd", "--eager"], ["epoch 1, step", "learning rate"]),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else None,
)
def test_wrong_settings(here, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    (tmp_path / "typo.toml").write_text("epoch = 3\n")
    (tmp_path / "broken.toml").write_text("lr =\n")
    done = here("train", *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "runs").glob("*")) if (tmp_path / "runs").exists() else True


def test_debug_shows_where_it_came_from(gradwright) -> None:
    done = gradwright("evaluate", "run\x1b[31m", "--debug")
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith("gradwright: ")
    assert "\x1b" not in done.stderr


def test_training_that_breaks_down_exits_with_one_and_leaves_its_run(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from gradwright.train import trainer\n"
        "row = trainer.Trainer._row\n"
        "def spoil(self, epoch, *rest):\n"
        "    if epoch == 2: self.optimizer.param_groups[0]['lr'] = 1e30\n"
        "    return row(self, epoch, *rest)\n"
        "trainer.Trainer._row = spoil\n"
        "from gradwright.cli.main import main\n"
        "sys.argv = ['gradwright', 'train', 'iris', '--eager', '--epochs', '9', '--out', 'run']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert "Training broke down: epoch 3, step" in done.stdout
    page = (tmp_path / "run" / "report.html").read_text()
    assert "epoch 3, step" in page
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_training_goes_on_when_told(tmp_path: Path, number: int) -> None:
    command = "import sys; from gradwright.cli.main import main; main()"
    arguments = ["train", "iris", "--eager", "--epochs", "1000000", "--patience", "1000000", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = tmp_path / "run" / "metrics.jsonl"
    try:
        for _ in range(600):
            if lines.exists() and lines.stat().st_size:
                break
            time.sleep(0.1)
        process.send_signal(number)
        time.sleep(0.002)
        process.send_signal(number)  # impatient
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 128 + number
    assert out == ""
    assert "go on with: gradwright train --resume run" in err
    assert "Traceback" not in err
    assert list((tmp_path / "run" / "checkpoints").iterdir())
    done = len(lines.read_text().splitlines())
    more = ["train", "--resume", "run", "--epochs", str(done + 2), "--quiet"]
    refused = subprocess.run(
        [sys.executable, "-c", command, *more], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert refused.returncode == 2
    assert "1000000" in refused.stderr
    assert str(done + 2) in refused.stderr
    went_on = subprocess.run(
        [sys.executable, "-c", command, *more, "--accept-changes"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert went_on.returncode == 0, went_on.stderr
    assert len(lines.read_text().splitlines()) == done + 2
    assert (tmp_path / "run" / "report.html").exists()


def test_interrupted_before_training_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from gradwright.train import job\n"
        "job.fit_baselines = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT)\n"
        "from gradwright.cli.main import main\n"
        "sys.argv = ['gradwright', 'train', 'iris', '--eager']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 130
    assert "nothing was written" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_the_command_on_the_path_is_the_same(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "gradwright"
    if not script.exists():
        pytest.skip("the package is not installed as a command here")
    done = subprocess.run(
        [script, "--help"], capture_output=True, text=True, timeout=60, env={**os.environ, "COLUMNS": "100"}
    )
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("train", "predict", "evaluate"))
