"""A run's folder is there whole or not at all."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradwright.errors import RunError
from gradwright.train.folder import RunFolder, plain, write_bytes, write_json, write_lines, write_text


def test_the_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run") as folder:
        write_text(folder.path / "a.txt", "here")
        assert not (tmp_path / "run").exists()
        assert folder.path.parent == tmp_path
        assert folder.path.name.startswith(".unfinished-")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert (tmp_path / "run" / "a.txt").read_text() == "here"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_stays_behind_after_an_error(tmp_path: Path, error: type[BaseException]) -> None:
    def attempt() -> None:
        with RunFolder(tmp_path / "run") as folder:
            write_text(folder.path / "a.txt", "here")
            raise error

    with pytest.raises(error):
        attempt()
    assert list(tmp_path.iterdir()) == []


def test_existing_runs_are_never_overwritten(tmp_path: Path) -> None:
    for out in (tmp_path / "run", tmp_path / "file"):
        if out.name == "file":
            out.write_text("precious")
        else:
            out.mkdir()
            (out / "kept").write_text("precious")
        with pytest.raises(RunError, match="never overwritten"):
            RunFolder(out)
    assert (tmp_path / "run" / "kept").read_text() == (tmp_path / "file").read_text() == "precious"
    (tmp_path / "empty").mkdir()
    with RunFolder(tmp_path / "empty") as folder:
        write_text(folder.path / "a.txt", "here")
    assert (tmp_path / "empty" / "a.txt").is_file()


def test_a_run_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    def attempt() -> None:
        with RunFolder(tmp_path / "run"):
            (tmp_path / "run").mkdir()
            (tmp_path / "run" / "kept").write_text("precious")

    with pytest.raises(RunError, match="run"):
        attempt()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert (tmp_path / "run" / "kept").read_text() == "precious"


def _twin(parent: Path, barrier: object) -> None:
    with RunFolder(name="same", parent=parent) as folder:
        write_text(folder.path / "a.txt", "here")
        barrier.wait(30)  # type: ignore[attr-defined]  # both have chosen their name by now


def test_two_runs_of_one_second_both_arrive(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    both = [context.Process(target=_twin, args=(tmp_path, barrier)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [p.exitcode for p in both] == [0, 0]
    assert sorted(p.name[:5] for p in tmp_path.iterdir()) == ["same-", "same-"]


def test_names_are_safe_and_dated(tmp_path: Path) -> None:
    for name, start in (
        ("../../etc/pass wd", "etc-pass-wd-2"),
        ("", "run-2"),
        ("a" * 300, "a" * 60 + "-2"),
        ("..", "run-2"),
    ):
        folder = RunFolder(name=name, parent=tmp_path)
        assert folder.final.parent == tmp_path
        assert folder.final.name.startswith(start)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named_for_users(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(RunError, match="cannot make a run folder in"), RunFolder(tmp_path / "run"):
            pass
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("parent", ["a-file", "/proc/gradwright"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, parent: str) -> None:
    (tmp_path / "a-file").write_text("")
    with (
        pytest.raises(RunError, match=r"cannot make a run folder in .*(a-file|proc)"),
        RunFolder(tmp_path / parent / "run"),
    ):
        pass


def test_leftovers_of_killed_runs_are_removed_and_others_stay(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from gradwright.train.folder import RunFolder, write_text\n"
        "with RunFolder(Path(sys.argv[1])) as f:\n"
        "    write_text(f.path / 'half.txt', 'x'); print('ready', flush=True); time.sleep(60)\n"
    )
    victim = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "dead")], stdout=subprocess.PIPE)
    alive = tmp_path / f".unfinished-alive-{os.getppid()}"
    alive.mkdir()
    foreign = tmp_path / ".unfinished-notes"
    foreign.mkdir()
    try:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"ready\n"
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        if victim.stdout:
            victim.stdout.close()
    (left,) = [p for p in tmp_path.iterdir() if p not in (alive, foreign)]
    assert left.name == f".unfinished-dead-{victim.pid}"
    with RunFolder(tmp_path / "next") as folder:
        write_text(folder.path / "a.txt", "here")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([alive.name, foreign.name, "next"])


# --- files ---
def test_a_file_is_replaced_whole_or_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_text(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"cannot write .*a\.json: No space left on device"):
            write_bytes(path, b"new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(RunError, match="cannot write"):
        write_bytes(tmp_path / "missing" / "a.json", b"new")


def test_json_holds_no_nan_and_no_numpy(tmp_path: Path) -> None:
    value = {
        "a": np.float32("nan"),
        "b": [np.inf, -np.inf, np.int64(3), np.float32(0.5), True],
        3: np.array([1.0, np.nan]),
        "c": (np.bool_(True), None, "ü"),
    }
    expected = {"a": None, "b": [None, None, 3, 0.5, True], "3": [1.0, None], "c": [True, None, "ü"]}
    assert plain(value) == expected
    write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text()) == expected
    write_lines(tmp_path / "a.jsonl", [value, value])
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [expected, expected]
