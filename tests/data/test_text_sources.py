"""fastText's labelled lines, running text and tokens with tags."""

import numpy as np
import polars as pl
import pytest

from gradwright.data import infer_task, read, read_rows
from gradwright.errors import DataError

LABELLED = "__label__spam win a prize, now\n\n__label__ham\tsee you \n__label__ham déjà vu\r\n"
TAGGED = """-DOCSTART- -X- O

EU NNP B-ORG
rejects VBZ O
German JJ B-MISC

Peter NNP B-PER
Blackburn NNP I-PER
"""


def refusal(path, **options) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **options)
    return str(caught.value)


@pytest.fixture
def file(tmp_path):
    def write(name: str, text: str):
        (tmp_path / name).write_bytes(text.encode())
        return tmp_path / name

    return write


def test_fasttext_lines(file):
    found = read(file("a.txt", "\ufeff" + LABELLED))
    assert found.features.rows() == [("win a prize, now",), ("see you",), ("déjà vu",)]
    assert found.target.to_list() == ["spam", "ham", "ham"]
    assert (found.kind, found.target_name, infer_task(found).classes) == ("table", "label", ("ham", "spam"))
    assert found.place(1).endswith("a.txt', line 3 (row 1)")
    assert read_rows(file("a.txt", LABELLED)).features.columns == ["text", "label"]


def test_several_labels_are_lists_and_a_multilabel_task(file):
    found = read(file("a.txt", "__label__art __label__news the museum\n__label__news the vote\n__label__art a song\n"))
    assert found.target.to_list() == [["art", "news"], ["news"], ["art"]]
    task = infer_task(found)
    assert (task.kind, task.classes) == ("multilabel", ("art", "news"))
    assert np.array_equal(task.encode(found.target), [[1, 1], [0, 1], [1, 0]])


def test_lines_to_predict_for_need_no_labels(file):
    path = file("a.txt", "win a prize, now\n\n see you\n")
    rows = read_rows(path, columns=("text",))
    assert rows.features.rows() == [("win a prize, now",), ("see you",)]
    assert rows.place(1).endswith("line 3 (row 1)")


def test_a_table_may_still_be_called_txt(file):
    assert read(file("a.txt", "x,y\n1,0\n2,1\n")).features.rows() == [(1,), (2,)]


def test_running_text_by_lines_and_by_paragraphs(file):
    lines = read(file("a.txt", "  one\ntwo\n\nthree\n"), task="next_token")
    assert lines.features["text"].to_list() == lines.target.to_list() == ["  one", "two", "three"]
    assert lines.place(2).endswith("line 4 (row 2)")
    assert infer_task(lines).kind == "next_token"
    text = "\n\n".join(f"head {i}\n  body {i}" for i in range(12))
    paragraphs = read(file("b.txt", text), task="next_token")
    assert paragraphs.target.to_list() == text.split("\n\n")
    assert paragraphs.place(3).endswith("line 10 (row 3)")
    assert any("12 texts: the file's paragraphs" in note for note in paragraphs.notes)


def test_tokens_with_tags(file):
    found = read(file("a.conll", TAGGED))
    assert found.kind == "sequences"
    assert found.features.schema == {"tokens": pl.List(pl.String)}
    assert found.features["tokens"].to_list() == [["EU", "rejects", "German"], ["Peter", "Blackburn"]]
    assert found.target.to_list() == [["B-ORG", "O", "B-MISC"], ["B-PER", "I-PER"]]
    assert (found.place(1).endswith("line 7 (row 1)"), found.notes) == (True, ())
    assert infer_task(found).kind == "tagging"
    assert read(file("b.bio", TAGGED.replace(" ", "\t"))).fingerprint == found.fingerprint
    assert read(file("c.iob", TAGGED.replace("\n", "\r\n"))).fingerprint == found.fingerprint


def test_fingerprint_of_lists_notices_where_a_sentence_ends(file):
    one, two = read(file("a.bio", "a O\nb O\n\nc O\n")), read(file("b.bio", "a O\n\nb O\nc O\n"))
    assert one.fingerprint != two.fingerprint


def test_tab_separated_tokens_may_hold_spaces(file):
    found = read(file("a.bio", "New York\tB-LOC\n is \tO\n"))
    assert found.features["tokens"].to_list() == [["New York", "is"]]


def test_tokens_to_predict_for_need_no_tags(file):
    assert read_rows(file("a.bio", "Ada\nsleeps\n\nHi\n")).features.rows() == [(["Ada", "sleeps"],), (["Hi"],)]
    assert read_rows(file("b.bio", TAGGED)).features.columns == ["tokens", "tags"]


def test_tags_that_begin_inside_are_noted(file):
    found = read(file("a.bio", "a I-PER\nb I-PER\nc B-LOC\nd I-ORG\n\ne I-ORG\nf O\n"))
    assert "3 tags I-… with neither B-… nor I-… of the same type before it, first 'I-PER' in line 1" in found.notes[0]


def test_several_files_of_tokens(file, tmp_path):
    file("1.bio", "a O\n")
    file("2.bio", "\nb O\n")
    found = read(str(tmp_path / "*.bio"))
    assert (found.kind, found.rows, found.target_name) == ("sequences", 2, "tags")
    assert found.place(1).endswith("2.bio', line 2 (row 1)")
