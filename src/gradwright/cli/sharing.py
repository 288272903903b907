"""A search on several hosts or on a Ray cluster: what --hosts and --ray name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import typer

from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.tune.work import Work
    from gradwright.tune.workers import Place, Pool

__all__ = ["lend_a_hand", "place_of", "pool_of"]

#: Seconds without a sign of life after which a worker is named and its job given to another.
SILENT = 30.0


def place_of(hosts: str | None, processes: int | None, rank: int | None, ray: str | None) -> Place | None:
    """Return this process's place among those of ``--hosts``; None without them."""
    from gradwright.tune.workers import find_place

    if hosts is not None and ray is not None:
        raise ConfigError("tune: --hosts or --ray, not both")
    if hosts is not None:
        return find_place(hosts, processes, rank)
    if processes is not None or rank is not None:
        raise ConfigError("tune: --processes and --rank belong to --hosts HOST:PORT, the address of the one of rank 0")
    return None


def pool_of(
    place: Place | None, ray: str | None, say: Callable[[str], None]
) -> Callable[[Work], AbstractContextManager[Pool]] | None:
    """Return what makes the pool that does a search's jobs; None when they are done here."""

    def over_hosts(work: Work) -> Any:
        from gradwright.tune.sharing import about_work
        from gradwright.tune.workers import HostsPool

        assert place is not None
        return HostsPool(work, place, about=about_work(work), timeout=SILENT, say=say)

    def over_ray(work: Work) -> Any:
        from dataclasses import replace

        from gradwright.tune.work import Hooks
        from gradwright.tune.workers import RayPool

        # what it tells and asks belongs to this process
        return RayPool(replace(work, hooks=Hooks()), str(ray), timeout=SILENT, say=say)

    return over_hosts if place is not None else over_ray if ray is not None else None


def lend_a_hand(place: Place, config: Any, space: Any, settings: Any, quiet: bool) -> None:
    """Do jobs for the process of rank 0 until the search is over."""
    from gradwright.cli.console import safe
    from gradwright.train.signals import Signals
    from gradwright.tune.sharing import about_work
    from gradwright.tune.tuning import search_work
    from gradwright.tune.workers import HostsPool

    def say(words: str) -> None:
        if not quiet:
            print(safe(words), file=sys.stderr, flush=True)

    signals = Signals()
    try:
        with signals:
            work = search_work(config, space, settings)
            with HostsPool(work, place, about=about_work(work), timeout=SILENT, say=say) as pool:
                pool.serve()
    except KeyboardInterrupt:
        print(f"gradwright: rank {place.rank}: interrupted; its job goes back to the others", file=sys.stderr)
        raise typer.Exit(128 + (signals.caught or 2)) from None
