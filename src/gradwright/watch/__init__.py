"""Watching a run while it trains: its records as they grow, on a small page of this machine."""

from gradwright.watch.live import LiveRun
from gradwright.watch.server import WatchServer

__all__ = ["LiveRun", "WatchServer"]
