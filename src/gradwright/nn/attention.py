"""Attention with several heads."""

from __future__ import annotations

from typing import Any, ClassVar

from gradwright.engine.creation import zeros
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.functional.multihead import each_once
from gradwright.nn.linear import Linear
from gradwright.nn.module import Module

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Let each query look at all keys, with several heads side by side, and return what it sees of the values.

    Equation: head_h = softmax(Q_h K_hᵀ / √d + mask) V_h with Q = query W_qᵀ + b_q, K = key W_kᵀ + b_k,
    V = value W_vᵀ + b_v cut into heads of d = embed_dim / num_heads columns; the output is
    [head_1 … head_H] W_oᵀ + b_o.

    Parameters
    ----------
    embed_dim : int
        E, the last axis of query and output.
    num_heads : int
        H, which divides E.
    dropout : float in [0, 1]
        The rate at which weights of attention are dropped in training.
    bias : bool
        Whether b_q, b_k, b_v and b_o are there.
    add_bias_kv : bool
        Whether one more key and its value are learnt.
    add_zero_attn : bool
        Whether there is one more key, and its value, of zeros.
    kdim, vdim : int, optional
        The last axes of key and value; E unless given.
    batch_first : bool
        Whether the batch comes first, (N, L, E) rather than (L, N, E).

    Attributes
    ----------
    in_proj_weight : (3·E, E)
        W_q, W_k and W_v, or separately ``q_proj_weight`` (E, E), ``k_proj_weight`` (E, kdim), ``v_proj_weight``
        (E, vdim) where the widths differ. Initially Xavier uniform.
    in_proj_bias : (3·E,)
        Initially 0, as is ``out_proj.bias``.
    bias_k, bias_v : (1, 1, E)
        With ``add_bias_kv``. Initially Xavier normal.
    out_proj : Linear

    References
    ----------
    A. Vaswani et al., *Attention is all you need* (NeurIPS 2017), section 3.2.2.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> attention = nn.MultiheadAttention(6, num_heads=2, batch_first=True)
    >>> x = gw.randn(4, 5, 6)
    >>> output, weights = attention(x, x, x)
    >>> output.shape, weights.shape
    ((4, 5, 6), (4, 5, 5))
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("dropout",)

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ConfigError(f"MultiheadAttention: {num_heads} heads must divide the {embed_dim} columns of embed_dim")
        if not 0 <= dropout <= 1:
            raise ConfigError(f"MultiheadAttention: dropout is a probability, from 0 to 1; got {dropout}")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.bias = bias
        self.add_bias_kv = add_bias_kv
        self.add_zero_attn = add_zero_attn
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.batch_first = batch_first
        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = Parameter(zeros(3 * embed_dim, embed_dim))
        else:
            self.register_parameter("in_proj_weight", None)
            self.q_proj_weight = Parameter(zeros(embed_dim, embed_dim))
            self.k_proj_weight = Parameter(zeros(embed_dim, self.kdim))
            self.v_proj_weight = Parameter(zeros(embed_dim, self.vdim))
        self.register_parameter("in_proj_bias", Parameter(zeros(3 * embed_dim)) if bias else None)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, Parameter(zeros(1, 1, embed_dim)) if add_bias_kv else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values: Xavier uniform for the projections of the inputs, zeros for all biases."""
        for name, p in self._parameters.items():
            if p is None:
                continue
            if name.endswith("weight"):
                init.xavier_uniform_(p)
            elif name == "in_proj_bias":
                init.zeros_(p)
            else:
                init.xavier_normal_(p)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Any]:
        """Attend.

        Parameters
        ----------
        query, key, value : (L, N, E), (S, N, kdim), (S, N, vdim)
            With ``batch_first`` (N, L, E), (N, S, kdim), (N, S, vdim); or all without N.
        key_padding_mask : (N, S), optional
            Of truth values: True for keys that nobody looks at. Of floats: what is added to the scores.
        need_weights : bool
            Return the weights of attention, too. Leaving them out takes less memory.
        attn_mask : (L, S) or (N·num_heads, L, S), optional
            Of truth values: True where a query must not look (the opposite of ``scaled_dot_product_attention``). Of
            floats: what is added to the scores.
        average_attn_weights : bool
            Average the weights over the heads.
        is_causal : bool
            Say that ``attn_mask`` is the causal one, query i looking at keys up to i.

        Returns
        -------
        (output, weights)
            (L, N, E), or as the query came; and (N, L, S), or (N, num_heads, L, S), or None. A query that may look
            nowhere has weights of zeros, where PyTorch has NaN if it needs weights.
        """
        for x in (query, key, value):
            need_tensor("MultiheadAttention", x)
        swapped = self.batch_first and query.ndim == key.ndim == value.ndim == 3
        if swapped:
            query, key, value = each_once(lambda x: x.transpose(0, 1), query, key, value)
        separate = self.in_proj_weight is None
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=separate,
            q_proj_weight=self.q_proj_weight if separate else None,
            k_proj_weight=self.k_proj_weight if separate else None,
            v_proj_weight=self.v_proj_weight if separate else None,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return output.transpose(0, 1) if swapped else output, weights
