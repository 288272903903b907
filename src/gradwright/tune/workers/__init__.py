"""Spreading a study's jobs: here, over hosts, over a Ray cluster."""

from gradwright.tune.workers.arrays import packed, unpacked
from gradwright.tune.workers.job import Job, Pool, Result, Work
from gradwright.tune.workers.local import LocalPool
from gradwright.tune.workers.progress import tick

__all__ = ["Job", "LocalPool", "Pool", "Result", "Work", "packed", "tick", "unpacked"]
