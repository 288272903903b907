"""Searches that several processes share: through the command line, killed, refused, broken off; on Ray."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradwright.cli.main import app
from gradwright.errors import ConfigError, RunError
from gradwright.tune import Log
from gradwright.tune import layout as layout_module
from gradwright.tune.layout import fixed_layout
from gradwright.tune.plans import SearchSettings, make_plan
from gradwright.tune.sharing import about_work
from gradwright.tune.tuning import Searching, resumed
from gradwright.tune.workers import HostsPool, LocalPool, Place

from .searching import config, run, space, work

#: `gradwright`, but that a silent worker is missed earlier.
_PROGRAM = """
import gradwright.cli.sharing as sharing
sharing.SILENT = 4.0
from gradwright.cli.main import main
main()
"""
#: The same, which dies as by kill -9 in the third epoch that it trains.
_DYING = """
import os, signal
import gradwright.tune.work as work
epochs, tick = [], work.tick
def dies():
    epochs.append(tick())
    if len(epochs) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
work.tick = dies
"""
_SPACE = "[lr]\nlog = [1e-3, 1e-1]\n[weight_decay]\nlinear = [0.0, 0.1]\n"
_COMMAND = ["tune", "iris", "--hidden", "8", "--epochs", "3", "--dropout", "0.1", "--seed", "3", "--trials", "3"]
_COMMAND += ["--batch", "1", "--no-refit", "--no-baselines", "--space", "space.toml"]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class _Team:
    """Processes of one search; ends what it has started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.address = folder, f"127.0.0.1:{_free_port()}"
        self.started: list[subprocess.Popen[str]] = []
        (folder / "space.toml").write_text(_SPACE)

    def start(self, *options: str, program: str = _PROGRAM) -> subprocess.Popen[str]:
        """Start a process with the common command and more."""
        command = [sys.executable, "-c", program, *_COMMAND, *options]
        out = open(self.folder / f"out.{len(self.started)}", "w")  # noqa: SIM115  # a pipe would fill up
        process = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=subprocess.STDOUT, text=True)
        out.close()
        self.started.append(process)
        return process

    def rank(self, rank: int, *options: str, **more: Any) -> subprocess.Popen[str]:
        """Start one of three processes."""
        return self.start("--hosts", self.address, "--processes", "3", "--rank", str(rank), *options, **more)

    def said(self, process: subprocess.Popen[str]) -> str:
        """Return what a process has printed."""
        return (self.folder / f"out.{self.started.index(process)}").read_text()

    def end(self) -> None:
        """Kill what is still there."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait(10)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[_Team]:
    several = _Team(tmp_path)
    yield several
    several.end()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The trials of the same search in one process, which shares nothing."""
    folder = tmp_path_factory.mktemp("alone") / "study"
    run(folder, batch=1, trials=3)
    return _lines(folder / "trials.jsonl")


