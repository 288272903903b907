"""Class folders to what is trained on or predicted for: images as an array, texts as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gradwright.data.class_folders import ClassFolders, find_files
from gradwright.data.content import Content, labeled_rows
from gradwright.data.fingerprint import fingerprint_of
from gradwright.data.image_folder import read_images
from gradwright.data.limits import MAX_BYTES, size_in_words
from gradwright.data.messages import plural, shown
from gradwright.data.progress import watched
from gradwright.data.rows import LabeledRows, RowFiles, Rows, pixel_names
from gradwright.data.text_file import read_text
from gradwright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_class_folders", "rows_of_folder"]


def read_class_folders(folder: Path, image_size: tuple[int, int] | None = None) -> LabeledRows:
    """Read a folder with a folder of images or texts for each class.

    Parameters
    ----------
    folder : Path
        In one of the layouts of `gradwright.data.class_folders`.
    image_size : (height, width), optional
        Resize images to this.

    Returns
    -------
    LabeledRows
        Images as `read_images` gives them; of texts a table with the one column ``text``. The target ``label`` is
        the folder's name.

    Raises
    ------
    DataError
        What `find_files`, `read_images` and `read_text` refuse.
    """
    import polars as pl

    found = find_files(folder)
    name, files = str(folder), RowFiles(tuple(str(path) for path in found.files))
    target = pl.Series("label", found.labels, pl.String)
    if found.kind == "text":
        content = Content(_texts(found).with_columns(target), notes=found.notes, target="label")
        return labeled_rows(content, name, files, found.split)
    images, notes = read_images(found.files, image_size)
    return LabeledRows(
        name=name,
        kind="images",
        features=images,
        feature_names=tuple(pixel_names(images.shape[1:])),
        target=target,
        target_name="label",
        fingerprint=fingerprint_of(images, target),
        given_split=found.split,
        notes=(*found.notes, *notes),
        files=files,
    )


def rows_of_folder(folder: Path, image_size: tuple[int, int] | None = None) -> Rows:
    """Read a folder of images or texts to predict for, by class or not; texts by class keep the column ``label``."""
    import polars as pl

    found = find_files(folder, labelled=False)
    files = RowFiles(tuple(str(path) for path in found.files))
    if found.kind == "text":
        frame = _texts(found)
        if found.labels is not None:
            frame = frame.with_columns(pl.Series("label", found.labels, pl.String))
        return Rows(str(folder), "table", frame, notes=tuple(found.notes), files=files)
    images, notes = read_images(found.files, image_size)
    return Rows(str(folder), "images", images, notes=(*found.notes, *notes), files=files)


def _texts(found: ClassFolders) -> pl.DataFrame:
    import polars as pl

    size = sum(path.stat().st_size for path in found.files)
    if size > MAX_BYTES:
        raise DataError(
            f"cannot read {plural(len(found.files), 'text')}, first {shown(str(found.files[0]), 200)}: they have "
            f"{size_in_words(size)}; the limit is {size_in_words(MAX_BYTES)}. Take fewer"
        )
    texts = [read_text(path, "a text; remove it").decode().strip() for path in watched(found.files, "reading texts")]
    return pl.DataFrame({"text": texts})
