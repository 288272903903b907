"""Eager overhead: what one operation costs, forward and backward, when the arrays are too small to matter.

Alone (one operation and its backward) and in a chain of 25, against PyTorch, HIPS/autograd and tinygrad. Every library
computes the same from the same numbers; tinygrad, which is lazy, is asked for the result and the gradient together.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from asked import alternate, said, table

Step = Callable[[Any], Any]

LENGTH = 25  # of the chain
LIMIT = 2.0  # times PyTorch's time, at most
OURS, TORCH_1, TORCH, HIPS, TINY = "Gradwright", "PyTorch, 1 thread", "PyTorch", "HIPS/autograd", "tinygrad"

_rng = np.random.default_rng(0)
X = _rng.uniform(0.5, 1.5, (4, 4)).astype(np.float32)
W = _rng.uniform(0.5, 1.5, (4, 4)).astype(np.float32)
TALL = _rng.uniform(0.5, 1.5, (30, 4)).astype(np.float32)  # loses a row with each slice
FLAT = _rng.uniform(0.5, 1.5, (2, 8)).astype(np.float32)  # turned to (8, 2) and back
LABELS = np.array([0, 1, 2, 3])
STARTS = {"slice": TALL, "reshape": FLAT}
NAMES = (
    "add", "mul", "div", "exp", "tanh", "relu", "sum", "mean", "matmul", "slice", "reshape", "where", "max", "softmax",
    "cross_entropy",
)  # fmt: skip
CHAINED_IN_TINYGRAD = ("add", "mul", "div")  # a chain becomes one program; of others it takes minutes to make


def torch_like(lib: Any) -> dict[str, Step]:
    """The operations in PyTorch's words, which are ours too."""
    w, mask, labels = lib.tensor(W), lib.tensor(W) > 1, lib.tensor(LABELS)
    entropy = lib.nn.functional.cross_entropy
    return {
        "add": lambda x: x + w,
        "mul": lambda x: x * w,
        "div": lambda x: x / w,
        "exp": lambda x: x.exp(),
        "tanh": lambda x: x.tanh(),
        "relu": lambda x: x.relu(),
        "sum": lambda x: x.sum(0, keepdim=True),
        "mean": lambda x: x.mean(0, keepdim=True),
        "matmul": lambda x: x @ w,
        "slice": lambda x: x[1:],
        "reshape": lambda x: x.reshape(x.shape[1], x.shape[0]),
        "where": lambda x: lib.where(mask, x, w),
        "max": lambda x: x.max(1, keepdim=True)[0],
        "softmax": lambda x: x.softmax(1),
        "cross_entropy": lambda x: x * entropy(x, labels),
    }


def tinygrad_steps() -> dict[str, Step]:
    """The operations in tinygrad's words."""
    from tinygrad import Tensor

    w, mask, labels = Tensor(W).realize(), Tensor(W > 1).realize(), Tensor(LABELS).realize()
    return {
        "add": lambda x: x + w,
        "mul": lambda x: x * w,
        "div": lambda x: x / w,
        "exp": lambda x: x.exp(),
        "tanh": lambda x: x.tanh(),
        "relu": lambda x: x.relu(),
        "sum": lambda x: x.sum(0, keepdim=True),
        "mean": lambda x: x.mean(0, keepdim=True),
        "matmul": lambda x: x @ w,
        "slice": lambda x: x[1:],
        "reshape": lambda x: x.reshape(x.shape[1], x.shape[0]),
        "where": lambda x: mask.where(x, w),
        "max": lambda x: x.max(1, keepdim=True),
        "softmax": lambda x: x.softmax(1),
        "cross_entropy": lambda x: x * x.cross_entropy(labels),
    }


