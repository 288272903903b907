"""Members of a population spread over the devices of a JAX mesh: each device trains its share, alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright.backend import jax_modules
from gradwright.errors import ConfigError

__all__ = ["Spread"]


class Spread:
    """Where the members of a program under ``vmap`` are computed.

    The leading axis of what belongs to members is cut into equal parts, one a device; what they share is on all of
    them. Nothing passes between devices while the program runs. When the number of members is no multiple of the
    number of devices, the last member fills up, and its copies are cut off again.

    Parameters
    ----------
    members : int
        How many there are, from 1.
    devices : sequence of JAX's devices, optional
        By default all of this process. More than there are members are not used.

    Attributes
    ----------
    devices : list
        The ones used.
    padded : int
        How many members the program computes.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> spread = Spread(3)
    >>> run = jax.jit(spread.over(jax.vmap(lambda w, x: w * x, in_axes=(0, None)), own=(True, False)))
    >>> spread.cut(run(spread.own(np.arange(3.0)), spread.shared(np.float32(2))))
    array([0., 2., 4.], dtype=float32)
    """

    def __init__(self, members: int, devices: Sequence[Any] | None = None) -> None:
        jax = jax_modules().jax
        if members < 1:
            raise ConfigError(f"Spread: expected at least one member, got {members}")
        self.members = members
        self.devices = list(jax.local_devices() if devices is None else devices)[:members]
        if not self.devices:
            raise ConfigError("Spread: expected at least one device, got none")
        self.padded = -(-members // len(self.devices)) * len(self.devices)
        self._mesh = jax.sharding.Mesh(np.array(self.devices), ("members",))

    def over(self, everyone: Callable[..., Any], own: Sequence[bool]) -> Callable[..., Any]:
        """Return the program of all members, each device running it on its own ones; to be given to ``jax.jit``.

        Parameters
        ----------
        everyone : callable
            The program under ``vmap``; all that it returns has the members as its leading axis.
        own : sequence of bool
            For each argument: whether it has one, too (an argument may be a tree of arrays, or None).
        """
        jax = jax_modules().jax
        if len(self.devices) == 1:
            return everyone
        parts = jax.sharding.PartitionSpec
        where = tuple(parts("members") if mine else parts() for mine in own)
        # what is carried through a loop may begin as the same for all devices and become each one's own
        spread: Callable[..., Any] = jax.shard_map(
            everyone, mesh=self._mesh, in_specs=where, out_specs=parts("members"), check_vma=False
        )
        return spread

    def shardings(self, own: Sequence[bool]) -> tuple[Any, ...]:
        """Return ``in_shardings`` for ``jax.jit``, which then takes NumPy arrays of ``padded`` members as they are."""
        return tuple(self._sharding("members") if mine else self._sharding() for mine in own)

    def own(self, tree: Any) -> Any:
        """Put arrays with the members as leading axis onto the devices, filled up."""
        return self._put(jax_modules().jax.tree.map(self._filled, tree), "members")

    def shared(self, tree: Any) -> Any:
        """Put arrays that all members share onto every device."""
        return self._put(tree)

    def cut(self, tree: Any) -> Any:
        """Fetch a program's results as NumPy arrays, without what had been filled up."""
        return jax_modules().jax.tree.map(lambda array: np.asarray(array)[: self.members], tree)

    def _filled(self, array: Any) -> Any:
        array = np.asarray(array)
        missing = self.padded - len(array)
        return array if not missing else np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])

    def _put(self, tree: Any, *axes: str) -> Any:
        return jax_modules().jax.device_put(tree, self._sharding(*axes))

    def _sharding(self, *axes: str) -> Any:
        sharding = jax_modules().jax.sharding
        if len(self.devices) == 1:
            return sharding.SingleDeviceSharding(self.devices[0])
        return sharding.NamedSharding(self._mesh, sharding.PartitionSpec(*axes))
