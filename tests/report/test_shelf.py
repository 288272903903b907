"""The parts of a report about the schedule, the learning-rate range test and augmentation."""

from __future__ import annotations

import base64
import itertools
import json

import pytest

from gradwright.errors import RunError
from gradwright.report import example_record
from gradwright.report.augmentation import sheet_info
from gradwright.report.example import example_files
from gradwright.report.lr_find import draw_rates, rate_info, rate_words
from gradwright.report.page import render
from gradwright.report.records import parse_record
from gradwright.report.schedule import draw_schedule, schedule_info, schedule_words


def changed(file, **values):
    files = example_files(shelf=True)
    files[file] = json.dumps({**json.loads(files[file]), **values})
    return files


def test_a_run_without_them_has_no_such_parts():
    page = render(example_record())
    for part in ('id="learning-rate"', 'id="augmentation"', "<img", "img-src"):
        assert part not in page


def test_a_run_with_them_shows_all_three():
    page = render(example_record(shelf=True))
    for part in ('id="learning-rate"', 'id="augmentation"', 'href="#augmentation"', "img-src data:;", "onecycle"):
        assert part in page
    assert page.count("<img") == 1
    assert "taken: 0.01" in page


def test_the_words_say_when_the_schedule_was_not_used_to_its_end():
    whole = schedule_info(example_record(shelf=True))
    assert len(schedule_words(whole)) == 1
    files = example_files(shelf=True)
    result = json.loads(files["result.json"])
    files["result.json"] = json.dumps({**result, "epochs": 3})
    early = schedule_info(parse_record(files))
    assert "120 steps of the 957" in schedule_words(early)[1]
    assert "training ended" in draw_schedule(early).svg
    assert "training ended" not in draw_schedule(whole).svg


def test_the_range_test_is_drawn_over_ratios():
    info = rate_info(example_record(shelf=True).lr_find)
    drawing = draw_rates(info)
    places = drawing.data["px"]
    steps = [b - a for a, b in itertools.pairwise(places)]
    assert max(steps) - min(steps) < 0.3, "a geometric sweep is evenly spaced"
    assert "0.01 was taken" in rate_words(info)[1]


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        ("schedule.json", {"rates": [0.1]}, "as many steps as rates"),
        ("lr_find.json", {"losses": [1.0]}, "as many rates as losses"),
        ("lr_find.json", {"bounds": [1.0]}, "bounds"),
        ("augmentation.json", {"augment": "flip"}, "augment"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_by_name(file, values, message):
    with pytest.raises(RunError, match=message) as caught:
        parse_record(changed(file, **values))
    assert file in str(caught.value)


@pytest.mark.parametrize(
    "png",
    [
        base64.b64encode(b"<svg onload=alert(1)>").decode(),
        '" onerror="alert(1)',
        "",
    ],
)
def test_what_is_no_picture_is_not_shown(png):
    record = parse_record(changed("augmentation.json", png=png))
    assert sheet_info(record) is None
    assert "<img" not in render(record)
    assert "alert(1)" not in render(record)


def test_labels_from_data_are_escaped():
    page = render(parse_record(changed("augmentation.json", labels=['"><script>alert(1)</script>'])))
    assert "<script>alert" not in page
    assert '"><' not in page.split('alt="Augmented samples of ')[1].split("data:image")[0]
