"""Measure a step of a small convolutional network side by side: ``python benchmarks/cnn.py``.

Two convolutions 3×3 (1 → 16 → 32 channels, padding 1), each with ReLU and 2×2 max pooling, a linear head,
cross-entropy, SGD; batches of 128 images 28×28, float32. Everybody starts from the same weights and must report the
same losses. Rounds alternate. Besides the time on the clock stands the processors' time, which other programs on the
machine disturb less.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from asked import said

BATCH, SIZE, STEPS, LR = 128, 28, 8, 0.01
Round = Callable[[], np.ndarray]


def make_work(seed: int = 0) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return weights as PyTorch draws them, images (steps, batch, 1, 28, 28), and labels."""
    rng = np.random.default_rng(seed)
    shapes = [(16, 1, 3, 3), (16,), (32, 16, 3, 3), (32,), (10, 32 * 49), (10,)]
    fans = [9, 9, 144, 144, 32 * 49, 32 * 49]
    weights = [rng.uniform(-1, 1, s).astype(np.float32) / np.sqrt(f) for s, f in zip(shapes, fans, strict=True)]
    x = rng.standard_normal((STEPS, BATCH, 1, SIZE, SIZE)).astype(np.float32)
    return [w.astype(np.float32) for w in weights], x, rng.integers(0, 10, (STEPS, BATCH))


WEIGHTS, X, Y = make_work()


# --- Gradwright ---
def _gradwright() -> Callable[..., Any]:
    import gradwright as gw
    from gradwright import optim
    from gradwright.nn import functional as F
    from gradwright.nn.functional.convolution import conv2d
    from gradwright.nn.functional.pooling import max_pool2d

    p = [gw.Parameter(gw.tensor(w)) for w in WEIGHTS]
    rule = optim.SGD(p, lr=LR)

    def step(x: Any, y: Any) -> Any:
        rule.zero_grad()
        h = max_pool2d(conv2d(x, p[0], p[1], padding=1).relu(), 2)
        h = max_pool2d(conv2d(h, p[2], p[3], padding=1).relu(), 2)
        loss = F.cross_entropy(F.linear(h.reshape(BATCH, -1), p[4], p[5]), y)
        loss.backward()
        rule.step()
        return loss

    return step


def gradwright_epoch() -> Round:
    """An epoch of steps as one program."""
    import gradwright as gw
    from gradwright.compile import place

    step = gw.compile(_gradwright())
    x, y = place(X, Y)
    return lambda: step.scan(x, y).numpy()


def gradwright_stepwise() -> Round:
    """One compiled program a step."""
    import gradwright as gw
    from gradwright.compile import place

    step = gw.compile(_gradwright())
    batches = [place(x, y) for x, y in zip(X, Y, strict=True)]
    return lambda: np.array([loss.item() for loss in [step(x, y) for x, y in batches]])


def gradwright_eager() -> Round:
    """The same step on NumPy."""
    import gradwright as gw

    step = _gradwright()
    batches = [(gw.tensor(x), gw.tensor(y)) for x, y in zip(X, Y, strict=True)]
    return lambda: np.array([step(x, y).item() for x, y in batches])


