"""The page of a study: complete, well-formed, loading nothing, and its figures are the records' own."""

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

import numpy as np
import pytest
from tests.report.study_samples import KINDS, VARIANTS, Files, tune_files, write_files

from gradwright.report.study import read_study, render_study, study_summary, write_study_report

PageOf = Callable[[str], Any]


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda name: name.replace(" ", "-"))
def page(request: pytest.FixtureRequest, page_of: PageOf, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = write_files(tmp_path_factory.mktemp("study"), VARIANTS[request.param])
    return page_of(render_study(read_study(folder)))


def test_it_loads_nothing_and_names_its_style_and_script(page: Any) -> None:
    for element in page.elements:
        assert element.tag not in {"img", "iframe", "object", "embed", "link", "base", "form", "video", "audio"}
        for name, value in element.attributes.items():
            if name in {"src", "href", "xlink:href", "action", "data", "poster", "srcset"}:
                assert value.startswith("#"), (element.tag, name, value)
            if name != "xmlns":
                assert "://" not in value, (element.tag, name, value)
            assert name != "style"
            assert not name.startswith("on")
    policy = next(m for m in page.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.attributes["content"].split(";"))
    runs = [s for s in page.all("script") if s.attributes.get("type") != "application/json"]
    for content, rule in ((page.all("style")[0].text, "style-src"), (runs[0].text, "script-src")):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert len(runs) == len(page.all("style")) == 1


def test_ids_headings_and_pictures(page: Any) -> None:
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        link = element.attributes.get("href", "")
        assert set(element.attributes.get("aria-labelledby", "").split()) <= set(ids)
        assert not link or link[1:] in ids
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    for picture in re.findall(r"<svg .*?</svg>", page.source, re.DOTALL):
        root = ET.fromstring(picture)
        assert root[0].text
        assert root[1].text
        for element in root.iter():
            assert not re.search(r"\b(nan|inf)\b", " ".join(element.attrib.values())), element.attrib
    for table in page.all("caption"):
        assert table.text.strip()


def test_every_mark_is_on_its_paper(page: Any) -> None:
    for picture in re.findall(r"<svg .*?</svg>", page.source, re.DOTALL):
        root = ET.fromstring(picture)
        width, height = map(float, root.attrib["viewBox"].split()[2:])
        for element in root.iter():
            if element.tag.endswith("circle"):
                x, y = float(element.attrib["cx"]), float(element.attrib["cy"])
                assert -0.5 <= x <= width + 0.5, element.attrib
                assert -0.5 <= y <= height + 0.5, element.attrib
            if element.tag.endswith("path") and "trial" in element.attrib.get("class", ""):
                numbers = re.findall(r"-?[\d.]+", element.attrib.get("d", ""))
                assert all(-0.5 <= float(n) <= max(width, height) + 0.5 for n in numbers)


def test_the_scripts_find_what_they_ask_for(page: Any) -> None:
    by_id = {s.attributes["id"]: json.loads(s.text) for s in page.all("script") if "id" in s.attributes}
    drawn = {e.attributes["data-chart"] for e in page.all("svg") if "data-chart" in e.attributes}
    assert drawn == set(by_id["charts"])
    named = {e.attributes["data-trial"] for e in page.elements if "data-trial" in e.attributes}
    assert named <= set(by_id["said"]["trials"])
    for *_, given in by_id["said"]["trials"].values():
        assert all(0 <= place < len(by_id["said"]["names"]) for place, _ in given)


@pytest.fixture
def made(tmp_path: Path, page_of: PageOf) -> Callable[[Files], tuple[Any, dict[str, Any]]]:
    """The page and the summary of a study."""

    def make(files: Files) -> tuple[Any, dict[str, Any]]:
        folder = write_files(tmp_path / "study", files)
        return page_of(write_study_report(folder).read_text(encoding="utf-8")), study_summary(folder)

    return make


def _section(page: Any, key: str) -> Any:
    return next(s for s in page.all("section") if s.attributes["id"] == key)


def _cells(page: Any, caption: str) -> list[list[str]]:
    """The rows of the table with this caption."""
    html = next(t for t in re.findall(r"<table>.*?</table>", page.source, re.DOTALL) if f">{caption}<" in t)
    rows = re.findall(r"<tr.*?</tr>", html, re.DOTALL)
    return [[re.sub(r"<small>.*?</small>|<[^>]+>", "", c) for c in re.findall(r"<t[hd].*?</t[hd]>", r)] for r in rows]


def _percent(value: float) -> str:
    return f"{value * 100:.2f}%"


def test_the_best_ten_are_the_records_best_ten(made: Callable[..., Any]) -> None:
    files = tune_files(64, 4)
    page, summary = made(files)
    trials = [json.loads(line) for line in files["trials.jsonl"].splitlines()]
    best = sorted((t for t in trials if t["score"] is not None), key=lambda t: (-t["score"], t["number"]))[:10]
    heading, *rows = _cells(page, "The best trials")
    assert heading == ["Trial", "accuracy", "loss", "lr", "weight_decay", "dropout", "hidden", "epochs", "state"]
    assert [int(row[0]) for row in rows] == [t["number"] for t in best]
    assert [row[1] for row in rows] == [_percent(t["score"]) for t in best]
    assert [row[-1] for row in rows] == [t["state"] for t in best]
    for row, t in zip(rows, best, strict=True):
        assert float(row[3].replace("−", "-")) == pytest.approx(t["parameters"]["lr"], rel=1e-3)
        assert json.loads(row[6]) == t["parameters"]["hidden"]
    result = json.loads(files["result.json"])
    assert summary["figure"] == "96.11%"
    assert summary["interval"] == "93.33% to 98.06%"
    assert f"64 configurations were tried. The best, trial {result['best']}," in summary["lead"]
    assert _percent(result["score"]) in summary["lead"]
    assert json.loads(json.dumps(summary)) == summary
    chosen = _section(page, "choosing").text
    assert result["optimism"]["words"] in chosen
    assert f"{(0.9611 - result['score']) * 100:.2f} points".replace("-", "−") in chosen
    importance = _section(page, "importance").text
    for share in result["importance"].values():
        assert f"{share * 100:.1f}%" in importance
    problems = _cells(page, "Members with a problem")
    assert [row[0] for row in problems[1:]] == [str(t["number"]) for t in trials if t["state"] == "failed"]
    assert "fused 7 ms; sequential 10 ms; vmapped 13 ms" in _section(page, "layout").text


def test_lines_cross_the_axes_at_their_values(made: Callable[..., Any]) -> None:
    files = tune_files(40, 12, trouble=True)
    page, _ = made(files)
    trials = {t["number"]: t for t in map(json.loads, files["trials.jsonl"].splitlines())}
    for suffix, along in (("", 1), ("-narrow", 0)):
        lines = _lines_of(page, f"parallel{suffix}")
        assert set(lines) == set(trials)
        scored = [n for n, t in trials.items() if t["score"] is not None]
        # The height of a line at an axis is a straight function of the value, or of its logarithm.
        for axis, name, function in ((0, "lr", np.log), (2, "dropout", float), (12, None, float)):
            numbers = scored if name is None else list(trials)
            values = [function(trials[n]["score"] if name is None else trials[n]["parameters"][name]) for n in numbers]
            heights = [lines[n][axis][along] for n in numbers]
            assert abs(np.corrcoef(values, heights)[0, 1]) == pytest.approx(1, abs=1e-5)
        # Where momentum does not apply all lines pass one place, away from all others.
        places = {n: lines[n][5][along] for n in trials}
        without = {p for n, p in places.items() if "momentum" not in trials[n]["parameters"]}
        assert len(without) == 1
        assert without.isdisjoint(p for n, p in places.items() if "momentum" in trials[n]["parameters"])


def _lines_of(page: Any, key: str) -> dict[int, list[tuple[float, float]]]:
    picture = next(p for p in re.findall(r"<svg .*?</svg>", page.source, re.DOTALL) if f'id="chart-{key}-title"' in p)
    lines = re.findall(r'class="trial [^"]*" d="([^"]+)" data-trial="(\d+)"', picture)
    return {
        int(n): [(float(x), float(y)) for x, y in (point.split() for point in re.split("[ML]", d)[1:])]
        for d, n in lines
    }


def test_curves_end_where_the_members_ended(made: Callable[..., Any]) -> None:
    files = tune_files(30, 3)
    page, _ = made(files)
    lines = _lines_of(page, "validation-accuracy")
    curves = {c["number"]: c for c in map(json.loads, files["curves.jsonl"].splitlines())}
    assert set(lines) == set(curves)
    ends = [(curves[n]["epoch"][-1], lines[n][-1][0]) for n in lines]
    assert len({e for e, _ in ends}) > 1
    assert np.corrcoef(np.array(ends).T)[0, 1] == pytest.approx(1, abs=1e-5)
    for n, line in lines.items():
        values = curves[n]["validation_accuracy"]
        assert len(line) == len(values)
        assert abs(np.corrcoef(values, [y for _, y in line])[0, 1]) == pytest.approx(1, abs=1e-4)


def test_a_null_in_a_curve_is_a_gap(made: Callable[..., Any]) -> None:
    files = tune_files(2, 1, trouble=False, epochs=6)
    curves = [json.loads(line) for line in files["curves.jsonl"].splitlines()]
    curves[0]["validation_loss"][2] = None
    page, _ = made(files | {"curves.jsonl": "\n".join(map(json.dumps, curves))})
    picture = next(
        p for p in re.findall(r"<svg .*?</svg>", page.source, re.DOTALL) if "chart-validation-loss-title" in p
    )
    path = re.search(r'd="([^"]+)" data-trial="0"', picture)
    assert path is not None
    assert (path[1].count("M"), path[1].count("L")) == (2, 3)


def test_a_thousand_trials_make_a_page_of_bounded_size(made: Callable[..., Any]) -> None:
    page, summary = made(tune_files(1100, 2, epochs=8))
    assert len(_lines_of(page, "parallel")) == 1000
    assert "Of 1,100 trials 1,000 are drawn, evenly by rank." in _section(page, "parallel").text
    assert summary["trials"] == 1100
    assert len(page.source) < 8_000_000


def test_folds_mean_and_baselines(made: Callable[..., Any]) -> None:
    files = KINDS["cv"]()
    page, summary = made(files)
    result = json.loads(files["result.json"])
    assert summary["figure"] == _percent(result["mean"])
    assert summary["interval"] == f"{_percent(result['low'])} to {_percent(result['high'])}"
    rows = _cells(page, "Scores of the folds")[1:]
    assert [row[1] for row in rows] == [_percent(f["score"]) for f in result["per_fold"]]
    assert [float(row[2]) for row in rows] == [f["score"] for f in result["per_fold"]]
    means = _cells(page, "Mean of the same folds")[1:]
    assert [row[1] for row in means] == [
        _percent(m) for m in (result["mean"], *(b["mean"] for b in result["baselines"]))
    ]
    assert len(_lines_of(page, "validation-loss")) == 10


def test_folds_may_stand_in_the_result_alone(made: Callable[..., Any]) -> None:
    files = KINDS["cv"]()
    numbers = [f["score"] for f in json.loads(files["result.json"])["per_fold"]]
    result = {"folds": 5, "repeats": 2, "mean": 0.5, "std": None, "low": None, "high": None, "per_fold": numbers}
    page, summary = made(files | {"trials.jsonl": "", "result.json": json.dumps(result)})
    assert [row[1] for row in _cells(page, "Scores of the folds")[1:]] == list(map(_percent, numbers))
    assert (summary["figure"], summary["interval"]) == ("50.00%", "")


def test_seeds_and_their_spread(made: Callable[..., Any]) -> None:
    files = KINDS["seeds"]()
    page, summary = made(files)
    result = json.loads(files["result.json"])
    scores = [s["score"] for s in result["per_seed"]]
    assert summary["figure"] == _percent(result["mean"])
    assert [row[1] for row in _cells(page, "Scores of the seeds")[1:]] == list(map(_percent, scores))
    assert f"it is {(max(scores) - min(scores)) * 100:.2f} points" in _section(page, "seeds").text


def test_arms_and_tests(made: Callable[..., Any]) -> None:
    files = KINDS["compare"]()
    page, summary = made(files)
    result = json.loads(files["result.json"])
    gap = result["arms"][0]["mean"] - result["arms"][1]["mean"]
    assert summary["figure"] == f"+{gap * 100:.2f} points"
    tests = _cells(page, "Tests")
    assert tests[0] == ["Test", "Statistic", "df", "p", "In words", "Source"]
    assert tests[1] == [
        "combined 5×2cv F",
        "6.1234",
        "10, 5",
        "0.031",
        "The arms differ at the 5% level.",
        "Alpaydin 1999",
    ]
    assert tests[2][3] == "0.100"
    means = [row[1] for row in _cells(page, "Means of the arms")[1:]]
    assert means == [_percent(arm["mean"]) for arm in result["arms"]]
    trials = [json.loads(line) for line in files["trials.jsonl"].splitlines()]
    ahead = sum(a["score"] > b["score"] for a, b in zip(trials[:10], trials[10:], strict=True))
    assert ahead > 2
    assert f"In 10 pairs on the same rows wide.toml is ahead {ahead} times" in _section(page, "arms").text
    assert page.source.count('class="join"') == 20  # ten pairs, on the wide and on the narrow page


def test_parts_and_their_impact(made: Callable[..., Any]) -> None:
    files = KINDS["ablate"]()
    page, summary = made(files)
    result = json.loads(files["result.json"])
    assert summary["figure"] == _percent(result["base"]["mean"])
    order = sorted(result["parts"], key=lambda p: p["difference"])
    rows = _cells(page, "Each part removed or replaced alone")[2:]
    assert [row[0] for row in rows] == [p["name"] for p in order]
    signed = [f"{p['difference'] * 100:+.2f} points".replace("-", "−") for p in order]
    assert [row[3] for row in rows] == signed
    chain = _cells(page, "Parts removed one after the other")[2:]
    assert [row[0] for row in chain] == [p["name"] for p in result["cumulative"]]
    # Only bars whose interval holds zero are pale.
    pale = sum(p["low"] <= 0 <= p["high"] for p in order)
    assert page.source.count('class="impact') == 2 * len(order)
    assert len(re.findall(r'class="impact \w+ chance"', page.source)) == 2 * pale > 0
