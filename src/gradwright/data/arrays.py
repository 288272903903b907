"""Features and target that come as arrays, checked and brought to the form in which `LabeledRows` holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.frames import to_polars
from gradwright.data.messages import shown
from gradwright.data.rows import Features
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["checked_array", "target_series"]


def target_series(y: Any, target: str | None, name: str) -> pl.Series:
    """A target given as array, list or pandas or Polars column, as a Polars column.

    Raises `DataError` when it is not one-dimensional or holds something other than numbers, booleans or text.
    """
    import polars as pl

    if isinstance(y, pl.Series):
        return y.alias(target or y.name or "target")
    label = target or str(getattr(y, "name", None) or "target")
    if type(y).__module__.split(".")[0] == "pandas":
        return to_polars(y.to_frame(label)).get_column(label)
    values = np.asarray(y)
    if values.dtype.kind not in "biufUO":
        raise DataError(
            f"cannot use {shown(name, 200)}: y has dtype {values.dtype}; expected numbers, booleans or text"
        )
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        advice = ". Turn one-hot rows into class numbers: y.argmax(axis=1)" if values.ndim == 2 else ""
        raise DataError(f"cannot use {shown(name, 200)}: y has shape {values.shape}; expected (rows,){advice}")
    if values.dtype.kind in "fUO":
        return pl.Series(label, values.tolist(), strict=False, nan_to_null=True)
    return pl.Series(label, values)


def checked_array(x: NDArray[Any], name: str) -> Features:
    """Images as an array, two-dimensional numbers as a frame; `DataError` for text, one axis, or infinity."""
    import polars as pl

    where = shown(name, 200)
    if x.dtype.kind not in "biuf":
        raise DataError(
            f"cannot use {where}: X has dtype {x.dtype}; expected numbers. Text belongs in a table (CSV, Parquet)"
        )
    if x.ndim < 2:
        raise DataError(f"cannot use {where}: X has shape {x.shape}; expected (rows, columns) or (rows, height, width)")
    if x.size == 0:
        raise DataError(f"cannot use {where}: X has shape {x.shape}, so it holds no values")
    if x.dtype.kind == "f":
        for start in range(0, len(x), 4096):
            block = np.isinf(x[start : start + 4096])
            if block.any():
                place = tuple(int(i) for i in np.argwhere(block)[0])
                place = (place[0] + start, *place[1:])
                raise DataError(
                    f"{where}, row {place[0]}: X{list(place)} is {x[place]}; expected finite numbers. "
                    f"Correct the value, or make it NaN if it is missing"
                )
    if x.ndim == 2 and x.dtype != np.uint8:
        return pl.DataFrame({f"x{i}": x[:, i] for i in range(x.shape[1])})
    return x
