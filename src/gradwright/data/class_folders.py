"""A folder with one folder for each class: which file belongs to which class and part.

Two layouts: ``folder/class/file``, and ``folder/train/class/file`` beside ``folder/test/class/file``, whose split
is honoured. Files are taken in the order of their names, so that the same folder gives the same rows everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gradwright.data.messages import listed, plural, shown
from gradwright.errors import DataError

__all__ = ["IMAGE_ENDINGS", "ClassFolders", "find_files"]

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm")
_TEXT_ENDINGS = (".txt",)
_TRAIN, _TEST = ("train", "training"), ("test", "testing")
_VALIDATION = ("val", "valid", "validation", "dev")
_FORMS = (
    "a folder for each class with images or texts (.txt) in it, the same under train/ and test/, or IDX files such as "
    "train-images-idx3-ubyte.gz"
)


@dataclass
class ClassFolders:
    """Files by class.

    Attributes
    ----------
    kind : {"images", "text"}
        By the files' endings.
    files : list of Path
        The training part's (or all) files first, then the test part's, each by class and name.
    labels : list of str or None
        The name of each file's folder; None for a folder of files without classes.
    split : (train_rows, test_rows) or None
        Int64 arrays, where there is a test part.
    notes : list of str
        What was left out.
    """

    kind: Literal["images", "text"] = "images"
    files: list[Path] = field(default_factory=list)
    labels: list[str] | None = None
    split: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    notes: list[str] = field(default_factory=list)


def find_files(folder: Path, *, labelled: bool = True) -> ClassFolders:
    """Find a folder's files and their classes.

    Parameters
    ----------
    folder : Path
        In one of the two layouts.
    labelled : bool
        Whether classes are needed. Without, images or texts may lie in the folder itself.

    Returns
    -------
    ClassFolders

    Raises
    ------
    DataError
        No such files, images and texts side by side, files beside the folders of classes, a part without
        classes, or a link that leads outside the folder.
    """
    where = shown(str(folder), 200)
    inside = folder.resolve()
    found = ClassFolders(labels=[])
    folders, loose = _listing(folder, inside)
    loose = [path for path in loose if _kind(path)]
    if not labelled and loose and not folders:
        found.labels = None
        _add(found, loose, None, where)
        return found
    parts = _parts(folders)
    if parts is None:
        _refuse_loose(loose, where)
        _add_classes(found, folders, inside, where)
    else:
        train = parts[0] + parts[1]
        for path in train:
            _add_part(found, path, inside)
        first = len(found.files)
        for path in parts[2]:
            _add_part(found, path, inside)
        if not first:
            raise DataError(f"cannot use the folder {where}: its training part holds no images or texts")
        if parts[2] and first == len(found.files):
            raise DataError(f"cannot use the folder {where}: its test part holds no images or texts")
        if parts[1]:
            found.notes.append(
                f"the part {listed(p.name for p in parts[1])} joins the training part, from which validation is drawn"
            )
        if parts[2]:
            found.split = np.arange(first), np.arange(first, len(found.files))
    if not found.files:
        names = [path.name for path in sorted(folder.iterdir())]
        raise DataError(f"cannot use the folder {where}: expected {_FORMS}; found {listed(names, 8) or 'no files'}")
    return found


def _parts(folders: list[Path]) -> tuple[list[Path], list[Path], list[Path]] | None:
    """Training, validation and test folders, if there is one for training and nothing but parts."""
    named = [[p for p in folders if p.name.lower() in names] for names in (_TRAIN, _VALIDATION, _TEST)]
    whole = len(named[0]) == 1 and sum(map(len, named)) == len(folders) > 1
    return (named[0], named[1], named[2]) if whole else None


def _add_part(found: ClassFolders, part: Path, inside: Path) -> None:
    folders, loose = _listing(part, inside)
    where = shown(str(part), 200)
    _refuse_loose([path for path in loose if _kind(path)], where)
    _add_classes(found, folders, inside, where)


def _add_classes(found: ClassFolders, folders: list[Path], inside: Path, where: str) -> None:
    for folder in folders:
        deeper, files = _listing(folder, inside)
        if deeper:
            found.notes.append(f"left out {plural(len(deeper), 'folder')} within the class {shown(folder.name)}")
        good = [path for path in files if _kind(path)]
        if len(good) < len(files):
            odd = next(path for path in files if not _kind(path))
            found.notes.append(
                f"left out {plural(len(files) - len(good), 'file')} of class {shown(folder.name)} with the "
                f"endings of neither images nor texts, first {shown(odd.name)}"
            )
        if good:
            _add(found, good, folder.name, where)
        else:
            found.notes.append(f"the folder {shown(folder.name)} holds no images or texts and is no class")


def _add(found: ClassFolders, files: list[Path], label: str | None, where: str) -> None:
    kinds = {_kind(path): path for path in [*found.files[:1], *files]}
    if len(kinds) > 1:
        raise DataError(
            f"cannot use the folder {where}: it holds both images ({shown(kinds['images'].name)}) and texts "
            f"({shown(kinds['text'].name)}); expected files of one kind. Put them into two folders"
        )
    found.kind = "images" if "images" in kinds else "text"
    found.files += files
    if found.labels is not None and label is not None:
        found.labels += [label] * len(files)


def _refuse_loose(loose: list[Path], where: str) -> None:
    if loose:
        raise DataError(
            f"cannot use the folder {where}: found {listed([p.name for p in loose], 3)} in no folder of a class; "
            f"expected {_FORMS}"
        )


def _kind(path: Path) -> Literal["images", "text", ""]:
    ending = path.suffix.lower()
    return "images" if ending in IMAGE_ENDINGS else "text" if ending in _TEXT_ENDINGS else ""


def _listing(folder: Path, inside: Path) -> tuple[list[Path], list[Path]]:
    """Folders and files in a folder, by name, without hidden ones; links must stay inside."""
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        for path in entries:
            if path.is_symlink() and not path.exists():
                raise DataError(f"cannot use {shown(str(path), 200)}: it is a link that leads nowhere. Remove it")
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                raise DataError(
                    f"cannot use {shown(str(path), 200)}: it is a link that leads outside of the folder. Copy what it "
                    "leads to, if you trust it"
                )
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"cannot read the folder {shown(str(folder), 200)}: {reason}") from None
    junk = ("thumbs.db", "desktop.ini", "__macosx")
    entries = [path for path in entries if path.name.lower() not in junk]
    return [p for p in entries if p.is_dir()], [p for p in entries if p.is_file()]
