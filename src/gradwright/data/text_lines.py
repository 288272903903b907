"""Text without columns: fastText's labelled lines, unlabelled lines, and running text for next-token prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gradwright.data.content import Content
from gradwright.data.messages import plural, shown
from gradwright.data.text_file import read_lines
from gradwright.errors import DataError

__all__ = ["is_fasttext", "read_fasttext", "read_running_text", "read_text_lines"]

_MARK = "__label__"
_PARAGRAPHS = 10  # with fewer, blank lines are taken for stray ones and a row is a line


def is_fasttext(path: Path) -> bool:
    """Whether the first line that is not blank begins with ``__label__``; False if the file cannot be opened."""
    try:
        with path.open("rb") as file:
            return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_MARK.encode())
    except OSError:
        return False


def read_fasttext(path: Path) -> Content:
    r"""Read lines such as ``__label__spam win a prize``: a text and its label.

    Parameters
    ----------
    path : Path
        UTF-8; blank lines are left out. A. Joulin, E. Grave, P. Bojanowski, T. Mikolov, "Bag of tricks for
        efficient text classification", 2016 (the fastText program's form).

    Returns
    -------
    Content
        A table of ``text`` and the target ``label``: a label, or lists of labels where a line has several.

    Raises
    ------
    DataError
        What `read_text` refuses; a line without a label, or with no text after it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     _ = path.write_text("__label__spam win a prize\n__label__ham see you\n")
    ...     read_fasttext(path).frame.rows()
    [('win a prize', 'spam'), ('see you', 'ham')]
    """
    import polars as pl

    where = shown(str(path), 200)
    texts: list[str] = []
    labels: list[list[str]] = []
    lines: list[int] = []
    for number, line in enumerate(read_lines(path, f"lines such as {_MARK}spam win a prize"), 1):
        if not line.strip():
            continue
        found, text = _parted(line.strip(), f"{where}, line {number}")
        texts.append(text)
        labels.append(found)
        lines.append(number)
    target = pl.Series("label", labels, pl.List(pl.String))
    if all(len(found) == 1 for found in labels):
        target = target.list.first()
    return Content(pl.DataFrame([pl.Series("text", texts), target]), np.array(lines, np.int64), target="label")


def _parted(line: str, place: str) -> tuple[list[str], str]:
    """The labels at the beginning of a line, and the text after them."""
    labels, text = [], line
    while text.startswith(_MARK):
        label, *rest = text.split(maxsplit=1)
        labels.append(label.removeprefix(_MARK))
        text = rest[0] if rest else ""
    remedy = f"Write a label, a space and the text: {_MARK}spam win a prize"
    if not labels or not all(labels):
        raise DataError(
            f"cannot read {place}: expected {_MARK} and a label at its start, found {shown(line)}. {remedy}"
        )
    if not text:
        raise DataError(f"cannot read {place}: expected text after the label, found {shown(line)} alone. {remedy}")
    return labels, text


def read_text_lines(path: Path) -> Content:
    """Read unlabelled text to predict on: a row a line that is not blank, in the column ``text``."""
    import polars as pl

    texts = read_lines(path, "lines of text")
    numbers = [i for i, text in enumerate(texts, 1) if text.strip()]
    frame = pl.DataFrame({"text": [texts[n - 1].strip() for n in numbers]}, schema={"text": pl.String})
    return Content(frame, np.array(numbers, np.int64))


def read_running_text(path: Path) -> Content:
    r"""Read text in which the next token is to be predicted.

    Parameters
    ----------
    path : Path
        UTF-8.

    Returns
    -------
    Content
        One column ``text``, which is the target as well. With blank lines between at least ten paragraphs, a
        row is a paragraph with its lines' ends kept; otherwise it is a line. A note says which.

    Raises
    ------
    DataError
        What `read_text` refuses.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "names.txt")
    ...     _ = path.write_text("emma\nolivia\nava\n")
    ...     read_running_text(path).frame["text"].to_list()
    ['emma', 'olivia', 'ava']
    """
    import polars as pl

    texts = read_lines(path, "text")
    filled = [bool(text.strip()) for text in texts] + [False]
    starts = [i for i, here in enumerate(filled) if here and not (i and filled[i - 1])]
    unit = "paragraphs, which blank lines part"
    if len(starts) >= _PARAGRAPHS:
        rows = ["\n".join(texts[start : filled.index(False, start)]) for start in starts]
    else:
        unit = "lines"
        starts = [i for i, here in enumerate(filled) if here]
        rows = [texts[start] for start in starts]
    frame = pl.DataFrame({"text": rows}, schema={"text": pl.String})
    notes = [f"the rows are {plural(len(rows), 'text')}: the file's {unit}"]
    return Content(frame, np.array(starts, np.int64) + 1, notes, target="text")
