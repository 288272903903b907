"""Networks of convolutions, for images."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import init
from gradwright.nn.activation import ReLU
from gradwright.nn.adaptive_pooling import AdaptiveAvgPool2d
from gradwright.nn.batchnorm import BatchNorm2d
from gradwright.nn.container import Flatten, Sequential
from gradwright.nn.convolution import Conv2d
from gradwright.nn.linear import Linear
from gradwright.nn.module import Module
from gradwright.nn.named import activation_layer
from gradwright.nn.normalization import GroupNorm
from gradwright.nn.pooling import AvgPool2d
from gradwright.nn.residual import Residual

__all__ = ["LeNet", "ResNet"]


class LeNet(Module):
    """LeNet-5: two convolutions, each with an average pool, and three fully connected layers.

    Layers: 5×5 convolution to 6 maps (two pixels of zeros around, as a 28×28 image in the paper's 32×32), pool by 2,
    5×5 convolution to 16 maps, pool by 2, then 120, 84 and ``num_classes`` units.

    Parameters
    ----------
    num_classes : int
        Numbers that it gives.
    shape : (channels, height, width)
        Of the images; at least 12 pixels each way.
    activation : str
        The name of a function in ``nn.functional``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.models.LeNet(10)(gw.zeros(2, 1, 28, 28)).shape
    (2, 10)

    References
    ----------
    Y. LeCun et al., *Gradient-based learning applied to document recognition* (Proc. IEEE 86, 1998), section II.B;
    here every map of the second convolution sees all of the first, and the output is linear.
    """

    def __init__(self, num_classes: int = 10, shape: Sequence[int] = (1, 28, 28), activation: str = "tanh") -> None:
        super().__init__()
        self.num_classes = num_classes
        self.shape = tuple(shape)
        self.activation = activation
        if len(self.shape) != 3 or min(self.shape[1:]) < 12:
            raise ConfigError(
                f"LeNet: shape is (channels, height, width), at least 12 pixels each way; got {self.shape}"
            )
        channels, *sizes = self.shape
        flat = 16 * math.prod((n // 2 - 4) // 2 for n in sizes)
        self.features = Sequential(
            Conv2d(channels, 6, 5, padding=2),
            activation_layer(activation),
            AvgPool2d(2),
            Conv2d(6, 16, 5),
            activation_layer(activation),
            AvgPool2d(2),
            Flatten(),
        )
        self.classifier = Sequential(
            Linear(flat, 120), activation_layer(activation), Linear(120, 84), activation_layer(activation),
            Linear(84, num_classes),
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, num_classes) for images (N, channels, height, width)."""
        out: Tensor = self.classifier(self.features(input))
        return out


class ResNet(Module):
    """A residual network for small images: three stages of blocks of two 3×3 convolutions.

    Equation of a block: y = relu(f(x) + s(x)), f = norm ∘ conv ∘ relu ∘ norm ∘ conv, and s the identity, or a 1×1
    convolution and a norm where a stage halves the image and doubles the channels. Then the mean over all places and
    one linear layer.

    Parameters
    ----------
    depth : int
        6·n + 2: 8, 14, 20, 32, 44, 56, 110; n blocks a stage.
    num_classes : int
        Numbers that it gives.
    width : int
        Channels of the first stage.
    in_channels : int
        Channels of the images; their size is free.
    norm : {"batch", "group"}
        Batch normalisation, or group normalisation with at most 8 groups, which knows no other rows.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.models.ResNet(8, width=4)(gw.zeros(2, 3, 8, 8)).shape
    (2, 10)

    References
    ----------
    K. He et al., *Deep residual learning for image recognition* (CVPR 2016), section 4.2, with projections as
    shortcuts (its option B); weights initially as in He et al. (ICCV 2015), equation 10, by fan out.
    """

    def __init__(
        self, depth: int = 20, num_classes: int = 10, width: int = 16, in_channels: int = 3, norm: str = "batch"
    ) -> None:
        super().__init__()
        if depth < 8 or depth % 6 != 2:
            raise ConfigError(f"ResNet: depth is 6n + 2: 8, 14, 20, 26, 32, …; got {depth}")
        if norm not in ("batch", "group"):
            raise ConfigError(f"ResNet: norm is 'batch' or 'group', got {norm!r:.80}")
        self.depth = depth
        self.num_classes = num_classes
        self.width = width
        self.in_channels = in_channels
        self.norm = norm
        self.stem = Sequential(_convolution(in_channels, width), self._normed(width), ReLU())
        blocks: list[Module] = []
        for stage in range(3):
            for i in range((depth - 2) // 6):
                halves = stage > 0 and i == 0
                out = width * 2**stage
                blocks.append(self._block(out // 2 if halves else out, out, 2 if halves else 1))
        self.blocks = Sequential(*blocks)
        self.head = Sequential(AdaptiveAvgPool2d(1), Flatten(), Linear(4 * width, num_classes))
        self.reset_parameters()

    def _normed(self, channels: int) -> Module:
        return BatchNorm2d(channels) if self.norm == "batch" else GroupNorm(math.gcd(8, channels), channels)

    def _block(self, inner: int, out: int, stride: int) -> Module:
        f = Sequential(
            _convolution(inner, out, stride), self._normed(out), ReLU(), _convolution(out, out), self._normed(out)
        )
        s = Sequential(Conv2d(inner, out, 1, stride, bias=False), self._normed(out)) if stride > 1 else None
        return Sequential(Residual(f, s), ReLU())

    def reset_parameters(self) -> None:
        """Draw the convolutions' initial weights from N(0, 2 / fan_out)."""
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, num_classes) for images (N, in_channels, height, width)."""
        out: Tensor = self.head(self.blocks(self.stem(input)))
        return out


def _convolution(inner: int, out: int, stride: int = 1) -> Conv2d:
    return Conv2d(inner, out, 3, stride, padding=1, bias=False)  # the norm behind it has a bias
