"""Rank 0 and its workers over a board of the test's own: what they write, who is refused, what strangers write."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

import gradwright.tune.workers.hosts as hosts_module
from gradwright.errors import RunError
from gradwright.tune.workers import HostsPool, Place


class _Board:
    """A board in memory, with the directories of JAX's."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.lock = threading.Lock()

    def write(self, name: str, text: str) -> None:
        with self.lock:
            self.texts[name] = text

    def read(self, name: str) -> str | None:
        return self.texts.get(name)

    def under(self, prefix: str) -> list[tuple[str, str]]:
        with self.lock:
            return [(name, text) for name, text in self.texts.items() if name.startswith(f"{prefix}/")]

    def remove(self, name: str) -> None:
        with self.lock:
            for other in [other for other in self.texts if other == name or other.startswith(f"{name}/")]:
                del self.texts[other]

    def close(self) -> None:
        """Nothing to leave."""


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> _Board:
    """One board for all pools of a test."""
    made = _Board()
    monkeypatch.setattr(hosts_module, "open_board", lambda *_: made)
    monkeypatch.setattr(hosts_module, "join_board", lambda *_: made)
    return made


def _serve(rank: int, work: Any, problems: list[str], **settings: Any) -> threading.Thread:
    def run() -> None:
        try:
            with HostsPool(work, Place("h:1", 4, rank), timeout=2.0, **settings) as pool:
                pool.serve()
        except RunError as error:
            problems.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_results_do_not_depend_on_how_many_work(board: _Board) -> None:
    jobs = [{"id": i, "x": i / 7} for i in range(40)]

    def work(job: dict[str, Any]) -> dict[str, Any]:
        return {"y": job["x"] ** 0.5, "large": "x" * 1000}

    alone = HostsPool(work, Place("h:1", 4, 0), timeout=2.0).run(jobs)
    problems: list[str] = []
    with HostsPool(work, Place("h:1", 4, 0), timeout=2.0) as pool:
        threads = [_serve(rank, work, problems) for rank in (1, 2, 3)]
        several = pool.run(jobs)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert alone == several == [{"y": (i / 7) ** 0.5, "large": "x" * 1000, "id": i} for i in range(40)]
    assert problems == []


def test_another_study_is_refused_and_a_failure_of_rank_0_is_told(board: _Board) -> None:
    problems: list[str] = []
    said: list[str] = []
    other = _serve(1, dict, problems, about={"data": "b", "version": "1"})
    same = _serve(2, lambda job: {"rank": 2}, problems, about={"data": "a", "version": "1"})

    def fail() -> None:
        with HostsPool(
            dict, Place("h:1", 4, 0), timeout=2.0, works=False, about={"data": "a", "version": "1"}, say=said.append
        ) as pool:
            assert pool.run([{"id": 0}]) == [{"id": 0, "rank": 2}]
            other.join(10)
            raise ValueError("disk full")

    with pytest.raises(ValueError, match="disk full"):
        fail()
    same.join(10)
    assert problems == [
        "rank 1 is refused by rank 0: data is 'b' there and 'a' on rank 0",
        "rank 0 has stopped the study: ValueError: disk full",
    ]
    assert any(words.endswith("is refused: data is 'b' there and 'a' on rank 0") for words in said)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[" * 100_000,
        "[1]",
        '{"session": "s", "lease": "x", "result": 3}',
        '{"session": {"a": 1}}',
        "NaN",
    ],
)
def test_what_strangers_write_changes_nothing(board: _Board, text: str) -> None:
    for name in ("from/1/hello", "from/1/beat", "from/1/result/0", "from/x/hello", "from/99/hello", "from/1"):
        board.write(name, text)
    with HostsPool(lambda job: {"x": 1}, Place("h:1", 4, 0), timeout=0.5) as pool:
        assert pool.run([{"id": 0}]) == [{"x": 1, "id": 0}]


def test_a_result_for_another_job_is_a_problem_of_that_job(board: _Board) -> None:
    hello = {"session": "s", "host": "h", "process": 1, "about": {}}
    board.write("from/1/hello", json.dumps(hello))
    board.write("from/1/result/0", json.dumps({"session": "s", "lease": 0, "result": {"id": 5}}))
    with HostsPool(dict, Place("h:1", 2, 0), timeout=0.5, works=False, start=5.0) as pool:
        board_under = board.under

        def under(prefix: str) -> list[tuple[str, str]]:
            found = board_under(prefix)
            if "to/1" in board.texts:  # lent: now the wrong answer
                found.append(("from/1/result/0", json.dumps({"session": "s", "lease": 0, "result": {"id": 5}})))
            return found

        board.under = under  # type: ignore[method-assign]
        (result,) = pool.run([{"id": 0}])
    assert "sent the result of another job: 5" in result["problem"]
