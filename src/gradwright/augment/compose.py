"""Augmentations one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradwright.engine.ops.shape import reshape
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.container import Sequential
from gradwright.nn.module import Module

__all__ = ["Compose"]


class Compose(Sequential):
    """Run augmentations one after the other; called with targets, it hands them to those that mix them.

    Parameters
    ----------
    transforms : sequence of Module
        Each takes samples and returns samples; MixUp and CutMix take and return samples and targets.
    shape : tuple of int, optional
        The shape of one sample, (C, H, W) or (H, W), where samples come as rows (N, C·H·W): they are given this shape
        for the augmentations and leave as rows again.

    Raises
    ------
    ConfigError
        When one of them mixes targets, and it is called without in training.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> change = augment.Compose([augment.RandomRotation(10), augment.MixUp(0.2, num_classes=10)], shape=(28, 28))
    >>> x, y = change(gw.rand(8, 784), gw.tensor([0, 1, 2, 3, 4, 5, 6, 7]))
    >>> x.shape, y.shape
    ((8, 784), (8, 10))
    >>> change.eval()(x).shape
    (8, 784)
    """

    def __init__(self, transforms: Sequence[Module], shape: Sequence[int] | None = None) -> None:
        super().__init__(*transforms)
        self.shape = None if shape is None else tuple(int(n) for n in shape)

    @property
    def transforms(self) -> list[Module]:
        """The augmentations, in order."""
        return list(self)

    @property
    def takes_targets(self) -> bool:
        """Whether one of them mixes targets."""
        return any(getattr(part, "takes_targets", False) for part in self)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Any:
        """Return the samples, or samples and targets when it got both."""
        rows = self.shape is not None and x.ndim == 2
        if rows:
            x = self._unfolded(x)
        for part in self:
            if not getattr(part, "takes_targets", False):
                x = part(x)
            elif y is not None:
                x, y = part(x, y)
            elif self.training:
                raise ConfigError(
                    f"Compose: {type(part).__name__} mixes targets, too; call it with both: x, y = augment(x, y)"
                )
        if rows:
            x = reshape(x, shape=(x.shape[0], -1))
        return x if y is None else (x, y)

    def _unfolded(self, x: Tensor) -> Tensor:
        try:
            out: Tensor = reshape(x, shape=(x.shape[0], *(self.shape or ())))
        except ValueError:
            raise ShapeError(f"Compose: rows {x.shape} cannot be samples of the shape {self.shape}") from None
        return out
