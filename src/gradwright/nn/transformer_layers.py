"""The layers of a transformer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, StateError
from gradwright.nn import functional as F
from gradwright.nn.attention import MultiheadAttention
from gradwright.nn.dropout import Dropout
from gradwright.nn.linear import Linear
from gradwright.nn.module import Module
from gradwright.nn.normalization import LayerNorm

__all__ = ["Activation", "TransformerDecoderLayer", "TransformerEncoderLayer"]

Activation = Callable[[Tensor], Tensor]

_ACTIVATIONS: dict[str, Activation] = {"relu": F.relu, "gelu": F.gelu}


class _Layer(Module):
    """What both kinds of layer share: the two Linear layers, and how each part is added to what came in."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int,
        dropout: float,
        activation: str | Activation,
        layer_norm_eps: float,
        batch_first: bool,
        norm_first: bool,
        bias: bool,
        parts: list[str],
    ) -> None:
        super().__init__()
        if isinstance(activation, str):
            if activation not in _ACTIVATIONS:
                raise ConfigError(
                    f"{type(self).__name__}: activation is 'relu', 'gelu' or a function; got {activation!r}"
                )
            activation = _ACTIVATIONS[activation]
        for name in parts:
            self.add_module(name, MultiheadAttention(d_model, nhead, dropout, bias=bias, batch_first=batch_first))
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias)
        self.norm_first = norm_first
        count = len(parts) + 1
        for i in range(count):
            self.add_module(f"norm{i + 1}", LayerNorm(d_model, layer_norm_eps, bias=bias))
        for i in range(count):
            self.add_module(f"dropout{i + 1}", Dropout(dropout))
        self.activation = activation

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        activation = next((name for name, f in _ACTIVATIONS.items() if f is self.activation), None)
        if activation is None:
            raise StateError(f"{type(self).__name__} with an activation of its own cannot be written to a file")
        return {
            "d_model": self.linear1.in_features,
            "nhead": self.self_attn.num_heads,
            "dim_feedforward": self.linear1.out_features,
            "dropout": self.dropout.p,
            "activation": activation,
            "layer_norm_eps": self.norm1.eps,
            "batch_first": self.self_attn.batch_first,
            "norm_first": self.norm_first,
            "bias": self.linear1.bias is not None,
        }

    def _added(self, x: Tensor, number: int, part: Activation) -> Tensor:
        """Return x plus what the part makes of it, normalised before or after."""
        norm, dropout = getattr(self, f"norm{number}"), getattr(self, f"dropout{number}")
        y: Tensor = x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))
        return y

    def _forwards(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    @staticmethod
    def _attends(attention: Any, mask: Any, padding: Any, is_causal: bool, memory: Tensor | None = None) -> Activation:
        """Return the attention as a function of the queries, which are keys and values too if there is no memory."""

        def attend(x: Tensor) -> Tensor:
            keys = x if memory is None else memory
            out: Tensor = attention(
                x, keys, keys, key_padding_mask=padding, need_weights=False, attn_mask=mask, is_causal=is_causal
            )[0]
            return out

        return attend


class TransformerEncoderLayer(_Layer):
    """Self-attention, then two Linear layers at each place; each is added to what came in, and normalised.

    Equation: x ← LN(x + attention(x)), x ← LN(x + W₂ activation(W₁ x + b₁) + b₂); with ``norm_first``
    x ← x + attention(LN(x)) and x ← x + W₂ activation(W₁ LN(x) + b₁) + b₂. In training, elements are dropped from the
    weights of attention, from what is added, and after the activation.

    Parameters
    ----------
    d_model : int
        E, the last axis of input and output.
    nhead : int
        The number of heads, which divides E.
    dim_feedforward : int
        The number of rows of W₁.
    dropout : float in [0, 1]
        All the rates at which is dropped.
    activation : "relu", "gelu", or a function from Tensor to Tensor
    layer_norm_eps : float > 0
        Added to variances.
    batch_first : bool
        Whether the batch comes first, (N, S, E) rather than (S, N, E).
    norm_first : bool
        Normalise what goes into each part, not what comes out.
    bias : bool
        Whether Linear layers, attention and norms have biases.

    References
    ----------
    A. Vaswani et al., *Attention is all you need* (NeurIPS 2017), section 3.1; for ``norm_first`` R. Xiong et al., *On
    layer normalization in the transformer architecture* (ICML 2020).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> layer = nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16)
    >>> layer(gw.randn(10, 3, 8)).shape
    (10, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
            ["self_attn"],
        )

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Return what the layer makes of ``src`` (S, N, E), in its shape; masks as :class:`MultiheadAttention`'s."""
        x = self._added(src, 1, self._attends(self.self_attn, src_mask, src_key_padding_mask, is_causal))
        return self._added(x, 2, self._forwards)


class TransformerDecoderLayer(_Layer):
    """As :class:`TransformerEncoderLayer`, with attention to an encoder's output between the two parts.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias
        As there.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> layer = nn.TransformerDecoderLayer(d_model=8, nhead=2, dim_feedforward=16)
    >>> layer(gw.randn(5, 3, 8), memory=gw.randn(10, 3, 8)).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
            ["self_attn", "multihead_attn"],
        )

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return what the layer makes of ``tgt`` (T, N, E), looking at ``memory`` (S, N, E).

        Masks are as :class:`MultiheadAttention`'s: those of ``tgt`` (T, T) and (N, T), those of ``memory`` (T, S) and
        (N, S).
        """
        x = self._added(tgt, 1, self._attends(self.self_attn, tgt_mask, tgt_key_padding_mask, tgt_is_causal))
        looks = self._attends(self.multihead_attn, memory_mask, memory_key_padding_mask, memory_is_causal, memory)
        return self._added(self._added(x, 2, looks), 3, self._forwards)
