"""Padding as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
    "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _Pad(Module):
    """Give the spatial axes more places before and after.

    Parameters
    ----------
    padding : int, or (before, after) of the last axis, then of the last but one, …
        A negative number takes places away.

    Shapes
    ------
    (N, C, …) or (C, …), each spatial axis longer by its two numbers.

    Raises
    ------
    ConfigError
        When there are not two numbers for each spatial axis.
    ShapeError
        At the call, when the input has not as much to give as the padding takes from it.
    """

    axes: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self.axes) if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != 2 * self.axes:
            raise ConfigError(
                f"{type(self).__name__}: padding is a number or {2 * self.axes} of them, (before, after) of each axis "
                f"from the last; got {padding!r}"
            )

    def forward(self, input: Tensor) -> Tensor:
        """Return the padded input."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """Pad the last axes with one number.

    Parameters
    ----------
    padding : int, or (before, after) of the last axis, then of the last but one, …
        A negative number takes places away.
    value : float
        The number. A compiled step serves every value from one program.

    Raises
    ------
    ConfigError
        When there are not two numbers for each spatial axis.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("value",)
    mode = "constant"

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Return the padded input."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """One number around rows, (…, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ConstantPad1d((1, 2), 9.0)(gw.tensor([[1.0, 2.0]]))
    tensor([[9., 1., 2., 9., 9.]])
    """

    axes = 1


class ConstantPad2d(_ConstantPad):
    """One number around images, (…, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ConstantPad2d((0, 1, 1, 0), 9.0)(gw.ones(1, 1, 2))
    tensor([[[9., 9., 9.],
             [1., 1., 9.]]])
    """

    axes = 2


class ConstantPad3d(_ConstantPad):
    """One number around volumes, (…, D, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ConstantPad3d(1, 9.0)(gw.ones(2, 1, 2, 3)).shape
    (2, 3, 4, 5)
    """

    axes = 3


class ZeroPad1d(_Pad):
    """Zeros around rows, (…, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ZeroPad1d((1, -1))(gw.tensor([[1.0, 2.0]]))
    tensor([[0., 1.]])
    """

    axes = 1
    mode = "constant"


class ZeroPad2d(_Pad):
    """Zeros around images, (…, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ZeroPad2d(1)(gw.ones(1, 3, 4, 5)).shape
    (1, 3, 6, 7)
    """

    axes = 2
    mode = "constant"


class ZeroPad3d(_Pad):
    """Zeros around volumes, (…, D, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ZeroPad3d((1, 1, 0, 0, 0, 0))(gw.ones(1, 3, 4, 5)).shape
    (1, 3, 4, 7)
    """

    axes = 3
    mode = "constant"


class ReflectionPad1d(_Pad):
    """Rows mirrored at their ends, (N, C, L) or (C, L); the end itself is not repeated.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReflectionPad1d(2)(gw.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 2., 1., 2., 3., 2., 1.]])
    """

    axes = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """Images mirrored at their edges, (N, C, H, W) or (C, H, W); the edge itself is not repeated.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReflectionPad2d((1, 0, 0, 0))(gw.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[2., 1., 2.],
             [4., 3., 4.]]])
    """

    axes = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """Volumes mirrored at their faces, (N, C, D, H, W) or (C, D, H, W); the face itself is not repeated.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReflectionPad3d(1)(gw.ones(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    axes = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """Rows with their ends repeated, (N, C, L) or (C, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReplicationPad1d(2)(gw.tensor([[1.0, 2.0]]))
    tensor([[1., 1., 1., 2., 2., 2.]])
    """

    axes = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """Images with their edges repeated, (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReplicationPad2d((0, 0, 1, 0))(gw.tensor([[[1.0, 2.0]]]))
    tensor([[[1., 2.],
             [1., 2.]]])
    """

    axes = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """Volumes with their faces repeated, (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReplicationPad3d(1)(gw.ones(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    axes = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """Rows that go on at their other end, (N, C, L) or (C, L).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.CircularPad1d(1)(gw.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3., 1.]])
    """

    axes = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """Images that go on at their other edge, (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.CircularPad2d((1, 0, 0, 0))(gw.tensor([[[1.0, 2.0]]]))
    tensor([[[2., 1., 2.]]])
    """

    axes = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """Volumes that go on at their other face, (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.CircularPad3d(1)(gw.ones(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    axes = 3
    mode = "circular"
