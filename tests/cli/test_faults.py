"""Faults 1 and 11 at the command line: one message that names file, line and column; nothing left; nothing obeyed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

GOOD = [f"{i},{i * 7 % 11},{'yes' if i % 2 else 'no'}" for i in range(60)]
HEADER = "a,b,target"
ESCAPE = "\x1b[31mred\x1b]0;owned\x07"


def rows(**changes: str) -> list[str]:
    """The good rows with some replaced; ``line5=...`` is line 5 of the file."""
    out = [HEADER, *GOOD]
    for key, line in changes.items():
        out[int(key.removeprefix("line")) - 1] = line
    return out


FAULTS: dict[str, tuple[str | bytes | list[str], list[str], list[str]]] = {
    "ragged: short": (rows(line7="1,2"), [], ["line 7"]),
    "ragged: long": (rows(line7="1,2,yes,4"), [], ["line 7"]),
    "text in a numeric column": (rows(line9="7,many,yes"), [], ["line 9", "'b'", "'many'"]),
    "infinity": (rows(line9="7,inf,yes"), [], ["line 9", "'b'"]),
    "empty": ("", [], ["empty"]),
    "blank": ("\n\n  \n", [], ["empty"]),
    "header only": (HEADER + "\n", [], ["header"]),
    "one class only": ([HEADER, *[f"{i},{i * 7 % 11},yes" for i in range(60)]], [], ["'yes'", "'target'"]),
    "missing target": (rows(), ["--target", "targte"], ["'targte'", "did you mean 'target'"]),
    "one column": (["target", *(str(i) for i in range(60))], [], ["only column"]),
    "NUL byte": ("\n".join(rows(line4="1,\0,yes")).encode(), [], ["NUL"]),
    "wrong encoding": ("\n".join(rows(line4="1,2,jä")).encode("latin-1"), [], ["line 4", "UTF-8"]),
    "UTF-16": ("\n".join(rows()).encode("utf-16"), [], ["UTF-16"]),
    "duplicate names": (["a,a,target", *GOOD], [], ["'a'"]),
    "unclosed quote": (rows(line9='"7,2,yes'), [], ["line"]),
    "too few rows": ([HEADER, *GOOD[:3]], [], ["row"]),
    "text for regression": (rows(), ["--task", "regression"], ["'target'", "text"]),
    "escapes in a cell": (rows(line9=f"7,{ESCAPE},yes"), [], ["line 9", "'b'"]),
    "escapes in a name": (
        [f"a,{ESCAPE},target", *GOOD[:6], "1,many,yes", *GOOD[6:]],
        [],
        ["line 8"],
    ),
    "escapes in an option": (rows(), ["--target", ESCAPE], ["no column"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_table(here, tmp_path: Path, fault: str) -> None:
    content, options, words = FAULTS[fault]
    text = "\n".join(content) + "\n" if isinstance(content, list) else content
    (tmp_path / "data.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = here("train", "data.csv", "--eager", "--epochs", "1", *options)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("gradwright: ")]
    assert len(lines) == 1, done.stderr
    for word in ["data.csv", *words]:
        assert word in lines[0], lines[0]
    assert "Traceback" not in done.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stderr + done.stdout)
    assert sorted(p.name for p in tmp_path.rglob("*")) in (["data.csv"], ["data.csv", "runs"])


def test_escapes_in_the_data_of_a_good_run_reach_neither_terminal_nor_page(gradwright, tmp_path: Path) -> None:
    lines = [f"a,{ESCAPE},<script>alert(1)</script>"]
    lines += [f"{i},{('x', ESCAPE)[i % 2]},{('<b>no', ESCAPE)[(i // 2) % 2]}" for i in range(60)]
    name = "da\x1b[31mta.csv"
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    done = gradwright("train", name, "--eager", "--epochs", "1", "--out", "r\x1b[31mn")
    assert done.returncode == 0, done.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stderr + done.stdout)
    run = tmp_path / "r\x1b[31mn"
    page = (run / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert "<b>no" not in page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", page)
    done = gradwright("predict", run, name)
    assert done.returncode == 0
    assert "\x1b" not in done.stderr
    done = gradwright("train", name, "--eager", "--epochs", "1", "--json", "--out", "json")
    assert "\x1b" not in done.stdout
    assert json.loads(done.stdout)["task"] == "binary"


def test_a_folder_that_cannot_be_written(here, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    done = here("train", "iris", "--eager", "--epochs", "1")
    assert done.returncode == 2
    assert "cannot make a run folder in runs" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "runs").read_text() == "a file where the folder should be"


def test_a_table_fault_in_a_process_of_its_own(gradwright, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("\n".join(rows(line9="7,many,yes")))
    done = gradwright("train", "data.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gradwright: 'data.csv', line 9")
    assert done.stderr.count("\n") == 1


def test_a_full_disk_is_a_message_and_nothing_stays(here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradwright.data import Split

    def full(self: Split, path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Split, "to_npz", full)
    done = here("train", "iris", "--eager", "--epochs", "1", "--out", "run")
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "split.npz" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
