"""Jobs over a local Ray cluster: one worker killed, one stopped, one job failing."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from gradwright.errors import ConfigError, MissingDependencyError, RunError
from gradwright.tune.workers import LocalPool, RayPool

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")


def _work_with(folder: str, fate: bool = True) -> Any:
    """Return a stand-in for training; jobs 1 and 4 kill or stop their process the first time they are worked on."""

    def work(job: dict[str, Any]) -> dict[str, Any]:
        import os
        import time
        from pathlib import Path

        first = Path(folder) / str(job["id"])
        if fate and job["id"] in (1, 4) and not first.exists():
            first.touch()
            os.kill(os.getpid(), 9 if job["id"] == 1 else 19)
        time.sleep(0.1)
        if job["id"] == 2:
            raise ValueError("job 2 always fails")
        return {"loss": job["x"] / 3}

    return work


@needs_ray
@pytest.mark.long
def test_a_killed_and_a_stopped_worker_are_replaced_and_nothing_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # or Ray leaves a token in the home folder
    jobs = [{"id": i, "x": i} for i in range(8)]
    said: list[tuple[float, str]] = []
    seen: list[int] = []
    before = set(Path(tempfile.gettempdir()).glob("gw-ray-*"))
    with RayPool(
        _work_with(str(tmp_path)), workers=2, timeout=2.0, say=lambda words: said.append((time.monotonic(), words))
    ) as pool:
        results = pool.run(jobs, lambda result: seen.append(result["id"]))
        again = pool.run(jobs[:2])
    expected = LocalPool(_work_with(str(tmp_path), fate=False)).run(jobs)
    assert results == expected
    assert again == expected[:2]
    assert sorted(seen) == list(range(8))
    words = "\n".join(text for _, text in said)
    assert re.search(r"worker \d \(.*, process \d+\) has died \(.*\); its job 1 goes back into the queue", words), words
    silent = re.search(r"process (\d+)\) has given no sign of life for (\d\.\d) s; its job 4 goes back", words)
    assert silent, words
    assert 2.0 <= float(silent[2]) < 4.0
    assert "job 2 failed on worker" in words
    assert set(Path(tempfile.gettempdir()).glob("gw-ray-*")) == before
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(int(silent[1]), 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        os.kill(int(silent[1]), signal.SIGKILL)
        pytest.fail("the stopped process was left behind")


@needs_ray
def test_a_cluster_that_is_not_there_says_so() -> None:
    with pytest.raises(RunError, match=r"nobody listens at 127.0.0.1:9. Start the cluster there"):
        RayPool(dict, "127.0.0.1:9")
    with pytest.raises(ConfigError, match="expected local, auto or HOST:PORT, got 'nowhere'"):
        RayPool(dict, "nowhere")
    with pytest.raises(ConfigError, match="workers must be a whole number from 1, got 0"):
        RayPool(dict, workers=0)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install gradwright\[ray\]"):
        RayPool(dict)
