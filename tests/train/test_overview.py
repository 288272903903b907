"""What runs there are: every state is told from the folder alone, and only what may go goes."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gradwright.errors import ConfigError, RunError
from gradwright.train.checkpoints import CheckpointStore
from gradwright.train.differences import refuse_changes, settings_differences, version_differences
from gradwright.train.overview import compare_runs, list_runs, plan_cleaning, read_summary, remove
from gradwright.train.processes import alive, training_process

NOW = datetime.now(UTC).isoformat(timespec="seconds")


@pytest.fixture
def dead() -> int:
    """The number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def make(place: Path, state: str | None, *, pid: int = 0, epochs: int = 2, checkpoints: int = 0, **config: Any) -> Path:
    """Make a run that has come so far, without a result."""
    place.mkdir(parents=True)
    settings = {"source": "iris", "network": "mlp", "hidden": [8, 4], "epochs": 10, "lr": 0.1, **config}
    (place / "config.json").write_text(json.dumps(settings))
    if state is not None:
        (place / "status.json").write_text(json.dumps({"state": state, "pid": pid, "epoch": epochs, "time": NOW}))
    rows = [{"epoch": i, "validation_loss": abs(i - 1.5), "validation_accuracy": i / 10} for i in range(1, epochs + 1)]
    (place / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    store = CheckpointStore(place / "checkpoints", keep_last=100)
    for i in range(1, checkpoints + 1):
        store.save({"i": i}, epoch=i, step=i, best=i == 2)
    return place


# --- one run ---
def test_a_finished_run(iris_run: Path) -> None:
    result = json.loads((iris_run / "result.json").read_text())
    run = read_summary(iris_run)
    assert (run.state, run.resumable, run.process, run.problem) == ("finished", False, None, None)
    assert (run.source, run.network, run.task, run.metric) == ("iris", "mlp 32,16", "multiclass", "accuracy")
    assert (run.epoch, run.epochs, run.looks) == (result["epochs"], 8, 1)
    assert run.validation == result["validation"]["accuracy"]
    assert run.test == {key: result["test"]["accuracy"][key] for key in ("value", "low", "high")}
    assert 0 <= (run.age() or -1) < 3600
    assert json.loads(json.dumps(run.to_dict()))["name"] == iris_run.name


@pytest.mark.parametrize(
    ("said", "checkpoints", "state", "resumable"),
    [
        ("running", 3, "killed", True), ("running", 0, "killed", False), ("interrupted", 1, "interrupted", True),
        ("failed", 1, "failed", True), ("failed", 0, "failed", False), ("finished", 1, "damaged", False),
        (None, 1, "damaged", False), ("weird", 1, "damaged", False),
    ],
)  # fmt: skip
def test_an_unfinished_run(
    tmp_path: Path, dead: int, said: str | None, checkpoints: int, state: str, resumable: bool
) -> None:
    run = read_summary(make(tmp_path / "run", said, pid=dead, checkpoints=checkpoints))
    assert (run.state, run.resumable, run.process, run.checkpoints) == (state, resumable, None, checkpoints)
    assert (run.epoch, run.epochs, run.validation, run.test) == (2, 10, 0.1, None)  # the first of two equal losses
    assert run.problem == (None if state != "damaged" else run.problem)


def test_a_running_one(tmp_path: Path) -> None:
    run = read_summary(make(tmp_path / "run", "running", pid=os.getpid(), checkpoints=1))
    assert (run.state, run.resumable, run.process) == ("running", False, os.getpid())
    leftover = make(tmp_path / f".unfinished-a-{os.getpid()}", None)
    assert read_summary(leftover).state == "running"


def test_a_number_that_another_process_has_now(tmp_path: Path) -> None:
    status = {"state": "running", "pid": os.getpid(), "time": NOW}
    assert training_process(status) == os.getpid()
    assert training_process({**status, "time": "2001-01-01T00:00:00+00:00"}) is None
    assert training_process({**status, "time": "no time"}) == os.getpid()
    for pid in (None, "1", 1.5, True, -1, 0, 2**70):
        assert training_process({**status, "pid": pid}) is None
    assert alive(1)  # somebody else's, perhaps
    assert alive(os.getpid(), since=time.time())
    assert not alive(os.getpid(), since=1.0)


# --- broken ones ---
def test_a_broken_folder_is_shown_as_such(tmp_path: Path, iris_run: Path) -> None:
    copy = Path(shutil.copytree(iris_run, tmp_path / "run"))
    names = ["status.json", "result.json", "config.json", "metrics.jsonl"]
    contents = {name: (copy / name).read_bytes() for name in names}
    draw = random.Random(3)
    worst = [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b'{"a": 1, "a": 2}', b"null", b"{}", b'{"result": 1}']
    for _ in range(120):
        name = draw.choice(names)
        bad = bytearray(contents[name])
        for _ in range(draw.randrange(1, 30)):
            bad[draw.randrange(len(bad))] = draw.randrange(256)
        (copy / name).write_bytes(draw.choice([*worst, bytes(bad), contents[name][: draw.randrange(500)]]))
        run = read_summary(copy)
        compare_runs([run, read_summary(iris_run)])
        json.dumps(run.to_dict())
        assert plan_cleaning([tmp_path]) == [] or run.state == "finished"
        (copy / name).write_bytes(contents[name])
    (copy / "result.json").write_text("[1]")
    run = read_summary(copy)
    assert run.state == "damaged"
    assert run.problem == "result.json: expected an object, found a list"


def test_wrong_kinds_of_values_are_left_out(tmp_path: Path) -> None:
    place = make(tmp_path / "run", "finished", network=3, hidden="x", epochs_=1)
    (place / "result.json").write_text(
        json.dumps({"metric": ["accuracy"], "test": {"accuracy": 1}, "epochs": True, "looks": 1e300, "validation": 3})
    )
    run = read_summary(place)
    assert run.state == "finished"
    assert (run.network, run.test, run.looks) == (None, None, None)
    os.mkfifo(tmp_path / "run" / "data.json")
    (place / "result.json").unlink()
    (place / "result.json").symlink_to("/dev/zero")
    assert "link" in (read_summary(place).problem or "")


def test_a_torn_last_line_is_no_damage(tmp_path: Path, dead: int) -> None:
    place = make(tmp_path / "run", "running", pid=dead, checkpoints=1)
    with (place / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "valid')
    assert read_summary(place).state == "killed"


# --- lists and comparisons ---
def test_a_list_has_the_latest_last_and_runs_only(tmp_path: Path, iris_run: Path) -> None:
    shutil.copytree(iris_run, tmp_path / "z-first")
    make(tmp_path / "a-last", "interrupted")
    status = json.loads((tmp_path / "a-last" / "status.json").read_text())
    (tmp_path / "a-last" / "status.json").write_text(json.dumps({**status, "time": "2100-01-01T00:00:00+02:00"}))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("")
    assert [run.name for run in list_runs(tmp_path)] == ["z-first", "a-last"]
    assert [run.name for run in list_runs(tmp_path / "a-last")] == ["a-last"]
    assert list_runs(tmp_path)[1].time == "2099-12-31T22:00:00+00:00"
    with pytest.raises(RunError, match=r"nowhere: cannot be read: No such file"):
        list_runs(tmp_path / "nowhere")


def test_side_by_side(tmp_path: Path, iris_run: Path, diabetes_run: Path) -> None:
    iris, diabetes = read_summary(iris_run), read_summary(diabetes_run)
    other = Path(shutil.copytree(iris_run, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "lr": 0.5}))
    compared = compare_runs([iris, read_summary(other)])
    assert compared.runs == [iris_run.name, "other"]
    assert compared.settings == {"lr": [config["lr"], 0.5]}
    assert compared.figures["test accuracy"] == [dict(iris.test or {})] * 2
    assert compared.figures["state"] == ["finished", "finished"]
    assert compared.remarks == []
    compared = compare_runs([iris, diabetes])
    assert compared.settings["source"] == ["iris", "diabetes"]
    assert compared.figures["test accuracy"][1] is None
    assert compared.figures["test rmse"][0] is None
    assert "Not the same data" in compared.remarks[0]
    record = json.loads((other / "data.json").read_text())
    record["split"]["seed"] = 7
    (other / "data.json").write_text(json.dumps(record))
    assert "Not the same split" in compare_runs([iris, read_summary(other)]).remarks[0]
    with pytest.raises(ConfigError, match="at least two runs"):
        compare_runs([iris])


# --- cleaning ---
def gone(places: list[Path], **settings: Any) -> list[str]:
    plan = plan_cleaning(places, **settings)
    for removal in plan:
        assert removal.bytes > 0
        remove(removal)
    return sorted(removal.path.name for removal in plan)


def test_only_what_may_go_goes(tmp_path: Path, dead: int, iris_run: Path) -> None:
    home = tmp_path / "runs"
    finished = Path(shutil.copytree(iris_run, home / "finished", ignore=shutil.ignore_patterns("checkpoints")))
    store = CheckpointStore(finished / "checkpoints", keep_last=100)
    for i in range(1, 6):
        store.save({"i": i}, epoch=i, step=i, best=i == 2)
    make(home / "resumable", "interrupted", checkpoints=6)
    make(home / "nothing", "running", pid=dead, epochs=0)
    make(home / "some epochs", "running", pid=dead, epochs=2)
    make(home / "training", "running", pid=os.getpid(), epochs=0)
    make(home / f".unfinished-x-{dead}", None)
    make(home / f".unfinished-y-{os.getpid()}", None)
    make(home / "damaged", None)
    (home / "resumable" / "checkpoints" / f".step-00000009-epoch-9.safetensors.{dead}.tmp").write_text("half")
    (home / "mine").mkdir()
    (home / "mine" / "config.json").write_text("{}")
    before = {path.name for path in home.iterdir()}
    went = gone([home])
    assert went == sorted(
        [f".step-00000009-epoch-9.safetensors.{dead}.tmp", f".unfinished-x-{dead}", "nothing"]
        + [f"step-0000000{i}-epoch-{i}.safetensors" for i in (1, 3, 4)]  # of both
        + [f"step-0000000{i}-epoch-{i}.safetensors" for i in (1, 3, 4)]
    )
    assert {path.name for path in home.iterdir()} == before - {"nothing", f".unfinished-x-{dead}"}
    assert [c.step for c in store.found()] == [2, 5]
    left = CheckpointStore(home / "resumable" / "checkpoints")
    assert [c.step for c in left.found()] == [2, 5, 6]
    assert left.load_last() == ({"i": 6}, [])
    assert gone([home]) == []
    # the best and the last only when asked for, and only of what is finished
    assert gone([home], all_checkpoints=True) == [
        "step-00000002-epoch-2-best.safetensors", "step-00000005-epoch-5.safetensors",
    ]  # fmt: skip
    assert [c.step for c in left.found()] == [2, 5, 6]


def test_a_run_that_is_named_goes_wholly(tmp_path: Path, iris_run: Path) -> None:
    home = tmp_path / "runs"
    shutil.copytree(iris_run, home / "finished")
    busy = make(home / "training", "running", pid=os.getpid())
    (home / "link").symlink_to(home / "finished")
    with pytest.raises(RunError, match=rf"training: process {os.getpid()} is training it"):
        plan_cleaning([home / "finished", busy])
    with pytest.raises(RunError, match="link: is a link"):
        plan_cleaning([home / "link"])
    with pytest.raises(RunError, match="nowhere"):
        plan_cleaning([home / "nowhere"])
    (removal,) = plan_cleaning([home / "finished"])
    assert removal.reason == "the whole run, finished"
    remove(removal)
    assert {path.name for path in home.iterdir()} == {"training", "link"}
    remove(removal)  # it is gone already


def test_what_began_to_train_meanwhile_stays(tmp_path: Path, dead: int) -> None:
    place = make(tmp_path / "runs" / "nothing", "running", pid=dead, epochs=0)
    (removal,) = plan_cleaning([tmp_path / "runs"])
    status = json.loads((place / "status.json").read_text())
    (place / "status.json").write_text(json.dumps({**status, "pid": os.getpid()}))
    with pytest.raises(RunError, match="is training it"):
        remove(removal)
    assert place.is_dir()


def test_checkpoints_behind_a_link_are_left_alone(tmp_path: Path) -> None:
    place = make(tmp_path / "runs" / "a", "interrupted", checkpoints=5)
    shutil.move(place / "checkpoints", tmp_path / "elsewhere")
    (place / "checkpoints").symlink_to(tmp_path / "elsewhere")
    assert plan_cleaning([tmp_path / "runs"]) == []


# --- what differs at a resume ---
def test_differences_are_listed_by_name() -> None:
    old = {"lr": 0.1, "hidden": (8, 4), "nan": float("nan"), "a": {"b": 1, "c": [1, {"d": 2}]}, "gone": 1, "none": None}
    new = {"lr": 0.1, "hidden": [8, 4], "nan": float("nan"), "a": {"b": 2, "c": [1, {"d": 3}]}, "new": "x"}
    assert settings_differences(old, old) == []
    assert settings_differences(old, new) == [
        "a.b: 1 before, 2 now", "a.c: [1, {'d': 2}] before, [1, {'d': 3}] now",
        "gone: 1 before, not set now", "new: not set before, x now",
    ]  # fmt: skip
    assert settings_differences({"eager": True}, {"eager": 1}) == ["eager: True before, 1 now"]
    assert settings_differences({"lr": 1}, {"lr": 1.0}) == []
    assert len(settings_differences({"x": "y" * 10_000}, {})[0]) < 100
    record = {"gradwright": "0.1.0", "jax": "0.10", "cpus": 1, "started": "now", "platform": "a"}
    assert version_differences(record, {**record, "cpus": 9, "started": "then"}) == []
    assert version_differences(record, {**record, "jax": None, "platform": "b"}) == [
        "version of jax: 0.10 before, not set now", "platform: a before, b now",
    ]  # fmt: skip
    refuse_changes(["x"], accept=True)
    with pytest.raises(RunError, match=r"(?s)  x\n  y\n.*--accept-changes"):
        refuse_changes(["x", "y"], accept=False)
