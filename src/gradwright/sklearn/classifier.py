"""The classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from gradwright.errors import ConfigError, DataError
from gradwright.sklearn.base import Perceptron

__all__ = ["GradwrightClassifier"]


class GradwrightClassifier(ClassifierMixin, Perceptron):
    """A multilayer perceptron that tells classes apart, with scikit-learn's interface and compiled training.

    Equations: h₀ = (x - mean) / scale, hᵢ = activation(hᵢ₋₁ Wᵢ + bᵢ); the probabilities are softmax(hₙ), or for two
    classes and for several labels at once the logistic function of hₙ. The loss is the mean cross-entropy by the rows'
    weights and alpha/2 · Σ W² over the batch's sum of weights.

    Arguments have the names, meanings and defaults of scikit-learn's ``MLPClassifier``, but for those named as ours.
    Programs are kept in the process and on disk, so that only the first fit of a shape waits for its compiling; very
    short fits run eagerly on NumPy.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int >= 1, or int
        Widths of the hidden layers; () makes it logistic regression.
    activation : str
        ``"relu"``, ``"tanh"``, ``"logistic"``, ``"identity"``, or another function of one argument in
        ``nn.functional``, such as ``"gelu"``.
    solver : str
        ``"adam"``, or another of the command line's optimizers but Newton's, such as ``"sgd"``, ``"adamw"`` or
        ``"lbfgs"``, of which an epoch is up to twenty iterations.
    alpha : float >= 0
        Strength of the L2 penalty.
    batch_size : int >= 1 or "auto"
        "auto": 200 or all rows; always all rows for ``"lbfgs"``, ``"gd"`` and ``"rprop"``.
    learning_rate_init : float > 0, optional
        None: the solver's own, 0.001 for Adam and 0.05 for SGD.
    momentum : float in [0, 1), optional
        None: 0.9 for SGD, and for others their own.
    max_iter : int >= 1
        Epochs at most.
    shuffle : bool
        Draw the rows' order anew in each epoch.
    random_state : int, RandomState or None
        Decides the first weights, orders, dropout and the validation part. Equal numbers, equal fits.
    tol : float >= 0
        Training stops when the loss (with ``early_stopping``: the validation accuracy) has not been better by ``tol``
        for more than ``n_iter_no_change`` epochs in a row.
    verbose : bool
        Print each epoch's loss.
    warm_start : bool
        ``fit`` goes on from where the last one ended.
    early_stopping : bool
        Hold out ``validation_fraction`` of the rows, stop by their accuracy, and keep the weights that were best.
    validation_fraction : float in (0, 1)
    n_iter_no_change : int >= 1 or inf
    class_weight : dict, "balanced" or None
        Ours. A factor for each class; "balanced": so that all classes weigh the same.
    dropout : float in [0, 1)
        Ours. Rate after each hidden layer.
    standardize : bool
        Ours. Bring the columns to mean 0 and variance 1 first, by the mean and deviation of the rows fitted first.

    Attributes
    ----------
    classes_ : array, (classes,)
    coefs_, intercepts_ : lists of arrays, (inputs, outputs) and (outputs,)
        The layers' weights, for standardised columns, in the dtype of the X that was fitted (float64 or float32).
    mean_, scale_ : float64 arrays, (features,), or None
        What standardises the columns.
    loss_, best_loss_, loss_curve_ : float, float or None, list of float
        The mean training loss of the last epoch, the least, and all.
    validation_scores_, best_validation_score_ : list of float and float, or None
    n_iter_, t_ : int
        Epochs of the last fit, and rows seen in all.
    n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As ``MLPClassifier``'s.

    Raises
    ------
    ConfigError, DataError, NonFiniteError
        By ``fit``, for arguments, data and losses that make no sense; all but the last are ValueErrors.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from gradwright.sklearn import GradwrightClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = GradwrightClassifier((16,), max_iter=50, tol=1e-2, learning_rate_init=0.05, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95, model.predict_proba(X).shape
    (True, (150, 3))

    References
    ----------
    G. Hinton, *Connectionist learning procedures* (Artificial Intelligence 40, 1989); the weights start as in X. Glorot
    and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks* (AISTATS 2010), eq. 16.
    """

    classes_: np.ndarray

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
        class_weight: Any = None,
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
        self.class_weight = class_weight
        self.dropout = dropout
        self.standardize = standardize

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GradwrightClassifier:
        """Fit to X and y, with ``warm_start`` from where the last fit ended.

        Parameters
        ----------
        X : array or sparse matrix, (rows, features)
        y : array, (rows,) of labels, or (rows, labels) of 0 and 1
        sample_weight : array, (rows,), optional
            At least 0. A row of weight 2 counts as two rows, one of weight 0 as none.
        """
        self._fit(X, y, sample_weight, incremental=False)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> GradwrightClassifier:
        """Go once over X and y, from where the last call ended; the arguments are those of :meth:`fit`.

        Parameters
        ----------
        classes : array, (classes,)
            All classes that will come; asked for in the first call.
        """
        if not hasattr(self, "classes_") and classes is None:
            raise ConfigError(
                f"{type(self).__name__}: the first call of partial_fit must be told all classes: classes=…"
            )
        self._classes = None if classes is None else unique_labels(classes)
        try:
            self._fit(X, y, sample_weight, incremental=True)
        finally:
            self.__dict__.pop("_classes", None)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each row, or for several labels at once 0 and 1 for each."""
        output = self._outputs(X)
        if self._multilabel:
            return (output > 0.5).astype(int)
        best = output.argmax(1) if self.out_activation_ == "softmax" else (output[:, 0] > 0.5).astype(int)
        found: np.ndarray = self.classes_[np.minimum(best, len(self.classes_) - 1)]
        return found

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, or for several labels at once of each label: (rows, classes)."""
        output = self._outputs(X)
        if self.out_activation_ == "softmax" or self._multilabel:
            return output
        if len(self.classes_) == 1:
            return np.ones_like(output)
        return np.hstack([1 - output, output])

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            logarithms: np.ndarray = np.log(self.predict_proba(X))
        return logarithms

    # --- what targets mean ------------------------------------------------------------------------------------------
    def _targets(self, y: Any, first: bool) -> np.ndarray:
        who = type(self).__name__
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise DataError(f"{who}: y has several columns of several classes; fit one classifier for each column")
        multilabel = kind == "multilabel-indicator"
        y = (y.toarray() if hasattr(y, "toarray") else y) if multilabel else column_or_1d(y, warn=True)
        found = np.arange(y.shape[1]) if multilabel else np.unique(y)
        if first:
            self._multilabel = multilabel
            given = getattr(self, "_classes", None)
            self.classes_ = found if given is None else given
            self.out_activation_ = "softmax" if len(self.classes_) > 2 and not multilabel else "logistic"
        elif multilabel != self._multilabel:
            raise DataError(f"{who}: y is {kind} data now, and was not in the fit that this one goes on from")
        new = np.setdiff1d(found, self.classes_)
        if len(new):
            raise DataError(
                f"{who}: y has the classes {new.tolist()}, which are not among those known before: "
                f"{self.classes_.tolist()}"
            )
        if multilabel:
            return (y != 0).astype(np.float64)
        place = np.searchsorted(self.classes_, y)
        return place.astype(np.int64) if self.out_activation_ == "softmax" else place.astype(np.float64)[:, None]

    def _scale_targets(self, y: np.ndarray, weight: np.ndarray, first: bool) -> np.ndarray:
        return y if y.dtype.kind == "i" else y.astype(self.coefs_[0].dtype)

    def _class_weight(self, y: Any, weight: np.ndarray) -> np.ndarray:
        if self.class_weight is None:
            return weight
        if (isinstance(self.class_weight, str) and self.class_weight != "balanced") or not isinstance(
            self.class_weight, str | dict | list
        ):
            raise ConfigError(
                f"{type(self).__name__}: class_weight must be a dict, 'balanced' or None, got {self.class_weight!r:.80}"
            )
        if self._multilabel or self.class_weight != "balanced":
            out: np.ndarray = weight * compute_sample_weight(self.class_weight, y)
            return out
        _, place = np.unique(y, return_inverse=True)
        counts = np.bincount(place.ravel(), weights=weight)
        # a class of which no row counts has nothing to be brought into balance
        factors = weight.sum() / (np.count_nonzero(counts) * np.where(counts > 0, counts, 1.0))
        return weight * factors[place.ravel()]

    def _judged(self, output: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
        if self.out_activation_ == "softmax":
            return float(np.average(output.argmax(1) == y, weights=weight))
        return float(accuracy_score(y > 0.5, output > 0.5, sample_weight=weight))

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        return None if self._multilabel else y

    def _refuse_incremental(self) -> None:
        super()._refuse_incremental()
        if self.class_weight == "balanced":
            raise ConfigError(
                f"{type(self).__name__}: class_weight='balanced' cannot be told from a part of the rows; give "
                "partial_fit a dict, or sample_weight"
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
