"""Compiled gradients: ours against ``jax.grad`` of the same formulas under ``jit``, and against PyTorch eager.

Both programs are given the same parameters and batch and return the loss and all gradients. Measured twice: the whole
call from Python, and the program alone, called as XLA's executable with its inputs in place.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from asked import alternate, quartiles, ratios, said, table

Params = dict[str, np.ndarray]

NOISE = 1.03  # what two copies of one program differ by in such medians


# --- the networks, in words that gradwright and torch share, and in JAX's ---------------------------------------------
def mlp(lib: Any, p: Mapping[str, Any], x: Any, y: Any) -> Any:
    """Return the loss of three layers with ReLU."""
    x = lib.relu(x @ p["w1"] + p["b1"])
    x = lib.relu(x @ p["w2"] + p["b2"])
    return lib.nn.functional.cross_entropy(x @ p["w3"] + p["b3"], y)


def attention(lib: Any, p: Mapping[str, Any], x: Any, y: Any) -> Any:
    """Return the loss of two pre-norm transformer blocks of four heads over 32 places, written out."""
    batch, places, width = x.shape
    heads = 4

    def norm(x: Any, w: Any, b: Any) -> Any:
        centred = x - x.mean(-1, keepdim=True)
        return centred / lib.sqrt((centred * centred).mean(-1, keepdim=True) + 1e-5) * w + b

    def split(x: Any) -> Any:
        return x.reshape(batch, places, heads, width // heads).transpose(1, 2)

    for i in "12":
        h = norm(x, p["n" + i], p["m" + i])
        q, k, v = split(h @ p["q" + i]), split(h @ p["k" + i]), split(h @ p["v" + i])
        weights = lib.softmax(q @ k.transpose(2, 3) / math.sqrt(width // heads), -1)
        x = x + (weights @ v).transpose(1, 2).reshape(batch, places, width) @ p["o" + i]
        h = norm(x, p["s" + i], p["t" + i])
        x = x + lib.relu(h @ p["u" + i]) @ p["d" + i]
    return lib.nn.functional.cross_entropy(x.mean(1) @ p["w"], y)


def jax_mlp(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    """The same as :func:`mlp`, as a user of JAX writes it."""
    import jax

    x = jax.nn.relu(x @ p["w1"] + p["b1"])
    x = jax.nn.relu(x @ p["w2"] + p["b2"])
    return _jax_entropy(x @ p["w3"] + p["b3"], y)


def jax_attention(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    """The same as :func:`attention`, as a user of JAX writes it."""
    import jax
    import jax.numpy as jnp

    batch, places, width = x.shape
    heads = 4

    def norm(x: Any, w: Any, b: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / jnp.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * w + b

    def split(x: Any) -> Any:
        return x.reshape(batch, places, heads, width // heads).transpose(0, 2, 1, 3)

    for i in "12":
        h = norm(x, p["n" + i], p["m" + i])
        q, k, v = split(h @ p["q" + i]), split(h @ p["k" + i]), split(h @ p["v" + i])
        weights = jax.nn.softmax(q @ k.transpose(0, 1, 3, 2) / math.sqrt(width // heads), -1)
        x = x + (weights @ v).transpose(0, 2, 1, 3).reshape(batch, places, width) @ p["o" + i]
        h = norm(x, p["s" + i], p["t" + i])
        x = x + jax.nn.relu(h @ p["u" + i]) @ p["d" + i]
    return _jax_entropy(x.mean(1) @ p["w"], y)


def _jax_entropy(logits: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


def draw_mlp() -> tuple[Params, np.ndarray, np.ndarray]:
    """Return parameters and a batch: 256-256-256-10, 128 rows."""
    rng = np.random.default_rng(0)
    p: Params = {}
    for i, (a, b) in enumerate(((256, 256), (256, 256), (256, 10)), 1):
        p[f"w{i}"], p[f"b{i}"] = _normal(rng, a, b), np.zeros(b, np.float32)
    return p, rng.standard_normal((128, 256)).astype(np.float32), rng.integers(0, 10, 128)


def draw_attention() -> tuple[Params, np.ndarray, np.ndarray]:
    """Return parameters and a batch: width 64, 16 sequences of 32 places."""
    rng, width = np.random.default_rng(0), 64
    p: Params = {"w": _normal(rng, width, 10)}
    for i in "12":
        p |= {name + i: np.ones(width, np.float32) for name in "ns"}
        p |= {name + i: np.zeros(width, np.float32) for name in "mt"}
        p |= {name + i: _normal(rng, width, width) for name in "qkvo"}
        p |= {"u" + i: _normal(rng, width, 4 * width), "d" + i: _normal(rng, 4 * width, width)}
    return p, rng.standard_normal((16, 32, width)).astype(np.float32), rng.integers(0, 10, 16)


def _normal(rng: np.random.Generator, a: int, b: int) -> np.ndarray:
    return (rng.standard_normal((a, b)) / math.sqrt(a)).astype(np.float32)


# --- runs: what is timed; each returns the loss and the gradients -----------------------------------------------------
def gradwright_run(network: Callable[..., Any], p: Params, x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    """Return our compiled call, and our program alone."""
    import gradwright as gw
    from gradwright.compile import place

    held = {name: gw.nn.Parameter(gw.tensor(w)) for name, w in p.items()}
    parameters = list(held.values())

    def gradients(x: Any, y: Any) -> Any:
        loss = network(gw, held, x, y)
        return loss, *gw.autograd.grad(loss, parameters)

    step = gw.compile(gradients, state=parameters)
    batch = place(x, y)

    def call() -> list[Any]:
        return [_wait(t._array) for t in step(*batch)]

    call()
    (executable,) = step._compiled.values()
    job = step._call_job(batch, {})
    inputs = (*step._state(job), *job.inputs)
    return call, lambda: [_wait(a) for a in executable(*inputs)[1]]


def jax_run(network: Callable[..., Any], p: Params, x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    """Return JAX's compiled call, and its program alone, compiled with its own defaults."""
    import jax
    import jax.numpy as jnp

    held = {name: jnp.asarray(w) for name, w in p.items()}
    batch = jnp.asarray(x), jnp.asarray(y, jnp.int32)
    jitted = jax.jit(jax.value_and_grad(network))
    executable = jitted.lower(held, *batch).compile()

    def run(function: Any) -> list[Any]:
        loss, grads = function(held, *batch)
        return [_wait(loss), *[_wait(grads[name]) for name in held]]

    return lambda: run(jitted), lambda: run(executable)


