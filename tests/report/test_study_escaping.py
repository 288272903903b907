"""Fault 11: everything that came from a study's records is escaped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.study_samples import KINDS, Files, write_files

from gradwright.report.study import read_study, render_study

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "end of script": "</script><script>alert(1)</script>",
    "end of picture": "</title></text></svg></style></head><body onload=alert(1)>",
    "attribute": "\"><img src=x onerror='alert(1)'>",
    "comment": "<!--<script>]]>",
    "template": "{{ 7 * 7 }}{% for i in range(9) %}x{% endfor %}",
    "control": "a\x00b\x1b[31mred\x07\u202eexe\u2066\ud83d",
    "format": "{0} {x!r} %s &lt;b&gt;",
}
KEPT = {"kind", "state", "direction", "metric", "number"}


def _texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _texts(inner, (*path, i))
    elif isinstance(value, str) and path[-1] not in KEPT:
        yield path


def _poisoned(files: Files, poison: str) -> Files:
    """Every text of every record replaced, and hostile names of parameters, settings and figures added."""
    result = {}
    for name, content in files.items():
        documents = [json.loads(line) for line in content.splitlines()]
        for document in documents:
            for path in list(_texts(document)):
                place = document
                for step in path[:-1]:
                    place = place[step]
                place[path[-1]] = poison
            if name == "study.json":
                document["space"][poison] = {"kind": "categorical", "choices": [poison, 1], "when": {poison: [poison]}}
                document["metric"] = poison
                for part in ("config", "strategy", "environment", "task"):
                    document[part][poison] = poison
                document["groups"][0]["layout"]["seconds"][poison] = 1.0
            if name == "trials.jsonl":
                document["parameters"][poison] = poison if document["number"] % 2 else 1
            if name == "result.json":
                document.setdefault("importance", {})[poison] = 0.5
                document.setdefault("optimism", {})[poison] = poison
        result[name] = "\n".join(json.dumps(document) for document in documents)
    return result


@pytest.mark.parametrize("poison", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_everywhere_stays_text(
    kind: str, poison: str, tmp_path: Path, page_of: Callable[[str], Any]
) -> None:
    make: Callable[..., Files] = KINDS[kind]
    files = make(8, 3) if kind == "tune" else make()
    source = render_study(read_study(write_files(tmp_path, _poisoned(files, poison))))
    page = page_of(source)
    assert len(page.all("script")) == 3
    for tag in ("style", "body", "head", "title"):
        assert len([e for e in page.all(tag) if "svg" not in e.inside]) == 1, tag
    assert not page.all("img")
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
    assert not set(source) & {"\x00", "\x07", "\x1b", "\u202e", "\u2066", "\ud83d"}
    assert "77777" not in source.replace(poison, "")
    for script in page.all("script"):
        if script.attributes.get("type") == "application/json":
            json.loads(script.text)
    if poison.isprintable():
        assert " ".join(e.text for e in page.all("body")).count(poison) >= 8
