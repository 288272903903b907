"""Attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.engine.autocast import in_lower
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.ops import activation as act
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops.attention import masked_softmax
from gradwright.engine.ops.shape import swap
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, ShapeError
from gradwright.nn.functional.checks import need_floats
from gradwright.nn.functional.dropout import dropout

__all__ = ["attention_weights", "scaled_dot_product_attention"]


@in_lower
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: Any = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Average the values with weights that say how well each key answers each query.

    Equation: softmax(Q Kᵀ · scale + mask) V.

    Parameters
    ----------
    query : (…, L, E)
    key : (…, S, E)
    value : (…, S, Ev)
    attn_mask : broadcastable to (…, L, S), optional
        Of truth values: where a query may look. Of floats: what is added to the scores, -inf where it may not.
    dropout_p : float in [0, 1]
        The rate at which weights are dropped; 0 in evaluation, for nobody here knows of it.
    is_causal : bool
        Let query i look at the keys up to i; instead of a mask.
    scale : float, optional
        1/√E unless told otherwise.
    enable_gqa : bool
        Let the heads, on the third axis from the end, of key and value each serve several heads of the query.

    Returns
    -------
    (…, L, Ev)
        A query that may look nowhere gets zeros, and passes no gradient.

    References
    ----------
    A. Vaswani et al., *Attention is all you need* (NeurIPS 2017), section 3.2.1.
    """
    name = "scaled_dot_product_attention"
    need_floats(name, query=query, key=key, value=value)
    shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ShapeError(f"{name}: expected (…, L, E), (…, S, E) and (…, S, Ev); got {shapes}")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            f"{name}: query and key need the same last axis, key and value the same one before it; got {shapes}"
        )
    if not query.dtype == key.dtype == value.dtype:
        raise DTypeError(f"{name}: one dtype for all; query is {query.dtype}, key {key.dtype}, value {value.dtype}")
    if is_causal and attn_mask is not None:
        raise ConfigError(f"{name}: is_causal and attn_mask exclude each other; put both into the mask")
    groups = _groups(name, query, key, value) if enable_gqa else 1
    heads = query.shape
    if groups > 1:  # a further axis of queries for each head of the keys
        query = query.reshape(*heads[:-3], heads[-3] // groups, groups, *heads[-2:])
        key, value = key.unsqueeze(-3), value.unsqueeze(-3)
    weights = attention_weights(name, query, key, attn_mask, dropout_p, is_causal, scale, groups, heads)
    out = weights @ value
    return out if groups == 1 else out.reshape(*out.shape[:-4], heads[-3], *out.shape[-2:])


def attention_weights(
    name: str,
    query: Tensor,
    key: Tensor,
    attn_mask: Tensor | None,
    dropout_p: Any,
    is_causal: bool = False,
    scale: float | None = None,
    groups: int = 1,
    heads: tuple[int, ...] = (),
) -> Tensor:
    """Return how much each query (…, L, E) takes of each key's value, (…, L, S)."""
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    # the queries are smaller than the scores
    scores = (query * scale) @ swap(key, -1, -2)
    if is_causal:
        rows, columns = scores.shape[-2:]
        scores = ew.where(np.tri(rows, columns, dtype=np.bool_), scores, -math.inf)
    elif attn_mask is not None:
        scores = _masked(name, scores, attn_mask, groups, heads)
    weights = masked_softmax(scores, axis=-1) if attn_mask is not None else act.softmax(scores, axis=-1)
    if not (isinstance(dropout_p, int | float) and dropout_p == 0):
        weights = dropout(weights, dropout_p)
    return weights


def _groups(name: str, query: Tensor, key: Tensor, value: Tensor) -> int:
    """Return how many heads of the query each head of key and value serves."""
    shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
    if min(query.ndim, key.ndim, value.ndim) < 3 or key.shape[-3] != value.shape[-3]:
        raise ShapeError(
            f"{name}: enable_gqa needs heads on the third axis from the end, those of key and value "
            f"equally many; got {shapes}"
        )
    if not key.shape[-3] or query.shape[-3] % key.shape[-3]:
        raise ShapeError(f"{name}: the heads of key and value must divide those of the query; got {shapes}")
    return query.shape[-3] // key.shape[-3]


def _masked(name: str, scores: Tensor, mask: Any, groups: int, heads: tuple[int, ...]) -> Tensor:
    need_tensor(name, mask)
    if mask.dtype.kind not in "bfV":
        raise DTypeError(f"{name}: attn_mask holds truth values or floats, not {mask.dtype}")
    if groups > 1 and mask.ndim > 2:
        whole = mask.shape[-3] == heads[-3]
        split = (heads[-3] // groups, groups) if whole else (mask.shape[-3], 1)
        mask = mask.reshape(*mask.shape[:-3], *split, *mask.shape[-2:])
    try:
        fits = np.broadcast_shapes(scores.shape, mask.shape) == scores.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: attn_mask {mask.shape} cannot be repeated to the scores' shape {scores.shape}")
    return ew.where(mask, scores, -math.inf) if mask.dtype.kind == "b" else scores + mask
