"""Members spread over several devices are those of one device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .devices_process import histories


@pytest.mark.parametrize("devices", [4])
def test_members_on_several_devices_are_the_same(devices: int) -> None:
    """Six members on four devices: two more fill up, and nobody sees them."""
    environment = {**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("devices_process.py")],
        capture_output=True, text=True, env=environment, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["devices"] == devices
    expected = histories()
    assert [len(rows) for rows in said["histories"]] == [3, 3, 3, 3, 3, 0]
    for mine, theirs in zip(said["histories"], expected, strict=True):
        for row, other in zip(mine, theirs, strict=True):
            assert row == pytest.approx(other, rel=2e-6, abs=2e-6)
