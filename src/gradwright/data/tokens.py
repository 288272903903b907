"""Sequences of tokens to rows of whole numbers: a vocabulary learnt in training, and rows of one length.

Sentences longer than a row are cut into pieces, shorter ones filled up. A running text is cut into windows; what is to
be predicted is the same text, one token on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.messages import Note, PlaceOf, closest, listed, plural, shown
from gradwright.data.rows import Features
from gradwright.data.scaling import check_state
from gradwright.errors import DataError, StateError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["IGNORED", "PAD", "UNKNOWN", "TokenPreparation"]

PAD, UNKNOWN = "<pad>", "<unk>"
"""What fills short rows (number 0), and what stands for tokens that training did not know (number 1)."""

IGNORED = -100
"""The target where a row is filled up: PyTorch's ``ignore_index``."""

_MOST = {"tokens": 50_000, "words": 10_000, "characters": 1_000}
_LONGEST = 256  # tokens of a row of tagged tokens
_COVERED = 0.99  # of the training sentences that one row is to hold whole
_RARE = 1_000  # with more distinct tokens than this, those that stand once are taken for unknown
_PIECES = re.compile(r"\w+|\s+|[^\w\s]")

Report = Callable[[Note], None]


@dataclass(frozen=True)
class TokenPreparation:
    """A vocabulary and a row's length.

    Attributes
    ----------
    unit : {"tokens", "words", "characters"}
        Lists of tokens that are tagged; or what a text is cut into: words, white space and marks, or characters.
    vocabulary : tuple of str
        The tokens by number: ``<pad>``, ``<unk>``, then the training part's from the commonest to the rarest.
    length : int
        Tokens in a row.

    Examples
    --------
    >>> import polars as pl
    >>> fitted, note = TokenPreparation.fit_sentences(pl.DataFrame({"tokens": [["a", "cat"], ["a", "dog", "sat"]]}))
    >>> fitted.vocabulary, fitted.length
    (('<pad>', '<unk>', 'a', 'cat', 'dog', 'sat'), 3)
    >>> fitted.transform(pl.DataFrame({"tokens": [["a", "cow"]]}), "row {}".format, lambda note: None)
    array([[2, 1, 0]])
    """

    unit: str
    vocabulary: tuple[str, ...]
    length: int

    # --- fitting --------------------------------------------------------------------------------------------------
    @classmethod
    def fit_sentences(cls, features: Features) -> tuple[TokenPreparation, str]:
        """Learn from training sentences, the column ``tokens`` of lists: the preparation, and a note about it.

        A row holds 99 of 100 sentences whole, and at most 256 tokens. Among more than 1,000 distinct tokens those
        that stand once are left out, so that the network learns what an unknown token is like; at most 50,000 are
        kept.
        """
        sentences = _sentences(features, "row {}".format)
        if not any(sentences):
            raise DataError("cannot prepare the sentences: the training part has no token")
        lengths = np.array([len(s) for s in sentences])
        length = int(np.clip(np.quantile(lengths, _COVERED, method="higher"), 1, _LONGEST))
        vocabulary, note = _vocabulary((token for s in sentences for token in s), "tokens")
        return cls("tokens", vocabulary, length), note

    @classmethod
    def fit_text(cls, features: Features, unit: str, context: int) -> tuple[TokenPreparation, str]:
        """Learn from the training part of a text, the column ``text``: windows of `context` tokens."""
        stream = _cut(_text(features, "row {}".format), unit)
        if len(stream) <= context:
            raise DataError(
                f"cannot prepare the text: the training part has {plural(len(stream), 'token')}; expected more than a "
                f"window, context = {context}. Give more text, or a smaller context"
            )
        vocabulary, note = _vocabulary(stream, unit)
        return cls(unit, vocabulary, context), note

    # --- use ------------------------------------------------------------------------------------------------------
    @property
    def size(self) -> int:
        """How many tokens the vocabulary has, ``<pad>`` and ``<unk>`` among them."""
        return len(self.vocabulary)

    def numbers(self, tokens: Sequence[str]) -> NDArray[np.int64]:
        """Return each token's number, 1 where training did not know it."""
        index = self._index()
        return np.array([index.get(token, 1) for token in tokens], np.int64)

    def encode_text(self, text: str) -> NDArray[np.int64]:
        """Cut a text and return its tokens' numbers."""
        return self.numbers(_cut(text, self.unit))

    def decode_text(self, numbers: NDArray[Any] | Sequence[int]) -> str:
        """Return the text of token numbers; an unknown token shows as U+FFFD."""
        return "".join("" if n == 0 else "\ufffd" if n == 1 else self.vocabulary[int(n)] for n in numbers)

    def lengths(self, features: Features, place: PlaceOf) -> list[int]:
        """Return how many tokens each sentence has."""
        return [len(sentence) for sentence in _sentences(features, place)]

    def transform(self, features: Features, place: PlaceOf, report: Report) -> NDArray[np.int64]:
        """Return rows of token numbers, int64 (rows, length), filled up with 0.

        Sentences become as many rows as they have pieces (`pieces` says how many), a text as many as it has windows.
        """
        if self.unit != "tokens":
            return self.windows(features, place, report)[0]
        encoded = [self.numbers(s) for s in _sentences(features, place)]
        self._say_unknown(np.concatenate([*encoded, np.empty(0, np.int64)]), report)
        return self.arranged(encoded, 0)

    def windows(
        self, features: Features, place: PlaceOf, report: Report
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cut the rows of a text, joined in order, into windows: token numbers, and for each the one that comes next.

        Returns
        -------
        x, y : int64 arrays, shape (windows, length)
            The last window is filled up: 0 in `x`, -100 in `y`.
        """
        stream = self.encode_text(_text(features, place))
        if len(stream) < 2:
            raise DataError(f"cannot use the text: it has {plural(len(stream), 'token')}; expected at least 2")
        self._say_unknown(stream, report)
        count = -(-(len(stream) - 1) // self.length)
        x = np.zeros(count * self.length, np.int64)
        y = np.full(count * self.length, IGNORED, np.int64)
        x[: len(stream) - 1], y[: len(stream) - 1] = stream[:-1], stream[1:]
        return x.reshape(count, self.length), y.reshape(count, self.length)

    def arranged(self, sequences: Sequence[NDArray[np.int64]], fill: int) -> NDArray[np.int64]:
        """Lay sequences in rows of one length, each beginning a row of its own; what is left is filled up."""
        counts = self.pieces([len(s) for s in sequences])
        out = np.full((int(counts.sum()), self.length), fill, np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)])
        for sequence, start, stop in zip(sequences, starts, starts[1:], strict=False):
            out[start:stop].reshape(-1)[: len(sequence)] = sequence
        return out

    def pieces(self, lengths: Sequence[int]) -> NDArray[np.int64]:
        """Return how many rows sequences of such lengths take: one at least."""
        return np.maximum(-(-np.asarray(lengths, np.int64) // self.length), 1)

    def collected(self, rows: NDArray[Any], lengths: Sequence[int]) -> list[NDArray[Any]]:
        """Undo `arranged`: from rows back to sequences of these lengths."""
        counts = self.pieces(lengths)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return [rows[a:b].reshape(-1)[:n] for a, b, n in zip(starts, starts[1:], lengths, strict=False)]

    def _index(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.vocabulary) if i > 1}

    def _say_unknown(self, numbers: NDArray[np.int64], report: Report) -> None:
        unknown = int((numbers == 1).sum())
        if unknown:
            share = unknown / len(numbers)
            report(
                Note(
                    f"{plural(unknown, 'token')} of {len(numbers):,} ({share:.1%}) stand for the unknown: the training "
                    f"part's vocabulary of {self.size:,} does not have them",
                    count=unknown,
                )
            )

    # --- saving ---------------------------------------------------------------------------------------------------
    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {"unit": self.unit, "vocabulary": list(self.vocabulary), "length": self.length}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TokenPreparation:
        """Read what `to_dict` wrote; raises `StateError` when it is not that."""
        fields = check_state(state, "tokens", unit=str, vocabulary=list, length=int)
        unit, vocabulary, length = fields["unit"], fields["vocabulary"], fields["length"]
        if unit not in _MOST:
            raise StateError(f"cannot read the preparation: tokens has unit = {shown(unit)}; expected {listed(_MOST)}")
        if not 1 <= length <= 2**16:
            raise StateError(f"cannot read the preparation: tokens has length = {length}; expected 1 to 65,536")
        if (
            vocabulary[:2] != [PAD, UNKNOWN]
            or not all(isinstance(token, str) for token in vocabulary)
            or len(set(vocabulary)) < len(vocabulary)
        ):
            raise StateError(
                f"cannot read the preparation: vocabulary must be {PAD}, {UNKNOWN} and further texts, each once"
            )
        return cls(unit, tuple(vocabulary), length)


def _vocabulary(tokens: Iterable[str], unit: str) -> tuple[tuple[str, ...], str]:
    counts = Counter(tokens)
    for name in (PAD, UNKNOWN):
        counts.pop(name, None)  # a text may hold them; there they are unknown
    ordered = sorted(counts, key=lambda token: (-counts[token], token))
    distinct = len(ordered)
    if unit != "characters" and distinct > _RARE:
        ordered = [token for token in ordered if counts[token] > 1]
    ordered = ordered[: _MOST[unit]]
    left = f", the commonest of {distinct:,}" if len(ordered) < distinct else ""
    note = f"a vocabulary of {len(ordered):,} {unit}{left}, learnt from the training part alone"
    return (PAD, UNKNOWN, *ordered), note


def _sentences(features: Features, place: PlaceOf) -> list[list[str]]:
    """The column ``tokens``: lists, or texts with white space between tokens."""
    import polars as pl

    column = _column(features, "tokens")
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise DataError(f"{place(row)}, column 'tokens': there is no sentence. Fill it in, or leave such rows out")
    if column.dtype == pl.String:
        return [text.split() for text in column.to_list()]
    if column.dtype != pl.List(pl.String):
        raise DataError(f"column 'tokens' is of {column.dtype}; expected lists of texts, or texts of words")
    return [[token or "" for token in sentence] for sentence in column.to_list()]


def _text(features: Features, place: PlaceOf) -> str:
    """The only column of text, its rows joined as they stood in the file: lines, or paragraphs of several."""
    import polars as pl

    name = "text" if isinstance(features, np.ndarray) or "text" in features.columns else features.columns[0]
    column = _column(features, name)
    if column.dtype != pl.String:
        raise DataError(f"column {shown(column.name)} is of {column.dtype}; expected text")
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise DataError(f"{place(row)}, column {shown(column.name)}: there is no text. Leave such rows out")
    texts = column.to_list()
    between = "\n\n" if any("\n" in text for text in texts) else "\n"
    return between.join(texts)


def _column(features: Features, name: str) -> pl.Series:
    if isinstance(features, np.ndarray) or name not in features.columns:
        found = "an array" if isinstance(features, np.ndarray) else listed(features.columns, 6)
        hint = "" if isinstance(features, np.ndarray) else closest(name, features.columns)
        raise DataError(f"cannot prepare the rows: expected the column {shown(name)}, found {found}{hint}")
    return features[name]


def _cut(text: str, unit: str) -> list[str]:
    return list(text) if unit == "characters" else _PIECES.findall(text)