def _same(trials: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """A trial that is its job's only one has one layout, and so the same bits everywhere."""
    assert len(expected) == 3
    assert trials == expected


@pytest.mark.slow
def test_three_processes_one_killed_one_of_another_study_give_what_one_process_gives(team: _Team, alone) -> None:
    killed = team.rank(1, program=_DYING + _PROGRAM)
    stranger = team.rank(2, "--epochs", "4", "--quiet")
    first = team.rank(0, "--out", "study")
    assert first.wait(120) == 0, team.said(first)
    said = team.said(first)
    assert "3 trials in 3 jobs of at most 1" in said
    assert re.search(
        rf"rank 1 \(.*, process {killed.pid}\) has given no sign of life for [4-6]\.\d s; its job \d goes back", said
    )
    assert re.search(r"rank 2 \(.*\) is refused: epochs is 4 there and 3 on rank 0", said)
    assert killed.wait(1) == -signal.SIGKILL
    assert stranger.wait(20) == 2
    assert team.said(stranger) == "gradwright: rank 2 is refused by rank 0: epochs is 4 there and 3 on rank 0\n"
    _same(_lines(team.folder / "study" / "trials.jsonl"), alone)
    assert json.loads((team.folder / "study" / "study.json").read_text())["search"]["shared"] is True
    assert (team.folder / "study" / "report.html").exists()


@pytest.mark.long
def test_all_end_in_order_when_rank_0_is_stopped_and_the_search_goes_on_with_others(team: _Team, alone) -> None:
    first, second = team.rank(0, "--out", "study", "--epochs", "20000"), team.rank(1, "--epochs", "20000")
    while "1 in training" not in team.said(first):
        with pytest.raises(subprocess.TimeoutExpired):
            first.wait(0.2)
    first.send_signal(signal.SIGINT)
    assert first.wait(30) == 130
    assert "interrupted; go on with: gradwright tune --resume study, alone or with --hosts or --ray" in team.said(first)
    assert "failed" not in team.said(first)
    assert second.wait(30) == 2
    assert "rank 0 has stopped the study: it was interrupted" in team.said(second)

    begun, helper = team.rank(0, "--out", "whole"), team.rank(1)
    assert begun.wait(120) == 0, team.said(begun)
    assert helper.wait(30) == 0
    assert "rank 1: the study is done" in team.said(helper)
    _same(_lines(team.folder / "whole" / "trials.jsonl"), alone)
    interrupted = team.rank(1)
    interrupted.send_signal(signal.SIGTERM)
    assert interrupted.wait(30) in (143, -signal.SIGTERM)  # while it starts, nobody handles signals yet


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")
def test_a_ray_cluster_gives_what_one_process_gives(team: _Team, alone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # or Ray leaves a token in the home folder
    process = team.start("--ray", "local", "--out", "study")
    assert process.wait(180) == 0, team.said(process)
    assert re.search(r"worker 0 \(.*, process \d+\) has joined", team.said(process))
    _same(_lines(team.folder / "study" / "trials.jsonl"), alone)


def test_a_shared_search_that_was_broken_off_goes_on_alone_to_the_same_bits(tmp_path: Path) -> None:
    """Three trials in a job: its two chunks are of two, whoever cuts them."""

    class Breaks(LocalPool):
        """A pool that is interrupted after its first job."""

        def run(self, jobs, on_result=None):
            super().run(list(jobs)[:1], on_result)
            raise KeyboardInterrupt

    def pool(kind: Any) -> Searching:
        return Searching(pool=lambda work: nullcontext(kind(work)))

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    expected = run(whole, pool(LocalPool), trials=6, batch=3, shared=True)
    with pytest.raises(KeyboardInterrupt):
        run(broken, pool(Breaks), trials=6, batch=3, shared=True)
    assert resumed(broken)[2].shared
    assert run(broken, trials=6, batch=3, shared=True)["trials"] == expected["trials"]
    for study in (whole, broken):
        groups = json.loads((study / "study.json").read_text())["groups"]
        assert [g["layout"]["chunk"] for g in groups] == [2, 2]
        assert "cut by the number of trials alone" in groups[0]["layout"]["why"]


def test_a_fixed_layout_does_not_look_at_cores_and_gives_up_lanes_before_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    def cohort(members: int, each: int) -> Any:
        runners = [SimpleNamespace(stopped="")] * members
        return SimpleNamespace(
            runners=runners, programs=lambda layout: None, bytes=lambda layout: layout.chunk * layout.lanes * each
        )

    monkeypatch.setattr(layout_module, "memory_budget", lambda: 32)
    for cores in (1, 2, 6):
        monkeypatch.setattr(layout_module, "available_cores", lambda cores=cores: cores)
        chosen = {n: fixed_layout(cohort(n, 0)).layout for n in (1, 2, 3, 8, 15, 16, 64)}
        assert {n: layout.chunk for n, layout in chosen.items()} == {1: 1, 2: 1, 3: 2, 8: 4, 15: 8, 16: 8, 64: 8}
        assert {layout.lanes for layout in chosen.values()} == {cores}
        tight = fixed_layout(cohort(16, 2))
        assert (tight.layout.chunk, tight.layout.lanes) == (8, min(cores, 2))
        over = fixed_layout(cohort(16, 8))
        assert (over.layout.chunk, over.layout.lanes) == (4, 1)
        assert "last bits can be others here" in over.why


def test_how_workers_share_is_said() -> None:
    def words(name: str, **more: Any) -> str:
        settings = SearchSettings(name, shared=True, **more)
        return make_plan(settings, space(), epochs=9, seed=0, direction="maximize").sharing()

    assert words("random") == words("sobol") == "64 trials in 4 jobs of at most 16"
    assert (
        words("random", trials=10) == "all 10 trials are one job, which one worker trains; a smaller --batch makes more"
    )
    assert words("hyperband") == "3 brackets, a job each"
    for name in ("halving", "asha", "pbt"):
        assert words(name, trials=9).endswith("one job, which one worker trains")
    assert "one worker trains at a time" in words("tpe")


def test_a_port_that_is_taken_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = Place(f"127.0.0.1:{taken.getsockname()[1]}", 2, 0)
        with pytest.raises(RunError, match=f"cannot listen at {place.address}"):
            run(tmp_path / "study", Searching(pool=lambda work: HostsPool(work, place)))
    with pytest.raises(ConfigError, match="timeout = 3: it cannot end the trials of other workers"):
        run(tmp_path / "study", Searching(pool=lambda work: nullcontext(LocalPool(work))), timeout=3.0)
    assert not list(tmp_path.iterdir())


def test_what_is_another_study_is_told_apart() -> None:
    ours = about_work(work())
    assert about_work(work()) == ours

    def differs(theirs: dict[str, Any]) -> set[str]:
        return {name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)}

    assert differs(about_work(work(config(hidden=[9])))) == {"hidden"}
    assert differs(about_work(work(config(source="wine")))) == {"the data"}
    assert differs(about_work(work(varied=space(lr=Log(1e-3, 1.0))))) == {"[lr]"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--rank", "1"], "--processes and --rank belong to --hosts"),
        (["--hosts", "127.0.0.1:9", "--processes", "2", "--rank", "0", "--ray", "local"], "--hosts or --ray, not both"),
        (["--hosts", "here", "--processes", "2", "--rank", "1"], "expected HOST:PORT of the process of rank 0"),
        (["--hosts", "127.0.0.1:9", "--processes", "2", "--rank", "2"], "--rank: expected 0 to 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[str], words: str, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, ["tune", "iris", "--lr-sweep", "--out", str(tmp_path / "study"), *options])
    assert result.exit_code == 2
    assert words in result.stderr
    assert not list(tmp_path.iterdir())
