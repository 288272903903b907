"""PyTorch's own operator database, run against Gradwright: every operation that both have, on every sample it draws.

PyTorch tests itself with ``op_db``: some 700 entries, each with the inputs that its maintainers found worth testing
and with inputs that must be refused. An entry's name leads to the callable here by the same dotted path
(``linalg.inv`` is ``gradwright.linalg.inv``), so whatever is added to Gradwright under PyTorch's name is tested from
then on. `test_op_db.py` makes tests of it; as a script this file prints tables::

    python -m tests.engine.op_db --missing               what of the wanted list is not there yet
    python -m tests.engine.op_db --op linalg.qr --op pad   some operations, with every message
    python -m tests.engine.op_db --family reductions     a family of the wanted list
    python -m tests.engine.op_db --wrong                 everything that is there and disagrees

Columns: samples compared, wrong forward, gradients compared, wrong gradients, wrong in other dtypes (int64, bool,
float32), wrong by another entrance (method, in place, operator, alias), accepted where PyTorch refuses.
"""

from __future__ import annotations

import argparse
import fnmatch
import functools
import itertools
import random
import sys
import time
import types
import unittest
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import gradwright as gw

from .found import dtype_name, find
from .op_db_lists import (
    ADAPTED,
    CAP,
    EXCEPTIONS,
    FORWARD,
    GAUGES,
    GRADIENT,
    LENIENT,
    SAMPLE_EXCEPTIONS,
    SIDE_CAP,
    TOLERANCES,
    UNDETERMINED,
    WANTED,
)

if "expecttest" not in sys.modules:
    try:
        import expecttest  # noqa: F401
    except (
        ImportError
    ):  # the database imports it for the base class of PyTorch's own test cases, which nothing here uses
        stand_in = types.ModuleType("expecttest")
        stand_in.TestCase = unittest.TestCase  # type: ignore[attr-defined]
        sys.modules["expecttest"] = stand_in

REFUSALS = (gw.GradwrightError, TypeError, ValueError, IndexError)
DROPPED = (torch.device, torch.layout, torch.memory_format, torch.Generator)


class NotComparable(Exception):
    """A sample that Gradwright has no word for; the message is the reason."""


# --- finding ----------------------------------------------------------------------------------------------------------
@functools.cache
def entries() -> dict[str, Any]:
    """Return the database's entries by name, variants as ``name.variant``; and those that it forgot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the import warns of PyTorch's own deprecated parts
        from torch.testing._internal.common_methods_invocations import op_db
    found = {f"{op.name}.{op.variant_test_name}".removesuffix("."): op for op in op_db}
    return found | {op.name: op for op in FORGOTTEN}


def callable_of(key: str, op: Any) -> Callable[..., Any] | None:
    """Return Gradwright's callable of an entry, taking the arguments in the samples' order."""
    for name in (op.name, *(alias.name for alias in op.aliases)):
        found = find(name)
        if found is not None:
            adapt = ADAPTED.get(key) or ADAPTED.get(op.name)
            return adapt(found) if adapt else found
    return None


def present() -> list[str]:
    """Return the entries that Gradwright has."""
    return [key for key, op in entries().items() if callable_of(key, op) is not None]


def missing() -> dict[str, list[str]]:
    """Return by family what of the wanted list is not there."""
    return {family: absent for family, names in WANTED.items() if (absent := [n for n in names if find(n) is None])}


# --- entries that the database has not --------------------------------------------------------------------------------
@dataclass
class Sample:
    """PyTorch's SampleInput, as far as it is used here."""

    input: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Entry:
    """PyTorch's OpInfo, as far as it is used here."""

    name: str
    op: Callable[..., Any]
    draw: Callable[..., Iterator[Sample]]
    variant_test_name: str = ""
    aliases: tuple[Any, ...] = ()
    dtypes: tuple[torch.dtype, ...] = (torch.float64, torch.float32)
    supports_autograd: bool = True
    error_inputs_func: Any = None
    method_variant: Any = None
    inplace_variant: Any = None
    operator_variant: Any = None

    def sample_inputs(self, device: str, dtype: torch.dtype, requires_grad: bool) -> Iterator[Sample]:
        for sample in self.draw():
            sample.input = sample.input.to(dtype).requires_grad_(requires_grad)
            yield sample


