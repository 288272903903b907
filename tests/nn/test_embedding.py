"""Embedding and EmbeddingBag, as layers and as functions, with PyTorch as the oracle."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError
from gradwright.nn import functional as F
from gradwright.nn.structure import LAYERS

from .conformance import LayerConformance, close

TABLE = np.random.default_rng(0).normal(size=(7, 3)).round(1)
TABLE[5] = TABLE[2]  # equal rows: ties of maxima
NUMBERS = np.array([1, 2, 5, 3, 3, 0, 6, 4])


class NumbersConformance(LayerConformance):
    """The suite for layers that take row numbers, which have no gradient."""

    def data(self, layer: nn.Module, shape: tuple[int, ...], dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(2)
        x = rng.integers(0, layer.num_embeddings, shape)
        return x, rng.normal(size=layer(gw.tensor(x)).shape).astype(dtype)

    def run(self, layer: nn.Module, x: np.ndarray, g: np.ndarray, *, compiled: bool) -> list[Any]:
        def both_ways(x: gw.Tensor, g: gw.Tensor) -> gw.Tensor:
            y = layer(x)
            y.backward(g)
            return y

        layer.zero_grad()
        y = (gw.compile(both_ways, state=[layer]) if compiled else both_ways)(gw.tensor(x), gw.tensor(g))
        return [y, *(p.grad for p in layer.parameters())]

    def test_outputs_and_gradients_are_pytorchs(self) -> None:
        for shape in self.shapes:
            layer, oracle = self.pair()
            x, g = self.data(layer, shape)
            y, grad = self.run(layer, x, g, compiled=False)
            expected = oracle(torch.tensor(x))
            expected.backward(torch.tensor(g))
            close(y, expected, 1e-12)
            close(grad, oracle.weight.grad, 1e-9)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_dtype_is_kept(self, dtype: Any) -> None:
        layer = self.layer().to(dtype)
        x, g = self.data(layer, self.shapes[0], dtype)
        y, grad = self.run(layer, x, g, compiled=False)
        assert y.dtype == grad.dtype == dtype

    def test_structure_round_trip(self) -> None:
        layer = self.layer()
        again = type(layer)(**layer.config())
        assert repr(again) == repr(layer)
        assert again.config() == layer.config()
        if LAYERS.get(type(layer).__name__) is type(layer):
            super().test_structure_round_trip()


class TestEmbedding(NumbersConformance):
    shapes: ClassVar = [(5, 4), (6,), (), (2, 3, 4), (0,)]

    def layer(self):
        return nn.Embedding(7, 3, padding_idx=-1)

    def oracle(self):
        return torch.nn.Embedding(7, 3, padding_idx=-1)

    def test_initial_values_are_standard_normal_but_the_padding_row_0(self):
        weight = nn.Embedding(500, 40, padding_idx=-2).weight.detach().numpy()
        assert (weight[498] == 0).all()
        rest = np.delete(weight, 498, 0)
        assert rest.mean() == pytest.approx(0, abs=0.03)
        assert rest.std() == pytest.approx(1, abs=0.03)
        assert np.unique(rest).size > 19_000


class TestEmbeddingBag(NumbersConformance):
    shapes: ClassVar = [(5, 4), (1, 1), (3, 0)]

    def layer(self):
        return nn.EmbeddingBag(7, 3, padding_idx=2)

    def oracle(self):
        return torch.nn.EmbeddingBag(7, 3, padding_idx=2)

    def test_outputs_and_gradients_are_pytorchs(self):
        self.shapes = self.shapes[:2]  # PyTorch fails for bags of length 0
        super().test_outputs_and_gradients_are_pytorchs()

    def test_bags_of_length_0_are_0(self):
        assert (self.layer()(gw.tensor(np.zeros((3, 0), np.int64))) == 0).all()


OPTIONS = [
    {},
    {"padding_idx": 2},
    {"scale_grad_by_freq": True},
    {"max_norm": 1.0},
    {"max_norm": 0.8, "norm_type": 1.0, "padding_idx": 0, "sparse": True},
    {"max_norm": 0.8, "norm_type": float("inf")},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", ["Embedding", "EmbeddingBag"])
def test_the_printed_form_is_pytorchs(kind, options):
    assert repr(getattr(nn, kind)(7, 3, **options)) == repr(getattr(torch.nn, kind)(7, 3, **options))


# --- the function -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_embedding_is_pytorchs_and_the_same_compiled(options):
    index = NUMBERS.reshape(2, 4)
    up = np.cos(np.arange(24.0)).reshape(2, 4, 3)
    t = torch.tensor(TABLE, requires_grad=True)
    expected = torch.nn.functional.embedding(torch.tensor(index), t, **options)
    expected.backward(torch.tensor(up))
    for compiled in (False, True):
        w = gw.Parameter(gw.tensor(TABLE))

        def step(i, g, w=w):
            out = F.embedding(i, w, **options)
            out.backward(g)
            return out

        close((gw.compile(step) if compiled else step)(gw.tensor(index), gw.tensor(up)), expected, 1e-12)
        dense = options.get("sparse", False)
        close(w.grad.to_dense() if dense else w.grad, t.grad.to_dense() if dense else t.grad, 1e-12)
        close(w, t, 1e-12)  # max_norm has written to it


def test_embedding_refuses_by_name():
    w = gw.tensor(TABLE)
    with pytest.raises(IndexOutOfRangeError, match=r"embedding: the index 7 in row \(1, 0\) is out of range .* 0 to 6"):
        F.embedding(gw.tensor([[0, 1], [7, 2]]), w)
    with pytest.raises(IndexOutOfRangeError, match="index -1 in row 0"):
        F.embedding(gw.tensor([-1]), w)
    with pytest.raises(DTypeError, match=r"float32; use index.long\(\)"):
        F.embedding(gw.tensor([1.0]), w)
    with pytest.raises(ShapeError, match=r"weight needs the shape \(rows, features\), got \(3,\)"):
        F.embedding(gw.tensor([1]), w[0])
    with pytest.raises(IndexOutOfRangeError, match="padding_idx 7 is no row"):
        F.embedding(gw.tensor([1]), w, padding_idx=7)
    with pytest.raises(ConfigError, match="padding_idx must be from -4 to 3"):
        nn.Embedding(4, 2, padding_idx=4)


def test_a_compiled_step_checks_the_numbers_it_is_given_before_it_runs():
    layer = nn.Embedding(4, 2, max_norm=0.1)
    before = layer.weight.detach().numpy()
    step = gw.compile(lambda i: layer(i))
    with pytest.raises(IndexOutOfRangeError, match="index 4 in row 1"):
        step(gw.tensor([0, 4]))
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)


# --- layers -----------------------------------------------------------------------------------------------------------
def test_from_pretrained_keeps_the_vectors_and_is_frozen_unless_told_otherwise():
    vectors = gw.tensor(TABLE)
    for kind in (nn.Embedding, nn.EmbeddingBag):
        frozen = kind.from_pretrained(vectors, padding_idx=1)
        assert not frozen.weight.requires_grad
        np.testing.assert_array_equal(frozen.weight.numpy(), TABLE)  # the padding row too, as in PyTorch
        trained = kind.from_pretrained(vectors, freeze=False, sparse=True, max_norm=2.0)
        assert trained.weight.requires_grad
        assert (trained.num_embeddings, trained.embedding_dim, trained.sparse, trained.max_norm) == (7, 3, True, 2.0)
    with pytest.raises(ShapeError, match=r"embeddings are \(rows, features\), got \(3,\)"):
        nn.Embedding.from_pretrained(vectors[0])


def test_training_leaves_the_padding_row_alone():
    layer = nn.Embedding(5, 2, padding_idx=0)
    opt = gw.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(3):
        opt.zero_grad()
        (layer(gw.tensor([0, 1, 0, 3])) - 1).square().sum().backward()
        opt.step()
    assert layer.weight[0].tolist() == [0.0, 0.0]
    assert (layer.weight[1] != 0).all()


def test_max_norm_may_change_between_calls_and_differ_between_members():
    layer = nn.Embedding.from_pretrained(gw.tensor(TABLE * 10), max_norm=4.0)
    step = gw.compile(lambda i: layer(i).square().sum(1).sqrt())
    np.testing.assert_allclose(step(gw.tensor([0, 3])).numpy(), 4, rtol=1e-6)
    layer.max_norm = 2.5
    np.testing.assert_allclose(step(gw.tensor([0, 3])).numpy(), 2.5, rtol=1e-6)
    assert step.traces == 1

    def member(bound):
        layer = nn.Embedding.from_pretrained(gw.tensor(TABLE * 10), max_norm=bound)
        return lambda i: layer(i).square().sum(1).sqrt()

    norms = gw.Population(member, [{"bound": 1.0}, {"bound": 2.0}], [0, 0]).scan(gw.tensor([[0, 3]]))
    np.testing.assert_allclose(norms.numpy()[:, 0], [[1, 1], [2, 2]], rtol=1e-6)


# --- bags -------------------------------------------------------------------------------------------------------------
def bags(kind: str) -> tuple[np.ndarray, np.ndarray | None, dict[str, Any]]:
    """Row numbers, offsets, options; the second bag is empty."""
    if kind == "rows":
        return NUMBERS.reshape(2, 4), None, {}
    if kind == "last":
        return NUMBERS, np.array([0, 3, 3, 8]), {"include_last_offset": True}
    return NUMBERS, np.array([0, 3, 3, 6]), {}


CASES = [
    (kind, {"mode": mode, "padding_idx": padding})
    for kind, mode, padding in itertools.product(["rows", "offsets", "last"], ["sum", "mean", "max"], [None, 3, -1])
]
CASES += [("offsets", {"mode": m, "max_norm": 0.9, "norm_type": n}) for m in ("sum", "max") for n in (1.0, 2.0)]
CASES += [("offsets", {"mode": m, "sparse": True, "padding_idx": 3}) for m in ("sum", "mean")]
CASES += [(kind, {"mode": "sum", "per_sample_weights": True, "padding_idx": 3}) for kind in ("rows", "offsets")]


def ran(library: Any, function: Any, kind: str, options: dict[str, Any]) -> list[Any]:
    """Return output, gradients of table and factors, and the table."""
    index, offsets, more = bags(kind)
    table = library.tensor(TABLE, requires_grad=True)
    options, factors = {**options, **more}, None
    if options.pop("per_sample_weights", False):
        factors = library.tensor(np.linspace(-1, 2, 8).reshape(index.shape), requires_grad=True)
    places = None if offsets is None else library.tensor(offsets)
    out = function(library.tensor(index), table, places, per_sample_weights=factors, **options)
    out.backward(library.tensor(np.cos(np.arange(float(np.prod(out.shape)))).reshape(out.shape)))
    grad = table.grad.to_dense() if options.get("sparse") else table.grad
    return [out.detach(), grad, *([] if factors is None else [factors.grad]), table.detach()]


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
def test_embedding_bag_is_pytorchs(kind, options):
    ours = ran(gw, F.embedding_bag, kind, options)
    theirs = ran(torch, torch.nn.functional.embedding_bag, kind, options)
    for a, b in zip(ours, theirs, strict=True):
        close(a, b, 1e-12)


def test_embedding_bag_is_the_same_compiled():
    """All cases as one program."""
    layers = []
    for kind, options in CASES:
        table = gw.Parameter(gw.tensor(TABLE))
        layers.append((kind, {k: v for k, v in options.items() if k != "per_sample_weights"}, table))

    def step(numbers, offsets, last):
        outs = []
        for kind, options, table in layers:
            more = {"include_last_offset": True} if kind == "last" else {}
            places = {"rows": None, "offsets": offsets, "last": last}[kind]
            index = numbers.reshape(2, 4) if kind == "rows" else numbers
            out = F.embedding_bag(index, table, places, **options, **more)
            out.backward(gw.tensor(np.cos(np.arange(float(out.numel()))).reshape(out.shape)))
            outs.append(out)
        return outs

    found = gw.compile(step)(gw.tensor(NUMBERS), gw.tensor(bags("offsets")[1]), gw.tensor(bags("last")[1]))
    for (kind, options, table), out in zip(layers, found, strict=True):
        expected = ran(gw, F.embedding_bag, kind, options)
        close(out, expected[0], 1e-12)
        close(table.grad.to_dense() if options.get("sparse") else table.grad, expected[1], 1e-12)
        close(table, expected[2], 1e-12)


def test_scale_grad_by_freq_counts_in_the_whole_input():
    """PyTorch's own embedding_bag divides by the count of another row here; its embedding does not."""
    index, offsets, _ = bags("offsets")
    w, t = gw.tensor(TABLE, requires_grad=True), torch.tensor(TABLE, requires_grad=True)
    out = F.embedding_bag(gw.tensor(index), w, gw.tensor(offsets), scale_grad_by_freq=True, mode="sum")
    rows = torch.nn.functional.embedding(torch.tensor(index), t, scale_grad_by_freq=True)
    expected = torch.stack([part.sum(0) for part in torch.split(rows, [3, 0, 3, 2])])
    close(out, expected, 1e-12)
    out.sum().backward()
    expected.sum().backward()
    close(w.grad, t.grad, 1e-12)
    assert w.grad[3].tolist() == [1.0, 1.0, 1.0]  # twice, each time a half


