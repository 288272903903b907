"""Remember which arrays have been written over in place, so that backward can refuse by name what hangs on them.

In place means replaced here, so the old numbers are still there and the gradient would be right. PyTorch's would not:
what is refused there is refused here, or code written here would fail there and its reader would not know why.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from gradwright.engine.base import Node
from gradwright.engine.lines import calling_line, spoken
from gradwright.errors import GraphError

__all__ = ["overwritten", "refuse_overwritten", "remember_overwritten"]

#: By the array's id: the array, as long as something keeps it alive, and the line that wrote over it.
overwritten: dict[int, tuple[weakref.ref[np.ndarray], Any]] = {}


def remember_overwritten(array: Any) -> None:
    """Note that a tensor that held ``array`` has been written to in place."""
    if type(array) is np.ndarray:
        number = id(array)
        overwritten[number] = (weakref.ref(array, lambda _: overwritten.pop(number, None)), calling_line())


def refuse_overwritten(node: Node) -> None:
    """Raise when a rule of ``node`` needs an array that has been written over since.

    Raises
    ------
    GraphError
        Naming the operation, which of its values, and the line that wrote over it.
    """
    for name, value in (node.saved or {}).items():
        for array in value if isinstance(value, tuple) else (value,):
            reference, place = overwritten.get(id(array), (None, None))
            written: Any = None if reference is None else reference()
            if written is None or written is not array:
                continue
            what = "its output" if name == "ans" else f"its input {name}"
            raise GraphError(
                f"backward: {node.op.name} needs {what} {written.shape}, which has been written over in place since"
                f"{spoken(place)}. Write `y = y + …` instead of `y += …` there, or call clone() before."
            )
