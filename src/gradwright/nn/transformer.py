"""The transformer: stacks of layers, and the whole of encoder and decoder."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from gradwright.engine.dtypes import get_default_dtype
from gradwright.engine.tensor import Tensor
from gradwright.errors import ShapeError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.container import ModuleList
from gradwright.nn.module import Module
from gradwright.nn.normalization import LayerNorm
from gradwright.nn.transformer_layers import Activation, TransformerDecoderLayer, TransformerEncoderLayer

__all__ = ["Transformer", "TransformerDecoder", "TransformerEncoder"]


class TransformerEncoder(Module):
    """Layers on each other, each a copy of one layer, and at last a norm if there is one.

    Parameters
    ----------
    encoder_layer : TransformerEncoderLayer
        What is copied, its weights too: draw new ones for each copy if they shall differ, as :class:`Transformer` does.
    num_layers : int
        How many copies.
    norm : Module, optional
    enable_nested_tensor, mask_check : bool
        Without effect: they choose among PyTorch's ways to compute the same.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, dim_feedforward=16), num_layers=2)
    >>> encoder(gw.randn(10, 3, 8)).shape
    (10, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments; the first copy stands for the layer that was copied."""
        return {
            "encoder_layer": self.layers[0],
            "num_layers": self.num_layers,
            "norm": self.norm,
            "enable_nested_tensor": self.enable_nested_tensor,
            "mask_check": self.mask_check,
        }

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Return the last layer's output, of the shape of ``src``; masks as the layers'."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Layers on each other, each a copy of one layer and looking at the same memory; at last a norm if there is one.

    Parameters
    ----------
    decoder_layer : TransformerDecoderLayer
        What is copied, its weights too.
    num_layers : int
        How many copies.
    norm : Module, optional

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, dim_feedforward=16), num_layers=2)
    >>> decoder(gw.randn(5, 3, 8), gw.randn(10, 3, 8)).shape
    (5, 3, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments; the first copy stands for the layer that was copied."""
        return {"decoder_layer": self.layers[0], "num_layers": self.num_layers, "norm": self.norm}

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return the last layer's output, of the shape of ``tgt``; masks as the layers'."""
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask,
                memory_mask,
                tgt_key_padding_mask,
                memory_key_padding_mask,
                bool(tgt_is_causal),
                memory_is_causal,
            )
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder, and a decoder that looks at its output, each ending in a norm.

    Parameters
    ----------
    d_model, nhead : int
        E, the last axis of all inputs and outputs, and the number of heads.
    num_encoder_layers, num_decoder_layers : int
    dim_feedforward, dropout, activation
        As in :class:`TransformerEncoderLayer`.
    custom_encoder, custom_decoder : Module, optional
        In place of those made here.
    layer_norm_eps, batch_first, norm_first, bias
        As in :class:`TransformerEncoderLayer`.

    References
    ----------
    A. Vaswani et al., *Attention is all you need* (NeurIPS 2017). Weights are initially Xavier uniform.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> model = nn.Transformer(8, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16)
    >>> causal = nn.Transformer.generate_square_subsequent_mask(5)
    >>> model(gw.randn(10, 3, 8), gw.randn(5, 3, 8), tgt_mask=causal).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = F.relu,
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        given = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        encoder, decoder = custom_encoder, custom_decoder
        self.encoder = (
            encoder
            if encoder is not None
            else TransformerEncoder(
                TransformerEncoderLayer(*given), num_encoder_layers, LayerNorm(d_model, layer_norm_eps, bias=bias)
            )
        )
        self.decoder = (
            decoder
            if decoder is not None
            else TransformerDecoder(
                TransformerDecoderLayer(*given), num_decoder_layers, LayerNorm(d_model, layer_norm_eps, bias=bias)
            )
        )
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw initial values of all matrices, each copied layer's its own."""
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)

    def config(self) -> dict[str, Any]:
        """Return arguments that build it again; encoder and decoder say all else about themselves."""
        return {
            "d_model": self.d_model,
            "nhead": self.nhead,
            "custom_encoder": self.encoder,
            "custom_decoder": self.decoder,
            "batch_first": self.batch_first,
        }

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Return the decoder's output, of the shape of ``tgt``.

        Parameters
        ----------
        src, tgt : (S, N, E), (T, N, E)
            With ``batch_first`` (N, S, E), (N, T, E); or both without N.
        src_mask, tgt_mask, memory_mask : (S, S), (T, T), (T, S), optional
            Where nobody may look, as in :class:`MultiheadAttention`; also (N·nhead, …).
        src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask : (N, S), (N, T), (N, S), optional
            At what nobody may look.
        src_is_causal, tgt_is_causal, memory_is_causal : bool, optional
            Say that the mask is the causal one.
        """
        axis = 0 if self.batch_first else 1
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise ShapeError(f"Transformer: the last axis must be {self.d_model}; got src {src.shape}, tgt {tgt.shape}")
        if src.ndim != tgt.ndim or (src.ndim == 3 and src.shape[axis] != tgt.shape[axis]):
            raise ShapeError(
                f"Transformer: src {src.shape} and tgt {tgt.shape} need the same batch size, on axis {axis}"
            )
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
            memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, dtype: Any = None) -> Tensor:
        """Return the causal mask (sz, sz): 0 up to the diagonal and -inf beyond it.

        Examples
        --------
        >>> from gradwright import nn
        >>> nn.Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        return Tensor(np.triu(np.full((sz, sz), -math.inf, dtype or get_default_dtype()), 1))
