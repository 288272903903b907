"""How long vectors are and how far apart, and the losses made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.engine.autocast import in_float32
from gradwright.engine.functions.distances import cosine_similarity
from gradwright.engine.functions.norms import vector_norm
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, IndexOutOfRangeError, ShapeError
from gradwright.nn.functional.checks import need_floats, need_tensors
from gradwright.nn.functional.reduction import chosen, reduced

__all__ = [
    "cosine_embedding_loss", "cosine_similarity", "normalize", "pairwise_distance", "pdist", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Divide each vector along ``dim`` by its p-norm, or by ``eps`` where that is larger.

    Parameters
    ----------
    input : any shape
    p : float
        Exponent of the norm; inf is the largest absolute value.
    dim : int or tuple of int
        The axis, or the axes, along which vectors lie.
    out : Tensor, optional
        Where the result is written.
    """
    need_floats("normalize", input=input)
    result = input / vector_norm(input, p, dim, True).clamp(min=eps)
    return result if out is None else out._assign(result)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return the p-norm of x₁ - x₂ + ε along the last axis.

    Parameters
    ----------
    x1, x2 : (…, D)
        They may broadcast.
    eps : float
        Added to each difference, as in PyTorch.
    """
    need_tensors("pairwise_distance", x1, x2)
    d = x1 - x2 + eps
    if not d.ndim:
        raise IndexOutOfRangeError(f"pairwise_distance: x1 {x1.shape} and x2 {x2.shape} are numbers, not vectors")
    return vector_norm(d, p, -1, keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Return the p-norms of the differences of all pairs of rows of (N, D): first with second, third, … (N(N-1)/2,)."""
    need_floats("pdist", input=input)
    if input.ndim != 2:
        raise ShapeError(f"pdist: expected rows (N, D), got {input.shape}")
    if p < 0:
        raise ConfigError(f"pdist: p is 0 or more, got {p}")
    first, second = np.triu_indices(input.shape[0], 1)
    return vector_norm(input[first] - input[second], p, -1)


@in_float32
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Pull vectors together where the target is 1 and push them apart where it is -1.

    Equation: 1 - cos(x₁, x₂) where y = 1, max(0, cos(x₁, x₂) - margin) where y = -1. Squared lengths are 10⁻¹² longer.

    Parameters
    ----------
    input1, input2 : (N, D), or (D,)
    target : (N,), or ()
    """
    reduction = chosen(reduction, size_average, reduce)
    need_tensors("cosine_embedding_loss", input1, input2, target)
    shape = _common("cosine_embedding_loss", input1=input1, input2=input2)
    if target.ndim > 1 or len(shape) != target.ndim + 1 or (target.ndim and target.shape[0] not in (1, shape[0])):
        raise ShapeError(
            "cosine_embedding_loss: expected vectors (N, D) and targets (N,), or (D,) and (); got "
            f"input1 {input1.shape}, input2 {input2.shape}, target {target.shape}"
        )
    tiny = float(np.float32(1e-12))  # PyTorch's, whatever the dtype
    squares = ((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny)
    cosine = (input1 * input2).sum(-1) / squares.sqrt()
    together = ew.where(ew.eq(target, 1), 1 - cosine, 0.0)
    return reduced(together + ew.where(ew.eq(target, -1), (cosine - margin).clamp(min=0), 0.0), reduction)


@in_float32
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Ask that an anchor be nearer to its positive than to its negative, by a margin.

    Equation: max(0, d(a, p) - d(a, n) + margin), d the :func:`pairwise_distance`.

    Parameters
    ----------
    anchor, positive, negative : (N, D), or (D,)
    swap : bool
        Take the smaller of d(a, n) and d(p, n).

    References
    ----------
    V. Balntas et al., *Learning local feature descriptors with triplets and shallow convolutional neural networks*
    (BMVC 2016).
    """

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    reduction = chosen(reduction, size_average, reduce)
    return _triplet("triplet_margin_loss", anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return :func:`triplet_margin_loss` with a distance of one's own: a function of two tensors."""
    distance = distance_function or pairwise_distance
    name = "triplet_margin_with_distance_loss"
    return _triplet(name, anchor, positive, negative, distance, margin, swap, chosen(reduction))


def _triplet(
    name: str,
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    need_tensors(name, anchor, positive, negative)
    if isinstance(margin, int | float) and margin <= 0:
        raise ConfigError(f"{name}: margin must be above 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ShapeError(
            f"{name}: anchor {anchor.shape}, positive {positive.shape} and negative {negative.shape} must have the "
            "same number of axes"
        )
    _common(name, anchor=anchor, positive=positive, negative=negative)
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ew.minimum(far, distance(positive, negative))
    return reduced((near - far + margin).clamp(min=0), reduction)


def _common(name: str, **tensors: Tensor) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*(t.shape for t in tensors.values()))
    except ValueError:
        found = " and ".join(f"{argument} {t.shape}" for argument, t in tensors.items())
        raise ShapeError(f"{name}: shapes do not fit together: {found}") from None