def _folds() -> Iterator[Sample]:
    for lead, size, kernel, more in (
        ((2,), (4, 5), (2, 3), {}),
        ((), (4, 5), (2, 3), {}),
        ((1,), (6, 6), 3, {"padding": 1, "stride": 2}),
        ((2,), (5, 5), (2, 2), {"dilation": 2}),
        ((1,), 4, 2, {"dilation": (1, 2), "padding": (1, 0), "stride": (2, 1)}),
    ):
        height, width = (size, size) if isinstance(size, int) else size
        count = torch.nn.functional.unfold(torch.zeros(1, 1, height, width), kernel, **more).shape
        yield Sample(torch.randn(*lead, 3 * count[1], count[2], dtype=torch.float64), (size, kernel), more)


def _dropouts() -> Iterator[Sample]:
    for shape, more in itertools.product(((2, 3, 4), (3, 4)), ({}, {"p": 0.0}, {"p": 1.0}, {"training": False})):
        yield Sample(torch.randn(*shape, dtype=torch.float64), (), more)


FORGOTTEN = [
    Entry("nn.functional.fold", torch.nn.functional.fold, _folds),
    Entry("nn.functional.dropout1d", torch.nn.functional.dropout1d, _dropouts),
]


# --- converting -------------------------------------------------------------------------------------------------------
class _Drop:
    pass


class Pair:
    """A sample's arguments in both libraries, and the tensors in them side by side."""

    def __init__(self, sample: Any, *, requires_grad: bool = True) -> None:
        self.requires_grad = requires_grad
        self.tensors: dict[int, tuple[torch.Tensor, gw.Tensor]] = {}
        self.alive = sample  # so that ids stay those of this sample's tensors
        args, ours = self._both((sample.input, *sample.args))
        kwargs, our_kwargs = self._both(dict(sample.kwargs))
        self.theirs, self.ours = (args, kwargs), (ours, our_kwargs)

    def _both(self, value: Any) -> tuple[Any, Any]:
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, dict):
            pairs = {k: self._both(v) for k, v in value.items() if k not in ("device", "layout", "pin_memory")}
            return (
                {k: t for k, (t, o) in pairs.items() if o is not _Drop},
                {k: o for k, (t, o) in pairs.items() if o is not _Drop},
            )
        if isinstance(value, torch.Size):
            return value, tuple(value)
        if isinstance(value, list | tuple):
            pairs = [pair for pair in map(self._both, value) if pair[1] is not _Drop]
            return type(value)([t for t, _ in pairs]), type(value)([o for _, o in pairs])
        if isinstance(value, slice):
            parts = [self._both(part) for part in (value.start, value.stop, value.step)]
            return slice(*(t for t, _ in parts)), slice(*(o for _, o in parts))
        if isinstance(value, torch.dtype):
            return value, our_dtype(value)
        if isinstance(value, DROPPED):
            return value, _Drop
        if isinstance(value, complex):
            raise NotComparable("complex numbers")
        if isinstance(value, torch.nn.PairwiseDistance):
            return value, lambda x, y: ((x - y + value.eps) ** 2).sum(-1) ** 0.5
        if callable(value):
            raise NotComparable("a function of PyTorch's as an argument")
        return value, value

    def _tensor(self, value: torch.Tensor) -> tuple[torch.Tensor, gw.Tensor]:
        if id(value) not in self.tensors:
            if value.layout != torch.strided:
                raise NotComparable("sparse tensors")
            if value.device.type != "cpu":
                raise NotComparable("another device")
            our_dtype(value.dtype)
            wants = value.requires_grad and self.requires_grad
            array = np.array(value.detach().resolve_neg().numpy(), order="C")
            leaf = value.detach().clone().requires_grad_(wants)
            self.tensors[id(value)] = leaf, gw.tensor(array, requires_grad=wants)
        return self.tensors[id(value)]


