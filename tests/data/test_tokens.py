"""Vocabularies and rows of tokens, and free text counted by its words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from gradwright.data import Preparation, TokenPreparation
from gradwright.data.baselines import fit_baselines
from gradwright.data.messages import Note
from gradwright.data.task import Task
from gradwright.data.text_column import TextColumn
from gradwright.errors import DataError, StateError

place = "row {}".format
REVIEWS = [
    "A wonderful film, wonderful in every way I can think of",
    "The worst film that I ever saw in all my life",
    "Not bad at all, and the ending surprised me",
    "I would rather watch paint dry than see it again",
    "Every scene of this film is a small wonder of light",
    "What a waste of light, of time and of my evening",
] * 3


def nothing(note: Note) -> None:
    raise AssertionError(note)


# --- tokens -------------------------------------------------------------------------------------------------------
@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9).map(lambda n: np.arange(1, n + 1)), min_size=1, max_size=8), st.integers(1, 4))
def test_what_is_arranged_can_be_collected(sequences: list[np.ndarray], length: int) -> None:
    preparation = TokenPreparation("tokens", ("<pad>", "<unk>"), length)
    rows = preparation.arranged(sequences, -1)
    assert rows.shape == (sum(max(1, -(-len(s) // length)) for s in sequences), length)
    assert (rows != -1).sum() == sum(map(len, sequences))
    for a, b in zip(preparation.collected(rows, [len(s) for s in sequences]), sequences, strict=True):
        assert a.tolist() == b.tolist()


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1), st.sampled_from(["characters", "words"]))
def test_a_text_comes_back_whole(text: str, unit: str) -> None:
    frame = pl.DataFrame({"text": [text]})
    try:
        fitted, _ = TokenPreparation.fit_text(frame, unit, 1)
    except DataError:
        assert len(text) == 1 or unit == "words"
        return
    assert fitted.decode_text(fitted.encode_text(text)) == text
    assert TokenPreparation.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


def test_long_sentences_are_cut_and_rare_tokens_stand_for_the_unknown() -> None:
    long = [f"t{i}" for i in range(1200)]
    fitted, note = TokenPreparation.fit_sentences(pl.DataFrame({"tokens": [long, ["t3", "t4"]] + [["t3"]] * 400}))
    assert fitted.vocabulary == ("<pad>", "<unk>", "t3", "t4")
    assert fitted.length == 1
    assert "2 tokens, the commonest of 1,200" in note
    notes: list[Note] = []
    x = fitted.transform(pl.DataFrame({"tokens": ["t4 t9"]}), place, notes.append)
    assert x.tolist() == [[3], [1]]
    assert "1 token of 2 (50.0%) stand for the unknown" in str(notes[0])


def test_tokens_named_as_the_filling_are_unknown() -> None:
    fitted, _ = TokenPreparation.fit_sentences(pl.DataFrame({"tokens": [["<pad>", "a", "<unk>"]]}))
    assert fitted.vocabulary == ("<pad>", "<unk>", "a")
    assert fitted.numbers(["<pad>", "a", "<unk>"]).tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unit": "bytes"}, "unit = 'bytes'"),
        ({"length": 0}, "length = 0"),
        ({"length": 2**40}, "length = 1099511627776"),
        ({"vocabulary": ["a", "b"]}, "vocabulary must be <pad>, <unk>"),
        ({"vocabulary": ["<pad>", "<unk>", "a", "a"]}, "each once"),
        ({"vocabulary": ["<pad>", "<unk>", 3]}, "further texts"),
        ({"vocabulary": "<pad>"}, "expected list"),
        ({"more": 1}, "unknown field 'more'"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    state = {"unit": "tokens", "vocabulary": ["<pad>", "<unk>", "a"], "length": 3}
    with pytest.raises(StateError, match=words):
        TokenPreparation.from_dict({**state, **change})


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pl.DataFrame({"token": ["a"]}), "expected the column 'tokens', found 'token'; did you mean 'token'"),
        (pl.DataFrame({"tokens": [["a"], None]}), "row 1, column 'tokens': there is no sentence"),
        (pl.DataFrame({"tokens": [1]}), "is of Int64; expected lists of texts"),
        (np.zeros((2, 2)), "found an array"),
    ],
)
def test_what_holds_no_sentences_is_named(frame: Any, words: str) -> None:
    preparation = Preparation(tokens=TokenPreparation("tokens", ("<pad>", "<unk>"), 2))
    with pytest.raises(DataError, match=words):
        preparation.transform(frame)


# --- baselines ----------------------------------------------------------------------------------------------------
def test_baselines_of_tags_count() -> None:
    task = Task("tagging", "", classes=("A", "B", "O"))
    x = np.array([[2, 3, 2], [2, 4, 0]])
    y = np.array([[0, 2, 0], [1, 2, -100]])
    common, looked_up = fit_baselines(task, x, y)
    assert common.description == "always says 'A'"
    assert common.predict(x).tolist() == [[0, 0, 0]] * 2
    assert looked_up.predict(np.array([[2, 3, 4], [1, 9, 0]])).tolist() == [[0, 2, 2], [0, 0, 0]]


def test_baselines_of_labels_and_of_several_targets() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 2)).astype(np.float32)
    labels = np.stack([x[:, 0] > 0, x[:, 1] > 1, np.ones(60)], axis=1).astype(np.float32)
    task = Task("multilabel", "", classes=("a", "b", "c"))
    common, drawn, rest = fit_baselines(task, x, labels, seed=3)
    assert common.predict(x)[0].tolist() == (labels.mean(0) > 0.5).astype(int).tolist()
    assert drawn.predict(np.zeros((4000, 2), np.float32)).mean(0) == pytest.approx(labels.mean(0), abs=0.03)
    assert (rest.predict(x) == labels).mean() > 0.9
    means, line = fit_baselines(Task("regression", "", targets=("p", "q")), x, np.stack([x[:, 0], 2 * x[:, 1]], axis=1))
    assert means.predict(x)[0] == pytest.approx([x[:, 0].mean(), 2 * x[:, 1].mean()])
    assert line.predict(x)[:, 1] == pytest.approx(2 * x[:, 1], abs=0.2)


# --- free text ----------------------------------------------------------------------------------------------------
def test_free_text_is_counted_as_scikit_learn_counts_it() -> None:
    frame = pl.DataFrame({"text": [f"{review} {i}" for i, review in enumerate(REVIEWS)]})
    fitted = Preparation.fit(frame)
    vectorizer = TfidfVectorizer(max_features=2000).fit(frame["text"].to_list())
    new = ["a wonderful evening of light", "paint, paint!", "zzz"]
    notes: list[Note] = []
    ours = fitted.transform(pl.DataFrame({"text": new}), notes=notes)
    np.testing.assert_allclose(ours, vectorizer.transform(new).toarray(), rtol=1e-6)
    assert "1 text without any word that training knew (first in row 2)" in str(notes[0])
    assert fitted.feature_names[:2] == ("text: 10", "text: 11")
    again = Preparation.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    np.testing.assert_array_equal(again.transform(pl.DataFrame({"text": new}), notes=[]), ours)


def test_the_vocabulary_is_bounded_and_of_the_training_part() -> None:
    column = pl.Series("text", [f"word{i} common other{i % 7} more text here" for i in range(300)])
    fitted = TextColumn.fit(column, 10)
    assert fitted is not None
    assert len(fitted.terms) == 10
    assert {"common", "more", "text", "here"} < set(fitted.terms)


def test_names_are_dropped_and_sentences_are_not() -> None:
    names = [f"Person Number{i}" for i in range(18)]
    fitted = Preparation.fit(pl.DataFrame({"name": names, "review": [f"{r} {i}" for i, r in enumerate(REVIEWS)]}))
    kinds = {column.name: column.kind for column in fitted.columns}
    assert kinds == {"name": "dropped", "review": "text"}
    assert "too short for free text" in fitted.notes[0]


def test_a_missing_text_counts_as_empty() -> None:
    fitted = TextColumn.fit(pl.Series("text", REVIEWS))
    assert fitted is not None
    out = np.ones((2, len(fitted.terms)), np.float32)
    notes: list[Note] = []
    fitted.transform(pl.Series("text", [None, "a film"]), out, place, notes.append)
    assert not out[0].any()
    assert out[1].sum() == 1
    assert "1 missing text counted as empty (first in row 0)" in str(notes[0])


@pytest.mark.parametrize(
    "change",
    [
        {"terms": []},
        {"terms": ["a", "a"]},
        {"terms": [1, 2]},
        {"idf": [1.0]},
        {"idf": [1.0, -1.0]},
        {"idf": [1.0, True]},
    ],
)
def test_terms_that_cannot_be_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(StateError, match="cannot read the preparation"):
        TextColumn.from_dict({"kind": "text", "name": "t", "terms": ["a", "b"], "idf": [1.0, 2.0], **change})
