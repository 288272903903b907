"""The unit that a column's name states: ``price [EUR]``, ``length (cm)``."""

from __future__ import annotations

import re

__all__ = ["unit_of"]

_IN_BRACKETS = re.compile(r"\S\s*(?:\[([^\[\]]{1,20})\]|\(([^()]{1,20})\))\s*$")


def unit_of(name: str) -> str:
    """Return what stands in brackets at the end of a name, or nothing where that is no unit.

    A number alone, such as a year, is none.

    Examples
    --------
    >>> unit_of("price [EUR]"), unit_of("sepal length (cm)"), unit_of("share (%)")
    ('EUR', 'cm', '%')
    >>> unit_of("income (2020)"), unit_of("price")
    ('', '')
    """
    found = _IN_BRACKETS.search(name)
    unit = (found.group(1) or found.group(2)).strip() if found else ""
    return unit if any(c.isalpha() or c in "%‰°€$£¥'\"" for c in unit) else ""
