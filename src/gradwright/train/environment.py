"""What a run runs on."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gradwright.engine.settings import get_num_threads

__all__ = ["environment"]


def environment(started: str) -> dict[str, Any]:
    """Return what the run ran on."""

    def of(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    return {
        "gradwright": of("gradwright"),
        "python": platform.python_version(),
        "numpy": of("numpy"),
        "jax": of("jax"),
        "polars": of("polars"),
        "scikit-learn": of("scikit-learn"),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "threads": get_num_threads(),  # of XLA's pool, whose size decides the last bits of sums
        "started": started,
        "command": " ".join(["gradwright", *sys.argv[1:]]) if sys.argv else "gradwright",
    }
