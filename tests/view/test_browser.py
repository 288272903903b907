"""The page in a real browser: it steps, by address and by key, without an error, and fits a phone."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gradwright.view.graph import Graph

from .conftest import HOSTILE, hostile_graph

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --dump-dom"
)
Ask = Callable[..., str]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Open a page in a frame of some width, run a script beside it, and return what it says."""

    def start(source: str, script: str, width: int = 1200) -> str:
        harness = tmp_path / "harness.html"
        inside = html.escape(source, quote=True)
        harness.write_text(
            '<!DOCTYPE html><meta charset="utf-8">'
            f'<iframe style="width:{width}px;height:800px;border:0" srcdoc="{inside}"></iframe>'
            "<script>onload = () => {"
            "const page = document.querySelector('iframe').contentDocument, root = page.documentElement;"
            "const press = (key) => page.dispatchEvent(new page.defaultView.KeyboardEvent('keydown', { key }));"
            "const told = () => page.getElementById('sentence').textContent;"
            f"document.body.dataset.said = (() => {{{script}}})();"
            "}</script>",
            encoding="utf-8",
        )
        done = subprocess.run(
            [str(CHROMIUM), *OPTIONS.split(), f"--user-data-dir={tmp_path / 'profile'}", harness.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        found = re.search(r'data-said="([^"]*)"', done.stdout)
        assert found is not None
        return html.unescape(found[1])

    return start


def test_it_steps_forward_and_backward(ask: Ask, maximum: Graph) -> None:
    said = ask(
        maximum.html(),
        "const said = []; for (let i = 0; i < 4; i++) { press('ArrowRight'); said.push(told()); }"
        "press('ArrowLeft'); said.push(told()); press('End'); said.push(told());"
        "press('Home'); page.getElementById('next').click(); said.push(told());"
        "said.push(root.dataset.ready, root.dataset.errors || 'none'); return said.join(' | ');",
    )
    assert said.split(" | ") == [
        "Given: x = 1, y = 2 and z = 0.",
        "x + y = 1 + 2 = 3.",
        "max(y, z) = max(2, 0) = 2.",
        "(x + y) × max(y, z) = 3 × 2 = 6.",
        "max(y, z) = max(2, 0) = 2.",
        "The gradients: ∂f/∂x = 2, ∂f/∂y = 5, ∂f/∂z = 0.",
        "Given: x = 1, y = 2 and z = 0.",
        "yes",
        "none",
    ]


def test_only_what_has_been_computed_is_seen(ask: Ask, maximum: Graph) -> None:
    script = (
        "const visible = (e) => page.defaultView.getComputedStyle(e).visibility === 'visible';"
        "const texts = [...page.querySelectorAll('[data-node=\"1\"] text')];"
        "const seen = () => texts.filter(visible).map((e) => e.textContent).join(' ');"
        "const said = [seen()]; for (let i = 1; i < 11; i++) { press('ArrowRight'); said.push(seen()); }"
        "return said.join(' | ');"
    )
    said = ask(maximum.html(), script).split(" | ")
    assert said == ["y", *["y 2"] * 6, "y 2 ∂ 3 + …", "y 2 ∂ 3 + 2", *["y 2 ∂ 2 + 3 = 5"] * 2]


def test_it_unfolds(ask: Ask, deep: Graph) -> None:
    script = (
        "const button = page.getElementById('unfold'), shown = () => [...page.querySelectorAll('.scroll')]"
        ".filter((e) => !e.hidden).map((e) => e.id + ' ' + e.querySelectorAll('.gw-node').length).join();"
        "const said = [shown()]; button.click(); said.push(shown()); press('End'); said.push(told());"
        "button.click(); said.push(shown()); return said.join(' | ') + ' | ' + (root.dataset.errors || 'none');"
    )
    folded, full, end, again, errors = ask(deep.html(), script).split(" | ")
    assert folded == again
    assert full == f"view-full {len(deep.nodes)}"
    assert "has reached 102 parameters" in end
    assert errors == "none"


@pytest.mark.parametrize("width", [320, 390, 820, 1200])
def test_no_page_scrolls_sideways(ask: Ask, width: int) -> None:
    source = hostile_graph(HOSTILE["long"]).html(title=HOSTILE["script"] + "y" * 300)
    measure = "press('End'); return root.clientWidth + ' ' + root.scrollWidth + ' ' + (root.dataset.errors || 'none');"
    assert ask(source, measure, width) == f"{width} {width} none"
