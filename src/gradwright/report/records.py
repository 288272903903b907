"""The records of one run, read from its folder and checked against the contract."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradwright.errors import RunError
from gradwright.report.contract import (
    JSON_FILES,
    JSON_LINES_FILES,
    OPTIONAL_FILES,
    test_check,
)
from gradwright.report.shapes import Place, anything
from gradwright.report.text import clean

__all__ = ["RunRecord", "parse_record", "read_record"]

Record = Mapping[str, Any]
_CONFIG_GIVEN = "config.given.toml"
# A record of ours stays far below this; a file that claims more is not one, and memory is not risked on it.
_LARGEST = 64 * 2**20


@dataclass(frozen=True)
class RunRecord:
    """Everything that a report is made of, checked: what is here has the shape docs/RUN_FORMAT.md promises.

    Attributes
    ----------
    name : str
        The run folder's own name.
    config_given : str
        What the user asked for, as TOML text.
    given : Mapping
        The same, parsed.
    config, environment, data, network, result : Mapping
        The JSON files of these names. Numbers may be NaN; absent optional fields are None.
    metrics, baselines, ledger, findings : sequence of Mapping
        One entry for each epoch, baseline, look at the test part, finding.
    compare : Mapping or None
        The comparison with another library, if one was made.
    schedule, lr_find, augmentation : Mapping or None
        The learning rate's plan, the range test that chose it, the sheet of augmented samples.
    audit : sequence of Mapping or None
        What the leakage audit found, if there was one.
    """

    name: str
    config_given: str
    given: Record
    config: Record
    environment: Record
    data: Record
    metrics: Sequence[Record]
    baselines: Sequence[Record]
    network: Record
    result: Record
    ledger: Sequence[Record]
    findings: Sequence[Record]
    compare: Record | None
    schedule: Record | None = None
    lr_find: Record | None = None
    augmentation: Record | None = None
    audit: Sequence[Record] | None = None


def read_record(folder: str | Path, *, name: str | None = None) -> RunRecord:
    """Read and check the records of a run folder.

    Parameters
    ----------
    folder : str or Path
        The run folder, as docs/RUN_FORMAT.md describes it.
    name : str, optional
        What the run is called; the folder's own name unless it is still under a temporary one.

    Returns
    -------
    RunRecord

    Raises
    ------
    RunError
        The folder or one of its files is missing, unreadable, torn or not what the format promises; the
        message names the file, the place in it, what was expected and what to do.

    Examples
    --------
    >>> read_record("runs/that-never-was")
    Traceback (most recent call last):
        ...
    gradwright.errors.RunError: reading the run's records: there is no folder runs/that-never-was. ...
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(
            f"reading the run's records: there is no folder {clean(str(folder))}. "
            "Name a run folder as `gradwright train` leaves it under runs/."
        )
    names = [_CONFIG_GIVEN, *JSON_FILES, *JSON_LINES_FILES]
    files = {name: content for name in names if (content := _content(folder / name)) is not None}
    return parse_record(files, name=name or folder.resolve().name)


def parse_record(files: Mapping[str, str], *, name: str = "run") -> RunRecord:
    """Make a record of the files' texts; `read_record` is this after reading.

    Parameters
    ----------
    files : Mapping of str to str
        The text of each file by its name.
    name : str
        What to call the run.

    Raises
    ------
    RunError
        As in `read_record`.

    Examples
    --------
    >>> from gradwright.report.example import example_files
    >>> parse_record(example_files("binary")).data["task"]["kind"]
    'binary'
    """
    for needed in (_CONFIG_GIVEN, *JSON_FILES, *JSON_LINES_FILES):
        if needed not in files and needed not in OPTIONAL_FILES:
            raise RunError(
                f"reading the run's records: {needed} is missing from run {clean(name)}; the report is "
                "made from it. The folder is not a whole run: train again, or bring the file back."
            )
    read: dict[str, Any] = {}
    for file, check in JSON_FILES.items():
        read[file] = check(_json(files[file], file), Place(file)) if file in files else None
    for file, check in JSON_LINES_FILES.items():
        lines = [(i, line) for i, line in enumerate(files[file].split("\n"), 1) if line.strip()]
        read[file] = [check(_json(line, f"{file}, line {i}"), Place(f"{file}, line {i}")) for i, line in lines]
    record = RunRecord(
        name=clean(name),
        config_given=clean(files[_CONFIG_GIVEN].replace("\r\n", "\n")),
        given=_toml(files[_CONFIG_GIVEN]),
        config=read["config.json"],
        environment=read["environment.json"],
        data=read["data.json"],
        metrics=sorted(read["metrics.jsonl"], key=lambda line: line["epoch"]),
        baselines=read["baselines.json"],
        network=read["network.json"],
        result=read["result.json"],
        ledger=read["ledger.jsonl"],
        findings=read["findings.json"] or [],
        compare=read["compare.json"],
        schedule=read["schedule.json"],
        lr_find=read["lr_find.json"],
        augmentation=read["augmentation.json"],
        audit=read["audit.json"],
    )
    return _agreeing(record)


