"""Which process of several this is: from what was typed, or from what the cluster's scheduler has set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from gradwright.errors import ConfigError

__all__ = ["Place", "find_place"]


@dataclass(frozen=True)
class Place:
    """This process among the others.

    Attributes
    ----------
    address : str
        ``host:port`` of the process of rank 0.
    processes : int
        How many there may be.
    rank : int
        This one, from 0.
    devices : tuple of int or None
        The accelerators of this host that are this process's; None: all.
    """

    address: str
    processes: int
    rank: int
    devices: tuple[int, ...] | None = None


def find_place(hosts: str, processes: int | None = None, rank: int | None = None) -> Place:
    """Return this process's place.

    Parameters
    ----------
    hosts : str
        ``host:port`` of the process of rank 0, or ``"auto"``: as Slurm, Open MPI, Kubernetes and the others that
        ``jax.distributed`` knows have set it in the environment (``JAX_COORDINATOR_ADDRESS`` goes before).
    processes, rank : int, optional
        How many processes there are and which this is; by default from the environment, too.

    Raises
    ------
    ConfigError
        When something is not given and not found, or makes no sense.

    Examples
    --------
    >>> find_place("10.0.0.1:9876", 4, 1)
    Place(address='10.0.0.1:9876', processes=4, rank=1, devices=None)
    >>> find_place("10.0.0.1", 4, 4)
    Traceback (most recent call last):
    gradwright.errors.ConfigError: --hosts: expected HOST:PORT of the process of rank 0, or auto, got '10.0.0.1'
    """
    address = os.environ.get("JAX_COORDINATOR_ADDRESS") if hosts == "auto" else hosts
    devices = None
    if address is None or processes is None or rank is None:
        address, processes, rank, devices = _detected(address, processes, rank)
    found: dict[str, Any] = {"--hosts HOST:PORT": address, "--processes N": processes, "--rank I": rank}
    missing = [name for name, value in found.items() if value is None]
    if missing or address is None or processes is None or rank is None:
        raise ConfigError(
            f"several processes: {', '.join(missing)} not given, and no scheduler that JAX knows (Slurm, Open MPI, "
            "Kubernetes, …) has set it here. Type it, the same for all processes but for the rank."
        )
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"--hosts: expected HOST:PORT of the process of rank 0, or auto, got {address!r:.80}")
    if processes < 1:
        raise ConfigError(f"--processes: expected a whole number from 1, got {processes}")
    if not 0 <= rank < processes:
        raise ConfigError(f"--rank: expected 0 to {processes - 1} with --processes {processes}, got {rank}")
    return Place(address, processes, rank, devices)


def _detected(
    address: str | None, processes: int | None, rank: int | None
) -> tuple[str | None, int | None, int | None, tuple[int, ...] | None]:
    """Fill up from the environment, as ``jax.distributed.initialize`` does."""
    try:
        from jax._src.clusters import ClusterEnv
    except ImportError:  # it has no public name
        return address, processes, rank, None
    address, processes, rank, devices = ClusterEnv.auto_detect_unset_distributed_params(
        address, processes, rank, None, None, 60
    )
    return address, processes, rank, None if devices is None else tuple(devices)
