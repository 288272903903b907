"""Penalties, priors and initialisations by the names that a configuration gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn.init.schemes import SCHEMES
from gradwright.nn.module import Module
from gradwright.nn.regularization import L1, L2, GaussianPrior, LaplacePrior, Penalty, Prior, StudentTPrior

if TYPE_CHECKING:
    from gradwright.train.config import Config

__all__ = ["INITIALISATIONS", "PRIORS", "make_penalty"]

PRIORS: dict[str, type[Prior]] = {"gaussian": GaussianPrior, "laplace": LaplacePrior, "student-t": StudentTPrior}

#: With what explains each.
INITIALISATIONS: dict[str, str] = {name: scheme.line for name, scheme in SCHEMES.items()}


def make_penalty(config: Config, rows: int, classes: bool) -> Callable[[Module], Tensor] | None:
    """Return what is added to the loss: L1, L2 and a prior together; None without any.

    Parameters
    ----------
    rows : int
        Training rows; a prior weighs as much as one likelihood of all of them.
    classes : bool
        Whether the loss is cross-entropy; otherwise it is squared error of a standardised target, whose noise a prior
        takes to be of variance 1, so that minus the log-likelihood is half of it.
    """
    parts: list[Penalty] = []
    if config.l1:
        parts.append(L1(config.l1))
    if config.l2:
        parts.append(L2(config.l2))
    weights = [1.0] * len(parts)
    if config.prior is not None:
        parts.append(_prior(config.prior, rows))
        weights.append(1.0 if classes else 2.0)
    if not parts:
        return None

    def penalty(model: Module) -> Tensor:
        total = parts[0](model) * weights[0]
        for part, weight in zip(parts[1:], weights[1:], strict=True):
            total = total + part(model) * weight
        return total

    return penalty


def _prior(text: str, rows: int) -> Prior:
    name, _, scale = text.partition("=")
    try:
        number = float(scale or 1.0)
    except ValueError:
        raise ConfigError(f"prior = {text!r}: expected a scale after the name, such as {name}=1") from None
    return PRIORS[name](number, rows)