def autograd_steps() -> dict[str, Step]:
    """The operations in HIPS/autograd's words, which are NumPy's."""
    import autograd.numpy as anp
    from autograd.scipy.special import logsumexp

    mask, rows = W > 1, np.arange(4)

    def softmax(x: Any) -> Any:
        e = anp.exp(x - anp.max(x, axis=1, keepdims=True))
        return e / anp.sum(e, axis=1, keepdims=True)

    return {
        "add": lambda x: x + W,
        "mul": lambda x: x * W,
        "div": lambda x: x / W,
        "exp": anp.exp,
        "tanh": anp.tanh,
        "relu": lambda x: anp.maximum(x, 0),
        "sum": lambda x: anp.sum(x, axis=0, keepdims=True),
        "mean": lambda x: anp.mean(x, axis=0, keepdims=True),
        "matmul": lambda x: anp.dot(x, W),
        "slice": lambda x: x[1:],
        "reshape": lambda x: anp.reshape(x, x.shape[::-1]),
        "where": lambda x: anp.where(mask, x, W),
        "max": lambda x: anp.max(x, axis=1, keepdims=True),
        "softmax": softmax,
        "cross_entropy": lambda x: x * anp.mean(logsumexp(x, axis=1) - x[rows, LABELS]),
    }


# --- forward and backward in each library: functions of an operation and a length that return what is timed -----------
def _graph(lib: Any, step: Step, start: np.ndarray, length: int) -> Callable[[], np.ndarray]:
    x = lib.tensor(start)
    x.requires_grad_()
    y = x
    for _ in range(length):
        y = step(y)
    seed = lib.tensor(np.ones(tuple(y.shape), np.float32))

    def run() -> np.ndarray:
        y = x
        for _ in range(length):
            y = step(y)
        y.backward(seed)
        gradient = x.grad
        x.grad = None
        return gradient  # type: ignore[no-any-return]

    return run


def _autograd(step: Step, start: np.ndarray, length: int) -> Callable[[], np.ndarray]:
    from autograd import make_vjp

    def chain(x: Any) -> Any:
        for _ in range(length):
            x = step(x)
        return x

    seed = np.ones_like(chain(start))
    return lambda: make_vjp(chain)(start)[0](seed)


def _tinygrad(step: Step, start: np.ndarray, length: int) -> Callable[[], np.ndarray]:
    from tinygrad import Tensor

    x = Tensor(start).realize()

    def chain() -> Any:
        y = x
        for _ in range(length):
            y = step(y)
        return y

    seed = Tensor(np.ones(chain().shape, np.float32)).realize()

    def run() -> np.ndarray:
        y = chain()
        y.backward(seed)
        gradient = x.grad
        Tensor.realize(y, gradient)
        x.grad = None
        return gradient  # type: ignore[no-any-return]

    return run


def can_tinygrad() -> str | None:
    """Make tinygrad's CPU device usable and return None, or say why it is not.

    It wants clang, for its kernels and for a few helpers. Without one it makes the kernels by its own x86
    assembler, and the machine's C compiler can make the helpers once the one option that only clang knows is left out.
    """
    if importlib.util.find_spec("tinygrad") is None:
        return "not installed: pip install 'gradwright[bench]'"
    if shutil.which("clang"):
        os.environ.setdefault("DEV", "CPU")
        return None
    if shutil.which("cc") is None:
        return "its CPU device needs clang, which is not here"
    stand_in = Path(tempfile.mkdtemp(prefix="bench-")) / "clang"
    stand_in.write_text(
        "#!/bin/sh\nout=$(mktemp)\n"
        "cc -c -x c -O2 -fPIC -ffreestanding -fno-math-errno -nostdlib -fno-ident -march=native - -o $out && cat $out\n"
        "code=$?\nrm -f $out\nexit $code\n"
    )
    stand_in.chmod(0o755)
    os.environ.setdefault("CC", str(stand_in))
    os.environ.setdefault("DEV", "CPU:X86")
    return None


