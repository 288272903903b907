"""What a study's page is put together from: sections of words, charts and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gradwright.report.svg import Drawing

__all__ = ["NARROW", "WIDE", "Chart", "Head", "Row", "Section", "Table"]

WIDE = 1060  # the page's width
NARROW = 340  # a phone of 375 pixels less its margins


class Chart(NamedTuple):
    """A picture for a wide page, one for a narrow page where that is another one, and what it shows."""

    wide: Drawing
    narrow: Drawing | None
    caption: str


class Row(NamedTuple):
    """A row of a table; a row of a trial lights up with its lines and dots.

    Attributes
    ----------
    cells : sequence of str
        The first is the row's name.
    note : str
        Small print under the name.
    trial : int, optional
    own : bool
        Stands out.
    """

    cells: Sequence[str]
    note: str = ""
    trial: int | None = None
    own: bool = False


class Table(NamedTuple):
    """A table: headings, rows, and which columns are words rather than numbers."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Row]
    words: frozenset[int] = frozenset()


class Section(NamedTuple):
    """A part of the page.

    Attributes
    ----------
    key, title : str
    words : sequence of str
    charts : sequence of Chart
    tables : sequence of Table
    layout : str
        How charts stand: ``"full"`` below each other, ``"pair"`` two, ``"trio"`` three in a row, ``"beside"`` with the
        first table at their right.
    """

    key: str
    title: str
    words: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    layout: str = "full"


class Head(NamedTuple):
    """The answer: one figure, a sentence, and a few points.

    Attributes
    ----------
    figure, figure_name, interval : str
    lead : str
    points : sequence of (str, str)
        A word and a sentence each.
    alert : str
        What must be known before the figure is used; else nothing.
    """

    figure: str
    figure_name: str
    interval: str
    lead: str
    points: Sequence[tuple[str, str]]
    alert: str = ""
