"""What the classifier and the regressor share: from arguments and data to fitted arrays."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from gradwright.compile.epochs import Plateau
from gradwright.errors import ConfigError, DataError
from gradwright.sklearn.arguments import activation_name, check_arguments, hidden_sizes
from gradwright.sklearn.forward import outputs
from gradwright.sklearn.scaling import blocks, moments, standard
from gradwright.sklearn.training import Rows, Shape, Trained, runs_eagerly, train
from gradwright.sklearn.workshop import Plan, Weights, Workshop, borrow, give_back
from gradwright.train.choices.optimizers import FULL_BATCH, OPTIMIZERS

__all__ = ["Perceptron"]

_AUTO_BATCH = 200


class Perceptron(BaseEstimator):
    """Fitting and predicting; subclasses know what targets mean."""

    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    out_activation_: str
    mean_: np.ndarray | None
    scale_: np.ndarray | None

    # --- what subclasses say ----------------------------------------------------------------------------------------
    def _targets(self, y: Any, first: bool) -> np.ndarray:
        """Return targets as the network's loss takes them, and set ``out_activation_``."""
        raise TypeError(f"{type(self).__name__} does not say what its targets are")

    def _class_weight(self, y: Any, weight: np.ndarray) -> np.ndarray:
        """Return the rows' weights with those of their classes."""
        return weight

    def _judged(self, output: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        """Return the score of outputs for targets as :meth:`_targets` gives them."""
        raise TypeError(f"{type(self).__name__} has no score")

    def _scale_targets(self, y: np.ndarray, weight: np.ndarray, first: bool) -> np.ndarray:
        """Return targets in the units that the network learns."""
        return y

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        """Return what the validation part is stratified by."""
        return None

    # --- fitting ----------------------------------------------------------------------------------------------------
    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Any:
        before = dict(self.__dict__)
        try:
            self._fitted(X, y, sample_weight, incremental)
        except BaseException:  # what was fitted before stays, whatever happens
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fitted(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> None:
        check_arguments(self)
        if incremental:
            self._refuse_incremental()
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, y_numeric=False,
            dtype=(np.float64, np.float32), reset=first,
        )  # fmt: skip
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if not weight.any():
            raise DataError(f"{type(self).__name__}: all sample weights are 0: there is no row to learn from")
        targets = self._targets(y, first)
        weight = self._class_weight(y, weight)
        kept = weight > 0
        if not kept.all():  # a row of weight 0 is as if it were not there, whatever batch it would have stood in
            X, targets, weight = X[kept], targets[kept], weight[kept]
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        sizes = (X.shape[1], *hidden_sizes(type(self).__name__, self.hidden_layer_sizes), self._width(targets))
        if first:
            self._begin(X, weight, sizes, seed)
        elif [len(c) for c in self.coefs_] + [self.coefs_[-1].shape[1]] != list(sizes):
            raise ConfigError(
                f"{type(self).__name__}: cannot go on with layers {sizes} where "
                f"{[len(c) for c in self.coefs_] + [self.coefs_[-1].shape[1]]} were fitted; set warm_start=False"
            )
        targets = self._scale_targets(targets, weight, first)
        rows, held_out = self._split(X, targets, weight, seed)
        self._train(rows, held_out, sizes, seed, incremental)

    def _refuse_incremental(self) -> None:
        if self.early_stopping:
            raise ConfigError(f"{type(self).__name__}: partial_fit does not support early_stopping=True")
        if OPTIMIZERS[self.solver].closure is not None:
            raise ConfigError(
                f"{type(self).__name__}: partial_fit does not work with {self.solver}, which wants all rows"
            )

    def _width(self, targets: np.ndarray) -> int:
        return len(self.classes_) if self.out_activation_ == "softmax" else targets.shape[1]

    def _begin(self, X: Any, weight: np.ndarray, sizes: tuple[int, ...], seed: int) -> None:
        """Draw weights and forget what was learnt before."""
        rng = np.random.default_rng(seed)
        factor = 2.0 if self.activation in ("logistic", "sigmoid") else 6.0
        coefs, intercepts = [], []
        for fan_in, fan_out in pairwise(sizes):
            bound = np.sqrt(factor / (fan_in + fan_out))
            coefs.append(rng.uniform(-bound, bound, (fan_in, fan_out)).astype(X.dtype))
            intercepts.append(rng.uniform(-bound, bound, fan_out).astype(X.dtype))
        self.coefs_, self.intercepts_ = coefs, intercepts
        self.mean_, self.scale_ = moments(X, weight) if self.standardize else (None, None)
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.loss_curve_: list[float] = []
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -np.inf if self.early_stopping else None
        self.best_loss_: float | None = None if self.early_stopping else np.inf
        self.n_iter_ = self.t_ = 0
        self._epochs = 0
        self._optimizer_state: Any = None

    def _split(self, X: Any, y: np.ndarray, weight: np.ndarray, seed: int) -> tuple[Rows, Rows | None]:
        def rows(X: Any, y: np.ndarray, weight: np.ndarray) -> Rows:
            return Rows(X, y, weight.astype(dtype), self.mean_, self.scale_, dtype)

        dtype = self.coefs_[0].dtype
        if not self.early_stopping:
            return rows(X, y, weight), None
        parts = train_test_split(
            X, y, weight, random_state=seed, test_size=self.validation_fraction, stratify=self._strata(y)
        )
        if len(parts[3]) < 2:
            raise DataError(
                f"{type(self).__name__}: the validation part has {len(parts[3])} rows; raise validation_fraction"
            )
        return rows(*parts[0::2]), rows(*parts[1::2])

    def _train(self, rows: Rows, held_out: Rows | None, sizes: tuple[int, ...], seed: int, incremental: bool) -> None:
        who, n = type(self).__name__, len(rows)
        if self.batch_size == "auto":
            batch = n if self.solver in FULL_BATCH else min(_AUTO_BATCH, n)
        else:
            batch = min(self.batch_size, n)
        shape = Shape(n, batch)
        activation = activation_name(who, self.activation)
        plan = Plan(sizes, activation, self.out_activation_, self.solver, self.dropout > 0, str(rows.dtype))
        eager = OPTIMIZERS[self.solver].closure is not None or (
            not rows.large() and runs_eagerly(sizes, shape, self.max_iter)
        )
        workshop = Workshop(plan) if eager else borrow(plan)
        workshop.start(
            (self.coefs_, self.intercepts_),
            {"lr": self.learning_rate_init, "momentum": self.momentum},
            alpha=self.alpha,
            dropout=self.dropout,
            seed=int(np.random.SeedSequence([seed, self._epochs]).generate_state(1)[0]),
            state=self._optimizer_state if incremental else None,
        )
        judge = None
        if held_out is not None:
            x, y, weight = held_out.columns(), held_out.y, held_out.weight

            def judge(weights: Weights) -> float:
                return self._judged(outputs(weights, x, activation, self.out_activation_), y, weight)

        epochs = 1 if incremental else self.max_iter
        plateau = Plateau(self.tol, np.inf if incremental else self.n_iter_no_change)
        if self.best_loss_ is not None:
            plateau.best = self.best_loss_
        trained = train(
            workshop, rows, shape, plateau, epochs=epochs, seed=seed, first_epoch=self._epochs, shuffle=self.shuffle,
            eager=eager, judge=judge, tell=self._tell if self.verbose else None,
        )  # fmt: skip
        self._take(trained, workshop, plateau, n)
        if not eager:
            give_back(workshop)
        if not incremental and not plateau.over():
            warnings.warn(
                f"{who}: all {epochs} epochs are done and the loss was still falling; raise max_iter",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _take(self, trained: Trained, workshop: Workshop, plateau: Plateau, rows: int) -> None:
        """Keep what was learnt, as NumPy arrays and plain values."""
        coefs, intercepts = workshop.weights() if trained.weights is None else trained.weights
        self.coefs_, self.intercepts_ = coefs, intercepts
        self.n_iter_ = len(trained.losses)
        self._epochs += self.n_iter_
        self.t_ += self.n_iter_ * rows
        self.loss_curve_ = self.loss_curve_ + trained.losses
        self.loss_ = trained.losses[-1]
        if trained.scores is None:
            self.best_loss_ = plateau.best
            if OPTIMIZERS[self.solver].closure is None:
                self._optimizer_state = workshop.optimizer_state()
        else:
            self.validation_scores_ = [*(self.validation_scores_ or []), *trained.scores]
            self.best_validation_score_ = max(self.validation_scores_)

    def _tell(self, epoch: int, loss: float) -> None:
        print(f"epoch {epoch}, loss {loss:.8f}")

    # --- predicting -------------------------------------------------------------------------------------------------
    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        dtype, name = self.coefs_[0].dtype, activation_name(type(self).__name__, self.activation)
        parts = [
            outputs(
                (self.coefs_, self.intercepts_),
                standard(block, self.mean_, self.scale_, dtype),
                name,
                self.out_activation_,
            )
            for _, block in blocks(X)
        ]
        return np.concatenate(parts)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
