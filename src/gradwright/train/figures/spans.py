"""Entities in a row of tags: B- begins one, I- goes on with it, O is outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["is_bio", "spans"]


def is_bio(tags: Iterable[str]) -> bool:
    """Say whether tags are O, B-… and I-…, with at least one B- or I- among them.

    Examples
    --------
    >>> is_bio(["B-PER", "I-PER", "O"]), is_bio(["NOUN", "VERB"]), is_bio(["O"])
    (True, False, False)
    """
    tags = list(tags)
    entities = [tag for tag in tags if tag[:2] in ("B-", "I-") and len(tag) > 2]
    return bool(entities) and all(tag == "O" or tag in entities for tag in tags)


def spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the entities of a sentence: type, first token, and the token after the last.

    An I- whose type differs from the token before, or that follows O, begins an entity, as conlleval has it.

    Examples
    --------
    >>> spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [('PER', 0, 2), ('LOC', 3, 4), ('LOC', 4, 5)]

    References
    ----------
    E. F. Tjong Kim Sang and S. Buchholz, Introduction to the CoNLL-2000 shared task: chunking (CoNLL 2000), and its
    program conlleval.
    """
    found = []
    kind, start = "", 0
    for i, tag in enumerate([*tags, "O"]):
        sign, _, name = tag.partition("-")
        if kind and (sign != "I" or name != kind):
            found.append((kind, start, i))
            kind = ""
        if sign in ("B", "I") and name and not kind:
            kind, start = name, i
    return found