def test_maxima_in_a_bag_with_nan_are_nan():
    table = TABLE.copy()
    table[1, 0] = np.nan
    out = F.embedding_bag(gw.tensor([[0, 1], [2, 3]]), gw.tensor(table), mode="max").numpy()
    assert np.isnan(out[0, 0])
    assert np.isfinite(np.delete(out.ravel(), 0)).all()


@pytest.mark.parametrize(
    ("error", "message", "arguments", "options"),
    [
        (IndexOutOfRangeError, r"offsets\[0\] is 1; they begin with 0", (NUMBERS, [1, 3]), {}),
        (IndexOutOfRangeError, r"offsets\[1\] is 9; .* do not exceed the length of input, 8", (NUMBERS, [0, 9]), {}),
        (IndexOutOfRangeError, r"offsets\[2\] is 2; .* never descend", (NUMBERS, [0, 3, 2]), {}),
        (IndexOutOfRangeError, "end with the length of input, 8", (NUMBERS, [0, 3]), {"include_last_offset": True}),
        (IndexOutOfRangeError, "the index 9 in row 1", ([0, 9], [0]), {}),
        (ShapeError, "needs offsets", (NUMBERS, None), {}),
        (ShapeError, "so there are no offsets", ([[1, 2]], [0]), {}),
        (ShapeError, r"input is \(B, N\)", ([[[1]]], None), {}),
        (ShapeError, "at least one bag", (NUMBERS, [0]), {"include_last_offset": True}),
        (DTypeError, "offsets must be integers", (NUMBERS, [0.0]), {}),
        (ConfigError, "mode is 'sum', 'mean' or 'max', got 'min'", (NUMBERS, [0]), {"mode": "min"}),
        (ConfigError, "not for mode='max'", (NUMBERS, [0]), {"mode": "max", "scale_grad_by_freq": True}),
        (ConfigError, "for mode='sum', got mode='mean'", (NUMBERS, [0]), {"per_sample_weights": np.ones(8)}),
        (ShapeError, r"\(3,\) must have .* \(8,\)", (NUMBERS, [0]), {"per_sample_weights": np.ones(3), "mode": "sum"}),
        (
            DTypeError,
            "per_sample_weights are float32, but weight float64",
            (NUMBERS, [0]),
            {"per_sample_weights": np.ones(8, np.float32), "mode": "sum"},
        ),
    ],
)
def test_embedding_bag_refuses_by_name(error, message, arguments, options):
    index, offsets = (None if a is None else gw.tensor(a) for a in arguments)
    options = {k: gw.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    with pytest.raises(error, match=message):
        F.embedding_bag(index, gw.tensor(TABLE), offsets, **options)


def test_offsets_of_a_compiled_step_are_checked_before_it_runs():
    layer = nn.EmbeddingBag(7, 3)
    step = gw.compile(lambda i, o: layer(i, o))
    assert step(gw.tensor(NUMBERS), gw.tensor([0, 3])).shape == (2, 3)
    with pytest.raises(IndexOutOfRangeError, match=r"offsets\[1\] is 9"):
        step(gw.tensor(NUMBERS), gw.tensor([0, 9]))
    assert step.traces == 1
