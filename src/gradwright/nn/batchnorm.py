"""Batch normalisation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gradwright.engine.creation import ones, zeros
from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ShapeError
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = ["BatchNorm1d"]


class BatchNorm1d(Module):
    """Standardise each feature over the batch, then scale and shift it.

    Equation: y = (x - E[x]) / sqrt(Var[x] + eps) · weight + bias, with the batch's mean and biased variance in
    training and the running ones in evaluation. Running statistics: r ← (1 - momentum)·r + momentum·new, the new
    variance unbiased.

    Parameters
    ----------
    num_features : int
        C, the length of axis 1.
    eps : float > 0
        Added to the variance.
    momentum : float in [0, 1], or None
        Weight of the new value; None averages over all batches so far.
    affine : bool
        Whether weight (initially 1) and bias (initially 0) are learnt.
    track_running_stats : bool
        Whether running statistics are kept; without them evaluation uses the batch's.

    References
    ----------
    S. Ioffe and C. Szegedy, *Batch normalization* (ICML 2015), algorithms 1 and 2.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("momentum",)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.register_parameter("weight", Parameter(ones(num_features)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features)) if affine else None)
        self.register_buffer("running_mean", zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=np.int64) if track_running_stats else None)

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input, of the input's shape (N, C) or (N, C, L)."""
        if input.ndim not in (2, 3) or input.shape[1] != self.num_features:
            raise ShapeError(
                f"BatchNorm1d({self.num_features}): expected (N, {self.num_features}) or (N, {self.num_features}, L), "
                f"got {input.shape}"
            )
        momentum: Any = self.momentum
        if self.training and self.track_running_stats:
            with no_grad():
                self.num_batches_tracked._assign(self.num_batches_tracked + 1)
            if momentum is None:
                momentum = 1.0 / self.num_batches_tracked.to(input.dtype)
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            momentum,
            self.eps,
        )

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )
