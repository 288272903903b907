"""Checkpoints outlive what happens to the process: killing.py does it, in a process that may die."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = 200


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path_factory.mktemp("killing"), str(KILLS)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.slow
def test_200_kills_leave_the_old_checkpoint_or_the_new_one(found: dict[str, Any]) -> None:
    kills = found["kills"]
    assert kills["kills"] == KILLS
    assert (kills["torn"], kills["lost"]) == (0, 0)
    assert kills["saved"] >= KILLS  # each process went on from the last one's checkpoint
    assert kills["leftovers"] >= 10  # or the kills struck between the saves only
    assert kills["tmp at the end"] == 0
    assert kills["kept"] <= 4  # two last, the best, and one more between the rename and the cleaning


@pytest.mark.slow
def test_the_same_kills_tear_files_that_are_plainly_written(found: dict[str, Any]) -> None:
    assert found["plain torn"] >= 5


@pytest.mark.slow
def test_a_crash_at_every_call_of_the_system(found: dict[str, Any]) -> None:
    crashes = found["crashes"]
    assert crashes.pop("wrong") == 0
    # that each was struck, as often as a save calls it: the folder is opened and synchronised, too
    assert crashes == {"open": 2, "write": 6, "fsync": 2, "replace": 1, "close": 2, "unlink": 1}


@pytest.mark.slow
def test_a_limit_of_the_system_is_met_as_a_full_disk_is(found: dict[str, Any]) -> None:
    full = found["full"]
    assert "File too large" in full["words"]
    assert "Nothing that was there before is lost" in full["words"]
    assert full["there"] == ["step-00000001-epoch-1.safetensors"]
    assert full["step"] == 1
