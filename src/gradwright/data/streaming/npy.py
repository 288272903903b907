"""Two NPY files, features and target, mapped into memory: only the rows of a block are ever read."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradwright.data.arrays import target_series
from gradwright.data.messages import plural, shown
from gradwright.data.rows import Features
from gradwright.data.streaming.source import Block, Unchanged
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NpySource"]


class NpySource:
    """Rows in ``X.npy``, shape (n, ...), and ``y.npy``, shape (n,).

    Two axes of anything but bytes are a table with the columns ``x0``, ``x1``, …; all else are images.

    Raises
    ------
    DataError
        A file that is none or is cut short, Python objects (nothing is unpickled), text, or different lengths.
    """

    def __init__(self, name: str, x: Path, y: Path) -> None:
        self._unchanged = Unchanged([x, y])
        features, target = _mapped(x), _mapped(y)
        self.name, self.files, self.paths, self._target = name, [x], [x, y], y
        self.target_name = y.stem
        self.kind: Literal["table", "images"] = (
            "table" if features.ndim == 2 and features.dtype != np.uint8 else "images"
        )
        if features.dtype.kind not in "biuf" or features.ndim < 2 or features.size == 0:
            raise DataError(
                f"cannot stream {shown(str(x), 200)}: shape {features.shape} of {features.dtype}; expected numbers of "
                "shape (rows, columns) or (rows, height, width)"
            )
        if target.dtype.kind not in "biufU" or target.shape not in ((len(features),), (len(features), 1)):
            raise DataError(
                f"cannot stream {shown(str(y), 200)}: shape {target.shape} of {target.dtype}; expected one number, "
                f"boolean or text for each of the {plural(len(features), 'row')} of {shown(str(x), 200)}"
            )
        self.sizes = [len(features)]
        self.width = int(np.prod(features.shape[1:]))
        self.columns = [f"x{i}" for i in range(self.width)] if self.kind == "table" else []

    def read(self, block: Block, columns: Collection[str] | None = None) -> tuple[Features, pl.Series]:
        """Read a block. The files are mapped for this block alone, so that what was read before takes no memory."""
        import polars as pl

        for path in (block.path, self._target):
            self._unchanged.check(path)
        rows = slice(block.start, block.start + block.rows)
        x = _native(_mapped(block.path)[rows])
        y = target_series(_native(_mapped(self._target)[rows]), self.target_name, self.name)
        if self.kind == "images":
            return x, y
        names = self.columns if columns is None else [name for name in self.columns if name in columns]
        return pl.DataFrame({name: np.ascontiguousarray(x[:, int(name[1:])]) for name in names}), y


def _mapped(path: Path) -> NDArray[Any]:
    where = shown(str(path), 200)
    try:
        return np.lib.format.open_memmap(path, mode="r")  # for arrays of numbers only; nothing is unpickled
    except (OSError, ValueError, EOFError, SyntaxError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(
            f"cannot read {where}: {shown(reason.splitlines()[0], 160)}. Expected a whole NPY file of numbers, as "
            "numpy.save writes it; Python objects are never unpickled"
        ) from None


def _native(values: NDArray[Any]) -> NDArray[Any]:
    """Copy out of the map, into this machine's byte order."""
    return np.array(values, dtype=values.dtype.newbyteorder("="))
