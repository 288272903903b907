"""What a logger logs; where it goes is another's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gradwright.train.callbacks import Callback

if TYPE_CHECKING:
    from gradwright.train.trainer import Trainer

__all__ = ["FigureLogger", "Scalar", "flat"]


class Scalar(NamedTuple):
    """A figure under its name, at a step or an epoch."""

    name: str
    value: float
    at: int


class FigureLogger(Callback):
    """Log what the history has, as soon as it has it; subclasses say where to.

    ==================================  ===========================================  =========
    name                                what                                         at
    ==================================  ===========================================  =========
    ``step/loss, step/learning_rate``   of each step                                 the step
    ``train/…, validation/…``           loss and metrics                             the epoch
    ``epoch/…``                         the row's other figures, such as seconds     the epoch
    ``norm/gradient/…``                 and weight, update: of each parameter        the epoch
    ``best/…``                          the figures of the best epoch, at the end    its epoch
    ``result/…``                        what :meth:`log_result` is given             0
    ==================================  ===========================================  =========

    Figures that are no finite number are left out.

    Parameters
    ----------
    settings : mapping, optional
        What the run was asked for, logged once; nested mappings become names with dots.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self.settings = flat(settings or {})
        self._logged = 0

    # --- what a logger defines --------------------------------------------------------------------------------------
    def open(self, resumed_at: int) -> None:
        """Begin, with the settings; or go on after so many steps."""
        raise NotImplementedError

    def write(self, scalars: list[Scalar]) -> None:
        """Log figures."""
        raise NotImplementedError

    def close(self, state: str) -> None:
        """End: ``"finished"``, ``"interrupted"`` or ``"failed"``; figures may still come, see :meth:`log_result`."""
        raise NotImplementedError

    # --- what happens when ------------------------------------------------------------------------------------------
    def on_fit_start(self, trainer: Trainer, *, epochs: int, steps: int) -> None:
        """Begin."""
        self._logged = trainer.history.steps.count  # of a resumed training these were logged before
        self.open(self._logged)

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        """Log the steps that are new."""
        new = trainer.history.steps.since(self._logged)
        self._logged += len(new["step"])
        self._write(
            Scalar(f"step/{name}", float(value), int(at))
            for name in ("loss", "learning_rate")
            for at, value in zip(new["step"], new[name], strict=True)
        )

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        """Log the epoch's row."""
        self._write(_scalars(row))

    def on_fit_end(self, trainer: Trainer) -> None:
        """Log the best epoch's figures."""
        best = [row for row in trainer.history.rows if row["epoch"] == trainer.history.best_epoch]
        self._write(
            Scalar(f"best/{s.name}", s.value, s.at) for row in best for s in _scalars(row) if "norm/" not in s.name
        )
        self.close("finished")

    def on_interrupt(self, trainer: Trainer) -> None:
        """End where it can go on."""
        self.close("interrupted")

    def on_error(self, trainer: Trainer, error: BaseException) -> None:
        """End."""
        self.close("failed")

    def log_result(self, figures: Mapping[str, Any]) -> None:
        """Log final figures, such as those of the test part, after the training.

        Parameters
        ----------
        figures : mapping
            Of what is nested the names get dots; what is no number is left out.
        """
        self._write(Scalar(f"result/{name}", value, 0) for name, value in flat(figures).items() if _is_number(value))

    def _write(self, scalars: Iterator[Scalar]) -> None:
        finite = [s for s in scalars if math.isfinite(s.value)]
        if finite:
            self.write(finite)


def _scalars(row: Mapping[str, Any]) -> Iterator[Scalar]:
    for name, value in row.items():
        if name == "norms":
            for kind, norms in value.items():
                yield from (
                    Scalar(f"norm/{kind}/{p}", float(x), row["epoch"]) for p, x in norms.items() if _is_number(x)
                )
        elif name != "epoch" and _is_number(value):
            part, _, figure = name.partition("_")
            named = f"{part}/{figure}" if part in ("train", "validation") else f"epoch/{name}"
            yield Scalar(named, float(value), row["epoch"])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as one, its names joined by dots; None is left out.

    Examples
    --------
    >>> flat({"lr": 0.1, "data": {"rows": 3, "unit": None}})
    {'lr': 0.1, 'data.rows': 3}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif value is not None:
            found[f"{prefix}{name}"] = value
    return found
