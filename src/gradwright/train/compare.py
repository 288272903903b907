"""The same training in PyTorch: same initial weights, same batches, same dropout masks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright import nn
from gradwright.data import epoch_order
from gradwright.engine.random import Generator
from gradwright.errors import ConfigError, MissingDependencyError
from gradwright.nn.batchnorm import BatchNorm
from gradwright.train.callbacks import Callback
from gradwright.train.config import Config
from gradwright.train.history import History
from gradwright.train.trainer import Trainer

if TYPE_CHECKING:
    import torch

__all__ = ["TorchTwin"]


#: Rows times parameters of a step from which a second thread helps PyTorch; below it, threads only wait for each other,
#: on a busy machine a hundred times as long as the work takes.
_WORTH_THREADS = 20_000_000

_RULES = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}

#: Settings that the twin does not know; they must be as they are by default.
_UNKNOWN = (
    "schedule",
    "warmup",
    "l1",
    "l2",
    "prior",
    "max_norm",
    "label_smoothing",
    "gradient_noise",
    "augment",
    "weight_noise",
    "lookahead",
    "ema",
    "clip_value",
    "class_weights",
)


def check_comparable(config: Config) -> None:
    """Refuse, before anything is trained, settings that have no twin in PyTorch here."""
    different = [f"{k} = {getattr(config, k)}" for k in _UNKNOWN if getattr(config, k) not in (None, 0, ())]
    if config.network not in ("mlp", "linear"):
        different.append(f"network = {config.network}")
    if config.optimizer not in _RULES:
        different.append(f"optimizer = {config.optimizer}")
    if config.activation not in ("relu", "tanh", "sigmoid"):
        different.append(f"activation = {config.activation}")
    if different:
        raise ConfigError(
            f"--compare torch: {', '.join(different)}: the training beside it knows mlp networks of relu, tanh or "
            f"sigmoid with {', '.join(_RULES)} at a constant rate; leave the comparison away, or these"
        )


def check_comparable_task(kind: str) -> None:
    """Refuse, once the task is known, those that have no twin."""
    if kind not in ("binary", "multiclass", "regression"):
        raise ConfigError(
            f"--compare torch: the task is {kind.replace('_', ' ')}; the training beside it knows binary, multiclass "
            "and regression. Leave the comparison away"
        )


def import_torch() -> Any:
    """Import PyTorch, or say how to get it."""
    try:
        import torch
    except ImportError:
        raise MissingDependencyError(
            "--compare torch needs PyTorch, which is not installed. Install it with: pip install 'gradwright[torch]'"
        ) from None
    return torch


class TorchTwin(Callback):
    """Watch a training, then repeat it in PyTorch and say how far the two are apart.

    Parameters
    ----------
    config : Config
        The run's resolved settings.
    model : Module
        The network before training; its weights are copied now.
    generator : Generator
        The random stream before training; the dropout masks are drawn from a copy of it.
    """

    def __init__(self, config: Config, model: nn.Module, generator: Generator) -> None:
        self.torch = import_torch()
        self.config = config
        self.model = model
        self.initial = {k: v.numpy() for k, v in model.state_dict().items()}
        self.stream = generator.get_state()
        self.weights: list[dict[str, np.ndarray]] = []  # ours, after each epoch
        self.seconds = 0.0
        self._started = 0.0

    def on_fit_start(self, trainer: Trainer, *, epochs: int, steps: int) -> None:
        """Start the clock; the first epoch's compiling counts."""
        self._started = time.perf_counter()

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        """Keep the weights of this epoch."""
        self.seconds += time.perf_counter() - self._started
        self.weights.append({k: v.numpy() for k, v in self.model.state_dict().items()})
        self._started = time.perf_counter()

    def compare(
        self,
        train: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        history: History,
    ) -> dict[str, Any]:
        """Train the twin for as many epochs and return ``compare.json``'s content."""
        torch = self.torch
        x, y, vx, vy = (torch.from_numpy(np.ascontiguousarray(a)) for a in (*train, *validation))
        generator = Generator(0)
        generator.set_state(self.stream)
        masks: list[_Mask] = []
        model = _twin_of(torch, self.model, masks)
        model.to(x.dtype)
        model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in self.initial.items()})
        criterion = torch.nn.CrossEntropyLoss() if y.dtype == torch.int64 else torch.nn.MSELoss()
        optimizer = _optimizer(torch, self.config, model)
        _warm_up(torch)
        size = min(self.config.batch_size or 32, len(x))
        work = size * sum(p.numel() for p in model.parameters())
        before = torch.get_num_threads()
        threads = 1 if work < _WORTH_THREADS else before
        rows = []
        seconds = 0.0
        torch.set_num_threads(threads)
        try:
            for epoch, ours in enumerate(history.rows, 1):
                batches = self._batches(len(x), size, epoch)
                drawn = _draw_masks(torch, generator, masks, [len(b) for b in batches], x.dtype)  # our work: not timed
                started = time.perf_counter()
                row = self._epoch(model, criterion, optimizer, (x, y), (vx, vy), batches, masks, drawn)
                seconds += time.perf_counter() - started
                theirs = {k: v.numpy() for k, v in model.state_dict().items()}
                rows.append({"epoch": epoch, **row, **_differences(row, ours, self.weights[epoch - 1], theirs)})
        finally:
            torch.set_num_threads(before)
        return {
            "library": "torch",
            "version": str(torch.__version__),
            "dtype": self.config.dtype,
            "mode": "eager" if self.config.eager else "compiled",
            "epochs": rows,
            "max_loss_difference": max(r["loss_difference"] for r in rows),
            "max_weight_difference": max(r["weight_difference"] for r in rows),
            "seconds": {"gradwright": self.seconds, "torch": seconds},
            "threads": threads,
        }

    def _batches(self, n: int, size: int, epoch: int) -> list[np.ndarray]:
        """Return the rows of each batch of an epoch, as the loop draws them."""
        order = epoch_order(n, key=self.config.seed, epoch=epoch)
        batches = [order[i : i + size] for i in range(0, n, size)]
        if len(batches[-1]) == 1 and n > 1 and any(isinstance(m, BatchNorm) for m in self.model.modules()):
            batches.pop()  # as the loop does
        return batches

    def _epoch(
        self,
        model: Any,
        criterion: Any,
        optimizer: Any,
        train: tuple[Any, Any],
        validation: tuple[Any, Any],
        batches: list[np.ndarray],
        masks: list[_Mask],
        drawn: list[list[Any]],
    ) -> dict[str, float]:
        """Train one epoch in PyTorch and return its losses and accuracies."""
        torch = self.torch
        (x, y), (vx, vy) = train, validation
        model.train()
        total = score = 0.0
        for batch, values in zip(batches, drawn, strict=True):
            for mask, value in zip(masks, values, strict=True):
                mask.values = value
            index = torch.from_numpy(batch)
            xb, yb = x[index], y[index]
            optimizer.zero_grad()
            out = model(xb)
            loss = criterion(out, yb)
            loss.backward()
            if self.config.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), self.config.clip_norm)
            optimizer.step()
            total += loss.item() * len(batch)
            score += _score(torch, out.detach(), yb)
        model.eval()
        with torch.no_grad():
            vo = model(vx)
            row = {"validation_loss": criterion(vo, vy).item()}
        seen = sum(len(b) for b in batches)
        row["train_loss"] = total / seen
        if y.dtype == torch.int64:
            row["train_accuracy"] = score / seen
            row["validation_accuracy"] = (vo.argmax(1) == vy).double().mean().item()
        return row


