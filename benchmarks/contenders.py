"""The libraries that train the same network: each a function of rounds that returns the losses of its steps."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Round = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Work:
    """What everybody does: this network, these weights, these batches, this update rule, in float32."""

    sizes: tuple[int, ...]
    weights: list[tuple[np.ndarray, np.ndarray]]  # (out, in) and (out,)
    x: np.ndarray  # (steps, batch, features)
    y: np.ndarray  # (steps, batch)
    rule: str  # "adam" or "sgd" (momentum 0.9)
    lr: float

    @property
    def steps(self) -> int:
        return len(self.x)


def make_work(sizes: tuple[int, ...], batch: int, steps: int, rule: str, seed: int = 0) -> Work:
    """Draw weights as PyTorch does and data in which there is something to learn."""
    rng = np.random.default_rng(seed)
    weights = []
    for a, b in pairwise(sizes):
        bound = 1 / np.sqrt(a)
        weights.append(
            (rng.uniform(-bound, bound, (b, a)).astype(np.float32), rng.uniform(-bound, bound, b).astype(np.float32))
        )
    x = rng.standard_normal((steps, batch, sizes[0])).astype(np.float32)
    y = (x @ rng.standard_normal((sizes[0], sizes[-1])).astype(np.float32)).argmax(-1)
    return Work(sizes, weights, x, y, rule, 1e-3 if rule == "adam" else 1e-2)


# --- Gradwright ---
def _gradwright(work: Work) -> Callable[..., Any]:
    from gradwright import nn, optim

    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(work.sizes)):
        layers += [nn.Linear(a, b)] if i == len(work.sizes) - 2 else [nn.Linear(a, b), nn.ReLU()]
    model = nn.Sequential(*layers)
    names = [name for name, _ in model.named_parameters()]
    model.load_state_dict(dict(zip(names, [t for pair in work.weights for t in pair], strict=True)))
    criterion = nn.CrossEntropyLoss()
    rule: optim.Optimizer
    if work.rule == "adam":
        rule = optim.Adam(model.parameters(), lr=work.lr)
    else:
        rule = optim.SGD(model.parameters(), lr=work.lr, momentum=0.9)

    def step(x: Any, y: Any) -> Any:
        rule.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        rule.step()
        return loss

    return step


def gradwright_compiled(work: Work) -> Round:
    """An epoch of steps as one program."""
    import gradwright as gw
    from gradwright.compile import place

    step = gw.compile(_gradwright(work))
    x, y = place(work.x, work.y)
    return lambda: step.scan(x, y).numpy()


def gradwright_stepwise(work: Work) -> Round:
    """One compiled program a step, called from Python."""
    import gradwright as gw
    from gradwright.compile import place

    step = gw.compile(_gradwright(work))
    batches = [place(x, y) for x, y in zip(work.x, work.y, strict=True)]

    def run() -> np.ndarray:
        losses = [step(x, y) for x, y in batches]
        return np.array([loss.item() for loss in losses])

    return run


def gradwright_eager(work: Work) -> Round:
    """The same step on NumPy."""
    import gradwright as gw

    step = _gradwright(work)
    xs, ys = [gw.tensor(x) for x in work.x], [gw.tensor(y) for y in work.y]
    return lambda: np.array([step(x, y).item() for x, y in zip(xs, ys, strict=True)])


# --- PyTorch ---
def _torch(work: Work, compiled: bool, threads: int) -> Round:
    import torch

    layers: list[Any] = []
    for i, (a, b) in enumerate(pairwise(work.sizes)):
        layers += [torch.nn.Linear(a, b)] if i == len(work.sizes) - 2 else [torch.nn.Linear(a, b), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers)
    with torch.no_grad():
        for p, w in zip(model.parameters(), [t for pair in work.weights for t in pair], strict=True):
            p.copy_(torch.from_numpy(w))
    criterion = torch.nn.CrossEntropyLoss()
    if work.rule == "adam":
        rule: Any = torch.optim.Adam(model.parameters(), lr=work.lr, fused=True)
    else:
        rule = torch.optim.SGD(model.parameters(), lr=work.lr, momentum=0.9, fused=True)

    def step(x: Any, y: Any) -> Any:
        rule.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        rule.step()
        return loss.detach()

    run_step = torch.compile(step) if compiled else step
    xs, ys = list(torch.from_numpy(work.x)), list(torch.from_numpy(work.y))

    def run() -> np.ndarray:
        torch.set_num_threads(threads)
        losses = [run_step(x, y) for x, y in zip(xs, ys, strict=True)]
        return torch.stack(losses).numpy()

    return run


def torch_eager_1(work: Work) -> Round:
    """PyTorch, fused optimizer, one thread."""
    return _torch(work, False, 1)


def torch_eager_2(work: Work) -> Round:
    """PyTorch, fused optimizer, two threads."""
    return _torch(work, False, 2)


def torch_compiled(work: Work) -> Round:
    """``torch.compile`` of the whole step."""
    warnings.filterwarnings("ignore", module="torch")
    return _torch(work, True, 2)


# --- JAX with Optax ---
def _optax(work: Work) -> tuple[Any, Any]:
    import jax
    import jax.numpy as jnp
    import optax

    rule = optax.adam(work.lr) if work.rule == "adam" else optax.sgd(work.lr, momentum=0.9)

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        for i, (w, b) in enumerate(params):
            x = x @ w.T + b
            if i < len(params) - 1:
                x = jax.nn.relu(x)
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    def step(carry: Any, batch: Any) -> Any:
        params, state = carry
        loss, grads = jax.value_and_grad(loss_of)(params, *batch)
        updates, state = rule.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), loss

    params = [(jnp.asarray(w), jnp.asarray(b)) for w, b in work.weights]
    return step, (params, rule.init(params))


def optax_step(work: Work) -> Round:
    """JAX with Optax: one jitted step with donated state, called from Python."""
    import jax
    import jax.numpy as jnp

    step, carry = _optax(work)
    jitted = jax.jit(step, donate_argnums=0)
    batches = [(jnp.asarray(x), jnp.asarray(y, jnp.int32)) for x, y in zip(work.x, work.y, strict=True)]

    def run() -> np.ndarray:
        nonlocal carry
        losses = []
        for batch in batches:
            carry, loss = jitted(carry, batch)
            losses.append(loss)
        return np.array([float(loss) for loss in losses])

    return run


def optax_scan(work: Work) -> Round:
    """JAX with Optax: the same step under ``lax.scan``, the way a JAX expert would write it."""
    import jax
    import jax.numpy as jnp

    step, carry = _optax(work)
    jitted = jax.jit(lambda c, xy: jax.lax.scan(step, c, xy), donate_argnums=0)
    data = (jnp.asarray(work.x), jnp.asarray(work.y, jnp.int32))

    def run() -> np.ndarray:
        nonlocal carry
        carry, losses = jitted(carry, data)
        return np.asarray(losses)

    return run


# --- scikit-learn ---
def sklearn_mlp(work: Work) -> Round:
    """scikit-learn's ``MLPClassifier``, an epoch by ``partial_fit``; it reports only the epoch's mean loss."""
    from sklearn.neural_network import MLPClassifier

    x = work.x.reshape(-1, work.sizes[0])
    y = work.y.reshape(-1)
    rule = (
        {"solver": "adam"} if work.rule == "adam" else {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False}
    )
    model = MLPClassifier(
        work.sizes[1:-1], batch_size=work.x.shape[1], learning_rate_init=work.lr, alpha=0, shuffle=False, **rule
    )
    model.partial_fit(x[: work.x.shape[1]], y[: work.x.shape[1]], classes=np.arange(work.sizes[-1]))
    model.coefs_ = [w.T.copy() for w, _ in work.weights]
    model.intercepts_ = [b.copy() for _, b in work.weights]
    del model._optimizer  # its averages have seen the warm-up batch
    model.t_ = 0

    def run() -> np.ndarray:
        # a new optimizer is made when the old one is gone; keep it from the second round on
        if not hasattr(model, "_optimizer"):
            from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

            params = model.coefs_ + model.intercepts_
            if work.rule == "adam":
                model._optimizer = AdamOptimizer(params, work.lr)
            else:
                model._optimizer = SGDOptimizer(params, work.lr, "constant", 0.9, False)
        model.partial_fit(x, y)
        return np.array([model.loss_])

    return run
