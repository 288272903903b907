"""Remember which arrays have been written over in place, so that backward can refuse by name what hangs on them.

In place means replaced here, so the old numbers are still there and the gradient would be right. PyTorch's would not:
what is refused there is refused here, or code written here would fail there and its reader would not know why.
"""

from __future__ import annotations

import linecache
import weakref
from typing import Any

import numpy as np

from gradwright.engine.base import Node, caller
from gradwright.errors import GraphError

__all__ = ["overwritten", "refuse_overwritten", "remember_overwritten"]

#: By the array's id: the array, as long as something keeps it alive, and the line that wrote over it.
overwritten: dict[int, tuple[weakref.ref[np.ndarray], Any]] = {}


def remember_overwritten(array: Any) -> None:
    """Note that a tensor that held ``array`` has been written to in place."""
    if type(array) is np.ndarray:
        number = id(array)
        overwritten[number] = (weakref.ref(array, lambda _: overwritten.pop(number, None)), caller())


def refuse_overwritten(node: Node) -> None:
    """Raise when a rule of ``node`` needs an array that has been written over since.

    Raises
    ------
    GraphError
        Naming the operation, which of its values, and the line that wrote over it.
    """
    saved: dict[str, Any] = node.saved or {}
    for name, value in saved.items():
        for array in value if isinstance(value, tuple) else (value,):
            entry = overwritten.get(id(array))
            if array is None or entry is None or entry[0]() is not array:
                continue
            what = "its output" if name == "ans" else f"its input {name}"
            raise GraphError(
                f"backward: {node.op.name} needs {what} {tuple(array.shape)}, which has been written over in place "
                f"since{_line(entry[1])}. Write `y = y + …` instead of `y += …` there, or call clone() before."
            )


def _line(place: Any) -> str:
    if place is None:
        return ""
    code, instruction = place
    number = next((line for start, end, line in code.co_lines() if start <= instruction < end), code.co_firstlineno)
    text = linecache.getline(code.co_filename, number or 0).strip()
    return f" ({code.co_filename}:{number}{': ' + text if text else ''})"
