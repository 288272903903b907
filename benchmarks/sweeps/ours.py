"""Gradwright: the compiled program member by member, all under one ``vmap``, and `tune.Population`."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from sweeps.jobs import BATCH, Job, Trained

__all__ = ["gradwright_one_by_one", "gradwright_population", "gradwright_vmap"]


def _member(job: Job, member: int, dropout: bool) -> tuple[Any, Any, Any, Any]:
    """Return a member's model, its optimizer, its training step and the step that validates it."""
    from gradwright import nn, optim

    setting, _ = job.members[member]
    layers: list[nn.Module] = []
    for a, b in pairwise(job.sizes):
        layers += [nn.Linear(a, b), nn.ReLU(), *([nn.Dropout(setting.dropout)] if dropout else [])]
    layers = layers[: -2 if dropout else -1]
    model = nn.Sequential(*layers)
    judged = nn.Sequential(*[m for m in layers if not isinstance(m, nn.Dropout)])
    model.load_state_dict(dict(zip(model.state_dict(), job.weights(member), strict=True)))
    criterion = nn.CrossEntropyLoss()
    rule = optim.Adam(model.parameters(), lr=setting.lr, weight_decay=setting.weight_decay)

    def step(x: Any, y: Any) -> Any:
        rule.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        rule.step()
        return loss

    def validate(x: Any, y: Any) -> Any:
        return (judged(x).argmax(-1) == y).float().mean()

    return model, rule, step, validate


def gradwright_one_by_one(job: Job) -> Callable[[], Trained]:
    """One compiled step; each member in turn puts its weights and numbers in, an epoch is one program."""
    import gradwright as gw
    from gradwright import nn
    from gradwright.compile import place

    model, rule, step, validate = _member(job, 0, job.drops)
    fresh = copy.deepcopy(rule.state_dict()["state"])
    compiled, judge = gw.compile(step), gw.compile(validate)
    x, y = place(job.x, job.y)

    def run() -> Trained:
        losses, accuracies = [], []
        for k, (setting, _) in enumerate(job.members):
            model.load_state_dict(dict(zip(model.state_dict(), job.weights(k), strict=True)))
            rule.load_state_dict({"state": copy.deepcopy(fresh), "param_groups": rule.state_dict()["param_groups"]})
            rule.param_groups[0].update(lr=setting.lr, weight_decay=setting.weight_decay)
            for layer in model:
                if isinstance(layer, nn.Dropout):
                    layer.p = setting.dropout
            gw.manual_seed(k)
            held = place(job.x[job.validation(k)], job.y[job.validation(k)])
            for rows in job.order(k):
                losses.append(compiled.scan(x, y, order=rows))
                accuracies.append(judge(*held))
        shape = (len(job), job.epochs)
        return Trained(
            np.array([loss.numpy().mean() for loss in losses]).reshape(shape),
            np.array([a.item() for a in accuracies]).reshape(shape),
        )

    return run


def gradwright_vmap(job: Job) -> Callable[[], Trained]:
    """`gw.Population`, all members under one ``vmap``: an epoch of all is one program, their validation another."""
    import gradwright as gw
    from gradwright.compile import place

    x, y = place(job.x, job.y)
    compiled: list[tuple[Any, Any, Any, Any]] = []

    def run() -> Trained:
        if not compiled:
            members = [_member(job, k, job.drops) for k in range(len(job))]
            numbers = [{"k": k} for k in range(len(job))]
            kinds = [
                gw.Population(lambda k, which=which: members[k][which], numbers, seeds=range(len(job)))
                for which in (2, 3)  # the step, the validation
            ]
            compiled.append((members, *kinds, copy.deepcopy(members[0][1].state_dict()["state"])))
        members, training, judging, fresh = compiled[0]
        everyone = [0] if job.shared else range(len(job))
        order = np.stack([job.order(k) for k in everyone], 1)  # (epochs, members, steps, batch)
        order = order[:, 0] if job.shared else order
        held = np.stack([job.validation(k) for k in everyone])[:, None]
        held = held[0] if job.shared else held
        for k, (model, rule, _, _) in enumerate(members):
            model.load_state_dict(dict(zip(model.state_dict(), job.weights(k), strict=True)))
            rule.load_state_dict({**rule.state_dict(), "state": copy.deepcopy(fresh)})
        for k, generator in enumerate(training.generators):
            generator.manual_seed(k)
        losses, accuracies = [], []
        for rows in order:
            losses.append(training.scan(x, y, order=rows).numpy().mean(1))
            accuracies.append(judging.scan(x, y, order=held).numpy()[:, 0])
        return Trained(np.stack(losses, 1), np.stack(accuracies, 1))

    return run


def gradwright_population(job: Job) -> Callable[[], Trained]:
    """`tune.Population`: lays its members out as it measures best; every run traces and compiles."""
    from gradwright import nn, train, tune

    def build(k: int) -> train.Trainer:
        model, rule, _, _ = _member(job, k, job.drops)
        return train.Trainer(model, nn.CrossEntropyLoss(), rule, seed=job.key(k))

    x, y = job.x, job.y
    rows, held = job.splits[0]
    one_split = len({split for _, split in job.members}) == 1
    folds = None if one_split else [(job.splits[split][0], job.splits[split][1]) for _, split in job.members]
    training, validation = ((x[rows], y[rows]), (x[held], y[held])) if one_split else ((x, y), (x, y))

    def run() -> Trained:
        population = tune.Population(build, [{"k": k} for k in range(len(job))], seeds=range(len(job)))
        built = time.perf_counter()
        ends: list[float] = []
        histories = population.fit(
            training, validation, epochs=job.epochs, batch_size=BATCH, folds=folds,
            on_epoch=lambda member, row: ends.append(time.perf_counter()),
        )  # fmt: skip
        # the first epoch of the chunks that start is over when training's own time is first seen: it is added
        layout = population.groups[0].choice.layout
        unseen = min(layout.chunk * layout.lanes, len(ends))
        seen = (time.perf_counter() - ends[unseen - 1]) * len(ends) / max(1, len(ends) - unseen)
        now = time.perf_counter()
        return Trained(
            np.array([[row["train_loss"] for row in history] for history in histories]),
            np.array([[row["validation_accuracy"] for row in history] for history in histories]),
            max(0.0, now - built - seen) if len(ends) > unseen else 0.0,
            layout.name,
        )

    return run
