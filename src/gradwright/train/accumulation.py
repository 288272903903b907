"""The gradient of a whole batch from parts of it, one after the other, so that only one part's activations are kept."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from gradwright.compile.repeat import repeat
from gradwright.engine.functions.joining import cat
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional.checks import check_labels
from gradwright.nn.loss import CrossEntropyLoss, NLLLoss

__all__ = ["accumulated"]


def accumulated(
    model: Callable[[Tensor], Tensor], criterion: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, parts: int
) -> tuple[Tensor, Tensor]:
    """Run forward and backward over a batch in parts; the gradients are the whole batch's, but for rounding.

    Equation: ∇L = Σₚ (Dₚ / D) ∇Lₚ, where D is what the loss's mean divides by: the number of rows, or for class labels
    with weights or ignored ones the sum of the weights of those that count. Dividing by the number of parts instead
    would give a short last part too much weight.

    Parameters
    ----------
    model : callable
        Output for rows: (n, …) → (n, …).
    criterion : callable
        ``criterion(output, y)``, one of the package's losses with the reduction ``"mean"`` or ``"sum"``, or a mean over
        the rows of your own. Penalties on the weights are to be added once, apart from it.
    x, y : (n, …)
    parts : int >= 1
        How many parts, of equal size but for a shorter last one; no more than there are rows.

    Returns
    -------
    (output, loss)
        The outputs of all rows and the whole batch's loss, both without a graph. Gradients are in ``grad``, added to
        what was there: call ``zero_grad()`` before.

    Raises
    ------
    ConfigError
        When ``parts`` is below 1, the criterion does not reduce, or has a weight for each row of the whole batch.
    ShapeError
        When x and y have different numbers of rows, or none.

    Notes
    -----
    Batch normalisation sees each part by itself: its mean and variance are the part's, its running statistics move once
    for each part, so the result differs from the whole batch's; a last part of one row is refused by it. Dropout draws
    for each part anew. In a compiled step the parts are one loop of the program.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> from gradwright.train.accumulation import accumulated
    >>> model, criterion = nn.Linear(3, 2), nn.CrossEntropyLoss()
    >>> x, y = gw.randn(10, 3), gw.tensor([0, 1] * 5)
    >>> output, loss = accumulated(model, criterion, x, y, parts=4)      # 3 + 3 + 3 + 1 rows
    >>> bool(gw.allclose(loss, criterion(model(x), y)))
    True
    """
    if not isinstance(parts, int) or isinstance(parts, bool) or parts < 1:
        raise ConfigError(f"accumulated: parts must be a whole number above 0, got {parts!r:.80}")
    if not x.ndim or not y.ndim or len(x) != len(y) or not len(x):
        raise ShapeError(f"accumulated: x {x.shape} and y {y.shape} need the same number of rows, at least 1")
    rows = len(x)
    size = -(-rows // parts)
    part_loss = _loss_of_part(criterion, y)

    def part(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        output = model(x)
        loss = part_loss(output, y)
        loss.backward()
        return output.detach(), loss.detach()

    full = rows // size
    if full == 1:
        outputs, losses = part(x[:size], y[:size])
        losses = losses.reshape(1)
    else:
        outputs, losses = repeat(part, *(t[: full * size].reshape(full, size, *t.shape[1:]) for t in (x, y)))
        outputs = outputs.reshape(full * size, *outputs.shape[2:])
    if full * size < rows:
        output, loss = part(x[full * size :], y[full * size :])
        outputs, losses = cat([outputs, output]), cat([losses, loss.reshape(1)])
    return outputs, losses.sum()


def _loss_of_part(criterion: Any, y: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Return what a part adds to the whole batch's loss."""
    reduction = getattr(criterion, "reduction", "mean")
    if reduction == "none":
        raise ConfigError("accumulated: the criterion must give one number: reduction='mean' or 'sum', not 'none'")
    if reduction == "sum":
        return lambda output, target: criterion(output, target)
    if isinstance(criterion, CrossEntropyLoss | NLLLoss) and y.dtype.kind in "iu":
        return _labels_of_part(criterion, y)
    weight = getattr(criterion, "weight", None)

    def share(output: Tensor, target: Tensor) -> Tensor:
        if isinstance(weight, Tensor) and weight.ndim == output.ndim and len(weight) == len(y) != 1:
            raise ConfigError(
                f"accumulated: the criterion's weight {weight.shape} has a row for each of the batch, which parts "
                "of it cannot share; give weights for columns, or weigh in a criterion of your own"
            )
        return criterion(output, target) * (len(target) / len(y))

    return share


def _labels_of_part(criterion: CrossEntropyLoss | NLLLoss, y: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the share of a mean over class labels, in which those that are ignored do not count."""
    total = copy.copy(criterion)
    # a part may hold none that counts, which has no mean; the copy lives for this step only, also in a program
    vars(total)["reduction"] = "sum"
    counts = y != criterion.ignore_index
    weight: Tensor | None = criterion.weight
    divisor = counts.sum() if weight is None else (weight[y * counts] * counts).sum()

    def share(output: Tensor, target: Tensor) -> Tensor:
        check_labels(type(criterion).__name__, y, output.shape[1], criterion.ignore_index)
        result: Tensor = total(output, target)
        return result / divisor.to(result.dtype)

    return share
