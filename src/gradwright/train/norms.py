"""The lengths of each parameter's gradient, of the parameter and of its update: which layers learn, and which do not.

In every step of a compiled loop they would cost 20 to 54 % of a small network's time (64-128-64-10, batches of 32) and
3 to 15 % of a larger one's (784-512-512-10, batches of 128). So a trainer asks for them in the last step of an epoch
only, which is then a program of its own; a short last batch is one anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gradwright.engine.creation import zeros
from gradwright.engine.functions.joining import stack
from gradwright.engine.mode import no_grad
from gradwright.engine.op import wrap
from gradwright.engine.row_sparse import RowSparse
from gradwright.engine.tensor import Parameter, Tensor

__all__ = ["NORMS", "Before", "layer_norms", "norms_before"]

#: What the columns of :func:`layer_norms` are.
NORMS = ("gradient", "weight", "update")


class Before(NamedTuple):
    """What stood there before an update; made by :func:`norms_before`."""

    weights: list[Tensor]
    gradients: list[Tensor]  # their norms


def norms_before(parameters: Sequence[Parameter]) -> Before:
    """Take down what :func:`layer_norms` needs from between ``backward()`` and the optimizer's step.

    Parameters
    ----------
    parameters : sequence of Parameter
        Those that are measured. Gradients that are clipped before this are measured as clipped.
    """
    with no_grad():
        # a step puts new arrays into parameters, so holding the old ones copies nothing
        weights = [wrap(p._array) for p in parameters]
        return Before(weights, [zeros(()) if p.grad is None else _norm(p.grad) for p in parameters])


def layer_norms(parameters: Sequence[Parameter], before: Before) -> Tensor:
    """Return the Euclidean norms of each parameter's gradient, of the parameter before its update, and of the update.

    Equation: ‖∇L‖, ‖w‖, ‖w' - w‖, each over a parameter's elements; the first is 0 where there is no gradient.

    Parameters
    ----------
    parameters : sequence of Parameter
        The same as were given to :func:`norms_before`, after the optimizer's step.
    before : Before

    Returns
    -------
    (parameters, 3) float32
        In the order of :data:`NORMS`. The third divided by the second is how far a step goes; about 10⁻³ is usual.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn, optim
    >>> from gradwright.train.norms import layer_norms, norms_before
    >>> model = nn.Linear(2, 1, bias=False)
    >>> opt = optim.SGD(model.parameters(), lr=0.5)
    >>> with gw.no_grad():
    ...     _ = model.weight.fill_(1.0)
    >>> model(gw.tensor([[3.0, 4.0]])).sum().backward()
    >>> before = norms_before([model.weight])
    >>> opt.step()
    >>> layer_norms([model.weight], before)
    tensor([[5.0000, 1.4142, 2.5000]])
    """
    with no_grad():
        rows = [
            stack([gradient, _norm(old), _norm(wrap(p._array) - old)])
            for p, old, gradient in zip(parameters, before.weights, before.gradients, strict=True)
        ]
        return stack(rows)


def _norm(x: Tensor | RowSparse) -> Tensor:
    x = (x.to_dense() if isinstance(x, RowSparse) else x).float()
    return (x * x).sum().sqrt()