def our_dtype(dtype: torch.dtype) -> Any:
    """Return Gradwright's dtype of the same name."""
    name = str(dtype).removeprefix("torch.")
    if dtype.is_complex:
        raise NotComparable("complex numbers")
    if name not in ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"):
        raise NotComparable(f"dtype {name}")
    return np.dtype(name)


def described(sample: Any) -> str:
    """Say a sample's call in one line, shapes in place of numbers."""

    def said(value: Any) -> str:
        if isinstance(value, torch.Tensor):
            return f"{dtype_name(value.dtype)}{list(value.shape)}"
        if isinstance(value, list | tuple):
            return f"({', '.join(map(said, value))})"
        return str(value).removeprefix("torch.")

    parts = [said(value) for value in (sample.input, *sample.args)]
    return f"({', '.join(parts + [f'{k}={said(v)}' for k, v in sample.kwargs.items()])})"


# --- comparing --------------------------------------------------------------------------------------------------------
class Disagreement(Exception):
    """What differs, in one line."""


def compare(ours: Any, theirs: Any, tolerance: float | None, where: str = "result") -> None:
    """Raise where two results differ in structure, shape, dtype or (unless the tolerance is None) numbers."""
    if isinstance(theirs, torch.Tensor):
        if not isinstance(ours, gw.Tensor):
            raise Disagreement(f"{where} is a {type(ours).__name__}, not a Tensor")
        if tuple(ours.shape) != tuple(theirs.shape):
            raise Disagreement(f"{where} has shape {tuple(ours.shape)}, PyTorch's {tuple(theirs.shape)}")
        wanted = str(theirs.dtype).removeprefix("torch.")
        if dtype_name(ours.dtype) != wanted:
            raise Disagreement(f"{where} is {dtype_name(ours.dtype)}, PyTorch's {wanted}")
        if tolerance is not None:
            compare_numbers(
                np.asarray(ours.detach().numpy()),
                theirs.detach().resolve_conj().resolve_neg().numpy(force=True),  # sgn's gradient is a ZeroTensor
                tolerance,
                where,
            )
    elif isinstance(theirs, list | tuple):
        if not isinstance(ours, list | tuple) or len(ours) != len(theirs):
            raise Disagreement(f"{where} is {_short(ours)}, PyTorch's {type(theirs).__name__} of {len(theirs)}")
        compare_fields(ours, theirs, where)
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            compare(a, b, tolerance, f"{where}[{i}]")
    elif isinstance(theirs, torch.dtype):
        if dtype_name(ours) != str(theirs).removeprefix("torch."):
            raise Disagreement(f"{where} is {ours}, PyTorch's {theirs}")
    elif isinstance(theirs, bool | int | float) and tolerance is not None:
        if isinstance(ours, gw.Tensor) or type(ours) is not type(theirs):
            raise Disagreement(f"{where} is a {type(ours).__name__}, PyTorch's a {type(theirs).__name__}")
        compare_numbers(np.asarray(ours), np.asarray(theirs), tolerance, where)
    elif tolerance is not None and ours != theirs:
        raise Disagreement(f"{where} is {_short(ours)}, PyTorch's {_short(theirs)}")


def compare_fields(ours: Any, theirs: Any, where: str = "result") -> None:
    """Raise where PyTorch's result has named parts and ours has not."""
    for name in getattr(theirs, "_fields", None) or _struct_fields(theirs):
        if not hasattr(ours, name):
            raise Disagreement(f"{where} has no field {name!r}, as PyTorch's has")


def _struct_fields(value: Any) -> list[str]:
    """PyTorch's named results are struct sequences, which have no ``_fields``."""
    if type(value) is tuple or not hasattr(value, "n_fields"):
        return []
    names = [n for n in dir(type(value)) if not n.startswith("_")]
    return [n for n in names if type(getattr(type(value), n)).__name__ == "member_descriptor"]