def torch_run(network: Callable[..., Any], p: Params, x: np.ndarray, y: np.ndarray) -> Callable[[], list[Any]]:
    """Return PyTorch's eager run."""
    import torch

    held = {name: torch.tensor(w, requires_grad=True) for name, w in p.items()}
    batch = torch.from_numpy(x), torch.from_numpy(y)

    def run() -> list[Any]:
        torch.set_num_threads(1)
        loss = network(torch, held, *batch)
        return [loss.detach(), *torch.autograd.grad(loss, list(held.values()))]

    return run


def _wait(array: Any) -> Any:
    return array.block_until_ready()


NETWORKS: list[tuple[str, Any, Any, Any]] = [
    ("MLP 256-256-256-10, batch 128", mlp, jax_mlp, draw_mlp),
    ("two attention blocks, width 64, 16 × 32", attention, jax_attention, draw_attention),
]


def section(rounds: int) -> list[str]:
    """Measure, and return the section's lines."""
    lines = [
        "## Compiled gradients",
        "",
        f"Loss and all gradients in float32; medians of {rounds} alternating rounds. Asked: never slower than "
        f"`jax.grad` under `jit` of the same formulas; within {NOISE:g} counts as noise. The program alone is "
        "XLA's executable called with its inputs in place; the whole call is what a user writes.",
        "",
    ]
    import torch

    threads = torch.get_num_threads()
    rows = []
    for title, ours, theirs, draw in NETWORKS:
        p, x, y = draw()
        call, program = gradwright_run(ours, p, x, y)
        jax_call, jax_program = jax_run(theirs, p, x, y)
        runs = {
            "call": call,
            "jax call": jax_call,
            "program": program,
            "jax program": jax_program,
            "torch": torch_run(ours, p, x, y),
        }
        _same(title, {name: run() for name, run in runs.items()})
        seconds = alternate(runs, rounds, burst=2e-3)
        for what, mine, other in (("program alone", "program", "jax program"), ("whole call", "call", "jax call")):
            low, middle, high = quartiles(ratios(seconds[mine], seconds[other]))
            shown = [f"{quartiles(seconds[name])[1] * 1e6:,.0f}" for name in (mine, other, "torch")]
            quarter = f"{low:.2f} **{middle:.2f}** {high:.2f}"
            rows.append([f"{title}: {what}", *shown, quarter, said(middle <= NOISE)])
            print(f"    {rows[-1]}", flush=True)
    torch.set_num_threads(threads)
    heads = ["µs", "Gradwright", "jax.grad", "PyTorch eager, 1 thread", "of JAX's time: quartiles, **median**", "asked"]
    return [*lines, *table(heads, rows)]


def _same(title: str, results: dict[str, list[Any]]) -> None:
    """Refuse to compare programs that compute different things."""
    reference = [np.asarray(a) for a in results["torch"]]
    for name, found in results.items():
        for a, b in zip(found, reference, strict=True):
            if not np.allclose(np.asarray(a), b, rtol=1e-3, atol=1e-5):
                raise SystemExit(f"{title}: {name} computes something else than PyTorch")


if __name__ == "__main__":
    print("\n".join(section(int(sys.argv[1]) if len(sys.argv) > 1 else 60)))
