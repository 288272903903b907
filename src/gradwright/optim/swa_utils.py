"""Averages of weights over training, under the names of ``torch.optim.swa_utils``.

Modules are known here by what they answer to (``parameters``, ``buffers``, ``state_dict``, …), not by their class.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.base import settle
from gradwright.engine.mode import no_grad
from gradwright.engine.state import Lift, Stateful
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, StateError
from gradwright.optim.lr_scheduler.swa import SWALR

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


class _Average(Stateful):
    """A rule for averaging whose decay is a number that a compiled step lifts."""

    hyperparameters: ClassVar[tuple[str, ...]] = ()

    def mean(self, averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        """Return the new average of one tensor."""
        raise NotImplementedError

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show the numbers."""
        for key in self.hyperparameters:
            lift.number(f"{path}.{key}", vars(self), key, zero_means_off=False)

    def each(self, averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        """Return the new average, for ``avg_fn``."""
        with no_grad():
            return self.mean(averaged, current, num_averaged)

    def all(self, averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:
        """Put the new averages in the place of the old ones, for ``multi_avg_fn``."""
        with no_grad():
            for a, c in zip(averaged, current, strict=True):
                a._set(settle(self.mean(a, c, num_averaged)).astype(a.dtype))


class _Exponential(_Average):
    hyperparameters: ClassVar[tuple[str, ...]] = ("decay",)

    def __init__(self, decay: float) -> None:
        if not 0 <= decay <= 1:
            raise ConfigError(f"an exponential average's decay must be from 0 to 1, got {decay!r}")
        self.decay: Any = decay

    def mean(self, averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return averaged * self.decay + current * (1 - self.decay)


class _Equal(_Average):
    def mean(self, averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return averaged + (current - averaged) / (num_averaged + 1)


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """Return the ``multi_avg_fn`` of an exponential moving average: a ← δa + (1 - δ)θ.

    Parameters
    ----------
    decay : float in [0, 1]
        δ. A number that compiled steps lift: each member of a population may have its own.
    """
    return _Exponential(decay).all


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Tensor]:
    """Return the ``avg_fn`` of an exponential moving average; see :func:`get_ema_multi_avg_fn`."""
    return _Exponential(decay).each


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """Return the ``multi_avg_fn`` of stochastic weight averaging: a ← a + (θ - a) / (n + 1), the mean so far."""
    return _Equal().all


def get_swa_avg_fn() -> Callable[..., Tensor]:
    """Return the ``avg_fn`` of stochastic weight averaging; see :func:`get_swa_multi_avg_fn`."""
    return _Equal().each


class AveragedModel(Stateful):
    """A copy of a model whose weights are an average of the model's over training (SWA, EMA).

    Equations: at the first :meth:`update_parameters` a ← θ; then a ← avg(a, θ, n), with n the number of models averaged
    so far: by default the mean, a + (θ - a) / (n + 1).

    It answers like a module (call it, ``state_dict``, ``parameters``, ``train``, …), with PyTorch's keys:
    ``n_averaged``, and ``module.`` before the model's own. Updates may stand in a compiled step, the first one too.

    Parameters
    ----------
    model : Module
        What is copied.
    avg_fn : callable, optional
        (averaged, current, n) → new average, of one tensor.
    multi_avg_fn : callable, optional
        (all averaged, all current, n) → None, writing to the averaged ones; only one of the two.
    use_buffers : bool
        Average the buffers too (batch norm's statistics); otherwise they are the model's latest. Whole numbers are
        counts and always the model's latest; PyTorch cuts their average off, or fails.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> from gradwright.optim import swa_utils
    >>> model = nn.Linear(1, 1, bias=False)
    >>> ema = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9))
    >>> for value in (1.0, 2.0):
    ...     _ = nn.init.constant_(model.weight, value)
    ...     ema.update_parameters(model)
    >>> ema(gw.ones(1, 1)).item()            # 0.9 · 1 + 0.1 · 2
    1.10...

    References
    ----------
    P. Izmailov et al., *Averaging weights leads to wider optima and better generalization* (UAI 2018), algorithm 1;
    B. Polyak and A. Juditsky, *Acceleration of stochastic approximation by averaging* (1992).
    """

    def __init__(
        self,
        model: Any,
        avg_fn: Callable[..., Tensor] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        if avg_fn is not None and multi_avg_fn is not None:
            raise ConfigError("AveragedModel: give avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model)
        self.n_averaged = Tensor(np.zeros((), np.int64))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    @no_grad()
    def update_parameters(self, model: Any) -> None:
        """Take the model's weights into the average."""
        averaged, current = self._averaged(self), self._averaged(model)
        if len(averaged) != len(current):
            raise StateError(
                f"update_parameters: the model has {len(current)} tensors to average, the average has {len(averaged)}"
            )
        n = settle(self.n_averaged)
        xp = namespace([n, *map(settle, averaged), *map(settle, current)])
        # a step that is traced does not know whether it is the first: average as if it were not, and choose
        own = [Tensor(settle(a)) for a in averaged]
        rule = self.multi_avg_fn or (get_swa_multi_avg_fn() if self.avg_fn is None else None)
        if rule is not None:
            rule(own, [c.detach() for c in current], self.n_averaged)
        elif self.avg_fn is not None:
            own = [self.avg_fn(a, c.detach(), self.n_averaged) for a, c in zip(own, current, strict=True)]
        for a, mean, c in zip(averaged, own, current, strict=True):
            a._set(xp.where(n == 0, settle(c), settle(mean)).astype(a.dtype))
        for mine, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
            if not self.use_buffers or mine.dtype.kind != "f":
                mine._set(settle(theirs))
        self.n_averaged._set(n + 1)

    def _averaged(self, model: Any) -> list[Tensor]:
        module = self.module if model is self else model
        buffers = [b for b in module.buffers() if b.dtype.kind == "f"] if self.use_buffers else []
        return list(itertools.chain(module.parameters(), buffers))

    # --- like a module ----------------------------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the averaged model's output."""
        return self.module(*args, **kwargs)

    @property
    def training(self) -> bool:
        """Whether the averaged model is in training mode."""
        return bool(self.module.training)

    def train(self, mode: bool = True) -> AveragedModel:
        """Put the averaged model into training mode."""
        self.module.train(mode)
        return self

    def eval(self) -> AveragedModel:
        """Put the averaged model into evaluation mode."""
        return self.train(False)

    def modules(self) -> Iterator[Any]:
        """Yield the averaged model's parts."""
        return iter(self.module.modules())

    def parameters(self) -> Iterator[Tensor]:
        """Yield the averaged parameters."""
        return iter(self.module.parameters())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the averaged parameters with their paths."""
        return ((f"module.{name}", p) for name, p in self.module.named_parameters())

    def buffers(self) -> Iterator[Tensor]:
        """Yield the number of models averaged, and the averaged model's buffers."""
        return itertools.chain([self.n_averaged], self.module.buffers())

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show the averaged model, the number of models, and the average's decay."""
        lift.visit(f"{path}.module", self.module)
        lift.tensor(f"{path}.n_averaged", self.n_averaged)
        lift.visit(f"{path}.average", [self.avg_fn, self.multi_avg_fn])

    def state_dict(self) -> dict[str, Any]:
        """Return what a module with these parts would: ``n_averaged``, and the model's entries."""
        own = {f"module.{key}": value for key, value in self.module.state_dict().items()}
        return {"n_averaged": Tensor(self.n_averaged.numpy()), **own}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Any:
        """Copy saved values into the average; nothing is changed when anything does not fit."""
        if "n_averaged" not in state_dict:
            raise StateError("load_state_dict into AveragedModel: missing: n_averaged")
        inner = {k.removeprefix("module."): v for k, v in state_dict.items() if k != "n_averaged"}
        result = self.module.load_state_dict(inner, strict)
        self.n_averaged._set(np.asarray(state_dict["n_averaged"]).astype(np.int64))
        return result

    def __repr__(self) -> str:
        return "AveragedModel(\n  (module): " + repr(self.module).replace("\n", "\n  ") + "\n)"


@no_grad()
def update_bn(loader: Iterable[Any], model: Any) -> None:
    """Compute batch norm's running statistics anew, as the mean over the batches of one pass over the data.

    Weights that are an average have never seen data, so the statistics that belong to them are not known yet.

    Parameters
    ----------
    loader : iterable of Tensor, or of tuples that begin with one
        Batches of inputs.
    model : Module
        A network or an :class:`AveragedModel`; a network without batch norm is left as it is.
    """
    norms = [
        m for m in model.modules()
        if getattr(m, "running_mean", None) is not None and any("BatchNorm" in c.__name__ for c in type(m).__mro__)
    ]  # fmt: skip
    if not norms:
        return
    before, was_training = [m.momentum for m in norms], model.training
    for m in norms:
        m.running_mean._set(np.zeros(m.running_mean.shape, m.running_mean.dtype))
        m.running_var._set(np.ones(m.running_var.shape, m.running_var.dtype))
        m.num_batches_tracked._set(np.zeros((), np.int64))
        m.momentum = None  # the mean of all batches
    try:
        model.train()
        for batch in loader:
            model(batch[0] if isinstance(batch, list | tuple) else batch)
    finally:
        for m, momentum in zip(norms, before, strict=True):
            m.momentum = momentum
        model.train(was_training)