def compare_numbers(ours: np.ndarray, theirs: np.ndarray, tolerance: float, where: str) -> None:
    """Raise unless the numbers agree relative to the largest of them; infinities and NaN in the same places."""
    if ours.size == 0:
        return
    if theirs.dtype.kind != "f":
        wrong = ours != theirs
    else:
        finite = np.isfinite(theirs)
        scale = max(1.0, float(np.max(np.abs(theirs[finite]), initial=0.0)))
        with np.errstate(all="ignore"):
            near = np.abs(ours - theirs) <= tolerance * scale
        wrong = ~np.where(finite, near, (ours == theirs) | (np.isnan(ours) & np.isnan(theirs)))
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        place = f"{where}[{', '.join(map(str, first))}]" if first else where
        raise Disagreement(
            f"{place} is {ours[first]!r}, PyTorch's {theirs[first]!r} ({int(wrong.sum())} of {wrong.size} differ)"
        )


def _short(value: Any) -> str:
    text = f"{type(value).__name__} {value!r}".replace("\n", " ")
    return text if len(text) < 60 else text[:57] + "…"


def flat(value: Any) -> list[Any]:
    """Return what stands in nested tuples and lists."""
    return [leaf for part in value for leaf in flat(part)] if isinstance(value, list | tuple) else [value]


def weights(shape: Any, i: int) -> np.ndarray:
    """Return the weights of output ``i``, which no symmetry of a result adds up to 0."""
    return np.cos(np.arange(i, i + int(np.prod(shape)), dtype=np.float64) + 0.5).reshape(shape)


# --- one sample -------------------------------------------------------------------------------------------------------
def call_both(theirs: Callable[..., Any], ours: Callable[..., Any], pair: Pair) -> tuple[Any, Any]:
    """Call both; what Gradwright raises, and a warning where PyTorch gives none, is a disagreement."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            wanted = theirs(*pair.theirs[0], **pair.theirs[1])
        except (RuntimeError, NotImplementedError, IndexError, TypeError, ValueError) as error:
            raise NotComparable(f"PyTorch itself refuses ({_one_line(error)})") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if warned else "error")
        try:
            return ours(*pair.ours[0], **pair.ours[1]), wanted
        except Exception as error:
            raise Disagreement(f"{type(error).__name__}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def _gauged(op: Any, ours: Any, theirs: Any) -> tuple[Any, Any]:
    """Return what is unique of both results."""
    gauge = GAUGES.get(op.name)
    if gauge is None:
        return ours, theirs
    compare_fields(ours, theirs)
    try:
        return gauge(ours), gauge(theirs)
    except (TypeError, IndexError, KeyError, AttributeError) as error:
        raise Disagreement(f"the result has another structure than PyTorch's ({error})") from None


def forward_of(key: str, op: Any, sample: Any, tolerance: float | None) -> tuple[Pair, Any, Any]:
    """Compare the forward results of one sample and return them; and what the call left in its arguments."""
    pair = Pair(sample)
    function = callable_of(key, op)
    assert function is not None
    ours, theirs = _gauged(op, *call_both(op.op, function, pair))
    compare(ours, theirs, tolerance)
    for their_input, our_input in pair.tensors.values():
        # running statistics, which batch_norm moves; not what something random has filled
        if tolerance is not None and not their_input.requires_grad:
            compare(our_input, their_input, FORWARD, "an argument after the call")
    return pair, ours, theirs


def gradient_of(pair: Pair, ours: Any, theirs: Any, tolerance: float) -> bool:
    """Compare the gradients of a weighted sum of all outputs; False where PyTorch has none."""
    outputs = [(a, b) for a, b in zip(flat(ours), flat(theirs), strict=True) if _differentiable(b)]
    asked = [(a, b) for a, b in pair.tensors.values() if a.requires_grad]
    if not outputs or not asked:
        return False
    total: Any = 0.0
    for i, (_, b) in enumerate(outputs):
        total = total + (b * torch.from_numpy(weights(b.shape, i)).to(b.dtype)).sum()
    try:
        wanted = torch.autograd.grad(total, [a for a, _ in asked], allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return False
    our_total: Any = 0.0
    for i, (a, _) in enumerate(outputs):
        if not a.requires_grad:
            raise Disagreement("the result carries no gradient, PyTorch's does")
        our_total = our_total + (a * gw.tensor(weights(a.shape, i))).sum()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            our_total.backward()
        except Exception as error:
            raise Disagreement(f"backward: {type(error).__name__}: {_one_line(error)}") from error
    for i, ((a, b), w) in enumerate(zip(asked, wanted, strict=True)):
        w = torch.zeros_like(a) if w is None else w
        grad = gw.zeros_like(b) if b.grad is None else b.grad
        compare(grad, w, tolerance, f"gradient {i}" if len(asked) > 1 else "gradient")
    return True


def _differentiable(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.requires_grad


# --- one entry --------------------------------------------------------------------------------------------------------
@dataclass
class Outcome:
    """What became of an entry's samples."""

    key: str
    samples: int = 0
    gradients: int = 0
    others: int = 0
    entrances: int = 0
    refused: int = 0
    capped: int = 0
    wrong: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    skipped: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def note(self, kind: str, what: str, error: Exception) -> None:
        self.wrong[kind].append(f"{what}: {error}")

    @property
    def failures(self) -> list[str]:
        """Everything that is wrong, but for what should have been refused."""
        return [f"{kind}: {message}" for kind in KINDS[:-1] for message in self.wrong[kind]]


