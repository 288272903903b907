"""Packing and padding against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.errors import CompileError, ConfigError, ShapeError
from gradwright.nn import packed

theirs = torch.nn.utils.rnn
R = np.random.default_rng(0)
X = R.normal(size=(5, 4, 2))
LENGTHS = [[3, 5, 1, 3], [5, 3, 3, 1], [2, 2, 2, 2], [1, 4, 4, 1]]


def same(found, expected):
    assert len(found) == len(expected)
    for a, e in zip(found, expected, strict=True):
        assert (a is None) == (e is None)
        if e is not None:
            assert a.numpy().dtype == e.numpy().dtype
            np.testing.assert_array_equal(a.numpy(), e.numpy())


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
def test_packing_and_unpacking_are_pytorchs(lengths, batch_first):
    enforce = lengths == sorted(lengths, reverse=True)
    x = X.swapaxes(0, 1) if batch_first else X
    ours = packed.pack_padded_sequence(gw.tensor(x), gw.tensor(lengths), batch_first, enforce)
    expected = theirs.pack_padded_sequence(torch.tensor(x), torch.tensor(lengths), batch_first, enforce)
    if len(set(lengths)) > 2 or enforce:
        same(ours, expected)
    else:  # which of two equally long ones comes first is nobody's promise
        same(ours[1:2], expected[1:2])
    for options in ({}, {"batch_first": True, "padding_value": -1.0, "total_length": 7}):
        same(packed.pad_packed_sequence(ours, **options), theirs.pad_packed_sequence(expected, **options))
    same(packed.unpack_sequence(ours), theirs.unpack_sequence(expected))


def test_one_order_is_enough():
    ours = packed.pack_padded_sequence(gw.tensor(X), [1, 5, 3, 2], enforce_sorted=False)
    half = ours._replace(unsorted_indices=None)
    same(packed.pad_packed_sequence(half), packed.pad_packed_sequence(ours))
    same([packed.invert_permutation(ours.sorted_indices)], [ours.unsorted_indices])
    assert ours.float().data.dtype == np.float32
    assert ours.float().double().data.dtype == np.float64


def test_gradients_go_to_what_is_no_padding():
    x = gw.tensor(X, requires_grad=True)
    back, lengths = packed.pad_packed_sequence(packed.pack_padded_sequence(x, [3, 5, 1, 3], enforce_sorted=False))
    (back * 2).sum().backward()
    inside = np.arange(5)[:, None] < lengths.numpy()
    np.testing.assert_array_equal(x.grad.numpy(), np.where(inside[..., None], 2.0, np.zeros_like(X)))


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_padding_is_pytorchs(side, batch_first):
    sequences = [R.normal(size=(n, 2)) for n in (2, 4, 1)]
    given = (batch_first, 0.5, side)
    ours = packed.pad_sequence([gw.tensor(s) for s in sequences], *given)
    expected = theirs.pad_sequence([torch.tensor(s) for s in sequences], *given)
    same([ours], [expected])
    if side == "right":
        cut = packed.unpad_sequence(ours, gw.tensor([2, 4, 1]), batch_first)
        same(cut, theirs.unpad_sequence(expected, torch.tensor([2, 4, 1]), batch_first))
        same(
            packed.pack_sequence(cut, enforce_sorted=False),
            theirs.pack_sequence([torch.tensor(s) for s in sequences], enforce_sorted=False),
        )


def test_packing_in_a_compiled_step_with_lengths_that_are_known():
    def run(x):
        return packed.pad_packed_sequence(packed.pack_padded_sequence(x, [3, 5, 1, 3], enforce_sorted=False))[0]

    np.testing.assert_array_equal(gw.compile(run)(gw.tensor(X)).numpy(), run(gw.tensor(X)).numpy())
    with pytest.raises(CompileError, match="values"):
        gw.compile(lambda x, n: packed.pack_padded_sequence(x, n).data)(gw.tensor(X), gw.tensor([5, 3, 2, 1]))


def test_what_does_not_fit_is_refused_in_words():
    x = gw.tensor(X)
    with pytest.raises(ConfigError, match=r"enforce_sorted=False"):
        packed.pack_padded_sequence(x, [3, 5, 1, 3])
    with pytest.raises(ShapeError, match="from 1 to 5"):
        packed.pack_padded_sequence(x, [6, 5, 1, 1])
    with pytest.raises(ShapeError, match="from 1 to 5"):
        packed.pack_padded_sequence(x, [5, 5, 1, 0])
    with pytest.raises(ShapeError, match="4 whole numbers"):
        packed.pack_padded_sequence(x, [5, 5, 1])
    with pytest.raises(ShapeError, match="total_length is 2"):
        packed.pad_packed_sequence(packed.pack_padded_sequence(x, [5, 5, 1, 1]), total_length=2)
    with pytest.raises(ConfigError, match="expected a PackedSequence"):
        packed.pad_packed_sequence(x)
    with pytest.raises(ShapeError, match=r"sequence 1 has shape \(2, 3\)"):
        packed.pad_sequence([gw.zeros(1, 2), gw.zeros(2, 3)])
    with pytest.raises(ShapeError, match="no sequences"):
        packed.pad_sequence([])
    with pytest.raises(ConfigError, match="padding_side"):
        packed.pad_sequence([x], padding_side="top")
    with pytest.raises(ShapeError, match="2 lengths for 4"):
        packed.unpad_sequence(x, [1, 2])
