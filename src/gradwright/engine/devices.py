"""Devices: tensors lie in main memory; whoever asks for another place is told what to use instead."""

from __future__ import annotations

from typing import Any

from gradwright.errors import DeviceError

__all__ = ["CPU", "check_device", "device"]

_KNOWN = ("cpu", "cuda", "mps", "xpu", "xla", "hpu", "meta")


class device:
    """The name of a place where tensors may lie: ``device("cpu")``, ``device("cuda:0")``, ``device("cuda", 0)``.

    A name promises nothing: putting a tensor on a device that is not there is the error.

    Examples
    --------
    >>> import gradwright as gw
    >>> d = gw.device("cuda" if gw.cuda.is_available() else "cpu")
    >>> d, d.type, gw.zeros(2, device=d).device == d
    (device(type='cpu'), 'cpu', True)
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int) and not isinstance(type, bool):  # PyTorch: a number is a GPU
            type, index = "cuda", type
        elif isinstance(type, str) and ":" in type and index is None:
            type, _, number = type.partition(":")
            if not number.isdigit():
                raise DeviceError(f"device: the index must be a number, got {number!r:.80}")
            index = int(number)
        if type not in _KNOWN:
            raise DeviceError(f"device: expected one of {', '.join(_KNOWN)}, got {type!r:.80}")
        self.type: str = type
        self.index = index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (")" if self.index is None else f", index={self.index})")


CPU = device("cpu")


def check_device(name: str, wanted: Any) -> None:
    """Refuse any device but the CPU.

    Raises
    ------
    DeviceError
        Naming the function, the device, and what to use instead.
    """
    if wanted is None or wanted is CPU or wanted == "cpu":
        return
    place = device(wanted)
    if place.type != "cpu":
        raise DeviceError(
            f"{name}: there is no device {place} for single tensors: they are NumPy arrays in main memory. Leave the "
            "device out, or say 'cpu'. To run on an accelerator, compile the step (gradwright.compile): the program "
            "runs on the one that JAX finds."
        )
