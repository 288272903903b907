"""Networks by the names that a configuration gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gradwright import nn
from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.train.config import Config

__all__ = ["ACTIVATIONS", "NETWORKS", "OF_SEQUENCES", "make_network"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "celu": nn.CELU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hardswish": nn.Hardswish,
    "leaky-relu": nn.LeakyReLU,
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "tanh": nn.Tanh,
}


def _linear(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Sequential:
    """No hidden layer: linear or logistic regression."""
    return nn.Sequential(nn.Linear(shape[0], outputs))


def _mlp(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Fully connected layers; --hidden are their widths."""
    layers: list[nn.Module] = []
    width = shape[0]
    for next_width in config.hidden or ():
        # batch norm subtracts the mean, and with it any bias
        layers.append(nn.Linear(width, next_width, bias=not config.batch_norm))
        if config.batch_norm:
            layers.append(nn.BatchNorm1d(next_width))
        layers.append(ACTIVATIONS[config.activation]())
        if config.dropout:
            layers.append(nn.Dropout(config.dropout))
        width = next_width
    layers.append(nn.Linear(width, outputs))
    return nn.Sequential(*layers)


def _highway(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Layers that learn how much of their input to pass on (Srivastava 2015); --depth and --width."""
    return nn.models.HighwayNetwork(
        shape[0], config.width or 64, config.depth or 8, outputs, config.activation.replace("-", "_")
    )


def _lenet(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Two convolutions, each pooled, and three fully connected layers (LeCun 1998)."""
    return nn.models.LeNet(outputs, shape, config.activation.replace("-", "_"))


def _resnet(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Convolutions with shortcuts in three stages (He 2016); --depth (8, 14, 20, …) and --width."""
    return nn.models.ResNet(
        config.depth or 8,
        outputs,
        width=config.width or 16,
        in_channels=shape[0],
        stochastic_depth=config.stochastic_depth,
    )


def _tagger(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Word vectors and a recurrent network, both ways (Huang 2015); --width, --depth and --dropout."""
    vocabulary, width = shape[0], config.width or 64
    tagger = nn.models.RecurrentTagger(
        vocabulary,
        width,
        max(width // 2, 1),
        outputs,
        num_layers=config.depth or 1,
        dropout=config.dropout or 0.0,
        padding_idx=0,
        masked=True,
    )
    return nn.Sequential(tagger, nn.Permute((0, 2, 1)))


def _window_tagger(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The vectors of five words side by side and one hidden layer (Collobert 2011); --width."""
    width = config.width or 64
    return nn.Sequential(nn.models.WindowTagger(shape[0], width, 5, width, outputs), nn.Permute((0, 2, 1)))


def _gpt(config: Config, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """A transformer decoder that reads backwards only (Radford 2019); --width, --depth, --dropout and --context."""
    vocabulary, length = shape
    width = config.width or 64
    heads = next(h for h in (4, 3, 2, 1) if width % h == 0)
    gpt = nn.models.GPT(vocabulary, length, width, config.depth or 2, heads, config.dropout or 0.0)
    return nn.Sequential(gpt, nn.Permute((0, 2, 1)))


#: Each takes the settings, the shape of one row, and the number of outputs. The shape is (features,); (channels,
#: height, width); or for sequences (tokens of the vocabulary, length).
NETWORKS: dict[str, Callable[[Config, tuple[int, ...], int], nn.Module]] = {
    "gpt": _gpt,
    "highway": _highway,
    "lenet": _lenet,
    "linear": _linear,
    "mlp": _mlp,
    "resnet": _resnet,
    "tagger": _tagger,
    "window-tagger": _window_tagger,
}

_OF_IMAGES = ("lenet", "resnet")

#: The networks for each kind of sequences; the first is the one that is taken unless told otherwise.
OF_SEQUENCES: dict[str, tuple[str, ...]] = {"tagging": ("tagger", "window-tagger"), "next_token": ("gpt",)}


def make_network(config: Config, shape: tuple[int, ...], outputs: int, vocabulary: int | None = None) -> nn.Sequential:
    """Return the network for rows that are flat, whatever they show.

    Parameters
    ----------
    config : Config
        Resolved settings.
    shape : tuple of int
        What one row is: (features,), an image (height, width) or (height, width, channels), or (length,) tokens.
    outputs : int
        Numbers that the network gives for a row, or for a token.
    vocabulary : int, optional
        How many tokens there are, where rows are tokens.

    Raises
    ------
    ConfigError
        When the network wants images, tokens or numbers, and the rows are none.
    """
    for_sequences = [name for names in OF_SEQUENCES.values() for name in names]
    if (vocabulary is not None) != (config.network in for_sequences):
        found = "tokens" if vocabulary is not None else "numbers, no tokens"
        wants = "tokens" if vocabulary is None else "rows of numbers"
        choices = for_sequences if vocabulary is not None else ["mlp", "highway", "linear"]
        raise ConfigError(
            f"network = {config.network}: it takes {wants}, and a row of this data is {found}; choose "
            f"{', '.join(choices)}, or leave network out"
        )
    if vocabulary is not None:
        network = NETWORKS[config.network](config, (vocabulary, *shape), outputs)
        return network if isinstance(network, nn.Sequential) else nn.Sequential(network)
    features = 1
    for size in shape:
        features *= size
    if config.network not in _OF_IMAGES:
        network = NETWORKS[config.network](config, (features,), outputs)
        return network if isinstance(network, nn.Sequential) else nn.Sequential(network)
    if len(shape) not in (2, 3):
        raise ConfigError(
            f"network = {config.network}: it takes images, and a row of this data is {features} numbers; "
            "for tables choose mlp, highway or linear"
        )
    image, inner = image_layers(shape)
    return nn.Sequential(*image, NETWORKS[config.network](config, inner, outputs))


def image_layers(shape: tuple[int, ...]) -> tuple[list[nn.Module], tuple[int, int, int]]:
    """Return the layers that make (N, channels, height, width) of flat rows, and that shape without N."""
    if len(shape) == 2:
        return [nn.Unflatten(1, (1, *shape))], (1, *shape)
    height, width, channels = shape
    return [nn.Unflatten(1, shape), nn.Permute((0, 3, 1, 2))], (channels, height, width)
