"""Members over several devices: the same numbers as on one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradwright.compile.mesh import Spread
from gradwright.errors import ConfigError

_PROGRAM = Path(__file__).with_name("mesh_process.py")


def test_members_over_four_devices_have_the_numbers_of_one() -> None:
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, str(_PROGRAM)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split("\n")[:3] == ["4 devices: 8, 6 and 3 members the same", "donated", "no collectives"]


@pytest.mark.parametrize(("members", "devices"), [(0, None), (1, [])])
def test_what_makes_no_sense_is_refused(members: int, devices: list[object] | None) -> None:
    with pytest.raises(ConfigError, match="expected at least one"):
        Spread(members, devices)
