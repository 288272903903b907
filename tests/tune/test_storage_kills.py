"""Studies outlive their processes: journal_killing.py kills them, in processes that may die."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 30


@pytest.mark.slow
def test_30_kills_lose_nothing_and_count_nothing_twice(tmp_path: Path) -> None:
    script = Path(__file__).with_name("journal_killing.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, str(KILLS)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["right"], found  # every trial has its values, curve, seed and state
    assert found["numbers"]
    assert found["optuna's trials"] == 240
    assert found["ended"]
    assert found["kills"] >= 25
    assert found["failed"] == 0
    assert found["put back"] >= 5  # or the kills struck before and after the work only
    assert found["links left"] >= 1  # Optuna's lock was left behind, and nobody waited its half minute
    assert found["waited"] < 15
