"""Tables of vectors that are looked up by number."""

from __future__ import annotations

from typing import Any, ClassVar

from gradwright.engine.creation import zeros
from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.module import Module

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """What both layers share: the table, its first values, and how it is made from vectors that are there already."""

    #: Read at each call: one program serves every bound.
    hyperparameters: ClassVar[tuple[str, ...]] = ("max_norm",)

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None

    def _make(self) -> None:
        rows, given = self.num_embeddings, self.padding_idx
        if given is not None:
            if not -rows <= given < rows:
                raise ConfigError(
                    f"{type(self).__name__}: padding_idx must be from {-rows} to {rows - 1}, a row of the table; "
                    f"got {given}"
                )
            self.padding_idx = given % rows
        self.weight = Parameter(zeros(rows, self.embedding_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values from N(0, 1); the padding row is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    @classmethod
    def _around(cls, embeddings: Tensor, freeze: bool, **options: Any) -> Any:
        if embeddings.ndim != 2:
            raise ShapeError(f"{cls.__name__}.from_pretrained: embeddings are (rows, features), got {embeddings.shape}")
        table = cls(*embeddings.shape, **options)
        table.weight = Parameter(embeddings.detach(), requires_grad=not freeze)
        return table

    def _words(self, *names: str) -> str:
        """Return the arguments that are not their defaults."""
        plain = {"padding_idx": None, "max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False, "sparse": False}
        values = [(name, getattr(self, name)) for name in names]
        shown = [f"{k}={v!r}" for k, v in values if k not in plain or v != plain[k]]
        return ", ".join([str(self.num_embeddings), str(self.embedding_dim), *shown])


class Embedding(_Table):
    """A table of vectors: y = weight[input].

    Parameters
    ----------
    num_embeddings : int
        How many vectors: numbers in the input are below it.
    embedding_dim : int
        Their length.
    padding_idx : int, optional
        A row that starts at 0 and gets no gradient; may count from the end.
    max_norm : float, optional
        Before each look-up the rows that it needs whose norm is larger are scaled down to it, in ``weight`` itself.
    norm_type : float
        Which norm.
    scale_grad_by_freq : bool
        Divide each row's gradient by how often the row is in the input.
    sparse : bool
        Let ``weight.grad`` list the rows that were looked up, instead of being as large as the table. For
        :class:`~gradwright.optim.SparseAdam`, and SGD and Adagrad without momentum and weight decay; a step then costs
        as much as the rows that it uses, whatever the table's size.

    Attributes
    ----------
    weight : (num_embeddings, embedding_dim)
        Initially from N(0, 1).

    Raises
    ------
    IndexOutOfRangeError
        For a number that is no row, naming it and its place; before a compiled step runs, if it is the step's input.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> words = nn.Embedding(10, 3, padding_idx=0)
    >>> words(gw.tensor([[1, 2, 4, 5], [4, 3, 2, 0]])).shape, words(gw.tensor(0)).tolist()
    ((2, 4, 3), [0.0, 0.0, 0.0])

    References
    ----------
    Y. Bengio et al., *A neural probabilistic language model* (JMLR 3, 2003), the matrix C of section 2.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._make()

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """Return a layer whose table is ``embeddings``, (rows, features); it is trained only with ``freeze=False``."""
        table: Embedding = cls._around(
            embeddings,
            freeze,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )
        return table

    def forward(self, input: Tensor) -> Tensor:
        """Return (*input.shape, embedding_dim) for an input of integers of any shape."""
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        """Return the arguments."""
        return self._words("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")


class EmbeddingBag(_Table):
    """The sum, mean or maximum of several vectors of a table: a bag of words as one vector.

    Parameters
    ----------
    num_embeddings, embedding_dim, max_norm, norm_type, scale_grad_by_freq, sparse :
        As of :class:`Embedding`.
    mode : "sum", "mean" or "max"
        What is made of a bag.
    include_last_offset : bool
        The last of the ``offsets`` is the length of the input.
    padding_idx : int, optional
        A row that counts as absent from every bag.

    Attributes
    ----------
    weight : (num_embeddings, embedding_dim)
        Initially from N(0, 1).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> bags = nn.EmbeddingBag(10, 3, mode="sum")
    >>> bags(gw.tensor([1, 2, 4, 5]), gw.tensor([0, 3])).shape     # [1, 2, 4] and [5]
    (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        self.padding_idx = padding_idx
        if mode not in ("sum", "mean", "max"):
            raise ConfigError(f"EmbeddingBag: mode is 'sum', 'mean' or 'max', got {mode!r}")
        self._make()

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """Return a layer whose table is ``embeddings``, (rows, features); it is trained only with ``freeze=False``."""
        table: EmbeddingBag = cls._around(
            embeddings,
            freeze,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            mode=mode,
            sparse=sparse,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )
        return table

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """Return (bags, embedding_dim) for an input (bags, N), or (n,) with the offset of each bag.

        Parameters
        ----------
        per_sample_weights : Tensor of the input's shape, optional
            Factors for the vectors, with ``mode="sum"``.
        """
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """Return the arguments."""
        return self._words("max_norm", "norm_type", "scale_grad_by_freq", "mode", "padding_idx")
