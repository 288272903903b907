"""The regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from gradwright.sklearn.base import Perceptron
from gradwright.sklearn.scaling import moments

__all__ = ["GradwrightRegressor"]


class GradwrightRegressor(RegressorMixin, Perceptron):
    """A multilayer perceptron that predicts numbers, with scikit-learn's interface and compiled training.

    Equations: h₀ = (x - mean) / scale, hᵢ = activation(hᵢ₋₁ Wᵢ + bᵢ), ŷ = target_mean + target_scale · hₙ. The loss is
    half the mean squared error in the targets' own deviations, by the rows' weights and over all outputs, and
    alpha/2 · Σ W² over the batch's sum of weights.

    Arguments have the names, meanings and defaults of scikit-learn's ``MLPRegressor``, but for those named as ours.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate_init, momentum, max_iter, shuffle
        As in :class:`GradwrightClassifier`.
    random_state, tol, verbose, warm_start, early_stopping, validation_fraction, n_iter_no_change, dropout
        As there; ``early_stopping`` goes by R².
    standardize : bool
        Ours. Bring the columns, and the targets while they are learnt, to mean 0 and variance 1.

    Attributes
    ----------
    target_mean_, target_scale_ : float64 arrays, (targets,), or None
        What standardises the targets. The others are as in :class:`GradwrightClassifier`; losses are of standardised
        targets.

    Raises
    ------
    ConfigError, DataError, NonFiniteError
        By ``fit``, for arguments, data and losses that make no sense; all but the last are ValueErrors.

    Examples
    --------
    >>> import numpy as np
    >>> from gradwright.sklearn import GradwrightRegressor
    >>> X = np.random.default_rng(0).normal(size=(100, 3)); y = 1000 + X @ [1.0, 2.0, 3.0]
    >>> model = GradwrightRegressor((), learning_rate_init=0.03, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.99
    True

    References
    ----------
    As for :class:`GradwrightClassifier`.
    """

    target_mean_: np.ndarray | None
    target_scale_: np.ndarray | None

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: float | None = None,
        momentum: float | None = None,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        dropout: float = 0.0,
        standardize: bool = True,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.dropout = dropout
        self.standardize = standardize

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GradwrightRegressor:
        """Fit to X and y, with ``warm_start`` from where the last fit ended.

        Parameters
        ----------
        X : array or sparse matrix, (rows, features)
        y : array, (rows,) or (rows, targets)
        sample_weight : array, (rows,), optional
            At least 0. A row of weight 2 counts as two rows, one of weight 0 as none.
        """
        self._fit(X, y, sample_weight, incremental=False)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> GradwrightRegressor:
        """Go once over X and y, from where the last call ended; the arguments are those of :meth:`fit`."""
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the predictions, (rows,) or (rows, targets) as y was."""
        output = self._outputs(X)
        if self.target_mean_ is not None:
            output = (output * self.target_scale_ + self.target_mean_).astype(output.dtype)
        return output[:, 0] if self._flat else output

    # --- what targets mean ------------------------------------------------------------------------------------------
    def _targets(self, y: Any, first: bool) -> np.ndarray:
        y = np.asarray(y, np.float64)
        if first:
            self._flat = y.ndim == 1
            self.out_activation_ = "identity"
        return y.reshape(len(y), -1)

    def _scale_targets(self, y: np.ndarray, weight: np.ndarray, first: bool) -> np.ndarray:
        if first:
            self.target_mean_, self.target_scale_ = moments(y, weight) if self.standardize else (None, None)
        if self.target_mean_ is not None:
            y = (y - self.target_mean_) / self.target_scale_
        return y.astype(self.coefs_[0].dtype)

    def _judged(self, output: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        return float(r2_score(y, output, sample_weight=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
