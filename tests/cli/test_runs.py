"""`gradwright runs`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gradwright.train.checkpoints import CheckpointStore


@pytest.fixture
def runs(home: Path, tmp_path: Path) -> Path:
    """Three runs: finished, killed, and one with text from a stranger."""
    place = tmp_path / "runs"
    shutil.copytree(home / "run", place / "flowers")
    for name, config in {"killed": {"lr": 0.5}, "evil": {"source": "\x1b[2Jred\nnew line"}}.items():
        (place / name).mkdir()
        settings = json.loads((home / "run" / "config.json").read_text()) | config
        (place / name / "config.json").write_text(json.dumps(settings))
        status = {"state": "running", "pid": 2**22 + 7, "epoch": 3, "time": "2026-01-01T12:00:00+00:00"}
        (place / name / "status.json").write_text(json.dumps(status))
    store = CheckpointStore(place / "killed" / "checkpoints", keep_last=9)
    for i in range(1, 5):
        store.save(i, epoch=i, step=i)
    return place


def test_the_list(here, runs: Path) -> None:
    done = here("runs")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    heads = lines[0].split()
    assert heads == ["run", "state", "source", "network", "epochs", "validation", "test", "looks", "age"]
    (flowers,) = (line for line in lines if line.startswith("flowers"))
    assert "finished" in flowers
    test = json.loads((runs / "flowers" / "result.json").read_text())["test"]["accuracy"]
    assert f"{test['value']:.1%} ({test['low']:.1%} to {test['high']:.1%})" in flowers
    (killed,) = (line for line in lines if line.startswith("killed"))
    assert "killed, resumable" in killed
    assert "3/30" in killed
    assert r"\x1b[2Jred new line" in done.stdout
    assert "\x1b" not in done.stdout
    assert lines[-1] == "Go on with one that is resumable: gradwright train --resume RUN"
    (one,) = json.loads(here("runs", "killed", "--json").stdout)
    assert (one["state"], one["resumable"], one["epoch"]) == ("killed", True, 3)
    done = here("runs", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere: cannot be read" in done.stderr
    (runs.parent / "empty").mkdir()
    assert "No runs here" in here("runs", "empty").stdout


def test_side_by_side(here, runs: Path) -> None:
    done = here("runs", "--compare", "flowers", "killed")
    assert done.returncode == 0, done.stderr
    rows = {line.split("  ")[1].strip(): line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert rows["lr"].split()[1:] == ["0.02", "0.5"]
    assert "seed" not in rows
    assert rows["state"].split()[1:] == ["finished", "killed"]
    compared: dict[str, Any] = json.loads(here("runs", "--compare", "flowers", "killed", "--json").stdout)
    assert compared["settings"]["lr"] == [0.02, 0.5]
    done = here("runs", "--compare", "flowers")
    assert done.returncode == 2
    assert "at least two" in done.stderr
    assert here("runs", "--compare", "--clean").returncode == 2


def test_cleaning_asks_first(here, runs: Path) -> None:
    before = sorted(path for path in runs.rglob("*") if "checkpoints" not in path.parts)
    done = here("runs", "--clean")
    assert done.returncode == 2
    assert "--yes does so without asking" in done.stderr
    assert "step-00000001-epoch-1.safetensors" in done.stderr
    assert len(list((runs / "killed" / "checkpoints").iterdir())) == 4
    done = here("runs", "--clean", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Removed ")
    assert len(list((runs / "killed" / "checkpoints").iterdir())) == 2
    assert sorted(path for path in runs.rglob("*") if "checkpoints" not in path.parts) == before
    assert here("runs", "--clean", "--yes").stdout == "There is nothing to clean up.\n"
    done = here("runs", "--clean", "flowers", "--yes", "--json")
    assert json.loads(done.stdout)["removed"] == ["runs/flowers"]
    assert sorted(path.name for path in runs.iterdir()) == ["evil", "killed"]


def test_an_answer_at_the_terminal(runs: Path) -> None:
    pty = pytest.importorskip("pty")
    for answer, left in ((b"n\n", 4), (b"y\n", 2)):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-c", "from gradwright.cli.main import main; main()", "runs", "--clean"]
        process = subprocess.Popen(command, cwd=runs.parent, stdin=theirs, stdout=-1, stderr=subprocess.PIPE)
        os.write(ours, answer)
        _, said = process.communicate(timeout=120)
        os.close(ours)
        os.close(theirs)
        assert b"Remove these" in said
        assert process.returncode == (1 if answer == b"n\n" else 0)
        assert len(list((runs / "killed" / "checkpoints").iterdir())) == left
