"""When to stop, and which epoch was the best: a pure function of the history's rows, so a resumed run needs no more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from gradwright.errors import ConfigError
from gradwright.train.metrics.table import direction_of

__all__ = ["Decision", "EarlyStopping", "generalization_loss", "training_progress"]

Rows = Sequence[Mapping[str, Any]]

#: What stands in for alpha: Prechelt's table has GL with 1 to 5 and PQ with 0.5 to 3.
_ALPHA = {"gl": 5.0, "pq": 3.0}
_RULES = ("patience", "gl", "pq", "up")


@dataclass(frozen=True)
class Decision:
    """What the rows say so far.

    Parameters
    ----------
    best : int or None
        Index of the row whose figure is the best; None as long as no row has a finite one.
    stop : str or None
        Why to stop now, in words; None to go on.
    since_best : int
        Figures since the last improvement.
    """

    best: int | None
    stop: str | None
    since_best: int


def generalization_loss(errors: Sequence[float]) -> float:
    """Return by how many percent the last validation error is above the lowest so far.

    Equation: GL(t) = 100 · (E_va(t) / min_{t' ≤ t} E_va(t') - 1).

    Parameters
    ----------
    errors : sequence of float >= 0
        Validation errors, at least one. Above a lowest error of 0, any other is infinitely worse.

    Examples
    --------
    >>> round(generalization_loss([2.0, 1.0, 1.05]), 9)
    5.0

    References
    ----------
    L. Prechelt, "Early Stopping - But When?" (1998), section 2.2.
    """
    last, lowest = errors[-1], min(errors)
    if last == lowest:
        return 0.0
    return 100 * (last / lowest - 1) if lowest > 0 else math.inf


def training_progress(errors: Sequence[float]) -> float:
    """Return by how many thousandths the mean training error of a strip is above its lowest.

    Equation: P_k(t) = 1000 · (Σ_{t' = t-k+1..t} E_tr(t') / (k · min_{t' = t-k+1..t} E_tr(t')) - 1).

    Parameters
    ----------
    errors : sequence of float >= 0
        The training errors of the k epochs of the strip, k >= 1.

    Examples
    --------
    >>> round(training_progress([1.5, 1.25, 1.0]), 9)
    250.0

    References
    ----------
    L. Prechelt, "Early Stopping - But When?" (1998), section 2.2.
    """
    mean, lowest = sum(errors) / len(errors), min(errors)
    if mean == lowest:
        return 0.0
    return 1000 * (mean / lowest - 1) if lowest > 0 else math.inf


@dataclass
class _Watched:
    """What is watched of the rows up to one of them; figures are turned so that less is better."""

    rows: int = 0
    last: Any = None
    any: bool = False
    counted: list[tuple[int, int, float]] = field(default_factory=list)  # (index, epoch after the warm-up, figure)
    since: int = 0  # figures since the last improvement
    least: float = math.inf
    best: tuple[float, int | None] = (math.inf, None)  # the lowest finite figure that counts, and its index
    best_of_all: tuple[float, int | None] = (math.inf, None)  # with those of the warm-up

    def take(self, index: int, epoch: int, error: float, min_delta: float) -> None:
        """Take the next figure."""
        self.any = True
        if error < self.best_of_all[0]:
            self.best_of_all = (error, index)
        if epoch <= 0:
            return
        self.counted.append((index, epoch, error))
        if error < self.best[0]:
            self.best = (error, index)
        better = error < self.least - min_delta if math.isfinite(self.least) else math.isfinite(error)
        self.since, self.least = (0, error) if better else (self.since + 1, self.least)


@dataclass(frozen=True)
class EarlyStopping:
    """Decide from the history's rows which epoch is the best and whether to stop.

    Rules, with E the watched figure and t the epoch, counted after the warm-up:

    - ``"patience"``: stop when ``patience`` figures in a row are no improvement.
    - ``"gl"``: stop when GL(t) > alpha, see :func:`generalization_loss`.
    - ``"pq"``: stop at the end of a strip with GL(t) / P_k(t) > alpha, see :func:`training_progress`.
    - ``"up"``: stop at the end of a strip when E was higher than a strip before, ``rises`` times in succession.

    A strip is ``strip`` epochs long, E(t) at its end the last figure in it. Rows of epochs that were not validated are
    skipped. A figure that is no finite number (NaN, infinity, None) is never an improvement and worse than any other.

    Parameters
    ----------
    monitor : str
        The name of the watched figure in the rows.
    mode : "min", "max" or None
        Whether lower or higher is better; None: as the figure's name says.
    patience : int >= 1 or None
        None: never stop by patience.
    min_delta : float >= 0
        An improvement is more than this. It decides about stopping; the best row is the one with the best figure.
    warmup : int >= 0
        So many first epochs do not count: none is the best unless nothing else is there, and none leads to a stop.
    rule : "patience", "gl", "pq" or "up"
    alpha : float > 0 or None
        Threshold of GL (percent; None: 5) or of PQ (None: 3).
    strip : int >= 1
        Epochs in a strip, k.
    rises : int >= 1
        Prechelt's s of UP_s.

    Raises
    ------
    ConfigError
        An argument out of range, a figure whose direction is not known, or one that no row has.

    Examples
    --------
    >>> rows = [{"epoch": e, "validation_loss": v} for e, v in enumerate([1.0, 0.5, 0.6, 0.7], 1)]
    >>> EarlyStopping(patience=2).decide(rows)
    Decision(best=1, stop='early: validation loss did not improve for 2 epochs', since_best=2)

    References
    ----------
    L. Prechelt, "Early Stopping - But When?", Neural Networks: Tricks of the Trade (1998), section 2.
    """

    monitor: str = "validation_loss"
    mode: Literal["min", "max"] | None = None
    patience: int | None = 10
    min_delta: float = 0.0
    warmup: int = 0
    rule: Literal["patience", "gl", "pq", "up"] = "patience"
    alpha: float | None = None
    strip: int = 5
    rises: int = 2

    _watch: _Watched | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, least in (("patience", 1), ("warmup", 0), ("strip", 1), ("rises", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"early stopping: {name} is {value}; expected {least} or more")
        if not (math.isfinite(self.min_delta) and self.min_delta >= 0):
            raise ConfigError(f"early stopping: min_delta is {self.min_delta}; expected a number of 0 or more")
        if self.alpha is not None and not self.alpha > 0:
            raise ConfigError(f"early stopping: alpha is {self.alpha}; expected more than 0")
        if self.rule not in _RULES:
            raise ConfigError(f"early stopping: no rule {self.rule!r}; there are {', '.join(_RULES)}")
        if self.mode not in ("min", "max", None):
            raise ConfigError(f"early stopping: mode is {self.mode!r}; expected 'min' or 'max'")
        if self.direction == "max" and self.rule in _ALPHA:
            raise ConfigError(
                f"early stopping: the rule {self.rule} compares errors by their ratio, and of {self.monitor} more is "
                "better; watch a loss, or take the rule up or patience"
            )

    @property
    def direction(self) -> Literal["min", "max"]:
        """Whether lower ("min") or higher ("max") is better."""
        found = self.mode or direction_of(self.monitor)
        if found is None:
            raise ConfigError(
                f"early stopping: whether more or less of {self.monitor} is better is not known; "
                "say mode='min' or 'max'"
            )
        return found

    def decide(self, rows: Rows) -> Decision:
        """Return the best row so far, and whether the last row is one to stop after.

        Parameters
        ----------
        rows : sequence of dicts
            One for each epoch so far, with ``epoch`` (from 1), the watched figure where the epoch was validated, and
            ``train_loss`` for the rule "pq".
        """
        watched = self._watched(rows)
        counted = watched.counted
        stop = None
        if counted:
            rule = {"patience": self._patience, "gl": self._gl, "pq": self._pq, "up": self._up}[self.rule]
            stop = rule(rows, counted, watched.since)
        return Decision((watched.best if counted else watched.best_of_all)[1], stop, watched.since)

    # --- what is watched --------------------------------------------------------------------------------------------
    def _watched(self, rows: Rows) -> _Watched:
        """Return what is watched of these rows; a history that has grown is read from there on."""
        found = self._watch
        if found is None or not (0 < found.rows <= len(rows) and rows[found.rows - 1] is found.last):
            found = _Watched()
        if not found.any:
            self._check_name(rows)
        sign = 1 if self.direction == "min" else -1
        for index in range(found.rows, len(rows)):
            row = rows[index]
            if self.monitor in row:
                value = row[self.monitor]
                # None is what JSON makes of NaN and of infinity: a resumed run must decide as the first one did
                error = sign * float(value) if value is not None and math.isfinite(value) else math.inf
                found.take(index, self._epoch(row, index), error, self.min_delta)
        if len(rows):
            found.rows, found.last = len(rows), rows[-1]
            object.__setattr__(self, "_watch", found)
        return found

    def _epoch(self, row: Mapping[str, Any], index: int) -> int:
        return int(row.get("epoch", index + 1)) - self.warmup

    def _check_name(self, rows: Rows) -> None:
        if any(self.monitor in row for row in rows):
            return
        validated = [row for row in rows if any(name.startswith("validation_") for name in row)]
        having = validated if self.monitor.startswith("validation_") else rows
        if having:
            names = [k for k, v in having[-1].items() if isinstance(v, int | float) or v is None]
            raise ConfigError(
                f"early stopping watches {self.monitor!r}, which no epoch has; there are {', '.join(names)}"
            )

    # --- the rules --------------------------------------------------------------------------------------------------
    def _patience(self, rows: Rows, counted: list[tuple[int, int, float]], since: int) -> str | None:
        if self.patience is None or since < self.patience:
            return None
        by = f" by more than {self.min_delta:g}" if self.min_delta else ""
        unit = "epoch" if all(self.monitor in row for row in rows) else "validation"
        return f"early: {self._words} did not improve{by} for {self.patience} {unit}{'s' if self.patience > 1 else ''}"

    def _gl(self, rows: Rows, counted: list[tuple[int, int, float]], since: int) -> str | None:
        index, epoch, _ = counted[-1]
        loss = self._loss_of(rows, counted)
        if index != len(rows) - 1 or not loss > self._alpha:
            return None
        where = f"in epoch {epoch + self.warmup}"
        return f"early: {self._words} {where} is {loss:.3g}% above its lowest (GL > {self._alpha:g})"

    def _pq(self, rows: Rows, counted: list[tuple[int, int, float]], since: int) -> str | None:
        if not self._ends_strip(rows):
            return None
        progress = training_progress(self._train_errors(rows))
        loss = self._loss_of(rows, counted)
        quotient = 0.0 if loss == 0 or progress == math.inf else loss / progress if progress > 0 else math.inf
        if not quotient > self._alpha:
            return None
        return (
            f"early: {self._words} is {loss:.3g}% above its lowest while training progressed by {progress:.3g} "
            f"thousandths in {self.strip} epochs (PQ {quotient:.3g} > {self._alpha:g})"
        )

    def _up(self, rows: Rows, counted: list[tuple[int, int, float]], since: int) -> str | None:
        if not self._ends_strip(rows):
            return None
        at_end: dict[int, float] = {}  # the last figure of each strip that has one
        for _, epoch, error in counted:
            at_end[(epoch - 1) // self.strip] = error
        rises, ends = 0, list(at_end.values())
        for before, after in pairwise(ends):
            rises = rises + 1 if after > before else 0
        if rises < self.rises:
            return None
        rose = "rose" if self.direction == "min" else "fell"
        return f"early: {self._words} {rose} in {rises} successive strips of {self.strip} epochs"

    # --- helpers ----------------------------------------------------------------------------------------------------
    @property
    def _alpha(self) -> float:
        return _ALPHA[self.rule] if self.alpha is None else self.alpha

    @property
    def _words(self) -> str:
        return self.monitor.replace("_", " ")

    def _ends_strip(self, rows: Rows) -> bool:
        epoch = self._epoch(rows[-1], len(rows) - 1)
        return epoch > 0 and epoch % self.strip == 0

    def _loss_of(self, rows: Rows, counted: list[tuple[int, int, float]]) -> float:
        errors = [error for _, _, error in counted]
        self._refuse_negative(rows, [index for index, _, _ in counted], errors, self.monitor)
        return generalization_loss(errors)

    def _train_errors(self, rows: Rows) -> list[float]:
        """Return the training errors of the strip that ends with the last row."""
        errors = []
        for row in rows[-self.strip :]:
            if "train_loss" not in row:
                raise ConfigError(
                    f"early stopping: the rule pq needs train_loss in every row; there are {', '.join(row)}"
                )
            value = row["train_loss"]
            errors.append(float(value) if value is not None and math.isfinite(value) else math.inf)
        self._refuse_negative(rows, range(len(rows) - len(errors), len(rows)), errors, "train_loss")
        return errors

    def _refuse_negative(self, rows: Rows, indices: Sequence[int], errors: list[float], name: str) -> None:
        for index, error in zip(indices, errors, strict=True):
            if error < 0:
                epoch = rows[index].get("epoch", index + 1)
                raise ConfigError(
                    f"early stopping: {name} is {error:.4g} in epoch {epoch}; the rule {self.rule} compares errors by "
                    "their ratio and needs them at 0 or above; take the rule up or patience"
                )
