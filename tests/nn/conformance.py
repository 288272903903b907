"""What every layer must do, written once; inherited for single layers and for tables of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.nn.structure import from_structure, to_structure


def close(actual: Any, expected: Any, tolerance: float) -> None:
    """Compare a Gradwright tensor or array with a PyTorch tensor, a Gradwright tensor or an array."""
    a = actual.detach().numpy() if isinstance(actual, gw.Tensor) else np.asarray(actual)
    e = expected.detach().numpy() if isinstance(expected, gw.Tensor | torch.Tensor) else np.asarray(expected)
    assert a.shape == e.shape
    np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance)


def torch_state(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {key: value.detach().numpy().copy() for key, value in module.state_dict().items()}


class LayerConformance:
    """Inherit it as ``Test…``, define :meth:`layer` and :meth:`oracle`."""

    shapes: ClassVar[list[tuple[int, ...]]] = [(5, 4), (1, 4), (2, 3, 4)]
    random_in_training: ClassVar[bool] = False
    same_repr: ClassVar[bool] = True

    def layer(self) -> nn.Module:
        raise NotImplementedError

    def oracle(self) -> torch.nn.Module:
        raise NotImplementedError

    # --- tools ------------------------------------------------------------------------------------------------------
    def pair(self, training: bool = True) -> tuple[nn.Module, torch.nn.Module]:
        """Both layers in float64 with the same, random weights."""
        layer, oracle = self.layer().double(), self.oracle().double()
        rng = np.random.default_rng(1)
        with torch.no_grad():
            for tensor in oracle.state_dict().values():
                if tensor.is_floating_point():
                    tensor.copy_(torch.tensor(rng.uniform(0.5, 1.5, tuple(tensor.shape))))
        layer.load_state_dict(torch_state(oracle))
        return layer.train(training), oracle.train(training)

    def modes(self) -> list[bool]:
        return [False] if self.random_in_training else [True, False]

    def run(self, layer: nn.Module, x: np.ndarray, g: np.ndarray, *, compiled: bool) -> list[Any]:
        """Return output, input gradient, parameter gradients and buffers of one pass."""

        def both_ways(x: gw.Tensor, g: gw.Tensor) -> tuple[gw.Tensor, gw.Tensor | None]:
            x.requires_grad_()
            y = layer(x.clone())  # which it may write over
            y.backward(g)
            return y, x.grad

        layer.zero_grad()
        function = gw.compile(both_ways, state=[layer]) if compiled else both_ways
        gw.manual_seed(3)
        y, x_grad = function(gw.tensor(x), gw.tensor(g))
        return [y, x_grad, *(p.grad for p in layer.parameters()), *layer.buffers()]

    def data(self, layer: nn.Module, shape: tuple[int, ...], dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(2)
        x = rng.normal(size=shape).astype(dtype)
        with gw.no_grad():
            was, _ = layer.training, layer.eval()
            g = rng.normal(size=layer(gw.tensor(x)).shape).astype(dtype)
        layer.train(was)
        return x, g

    # --- the suite --------------------------------------------------------------------------------------------------
    def test_outputs_and_gradients_are_pytorchs(self) -> None:
        for training in self.modes():
            for shape in self.shapes:
                layer, oracle = self.pair(training)
                x, g = self.data(layer, shape)
                y, x_grad, *rest = self.run(layer, x, g, compiled=False)
                tx = torch.tensor(x, requires_grad=True)
                ty = oracle(tx.clone())  # which a layer may write over
                ty.backward(torch.tensor(g))
                close(y, ty, 1e-12)
                close(x_grad, tx.grad, 1e-9)
                expected = [*(p.grad for p in oracle.parameters()), *oracle.buffers()]
                assert len(rest) == len(expected)
                for ours, theirs in zip(rest, expected, strict=True):
                    close(ours, theirs, 1e-9)

    def test_state_dict_has_pytorchs_keys_and_layout_and_loads_both_ways(self) -> None:
        layer, oracle = self.layer(), self.oracle()
        ours, theirs = layer.state_dict(), torch_state(oracle)
        assert list(ours) == list(theirs)
        for key, value in ours.items():
            assert value.shape == theirs[key].shape
            assert value.dtype == theirs[key].dtype
        layer.load_state_dict(theirs)
        for key, value in layer.state_dict().items():
            np.testing.assert_array_equal(value.numpy(), theirs[key])
        oracle.load_state_dict({key: torch.tensor(value.numpy()) for key, value in ours.items()})
        for key, value in torch_state(oracle).items():
            np.testing.assert_array_equal(value, ours[key].numpy())

    def test_structure_round_trip(self) -> None:
        layer = self.layer().eval()
        written = json.loads(json.dumps(to_structure(layer)))
        again = from_structure(written).eval()
        assert type(again) is type(layer)
        assert repr(again) == repr(layer)
        assert to_structure(again) == written
        assert list(again.state_dict()) == list(layer.state_dict())
        again.load_state_dict(layer.state_dict())
        x, _ = self.data(layer, self.shapes[0], np.float32)
        np.testing.assert_array_equal(again(gw.tensor(x)).detach().numpy(), layer(gw.tensor(x)).detach().numpy())

    @pytest.mark.parametrize(("training", "dtype", "tolerance"), [(True, np.float32, 1e-5), (False, np.float64, 1e-12)])
    def test_eager_and_compiled_agree(self, training: bool, dtype: Any, tolerance: float) -> None:
        results = []
        for compiled in (False, True):
            layer, _ = self.pair(training)
            layer.to(dtype)
            x, g = self.data(layer, self.shapes[0], dtype)
            results.append(self.run(layer, x, g, compiled=compiled))
        assert len(results[0]) == len(results[1])
        for eager, traced in zip(*results, strict=True):
            close(traced, eager, tolerance)
            assert traced.dtype == eager.dtype

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_dtype_is_kept(self, dtype: Any) -> None:
        layer = self.layer().to(dtype)
        x, g = self.data(layer, self.shapes[0], dtype)
        y, x_grad, *_ = self.run(layer, x, g, compiled=False)
        assert y.dtype == x_grad.dtype == dtype
        for p in layer.parameters():
            assert p.dtype == dtype
            assert p.grad is not None
            assert p.grad.dtype == dtype
        for b in layer.buffers():
            assert b.dtype in (dtype, np.int64)

    def test_repr_is_pytorchs(self) -> None:
        if self.same_repr:
            assert repr(self.layer()) == repr(self.oracle())
        assert repr(self.layer()).startswith(type(self.layer()).__name__ + "(")

    def test_training_and_evaluation_mode(self) -> None:
        layer = self.layer()
        assert layer.training
        assert layer.eval() is layer
        assert not any(m.training for m in layer.modules())
        assert layer.train() is layer
        assert all(m.training for m in layer.modules())

    def test_evaluation_changes_nothing(self) -> None:
        layer, _ = self.pair(False)
        before = {key: value.numpy() for key, value in layer.state_dict().items()}
        draws = gw.current_generator().get_state()
        layer(gw.tensor(self.data(layer, self.shapes[0])[0]))
        assert gw.current_generator().get_state() == draws
        for key, value in layer.state_dict().items():
            np.testing.assert_array_equal(value.numpy(), before[key])


# --- tables -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Row:
    """A layer of a table, which both libraries have under one name with the same arguments."""

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any]
    shapes: list[tuple[int, ...]]  # of inputs
    random: bool  # in training
    split: int  # where the input's last axis is cut in two, for layers of two inputs

    def __str__(self) -> str:
        return f"{self.name}({', '.join([*map(str, self.args), *(f'{k}={v}' for k, v in self.options.items())])})"

    def make(self, library: Any) -> Any:
        kind = getattr(library, self.name)
        if self.split:
            both = kind.forward
            cut = {"forward": lambda layer, x: both(layer, x[..., : self.split], x[..., self.split :])}
            kind = type(self.name, (kind,), cut)
        return kind(*self.args, **self.options)


def row(
    name: str, *args: Any, shapes: list[tuple[int, ...]], random: bool = False, split: int = 0, **options: Any
) -> Row:
    return Row(name, args, options, shapes, random, split)


class TableConformance(LayerConformance):
    """The suite for each of ``rows``; what is compiled, the table compiles as one program (`test_layer_tables.py`)."""

    rows: ClassVar[list[Row]]
    every: ClassVar[int] = 1  # of so many rows one is compiled
    test_eager_and_compiled_agree = None  # type: ignore[assignment]

    def pytest_generate_tests(self, metafunc: Any) -> None:
        if "row" in metafunc.fixturenames:
            metafunc.parametrize("row", self.rows, ids=str)

    @pytest.fixture(autouse=True)
    def _take(self, row: Row) -> None:
        self.take(row)

    def take(self, row: Row) -> None:
        self.row, self.shapes, self.random_in_training = row, row.shapes, row.random  # type: ignore[misc]

    def layer(self) -> nn.Module:
        return self.row.make(nn)

    def oracle(self) -> torch.nn.Module:
        return self.row.make(torch.nn)

    def test_structure_round_trip(self) -> None:
        if not self.row.split:  # their class is made for the test
            super().test_structure_round_trip()

    def test_config_builds_the_layer_again(self) -> None:
        layer = self.layer()
        again = type(layer)(**layer.config())
        assert repr(again) == repr(layer)
        assert again.config() == layer.config()
        assert list(again.state_dict()) == list(layer.state_dict())
