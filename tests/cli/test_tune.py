"""`gradwright tune`: what it prints, how it is stopped and goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gradwright.cli.searching import SearchProgress

SPACE = "[lr]\nlog = [1e-3, 1e-1]\n[dropout]\nlinear = [0.0, 0.5]\n"
TINY = ("iris", "--space", "space.toml", "--hidden", "8", "--epochs", "3", "--trials", "4", "--batch", "1")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tune")
    (folder / "space.toml").write_text(SPACE)
    return folder


def _start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from gradwright.cli.main import main; main()", "tune", *arguments],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(place: Path) -> tuple[Path, str, str]:
    process = _start(*TINY, "--no-baselines", "--out", "whole", cwd=place)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return place / "whole", out, err


def test_it_says_what_was_tried_what_that_does_and_where_the_report_is(done: tuple[Path, str, str]) -> None:
    study, out, err = done
    result = json.loads((study / "result.json").read_text())
    assert "23 to rank by accuracy; the test part (23) is sealed" in err
    assert "search     4 trials; best" in err
    assert "The best of 4 by validation accuracy:" in out
    assert out.index(f"  {result['ranking'][0]} ") < out.index(f"  {result['ranking'][1]} ")
    assert "4 configurations were tried" in out
    assert "Test accuracy of the winner, trained again as a run" in out
    assert "look 1 at them" in out
    assert "Report of its run: whole-best/report.html" in out
    assert out.endswith("Report: whole/report.html\n")
    assert (study / "report.html").stat().st_size > 10_000
    assert "\x1b" not in out + err


def _wait(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not path.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    assert path.exists(), process.communicate()


def test_a_search_is_listed_once(done: tuple[Path, str, str], here) -> None:
    listed = here("runs", str(done[0].parent)).stdout
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("whole")] == ["whole-best", "whole"]


@pytest.mark.slow
def test_a_killed_search_goes_on_and_ends_as_if_nothing_had_been(done: tuple[Path, str, str], gradwright) -> None:
    place = done[0].parent
    process = _start(*TINY, "--no-baselines", "--no-refit", "--out", "broken", cwd=place)
    _wait(place / "broken" / "jobs" / "00000.json", process)
    process.kill()
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    went_on = gradwright("tune", "--resume", "broken", "--json", cwd=place)
    assert went_on.returncode == 0, went_on.stderr
    assert "of 4 trials were done before" in went_on.stderr
    for file in ("trials.jsonl", "curves.jsonl"):
        assert (place / "broken" / file).read_bytes() == (done[0] / file).read_bytes()
    told = json.loads(went_on.stdout)
    assert (told["tried"], told["refit"], told["study"]) == (4, None, "broken")
    assert len((place / "looks.jsonl").read_text().splitlines()) == 1  # of the whole one's winner


def test_ctrl_c_says_how_to_go_on(here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "space.toml").write_text(SPACE)
    on_epoch = SearchProgress.on_epoch

    def pressed(self: SearchProgress, number: int, row: Mapping[str, Any]) -> None:
        on_epoch(self, number, row)
        if number == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(SearchProgress, "on_epoch", pressed)
    ended = here("tune", *TINY, "--out", "study")
    assert ended.returncode == 130
    assert "stopped by Ctrl-C; go on with: gradwright tune --resume study" in ended.stderr
    assert sorted(p.name for p in (tmp_path / "study" / "jobs").glob("?????.json")) == ["00000.json", "00001.json"]
    assert len((tmp_path / "study" / "trials.jsonl").read_text().splitlines()) == 2
    assert not (tmp_path / "looks.jsonl").exists()


def test_what_makes_no_sense_is_refused(here, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text("[lr]\nlog = [1e-3, 1e-1]\n")
    for arguments, words in (
        (("iris",), "--space FILE.toml, or sweep the learning rate with --lr-sweep"),
        (("iris", "--lr-sweep", "--strategy", "grid"), "--lr-sweep or --strategy grid, not both"),
        (("iris", "--space", "space.toml", "--strategy", "best"), "expected one of random, grid"),
        (("iris", "--space", "none.toml"), "none.toml: cannot be read"),
        (("--resume", "nowhere"), "no study.json"),
        (("iris", "--resume", "nowhere"), "--resume goes on with the study as it was begun"),
        (("--lr-sweep",), "Example: gradwright tune digits --lr-sweep"),
    ):
        ended = here("tune", *arguments)
        assert ended.returncode == 2
        assert words in ended.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["space.toml"]


def test_what_takes_long_is_shown_with_and_without_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    progress = SearchProgress()
    progress.on_search("search", 2, 1, 0)
    progress._last = 0.0
    progress.on_epoch(0, {"epoch": 1})
    progress.on_trials([{"number": 0, "score": 0.9}], {"number": 0, "score": 0.9})
    progress.on_search_end()
    progress._last = 0.0
    progress.on_wait("baselines: gradient boosting, 1 of 2")  # after the search, where no bar is
    progress.close()
    err = capsys.readouterr().err
    assert "0 of 2 trials done, 1 in training, 1 epoch done by them" in err
    assert "search     1 trial; best 90.0% (trial 0)" in err
    assert "  baselines: gradient boosting, 1 of 2 …" in err
