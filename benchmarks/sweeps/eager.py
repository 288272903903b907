"""PyTorch, one member after the other; the same function under Optuna and under Ray Tune."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from sweeps.jobs import Job, Trained

__all__ = ["optuna_study", "ray_tune", "torch_eager", "train_member"]


def train_member(job: Job, member: int, device: str = "cpu") -> tuple[np.ndarray, np.ndarray]:
    """Train one member; return its losses and its validation accuracies, epoch by epoch."""
    import torch
    from torch import nn

    setting, _ = job.members[member]
    layers: list[Any] = []
    for a, b in pairwise(job.sizes):
        layers += [nn.Linear(a, b), nn.ReLU()] + ([nn.Dropout(setting.dropout)] if setting.dropout else [])
    model = nn.Sequential(*layers[: -2 if setting.dropout else -1])
    with torch.no_grad():
        for p, w in zip(model.parameters(), job.weights(member), strict=True):
            p.copy_(torch.from_numpy(w))
    model.to(device)
    torch.manual_seed(member)
    criterion = nn.CrossEntropyLoss()
    rule = torch.optim.Adam(model.parameters(), lr=setting.lr, weight_decay=setting.weight_decay, fused=True)
    x, y = torch.from_numpy(job.x).to(device), torch.from_numpy(job.y).to(device)
    order = torch.from_numpy(job.order(member)).to(device)
    held = torch.from_numpy(job.validation(member)).to(device)
    held_x, held_y = x[held], y[held]
    losses, accuracies = [], []
    for rows in order:
        model.train()
        found = []
        for batch_x, batch_y in zip(x[rows], y[rows], strict=True):
            rule.zero_grad()
            loss = criterion(model(batch_x), batch_y)
            loss.backward()
            rule.step()
            found.append(loss.detach())
        model.eval()
        with torch.no_grad():
            accuracies.append((model(held_x).argmax(1) == held_y).float().mean())
        losses.append(torch.stack(found).mean())
    return torch.stack(losses).cpu().numpy(), torch.stack(accuracies).cpu().numpy()


def _together(results: list[tuple[np.ndarray, np.ndarray]]) -> Trained:
    return Trained(*(np.stack(part) for part in zip(*results, strict=True)))


def torch_eager(job: Job, threads: int, device: str = "cpu") -> Callable[[], Trained]:
    """PyTorch's modules and fused Adam, one member after the other."""
    import torch

    torch.set_num_threads(threads)
    return lambda: _together([train_member(job, k, device) for k in range(len(job))])


def optuna_study(job: Job, threads: int) -> Callable[[], Trained]:
    """Optuna asks for each member in turn; a member's number stands for its settings."""
    import optuna
    import torch

    torch.set_num_threads(threads)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def run() -> Trained:
        found: dict[int, tuple[np.ndarray, np.ndarray]] = {}

        def objective(trial: optuna.Trial) -> float:
            member = trial.suggest_int("member", 0, len(job) - 1)
            found[member] = train_member(job, member)
            return float(found[member][1][-1])

        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.GridSampler({"member": list(range(len(job)))}, seed=0)
        )
        study.optimize(objective, n_trials=len(job))
        return _together([found[k] for k in range(len(job))])

    return run


def ray_tune(job: Job, threads: int) -> Callable[[], Trained]:
    """Ray Tune, two members at a time in two workers of one thread each; starting Ray is not timed."""
    import logging
    import tempfile

    import ray
    from ray import tune

    ray.init(num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)

    def trainable(config: dict[str, Any], job: Job) -> dict[str, Any]:
        import torch

        torch.set_num_threads(1)
        loss, accuracy = train_member(job, config["member"])
        return {"score": float(accuracy[-1]), "loss": loss.tolist(), "accuracy": accuracy.tolist()}

    def run() -> Trained:
        with tempfile.TemporaryDirectory() as folder:
            tuner = tune.Tuner(
                tune.with_parameters(trainable, job=job),
                param_space={"member": tune.grid_search(list(range(len(job))))},
                tune_config=tune.TuneConfig(max_concurrent_trials=2),
                run_config=tune.RunConfig(storage_path=folder, verbose=0),
            )
            rows = sorted((r.metrics for r in tuner.fit()), key=lambda m: m["config"]["member"])
        return Trained(np.array([r["loss"] for r in rows]), np.array([r["accuracy"] for r in rows]))

    return run
