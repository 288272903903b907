"""Run folders to report on, none of them from a real run; and pages taken apart as a browser would."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gradwright.report import example_files

Files = dict[str, str]

#: Options of `example_files` for each kind of run that the report must cope with.
VARIANTS: dict[str, dict[str, Any]] = {
    "binary": {"task": "binary"},
    "multiclass": {"task": "multiclass"},
    "regression": {"task": "regression"},
    "compare": {"task": "multiclass", "compare": True},
    "compare regression": {"task": "regression", "compare": True},
    "one epoch": {"task": "multiclass", "epochs": 1},
    "many epochs": {"task": "binary", "epochs": 400, "compare": True},
    "hundred classes": {"task": "multiclass", "classes": 120},
    "long names": {"task": "multiclass", "classes": [f"{'very ' * 40}long {i}" for i in range(12)]},
    "unbroken names": {"task": "multiclass", "classes": ["x" * 400 + str(i) for i in range(4)]},
    "deep": {"task": "multiclass", "hidden": 50},
    "looks": {"task": "binary", "looks": 3},
    "audited": {"task": "multiclass", "audited": True},
}


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda name: name.replace(" ", "-"))
def variant(request: pytest.FixtureRequest) -> Files:
    """The files of one kind of run after the other."""
    return example_files(**VARIANTS[request.param])


@pytest.fixture
def run_folder(tmp_path: Path) -> Callable[[Files], Path]:
    """Write record files into a run folder."""

    def write(files: Files) -> Path:
        folder = tmp_path / "20260101-120000-digits"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def changed() -> Callable[..., Files]:
    """Example files with one JSON file changed by a function of its value."""

    def change(name: str, function: Callable[[Any], Any], **options: Any) -> Files:
        files = example_files(**options)
        value = json.loads(files[name])
        files[name] = json.dumps(function(value) or value)
        return files

    return change


#: Elements without an end.
VOID = {"meta", "br", "hr", "img", "input", "link"}


@dataclass
class Element:
    """One element: its tag, attributes and the tags that it stands in."""

    tag: str
    attributes: dict[str, str]
    inside: tuple[str, ...]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """All elements of a page; a closing tag that does not fit is a failure."""

    source: str
    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert not self.open, f"never closed: {[e.tag for e in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {tag}: {names}"
        element = Element(tag, {k: v or "" for k, v in attrs}, tuple(e.tag for e in self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes {self.open[-1].tag}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        """All elements of a tag."""
        return [element for element in self.elements if element.tag == tag]


@pytest.fixture(scope="session")
def page_of() -> Callable[[str], Page]:
    """Take a page apart."""
    return Page
