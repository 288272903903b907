"""The page: complete, well-formed, reachable, and loading nothing."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradwright.report import example_files, example_record, parse_record, render

Files = dict[str, str]
PageOf = Callable[[str], Any]


@pytest.fixture(scope="module")
def page(variant: Files, page_of: PageOf) -> Any:
    return page_of(render(parse_record(variant)))


def test_it_is_one_document_in_order(page: Any) -> None:
    assert page.source.startswith("<!DOCTYPE html>")
    assert page.all("html")[0].attributes["lang"] == "en"
    ids = [section.attributes["id"] for section in page.all("section")]
    wanted = [
        "answer",
        "findings",
        "training",
        "baselines",
        "classes",
        "predictions",
        "network",
        "graph-section",
        "comparison",
        "configuration",
        "data",
        "leakage",
        "environment",
        "ledger",
    ]
    assert ids == [name for name in wanted if name in ids]
    assert ("classes" in ids) != ("predictions" in ids)


def test_nothing_is_loaded_from_anywhere(page: Any) -> None:
    for element in page.elements:
        assert element.tag not in {
            "img",
            "iframe",
            "object",
            "embed",
            "link",
            "base",
            "form",
            "video",
            "audio",
        }
        for name, value in element.attributes.items():
            if name in {"src", "href", "xlink:href", "action", "data", "poster", "srcset"}:
                assert value.startswith("#"), (element.tag, name, value)
            if name != "xmlns":
                assert "://" not in value, (element.tag, name, value)
    style = page.all("style")[0].text
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_names_the_style_and_the_script_by_their_hashes(page: Any) -> None:
    policy = next(m for m in page.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.attributes["content"].split(";"))
    assert rules["default-src"] == "'none'"
    runs = [s for s in page.all("script") if s.attributes.get("type") != "application/json"]
    assert len(runs) == len(page.all("style")) == 1
    for content, rule in ((page.all("style")[0].text, "style-src"), (runs[0].text, "script-src")):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    for element in page.elements:
        assert not [name for name in element.attributes if name == "style" or name.startswith("on")]


def test_ids_are_unique_and_references_hold(page: Any) -> None:
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        named = element.attributes.get("aria-labelledby", "").split()
        link = element.attributes.get("href", "")
        assert set(named) <= set(ids)
        assert not link or link[1:] in ids


def test_headings_tables_and_pictures_are_told(page: Any) -> None:
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    for heading in page.all("th"):
        assert heading.attributes["scope"] in {"row", "col"}
    for picture in page.all("svg"):
        assert picture.attributes["role"] == "img"
        assert picture.attributes["aria-labelledby"]
    for element in page.elements:
        if "scroll" in element.attributes.get("class", "").split():
            assert element.attributes["tabindex"] == "0"
            assert element.attributes["aria-label"]
    for caption in page.all("figcaption"):
        assert caption.inside[-1] == "figure"
        assert caption.text.strip()


def test_pictures_are_xml_on_their_own(page: Any) -> None:
    pictures = re.findall(r"<svg .*?</svg>", page.source, re.DOTALL)
    assert len(pictures) == len(page.all("svg")) >= 3
    for picture in pictures:
        root = ET.fromstring(picture)
        assert root[0].tag.endswith("title")
        assert root[0].text
        assert root[1].tag.endswith("desc")
        assert root[1].text
        assert "nan" not in " ".join(v for e in root.iter() for v in e.attrib.values()).lower().split()


def test_the_script_finds_its_charts(page: Any) -> None:
    charts = json.loads(next(s.text for s in page.all("script") if s.attributes.get("type") == "application/json"))
    drawn = {e.attributes["data-chart"] for e in page.all("svg") if "data-chart" in e.attributes}
    assert drawn == set(charts)
    assert drawn
    for chart in charts.values():
        assert len(chart["x"]) == len(chart["px"])
        assert all(len(line["text"]) == len(chart["x"]) for line in chart["lines"])


def test_the_head_says_what_matters(page_of: PageOf) -> None:
    page = page_of(render(example_record()))
    answer = next(s for s in page.all("section") if s.attributes["id"] == "answer")
    assert "97.0%" in answer.text
    assert "95% interval 95.0% to 99.1%" in answer.text
    assert "Not a clean test figure" not in answer.text


def test_repeated_looks_are_prominent(page_of: PageOf) -> None:
    page = page_of(render(example_record(looks=2)))
    answer = next(s for s in page.all("section") if s.attributes["id"] == "answer")
    said = "The test part has been looked at twice; the figure is no longer an unbiased estimate."
    assert said in answer.text[: answer.text.index("97.0%")]
    ledger = next(s for s in page.all("section") if s.attributes["id"] == "ledger")
    assert said in ledger.text
    assert ledger.text.count("evaluate") == 1


def test_severity_has_a_word_besides_its_colour(page_of: PageOf) -> None:
    page = page_of(render(example_record()))
    words = [e.text.split()[-1] for e in page.all("span") if e.attributes.get("class") == "severity"]
    assert words == ["Warning", "Note"]


def test_no_findings_no_section(page_of: PageOf) -> None:
    page = page_of(render(parse_record(example_files() | {"findings.json": "[]"})))
    assert "findings" not in {s.attributes["id"] for s in page.all("section")}


def test_everything_not_finite(page_of: PageOf) -> None:
    files = example_files(compare=True, epochs=3)
    nothing = {"value": None, "low": None, "high": None}
    result = json.loads(files["result.json"])
    result["test"] |= {"accuracy": nothing, "loss": None}
    files["result.json"] = json.dumps(result)
    baselines = [row | {"test": nothing, "validation": None} for row in json.loads(files["baselines.json"])]
    files["baselines.json"] = json.dumps(baselines)
    files["metrics.jsonl"] = '{"epoch": 1, "train_loss": NaN, "validation_loss": Infinity}\n'
    compare = json.loads(files["compare.json"])
    compare["epochs"] = [{"epoch": 1, "train_loss": None}]
    compare["max_loss_difference"] = None
    files["compare.json"] = json.dumps(compare)
    page = page_of(render(parse_record(files)))
    assert "its predictions cannot be used" in page.source


def test_the_same_record_gives_the_same_page() -> None:
    assert render(example_record(compare=True)) == render(example_record(compare=True))


def test_templates_come_with_the_package() -> None:
    import gradwright.report

    names = {path.name for path in (Path(gradwright.report.__file__).parent / "templates").iterdir()}
    assert names >= {"page.html", "style.css", "script.js"}
