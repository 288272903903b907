"""Attention with several heads, as a function of its weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gradwright.engine.creation import zeros
from gradwright.engine.functions.elementwise import where
from gradwright.engine.functions.joining import cat
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, ShapeError
from gradwright.nn.functional.attention import attention_weights, scaled_dot_product_attention
from gradwright.nn.functional.checks import need_floats, need_tensors
from gradwright.nn.functional.linear import linear

__all__ = ["each_once", "multi_head_attention_forward"]

_NAME = "multi_head_attention_forward"


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: Any,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Do what :class:`gradwright.nn.MultiheadAttention` does, with the weights as arguments.

    Parameters
    ----------
    query, key, value : (L, N, E), (S, N, kdim), (S, N, vdim), or all without N
    embed_dim_to_check, num_heads : int
        E, and into how many heads it is divided.
    in_proj_weight, in_proj_bias : (3·E, E), (3·E,)
        The rows of query, key and value.
    bias_k, bias_v : (1, 1, E), optional
        One more key, and its value.
    add_zero_attn : bool
        Add a key and a value of zeros.
    dropout_p : float in [0, 1]
        The rate at which weights are dropped in training.
    out_proj_weight, out_proj_bias : (E, E), (E,)
    use_separate_proj_weight : bool
        Take ``q_proj_weight`` (E, E), ``k_proj_weight`` (E, kdim) and ``v_proj_weight`` (E, vdim) instead.
    static_k, static_v : (N·num_heads, S, E / num_heads), optional
        In place of what would be computed from key and value.
    """
    need_floats(_NAME, query=query, key=key, value=value)
    batched = query.ndim == 3
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        raise ShapeError(
            f"{_NAME}: query, key and value are (L, N, E), (S, N, E), (S, N, E), or all without the batch N; "
            f"got {query.shape}, {key.shape}, {value.shape}"
        )
    if not batched:
        query, key, value = each_once(lambda x: x.unsqueeze(1), query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, width = query.shape
    if width != embed_dim_to_check or width % num_heads:
        raise ShapeError(
            f"{_NAME}: query's last axis must be {embed_dim_to_check}, which {num_heads} heads divide; got {width}"
        )
    if key.shape[:2] != value.shape[:2] or key.shape[1] != batch:
        raise ShapeError(
            f"{_NAME}: key and value need one length, and all three one batch size; "
            f"got query {query.shape}, key {key.shape}, value {value.shape}"
        )
    if is_causal and attn_mask is None:
        raise ConfigError(
            f"{_NAME}: is_causal says of attn_mask what it is, so it needs one: "
            "Transformer.generate_square_subsequent_mask(length)"
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # the function below knows what it would hold
    else:
        is_causal = False
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        biases = (None, None, None) if in_proj_bias is None else in_proj_bias.chunk(3)
        q, k, v = (linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True))  # type: ignore[arg-type]
    else:
        assert in_proj_weight is not None
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    if attn_mask is not None:
        attn_mask = _attn_mask(attn_mask, num_heads, batch, (length, key.shape[0]))
    if key_padding_mask is not None:
        need_tensors(_NAME, key_padding_mask)
        if key_padding_mask.shape != (batch, key.shape[0]):
            raise ShapeError(f"{_NAME}: key_padding_mask must be {(batch, key.shape[0])}; got {key_padding_mask.shape}")
        key_padding_mask = key_padding_mask.reshape(batch, 1, 1, key.shape[0])
    mask = _merged(attn_mask, key_padding_mask)
    if (bias_k is None) != (bias_v is None):
        raise ConfigError(f"{_NAME}: bias_k and bias_v go together")
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise ConfigError(f"{_NAME}: bias_k and bias_v cannot be added to static_k and static_v")
        k, v = (cat([x, b.expand(1, batch, width)]) for x, b in ((k, bias_k), (v, bias_v)))
        mask = _one_more(mask)
    head = width // num_heads
    q = _heads(q, num_heads)
    k = _heads(k, num_heads) if static_k is None else static_k.reshape(batch, num_heads, -1, head)
    v = _heads(v, num_heads) if static_v is None else static_v.reshape(batch, num_heads, -1, head)
    if add_zero_attn:
        nothing = zeros(batch, num_heads, 1, head, dtype=k.dtype)
        k, v = cat([k, nothing], 2), cat([v, nothing], 2)
        mask = _one_more(mask)
    if not training:
        dropout_p = 0.0
    if mask is not None and mask.dtype.kind == "b":
        mask = ~mask  # from here on True is where a query may look
    found = None
    if need_weights:
        found = attention_weights(_NAME, q, k, mask, dropout_p)
        out = found @ v
        found = found.mean(1) if average_attn_weights else found
    else:
        out = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    out = linear(out.permute(2, 0, 1, 3).reshape(length, batch, width), out_proj_weight, out_proj_bias)
    if batched:
        return out, found
    return out.squeeze(1), None if found is None else found.squeeze(0)


def each_once(change: Callable[[Tensor], Tensor], *xs: Tensor) -> list[Tensor]:
    """Change each tensor, those that are one and the same once: what comes out is then one and the same, too."""
    changed = {id(x): change(x) for x in xs}
    return [changed[id(x)] for x in xs]


def _projected(query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
    """Return q, k and v, with as few products as the inputs that are one and the same allow."""
    if query is key and key is value:
        return linear(query, weight, bias).chunk(3, -1)
    width = query.shape[-1]
    w_q, w_kv = weight.split([width, 2 * width])
    b_q, b_kv = (None, None) if bias is None else bias.split([width, 2 * width])
    if key is value:
        return linear(query, w_q, b_q), *linear(key, w_kv, b_kv).chunk(2, -1)
    (w_k, w_v), (b_k, b_v) = w_kv.chunk(2), (None, None) if b_kv is None else b_kv.chunk(2)
    return linear(query, w_q, b_q), linear(key, w_k, b_k), linear(value, w_v, b_v)


def _heads(x: Tensor, num_heads: int) -> Tensor:
    """Turn (L, N, E) into (N, heads, L, E / heads)."""
    length, batch, width = x.shape
    return x.reshape(length, batch, num_heads, width // num_heads).permute(1, 2, 0, 3)


def _attn_mask(mask: Tensor, num_heads: int, batch: int, shape: tuple[int, int]) -> Tensor:
    need_tensors(_NAME, mask)
    if mask.shape == shape:
        return mask.reshape(1, 1, *shape)
    if mask.shape == (batch * num_heads, *shape):
        return mask.reshape(batch, num_heads, *shape)
    raise ShapeError(f"{_NAME}: attn_mask must be {shape} or {(batch * num_heads, *shape)}; got {mask.shape}")


def _merged(attn_mask: Tensor | None, padding: Tensor | None) -> Tensor | None:
    """Return both masks in one: of truth values, True where nobody looks, if both are; else of floats to be added."""
    for mask in (attn_mask, padding):
        if mask is not None and mask.dtype.kind not in "bfV":
            raise DTypeError(f"{_NAME}: masks hold truth values or floats, not {mask.dtype}")
    if attn_mask is None or padding is None:
        return padding if attn_mask is None else attn_mask
    if attn_mask.dtype.kind == padding.dtype.kind == "b":
        return attn_mask | padding
    return _added(attn_mask, padding.dtype) + _added(padding, attn_mask.dtype)


def _added(mask: Tensor, dtype: Any) -> Tensor:
    """Return what is to be added to the scores; ``dtype`` is that of the other mask."""
    return where(mask, zeros((), dtype=dtype) - math.inf, 0.0) if mask.dtype.kind == "b" else mask


def _one_more(mask: Tensor | None) -> Tensor | None:
    """Let every query look at one more key."""
    return None if mask is None else cat([mask, zeros(*mask.shape[:-1], 1, dtype=mask.dtype)], -1)
