"""Text and numbers as a reader wants to see them; the pictures of graphs write them the same way."""

from gradwright.view.text import (
    clean,
    count,
    duration,
    figure,
    joined,
    listed,
    many,
    percent,
    plural,
    short,
    significant,
)

__all__ = [
    "clean",
    "count",
    "duration",
    "figure",
    "joined",
    "listed",
    "many",
    "percent",
    "plural",
    "short",
    "significant",
]
