"""The page: whole, well formed, loading nothing, and hostile names stay text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

import gradwright as gw
from gradwright.view.graph import Graph

from .conftest import HOSTILE, hostile_graph

VOID = {"meta", "input", "br", "hr", "img", "link"}


@dataclass
class Page(HTMLParser):
    """The elements of a page; a closing tag that does not fit is a failure."""

    source: str
    tags: list[str] = field(default_factory=list)
    attributes: list[dict[str, str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), attrs
        self.tags.append(tag)
        self.attributes.append({name: value or "" for name, value in attrs})
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if not self.open or self.open[-1] not in ("script", "style") else ""


def data_of(source: str) -> dict[str, dict[str, object]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', source, re.DOTALL)
    assert found is not None
    result: dict[str, dict[str, object]] = json.loads(found[1])
    return result


def test_it_loads_nothing(any_graph: Graph) -> None:
    source = any_graph.html()
    page = Page(source)
    ids = [a["id"] for a in page.attributes if "id" in a]
    assert len(ids) == len(set(ids))
    assert set(page.tags) & {"link", "img", "iframe", "object", "embed", "base", "form"} == set()
    assert page.tags.count("script") == 2
    assert page.tags.count("style") == 1
    outside = source.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|url\((?!#)|url\(#(?!folded-|full-)", outside.replace("url(#${key}", ""))
    policy = next(a["content"] for a in page.attributes if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for attributes in page.attributes:
        assert "style" not in attributes  # the policy would forbid it
        assert not [name for name in attributes if name.startswith("on")]
        assert re.fullmatch(r"#step=\d+", attributes.get("href", "#step=0"))


def test_every_node_can_be_looked_at(any_graph: Graph) -> None:
    source = any_graph.html()
    page = Page(source)
    ids = {a["id"] for a in page.attributes if "id" in a}
    for key, view in data_of(source).items():
        assert f"view-{key}" in ids
        assert set(view["details"].values()) <= ids  # type: ignore[attr-defined]
        assert view["steps"][0][0] == "start"  # type: ignore[index]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_stay_text(text: str) -> None:
    harmless = Page(hostile_graph("w").html(title="w"))
    source = hostile_graph(text).html(title=text)
    page = Page(source)
    assert page.tags == harmless.tags
    assert not set(source) & {"\x00", "\x07", "\x1b", "\u202e"}
    source.encode("utf-8")
    json.dumps(data_of(source))


def test_hostile_names_are_shown_as_they_are() -> None:
    for name in ("script", "entity"):
        text = HOSTILE[name]
        assert Page(hostile_graph(text).html()).text.count(text) > 5


def test_the_deep_network_is_folded_and_can_be_unfolded(deep: Graph) -> None:
    source = deep.html()
    data = data_of(source)
    assert set(data) == {"folded", "full"}
    assert len(data["folded"]["steps"]) < 30 < 200 < len(data["full"]["steps"])  # type: ignore[arg-type]
    assert "×48 more like this" in Page(source).text
    assert "96 operations not drawn one by one" in source
    assert set(data_of(gw.graph(lambda x: x * 2, 1.0).html())) == {"folded"}


def test_details_hold_line_local_and_downstream(maximum: Graph) -> None:
    text = re.sub(r"\s+", " ", Page(maximum.html()).text)
    assert "f = (x + y) × max(y, z)" in text
    assert "local: max(y, z) = 2" in text
    assert "downstream: 3 × 1 = 3" in text
    assert "gw.maximum(y, z)" in text