def _agreeing(record: RunRecord) -> RunRecord:
    """Check what concerns more than one value: lengths, references, the task."""
    place = Place("result.json")
    if record.result["task"] != record.data["task"]["kind"]:
        raise place.at("task").wrong(f"{record.data['task']['kind']}, as in data.json", record.result["task"])
    if not record.metrics:
        raise Place("metrics.jsonl").wrong("at least one epoch", None)
    place = place.at("test")
    test = test_check(record.result["task"], record.result["test"])(record.result["test"], place)
    for one in test.get("targets") or [test]:
        if len(one.get("target") or []) != len(one.get("prediction") or []):
            raise place.wrong_in_words("as many targets as predictions", f"{len(one['target'] or [])} targets")
    size = len(test.get("classes") or [])
    if "confusion" in test and [len(row) for row in test["confusion"]] != [size] * size:
        raise place.at("confusion").wrong(f"{size} rows of {size} counts", test["confusion"])
    if size and len(test["per_class"]) != size:
        raise place.at("per_class").wrong(f"{size} entries, one a class", test["per_class"])
    _check_graph(record.network["graph"])
    for file, record_of, names in (
        ("schedule.json", record.schedule, ("steps", "rates")),
        ("lr_find.json", record.lr_find, ("rates", "losses", "smoothed")),
    ):
        lengths = {len(record_of[name]) for name in names} if record_of else {0}
        if len(lengths) > 1:
            raise Place(file).wrong_in_words(f"as many {' as '.join(names)}", f"{sorted(lengths)}")
    task = record.data["task"]
    if task["class_counts"] is not None and len(task["class_counts"]) != len(task["classes"] or []):
        raise Place("data.json", "task.class_counts").wrong("one count a class", task["class_counts"])
    return RunRecord(**{**vars(record), "result": {**record.result, "test": test}})


def _check_graph(graph: Record) -> None:
    place = Place("network.json", "graph")
    order = {node["id"]: i for i, node in enumerate(graph["nodes"])}
    if len(order) != len(graph["nodes"]):
        raise place.at("nodes").wrong("an id of its own for every node", [node["id"] for node in graph["nodes"]])
    for i, (source, target) in enumerate(graph["edges"]):
        if source not in order or target not in order or order[source] >= order[target]:
            raise place.at("edges").at(i).wrong("the ids of an earlier and a later node", [source, target])


def _content(path: Path) -> str | None:
    """The text of a file, or None where there is none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise RunError(
                f"reading the run's records: {path.name} holds {path.stat().st_size:,} bytes, a record at "
                f"most {_LARGEST:,}. The file is not one of Gradwright's; train again to get a whole run "
                "folder."
            )
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise Place(path.name).wrong_in_words(
            "UTF-8 text", f"the byte {error.object[error.start]:#04x} at {error.start}"
        ) from error
    except OSError as error:
        raise RunError(
            f"reading the run's records: {path.name} cannot be read: {error.strerror}. Check its "
            "permissions and the disk."
        ) from error


def _json(content: str, file: str) -> Any:
    try:
        return json.loads(content)
    except RecursionError as error:
        raise Place(file).wrong("JSON of sensible depth", content[:40]) from error
    except ValueError as error:
        # A number with thousands of digits is a plain ValueError; all else is a JSONDecodeError.
        raise RunError(
            f"reading the run's records: {file} is not JSON: {clean(str(error))}. "
            "The file was cut short or edited; train again to get a whole run folder."
        ) from error


def _toml(content: str) -> Record:
    try:
        given: Record = anything(tomllib.loads(content), Place(_CONFIG_GIVEN))
        return given
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RunError(
            f"reading the run's records: {_CONFIG_GIVEN} is not TOML: {clean(str(error))}. "
            "The file was cut short or edited; train again to get a whole run folder."
        ) from error
