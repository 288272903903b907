"""`read`: any source to a `LabeledRows`; `read_rows`: any source to raw rows for prediction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.arrays import checked_array, target_series
from gradwright.data.builtin import BUILTIN, load_builtin
from gradwright.data.class_sources import read_class_folders, rows_of_folder
from gradwright.data.columns import kind_of, typed
from gradwright.data.content import labeled_rows
from gradwright.data.files import FORMS, is_pattern, matching, read_contents
from gradwright.data.fingerprint import fingerprint_of
from gradwright.data.frames import is_frame, to_polars
from gradwright.data.idx import is_idx_folder, read_idx, read_idx_folder
from gradwright.data.messages import closest, listed, plural, shown
from gradwright.data.npz import read_npy, read_npz
from gradwright.data.rows import Features, LabeledRows, RowFiles, Rows, pixel_names
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Source", "read", "read_rows"]

Source = Any
"""A built-in name, a path, a pattern of paths, a pandas or Polars frame, or a tuple (X, y)."""

_TARGET_NAMES = ("target", "label", "class", "y")


def read(
    source: Source,
    *,
    target: str | Sequence[str] | None = None,
    task: str | None = None,
    categories: Collection[str] = (),
    image_size: tuple[int, int] | None = None,
) -> LabeledRows:
    """Read data to train on.

    Parameters
    ----------
    source : str, Path, DataFrame or tuple
        A built-in name (`gradwright.data.BUILTIN`); a CSV, TSV, Parquet, Arrow or JSON lines file; an NPZ file
        with `X` and `y`; an NPY file whose last column is the target; a folder of IDX files; a folder with a
        folder of images or texts (.txt) for each class, perhaps under ``train`` and ``test``; fastText's labelled
        lines (.txt); tokens with tags (.bio, .iob, .conll); several files of one kind by a pattern
        (``data/part-*.csv``); a pandas or Polars frame; or a tuple (X, y) of arrays or a frame and a column.
    target : str or sequence of str, optional
        The target column of a table, or several: ``["price", "rent"]`` or ``"price,rent"``; then the target is a
        struct. Without it, a column called target, label, class or y, else the last one; a note says which.
    task : str, optional
        The task that the user insists on. With ``"binary"``, ``"multiclass"``, ``"classification"`` or
        ``"multilabel"`` the target's cells are labels whatever they look like, so text among numbers is no mistake.
        With ``"next_token"`` a ``.txt`` file is running text.
    categories : collection of str
        Columns that are categories though their cells look like numbers.
    image_size : (height, width), optional
        For a folder of images: resize them all to this, bilinearly. Without it they must have one size.

    Returns
    -------
    LabeledRows
        Typed, not yet prepared.

    Raises
    ------
    DataError
        No such source, no such target, or a fault in the file; the message names place, cause and remedy.

    Notes
    -----
    Two-dimensional arrays of numbers become a table with columns ``x0``, ``x1``, …; arrays of bytes (uint8)
    and arrays with more axes are images.

    Examples
    --------
    >>> read("digits")
    LabeledRows('digits', images, 1,797 rows, 64 features, target 'target')
    >>> read("diggits")
    Traceback (most recent call last):
    ...
    gradwright.errors.DataError: no such source: 'diggits'; did you mean 'digits'? ...
    """
    labels = task in ("binary", "multiclass", "classification", "multilabel")
    notes: list[str] = []
    split: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    if is_frame(source):
        name = f"{type(source).__module__.split('.')[0]} frame"
        return _from_table(to_polars(source), name, target, labels, categories, notes, None)
    if isinstance(source, tuple):
        if len(source) != 2:
            raise DataError(f"cannot use a tuple of {len(source)} as data; expected (X, y): features and target")
        if not (target is None or isinstance(target, str)):
            raise DataError(
                f"cannot use arrays (X, y) with the targets {listed(target)}; y is one. Give a frame instead"
            )
        return _from_pair(source[0], source[1], "arrays", target, labels, categories, notes, None)
    name = str(source)
    if name in BUILTIN and isinstance(source, str):
        features, column = load_builtin(name)
        _check_fixed_target(target, column.name, name, features)
        return _from_pair(features, column, name, None, labels, categories, notes, None)
    paths = matching(name) if is_pattern(name) else [_existing(source)]
    path = paths[0]
    if path.is_dir() and not is_idx_folder(path):
        found = read_class_folders(path, image_size)
        _check_fixed_target(target, "label", name, found.features)
        return replace(found, name=name)
    if path.is_dir():
        images, y, split = read_idx_folder(path)
        _check_fixed_target(target, "label", name, images)
        return _from_pair(images, y, name, "label", labels, categories, notes, split)
    suffix = path.suffix.lower()
    if len(paths) == 1 and suffix == ".npy":
        return _from_table(_table_of(read_npy(path), name), name, target, labels, categories, notes, None)
    if len(paths) == 1 and suffix == ".npz":
        arrays = read_npz(path, ["X", "y"])
        _check_fixed_target(target, "y", name, arrays["X"])
        return _from_pair(arrays["X"], arrays["y"], name, "y", labels, categories, notes, None)
    content, files = read_contents(paths, task)
    if content.target is not None:
        features = content.frame.drop(content.target) if content.frame.width > 1 else content.frame
        _check_fixed_target(target, content.target, name, features)
        return labeled_rows(content, name, files)
    notes += content.notes
    return _from_table(content.frame, name, target, labels, categories, notes, content.lines, files)


def read_rows(
    source: Source,
    *,
    task: str | None = None,
    columns: Collection[str] = (),
    image_size: tuple[int, int] | None = None,
) -> Rows:
    """Read raw rows for a trained network: all columns, none of them chosen as target.

    Parameters
    ----------
    source : str, Path, DataFrame or array
        As for `read`; of an NPZ file only `X` is needed; a single IDX file of images will do; images and texts
        may lie in a folder without classes, and tokens need no tags; an array is taken as is.
    task : str, optional
        With ``"next_token"`` a ``.txt`` file is running text.
    columns : collection of str
        The columns that the network was trained on; with ``text`` alone a ``.txt`` file without labels is one text
        a line.
    image_size : (height, width), optional
        As for `read`.

    Returns
    -------
    Rows
        Columns of a delimited file are text as written: `Preparation.transform` knows what each should be,
        and names the line where it is not.

    Raises
    ------
    DataError
        As `read`.

    Examples
    --------
    >>> rows = read_rows("iris")
    >>> rows.rows, rows.place(3)
    (150, "'iris', row 3")
    """
    if is_frame(source):
        frame = to_polars(source)
        return Rows(f"{type(source).__module__.split('.')[0]} frame", "table", frame)
    if isinstance(source, np.ndarray):
        features = checked_array(source, "array")
        return Rows("array", "images" if isinstance(features, np.ndarray) else "table", features)
    name = str(source)
    if name in BUILTIN and isinstance(source, str):
        features, _ = load_builtin(name)
        return Rows(name, "images" if isinstance(features, np.ndarray) else "table", features)
    paths = matching(name) if is_pattern(name) else [_existing(source)]
    path = paths[0]
    if path.is_dir() and not is_idx_folder(path):
        return replace(rows_of_folder(path, image_size), name=name)
    if path.is_dir():
        return Rows(name, "images", read_idx_folder(path)[0])
    suffix = path.suffix.lower()
    if len(paths) == 1 and suffix in (".npz", ".npy"):
        features = checked_array(read_npz(path, ["X"])["X"] if suffix == ".npz" else read_npy(path), name)
        return Rows(name, "images" if isinstance(features, np.ndarray) else "table", features)
    if len(paths) == 1 and "idx" in path.name.lower() and suffix not in (".csv", ".tsv"):
        return Rows(name, "images", read_idx(path))
    content, files = read_contents(paths, task, labelled=False, columns=columns)
    return Rows(name, content.kind, content.frame, content.lines, tuple(content.notes), files)


def _existing(source: object) -> Path:
    if not isinstance(source, str | Path):
        raise DataError(
            f"cannot read data from a {type(source).__name__}; expected a built-in name "
            f"({', '.join(BUILTIN)}), a path, a pandas or Polars frame, or a tuple (X, y)"
        )
    path = Path(source)
    try:
        there = path.exists()
    except (OSError, ValueError):
        there = False
    if there and not (path.is_file() or path.is_dir()):
        raise DataError(f"cannot read {shown(str(source), 200)}: it is a device, pipe or socket; expected {FORMS}")
    if there:
        return path
    hint = closest(str(source), list(BUILTIN))
    try:
        neighbours = [p.name for p in path.parent.iterdir()][:10_000] if path.parent.is_dir() else []
    except (OSError, ValueError):
        neighbours = []
    hint = hint or closest(path.name, neighbours)
    raise DataError(
        f"no such source: {shown(str(source), 200)}{hint or '.'} Built-in sets are {', '.join(BUILTIN)}; "
        f"otherwise give the path of {FORMS}"
    )


def _table_of(values: NDArray[Any], name: str) -> pl.DataFrame:
    """Rows and columns of numbers as a frame, the last column as the target."""
    import polars as pl

    if values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind not in "biuf":
        raise DataError(
            f"cannot use {shown(name, 200)}: it holds {values.dtype} of shape {values.shape}; expected numbers of "
            "shape (rows, columns), the last column being the target. Images and other shapes need an NPZ file: "
            "numpy.savez(path, X=…, y=…)"
        )
    last = values.shape[1] - 1
    return pl.DataFrame({"target" if i == last else f"x{i}": values[:, i] for i in range(last + 1)})


def _check_fixed_target(target: str | Sequence[str] | None, name: str, source: str, features: Features) -> None:
    if target is None or target == name:
        return
    if not isinstance(target, str):
        raise DataError(f"{shown(source, 200)} has one target, {shown(name)}; not {listed(target)}. Leave it out")
    columns = [name] if isinstance(features, np.ndarray) else [*features.columns, name]
    raise DataError(
        f"{shown(source, 200)} has its target fixed: {shown(name)}, not {shown(target)}"
        f"{closest(target, columns)}. Leave the target out, or save the data as a table to choose another "
        "column"
    )


def _choose_targets(
    columns: list[str], target: str | Sequence[str] | None, name: str, notes: list[str]
) -> tuple[str, ...]:
    """The target columns: those named, of which a text may hold several with commas between, or one by the rules."""
    if target is None:
        return (_by_the_rules(columns, notes),)
    if isinstance(target, str) and target not in columns and "," in target:
        target = [part.strip() for part in target.split(",")]
    wanted = (target,) if isinstance(target, str) else tuple(target)
    for column in wanted:
        if column not in columns:
            raise DataError(
                f"{shown(name, 200)} has no column {shown(column)}{closest(column, columns)}. "
                f"Its columns are {listed(columns, 40)}"
            )
    if not wanted or len(set(wanted)) < len(wanted):
        raise DataError(f"the target is {listed(wanted)}; expected one column or several, each named once")
    return wanted


def _by_the_rules(columns: list[str], notes: list[str]) -> str:
    for wanted in _TARGET_NAMES:
        for column in columns:
            if column.lower() == wanted:
                notes.append(f"the target is column {shown(column)}, by its name; choose another with --target")
                return column
    notes.append(f"the target is column {shown(columns[-1])}, the last one; choose another with --target")
    return columns[-1]


def _from_table(
    frame: pl.DataFrame,
    name: str,
    target: str | Sequence[str] | None,
    labels: bool,
    categories: Collection[str],
    notes: list[str],
    lines: NDArray[np.int64] | None,
    files: RowFiles | None = None,
) -> LabeledRows:
    if frame.height == 0 or frame.width == 0:
        raise DataError(
            f"cannot use {shown(name, 200)}: it has {plural(frame.height, 'row')} and {frame.width} columns"
        )
    chosen = _choose_targets(frame.columns, target, name, notes)
    if frame.width == len(chosen):
        separator = ""
        if name.lower().endswith((".csv", ".tsv", ".tab", ".txt")):
            separator = (
                ". If there are more columns in the file, check its separator: found no comma, semicolon or tab in the "
                "header"
            )
        only = "is its only column" if len(chosen) == 1 else "are its only columns"
        raise DataError(
            f"cannot use {shown(name, 200)}: {listed(chosen)} {only}; expected features and a target{separator}"
        )
    for column in categories:
        if column not in frame.columns:
            raise DataError(f"{shown(name, 200)} has no column {shown(column)}{closest(column, frame.columns)}")

    def place(row: int) -> str:
        return Rows(name, "table", frame, lines, files=files).place(row)

    import polars as pl

    comma = any("';'" in note for note in notes)
    frame = pl.DataFrame(
        [
            typed(
                c,
                place,
                notes,
                text=c.name in categories or (labels and _mixed_labels(c, chosen)),
                comma=comma,
            )
            for c in frame.get_columns()
        ]
    )
    missing = {c.name: c.null_count() for c in frame.get_columns() if c.null_count() and c.name not in chosen}
    if missing:
        where = listed([f"{column}: {count:,}" for column, count in missing.items()], 6).replace("'", "")
        notes.append(f"{plural(sum(missing.values()), 'missing value')} in {plural(len(missing), 'column')} ({where})")
    if all(kind_of(c) != "other" for c in frame.get_columns()):
        doubles = frame.height - frame.n_unique()
        if doubles:
            notes.append(
                f"{plural(doubles, 'duplicate row')}: equal rows can land in the training and the test part, "
                f"which flatters the test figure"
            )
    features = frame.drop(chosen)
    return LabeledRows(
        name=name,
        kind="table",
        features=features,
        feature_names=tuple(features.columns),
        target=frame[chosen[0]] if len(chosen) == 1 else frame.select(chosen).to_struct(", ".join(chosen)),
        target_name=", ".join(chosen),
        fingerprint=fingerprint_of(frame),
        notes=tuple(notes),
        lines=lines,
        files=files,
    )


def _mixed_labels(column: pl.Series, targets: tuple[str, ...]) -> bool:
    """Whether the target is text that is partly numbers: labels, once the user says so."""
    import polars as pl

    if column.name not in targets or column.dtype != pl.String:
        return False
    from gradwright.data.columns import blank_to_missing

    text = blank_to_missing(column)
    return bool((text.is_not_null() & text.cast(pl.Float64, strict=False).is_null()).any())


def _from_pair(
    x: Any,
    y: Any,
    name: str,
    target: str | None,
    labels: bool,
    categories: Collection[str],
    notes: list[str],
    split: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
) -> LabeledRows:
    column = target_series(y, target, name)
    try:
        features = to_polars(x) if is_frame(x) else checked_array(np.asarray(x), name)
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"cannot use {shown(name, 200)}: X is no array, its rows differ in length") from None
    if len(features) != column.len():
        raise DataError(
            f"cannot use {shown(name, 200)}: X has {plural(len(features), 'row')} and y has "
            f"{plural(column.len(), 'value')}; there must be one target for each row"
        )
    if not isinstance(features, np.ndarray):
        while column.name in features.columns:
            column = column.alias(column.name + "_")
        dataset = _from_table(features.with_columns(column), name, column.name, labels, categories, notes, None)
        return dataset if split is None else _with_split(dataset, split)
    column = typed(column, lambda row: f"{shown(name, 200)}, row {row}", notes)
    if features.dtype.kind == "f":
        nan = int(np.isnan(features).sum())
        if nan:
            notes.append(f"{plural(nan, 'NaN')} among the values counted as missing")
    return LabeledRows(
        name=name,
        kind="images",
        features=features,
        feature_names=tuple(pixel_names(features.shape[1:])),
        target=column,
        target_name=column.name,
        fingerprint=fingerprint_of(features, column),
        given_split=split,
        notes=tuple(notes),
    )


def _with_split(dataset: LabeledRows, split: tuple[NDArray[np.int64], NDArray[np.int64]]) -> LabeledRows:
    return replace(dataset, given_split=split)
