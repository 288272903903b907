"""The README's examples run, and its commands exist."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from gradwright.engine.op import OPERATIONS

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_page_on_extending_runs():
    page = README.with_name("docs") / "EXTENDING.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 4
    before = dict(OPERATIONS)
    try:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile("\n".join(blocks), page.name, "exec"), {"__name__": "extending"})
    finally:
        OPERATIONS.clear()
        OPERATIONS.update(before)
    assert printed.getvalue().startswith("tensor([")


@pytest.mark.parametrize("code", BLOCKS, ids=[f"example {i}" for i in range(1, len(BLOCKS) + 1)])
def test_example_runs(code):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert printed.getvalue().strip()


def test_ten_lines_reach_what_they_promise():
    code = next(b for b in BLOCKS if "data.read" in b)
    assert len([line for line in code.splitlines() if line.strip() and "import" not in line]) == 10
    namespace = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), namespace)
    assert float(re.search(r"test accuracy ([\d.]+)%", printed.getvalue())[1]) > 94


def test_options_in_the_readme_exist():
    from typer.main import get_command

    from gradwright.cli.main import app

    commands = get_command(app).commands
    lines = re.findall(r"^gradwright ([\w-]+)(.*)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, _ in lines} == set(commands)
    for name, rest in lines:
        known = {o for p in commands[name].params for o in p.opts}
        assert set(re.findall(r"--[a-z-]+", rest.split("#")[0])) <= known


def test_make_targets_in_the_readme_exist():
    makefile = README.with_name("Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\w+)", README.read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
