"""The battery: every registered operation against PyTorch, finite differences, XLA's tracing and vmap."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
import torch

from gradwright.engine.autograd import grad, gradcheck, gradgradcheck, jvp
from gradwright.engine.op import OPERATIONS
from gradwright.engine.tensor import Tensor

from .operations import ROWS, Row, Sample

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
each_smooth_row = pytest.mark.parametrize("row", [r for r in ROWS if r.order >= 1], ids=lambda row: row.name)


def test_every_registered_operation_has_a_row_and_every_row_an_operation():
    names = [row.name for row in ROWS]
    assert sorted(names) == sorted(set(names)), "a row twice"
    own = {name for name, op in OPERATIONS.items() if op.forward.__module__.startswith("gradwright.engine.")}
    assert own - set(names) == set(), "operations without a row in operations.py"
    assert set(names) - set(OPERATIONS) == set(), "rows without an operation"


def test_rows_of_order_0_are_the_nondifferentiable_operations():
    without = {name for name in (row.name for row in ROWS) if OPERATIONS[name].kind == "nondifferentiable"}
    assert {row.name for row in ROWS if row.order == 0} == without


# --- tools -------------------------------------------------------------------------------------------------
def samples(row: Row, seed: int = 0) -> list[Sample]:
    return list(row.samples(np.random.default_rng(seed)))


def is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def moving(sample: Sample) -> list[int]:
    """Positions of the inputs that take a gradient."""
    return [i for i, x in enumerate(sample.inputs) if is_float(x)]


def called(row: Row, sample: Sample, arrays: list[Any]) -> Any:
    return around(row, OPERATIONS[row.name], sample, arrays)


def torchs(row: Row, sample: Sample, arrays: list[Any]) -> Any:
    return around(row, row.torch, sample, arrays)


def around(row: Row, function: Any, sample: Sample, arrays: list[Any]) -> Any:
    out = function(*(row.before(arrays) if row.before else arrays), **sample.meta)
    return row.after(out) if row.after else out


def tensors(sample: Sample, dtype: Any = np.float64, requires_grad: bool = False) -> list[Any]:
    """Arrays become Tensors, floats of the given dtype; Python numbers stay."""
    out: list[Any] = []
    for x in sample.inputs:
        if not isinstance(x, np.ndarray):
            x = np.asarray(x) if isinstance(x, np.generic) else x
        if isinstance(x, np.ndarray):
            out.append(Tensor(x.astype(dtype)).requires_grad_(requires_grad) if is_float(x) else Tensor(x))
        else:
            out.append(x)
    return out


def torch_tensors(sample: Sample, requires_grad: bool = False) -> list[Any]:
    return [
        torch.tensor(x, requires_grad=requires_grad and is_float(x)) if isinstance(x, np.ndarray | np.generic) else x
        for x in sample.inputs
    ]


def weights(shape: Any) -> np.ndarray:
    return np.cos(np.arange(int(np.prod(shape)), dtype=np.float64) + 0.5).reshape(shape)


def described(row: Row, sample: Sample) -> str:
    return f"{row.name}({', '.join(str(np.shape(x)) for x in sample.inputs)}, {sample.meta})"


def differentiable(sample: Sample) -> bool:
    return bool(moving(sample))


# --- against PyTorch ---------------------------------------------------------------------------------------
@each_row
def test_forward_is_torchs(row: Row):
    for sample in samples(row):
        ours = called(row, sample, tensors(sample))
        theirs = torchs(row, sample, torch_tensors(sample))
        what = described(row, sample)
        assert ours.shape == tuple(theirs.shape), what
        assert ours.dtype.name == str(theirs.dtype).removeprefix("torch."), what
        np.testing.assert_allclose(
            ours.numpy(), theirs.numpy(), rtol=row.forward_tolerance, atol=row.forward_tolerance, err_msg=what
        )


@each_row
def test_forward_keeps_float32(row: Row):
    for sample in samples(row):
        wide, narrow = called(row, sample, tensors(sample)), called(row, sample, tensors(sample, np.float32))
        what = described(row, sample)
        if wide.dtype == np.float64 and "dtype" not in sample.meta:
            assert narrow.dtype == np.float32, what
        np.testing.assert_allclose(narrow.numpy(), wide.numpy(), rtol=2e-5, atol=2e-5, err_msg=what)


@each_smooth_row
def test_reverse_is_torchs(row: Row):
    for sample in filter(differentiable, samples(row)):
        what = described(row, sample)
        xs, ts = tensors(sample, requires_grad=True), torch_tensors(sample, requires_grad=True)
        ours, theirs = called(row, sample, xs), torchs(row, sample, ts)
        v = weights(ours.shape)
        ours.backward(Tensor(v))
        theirs.backward(torch.tensor(v))
        for i in moving(sample):
            expected = np.zeros(xs[i].shape) if ts[i].grad is None else ts[i].grad.numpy()
            assert xs[i].grad.shape == xs[i].shape, what
            assert xs[i].grad.dtype == xs[i].dtype, what
            np.testing.assert_allclose(
                xs[i].grad.numpy(),
                expected,
                rtol=row.gradient_tolerance,
                atol=row.gradient_tolerance,
                err_msg=what,
            )


@each_smooth_row
def test_reverse_keeps_float32(row: Row):
    for sample in filter(differentiable, samples(row)):
        if "dtype" in sample.meta:
            continue
        found = []
        for dtype in (np.float32, np.float64):
            xs = tensors(sample, dtype, requires_grad=True)
            out = called(row, sample, xs)
            found.append(grad(out, [xs[i] for i in moving(sample)], Tensor(weights(out.shape).astype(dtype))))
        for narrow, wide in zip(*found, strict=True):
            assert narrow.dtype == np.float32, described(row, sample)
            np.testing.assert_allclose(
                narrow.numpy(), wide.numpy(), rtol=1e-4, atol=1e-4, err_msg=described(row, sample)
            )


@each_smooth_row
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # inside torch.func
def test_forward_mode_is_torchs(row: Row):
    for sample in filter(differentiable, samples(row)):
        positions = moving(sample)
        directions = [np.asarray(weights(sample.inputs[i].shape) * (k + 1)) for k, i in enumerate(positions)]

        def placed(base: list[Any], moved: tuple[Any, ...], positions: list[int] = positions) -> list[Any]:
            base = list(base)
            for i, x in zip(positions, moved, strict=True):
                base[i] = x
            return base

        def ours(*moved: Any, sample: Sample = sample) -> Any:
            return called(row, sample, placed(tensors(sample), moved))

        def theirs(*moved: Any, sample: Sample = sample) -> Any:
            return torchs(row, sample, placed(torch_tensors(sample), moved))

        points = [sample.inputs[i] for i in positions]
        _, t = jvp(ours, [Tensor(p) for p in points], [Tensor(d) for d in directions])
        _, expected = torch.func.jvp(
            theirs, tuple(torch.tensor(p) for p in points), tuple(torch.tensor(d) for d in directions)
        )
        tolerance = row.gradient_tolerance
        assert t.shape == tuple(expected.shape), described(row, sample)
        np.testing.assert_allclose(
            t.detach().numpy(),
            expected.numpy(),
            rtol=tolerance,
            atol=tolerance,
            err_msg=described(row, sample),
        )


# --- against finite differences ----------------------------------------------------------------------------
def of_moving(row: Row, sample: Sample) -> tuple[Any, list[Tensor]]:
    """The operation as a function of those inputs that take a gradient, and these."""
    positions = moving(sample)

    def function(*moved: Tensor) -> Any:
        xs = tensors(sample)
        for i, x in zip(positions, moved, strict=True):
            xs[i] = x
        return called(row, sample, xs)

    return function, [Tensor(sample.inputs[i]).requires_grad_() for i in positions]


@each_smooth_row
def test_first_derivatives_are_central_differences_in_both_modes(row: Row):
    for sample in filter(differentiable, samples(row, seed=1)):
        gradcheck(*of_moving(row, sample))


@each_smooth_row
def test_second_derivatives_are_central_differences_in_both_modes(row: Row):
    if row.order < 2:
        pytest.skip("first order only")
    for sample in filter(differentiable, samples(row, seed=2)):
        gradgradcheck(*of_moving(row, sample))


# --- under XLA ---------------------------------------------------------------------------------------------
# Each program runs once, so compiling is all its cost.
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def forward_and_gradients(row: Row, drawn: list[Sample], arrays: list[list[Any]]) -> list[list[Any]]:
    """For each sample the output and, through our own backward, the gradient of a weighted sum of it."""
    results = []
    for sample, given in zip(drawn, arrays, strict=True):
        xs = [a if isinstance(a, int | float) else Tensor(a) for a in given]
        positions = moving(sample) if row.order else []
        for i in positions:
            xs[i].requires_grad_()
        out = called(row, sample, xs)
        found = [out._array]
        if positions and out.requires_grad:
            v = Tensor(weights(out.shape).astype(np.float32))
            found += [g._array for g in grad(out, [xs[i] for i in positions], v)]
        results.append(found)
    return results


def narrowed(sample: Sample) -> list[Any]:
    """Arrays as XLA takes them: float32 and int32."""
    narrow = {"f": np.float32, "i": np.int32, "b": np.bool_}
    return [
        np.asarray(x, narrow[np.asarray(x).dtype.kind]) for x in sample.inputs if isinstance(x, np.ndarray | np.generic)
    ]


def refilled(sample: Sample, arrays: list[Any]) -> list[Any]:
    """Put the traced arrays back between the Python numbers."""
    rest = iter(arrays)
    return [next(rest) if isinstance(x, np.ndarray | np.generic) else x for x in sample.inputs]


def compiled_samples(row: Row, seed: int = 0) -> list[Sample]:
    """Without float64, which XLA does not have unless asked."""
    return [s for s in samples(row, seed) if s.meta.get("dtype") != np.float64]


def same(row: Row, drawn: list[Sample], compiled: list[list[Any]], eager: list[list[Any]]) -> None:
    for sample, ours, expected in zip(drawn, compiled, eager, strict=True):
        assert len(ours) == len(expected), described(row, sample)
        for a, b in zip(ours, expected, strict=True):
            assert a.shape == b.shape, described(row, sample)
            assert a.dtype.kind == b.dtype.kind, described(row, sample)
            np.testing.assert_allclose(np.asarray(a), b, rtol=1.3e-6, atol=1e-5, err_msg=described(row, sample))


@each_row
def test_traced_forward_and_gradient_are_the_eager_ones(row: Row):
    drawn = compiled_samples(row)

    def step(arrays: list[list[Any]]) -> list[list[Any]]:
        return forward_and_gradients(row, drawn, [refilled(s, a) for s, a in zip(drawn, arrays, strict=True)])

    arrays = [narrowed(s) for s in drawn]
    same(row, drawn, jax.jit(step, compiler_options=QUICK)(arrays), step(arrays))


@each_row
def test_vmapped_forward_and_gradient_are_the_eager_ones_one_by_one(row: Row):
    drawn = [compiled_samples(row, seed) for seed in range(3)]
    first = drawn[0]

    def step(arrays: list[list[Any]]) -> list[list[Any]]:
        return forward_and_gradients(row, first, [refilled(s, a) for s, a in zip(first, arrays, strict=True)])

    members = [[narrowed(s) for s in member] for member in drawn]
    stacked = jax.tree.map(lambda *arrays: np.stack(arrays), *members)
    compiled = jax.jit(jax.vmap(step), compiler_options=QUICK)(stacked)
    for k, member in enumerate(members):
        same(row, first, jax.tree.map(lambda a, k=k: a[k], compiled), step(member))
