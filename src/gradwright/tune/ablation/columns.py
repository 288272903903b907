"""Feature columns as parts: one by one, in groups by how their names begin, or in groups that somebody names."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from gradwright.data import Preparation
from gradwright.errors import ConfigError
from gradwright.tune.ablation.parts import Part

__all__ = ["by_prefix", "column_parts", "columns_of", "read_groups"]

#: So many columns are left out one by one; more are grouped, as each is a training for every seed.
SINGLE = 24


def columns_of(preparation: Preparation) -> list[str]:
    """Return the columns that a network sees, in order; of an image its pixels, of tokens none."""
    if preparation.tokens is not None:
        return []
    if preparation.images is not None:
        return list(preparation.feature_names)
    return [column.name for column in preparation.columns if column.outputs]


def read_groups(path: Path) -> dict[str, tuple[str, ...]]:
    """Read groups of columns from a TOML file: ``name = ["pattern", …]``, as a shell matches names.

    Raises
    ------
    ConfigError
        A file that cannot be read, or an entry that is no pattern.
    """
    try:
        found = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"--groups {path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"--groups {path}: not valid TOML: {error}") from None
    found = found.get("groups", found) if isinstance(found.get("groups"), dict) else found
    groups = {}
    for name, patterns in found.items():
        listed = [patterns] if isinstance(patterns, str) else patterns
        if not (isinstance(listed, list) and listed and all(isinstance(p, str) for p in listed)):
            raise ConfigError(f'--groups {path}: {name} = {patterns!r}: expected patterns, such as ["pixel_0_*"]')
        groups[name] = tuple(listed)
    if not groups:
        raise ConfigError(f'--groups {path}: no group in it; write lines such as edge = ["pixel_0_*", "pixel_7_*"]')
    return groups


def column_parts(
    names: Sequence[str], groups: Mapping[str, Sequence[str]] | None = None, *, masked: bool = False
) -> list[Part]:
    """Return a part for each column, or group of columns, that can be left out.

    Parameters
    ----------
    names : sequence of str
        All columns that the network sees.
    groups : mapping of str to patterns, optional
        The groups to leave out; by default each column, or with more than 24 those whose names begin alike.
    masked : bool
        Whether "left out" means set to the mean, and the network keeps its size.

    Raises
    ------
    ConfigError
        A pattern that no column fits, or a group of all columns.

    Examples
    --------
    >>> [part.name for part in column_parts(["age", "size"])]
    ['column age', 'column size']
    >>> [(p.name, p.columns) for p in column_parts(["age", "size", "edge"], {"e": ["*ge"]})]
    [('columns e', ('age', 'edge'))]
    """
    done = "set to the mean" if masked else "left out"
    if groups is None:
        chosen = {name: (name,) for name in names} if len(names) <= SINGLE else by_prefix(names)
    else:
        chosen = {name: _matching(name, patterns, names) for name, patterns in groups.items()}
    if groups is None and len(chosen) < 2:
        return []  # without its only column nothing would be left
    parts = []
    for name, columns in chosen.items():
        if len(columns) == len(names):
            raise ConfigError(f"group {name}: it has all {len(names)} columns; nothing would be left to learn from")
        single = len(columns) == 1 and columns[0] == name
        shown = ", ".join(columns[:4]) + (", …" if len(columns) > 4 else "")
        what = done if single else f"{len(columns)} columns {done}: {shown}"
        parts.append(Part(f"column {name}" if single else f"columns {name}", "columns", what, columns=tuple(columns)))
    return parts


def _matching(group: str, patterns: Iterable[str], names: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for pattern in patterns:
        fitting = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
        if not fitting:
            close = difflib.get_close_matches(pattern.rstrip("*"), names, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names[:8])}"
            raise ConfigError(
                f"group {group}: no column is called {pattern!r}; {hint}{' …' if not close and names[8:] else ''}"
            )
        found.update(dict.fromkeys(fitting))
    return tuple(found)


def by_prefix(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Group columns by how their names begin: without their last number, or up to their first word's end.

    Those that are alone then are grouped by their last word.

    Examples
    --------
    >>> by_prefix(["pixel_0_0", "pixel_0_1", "pixel_1_0", "mean area", "mean size", "age"])
    {'pixel_0_*': ('pixel_0_0', 'pixel_0_1'), 'pixel_1_0': ('pixel_1_0',), 'mean *': ('mean area', 'mean size'),
    'age': ('age',)}
    >>> by_prefix(["area error", "size error"])
    {'* error': ('area error', 'size error')}
    """
    begin, end = Counter(map(_prefix, names)), Counter[str]()
    alone = [name for name in names if begin[_prefix(name)] == 1]
    end.update(_last_word(name) for name in alone)
    groups: dict[str, list[str]] = {}
    for name in names:
        pattern = f"{_prefix(name)}*"
        if begin[_prefix(name)] == 1:
            word = _last_word(name)
            pattern = f"*{word}" if word and end[word] > 1 else name
        groups.setdefault(pattern, []).append(name)
    return {pattern: tuple(columns) for pattern, columns in groups.items()}


def _last_word(name: str) -> str:
    word = re.search(r"[ _.\-/:][^ _.\-/:\d]+$", name)
    return word[0] if word else ""


def _prefix(name: str) -> str:
    numbered = re.fullmatch(r"(.*?\D)\d+", name)
    if numbered:
        return numbered[1]
    word = re.match(r".*?[ _.\-/:]", name)
    return word[0] if word else name
