"""How large activations and gradients are, layer by layer: the picture that explains Xavier's and He's values."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradwright.engine.base import settle
from gradwright.engine.mode import enable_grad
from gradwright.engine.random import Generator, randn_like, use_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, MissingDependencyError
from gradwright.nn.init.schemes import initialize_
from gradwright.nn.module import Module

__all__ = ["VarianceInfo", "compare_variance", "plot_variance", "variance_info"]

#: Activations with bounds, whose slope is nearly 0 next to them.
_BOUNDS = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0), "Softsign": (-1.0, 1.0), "Hardtanh": (-1.0, 1.0),
           "Hardsigmoid": (0.0, 1.0), "ReLU6": (0.0, 6.0)}  # fmt: skip


class VarianceInfo(NamedTuple):
    """What :func:`variance_info` found; one entry for each run of a layer, in the order in which they ran."""

    layers: tuple[str, ...]  #: dotted paths; a layer that runs again has " (2)" behind it
    kinds: tuple[str, ...]  #: their classes' names
    activation_mean: np.ndarray
    activation_variance: np.ndarray
    zeros: np.ndarray  #: share of outputs that are exactly 0
    saturated: np.ndarray  #: share within a hundredth of the range of a bound; NaN where there are no bounds
    gradient_mean: np.ndarray  #: of the loss by the layer's outputs; NaN where none comes
    gradient_variance: np.ndarray

    def only(self, kind: str) -> VarianceInfo:
        """Return the entries of layers of one class, such as ``"Tanh"``."""
        rows = [i for i, k in enumerate(self.kinds) if k == kind]
        if not rows:
            raise ConfigError(f"variance_info: no layer is a {kind!r}; there are {', '.join(sorted(set(self.kinds)))}")
        layers, kinds = (tuple(words[i] for i in rows) for words in (self.layers, self.kinds))
        return VarianceInfo(layers, kinds, *(numbers[rows] for numbers in self[2:]))


def variance_info(model: Module, x: Any, *, criterion: Any = None, target: Any = None) -> VarianceInfo:
    """Return mean and variance of each layer's outputs, and of the loss's gradient by them.

    A linear layer of n inputs gives Var[y] = n·Var[w]·E[x²] (He et al. 2015, equation 7), so the variances of a deep
    network grow or shrink as powers of n·Var[w]: forward with the fan in, backward with the fan out. What dies out or
    explodes here will not train.

    Parameters
    ----------
    model : Module
        Run once, in the mode in which it is. Weights, gradients, buffers and the random stream are left as they were.
    x : Tensor, or a tuple of the model's arguments
        A batch of data.
    criterion : callable, optional
        The loss, ``criterion(output, target)``. Without one, the gradient at the output is standard normal noise.
    target : Tensor, optional
        For the criterion.

    Returns
    -------
    VarianceInfo
        Of every module without parts that gives a floating Tensor (of several, the first).

    Raises
    ------
    ConfigError
        When ``criterion`` or ``target`` is given without the other.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Sequential(nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 1))
    >>> info = nn.init.variance_info(net, gw.randn(64, 100))
    >>> info.layers, info.kinds
    (('0', '1', '2'), ('Linear', 'ReLU', 'Linear'))
    >>> bool(0.3 < info.zeros[1] < 0.7)
    True

    References
    ----------
    X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks* (AISTATS
    2010), figures 6 and 7. K. He et al., *Delving deep into rectifiers* (ICCV 2015), section 2.2.
    """
    if (criterion is None) != (target is None):
        raise ConfigError("variance_info: criterion and target belong together; give both or neither")
    names = {id(module): path or type(module).__name__ for path, module in model.named_modules()}
    runs: dict[str, list[Any]] = {}  # name → kind, four numbers of the outputs, two of the gradient

    def look(module: Module, args: tuple[Any, ...], output: Any) -> None:
        found = _first_float(output)
        if found is None:
            return
        name, again = names[id(module)], 1
        while (label := name if again == 1 else f"{name} ({again})") in runs:
            again += 1
        runs[label] = [type(module).__name__, *_of_outputs(type(module).__name__, found), np.nan, np.nan]

        def see(gradient: Tensor) -> None:
            g = gradient.detach().numpy().astype(np.float64)
            runs[label][-2:] = [g.mean(), g.var()]

        if found.requires_grad:
            found.register_hook(see)

    with _unchanged(model), use_generator(Generator(0)), enable_grad():
        handles = [m.register_forward_hook(look) for m in model.modules() if not list(m.children())]
        try:
            output = model(*(_asking(a) for a in (x if isinstance(x, tuple) else (x,))))
        finally:
            for handle in handles:
                handle.remove()
        if criterion is not None:
            criterion(output, target).backward()
        else:
            output = _first_float(output)
            output.backward(randn_like(output.detach()))
    columns = list(zip(*runs.values(), strict=True)) if runs else [()] * 7
    return VarianceInfo(tuple(runs), tuple(columns[0]), *(np.array(c, np.float64) for c in columns[1:]))


def compare_variance(
    model: Module,
    x: Any,
    schemes: Sequence[str] = ("normal", "xavier", "he"),
    *,
    activation: str | None = None,
    criterion: Any = None,
    target: Any = None,
) -> dict[str, VarianceInfo]:
    """Return :func:`variance_info` of one network under several initialisations, by their names.

    Parameters
    ----------
    model : Module
        Its own weights are back afterwards, and the random stream is where it was.
    x, criterion, target
        As in :func:`variance_info`.
    schemes : sequence of str
        Names that :func:`initialize_` knows; all draw from the same stream of their own.
    activation : str, optional
        As in :func:`initialize_`.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Sequential(*[part for _ in range(9) for part in (nn.Linear(50, 50), nn.Tanh())])
    >>> infos = nn.init.compare_variance(net, gw.randn(64, 50), ["normal", "xavier"])
    >>> {name: bool(info.activation_variance[-1] < 1e-9) for name, info in infos.items()}
    {'normal': True, 'xavier': False}
    """
    found = {}
    for name in schemes:
        with _unchanged(model), use_generator(Generator(0)):
            batch = x[0] if isinstance(x, tuple) and len(x) == 1 else x
            initialize_(model, name, activation=activation, x=batch)
            found[name] = variance_info(model, x, criterion=criterion, target=target)
    return found


def plot_variance(info: VarianceInfo | Mapping[str, VarianceInfo], kind: str | None = None) -> Any:
    """Draw the variances of activations and of gradients over the depth, on logarithmic axes.

    Parameters
    ----------
    info : VarianceInfo, or mapping from a name to one
        What :func:`variance_info` or :func:`compare_variance` found; one line each.
    kind : str, optional
        Only layers of this class: ``"Tanh"`` shows activations, ``"Linear"`` what comes into them.

    Returns
    -------
    matplotlib.figure.Figure
        ``.savefig("variance.png")`` writes it.

    Raises
    ------
    MissingDependencyError
        Matplotlib is not installed.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Sequential(*[part for _ in range(5) for part in (nn.Linear(20, 20), nn.Tanh())])
    >>> figure = nn.init.plot_variance(nn.init.compare_variance(net, gw.randn(64, 20)), "Tanh")
    >>> [axes.get_title() for axes in figure.axes]
    ['activations', 'gradients']
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "plot_variance draws with Matplotlib, which is not installed: pip install matplotlib. variance_info gives "
            "the same as numbers and needs nothing."
        ) from None
    infos = {"": info} if isinstance(info, VarianceInfo) else dict(info)
    if kind is not None:
        infos = {name: i.only(kind) for name, i in infos.items()}
    figure = Figure((10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, title in ((left, "activations"), (right, "gradients")):
        for name, one in infos.items():
            values = one.activation_variance if title == "activations" else one.gradient_variance
            # 0 has no place on a logarithmic axis: a gap says that nothing is left
            axes.plot(np.arange(1, len(values) + 1), np.where(values > 0, values, np.nan), marker="o", label=name)
        axes.set(title=title, xlabel="layer", ylabel="variance", yscale="log")
        if len(infos) > 1:
            axes.legend()
    return figure


def _of_outputs(kind: str, output: Tensor) -> tuple[float, float, float, float]:
    """Return mean, variance, share of zeros and share of saturated outputs."""
    a = output.detach().numpy().astype(np.float64)
    saturated = np.nan
    if kind in _BOUNDS:
        low, high = _BOUNDS[kind]
        margin = 0.01 * (high - low)
        saturated = ((a < low + margin) | (a > high - margin)).mean()
    return a.mean(), a.var(), (a == 0).mean(), saturated


def _asking(argument: Any) -> Any:
    """Return a copy of a floating argument that asks for gradients, so that those of frozen layers are seen too."""
    if isinstance(argument, Tensor) and argument.dtype.kind == "f":
        return argument.detach().clone().requires_grad_()
    return argument


def _first_float(output: Any) -> Any:
    """Return the first floating Tensor of an output that may be a tuple."""
    if isinstance(output, Tensor):
        return output if output.dtype.kind == "f" else None
    if isinstance(output, tuple | list):
        return next((found for part in output if (found := _first_float(part)) is not None), None)
    return None


@contextlib.contextmanager
def _unchanged(model: Module) -> Iterator[None]:
    """Put back all that a run forward and back moves: arrays are replaced, never written over, so the old ones do."""
    parameters = [(p, settle(p), p._grad) for p in model.parameters()]
    buffers = [(b, settle(b)) for b in model.buffers()]
    modes = [(m, m.training) for m in model.modules()]
    try:
        yield
    finally:
        for parameter, array, gradient in parameters:
            parameter._set(array)
            parameter._grad = gradient
        for buffer, array in buffers:
            buffer._set(array)
        for module, training in modes:
            module.__dict__["training"] = training
