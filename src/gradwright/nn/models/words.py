"""Networks that read words."""

from __future__ import annotations

from typing import Any

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import functional as F
from gradwright.nn.activation import Tanh
from gradwright.nn.container import Flatten, Sequential
from gradwright.nn.dropout import Dropout
from gradwright.nn.embedding import Embedding
from gradwright.nn.linear import Linear
from gradwright.nn.module import Module
from gradwright.nn.recurrent import GRU, LSTM

__all__ = ["RecurrentTagger", "WindowClassifier", "WindowTagger"]


class WindowClassifier(Module):
    """Say what the middle word of a window is, from the vectors of all its words side by side.

    Equation: y = U tanh(W [v₁ … v_k] + b) + c, vᵢ the vector of word i.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        How many words there are, and the length of their vectors.
    window : int
        k, how many words it sees at once.
    hidden : int
        Units of the hidden layer.
    num_classes : int
        Numbers that it gives.
    padding_idx : int, optional
        The word that stands before the first and after the last; its vector stays 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.models.WindowClassifier(1000, 50, window=5, hidden=30, num_classes=4)
    >>> net(gw.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])).shape
    (2, 4)

    References
    ----------
    R. Collobert et al., *Natural language processing (almost) from scratch* (JMLR 12, 2011), section 3.3.1.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        window: int,
        hidden: int,
        num_classes: int,
        padding_idx: int | None = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.window = window
        self.hidden = hidden
        self.num_classes = num_classes
        self.padding_idx = padding_idx
        self.embedding = Embedding(num_embeddings, embedding_dim, padding_idx)
        self.layers = Sequential(
            Flatten(-2), Linear(window * embedding_dim, hidden), Tanh(), Linear(hidden, num_classes)
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return (…, num_classes) for windows of word numbers (…, window)."""
        if input.shape[-1:] != (self.window,):
            raise ShapeError(f"WindowClassifier: expected (…, {self.window}) word numbers, got {input.shape}")
        out: Tensor = self.layers(self.embedding(input))
        return out


class WindowTagger(Module):
    """Give every word of a sentence a tag, from a window of words around it: a :class:`WindowClassifier` slid along.

    Parameters
    ----------
    num_embeddings, embedding_dim, window, hidden, num_tags : int
        As the classifier's; ``window`` is odd.
    padding_idx : int
        The word that stands before the first and after the last, and fills short sentences.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.models.WindowTagger(1000, 16, window=5, hidden=30, num_tags=4)
    >>> net(gw.tensor([[3, 1, 4], [9, 2, 0]])).shape
    (2, 3, 4)

    References
    ----------
    R. Collobert et al., *Natural language processing (almost) from scratch* (JMLR 12, 2011), section 3.3.1.
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, window: int, hidden: int, num_tags: int, padding_idx: int = 0
    ) -> None:
        super().__init__()
        if window < 1 or window % 2 == 0:
            raise ConfigError(f"WindowTagger: window is odd, so that it has a middle; got {window}")
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.window = window
        self.hidden = hidden
        self.num_tags = num_tags
        self.padding_idx = padding_idx
        self.classifier = WindowClassifier(num_embeddings, embedding_dim, window, hidden, num_tags, padding_idx)

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, T, num_tags) for word numbers (N, T)."""
        side = self.window // 2
        padded = F.pad(input, (side, side), value=self.padding_idx)
        out: Tensor = self.classifier(padded.unfold(1, self.window, 1))
        return out


_CELLS: dict[str, type[LSTM] | type[GRU]] = {"lstm": LSTM, "gru": GRU}


class RecurrentTagger(Module):
    """Give every word of a sentence a tag, from the words around it on both sides.

    Layers: word vectors, a recurrent network over the sentence (both ways unless told otherwise), one linear layer
    for each word.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        How many words there are, and the length of their vectors.
    hidden_size : int
        Units of the recurrent network in each direction.
    num_tags : int
        Numbers that it gives for a word.
    cell : {"lstm", "gru"}
        Which recurrent network.
    num_layers : int
        How many stand on each other.
    bidirectional : bool
        Whether it reads backwards too.
    dropout : float in [0, 1]
        The rate on word vectors and recurrent outputs.
    padding_idx : int, optional
        The word that fills short sentences; its vector stays 0.
    masked : bool
        Whether a sentence whose length is not given ends where ``padding_idx`` begins; else the filling is read too.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.models.RecurrentTagger(1000, 16, 8, 5)
    >>> net(gw.tensor([[3, 1, 4], [9, 2, 0]]), lengths=gw.tensor([3, 2])).shape
    (2, 3, 5)

    References
    ----------
    Z. Huang, W. Xu and K. Yu, *Bidirectional LSTM-CRF models for sequence tagging* (2015), section 2.2.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        hidden_size: int,
        num_tags: int,
        cell: str = "lstm",
        num_layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.0,
        padding_idx: int | None = None,
        masked: bool = False,
    ) -> None:
        super().__init__()
        if cell not in _CELLS:
            raise ConfigError(f"RecurrentTagger: cell is 'lstm' or 'gru', got {cell!r:.80}")
        if masked and padding_idx is None:
            raise ConfigError("RecurrentTagger: masked needs a padding_idx, or nothing says where a sentence ends")
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.hidden_size = hidden_size
        self.num_tags = num_tags
        self.cell = cell
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.padding_idx = padding_idx
        self.masked = masked
        self.embedding = Embedding(num_embeddings, embedding_dim, padding_idx)
        self.drop = Dropout(dropout)
        self.recurrent = _CELLS[cell](
            embedding_dim, hidden_size, num_layers, batch_first=True, bidirectional=bidirectional
        )
        self.head = Linear(hidden_size * (2 if bidirectional else 1), num_tags)

    def forward(self, input: Tensor, lengths: Any = None) -> Tensor:
        """Return (N, T, num_tags) for word numbers (N, T).

        ``lengths`` (N,) says where each sentence ends.
        """
        if lengths is None and self.masked:
            lengths = (input != self.padding_idx).sum(1)
        vectors = self.drop(self.embedding(input))
        read, _ = self.recurrent(vectors, lengths=lengths)
        out: Tensor = self.head(self.drop(read))
        return out
