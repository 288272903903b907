"""Layer-sequential unit variance: weights scaled until the data itself says that every layer keeps its size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.engine.mode import no_grad
from gradwright.engine.random import Generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, NonFiniteError
from gradwright.nn.init.layers import fill_weights
from gradwright.nn.init.matrices import orthogonal_
from gradwright.nn.module import Module

__all__ = ["lsuv_"]


@no_grad()
def lsuv_(model: Module, x: Any, tol: float = 0.1, max_iter: int = 10, generator: Generator | None = None) -> Module:
    """Fill the weights so that each linear or convolutional layer gives outputs of variance 1 for the data ``x``.

    Algorithm: fill every weight with an orthogonal matrix (:func:`orthogonal_`) and the biases with 0; then, layer by
    layer in the order in which they run: while |Var(B) - 1| ≥ tol, W ← W / sqrt(Var(B)), where B are the layer's
    outputs. One pass through the network does it all, since a layer is run again by itself. Recurrent layers keep
    their orthogonal weights; embeddings and normalising layers are left as they are.

    Parameters
    ----------
    model : Module
        Run in evaluation mode (no dropout); its modes and buffers are left as they were.
    x : Tensor, or a tuple of the model's arguments
        A batch of data, as large as one used in training.
    tol : float > 0
        How far the variance may stay from 1.
    max_iter : int
        How often one layer's weight is rescaled at most. With the bias 0 once is enough.

    Returns
    -------
    Module
        The model.

    Raises
    ------
    ConfigError
        When a layer gives the same output for everything, so that no factor makes its variance 1.
    NonFiniteError
        When a layer's outputs are not finite.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Sequential(nn.Linear(4, 50), nn.ReLU(), nn.Linear(50, 50))
    >>> x = 7 * gw.randn(100, 4)
    >>> gw.allclose(nn.init.lsuv_(net, x)(x).var(correction=0), gw.tensor(1.0))
    True

    References
    ----------
    D. Mishkin and J. Matas, *All you need is a good init* (ICLR 2016), algorithm 1.
    """
    names = {id(module): path or type(module).__name__ for path, module in model.named_modules()}
    filled = fill_weights(model, lambda tensor: orthogonal_(tensor, generator=generator))
    # of a recurrent layer, whose outputs are bounded, no weight can be scaled to give them variance 1
    scaled = [w.module for w in filled if w.name == "weight"]
    done: set[int] = set()

    def rescale(module: Module, args: tuple[Any, ...], output: Any) -> Any:
        if id(module) in done or not isinstance(output, Tensor):  # a shared layer keeps what its first use gave it
            return output
        done.add(id(module))
        for _ in range(max_iter):
            variance = float(np.var(output.numpy(), dtype=np.float64))
            if not math.isfinite(variance):
                raise NonFiniteError(f"lsuv_: the outputs of {names[id(module)]} are not finite for this x")
            if abs(variance - 1) < tol:
                break
            if variance == 0:
                raise ConfigError(
                    f"lsuv_: {names[id(module)]} gives the same output for everything in x, so no scale makes its "
                    "variance 1. Give more rows, or rows that differ."
                )
            module.weight._set((module.weight.detach().numpy() / math.sqrt(variance)).astype(module.weight.dtype))
            output = module.forward(*args)
        return output

    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer._array) for buffer in model.buffers()]
    handles = [module.register_forward_hook(rescale) for module in scaled]
    try:
        model.eval()
        model(*(x if isinstance(x, tuple) else (x,)))
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.__dict__["training"] = training
        for buffer, array in buffers:
            buffer._set(array)
    return model
