"""The page of a study in a real browser: no error, it fits a phone, marks light up together, axes can be brushed."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.report.study_samples import KINDS, tune_files, write_files

from gradwright.report.study import write_study_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars"
)


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., str]:
    """Show pages in frames of these widths and return what a script says inside each."""

    def start(frames: list[tuple[Path, int]], script: str) -> list[str]:
        harness = tmp_path / "harness.html"
        shown = "".join(
            f'<iframe style="width:{width}px;height:900px;border:0" '
            f'srcdoc="{html.escape(page.read_text(encoding="utf-8"), quote=True)}"></iframe>'
            for page, width in frames
        )
        harness.write_text(
            f'<!DOCTYPE html><meta charset="utf-8">{shown}<script>onload = () => {{'
            "document.body.dataset.said = JSON.stringify([...document.querySelectorAll('iframe')].map((frame) => {"
            f"const inside = frame.contentDocument, view = frame.contentWindow; {script} }}));"
            "}</script>",
            encoding="utf-8",
        )
        done = subprocess.run(
            [
                str(CHROMIUM),
                *OPTIONS.split(),
                f"--user-data-dir={tmp_path / 'profile'}",
                "--dump-dom",
                harness.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        found = re.search(r'data-said="([^"]*)"', done.stdout)
        assert found is not None
        said: list[str] = json.loads(html.unescape(found[1]))
        return said

    return start


def test_pages_run_without_an_error_and_fit(ask: Callable[..., list[str]], tmp_path: Path) -> None:
    hostile = "</script><img src=x onerror=alert(1)>" + "w" * 200
    files = {kind: make(names=hostile) for kind, make in KINDS.items() if kind != "tune"}
    files["tune"] = tune_files(8, 5, names=hostile)
    pages = [write_study_report(write_files(tmp_path / kind, made)) for kind, made in files.items()]
    frames = [(page, width) for page in pages for width in (320, 1280)]
    said = ask(
        frames,
        "const root = inside.documentElement;"
        "return [root.dataset.ready, root.dataset.errors || 'none', root.scrollWidth - root.clientWidth].join(' ');",
    )
    assert said == ["yes none 0"] * len(frames)


def test_marks_of_a_trial_light_up_together_and_axes_are_brushed(ask: Callable[..., list[str]], tmp_path: Path) -> None:
    files = tune_files(24, 3)
    page = write_study_report(write_files(tmp_path / "study", files))
    trials = {t["number"]: t for t in map(json.loads, files["trials.jsonl"].splitlines())}
    best = json.loads(files["result.json"])["best"]
    script = """
      const says = [], { PointerEvent, KeyboardEvent } = view;
      const tip = inside.getElementById('tip'), row = inside.querySelector('tr[data-trial]');
      const lit = () => [...inside.querySelectorAll('.over > *')].map((mark) => mark.dataset.trial);
      const visible = () => [...inside.querySelectorAll('svg.parallel:not(.turned) > g > path:not(.faded)')]
        .map((mark) => Number(mark.dataset.trial)).sort((a, b) => a - b);
      row.dispatchEvent(new PointerEvent('pointerenter'));
      says.push(row.dataset.trial, new Set(lit()).size, lit().length);
      row.dispatchEvent(new PointerEvent('pointerleave'));
      says.push(lit().length);
      // Pointing at the end of the best line tells of it.
      const svg = inside.querySelector('svg.parallel'), box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      const ends = svg.querySelector('.winner').getAttribute('d').split('L').pop().split(' ').map(Number);
      const at = (x, y) =>
        ({ clientX: box.left + x * scale, clientY: box.top + y * scale, pointerId: 1, bubbles: true });
      svg.dispatchEvent(new PointerEvent('pointermove', at(ends[0] - 1, ends[1])));
      says.push(tip.hidden, tip.innerText.split('\\n').slice(0, 2).join(', '), new Set(lit()).size);
      svg.dispatchEvent(new PointerEvent('pointerleave'));
      says.push(tip.hidden, lit().length);
      // The upper half of the first axis.
      const room = svg.querySelector('.brush-room');
      room.setPointerCapture = () => {};
      const line = svg.querySelector('.axis-line'), x = Number(line.getAttribute('x1'));
      const top = Number(line.getAttribute('y1')), bottom = Number(line.getAttribute('y2'));
      room.dispatchEvent(new PointerEvent('pointerdown', at(x, top - 2)));
      room.dispatchEvent(new PointerEvent('pointermove', at(x, (top + bottom) / 2)));
      room.dispatchEvent(new PointerEvent('pointerup', at(x, (top + bottom) / 2)));
      says.push(visible().join(' '), inside.getElementById('brushed').textContent);
      inside.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
      says.push(visible().length, inside.documentElement.dataset.errors || 'none');
      return says;
    """
    first, few, many, dark, hidden, told, one, gone, none, brushed, count, back, errors = ask([(page, 1280)], script)[0]
    assert (first, few, dark) == (str(best), 1, 0)
    assert many >= 8  # parallel, slices, curves and history, on the wide and on the narrow page
    score = f"{trials[best]['score'] * 100:.2f}%"
    assert (hidden, told, one) == (False, f"trial {best}, accuracy {score}", 1)
    assert (gone, none) == (True, 0)
    # The space of the learning rate goes from 1e-5 to 1e-1: its upper half, on a logarithmic axis, begins at 1e-3.
    upper = [n for n, t in trials.items() if t["parameters"]["lr"] >= 1e-3]
    assert 0 < len(upper) < 24
    assert brushed == " ".join(map(str, upper))
    assert count == f"{len(upper)} of 24 trials are shown"
    assert (back, errors) == (24, "none")
