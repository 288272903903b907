"""Several processes on one machine, as hosts would be: killed, stopped, hanging, late, refused."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradwright.errors import ConfigError, RunError
from gradwright.tune.workers import HostsPool, LocalPool, Place, find_place, packed

_PROGRAM = Path(__file__).with_name("hosts_process.py")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class _Team:
    """Processes of one study; ends what it has started."""

    def __init__(self, processes: int, folder: Path) -> None:
        self.address, self.processes, self.folder = f"127.0.0.1:{_free_port()}", processes, folder
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, rank: int, **settings: Any) -> subprocess.Popen[bytes]:
        """Start a process; what it prints goes into a file."""
        command = [sys.executable, str(_PROGRAM), self.address, str(self.processes), str(rank), json.dumps(settings)]
        with open(self.folder / f"out.{len(self.started)}", "wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        self.started.append(process)
        return process

    def output(self, process: subprocess.Popen[bytes]) -> str:
        """Return what a process has printed so far."""
        return (self.folder / f"out.{self.started.index(process)}").read_text()

    def wait_for(self, process: subprocess.Popen[bytes], words: str, seconds: float = 60) -> str:
        """Wait until a process has printed something; returns all it has printed."""
        end = time.monotonic() + seconds
        while words not in self.output(process):
            assert time.monotonic() < end, self.output(process)
            assert process.poll() is None or words in self.output(process), self.output(process)
            time.sleep(0.02)
        return self.output(process)

    def end(self) -> None:
        """Kill what is still there."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait(10)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[_Team]:
    """Up to three processes."""
    several = _Team(3, tmp_path)
    yield several
    several.end()


def _expected(n: int, number: int = 0) -> list[dict[str, Any]]:
    """Return what one process alone would give."""

    def work(job: dict[str, Any]) -> dict[str, Any]:
        return {"loss": 0.1 * job["id"] + job["x"] / 3, "weights": packed(np.sqrt(np.arange(job["id"])))}

    results = LocalPool(work).run([{"id": i, "x": i + number} for i in range(n)])
    results[3:4] = [{"id": 3, "problem": "job 3 always fails"}][: max(0, n - 3)]
    return results


def _results(output: str) -> list[list[dict[str, Any]]]:
    return [json.loads(line.removeprefix("RESULTS ")) for line in output.splitlines() if line.startswith("RESULTS ")]


@pytest.mark.slow
def test_a_killed_and_a_stopped_process_are_named_in_time_and_nothing_is_missing(team: _Team) -> None:
    lender = team.start(0, job_s=0.4, runs=[14, 4])
    killed, stopped = team.start(1, fate="SIGKILL"), team.start(2, fate="SIGSTOP")
    assert lender.wait(60) == 0, team.output(lender)
    said = team.output(lender)
    assert _results(said) == [_expected(14), _expected(4, number=1)]
    for rank, process in ((1, killed), (2, stopped)):
        (line,) = re.findall(rf"rank {rank} \(.*, process {process.pid}\) has given no sign of life .*", said)
        seconds = float(re.findall(r"for ([\d.]+) s", line)[0])
        assert 2.0 <= seconds < 3.5
        assert re.search(r"its job \d+ goes back into the queue", line)
    assert killed.wait(1) == -signal.SIGKILL
    assert stopped.poll() is None  # and has not kept rank 0 from ending


@pytest.mark.slow
def test_hanging_and_restarted_processes_and_what_the_others_do_when_rank_0_is_stopped_or_dies(team: _Team) -> None:
    lender = team.start(0, works=False, runs=[6, 3, 1000], stall=1.5)
    hanging = team.start(1, fate="hang")
    said = team.wait_for(lender, "got nothing done")
    assert re.search(
        rf"process {hanging.pid}\) is alive but has got nothing done for 1\.\d s; its job \d goes back", said
    )
    hanging.kill()
    again, patient = team.start(1), team.start(2, timeout=60.0)
    said = team.wait_for(lender, "RUN 1 DONE")
    assert _results(said) == [_expected(6), _expected(3, number=1)]
    assert f"process {again.pid}) has joined" in said
    team.wait_for(lender, f"process {patient.pid}) has joined")

    os.kill(lender.pid, signal.SIGSTOP)
    begin = time.monotonic()
    assert again.wait(20) == 2, team.output(again)
    assert time.monotonic() - begin < 5
    assert f"the process of rank 0 at {team.address} has not answered for 2 s" in team.output(again)
    os.kill(lender.pid, signal.SIGCONT)
    time.sleep(0.3)
    assert patient.poll() is None
    lender.kill()
    begin = time.monotonic()
    assert patient.wait(20) != 0
    assert time.monotonic() - begin < 5
    assert "if that one dies, this one ends as well" in team.output(patient)


@pytest.mark.long
def test_compiled_programs_have_the_same_bits_here_and_there(team: _Team) -> None:
    lender, helper = team.start(0, works=False, runs=[4], train=True, timeout=5.0), team.start(1, train=True)
    alone = _Team(1, team.folder / "alone")
    alone.folder.mkdir()
    here = alone.start(0, runs=[4], train=True, timeout=5.0)
    try:
        assert [process.wait(100) for process in (lender, helper, here)] == [0, 0, 0]
    finally:
        alone.end()
    (there,) = _results(team.output(lender))
    assert [sorted(result) for result in there] == [["id", "loss"]] * 4
    assert _results(alone.output(here)) == [there]


def test_nobody_there_and_a_taken_port_say_so() -> None:
    place = Place(f"127.0.0.1:{_free_port()}", 2, 1)
    with pytest.raises(RunError, match=rf"rank 1: nobody listens at {place.address} after 0.3 s. Start the process"):
        HostsPool(dict, place, start=0.3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RunError, match=f"rank 0 cannot listen at localhost:{port}: Address already in use"):
            HostsPool(dict, Place(f"localhost:{port}", 2, 0))


def test_rank_0_that_only_lends_does_not_wait_for_ever() -> None:
    with (
        HostsPool(dict, Place(f"127.0.0.1:{_free_port()}", 2, 0), works=False, start=0.3, timeout=1.0) as pool,
        pytest.raises(RunError, match=r"nobody is left to work on the 2 jobs .*no worker has come"),
    ):
        pool.run([{"id": 0}, {"id": 1}])


def test_the_place_comes_from_what_slurm_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JAX_COORDINATOR_ADDRESS", "OMPI_MCA_orte_hnp_uri"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"--hosts HOST:PORT, --processes N, --rank I not given"):
        find_place("auto")
    slurm = {"JOB_ID": "7", "STEP_NODELIST": "node[03,05-06]", "NTASKS": "6", "PROCID": "4", "LOCALID": "1"}
    for name, value in {**slurm, "STEP_NUM_NODES": "3"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert find_place("auto") == Place(f"node03:{65535 - 2**12 + 1 + 7}", 6, 4, (1,))
    assert find_place("10.0.0.1:80", rank=2) == Place("10.0.0.1:80", 6, 2, (1,))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("host", 2, 0), "expected HOST:PORT"),
        (("host:99999", 2, 0), "expected HOST:PORT"),
        (("host:80", 0, 0), "--processes: expected a whole number from 1, got 0"),
        (("host:80", 2, 2), "--rank: expected 0 to 1 with --processes 2, got 2"),
    ],
)
def test_places_that_make_no_sense_are_refused(given: tuple[str, int, int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        find_place(*given)
