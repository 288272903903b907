"""Named priors as penalties: training with one finds the maximum of the posterior (MAP).

For N independent samples -log p(w | data) = Σ_i loss_i - log p(w) + const, where the loss is minus the log-likelihood
(cross-entropy; for squared error see :class:`GaussianPrior`). Training minimises the mean, so it is divided by N:

    mean loss + (1/N) · (-log p(w)).

The penalty is -log p(w) / N with the constants dropped, so that it is 0 at w = 0: 1/N · (log p(0) - log p(w)).
:meth:`Prior.log_prob` keeps them. Scaled by N, a prior loses its weight against the data as the data grow, which a
fixed ``weight_decay`` does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from gradwright.backend import namespace
from gradwright.engine.op import wrap
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn.module import Module
from gradwright.nn.regularization.penalty import Penalty, check_number, number
from gradwright.nn.weights import chosen_weights

__all__ = ["GaussianPrior", "LaplacePrior", "Prior", "StudentTPrior"]


class Prior(Penalty):
    """A distribution of the weights, each independent of the others, with mode 0 and a scale."""

    hyperparameters: ClassVar[tuple[str, ...]] = ("scale", "samples")

    def __init__(self, scale: float, samples: int, patterns: str | Sequence[str] | None = None) -> None:
        super().__init__(patterns)
        who = type(self).__name__
        self.scale = check_number(who, "scale", scale, above=True)
        self.samples = check_number(who, "samples", samples, above=True)
        if samples < 1:
            raise ConfigError(f"{who}: samples is the number of training samples, at least 1; got {samples}")

    def log_peak(self) -> Any:
        """Return log p(0) of one weight, where the density is highest."""
        raise TypeError(f"{type(self).__name__} defines no log_peak")

    def factor(self) -> Any:
        """Return 1/N."""
        return 1 / self.samples

    def log_prob(self, model: Module) -> Tensor:
        """Return log p(w), the sum over all weights that it applies to, with its constants."""
        count = sum(w.parameter.numel() for w in chosen_weights(type(self).__name__, model, self.patterns))
        total = self.total(model)
        return number(count * self.log_peak(), total) - total


class GaussianPrior(Prior):
    """Weights from N(0, s²): 1/N · Σ w² / (2s²), which is :class:`L2` of strength 1/(N·s²).

    With squared error the likelihood's own variance σ² counts: mean (y - ŷ)² is 2σ²/N times minus the log-likelihood,
    so multiply the prior by 2σ².

    Parameters
    ----------
    scale : float > 0
        s, a weight's standard deviation before any data. A compiled step serves every value.
    samples : int >= 1
        N, the number of training samples (not of a batch).
    patterns : str or sequence of str, optional
        Which parameters, see :class:`Penalty`.

    Raises
    ------
    ConfigError
        When ``scale`` is not above 0 or ``samples`` not at least 1.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Linear(3, 1)
    >>> _ = nn.init.constant_(net.weight, 2.0)
    >>> nn.regularization.GaussianPrior(scale=1.0, samples=2)(net).item()    # 3 · 2² / 2 / 2
    3.0

    References
    ----------
    D. MacKay, *A practical Bayesian framework for backpropagation networks* (Neural Computation 4, 1992).
    """

    def energy(self, w: Tensor) -> Tensor:
        """Return Σ w² / (2s²)."""
        return (w * w).sum() * number(0.5 / (self.scale * self.scale), w)

    def log_peak(self) -> Any:
        """Return -log s - log(2π)/2."""
        return -_log(self.scale) - 0.5 * math.log(2 * math.pi)


class LaplacePrior(Prior):
    """Weights of density exp(-|w|/b) / (2b): 1/N · Σ |w| / b, which is :class:`L1` of strength 1/(N·b).

    Parameters
    ----------
    scale : float > 0
        b, a weight's mean absolute value before any data.
    samples : int >= 1
        N, the number of training samples.
    patterns : str or sequence of str, optional
        Which parameters, see :class:`Penalty`.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Linear(3, 1)
    >>> _ = nn.init.constant_(net.weight, -2.0)
    >>> nn.regularization.LaplacePrior(scale=1.0, samples=2)(net).item()
    3.0

    References
    ----------
    P. Williams, *Bayesian regularization and pruning using a Laplace prior* (Neural Computation 7, 1995).
    """

    def energy(self, w: Tensor) -> Tensor:
        """Return Σ |w| / b."""
        return w.abs().sum() * number(1 / self.scale, w)

    def log_peak(self) -> Any:
        """Return -log(2b)."""
        return -_log(2 * self.scale)


class StudentTPrior(Prior):
    """Weights from Student's t: 1/N · (ν + 1)/2 · Σ log(1 + w²/(ν·s²)).

    Its heavy tails let a few weights be large while most stay near 0. As ν grows it becomes :class:`GaussianPrior`.

    Parameters
    ----------
    scale : float > 0
        s, the width of the distribution's middle.
    samples : int >= 1
        N, the number of training samples.
    df : float > 0
        ν, the degrees of freedom; 1 is the Cauchy distribution.
    patterns : str or sequence of str, optional
        Which parameters, see :class:`Penalty`.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Linear(3, 1)
    >>> _ = nn.init.constant_(net.weight, 1.0)
    >>> prior = nn.regularization.StudentTPrior(scale=1.0, samples=3, df=1.0)
    >>> round(prior(net).item(), 4)    # log 2
    0.6931

    References
    ----------
    A. Gelman et al., *Bayesian data analysis* (3rd ed., 2013), appendix A, for the density.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("scale", "samples", "df")

    def __init__(
        self, scale: float, samples: int, df: float = 4.0, patterns: str | Sequence[str] | None = None
    ) -> None:
        super().__init__(scale, samples, patterns)
        self.df = check_number("StudentTPrior", "df", df, above=True)

    def energy(self, w: Tensor) -> Tensor:
        """Return (ν + 1)/2 · Σ log(1 + w²/(ν·s²))."""
        logs = (w * w * number(1 / (self.df * self.scale * self.scale), w)).log1p()
        return logs.sum() * number((self.df + 1) / 2, w)

    def log_peak(self) -> Any:
        """Return log Γ((ν + 1)/2) - log Γ(ν/2) - log(πν)/2 - log s."""
        gammas = _log_gamma((self.df + 1) / 2) - _log_gamma(self.df / 2)
        return gammas - 0.5 * _log(math.pi * self.df) - _log(self.scale)


def _log(value: Any) -> Any:
    return namespace([value]).log(value)


def _log_gamma(value: Any) -> Any:
    xp = namespace([value])
    return wrap(xp.asarray(value, dtype="float64")).lgamma()._array
