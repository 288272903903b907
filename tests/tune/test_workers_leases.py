"""Leases: courses of events played without clock or network, and the pool that all others are held to."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from gradwright.errors import ConfigError, DataError, RunError
from gradwright.tune.workers import LocalPool, packed, unpacked
from gradwright.tune.workers.leases import Leases


def _leases(**changes: Any) -> tuple[Leases, list[str]]:
    said: list[str] = []
    return Leases(**{"timeout": 2.0, "stall": 10.0, "attempts": 3, "say": said.append, **changes}), said


def _jobs(n: int) -> list[dict[str, Any]]:
    return [{"id": i} for i in range(n)]


def test_a_silent_worker_is_named_in_time_and_its_job_goes_to_another() -> None:
    leases, said = _leases()
    leases.ask(_jobs(1))
    leases.join(1, "rank 1 (a)", "s", 0.0)
    leases.join(2, "rank 2 (b)", "t", 0.0)
    assert leases.lend(1, 0.0) == (0, {"id": 0})
    assert leases.lend(2, 0.0) is None
    for now in (0.5, 1.0, 1.5, 2.0):
        leases.hear(2, "t", now, None, now)
        assert leases.look(now) == []
    assert said[2:] == []
    leases.hear(2, "t", 2.1, None, 2.1)
    leases.look(2.1)
    assert said[2:] == ["rank 1 (a) has given no sign of life for 2.1 s; its job 0 goes back into the queue"]
    assert leases.lend(1, 2.1) is None
    assert leases.lend(2, 2.1) == (1, {"id": 0})
    assert leases.finish(2, "t", 1, {"id": 0, "x": 1}) == {"id": 0, "x": 1}
    assert leases.open == 0


def test_a_worker_that_wakes_up_is_back_and_its_late_result_counts_once() -> None:
    leases, said = _leases()
    leases.ask(_jobs(1))
    leases.join(1, "rank 1", "s", 0.0)
    leases.join(2, "rank 2", "t", 0.0)
    leases.lend(1, 0.0)
    leases.hear(2, "t", 1, None, 3.0)
    leases.look(3.0)
    leases.lend(2, 3.0)
    leases.hear(1, "s", "awake", None, 3.5)
    assert said[-1] == "rank 1 is back"
    assert leases.finish(1, "s", 0, {"id": 0, "x": 1}) is not None
    assert leases.finish(2, "t", 1, {"id": 0, "x": 1}) is None
    assert leases.open == 0
    leases.ask(_jobs(1))
    assert leases.lend(1, 4.0) is not None  # free again


def test_a_late_result_is_not_taken_for_the_next_run_s_job_with_the_same_id() -> None:
    leases, _ = _leases()
    leases.ask(_jobs(1))
    leases.join(1, "rank 1", "s", 0.0)
    leases.join(2, "rank 2", "t", 0.0)
    leases.lend(1, 0.0)
    leases.hear(2, "t", 1, None, 3.0)
    leases.look(3.0)
    assert leases.lend(2, 3.0) == (1, {"id": 0})
    leases.finish(2, "t", 1, {"id": 0})
    leases.ask([{"id": 0, "other": True}])
    leases.hear(1, "s", "awake", None, 3.5)
    assert leases.finish(1, "s", 0, {"id": 0}) is None
    assert leases.open == 1


def test_a_job_without_progress_is_taken_back_and_one_that_ticks_is_not() -> None:
    leases, said = _leases(stall=5.0)
    leases.ask(_jobs(2))
    for rank in (1, 2):
        leases.join(rank, f"rank {rank}", "s", 0.0)
        leases.lend(rank, 0.0)
    for now in range(1, 8):
        leases.hear(1, "s", now, now, now)
        leases.hear(2, "s", now, "same", now)
        leases.look(now)
    assert said[2:] == ["rank 2 is alive but has got nothing done for 6.0 s; its job 1 goes back into the queue"]
    assert leases.lend(2, 8.0) is None
    assert leases.finish(1, "s", 0, {"id": 0}) is not None
    assert leases.lend(1, 8.0) == (2, {"id": 1})


def test_a_job_that_kills_its_workers_is_given_up_with_their_names() -> None:
    leases, said = _leases()
    leases.ask(_jobs(1))
    given_up: list[dict[str, Any]] = []
    for start in range(3):
        assert given_up == []
        given_up += leases.join(1, "rank 1", f"session {start}", start * 10.0)
        assert leases.lend(1, start * 10.0) == (start, {"id": 0})
        given_up += leases.look(start * 10.0 + 3)
    words = "given up: 3 workers were lost over it, one after the other (rank 1, rank 1, rank 1)"
    assert given_up == [{"id": 0, "problem": words}]
    assert leases.open == 0
    assert said[-1].endswith("its job 0 is given up")


def test_a_restarted_worker_gives_back_what_it_had_at_once() -> None:
    leases, said = _leases()
    leases.ask(_jobs(1))
    leases.join(1, "rank 1", "first", 0.0)
    leases.lend(1, 0.0)
    leases.join(1, "rank 1", "second", 0.1)
    assert "rank 1 was started again; its job 0 goes back into the queue" in said
    assert leases.lend(1, 0.1) == (1, {"id": 0})
    assert leases.finish(1, "first", 0, {"id": 0}) is None
    assert leases.finish(1, "second", 1, {"id": 0}) is not None


def test_a_listener_that_slept_blames_nobody() -> None:
    leases, said = _leases()
    leases.join(1, "rank 1", "s", 0.0)
    leases.skip(100.0)
    leases.look(101.0)
    assert said == ["rank 1 has joined"]


def test_whatever_happens_every_job_has_one_result() -> None:
    for seed in range(200):
        draw = random.Random(seed)
        leases, _ = _leases(attempts=100)
        leases.ask(_jobs(12))
        now, session, results = 0.0, [0] * 4, []
        held: dict[tuple[int, str], tuple[int, dict[str, Any]]] = {}
        for rank in range(4):
            results += leases.join(rank, f"rank {rank}", "0", now)
        for _ in range(3000):
            if not leases.open:
                break
            now += draw.random()
            rank = draw.randrange(4)
            name = str(session[rank])
            event = draw.random()
            if event < 0.05:
                session[rank] += 1
                results += leases.join(rank, f"rank {rank}", str(session[rank]), now)
            elif event < 0.6:
                leases.hear(rank, name, now, now, now)
            elif event < 0.8:
                lent = leases.lend(rank, now)
                if lent:
                    held[rank, name] = lent
            elif (rank, name) in held:
                lease, job = held.pop((rank, name))
                result = leases.finish(rank, name, lease, {"id": job["id"]})
                results += [result] if result else []
            results += leases.look(now)
        assert sorted(result["id"] for result in results) == list(range(12)), seed


def test_a_failing_job_is_a_result_and_the_rest_goes_on() -> None:
    def work(job: dict[str, Any]) -> dict[str, Any]:
        if job["id"] == 1:
            raise RunError("no such thing")
        return {"x": (job["id"], 0.1)}

    came: list[int] = []
    results = LocalPool(work).run(_jobs(3), lambda result: came.append(result["id"]))
    assert results == [{"x": [0, 0.1], "id": 0}, {"id": 1, "problem": "no such thing"}, {"x": [2, 0.1], "id": 2}]
    assert came == [0, 1, 2]


def test_a_result_that_is_not_plain_says_so() -> None:
    (result,) = LocalPool(lambda job: {"x": np.ones(2)}).run(_jobs(1))
    assert "packed(array)" in result["problem"]


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([{"x": 1}], "job 0 of 1: expected an 'id' that is a whole number, got None"),
        ([{"id": True}], "got True"),
        ([{"id": 1}, {"id": 1}], "job 1 of 2: the id 1 is another job's already"),
        ([{"id": 1, "x": {1, 2}}], "job 1 must be plain JSON"),
    ],
)
def test_jobs_that_make_no_sense_are_refused(jobs: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        LocalPool(lambda job: job).run(jobs)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float32", ">f8"])
def test_arrays_travel_to_the_bit(dtype: str) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 5 / 3).astype(dtype)[:, ::-1]
    back = unpacked(packed(array))
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("<")
    assert np.array_equal(back, array)
    assert unpacked(packed(array[:0])).shape == (0, 3, 4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dtype": "|O"}, "expected dtype, shape and base64"),
        ({"shape": [-1, -3]}, "sizes from 0"),
        ({"shape": [2**62, 8]}, "bytes, but"),
        ({"base64": "AQ!="}, "cannot be read"),
        ({"base64": 3}, "expected dtype"),
    ],
)
def test_arrays_of_strangers_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        unpacked({**packed(np.ones(3)), **change})
    with pytest.raises(DataError, match="object"):
        packed(np.array([None]))


def test_a_worker_that_stands_still_and_then_dies_loses_its_job_once() -> None:
    leases, said = _leases(stall=5.0)
    leases.ask(_jobs(1))
    for rank in (1, 2):
        leases.join(rank, f"rank {rank}", "s", 0.0)
    leases.lend(1, 0.0)
    for now in range(1, 7):
        leases.hear(1, "s", now, None, now)
        leases.hear(2, "s", now, None, now)
        leases.look(now)
    assert leases.lend(2, 6.0) is not None
    leases.hear(2, "s", "x", 1, 9.0)
    leases.look(9.0)
    assert said[-1] == "rank 1 has given no sign of life for 3.0 s"
    leases.join(3, "rank 3", "s", 9.0)
    assert leases.lend(3, 9.0) is None
