"""The command line as users run it: in a process of its own, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gradwright as gw
from gradwright.cli.main import main

Run = Callable[..., subprocess.CompletedProcess[str]]


def _gradwright(*arguments: str | Path, cwd: Path, **kwargs: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", "from gradwright.cli.main import main; main()", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "200", "PYTHONWARNINGS": "error::RuntimeWarning"},
        **kwargs,
    )


@pytest.fixture
def gradwright(tmp_path: Path) -> Run:
    def run(*arguments: str | Path, cwd: Path = tmp_path, **kwargs: object) -> subprocess.CompletedProcess[str]:
        return _gradwright(*arguments, cwd=cwd, **kwargs)

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The same within this process, which is quicker: for commands that fail early."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["gradwright", *map(str, arguments)])
        with gw.use_generator(gw.Generator(0)), pytest.raises(SystemExit) as ended:
            main()
        captured = capfd.readouterr()
        return subprocess.CompletedProcess(sys.argv, int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of flowers and a run on it."""
    folder = tmp_path_factory.mktemp("home")
    lines = ["length,width,colour,species"]
    for i in range(90):
        kind = i % 3
        colour = ("red", "white", "red")[(i // 3) % 3]
        lines.append(f"{1 + kind + (i * 7 % 10) / 20:.2f},{4 - kind + (i * 3 % 10) / 20:.2f},{colour},{'abc'[kind]}")
    (folder / "flowers.csv").write_text("\n".join(lines) + "\n")
    done = _gradwright("train", "flowers.csv", "--eager", "--epochs", "30", "--lr", "0.02", "--out", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "stdout").write_text(done.stdout)
    (folder / "stderr").write_text(done.stderr)
    return folder
