"""Every text colour of the style sheet stands out from what it stands on, by day and by night."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gradwright.report

STYLE = (Path(gradwright.report.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
Colour = tuple[float, float, float]


def _variables(block: str) -> dict[str, Colour]:
    """The opaque colours of one block of custom properties."""
    found: dict[str, Colour] = {}
    for name, value in re.findall(r"--([a-z]+): ([^;]+);", block):
        if re.fullmatch(r"#[0-9a-f]{6}", value):
            r, g, b = (int(value[i : i + 2], 16) for i in (1, 3, 5))
            found[name] = (r, g, b)
        elif re.fullmatch(r"\d+, \d+, \d+", value):
            r, g, b = map(int, value.split(","))
            found[name] = (r, g, b)
    return found


BLOCKS = re.findall(r":root \{([^}]+)\}", STYLE)
SCHEMES = {
    "light": _variables(BLOCKS[0]),
    "dark": _variables(BLOCKS[0]) | _variables(BLOCKS[1]),
    "print": _variables(BLOCKS[0]) | _variables(BLOCKS[2]),
}


def _luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: Colour, other: Colour) -> float:
    """The ratio of WCAG 2: 1 for the same colour, 21 for black on white."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _mixed(over: Colour, under: Colour, alpha: float) -> Colour:
    r, g, b = (alpha * o + (1 - alpha) * u for o, u in zip(over, under, strict=True))
    return r, g, b


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_is_readable(scheme: str) -> None:
    colours = SCHEMES[scheme]
    for ink in ("ink", "muted", "blue", "orange", "purple", "problem", "warning", "info"):
        assert _contrast(colours[ink], colours["paper"]) >= 4.5, (ink, "paper")
    for ink in ("ink", "muted", "problem", "warning", "info"):
        assert _contrast(colours[ink], colours["raised"]) >= 4.5, (ink, "raised")
    for ink in ("ink", "warning"):
        assert _contrast(colours[ink], colours["alert"]) >= 4.5, (ink, "alert")
    assert _contrast(colours["frame"], colours["paper"]) >= 3, "outlines"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_numbers_are_readable_on_every_shade(scheme: str) -> None:
    colours = SCHEMES[scheme]
    block = BLOCKS[list(SCHEMES).index(scheme)]
    strength = float(re.findall(r"--strength: ([\d.]+);", block)[0])
    for alpha in (0.09, 0.25, 0.45):
        assert f"--a: {alpha:g}".replace("0.", ".") in STYLE
        for hue, factor in (("blue", 1.0), ("orange", strength)):
            cell = _mixed(colours[hue], colours["paper"], alpha * factor)
            assert _contrast(colours["ink"], cell) >= 4.5, (hue, alpha)