def section(rounds: int) -> list[str]:
    """Measure, and return the section's lines."""
    import torch

    import gradwright

    threads = torch.get_num_threads()
    has_autograd = importlib.util.find_spec("autograd") is not None
    ours, theirs, hips = torch_like(gradwright), torch_like(torch), autograd_steps() if has_autograd else {}
    if not hasattr(gradwright, "max"):
        ours["max"] = theirs["max"] = lambda x: x.amax(1, keepdim=True)
    best: dict[tuple[int, str], dict[str, float]] = {}
    gradients = {}
    for length, name in product((1, LENGTH), NAMES):
        start = STARTS.get(name, X)
        run = _graph(torch, theirs[name], start, length)
        runs = {
            OURS: _graph(gradwright, ours[name], start, length),
            TORCH_1: _with_threads(torch, run, 1),
            TORCH: _with_threads(torch, run, threads),
        }
        if has_autograd:
            runs[HIPS] = _autograd(hips[name], start, length)
        gradients[length, name] = _same({who: run() for who, run in runs.items()}, name)
        # the best of many short bursts: whatever else the machine does only ever adds
        best[length, name] = {who: min(values) for who, values in alternate(runs, rounds).items()}
        print(f"    {name} × {length}: {_shown(best[length, name], length)}", flush=True)
    torch.set_num_threads(threads)
    why_not = can_tinygrad()
    if why_not is None:  # after all others, for its threads would disturb them
        steps = tinygrad_steps()
        for length, name in best:
            if length > 1 and name not in CHAINED_IN_TINYGRAD:
                continue
            run = _tinygrad(steps[name], STARTS.get(name, X), length)
            _same({TORCH: gradients[length, name], TINY: run()}, name)
            best[length, name][TINY] = min(alternate({TINY: run}, 3)[TINY])
            print(f"    {name} × {length}: {_shown(best[length, name], length)}", flush=True)
    lines = [
        "## Eager overhead of an operation",
        "",
        "Forward and backward on arrays of 16 numbers (slice: 120) in float32: microseconds, a chain's per operation, "
        f"the best of {rounds} short bursts (tinygrad: of 3). Asked: at most {LIMIT:g} times PyTorch's time (the "
        f"better of 1 thread and its default, {threads}), and faster than HIPS/autograd and tinygrad. Cross-entropy is "
        "multiplied to its input, so that it can be chained.",
    ]
    lines += ["", "HIPS/autograd: not installed: pip install 'gradwright[bench]'."] * (not has_autograd)
    lines += ["", f"tinygrad: {why_not}."] * (why_not is not None)
    for length, title in ((1, "One operation and its backward"), (LENGTH, f"A chain of {LENGTH} and its backward")):
        lines += ["", f"### {title}", "", *_table({name: best[length, name] for name in NAMES}, length)]
    return lines


def _table(best: dict[str, dict[str, float]], length: int) -> list[str]:
    names = [who for who in (OURS, TORCH_1, TORCH, HIPS, TINY) if any(who in times for times in best.values())]
    rows, against, faster = [], [], []
    for name, times in best.items():
        against.append(times[OURS] / min(times[TORCH_1], times[TORCH]))
        faster.append(min([times[who] / times[OURS] for who in (HIPS, TINY) if who in times], default=np.inf))
        shown = [f"{times[who] / length * 1e6:,.1f}" if who in times else "" for who in names]
        rows.append([name, *shown, f"{against[-1]:.2f}×", said(against[-1] <= LIMIT and faster[-1] > 1)])
    return [
        *table(["operation", *names, "of PyTorch's time", "asked"], rows),
        "",
        f"- of PyTorch's time: median **{statistics.median(against):.2f}**, at most **{max(against):.2f}**, asked "
        f"{LIMIT:g}: {said(max(against) <= LIMIT)}",
        f"- faster than HIPS/autograd and tinygrad at least **{min(faster):.2f} times**: {said(min(faster) > 1)}",
    ]


def _shown(times: dict[str, float], length: int) -> str:
    return ", ".join(f"{who} {seconds / length * 1e6:.1f}" for who, seconds in times.items())


def _with_threads(torch: Any, run: Callable[[], Any], threads: int) -> Callable[[], Any]:
    def inside() -> Any:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        return run()

    return inside


def _same(gradients: dict[str, Any], name: str) -> np.ndarray:
    """Refuse to compare libraries that compute different things; return PyTorch's gradient."""
    found = {who: g if isinstance(g, np.ndarray) else g.numpy() for who, g in gradients.items()}
    for who, g in found.items():
        if not np.allclose(g, found[TORCH], rtol=1e-3, atol=1e-5, equal_nan=True):
            raise SystemExit(f"overhead, {name}: {who} has another gradient than PyTorch:\n{g}\n{found[TORCH]}")
    return np.array(found[TORCH])


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        print("\n".join(section(int(sys.argv[1]) if len(sys.argv) > 1 else 30)))