def _differences(
    row: dict[str, float], ours: dict[str, Any], mine: dict[str, np.ndarray], theirs: dict[str, np.ndarray]
) -> dict[str, float]:
    """Return the largest difference of an epoch's losses, and of the weights after it."""
    return {
        "loss_difference": max(abs(row[k] - ours[k]) for k in ("train_loss", "validation_loss")),
        "weight_difference": max(
            float(np.abs(mine[k].astype(np.float64) - theirs[k]).max(initial=0)) for k in mine if "num_batches" not in k
        ),
    }


def _warm_up(torch: Any) -> None:
    """Let PyTorch load what it loads at the first update; that is not training and is not timed."""
    p = torch.nn.Parameter(torch.zeros(1))
    p.grad = torch.zeros(1)
    torch.optim.Adam([p], fused=True).step()


def _score(torch: Any, output: torch.Tensor, y: torch.Tensor) -> float:
    if y.dtype == torch.int64:
        return float((output.argmax(1) == y).sum().item())
    return float(((output - y) ** 2).sum().item())


def _optimizer(torch: Any, config: Config, model: Any) -> Any:
    momentum = config.momentum if config.optimizer == "sgd" else None
    given = {"momentum": momentum, "weight_decay": config.weight_decay}
    rule = getattr(torch.optim, _RULES[config.optimizer])
    return rule(model.parameters(), lr=config.lr, fused=True, **{k: v for k, v in given.items() if v is not None})


class _Mask:
    """Where the twin's dropout layer finds the mask of this step."""

    def __init__(self, p: float, width: int) -> None:
        self.p = p
        self.width = width
        self.values: Any = None


def _draw_masks(torch: Any, generator: Generator, masks: list[_Mask], sizes: list[int], dtype: Any) -> list[list[Any]]:
    """Draw the scaled masks of an epoch's steps, in the order in which the layers draw."""
    out = []
    for size in sizes:
        step = []
        for mask in masks:
            kept = generator.uniform((size, mask.width)) >= np.float32(mask.p)
            step.append(torch.from_numpy(kept * (1.0 / (1.0 - mask.p))).to(dtype))
        out.append(step)
    return out


def _twin_of(torch: Any, model: nn.Module, masks: list[_Mask]) -> Any:
    """Build the same network of PyTorch's layers; dropout takes its masks from outside."""

    class SameDropout(torch.nn.Module):
        def __init__(self, mask: _Mask) -> None:
            super().__init__()
            self.mask = mask

        def forward(self, input: Any) -> Any:
            return input * self.mask.values if self.training else input

    layers: list[Any] = []
    width = 0
    for layer in model.children():
        if isinstance(layer, nn.Linear):
            layers.append(torch.nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None))
            width = layer.out_features
        elif isinstance(layer, nn.BatchNorm1d):
            layers.append(torch.nn.BatchNorm1d(layer.num_features, layer.eps, layer.momentum))
        elif isinstance(layer, nn.Dropout):
            masks.append(_Mask(float(layer.p), width))
            layers.append(SameDropout(masks[-1]))
        elif isinstance(layer, nn.ReLU | nn.Tanh | nn.Sigmoid):
            layers.append(getattr(torch.nn, type(layer).__name__)())
        else:
            raise ConfigError(f"--compare torch: no twin for the layer {type(layer).__name__}")
    return torch.nn.Sequential(*layers)
