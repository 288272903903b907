"""The page in a real browser: no error, no breach of its policy, something to see, and it fits a phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gradwright.report import example_files, write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

Files = dict[str, str]
HOSTILE = "</script><img src=x onerror=alert(1)>\u202e"


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., str]:
    """Start the browser on a file and return what it prints."""

    def start(page: Path, *options: str) -> str:
        done = subprocess.run(
            [
                str(CHROMIUM),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                f"--user-data-dir={tmp_path / 'profile'}",
                *options,
                page.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    return start


@pytest.fixture
def hostile(run_folder: Callable[[Files], Path]) -> Path:
    """The report of a run full of hostile and of unbroken names."""
    names = [f"{HOSTILE} {'x' * 200} {i}" for i in range(12)]
    files = example_files(classes=names, compare=True)
    data = json.loads(files["data.json"])
    data["source"] = HOSTILE + "y" * 200
    data["columns"][0]["name"] = "z" * 300
    files["data.json"] = json.dumps(data)
    files["findings.json"] = json.dumps([{"severity": "problem", "title": HOSTILE, "detail": "w" * 300}])
    files["config.given.toml"] = 'source = "' + "v" * 300 + '"\n'
    return write_report(run_folder(files))


def test_it_runs_without_an_error_or_a_breach(browse: Callable[..., str], hostile: Path) -> None:
    root = re.search(r"<html[^>]*>", browse(hostile, "--dump-dom"))
    assert root is not None
    # The script says so itself when it is done, and counts errors and breaches of the policy.
    assert 'data-ready="yes"' in root[0]
    assert "data-errors" not in root[0]


def test_errors_would_be_seen(browse: Callable[..., str], hostile: Path) -> None:
    # The same page with a style that its policy does not allow: the count that the test above relies on
    # counts.
    spoiled = hostile.with_name("spoiled.html")
    spoiled.write_text(hostile.read_text(encoding="utf-8").replace("<h1>", '<h1 style="color:red">'), encoding="utf-8")
    root = re.search(r"<html[^>]*>", browse(spoiled, "--dump-dom"))
    assert root is not None
    assert 'data-errors="1"' in root[0]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_there_is_something_to_see(browse: Callable[..., str], hostile: Path, dark: bool) -> None:
    picture = hostile.with_name("picture.png")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    browse(hostile, f"--screenshot={picture}", "--window-size=1280,1200", scheme)
    # Matplotlib reads PNG without a further dependency of the tests.
    pixels = pytest.importorskip("matplotlib.image").imread(picture)[..., :3]
    assert pixels.shape[:2] == (1200, 1280)
    paper = np.median(pixels)
    assert paper < 0.2 if dark else paper > 0.9
    assert np.mean(np.abs(pixels - paper) > 0.3) > 0.01


def _framed(page: Path, width: int, script: str) -> Path:
    """A page that shows another one in a frame of exactly this width, which a headless window cannot be."""
    harness = page.with_name("harness.html")
    inside = html.escape(page.read_text(encoding="utf-8"), quote=True)
    harness.write_text(
        '<!DOCTYPE html><meta charset="utf-8">'
        f'<iframe style="width:{width}px;height:800px;border:0" srcdoc="{inside}"></iframe>'
        "<script>onload = () => {"
        "const inside = document.querySelector('iframe').contentDocument;"
        f"document.body.dataset.said = (() => {{{script}}})();"
        "}</script>",
        encoding="utf-8",
    )
    return harness


def _said(dom: str) -> str:
    found = re.search(r'data-said="([^"]*)"', dom)
    assert found is not None
    return html.unescape(found[1])


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_no_page_scrolls_sideways(browse: Callable[..., str], hostile: Path, width: int) -> None:
    measure = (
        "inside.querySelectorAll('details').forEach((part) => { part.open = true; });"
        "const root = inside.documentElement; return root.clientWidth + ' ' + root.scrollWidth;"
    )
    assert _said(browse(_framed(hostile, width, measure), "--dump-dom")) == f"{width} {width}"


def test_charts_answer_to_keys_and_pointer(browse: Callable[..., str], hostile: Path) -> None:
    ask = (
        "const chart = inside.querySelector('[data-chart=metric]'), tip = inside.getElementById('tip');"
        "const { KeyboardEvent, PointerEvent } = inside.defaultView;"
        "const press = (key) => chart.dispatchEvent(new KeyboardEvent('keydown', { key }));"
        "const said = []; const note = () => said.push(tip.hidden ? 'hidden' : tip.innerText);"
        "note(); press('Home'); note(); press('ArrowRight'); note(); press('Escape'); note();"
        "const box = chart.getBoundingClientRect();"
        "chart.dispatchEvent(new PointerEvent('pointermove', "
        "{ clientX: box.right, clientY: box.top })); note();"
        "return said.join(' | ').replaceAll('\\n', ', ');"
    )
    before, first, second, after, last = _said(browse(_framed(hostile, 1280, ask), "--dump-dom")).split(" | ")
    assert before == after == "hidden"
    assert re.fullmatch(r"epoch 1, training \d+\.\d%, validation \d+\.\d%", first)
    assert second.startswith("epoch 2,")
    assert last.startswith("epoch 24,")
