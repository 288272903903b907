"""What a network must beat: no thought at all, chance in proportion, a straight line, and counting."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradwright.data.batches import epoch_order, uniform
from gradwright.data.messages import listed, plural, shown
from gradwright.data.task import Task
from gradwright.data.token_baselines import TokenFrequencies, TokenTags
from gradwright.errors import DataError

__all__ = ["Baseline", "fit_baselines"]

_VALUES = 8_000_000  # of the prepared matrix that a linear classifier sees: 10,204 rows of 784 pixels
_WORK = 400_000_000  # values times iterations of its solver: one to two seconds


class Baseline(Protocol):
    """A simple model to compare with."""

    @property
    def name(self) -> str:
        """Its name, as reports print it."""

    @property
    def description(self) -> str:
        """What it does, in words."""

    def predict(self, features: NDArray[Any]) -> NDArray[Any]:
        """Predict rows.

        Parameters
        ----------
        features : float32 array, shape (n, width); of tokens int64, shape (n, length)
            Prepared rows.

        Returns
        -------
        array
            Class indices int64 (n,); labels int64 (n, labels) of 0 and 1; quantities float64 (n,) or (n, targets) in
            their own units; tags or next tokens int64 (n, length).
        """


@dataclass(frozen=True)
class Constant:
    """Always says the same: the commonest class, the labels that most rows have, the means."""

    name: str
    description: str
    value: int | float | tuple[int, ...] | tuple[float, ...]
    per_token: bool = False

    def predict(self, features: NDArray[Any]) -> NDArray[Any]:
        """The one value, for each row or each token."""
        value = np.asarray(self.value)
        shape = features.shape if self.per_token else (len(features), *value.shape)
        return np.broadcast_to(value, shape).astype(np.int64 if value.dtype.kind == "i" else np.float64)


@dataclass(frozen=True)
class Proportional:
    """Draws a class for each row, each as often as in training; the n-th draw depends on the seed alone."""

    name: str
    description: str
    shares: NDArray[np.float64]
    seed: int

    def predict(self, features: NDArray[Any]) -> NDArray[np.int64]:
        """Drawn class indices, shape (n,)."""
        edges = np.cumsum(self.shares)
        drawn = np.searchsorted(edges / edges[-1], uniform(len(features), key=self.seed, stream=2), side="right")
        return np.minimum(drawn, len(edges) - 1).astype(np.int64)


@dataclass(frozen=True)
class ProportionalLabels:
    """Gives each label to a row as often as in training, whatever the row and its other labels."""

    name: str
    description: str
    shares: NDArray[np.float64]
    seed: int

    def predict(self, features: NDArray[Any]) -> NDArray[np.int64]:
        """Drawn labels, shape (n, labels)."""
        n, k = len(features), len(self.shares)
        drawn = uniform(n * k, key=self.seed, stream=2).reshape(n, k)
        return (drawn < self.shares).astype(np.int64)


@dataclass(frozen=True)
class Linear:
    """A linear model of scikit-learn on the prepared features."""

    name: str
    description: str
    model: Any = field(repr=False)
    classes: bool

    def predict(self, features: NDArray[Any]) -> NDArray[Any]:
        """Class indices, labels or quantities."""
        return np.asarray(self.model.predict(features)).astype(np.int64 if self.classes else np.float64)


def fit_baselines(task: Task, features: NDArray[Any], target: NDArray[Any], *, seed: int = 0) -> list[Baseline]:
    """Fit the baselines on the training part.

    Parameters
    ----------
    task : Task
        What is predicted.
    features, target : arrays
        The training part, as `encode_rows` gives it: quantities in their own units, not standardised.
    seed : int
        Of the random baseline's draws, and of the rows for a linear model that cannot take all.

    Returns
    -------
    list of Baseline
        Classes: majority class, random in proportion, logistic regression. Labels: the same, label by label.
        Quantities: mean, linear regression. Tags: the commonest tag, each token's commonest tag. Next tokens: how
        often each token stands in training, and how often after the one before (`TokenFrequencies`).

    Raises
    ------
    DataError
        Features and target of different lengths, or features that are not finite.

    Notes
    -----
    A linear classifier sees at most eight million values of the matrix (10,204 rows of 784 pixels, all of a
    usual table), and its solver takes at most 200 iterations, down to 30 the more values there are; the
    description says so where it mattered. It runs on one thread: two threads that share such small work
    wait for each other a hundred times longer than they compute.

    Examples
    --------
    >>> task = Task("binary", "as an example", classes=("no", "yes"), class_counts=(1, 3))
    >>> x, y = np.array([[-1.0], [0.5], [1.0], [2.0]], np.float32), np.array([0, 1, 1, 1])
    >>> baselines = fit_baselines(task, x, y)
    >>> [b.name for b in baselines], baselines[0].description
    (['majority class', 'random in proportion', 'logistic regression'], "always says 'yes'")
    >>> baselines[2].predict(x)
    array([0, 1, 1, 1])
    """
    if len(features) != len(target) or len(features) == 0:
        raise DataError(
            f"cannot fit baselines on {plural(len(features), 'row')} of features and {plural(len(target), 'target')}"
        )
    if not np.isfinite(features).all():
        raise DataError("cannot fit baselines: the features hold NaN or infinity; give them prepared")
    if task.kind == "multilabel":
        return _of_labels(task, features, target, seed)
    if task.kind == "tagging":
        return _of_tags(task, features, target)
    if task.kind == "next_token":
        x, y = features.astype(np.int64), target
        return [TokenFrequencies.fit(x, y, order) for order in (1, 2)]
    if task.classes is None:
        values = np.asarray(target, np.float64)
        means = tuple(float(m) for m in np.atleast_1d(values.mean(0)))
        words = f"always says {', '.join(f'{mean:.6g}' for mean in means[:6])}{', …' if len(means) > 6 else ''}"
        value: Any = means[0] if values.ndim == 1 else means
        return [Constant("mean", words, value), _linear(task, features, values, seed)]
    counts = np.bincount(target, minlength=len(task.classes))
    common = int(counts.argmax())
    return [
        Constant("majority class", f"always says {shown(task.classes[common])}", common),
        Proportional(
            "random in proportion", "draws a class as often as it is in training", counts / counts.sum(), seed
        ),
        _linear(task, features, target, seed),
    ]


def _of_labels(task: Task, features: NDArray[Any], target: NDArray[Any], seed: int) -> list[Baseline]:
    flags = np.asarray(target).astype(np.int64)
    shares = flags.mean(0)
    most = shares > 0.5 if (shares > 0.5).any() else np.arange(len(shares)) == shares.argmax()
    names = [name for name, there in zip(task.classes or (), most, strict=True) if there]
    common = Constant("commonest labels", f"always says {listed(names, 6)}", tuple(int(m) for m in most))
    words = "gives each label as often as it is in training"
    return [
        common,
        ProportionalLabels("random in proportion", words, shares, seed),
        _linear(task, features, flags, seed),
    ]


def _of_tags(task: Task, features: NDArray[Any], target: NDArray[Any]) -> list[Baseline]:
    tokens, tags = features.astype(np.int64), np.asarray(target)
    counts = np.bincount(tags[tags >= 0], minlength=task.outputs)
    common = int(counts.argmax())
    said = shown((task.classes or ())[common])
    return [
        Constant("commonest tag", f"always says {said}", common, per_token=True),
        TokenTags.fit(tokens, tags, common),
    ]


def _linear(task: Task, features: NDArray[Any], target: NDArray[Any], seed: int) -> Linear:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multiclass import OneVsRestClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    rows, width = features.shape
    some = max(_VALUES // max(width, 1), 1000)
    limited = ""
    quantities = task.kind == "regression"
    if rows > some and not quantities:
        chosen = np.sort(epoch_order(rows, key=seed, epoch=0)[:some])
        features, target = features[chosen], target[chosen]
        limited = f", on {some:,} of {rows:,} training rows"
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow within a line search that then steps back
        if quantities:
            ridge = Ridge(alpha=1.0).fit(features.astype(np.float64), target)
            return Linear("linear regression", "scikit-learn's Ridge, alpha 1", ridge, False)
        if task.kind == "multilabel":
            least = LogisticRegression(C=1.0, max_iter=100, tol=1e-3)
            warnings.filterwarnings("ignore", message="Label .* is present in all training examples")
            rest = OneVsRestClassifier(least).fit(features, target)
            return Linear("one-vs-rest", f"scikit-learn's logistic regression for each label, C 1{limited}", rest, True)
        if len(np.unique(target)) < 2:
            raise DataError("cannot fit a linear model: the training part has one class only")
        most = min(max(_WORK // features.size, 30), 200)
        model = LogisticRegression(C=1.0, max_iter=most, tol=1e-3).fit(features, target)
    if int(np.max(model.n_iter_)) >= most:
        limited += f", stopped after {most} iterations"
    return Linear("logistic regression", f"scikit-learn's, L2 penalty C 1{limited}", model, True)
