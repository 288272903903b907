"""A small language model that continues a text."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from gradwright.engine.creation import arange
from gradwright.engine.functions.joining import cat
from gradwright.engine.mode import no_grad
from gradwright.engine.ops.elementwise import where
from gradwright.engine.random import multinomial
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.container import Sequential
from gradwright.nn.dropout import Dropout
from gradwright.nn.embedding import Embedding
from gradwright.nn.linear import Linear
from gradwright.nn.module import Module
from gradwright.nn.normalization import LayerNorm

__all__ = ["GPT"]


class CausalAttention(Module):
    """Attention of each place to itself and those before it, with several heads; one linear layer makes Q, K and V."""

    hyperparameters: ClassVar[tuple[str, ...]] = ("dropout",)

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = width
        self.heads = heads
        self.dropout = dropout
        self.qkv = Linear(width, 3 * width)
        self.out = Linear(width, width)

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, T, width) for an input of that shape."""
        n, t, width = input.shape
        qkv = self.qkv(input).reshape(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        seen = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0, is_causal=True)
        out: Tensor = self.out(seen.transpose(1, 2).reshape(n, t, width))
        return out


class Block(Module):
    """x ← x + attention(norm(x)), then x ← x + W₂ gelu(W₁ norm(x))."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = LayerNorm(width)
        self.attention = CausalAttention(width, heads, dropout)
        self.norm2 = LayerNorm(width)
        self.inner = Linear(width, 4 * width)
        self.out = Linear(4 * width, width)
        self.drop = Dropout(dropout)

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, T, width) for an input of that shape."""
        x = input + self.drop(self.attention(self.norm1(input)))
        out: Tensor = x + self.drop(self.out(F.gelu(self.inner(self.norm2(x)), approximate="tanh")))
        return out


class GPT(Module):
    """A transformer decoder that predicts each token from those before it.

    Layers: token vectors plus position vectors, blocks of causal attention and a two-layer perceptron with the norm
    before each, a last norm, and scores for every token.

    Parameters
    ----------
    vocab_size : int
        How many tokens there are.
    block_size : int
        The longest text that it sees.
    width : int
        Length of the vectors; ``heads`` divides it.
    depth : int
        How many blocks.
    heads : int
        Heads of attention in each.
    dropout : float in [0, 1]
        The rate on embeddings, weights of attention and what blocks add.
    tie_weights : bool
        Whether the output layer's weight is the token vectors' own.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> model = nn.models.GPT(vocab_size=11, block_size=8, width=16, depth=2, heads=4)
    >>> text = gw.tensor([[1, 2, 3]])
    >>> model(text).shape, model.generate(text, 4).shape
    ((1, 3, 11), (1, 7))

    References
    ----------
    A. Radford et al., *Language models are unsupervised multitask learners* (2019), section 2.3; weight tying: O. Press
    and L. Wolf (EACL 2017).
    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int,
        width: int = 64,
        depth: int = 2,
        heads: int = 2,
        dropout: float = 0.0,
        tie_weights: bool = True,
    ) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ConfigError(f"GPT: heads must divide width; got {heads} heads of width {width} in all")
        self.vocab_size = vocab_size
        self.block_size = block_size
        self.width = width
        self.depth = depth
        self.heads = heads
        self.dropout = dropout
        self.tie_weights = tie_weights
        self.token = Embedding(vocab_size, width)
        self.position = Embedding(block_size, width)
        self.drop = Dropout(dropout)
        self.blocks = Sequential(*(Block(width, heads, dropout) for _ in range(depth)))
        self.norm = LayerNorm(width)
        self.head = Linear(width, vocab_size, bias=False)
        if tie_weights:
            self.head.weight = self.token.weight
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights from N(0, 0.02²), those that end in the sum over blocks from N(0, 0.02² / (2·depth))."""
        for name, p in self.named_parameters():
            if p.ndim > 1:
                ends = name.endswith("out.weight")
                init.normal_(p, 0.0, 0.02 / math.sqrt(2 * self.depth) if ends else 0.02)
            elif name.endswith("bias"):
                init.zeros_(p)

    def forward(self, input: Tensor) -> Tensor:
        """Return scores (N, T, vocab_size) for token numbers (N, T), T at most block_size."""
        if input.ndim != 2 or input.shape[1] > self.block_size:
            raise ShapeError(f"GPT: expected (N, T) token numbers, T at most {self.block_size}; got {input.shape}")
        x = self.drop(self.token(input) + self.position(arange(input.shape[1])))
        out: Tensor = self.head(self.norm(self.blocks(x)))
        return out

    @no_grad()
    def generate(self, input: Tensor, max_new_tokens: int, temperature: Any = 1.0, top_k: int | None = None) -> Tensor:
        """Continue texts, token by token.

        Parameters
        ----------
        input : (N, T) token numbers
            T at least 1; of a long text the last ``block_size`` tokens are seen.
        max_new_tokens : int
            How many to add.
        temperature : float >= 0
            What scores are divided by before the softmax that tokens are drawn from; 0 takes the best one.
        top_k : int, optional
            Draw among the k best only.

        Returns
        -------
        (N, T + max_new_tokens)
        """
        if temperature < 0 or (top_k is not None and top_k < 1):
            raise ConfigError(f"generate: temperature {temperature} is below 0, or top_k {top_k} below 1")
        was = self.training
        self.eval()
        try:
            for _ in range(max_new_tokens):
                scores = self(input[:, -self.block_size :])[:, -1]
                if temperature == 0:
                    new = scores.argmax(-1, keepdim=True)
                else:
                    scores = scores / temperature
                    if top_k is not None:
                        least = scores.topk(min(top_k, self.vocab_size)).values[:, -1:]
                        scores = where(scores < least, float("-inf"), scores)
                    new = multinomial(scores.softmax(-1), 1)
                input = cat([input, new.to(input.dtype)], 1)
        finally:
            self.train(was)
        return input
