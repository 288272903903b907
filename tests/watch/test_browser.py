"""The live page in a real browser: it asks, draws, breaks no rule, and what came from data is text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradwright.watch import WatchServer

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def server(run_folder: Callable[..., Path]) -> Iterator[WatchServer]:
    folder = run_folder(epochs=4)
    norms = {kind: {HOSTILE: 1.5, "0.weight": 2.5} for kind in ("gradient", "weight", "update")}
    with (folder / "metrics.jsonl").open("a") as file:
        row = {"epoch": 5, "train_loss": 0.1, f"validation_{HOSTILE}": 0.25, "learning_rate": None, "norms": norms}
        file.write(json.dumps(row) + "\n" + '{"epoch": 6, "tr')
    with (folder / "steps.jsonl").open("a") as file:
        file.write('{"step": 41, "epoch": 5, "loss": NaN, "learning_rate": 0.1}\n{"step": 42, "lo')
    with WatchServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_it_draws_and_breaks_no_rule(server: WatchServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=4000", "--dump-dom", server.url,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    page = done.stdout
    root = re.search(r"<html[^>]*>", page)
    assert root is not None
    # The script says so itself when it has drawn an answer, and counts errors and breaches of the policy.
    assert 'data-ready="yes"' in root[0]
    assert "data-errors" not in root[0]
    body = page.partition("</head>")[2]
    assert "<img" not in body
    for place in ("h2", "th"):  # a metric's title and a parameter's name
        assert re.search(rf"<{place}[^>]*>&lt;/script&gt;&lt;img src=x onerror=alert\(1\)&gt;</{place}>", body)
    assert "5 of 10" in body
    assert body.count("<figure") == 3  # loss, the hostile metric, learning rate
    assert len(re.findall(r'<path class="line [^"]*" d="M', body)) == 5  # three losses, the metric, the rate
    assert "at most 10 s" in body  # 5 epochs of 2 s
    assert body.count("<tr>") == 3  # the head and two parameters
