"""ONNX's node tests: every operator that PyTorch's functions can say agrees on every case.

The table of operators and the lists of exceptions are in `onnx_nodes.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw

from . import onnx_nodes
from .onnx_nodes import ONNX, OUTSIDE, Result

#: PyTorch's functions that ONNX has operators for and Gradwright does not promise.
BEYOND: set[str] = set()


def judge(result: Result, record_property) -> None:
    assert result.total, "no case at all"
    outside = {f"outside ({why})": count for why, count in result.outside.items()}
    counts = {
        "cases agreed": result.agreed,
        "wrong": len(result.wrong),
        "of functions not promised": result.not_there.total(),
    }
    record_property("count ONNX's cases", counts | outside)
    assert result.not_there.keys() <= BEYOND, "a function has gone"
    assert not result.wrong, f"{len(result.wrong)} wrong, first:\n" + "\n".join(result.wrong[:5])
    if not result.agreed:
        pytest.skip(f"needs {', '.join(result.not_there)}" if result.not_there else ", ".join(result.outside))


@pytest.mark.slow  # the first of these waits until ONNX has made all its cases
@pytest.mark.parametrize("op", sorted(ONNX))
def test_nodes_agree_with_onnx(op, record_property):
    judge(onnx_nodes.run_op(op), record_property)


def test_functions_of_several_nodes_agree_with_onnx(record_property):
    judge(onnx_nodes.run_op("several nodes"), record_property)


@pytest.mark.parametrize("kind", ["pytorch-operator", "pytorch-converted", "simple"])
def test_stored_models_agree_with_onnx(kind, record_property):
    """Small networks that PyTorch once exported, with its outputs."""
    judge(onnx_nodes.run_op("", kind), record_property)


def test_every_operator_is_in_the_table_or_outside_with_a_reason():
    known = ONNX.keys() | OUTSIDE.keys() | {"several nodes"}
    assert {case.op for case in onnx_nodes.cases()} - known == set()
    assert ONNX.keys() & OUTSIDE.keys() == set()


# --- the run itself, with planted faults ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x.exp() * 1.0001,
        lambda x: x.exp().double(),
        lambda x: x.exp().unsqueeze(0),
        lambda x: {}["nothing"],
    ],
    ids=["number", "dtype", "shape", "exception"],
)
def test_a_fault_is_found(monkeypatch, wrong):
    monkeypatch.setattr(gw, "exp", wrong)
    assert onnx_nodes.run_op("Exp").wrong


def test_a_function_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(onnx_nodes, "find", lambda name: None)
    assert onnx_nodes.run_op("Exp").not_there == {"exp": 2}


def test_nan_is_compared():
    with pytest.raises(AssertionError):
        onnx_nodes.compare([gw.tensor(np.array([np.nan]))], [np.array([1.0])], 1e-5)
