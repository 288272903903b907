"""What a run in the making says: growing files, torn lines, resumed runs, curves in a bounded number of points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradwright.errors import RunError
from gradwright.watch import LiveRun
from gradwright.watch import follow as follow_module
from gradwright.watch.follow import Follower
from gradwright.watch.thinning import ThinnedSteps

Folder = Callable[..., Path]


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


# --- following a file ---
@pytest.mark.parametrize("size", [1, 2, 7, 30, 1000])
def test_a_file_that_grows_is_read_once_however_it_is_cut(tmp_path: Path, size: int) -> None:
    rows = [{"step": k, "name": "größe\u2028" * (k % 3)} for k in range(12)]
    content = lines(rows).encode()
    follower, seen = Follower(tmp_path / "steps.jsonl"), []
    for start in range(0, len(content), size):
        with (tmp_path / "steps.jsonl").open("ab") as file:
            file.write(content[start : start + size])
        seen += list(follower.read())
    assert seen == rows


def test_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "steps.jsonl")
    assert list(follower.read()) == []
    (tmp_path / "steps.jsonl").write_text('{"a": 1}\n{"a": ')
    assert list(follower.read()) == [{"a": 1}]
    assert list(follower.read()) == []


def test_lines_that_are_no_records_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "CHUNK", 64)
    monkeypatch.setattr(follow_module, "LONGEST", 200)
    (tmp_path / "f").write_bytes(
        b'\n[1]\n{"a\n\xff\xfe\n' + b"[" * 5000 + b'\n{"a": 1}\n' + b"x" * 1000 + b'\n{"a": 2}\n'
    )
    assert list(Follower(tmp_path / "f").read()) == [{"a": 1}, {"a": 2}]


def test_a_file_that_was_cut_short_or_replaced_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    follower = Follower(path)
    assert list(follower.read()) == [{"a": 1}, {"a": 2}]
    with path.open("r+") as file:
        file.truncate(9)
    assert list(follower.read()) == [None, {"a": 1}]
    (tmp_path / "g").write_text('{"a": 3}\n{"a": 4}\n')
    os.replace(tmp_path / "g", path)
    assert list(follower.read()) == [None, {"a": 3}, {"a": 4}]


# --- curves in few points ---
@given(st.integers(1, 400), st.sampled_from([2, 8, 50]))
def test_points_are_means_and_extremes_of_their_steps(count: int, limit: int) -> None:
    loss = np.random.default_rng(count).normal(size=count)
    steps = ThinnedSteps(limit)
    for k, value in enumerate(loss, 1):
        steps.add({"step": k, "epoch": 1, "loss": float(value), "learning_rate": k / 10})
    points = steps.points()
    assert len(points) <= limit
    start = 0
    for point in points:
        part = loss[start : point["step"]]
        assert len(part) == steps.width or point is points[-1]
        assert (point["low"], point["high"]) == (part.min(), part.max())
        assert point["loss"] == pytest.approx(part.mean())
        assert point["learning_rate"] == point["step"] / 10
        start = point["step"]
    assert start == count


def test_steps_that_are_said_again_replace_what_was_there() -> None:
    steps = ThinnedSteps(100)
    for k in [1, 2, 3, 4, 3, 4, 5]:
        steps.add({"step": k, "loss": float(k), "learning_rate": 0.1})
    assert [p["step"] for p in steps.points()] == [1, 2, 3, 4, 5]
    assert steps.version == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "1", True, [1], 10**400])
def test_figures_that_are_no_numbers_are_gaps(value: Any) -> None:
    steps = ThinnedSteps()
    steps.add({"step": 1, "loss": value, "learning_rate": value})
    steps.add({"step": value if not isinstance(value, int) else "x", "loss": 1.0})
    nothing = {"loss": None, "low": None, "high": None, "learning_rate": None}
    assert steps.points() == [{"step": 1, **nothing}]


# --- a run ---
def joined(answers: list[dict[str, Any]], part: str, items: str) -> list[Any]:
    """Put answers together as the page does."""
    known: list[Any] = []
    for answer in answers:
        known[answer[part]["from"] :] = answer[part][items]
    return known


def test_what_is_new_adds_up_to_all_of_it(run_folder: Folder) -> None:
    folder = run_folder(epochs=6)
    whole = LiveRun(folder).since()
    metrics, steps = ((folder / name).read_text() for name in ("metrics.jsonl", "steps.jsonl"))
    run, answers = LiveRun(folder), []
    known: dict[str, int] = {}
    for share in (0.0, 0.1, 0.3, 0.31, 0.8, 1.0):
        (folder / "metrics.jsonl").write_text(metrics[: int(share * len(metrics))])
        (folder / "steps.jsonl").write_text(steps[: int(share * len(steps))])
        answer = run.since(**known)
        answers.append(answer)
        rows, points = joined(answers, "epochs", "rows"), joined(answers, "steps", "points")
        known = {
            "epochs": len(rows), "epochs_version": answer["epochs"]["version"],
            "steps": len(points), "steps_version": answer["steps"]["version"],
        }  # fmt: skip
    assert answers[-1]["epochs"]["from"] > 0  # only what is new was sent
    assert answers[-1]["steps"]["from"] > 0
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["train_loss"] for row in rows] == [row["train_loss"] for row in whole["epochs"]["rows"]]
    assert points == whole["steps"]["points"]
    assert [row["step"] for row in whole["epochs"]["rows"]] == [10, 20, 30, 40, 50, 60]


def test_an_asker_who_knows_another_version_gets_everything(run_folder: Folder) -> None:
    run = LiveRun(run_folder(epochs=4))
    for known in ({"epochs": 4, "epochs_version": 7}, {"epochs": 99, "epochs_version": 0}, {"epochs": -3}):
        assert len(run.since(**known)["epochs"]["rows"]) == 4


def test_a_resumed_run_goes_back(run_folder: Folder) -> None:
    folder = run_folder(epochs=4)
    run = LiveRun(folder)
    first = run.since()
    with (folder / "metrics.jsonl").open("a") as file:  # epochs 3 and 4 once more, without the old lines removed
        file.write(lines([{"epoch": 3, "train_loss": 7.0}, {"epoch": 4, "train_loss": 8.0}]))
    then = run.since(epochs=4, epochs_version=first["epochs"]["version"])
    assert then["epochs"]["from"] == 0
    assert [row["train_loss"] for row in then["epochs"]["rows"]] == [2.0, 1.0, 7.0, 8.0]


def test_the_state_in_words_and_the_time_left(run_folder: Folder, tmp_path: Path) -> None:
    running = LiveRun(run_folder(epochs=4)).since()
    assert (running["words"], running["left"], running["gone"]) == ("Training.", 12.0, False)  # 6 epochs of 2 s
    for state, words in (("finished", "has finished"), ("interrupted", "train --resume"), ("failed", "has failed")):
        answer = LiveRun(run_folder(name=state, state=state)).since()
        assert words in answer["words"]
        assert answer["left"] is None


def test_a_run_whose_process_is_gone(run_folder: Folder) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    folder = run_folder(pid=int(done.stdout))
    assert LiveRun(folder).since()["gone"] is False  # it wrote a moment ago
    for file in folder.iterdir():
        os.utime(file, (0, 0))
    answer = LiveRun(folder).since()
    assert answer["gone"] is True
    assert "killed?" in answer["words"]
    assert answer["left"] is None
    alive = run_folder(name="alive")
    for file in alive.iterdir():
        os.utime(file, (0, 0))
    assert "nothing was written for" in LiveRun(alive).since()["words"]


@pytest.mark.parametrize(
    "status", ["", "[]", "{", "[" * 100_000, '{"state": 3, "pid": "x", "epoch": true, "epochs": 1e99}']
)
def test_a_broken_status_is_no_status(run_folder: Folder, status: str) -> None:
    folder = run_folder()
    (folder / "status.json").write_text(status)
    answer = LiveRun(folder).since()
    assert (answer["state"], answer["done"], answer["planned"]) == ("running", 3, None)
    (folder / "result.json").write_text("{}")
    assert LiveRun(folder).since()["state"] == "finished"


def test_norms_and_names_are_cleaned(run_folder: Folder) -> None:
    folder = run_folder()
    row = {
        "epoch": 9,
        "train_x\u202e": 1.0,
        "norms": {"gradient": {"w\u202e": 2.0, "v": "no"}, "other": {}, "weight": 3},
    }
    (folder / "metrics.jsonl").write_text(lines([row, {"epoch": "10"}, {"no": 1}]))
    rows = LiveRun(folder).since()["epochs"]["rows"]
    norms = {"gradient": {"w⟨U+202E⟩": 2.0, "v": None}}
    assert rows == [{"train_x⟨U+202E⟩": 1.0, "norms": norms, "epoch": 9, "step": None}]


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no folder"):
        LiveRun(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"neither status.json nor metrics.jsonl"):
        LiveRun(tmp_path)