# --- JAX's own gradients ---
def _jax(last: bool, reshaped: bool) -> tuple[Any, list[Any]]:
    import jax
    import jax.numpy as jnp
    from jax import lax

    layout = ("NHWC", "HWIO", "NHWC") if last else ("NCHW", "OIHW", "NCHW")
    spatial = (1, 2) if last else (2, 3)

    def pool(x: Any) -> Any:
        if reshaped:
            split = [v for i, n in enumerate(x.shape) for v in ((n // 2, 2) if i in spatial else (n,))]
            return x.reshape(split).max((spatial[0] + 1, spatial[1] + 2))
        sizes = tuple(2 if i in spatial else 1 for i in range(4))
        return lax.reduce_window(x, -jnp.inf, lax.max, sizes, sizes, "VALID")

    def loss_of(p: Any, x: Any, y: Any) -> Any:
        h = x.transpose(0, 2, 3, 1) if last else x
        for w, b in ((p[0], p[1]), (p[2], p[3])):
            w = w.transpose(2, 3, 1, 0) if last else w
            h = lax.conv_general_dilated(h, w, (1, 1), ((1, 1), (1, 1)), dimension_numbers=layout)
            h = pool(jax.nn.relu(h + (b if last else b[:, None, None])))
        h = h.transpose(0, 3, 1, 2) if last else h
        z = h.reshape(BATCH, -1) @ p[4].T + p[5]
        return (jax.nn.logsumexp(z, -1) - jnp.take_along_axis(z, y[:, None], 1)[:, 0]).mean()

    def step(p: Any, batch: Any) -> Any:
        loss, g = jax.value_and_grad(loss_of)(p, *batch)
        return [a - LR * b for a, b in zip(p, g, strict=True)], loss

    return step, [jnp.asarray(w) for w in WEIGHTS]


def jax_stepwise(last: bool, reshaped: bool) -> Callable[[], Round]:
    """``jax.grad`` under ``jit``, parameters donated."""

    def make() -> Round:
        import jax
        import jax.numpy as jnp

        step, p = _jax(last, reshaped)
        jitted = jax.jit(step, donate_argnums=0)
        batches = [(jnp.asarray(x), jnp.asarray(y, jnp.int32)) for x, y in zip(X, Y, strict=True)]

        def run() -> np.ndarray:
            nonlocal p
            losses = []
            for batch in batches:
                p, loss = jitted(p, batch)
                losses.append(loss)
            return np.array([float(loss) for loss in losses])

        return run

    return make


def jax_epoch() -> Round:
    """``jax.grad`` in ``lax.scan``, channels last, pooling by reshape."""
    import jax
    import jax.numpy as jnp

    step, p = _jax(last=True, reshaped=True)
    jitted = jax.jit(lambda p, data: jax.lax.scan(step, p, data), donate_argnums=0)
    data = (jnp.asarray(X), jnp.asarray(Y, jnp.int32))

    def run() -> np.ndarray:
        nonlocal p
        p, losses = jitted(p, data)
        return np.asarray(losses)

    return run


# --- PyTorch ---
def pytorch(channels_last: bool, threads: int) -> Callable[[], Round]:
    """PyTorch eager."""

    def make() -> Round:
        import torch
        import torch.nn.functional as T

        form = torch.channels_last if channels_last else torch.contiguous_format
        p = [torch.tensor(w) for w in WEIGHTS]
        p = [(w.to(memory_format=form) if w.ndim == 4 else w).requires_grad_() for w in p]
        rule = torch.optim.SGD(p, lr=LR, fused=True)
        xs = [torch.tensor(x).to(memory_format=form) for x in X]
        ys = list(torch.tensor(Y))

        def run() -> np.ndarray:
            torch.set_num_threads(threads)
            losses = []
            for x, y in zip(xs, ys, strict=True):
                rule.zero_grad()
                h = T.max_pool2d(T.relu(T.conv2d(x, p[0], p[1], padding=1)), 2)
                h = T.max_pool2d(T.relu(T.conv2d(h, p[2], p[3], padding=1)), 2)
                loss = T.cross_entropy(T.linear(h.flatten(1), p[4], p[5]), y)
                loss.backward()
                rule.step()
                losses.append(loss.detach())
            return torch.stack(losses).numpy()

        return run

    return make


OURS = "Gradwright compiled (one program a step)"
CONTENDERS: dict[str, Callable[[], Round]] = {
    OURS: gradwright_stepwise,
    "Gradwright compiled (an epoch is one program)": gradwright_epoch,
    "Gradwright eager (NumPy)": gradwright_eager,
    "jax.grad, NCHW, reduce_window": jax_stepwise(last=False, reshaped=False),
    "jax.grad, NHWC, reduce_window": jax_stepwise(last=True, reshaped=False),
    "jax.grad, NHWC, pooling by reshape": jax_stepwise(last=True, reshaped=True),
    "jax.grad, NHWC, pooling by reshape, in lax.scan": jax_epoch,
    "PyTorch eager, 1 thread": pytorch(False, 1),
    "PyTorch eager, 2 threads": pytorch(False, 2),
    "PyTorch eager, channels last, 1 thread": pytorch(True, 1),
    "PyTorch eager, channels last, 2 threads": pytorch(True, 2),
}


def section(rounds: int, only: list[str] | None = None) -> list[str]:
    """Measure and return the table; ours against each contender, by the clock and by the processors' time."""
    chosen = [n for n in CONTENDERS if n == OURS or not only or any(part in n for part in only)]
    runs = {name: CONTENDERS[name]() for name in chosen}
    curves = {name: np.asarray(run(), np.float64) for name, run in runs.items()}  # compiles and warms up
    for name, curve in curves.items():
        worst = float(np.max(np.abs(curve - curves[OURS]) / curves[OURS]))
        if worst > 1e-4:
            raise SystemExit(f"{name} computes something else: its losses differ by {worst:.2g}")
    wall: dict[str, list[float]] = {name: [] for name in chosen}
    busy: dict[str, list[float]] = {name: [] for name in chosen}
    for k in range(rounds):
        for name in chosen[k % len(chosen) :] + chosen[: k % len(chosen)]:
            time.sleep(0.1)  # idle threads of the one before spin for a while
            started, worked = time.perf_counter(), time.process_time()
            runs[name]()
            wall[name].append((time.perf_counter() - started) / STEPS)
            busy[name].append((time.process_time() - worked) / STEPS)

    def share(seconds: dict[str, list[float]], name: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[OURS], seconds[name], strict=True))

    lines = [
        "## A small convolutional network",
        "",
        "Two 3×3 convolutions, max pools, batch 128, 28×28, float32. Asked: at most 0.6 of `jax.grad`'s time.",
        "",
        "| who | ms a step | ours takes | processors' ms | ours takes |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in chosen:
        cells = [f"{statistics.median(s[name]) * 1e3:,.1f} | {share(s, name):.2f}" for s in (wall, busy)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    straight = [n for n in chosen if "reduce_window" in n]
    if straight:
        worst = max(share(wall, n) for n in straight)
        lines += ["", f"- of `jax.grad`'s time, the better layout: **{worst:.2f}**, asked 0.6: {said(worst <= 0.6)}"]
    return lines


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds, at least 5")
    parser.add_argument("--only", nargs="*", help="parts of the names of those to measure; ours always is")
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error("a median of fewer than 5 rounds says little")
    print("\n".join(section(options.rounds, options.only)))


if __name__ == "__main__":
    main()
