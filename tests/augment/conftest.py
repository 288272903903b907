"""Every test draws from the beginning of the same stream, whatever ran before it."""

from __future__ import annotations

import pytest

import gradwright as gw


@pytest.fixture(autouse=True)
def _seeded() -> None:
    gw.manual_seed(20240)
