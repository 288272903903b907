"""Token-per-line files (``.bio``, ``.iob``, ``.conll``): sentences of tokens with a tag each.

A line holds a token, perhaps more columns, and its tag last; blank lines part sentences. Source of the form:
E. F. Tjong Kim Sang and F. De Meulder, "Introduction to the CoNLL-2003 shared task", 2003; of the tags B-, I-
and O: L. A. Ramshaw and M. P. Marcus, "Text chunking using transformation-based learning", 1995.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gradwright.data.content import Content
from gradwright.data.messages import plural, shown
from gradwright.data.text_file import read_lines
from gradwright.errors import DataError

__all__ = ["read_bio"]


def read_bio(path: Path, *, tagged: bool = True) -> Content:
    r"""Read a file of tokens and tags.

    Parameters
    ----------
    path : Path
        UTF-8. Columns are separated by tabs if the first line with a token has one, else by white space. Lines
        that begin with ``-DOCSTART-`` part sentences too and are left out.
    tagged : bool
        Whether there must be tags. Without, a file of tokens alone will do.

    Returns
    -------
    Content
        Of kind "sequences": a row a sentence, a list of texts in each of ``tokens`` and ``tags``.

    Raises
    ------
    DataError
        What `read_text` refuses; a line with one column where tags are needed, with another number of columns
        than the first, or with an empty token or tag; no sentence at all.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.bio")
    ...     _ = path.write_text("Ada B-PER\nsleeps O\n\nHello O\n")
    ...     content = read_bio(path)
    >>> content.frame.rows(), content.lines.tolist()
    ([(['Ada', 'sleeps'], ['B-PER', 'O']), (['Hello'], ['O'])], [1, 4])
    """
    import polars as pl

    where = shown(str(path), 200)
    texts = read_lines(path, "lines of a token and its tag, such as 'Paris B-LOC'")
    sentences: list[list[str]] = []
    tags: list[list[str]] = []
    lines: list[int] = []
    width, tab, first = 0, False, 0
    begun, before = False, ""  # whether a sentence is open, and the tag before
    odd: list[tuple[int, str]] = []
    for number, text in enumerate(texts, 1):
        if not text.strip() or text.startswith("-DOCSTART-"):
            begun, before = False, ""
            continue
        if not width:
            tab = "\t" in text
        cells = [cell.strip() for cell in text.split("\t")] if tab else text.split()
        if not width:
            width, first = len(cells), number
            if width == 1 and tagged:
                raise DataError(
                    f"cannot read {where}, line {number}: expected a token and its tag, separated by a space or tab, "
                    f"found one column: {shown(text.strip())}. Add the tags (O for a token outside)"
                )
        if len(cells) != width or not cells[0] or not cells[-1]:
            found = f"{len(cells)}: {shown(text.strip())}" if len(cells) != width else f"an empty one: {shown(text)}"
            raise DataError(
                f"cannot read {where}, line {number}: expected {plural(width, 'column')} as in line {first}, found "
                f"{found}. Separate sentences by blank lines, and columns by "
                + ("one tab each" if tab else "white space, which a token must not hold")
            )
        if not begun:
            begun = True
            lines.append(number)
            sentences.append([])
            tags.append([])
        tag = cells[-1] if width > 1 else ""
        sentences[-1].append(cells[0])
        tags[-1].append(tag)
        if tag.startswith("I-") and before not in ("B-" + tag[2:], tag):
            odd.append((number, tag))
        before = tag
    if not sentences:
        raise DataError(f"cannot use {where}: it holds no sentence, only blank lines and -DOCSTART-")
    notes = []
    if odd:
        notes.append(
            f"{plural(len(odd), 'tag')} I-… with neither B-… nor I-… of the same type before it, first "
            f"{shown(odd[0][1])} in line {odd[0][0]}: kept as written; they begin an entity, as in the scheme IOB1"
        )
    kind = pl.List(pl.String)
    columns = [pl.Series("tokens", sentences, kind)]
    if width > 1:
        columns.append(pl.Series("tags", tags, kind))
    return Content(pl.DataFrame(columns), np.array(lines, np.int64), notes, "sequences", "tags" if width > 1 else None)
