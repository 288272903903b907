"""The sheet of augmented samples: what the network is really shown."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from markupsafe import Markup, escape

from gradwright.report.records import RunRecord
from gradwright.report.text import joined, plural

__all__ = ["SheetInfo", "draw_sheet", "sheet_info", "sheet_words"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class SheetInfo(NamedTuple):
    """Samples, each in a row: as it is, then as it was drawn.

    Attributes
    ----------
    names : tuple of str
        The augmentations, as configured.
    labels : tuple of str
        What each row shows.
    draws : int
        Columns beside the original.
    width, height : int
        Of the picture, in pixels.
    png : str
        The picture in base64; checked to be a PNG.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    draws: int
    width: int
    height: int
    png: str


def sheet_info(record: RunRecord) -> SheetInfo | None:
    """Collect the sheet; None without augmentation of images.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> sheet_info(example_record(shelf=True)).names
    ('flip',)
    """
    sheet = record.augmentation
    if sheet is None or not sheet["png"]:
        return None
    try:
        data = base64.b64decode(sheet["png"], validate=True)
    except (binascii.Error, ValueError):
        return None
    if not data.startswith(_SIGNATURE):
        return None
    return SheetInfo(
        tuple(sheet["augment"]),
        tuple(sheet["labels"]),
        sheet["draws"],
        sheet["width"],
        sheet["height"],
        base64.b64encode(data).decode(),
    )


def sheet_words(info: SheetInfo) -> list[str]:
    """Say what the sheet shows and what to look for."""
    return [
        f"Each batch is augmented anew by {joined(list(info.names))}. Each row is one training sample: at the left as "
        f"it is, then {plural(info.draws, 'draw')} of what the network is shown instead.",
        "Does every picture still belong to its class? A mirrored 6 is no 6 any more; such an augmentation teaches "
        "wrong labels.",
    ]


def draw_sheet(info: SheetInfo) -> Markup:
    """Return the picture as an image element that loads nothing."""
    shown = joined([str(label) for label in info.labels])
    return Markup(
        f'<img class="sheet" width="{info.width}" height="{info.height}" '
        f'alt="Augmented samples of {escape(shown)}" src="data:image/png;base64,{info.png}" />'
    )
