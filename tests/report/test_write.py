"""The report is written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from gradwright.errors import RunError
from gradwright.report import example_files, write_report

Files = dict[str, str]


def test_written_into_the_run_folder(run_folder: Callable[[Files], Path]) -> None:
    folder = run_folder(example_files())
    before = {path.name for path in folder.iterdir()}
    path = write_report(folder)
    assert path == folder / "report.html"
    assert {p.name for p in folder.iterdir()} == before | {"report.html"}
    assert path.read_text(encoding="utf-8").endswith("</html>\n")


def test_as_readable_as_the_records(run_folder: Callable[[Files], Path]) -> None:
    folder = run_folder(example_files())
    (folder / "data.json").chmod(0o640)
    assert write_report(str(folder)).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_report(
    run_folder: Callable[[Files], Path], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    folder = run_folder(example_files())
    (folder / "report.html").write_text("the old one")
    before = {path.name for path in folder.iterdir()}

    def full(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", full) if call == "fsync" else (Path, "replace", full)))
    with pytest.raises(RunError, match=r"report.html cannot be written: No space left on device\. Make room"):
        write_report(folder)
    assert (folder / "report.html").read_text() == "the old one"
    assert {path.name for path in folder.iterdir()} == before


def test_a_broken_record_leaves_the_old_report(run_folder: Callable[[Files], Path]) -> None:
    folder = run_folder(example_files())
    (folder / "report.html").write_text("the old one")
    (folder / "result.json").write_text("{")
    with pytest.raises(RunError, match=r"result\.json is not JSON"):
        write_report(folder)
    assert (folder / "report.html").read_text() == "the old one"
