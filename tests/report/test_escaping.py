"""Fault 11: a report is opened by others, so everything that came from data is escaped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from gradwright.report import example_files, parse_record, render

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror='alert(1)'>",
    "end of script": "</script><script>alert(1)</script>",
    "end of style": "</style><style>*{display:none}</style>",
    "end of title": "</title></svg></head><body onload=alert(1)>",
    "comment": "<!--<script>",
    "cdata": "]]><script>alert(1)</script>",
    "template": "{{ 7 * 7 }}{% for i in range(9) %}x{% endfor %}",
    "entity": "&lt;b&gt; &amp; &#x3c;script&#x3e;",
    "link": "javascript:alert(1)",
    "control": "a\x00b\x1b[31mred\x07\x7f\x85",
    "direction": "txt.\u202eexe\u2066hidden\u200f",
    "surrogate": "half \ud83d a smile",
    "quotes": "'\"`\\ --> \u2028 \u2029 \n\r\t",
    "format": "{0} {x!r} %s %(x)s",
}
PageOf = Callable[[str], Any]
KEPT_KEYS = {"severity", "kind", "task", "op", "library", "metric"}


def _strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all text in a record that is free to be anything."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value[:3]):
            yield from _strings(inner, (*path, i))
    elif isinstance(value, str) and (path[-1] not in KEPT_KEYS or path[-2:] == ("columns", "kind")):
        yield path


def _poisoned(files: dict[str, str], poison: str) -> dict[str, str]:
    """Every text of every record replaced, and every free key given a hostile neighbour."""
    result = {}
    for name, content in files.items():
        if name.endswith(".toml"):
            result[name] = f"{json.dumps(clean_toml(poison))} = {json.dumps(clean_toml(poison))}\n"
            continue
        documents = [json.loads(line) for line in content.splitlines()]
        for document in documents:
            for path in list(_strings(document)):
                place = document
                for step in path[:-1]:
                    place = place[step]
                place[path[-1]] = poison
            if name in ("config.json", "environment.json"):
                document[poison] = {poison: [poison, None]}
            if name == "result.json":
                document["seconds"][poison] = 1.0
        result[name] = "\n".join(json.dumps(document) for document in documents)
    return result


def clean_toml(poison: str) -> str:
    """TOML holds no lone surrogates and no raw controls."""
    return "".join(c for c in poison if c.isprintable() and not 0xD800 <= ord(c) < 0xE000)


@pytest.fixture(scope="module")
def harmless(page_of: PageOf) -> Callable[[str], Any]:
    """The page of each task without anything hostile in it, made once."""
    return cache(lambda task: page_of(render(parse_record(_files(task)))))


def _files(task: str) -> dict[str, str]:
    return example_files(task, compare=True, audited=True, classes=40 if task == "multiclass" else None)


@pytest.mark.parametrize("poison", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_hostile_text_everywhere_stays_text(
    task: str, poison: str, page_of: PageOf, harmless: Callable[[str], Any]
) -> None:
    plain = _files(task)
    clean_page = harmless(task)
    source = render(parse_record(_poisoned(plain, poison), name=poison))
    page = page_of(source)
    # Not one element more or less of the kinds that data could bring in, and no handler on any.
    for tag in ("script", "style", "img", "body", "head", "title", "svg", "b"):
        assert len(list(page.all(tag))) == len(clean_page.all(tag)), tag
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on")]
        assert not element.attributes.get("href", "#").startswith("javascript")
    source.encode("utf-8")
    assert not set(source) & {"\x00", "\x07", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\u200f", "\u2028"}
    assert "77777" not in source.replace(poison, "")


@pytest.mark.parametrize("poison", [HOSTILE["script"], HOSTILE["template"], HOSTILE["entity"], HOSTILE["format"]])
def test_hostile_text_is_shown_as_it_is(poison: str, page_of: PageOf) -> None:
    page = page_of(render(parse_record(_poisoned(example_files(), poison))))
    shown = " ".join(e.text for e in page.all("body"))
    # Class names, column names, findings, settings, source, target, layers, ledger.
    assert shown.count(poison) > 30
    assert page.all("title")[0].text.startswith(poison)


def test_overrides_of_direction_are_made_visible(page_of: PageOf) -> None:
    page = page_of(render(parse_record(_poisoned(example_files(), HOSTILE["direction"]))))
    assert "txt.⟨U+202E⟩exe⟨U+2066⟩hidden⟨U+200F⟩" in page.all("h1")[0].text
