"""`gradwright graph`: known answers, files, and one kind message for whatever cannot be read."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path

import numpy as np
import pytest

from gradwright.cli.expression import FUNCTIONS, compute, graph_of, read_values
from gradwright.errors import ConfigError


def rows(text: str) -> dict[str, list[str]]:
    """The table's rows by their second column."""
    found = [re.split(r"  +", line) for line in text.splitlines()[1:] if line[:1].isdigit()]
    return {row[1]: row for row in found}


def test_a_sum_times_a_maximum(gradwright) -> None:
    done = gradwright("graph", "(x + y) * max(y, z)", "x=1", "y=2", "z=0")
    assert (done.returncode, done.stderr) == (0, "")
    table = rows(done.stdout)
    assert [table[name][3:5] for name in "xyz"] == [["1", "2"], ["2", "2 + 3 = 5"], ["0", "0"]]
    assert table["(x + y) * max(y, z)"][3:5] == ["6", "1"]


def test_logistic_regression_with_one_weight(here) -> None:
    done = here("graph", "-log(1 / (1 + exp(-(W * X))))", "W=3", "X=3")
    assert done.returncode == 0, done.stderr
    table = rows(done.stdout)
    assert table["W * X"][3] == "9"
    assert table["1 / (1 + exp(-(W * X)))"][3] == "0.99987661"
    assert table["W"][4] == "-0.00037018373"  # rounded; cut off, 0.00037018372
    gradient = graph_of("-log(1/(1+exp(-(W*X))))", ["W=3", "X=3"])["W"].upstream.item()
    assert int(abs(gradient) * 1e11) == 37018372


def test_files(here, tmp_path: Path) -> None:
    for ending in ("html", "svg", "dot", "txt", "png"):
        done = here("graph", "x * y", "x=2", "y=3", "--out", f"g.{ending}")
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert done.stderr == f"Graph: g.{ending}\n"
        assert (tmp_path / f"g.{ending}").stat().st_size > 100
    done = here("graph", "x", "x=2", "--out", "missing/g.svg")
    assert done.returncode == 2
    assert "missing/g.svg" in done.stderr


def test_lists_and_matrix_products(here) -> None:
    done = here("graph", "sum(relu(W @ x + b))", "W=[[1, 2], [3, -4]]", "x=[1, 2]", "b=0.5")
    table = rows(done.stdout)
    assert table["W @ x"][4:6] == ["[5, -5]", "[1, 0]"]
    assert table["W"][5] == "[[1, 2], [0, 0]]"
    done = here("graph", "x ** 2 + [1, 2]", "x=3")
    assert "The result has the shape (2,); the gradients are those of its sum." in done.stdout
    assert rows(done.stdout)["x"][5] == "12"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x + y", "x=1"], "no value for y; add y=1"),
        (["x + y"], "no value for x, y; add x=1 y=1"),
        (["x", "x=1", "y=2"], "y is given a value, but the expression does not use it"),
        (["1 + 2"], "no variable"),
        (["x +", "x=1"], "cannot be read"),
        (["", "x=1"], "cannot be read"),
        (["x; y", "x=1"], "cannot be read near"),
        (["foo(x)", "x=1"], "'foo' is not a function here"),
        (["x.real", "x=1"], "'x.real' is nothing that can be computed"),
        (["x[0]", "x=1"], "'x[0]' is nothing"),
        (["x if x else x", "x=1"], "is nothing that can be computed"),
        (["x < 1", "x=1"], "is nothing that can be computed"),
        (["x and x", "x=1"], "is nothing that can be computed"),
        (["x // 2", "x=1"], "is nothing that can be computed"),
        (["[y for y in x]", "x=1", "y=1"], "is nothing that can be computed"),
        (["x + [1, [2]]", "x=1"], "not equally long"),
        (["'a' * x", "x=1"], "is nothing that can be computed"),
        (["exp(x, x)", "x=1"], "exp takes 1 argument, got 'exp(x, x)'"),
        (["max()+x", "x=1"], "max takes 1 or more arguments"),
        (["exp", "exp=1"], "exp is a function here"),
        (["exp * x", "x=1"], "'exp' is nothing that can be computed"),
        (["__import__('os').system('true') + x", "x=1"], "is not a function here"),
        (["x", "x=y"], "x=y: expected a number or a list"),
        (["x", "x="], "the value of x cannot be read"),
        (["x", "x=[[1], [2, 3]]"], "not equally long"),
        (["x", "x=1", "x=2"], "x is given twice"),
        (["x", "2"], "expected a name and its value"),
        (["x @ y", "x=[1,2]", "y=[1,2,3]"], "cannot be computed: matmul"),
        (["x + y", "x=[1,2]", "y=[1,2,3]"], "'x + y' cannot be computed: add: shapes"),
        (["x @ 2", "x=[1,2]"], "takes lists, not single numbers"),
        (["x * 0 + " + "1 + " * 600 + "1", "x=1"], "characters"),
        (["-" * 300 + "x", "x=1"], "nested more than"),
        (["(" * 400 + "x" + ")" * 400, "x=1"], "cannot be read"),
        (["x\0", "x=1"], "cannot be read"),
        (["x", "x=1", "--out", "g.pdf"], "g.pdf ends in .pdf"),
    ],
)
def test_one_kind_message(here, arguments: list[str], words: str) -> None:
    done = here("graph", *arguments)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith(("gradwright: graph: ", "gradwright: saving a graph: "))
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text", ["9**9**9", "x + 9**9**9", "x ** 9 ** 9 ** 9 * 9**9**9", "x * 1e999", "x + " + "9" * 900]
)
def test_large_numbers_do_not_hang(text: str) -> None:
    start = time.perf_counter()
    try:
        graph_of(text, ["x=3"] if "x" in text else [])
    except ConfigError:
        assert "x" not in text
    assert time.perf_counter() - start < 5


#: What Python says to each function, for the gradients by finite differences.
ARGUMENTS = {"max": "x, 0.2", "min": "x, 0.2", "maximum": "x, 0.2", "minimum": "x, 0.2"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_its_derivative(name: str) -> None:
    start = "[0.7, 1.2]" if name in ("softmax", "sum", "mean") else "0.7"
    text = f"sum({name}({ARGUMENTS.get(name, 'x')}) * [1, 3])"
    x = np.array(ast.literal_eval(start), float)

    def value(at: np.ndarray) -> float:
        return float(compute(text, read_values([f"x={at.tolist()}"]))[0].item())

    slope = np.array(graph_of(text, [f"x={start}"])["x"].upstream.tolist())
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        assert slope[place] == pytest.approx((value(x + step) - value(x - step)) / 2e-6, rel=1e-6)
