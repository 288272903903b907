"""Spreading a study's jobs: here, over hosts, over a Ray cluster."""

from gradwright.tune.workers.arrays import packed, unpacked
from gradwright.tune.workers.hosts import HostsPool
from gradwright.tune.workers.job import Job, Pool, Result, Work
from gradwright.tune.workers.local import LocalPool
from gradwright.tune.workers.place import Place, find_place
from gradwright.tune.workers.progress import tick
from gradwright.tune.workers.ray_pool import RayPool

__all__ = [
    "HostsPool",
    "Job",
    "LocalPool",
    "Place",
    "Pool",
    "RayPool",
    "Result",
    "Work",
    "find_place",
    "packed",
    "tick",
    "unpacked",
]
