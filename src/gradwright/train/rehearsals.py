"""Before a long training: can the network learn one batch by heart?"""

from __future__ import annotations

from typing import Any

from gradwright.engine.random import manual_seed
from gradwright.train.assembly import make_trainer
from gradwright.train.config import Config
from gradwright.train.criteria import make_criterion
from gradwright.train.network import build_network
from gradwright.train.prepared import Reporter, StageClock, prepare

__all__ = ["overfit_one_batch"]

STEPS = 500
#: What is left of the first loss when a batch counts as learnt.
LEARNT = 0.05
#: What stands against learning by heart, switched off.
PLAIN: dict[str, Any] = {
    "dropout": 0.0, "weight_decay": 0.0, "l1": 0.0, "l2": 0.0, "prior": None, "max_norm": None, "label_smoothing": 0.0,
    "gradient_noise": 0.0, "weight_noise": 0.0, "stochastic_depth": 0.0, "augment": (), "ema": None, "schedule": None,
    "warmup": 0.0,
}  # fmt: skip


def overfit_one_batch(config: Config, reporter: Reporter | None = None) -> dict[str, Any]:
    """Train on one batch alone, without regularisation, and say whether its loss falls to almost nothing.

    A network, a loss and an update rule that are put together rightly learn a single batch by heart within a few
    hundred steps. Where they do not, no amount of data helps (A. Karpathy, A Recipe for Training Neural Networks,
    2019).

    Parameters
    ----------
    config : Config
        Dropout, penalties, noise, augmentation and schedules in it are left out.

    Returns
    -------
    dict
        ``learnt`` (bool), ``first`` and ``last`` (the loss), ``steps``, ``rows``, and ``words``.
    """
    reporter = reporter or Reporter()
    data = prepare(config, reporter, StageClock())
    config = config.resolved(len(data.x), data.preparation.width, data.task.kind)
    has = {name: value for name, value in PLAIN.items() if getattr(config, name) not in (None, False, 0, ())}
    config = config.model_copy(update={**has, "lr": None if config.lr == "auto" else config.lr})
    config = config.resolved(len(data.x), data.preparation.width, data.task.kind)
    data = data.head(config.batch_size or 32)
    manual_seed(config.seed)
    model = build_network(config, data.shape, data.outputs, data.x, data.vocabulary)
    criterion = make_criterion(data.task)
    trainer = make_trainer(config, model, criterion, data, callbacks=[reporter])
    batch = (data.x, data.y)
    history = trainer.fit(batch, batch, epochs=STEPS, batch_size=len(data.x), validate_every=STEPS)
    losses = history.steps["loss"]
    first, last = float(losses[0]), float(history.rows[-1]["validation_loss"])
    learnt = last < LEARNT * first
    words = (
        f"one batch of {len(data.x):,} rows, {len(losses)} steps, nothing that regularises: its loss went from "
        f"{first:.4g} to {last:.4g}. "
    ) + (
        "The network can learn it by heart, so data, loss and update rule fit together."
        if learnt
        else "That is not learnt by heart: try another learning rate first, then look for rows that are alike but have "
        "different targets, a network that is too small, or a loss that does not fit the targets."
    )
    return {"learnt": learnt, "first": first, "last": last, "steps": len(losses), "rows": len(data.x), "words": words}
