"""Parquet files, one or many, read by slices: only what a slice needs is decoded."""

from __future__ import annotations

import glob
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gradwright.data.messages import closest, listed, shown
from gradwright.data.streaming.source import Block, Unchanged
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ParquetSource", "parquet_files"]


def parquet_files(source: str | Path) -> list[Path]:
    """Find the files that a path, a folder or a pattern such as ``day-*.parquet`` means, sorted by name.

    Raises
    ------
    DataError
        When there is none.
    """
    path = Path(source)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix.lower() in (".parquet", ".pq"))
    else:
        found = sorted(Path(p) for p in glob.glob(str(source), recursive=True) if Path(p).is_file())
    if not found:
        raise DataError(
            f"no Parquet file at {shown(str(source), 200)}; expected a file, a folder with files *.parquet, or a "
            "pattern such as 'folder/day-*.parquet'"
        )
    return found


class ParquetSource:
    """Rows in Parquet files of one schema.

    Parameters
    ----------
    files : sequence of Path
        Their rows follow each other in this order.
    target : str, optional
        The target's column; rows to predict for need none.
    columns : sequence of str, optional
        The features; default: all other columns.

    Raises
    ------
    DataError
        A file that is none or is cut short, files of different columns, no rows, or a column that is not there.
    """

    kind: Literal["table", "images"] = "table"

    def __init__(
        self, name: str, files: Sequence[Path], target: str | None, columns: Sequence[str] | None = None
    ) -> None:
        import polars as pl

        self.name, self.files, self.target_name = name, list(files), target or ""
        self.paths = self.files
        self._unchanged = Unchanged(self.files)
        self.sizes: list[int] = []
        self._scans: dict[Path, pl.LazyFrame] = {}
        for path in self.files:
            try:
                scan = pl.scan_parquet(path, glob=False)
                schema = scan.collect_schema()
                self.sizes.append(int(scan.select(pl.len()).collect().item()))
            except (pl.exceptions.PolarsError, OSError) as error:
                raise _damaged(shown(str(path), 200), error) from None
            if not self._scans:
                self._schema = schema
                self.columns = self._chosen(target, columns)
            self._compare(path, schema)
            self._scans[path] = scan
        self.width = len(self.columns)
        if not sum(self.sizes):
            raise DataError(f"cannot use {shown(name, 200)}: it has columns ({listed(self._schema)}) and no rows")

    def read(self, block: Block, columns: Collection[str] | None = None) -> tuple[pl.DataFrame, pl.Series]:
        """Read a block.

        Raises
        ------
        DataError
            The file is damaged there, or not what it was.
        """
        frame = self.frame(block, columns, [self.target_name])
        return frame.drop(self.target_name), frame[self.target_name]

    def frame(self, block: Block, columns: Collection[str] | None = None, more: Sequence[str] = ()) -> pl.DataFrame:
        """Read features of a block, and more columns; raises what `read` does."""
        import polars as pl

        wanted = self.columns if columns is None else [name for name in self.columns if name in columns]
        self._unchanged.check(block.path)
        scan = self._scans[block.path].select([*wanted, *more])
        try:
            frame = scan.slice(block.start, block.rows).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise _damaged(str(block), error) from None
        encoded = [name for name, dtype in frame.schema.items() if dtype in (pl.Categorical, pl.Enum)]
        return frame.with_columns(pl.col(encoded).cast(pl.String))

    def _chosen(self, target: str | None, columns: Sequence[str] | None) -> list[str]:
        there = list(self._schema)
        for name in [*([] if target is None else [target]), *(columns or ())]:
            if name not in self._schema:
                raise DataError(
                    f"{shown(self.name, 200)} has no column {shown(name)}{closest(name, there)}. Its columns are "
                    f"{listed(there, 40)}"
                )
        chosen = [name for name in (there if columns is None else dict.fromkeys(columns)) if name != target]
        if not chosen:
            raise DataError(f"{shown(self.name, 200)}: no features are left beside the target {shown(target)}")
        return chosen

    def _compare(self, path: Path, schema: pl.Schema) -> None:
        for name in [*self.columns, *([self.target_name] if self.target_name else [])]:
            if schema.get(name) != self._schema[name]:
                found = f"{schema[name]}" if name in schema else f"no such column{closest(name, list(schema))}"
                raise DataError(
                    f"{shown(str(path), 200)}, column {shown(name)}: expected {self._schema[name]} as in "
                    f"{shown(str(self.files[0]), 200)}, found {found}. Files of one stream need the same columns"
                )


def _damaged(what: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(
        f"cannot read {what}: it is no whole Parquet file ({shown(reason, 120)}). It may be cut short, damaged or "
        "another kind of file"
    )