KINDS = ("forward", "gradient", "dtype", "entrance", "accepted")


def drawn(op: Any, dtype: torch.dtype, cap: int | None, requires_grad: bool = False) -> tuple[list[Any], int]:
    """Return an entry's samples, always the same, and how many the cap left out."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the database draws from the old stream
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        try:
            samples = list(op.sample_inputs("cpu", dtype, requires_grad=requires_grad))
        finally:
            random.setstate(state[0])
            np.random.set_state(state[1])  # noqa: NPY002
    if cap is None or len(samples) <= cap:
        return samples, 0
    # a stride that shares no factor with the grids that samples come in, so that no option is left out
    return [samples[i * len(samples) // cap] for i in range(cap)], len(samples) - cap


def run(key: str, cap: int | None = CAP, refused: bool = True) -> Outcome:
    """Run one entry: all its samples in its main dtype, some in the others, and its other entrances."""
    op = entries()[key]
    out = Outcome(key)
    started = time.perf_counter()
    reason = EXCEPTIONS.get(key) or EXCEPTIONS.get(op.name)
    if reason:
        out.skipped[reason] += 1
        return out
    forward, gradient, _ = TOLERANCES.get(key) or TOLERANCES.get(op.name) or (FORWARD, GRADIENT, "")
    tolerance = None if op.name in UNDETERMINED else forward
    dtypes = [d for d in (torch.float64, torch.int64, torch.bool, torch.float32) if d in op.dtypes]
    if not dtypes:
        out.skipped["none of float64, int64, bool"] += 1
        return out
    main = dtypes[0]
    samples, out.capped = drawn(op, main, cap, op.supports_autograd and main.is_floating_point)
    for sample in samples:
        reason = _excepted(key, op, sample)
        if reason:
            out.skipped[reason] += 1
            continue
        what = described(sample)
        try:
            pair, ours, theirs = forward_of(key, op, sample, tolerance)
        except NotComparable as why:
            out.skipped[str(why)] += 1
            continue
        except Disagreement as error:
            out.samples += 1
            out.note("forward", what, error)
            continue
        out.samples += 1
        if tolerance is None:
            continue
        try:
            out.gradients += gradient_of(pair, ours, theirs, gradient)
        except Disagreement as error:
            out.gradients += 1
            out.note("gradient", what, error)
    _other_dtypes(key, op, dtypes[1:], out)
    _other_entrances(key, op, samples, tolerance, out)
    if refused:
        refusals(key, out)
    out.seconds = time.perf_counter() - started
    return out


def _excepted(key: str, op: Any, sample: Any) -> str:
    for name, predicate, reason in SAMPLE_EXCEPTIONS:
        if name in (key, op.name) and predicate(sample):
            return reason
    return ""


def _other_dtypes(key: str, op: Any, dtypes: list[torch.dtype], out: Outcome) -> None:
    """Integers and truth values to the last digit; float32 in shape and dtype, for its numbers are float64's."""
    for dtype in dtypes:
        tolerance = None if dtype == torch.float32 or op.name in UNDETERMINED else 1e-6
        try:
            samples, _ = drawn(op, dtype, SIDE_CAP)
        except Exception as error:
            out.skipped[f"the database draws no {dtype} ({type(error).__name__})"] += 1
            continue
        for sample in samples:
            if _excepted(key, op, sample):
                continue
            try:
                forward_of(key, op, sample, tolerance)
            except NotComparable:
                continue
            except Disagreement as error:
                out.note("dtype", described(sample), error)
            out.others += 1


