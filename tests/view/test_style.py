"""Every text colour of a picture stands out from what it stands on, by day and by night."""

from __future__ import annotations

import re

import pytest

from gradwright.view.picture import template_text

BLOCKS = re.findall(r"\.gw-graph \{([^}]+)\}", template_text("graph.css"))


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("block", BLOCKS, ids=["light", "dark"])
def test_text_is_readable(block: str) -> None:
    colours = dict(re.findall(r"--gw-([a-z]+): (#[0-9a-f]{6})", block))
    for paper in ("paper", "raised"):
        for ink in ("ink", "muted", "ahead", "back", "frame"):
            high, low = sorted((_luminance(colours[ink]), _luminance(colours[paper])), reverse=True)
            contrast = (high + 0.05) / (low + 0.05)
            assert contrast >= (3 if ink == "frame" else 4.5), (ink, paper)
