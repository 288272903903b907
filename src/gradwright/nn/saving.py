"""A network's state by dotted paths, and back; keys and layouts are PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradwright.engine.tensor import Tensor
from gradwright.errors import ShapeError, StateError
from gradwright.nn.walking import Walking

__all__ = ["IncompatibleKeys", "Saving"]


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class IncompatibleKeys(_Keys):
    """What did not match when a state was loaded: ``missing_keys`` and ``unexpected_keys``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"


class Saving(Walking):
    """What a Module saves."""

    _transient: set[str]  # buffers that are not saved

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Return parameters and buffers by dotted path, keys and layouts as PyTorch's.

        Parameters
        ----------
        prefix : str
            What every key begins with, its dot included.
        keep_vars : bool
            The tensors themselves instead of detached copies.
        """
        return {path: value if keep_vars else Tensor(value.detach().numpy()) for path, value in self._entries(prefix)}

    def _entries(self, prefix: str) -> Iterator[tuple[str, Tensor]]:
        """Yield parameters and buffers under every path that leads to them: what is shared has several."""
        for name, parameter in self._parameters.items():
            if parameter is not None:
                yield prefix + name, parameter
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._transient:
                yield prefix + name, buffer
        for name, child in self._modules.items():
            if child is not None:
                yield from child._entries(f"{prefix}{name}.")

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy saved values into this module; nothing is changed when anything does not fit.

        Parameters
        ----------
        state_dict : mapping from path to Tensor or array
            What :meth:`state_dict` returned, here or in PyTorch (as NumPy arrays).
        strict : bool
            Raise on missing or unexpected keys; otherwise they are returned.

        Returns
        -------
        IncompatibleKeys
            A named tuple of the lists ``missing_keys`` and ``unexpected_keys``.

        Raises
        ------
        StateError, ShapeError
            Naming every key that is missing, unexpected or of another shape.
        """
        own = dict(self._entries(""))
        missing = [k for k in own if k not in state_dict]
        unexpected = [k for k in state_dict if k not in own]
        if strict and (missing or unexpected):
            raise StateError(
                f"load_state_dict into {type(self).__name__}: "
                + "; ".join(
                    f"{what}: {', '.join(keys)}"
                    for what, keys in (("missing", missing), ("unexpected", unexpected))
                    if keys
                )
            )
        new: list[tuple[Tensor, np.ndarray]] = []
        for key, tensor in own.items():
            if key in state_dict:
                value = state_dict[key]
                array = np.asarray(value._array if isinstance(value, Tensor) else value)
                if array.shape != tensor.shape:
                    raise ShapeError(f"load_state_dict: {key} has shape {array.shape}, this module's {tensor.shape}")
                new.append((tensor, array.astype(tensor.dtype)))
        for tensor, array in new:
            tensor._set(array)
        return IncompatibleKeys(missing, unexpected)