def _other_entrances(key: str, op: Any, samples: list[Any], tolerance: float | None, out: Outcome) -> None:
    """Method, in-place method, operator and aliases, as far as both libraries have them."""
    ways: list[tuple[str, Any, Any]] = []
    plain = op.name.isidentifier() and key not in ADAPTED and op.name not in ADAPTED
    if plain and op.method_variant and callable(getattr(gw.Tensor, op.name, None)):
        ways.append((f"Tensor.{op.name}", op.method_variant, getattr(gw.Tensor, op.name)))
    if plain and op.inplace_variant and callable(getattr(gw.Tensor, f"{op.name}_", None)):
        ways.append((f"Tensor.{op.name}_", op.inplace_variant, getattr(gw.Tensor, f"{op.name}_")))
    if plain and op.operator_variant:
        ways.append((f"operator.{op.name}", op.operator_variant, op.operator_variant))
    for alias in op.aliases:
        found = find(alias.name)
        if found is not None and found is not callable_of(key, op) and key not in ADAPTED and op.name not in ADAPTED:
            ways.append((alias.name, op.op, found))
    stride = max(1, len(samples) // SIDE_CAP)
    for (name, theirs, ours), sample in itertools.product(ways, samples[::stride]):
        if _excepted(key, op, sample) or (sample.kwargs and name.startswith("operator")):
            continue
        try:
            pair = Pair(sample, requires_grad=False)
            compare(*_gauged(op, *call_both(theirs, ours, pair)), tolerance)
        except NotComparable:
            continue
        except Disagreement as error:
            out.note("entrance", f"{name}{described(sample)}", error)
        out.entrances += 1


def refusals(key: str, out: Outcome | None = None) -> Outcome:
    """What PyTorch refuses has to be refused, with an error that was meant."""
    out = out or Outcome(key)
    op = entries()[key]
    if op.error_inputs_func is None or EXCEPTIONS.get(key) or EXCEPTIONS.get(op.name):
        return out
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        try:
            bad = list(op.error_inputs("cpu"))
        except Exception as error:
            out.skipped[f"the database draws no refusals ({type(error).__name__})"] += 1
            return out
    function = callable_of(key, op)
    assert function is not None
    kind = "binary" if type(op).__name__ == "BinaryUfuncInfo" or op.name.startswith("__r") else ""
    for error_input in bad:
        sample = error_input.sample_input
        what = described(sample)
        if any(name in (key, op.name, kind) and predicate(sample) for name, predicate, _ in LENIENT):
            continue
        try:
            pair = Pair(sample, requires_grad=False)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                op.op(*pair.theirs[0], **pair.theirs[1])
        except NotComparable:
            continue
        except Exception:
            pass
        else:
            continue  # what it refuses is what was dropped here: a device, a layout
        out.refused += 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                function(*pair.ours[0], **pair.ours[1])
        except REFUSALS:
            continue
        except Exception as error:
            out.note("accepted", what, Disagreement(f"{type(error).__name__}, which nobody meant: {_one_line(error)}"))
        else:
            regex = " ".join(str(error_input.error_regex).split())[:100]
            out.note("accepted", what, Disagreement(f"no error; PyTorch's {error_input.error_type.__name__}: {regex}"))
    return out


# --- the tables -------------------------------------------------------------------------------------------------------
def matching(pattern: str) -> list[str]:
    """Return the entries that a name, its last part, an alias or a shell pattern stands for."""
    found = []
    for key, op in entries().items():
        if key.startswith("masked.") and not pattern.startswith("masked."):
            continue  # functions of masked tensors, which share their last names with everything
        names = [key, op.name, op.name.rpartition(".")[2], *(alias.name for alias in op.aliases)]
        if any(fnmatch.fnmatch(name, pattern) for name in names):
            found.append(key)
    return found


def print_missing() -> None:
    absent = missing()
    for family, names in WANTED.items():
        gone = absent.get(family, [])
        print(f"{family}: {len(names) - len(gone)} of {len(names)} there; missing:")
        for start in range(0, len(gone), 8):
            print("   ", " ".join(gone[start : start + 8]))
    total = sum(map(len, WANTED.values()))
    print(f"\n{total - sum(map(len, absent.values()))} of {total} there")


def print_table(keys: list[str], cap: int | None, every: bool, only_wrong: bool) -> int:
    print(f"{'operation':42} samples wrong | grads wrong | dtype wrong | entr. wrong | refus. wrong |  sec | message")
    total = Outcome("total")
    bad = 0
    for key in keys:
        if callable_of(key, entries()[key]) is None:
            print(f"{key:42} not there yet")
            continue
        out = run(key, cap)
        first = next((m for kind in KINDS for m in out.wrong[kind]), "")
        bad += bool(out.failures)
        for name in ("samples", "gradients", "others", "entrances", "refused"):
            setattr(total, name, getattr(total, name) + getattr(out, name))
        for kind in KINDS:
            total.wrong[kind] += out.wrong[kind]
        if first or not only_wrong:
            print(f"{_row(out)} {first if every else first[:150]}", flush=True)
        if every:
            for kind in KINDS:
                for message in out.wrong[kind]:
                    print(f"    {kind}: {message}")
            for reason, count in out.skipped.items():
                print(f"    {count} samples left out: {reason}")
            if out.capped:
                print(f"    {out.capped} samples left out by the cap (--all-samples)")
    print(_row(total), f"{bad} operations disagree")
    return bad


def _row(out: Outcome) -> str:
    w = {kind: len(out.wrong[kind]) or "." for kind in KINDS}
    return (
        f"{out.key:42} {out.samples:7} {w['forward']:>5} | {out.gradients:5} {w['gradient']:>5} |"
        f" {out.others:5} {w['dtype']:>5} | {out.entrances:5} {w['entrance']:>5} |"
        f" {out.refused:6} {w['accepted']:>5} | {out.seconds:4.1f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="PyTorch's operator database against Gradwright.")
    parser.add_argument("--missing", action="store_true", help="list what of the wanted list is not there yet")
    parser.add_argument("--op", action="append", default=[], help="name, last part of a name, alias or pattern")
    parser.add_argument("--family", action="append", default=[], choices=WANTED, help="a family of the wanted list")
    parser.add_argument("--verbose", action="store_true", help="every message, not only the first")
    parser.add_argument("--wrong", action="store_true", help="only lines of operations that disagree")
    parser.add_argument("--all-samples", action="store_true", help="no cap on the samples of one operation")
    arguments = parser.parse_args()
    if arguments.missing:
        print_missing()
        return 0
    torch.set_num_threads(1)
    names = [*arguments.op, *(name for family in arguments.family for name in WANTED[family])]
    keys = list(dict.fromkeys(key for name in names for key in matching(name)))
    for name in names:
        if not matching(name):
            print(f"{name:42} not in the database")
    cap = None if arguments.all_samples else CAP
    every = arguments.verbose or bool(arguments.op)
    return min(1, print_table(keys if names else present(), cap, every, arguments.wrong))


if __name__ == "__main__":
    sys.exit(main())
