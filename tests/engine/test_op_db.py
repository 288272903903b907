"""PyTorch's operator database: every operation that both libraries have agrees on every sample.

The harness and its lists of exceptions are in `op_db.py` and `op_db_lists.py`. As a script this file prints the
harness's tables: ``PYTHONPATH=src python tests/engine/test_op_db.py --help``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import gradwright as gw

if __name__ == "__main__":  # a script has no package to import from
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.engine.op_db import main

    sys.exit(main())

from . import op_db

each_entry = pytest.mark.parametrize("key", op_db.present())


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """PyTorch's threads cost more than they bring where tensors are this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@each_entry
def test_agrees_with_pytorch(key, record_property):
    out = op_db.run(key, refused=False)
    left_out = {f"left out ({reason})": count for reason, count in out.skipped.items()}
    counts = {
        "entries": 1,
        "samples forward": out.samples,
        "with gradients": out.gradients,
        "in other dtypes": out.others,
        "by other entrances": out.entrances,
        "disagreements": len(out.failures),
        "left out by the cap": out.capped,
    }
    record_property("count PyTorch's operator database", counts | left_out)
    assert not out.failures, f"{len(out.failures)} disagreements, first:\n" + "\n".join(out.failures[:5])


@each_entry
def test_what_pytorch_refuses_is_refused(key, record_property):
    """Softer: what is accepted is counted and shown (``-rx``), and does not fail the run."""
    out = op_db.refusals(key)
    accepted = out.wrong["accepted"]
    record_property("count PyTorch's refusals", {"looked at": out.refused, "not refused here": len(accepted)})
    if accepted:
        pytest.xfail(f"{len(accepted)} of {out.refused}, first: {accepted[0]}")


def test_every_wanted_name_is_an_entry():
    """A name written wrong in the list would never be found missing, nor found."""
    known = {name for op in op_db.entries().values() for name in (op.name, *(alias.name for alias in op.aliases))}
    # PyTorch's database has the function of the tensor, not its twin in nn.functional
    assert {name for names in op_db.WANTED.values() for name in names} - known == set()


def test_every_wanted_name_is_there():
    assert op_db.missing() == {}


def test_missing_names_what_is_not_there():
    absent = {name for names in op_db.missing().values() for name in names}
    assert "exp" not in absent
    assert all(op_db.find(name) is None for name in absent)


# --- the harness itself, with planted faults --------------------------------------------------------------------------
def planted(monkeypatch, wrong) -> op_db.Outcome:
    monkeypatch.setattr(gw, "exp", wrong)
    return op_db.run("exp", refused=False)


def test_a_wrong_number_is_found(monkeypatch):
    assert planted(monkeypatch, lambda x: x.exp() + 1e-9).wrong["forward"]


def test_a_wrong_gradient_is_found(monkeypatch):
    out = planted(monkeypatch, lambda x: x.detach().exp() + (x - x.detach()) * 3)
    assert not out.wrong["forward"]
    assert out.wrong["gradient"]


def test_a_lost_gradient_is_found(monkeypatch):
    assert planted(monkeypatch, lambda x: x.detach().exp()).wrong["gradient"]


def test_a_wrong_dtype_is_found(monkeypatch):
    assert planted(monkeypatch, lambda x: x.exp().double()).wrong["dtype"]


def test_a_wrong_shape_is_found(monkeypatch):
    assert planted(monkeypatch, lambda x: x.exp().unsqueeze(0)).wrong["forward"]


def test_an_exception_is_a_disagreement(monkeypatch):
    out = planted(monkeypatch, lambda x: {}["nothing"])
    assert "KeyError" in out.failures[0]


def test_a_written_argument_is_found(monkeypatch):
    def wrong(x):
        y = x.exp()
        if not x.requires_grad:
            x.zero_()
        return y

    assert planted(monkeypatch, wrong).wrong["dtype"]


def test_a_wrong_method_is_found(monkeypatch):
    right = gw.Tensor.exp
    monkeypatch.setattr(gw, "exp", lambda x: right(x))
    monkeypatch.setattr(gw.Tensor, "exp", gw.Tensor.log)
    assert op_db.run("exp", refused=False).wrong["entrance"]
