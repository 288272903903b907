"""Free text to numbers: which of training's commonest words stand in it, the rarer the more they count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradwright.data.columns import as_text
from gradwright.data.messages import Note, PlaceOf, plural, shown
from gradwright.data.scaling import check_state, finite
from gradwright.errors import StateError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TextColumn", "is_free_text"]

_TERMS = 2_000
_WORDS = 5  # on average in a cell, from which on texts are sentences rather than names
_NAMED = 2  # the same, for a column that is called text


def is_free_text(column: pl.Series) -> bool:
    """Say whether a column of many distinct texts holds sentences: five words in a cell on average, or two in a
    column that is called ``text``.

    Examples
    --------
    >>> import polars as pl
    >>> is_free_text(pl.Series("review", ["I liked this film a lot", "what a waste of an evening"]))
    True
    >>> is_free_text(pl.Series("name", ["Ada Lovelace", "Emmy Noether"]))
    False
    """
    words = as_text(column).drop_nulls().str.count_matches(r"\w+").mean()
    return isinstance(words, float) and words >= (_NAMED if column.name.lower() == "text" else _WORDS)


@dataclass(frozen=True)
class TextColumn:
    """TF-IDF: how often each term stands in a text, times ln((1 + n) / (1 + d)) + 1, the row scaled to length 1.

    d of the n training texts have the term. Terms are words of two letters or more in lower case, at most 2,000: those
    that stand most often in training. A missing text is all zeros.

    Attributes
    ----------
    name : str
        The column's name.
    terms : tuple of str
        The terms, in order of the alphabet.
    idf : tuple of float
        The factor of each.

    Examples
    --------
    >>> import polars as pl
    >>> column = TextColumn.fit(pl.Series("text", ["good film", "bad film"]))
    >>> column.outputs, [round(factor, 3) for factor in column.idf]
    (('text: bad', 'text: film', 'text: good'), [1.405, 1.0, 1.405])

    Notes
    -----
    Source: scikit-learn's TfidfVectorizer, which does it; K. Spärck Jones, A statistical interpretation of term
    specificity and its application in retrieval, Journal of Documentation 28, 1972.
    """

    name: str
    terms: tuple[str, ...]
    idf: tuple[float, ...]
    kind: ClassVar[str] = "text"

    @classmethod
    def fit(cls, column: pl.Series, most: int = _TERMS) -> TextColumn | None:
        """Learn from a training column; None when its texts have no word of two letters."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(max_features=most, dtype=np.float64)
        try:
            vectorizer.fit(as_text(column).drop_nulls().to_list())
        except ValueError:  # an empty vocabulary
            return None
        return cls(column.name, tuple(vectorizer.get_feature_names_out().tolist()), tuple(vectorizer.idf_.tolist()))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the prepared columns."""
        return tuple(f"{self.name}: {term}" for term in self.terms)

    @property
    def note(self) -> str | None:
        """A remark for the report."""
        return (
            f"column {shown(self.name)}: free text, counted by {plural(len(self.terms), 'word')} of the training part "
            "(TF-IDF)"
        )

    def transform(
        self, column: pl.Series, out: NDArray[np.float32], place: PlaceOf, report: Callable[[Note], None]
    ) -> None:
        """Fill `out`, float32 (n, terms), from a raw column of length n."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        text = as_text(column)
        gone = text.is_null()
        if gone.any():
            row = int(gone.arg_max() or 0)
            count = int(gone.sum())
            report(
                Note(
                    f"column {shown(self.name)}: {plural(count, 'missing text')} counted as empty "
                    f"(first in {place(row)})",
                    self.name,
                    row,
                    None,
                    count,
                )
            )
        vectorizer = TfidfVectorizer(vocabulary={term: i for i, term in enumerate(self.terms)}, dtype=np.float64)
        vectorizer.idf_ = np.array(self.idf)
        texts = text.fill_null("").to_list()
        for start in range(0, len(texts), 4096):
            out[start : start + 4096] = vectorizer.transform(texts[start : start + 4096]).toarray()
        strange = np.flatnonzero(~out.any(axis=1) & ~gone.to_numpy())
        if len(strange):
            report(
                Note(
                    f"column {shown(self.name)}: {plural(len(strange), 'text')} without any word that training knew "
                    f"(first in {place(int(strange[0]))})",
                    self.name,
                    int(strange[0]),
                    None,
                    len(strange),
                )
            )

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {"kind": self.kind, "name": self.name, "terms": list(self.terms), "idf": list(self.idf)}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TextColumn:
        """Read what `to_dict` wrote; raises `StateError` when it is not that."""
        fields = check_state(state, "a column", kind=str, name=str, terms=list, idf=list)
        terms, idf = fields["terms"], fields["idf"]
        if not terms or not all(isinstance(term, str) for term in terms) or len(set(terms)) < len(terms):
            raise StateError(f"cannot read the preparation: terms of {shown(fields['name'])} must be texts, each once")
        if len(idf) != len(terms) or not all(type(factor) in (int, float) for factor in idf):
            raise StateError(
                f"cannot read the preparation: idf of {shown(fields['name'])} must be {len(terms)} numbers, one a term"
            )
        return cls(fields["name"], tuple(terms), tuple(finite(float(f), "idf", positive=True) for f in idf))
