"""Run folders are read back bit for bit, and a damaged or forged one is refused, naming the file."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright.data import Split, read
from gradwright.errors import RunError
from gradwright.train import RunFolder, SavedRun, Trainer, evaluate_run, load_run, parse_config, predict_rows, run_job
from gradwright.train.trainer import forward_rows


# --- round trip ---
@pytest.mark.parametrize(
    ("source", "settings"),
    [
        ("digits", {}),
        ("iris", {"batch_norm": True, "dtype": "float64", "activation": "tanh"}),
        ("wine", {"hidden": (), "optimizer": "sgd"}),
        ("breast-cancer", {"hidden": (5,), "activation": "sigmoid", "batch_norm": True}),
        ("diabetes", {"dtype": "float64"}),
        ("diabetes", {"batch_norm": True, "optimizer": "adamw"}),
    ],
)
def test_round_trip_is_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, settings: dict
) -> None:
    trainers: list[Trainer] = []
    fit = Trainer.fit
    monkeypatch.setattr(Trainer, "fit", lambda self, *a, **k: (trainers.append(self), fit(self, *a, **k))[1])
    config = parse_config({"source": source, "eager": True, "epochs": 2, **settings})
    with gw.use_generator(gw.Generator(0)), RunFolder(tmp_path / "run") as folder:
        run_job(config, folder.path)
    run = load_run(tmp_path / "run")
    trained = {k: v.numpy() for k, v in trainers[0].model.state_dict().items()}
    loaded = {k: v.numpy() for k, v in run.model.state_dict().items()}
    assert list(trained) == list(loaded)
    for key, value in trained.items():
        assert (value.dtype, value.shape) == (loaded[key].dtype, loaded[key].shape)
        np.testing.assert_array_equal(value, loaded[key])
    data = read(source)
    x = run.preparation.transform(data.features, notes=[]).astype(config.dtype)
    trainers[0].model.eval()
    ours, theirs = forward_rows(trainers[0].model, x), forward_rows(run.model, x)
    assert ours.dtype == theirs.dtype == np.dtype(config.dtype)
    np.testing.assert_array_equal(ours, theirs)
    assert not run.model.training
    # and the figures in the records are those of the loaded network
    rows = Split.from_npz(tmp_path / "run" / "split.npz").test
    columns, _ = predict_rows(run, source)
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    if run.task.classes is None:
        np.testing.assert_allclose(np.array(columns["prediction"])[rows], result["test"]["prediction"], rtol=1e-5)
    else:
        predicted = run.task.encode([columns["prediction"][r] for r in rows])
        hits = predicted == run.task.encode(data.target)[rows]
        assert hits.mean() == pytest.approx(result["test"]["accuracy"]["value"])


# --- damage ---
@pytest.fixture
def copy(tmp_path: Path, iris_run: Path) -> Path:
    return Path(shutil.copytree(iris_run, tmp_path / "copy"))


def change_json(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def apply(run: Path) -> None:
        value = json.loads((run / name).read_text())
        changed = change(value)
        (run / name).write_text(json.dumps(value if changed is None else changed))

    return apply


def write(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes(content) and None


def cut(name: str, size: int) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:size]) and None


def flip(name: str, at: int) -> Callable[[Path], None]:
    def apply(run: Path) -> None:
        content = bytearray((run / name).read_bytes())
        content[at] ^= 0xFF
        (run / name).write_bytes(content)

    return apply


class Bomb:
    """A pickle that tells when it is opened."""

    opened: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("/tmp/gradwright-bomb-went-off", "w"))


def huge(name: str) -> Callable[[Path], None]:
    def apply(run: Path) -> None:
        with open(run / name, "wb") as file:
            file.truncate(10**12)  # sparse: takes no room on disk

    return apply


def safetensors(header: dict[str, Any], content: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def layer(value: Any) -> Callable[[Any], None]:
    def apply(model: Any) -> None:
        model["structure"]["parts"]["0"] = value

    return apply


def swapped(path: Path) -> Path:
    path.unlink()
    return path


def link(name: str) -> Callable[[Path], None]:
    def apply(run: Path) -> None:
        shutil.move(run / name, run.parent / "moved")
        (run / name).symlink_to(run.parent / "moved")

    return apply


def pipe(name: str) -> Callable[[Path], None]:
    return lambda run: os.mkfifo(swapped(run / name))


def twice(run: Path) -> None:
    text = (run / "model.json").read_text()
    (run / "model.json").write_text(text.replace("{", '{"format": 1, ', 1))


def weights_of(run: Path) -> dict[str, gw.Tensor]:
    return gw.load(run / "weights.safetensors")  # type: ignore[no-any-return]


def without_checksum(run: Path) -> None:
    content = (run / "weights.safetensors").read_bytes()
    (run / "weights.safetensors").write_bytes(content.replace(b'"sha256"', b'"sha257"'))


DAMAGE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "weights missing": ("weights.safetensors", lambda run: (run / "weights.safetensors").unlink()),
    "weights empty": ("weights.safetensors", write("weights.safetensors", b"")),
    "weights cut in the header": ("weights.safetensors", cut("weights.safetensors", 40)),
    "weights cut in the numbers": ("weights.safetensors", cut("weights.safetensors", -8)),
    "weights with a flipped header": ("weights.safetensors", flip("weights.safetensors", 12)),
    "weights with a longer header": ("weights.safetensors", flip("weights.safetensors", 6)),
    "a pickle": ("weights.safetensors", write("weights.safetensors", pickle.dumps({"0.weight": Bomb()}))),
    "a weight of another shape": (
        "weights.safetensors",
        write(
            "weights.safetensors",
            safetensors({"0.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4),
        ),
    ),
    "weights of a terabyte": (
        "weights.safetensors",
        write(
            "weights.safetensors",
            safetensors({"0.weight": {"dtype": "F32", "shape": [2**38], "data_offsets": [0, 2**40]}}),
        ),
    ),
    "an unknown dtype": (
        "weights.safetensors",
        write(
            "weights.safetensors",
            safetensors({"0.weight": {"dtype": "OBJECT", "shape": [1], "data_offsets": [0, 8]}}, b"\0" * 8),
        ),
    ),
    "an unknown layer": ("model.json", change_json("model.json", layer({"layer": "os.system", "command": "true"}))),
    "a layer's name that is no text": ("model.json", change_json("model.json", layer({"layer": ["Linear"]}))),
    "a layer without its sizes": ("model.json", change_json("model.json", layer({"layer": "Linear"}))),
    "a layer of absurd size": (
        "model.json",
        change_json("model.json", layer({"layer": "Linear", "in_features": 10**12, "out_features": 4})),
    ),
    "another format": ("model.json", change_json("model.json", lambda m: m.update(format=2))),
    "model.json no object": ("model.json", change_json("model.json", lambda m: [1, 2])),
    "model.json cut": ("model.json", cut("model.json", 100)),
    "model.json huge": ("model.json", huge("model.json")),
    "model.json deep": ("model.json", write("model.json", b"[" * 100_000)),
    "model.json no text": ("model.json", write("model.json", b"\xff\xfe\x00")),
    "config.json an array": ("config.json", change_json("config.json", lambda c: [c])),
    "config.json missing": ("config.json", lambda run: (run / "config.json").unlink()),
    "config.json with a wrong value": ("config.json", change_json("config.json", lambda c: c.update(lr="fast"))),
    "config.json with keys of another kind": ("config.json", write("config.json", b'{"source": "iris", "": 1}')),
    "task.json an array": ("task.json", change_json("task.json", lambda t: [t])),
    "task.json null": ("task.json", write("task.json", b"null")),
    "task.json flipped": ("task.json", flip("task.json", 0)),
    "task.json without classes": ("task.json", change_json("task.json", lambda t: t.pop("classes") and None)),
    "task.json with one class less": ("task.json", change_json("task.json", lambda t: t["classes"].pop() and None)),
    "preparation.json an array": ("preparation.json", change_json("preparation.json", lambda p: [p])),
    "preparation.json without columns": (
        "preparation.json",
        change_json("preparation.json", lambda p: p.pop("columns") and None),
    ),
    "preparation.json with a column less": (
        "preparation.json",
        change_json("preparation.json", lambda p: p["columns"].pop() and None),
    ),
    "preparation.json with an unknown kind": (
        "preparation.json",
        change_json("preparation.json", lambda p: p["columns"][0].update(kind="__import__")),
    ),
    "weights with a flipped number": ("weights.safetensors", flip("weights.safetensors", -1)),
    "weights with a flipped checksum": ("weights.safetensors", flip("weights.safetensors", 40)),
    "weights with a checksum less": ("weights.safetensors", without_checksum),
    "weights a list": ("weights.safetensors", lambda run: gw.save([gw.ones(1)], run / "weights.safetensors")),
    "weights of whole numbers": (
        "weights.safetensors",
        lambda run: gw.save({k: v.long() for k, v in weights_of(run).items()}, run / "weights.safetensors"),
    ),
    "weights with a number for a name": (
        "weights.safetensors",
        lambda run: gw.save({**weights_of(run), 3: gw.ones(1)}, run / "weights.safetensors"),
    ),
    "weights that overflow": (
        "weights.safetensors",
        lambda run: gw.save({k: v.double() * 1e300 for k, v in weights_of(run).items()}, run / "weights.safetensors"),
    ),
    "weights a link": ("weights.safetensors", link("weights.safetensors")),
    "model.json a link": ("model.json", link("model.json")),
    "config.json a pipe": ("config.json", pipe("config.json")),
    "data.json a link to a device": ("data.json", lambda run: swapped(run / "data.json").symlink_to("/dev/zero")),
    "model.json with a name twice": ("model.json", twice),
    "data.json of empty lists": ("data.json", write("data.json", b"[" + b"[]," * 3_000_000 + b"0]")),
    "task.json with a number of many digits": ("task.json", write("task.json", b'{"kind": ' + b"9" * 100_000 + b"}")),
    "data.json a number": ("data.json", write("data.json", b"7")),
    "data.json huge": ("data.json", huge("data.json")),
}


@pytest.mark.parametrize("fault", DAMAGE)
def test_damage_is_refused_and_its_file_named(copy: Path, fault: str) -> None:
    name, damage = DAMAGE[fault]
    damage(copy)
    with pytest.raises(RunError) as caught:
        load_run(copy)
    assert str(copy) in str(caught.value)
    assert name in str(caught.value), str(caught.value)
    assert len(str(caught.value)) < 2000
    assert not Path("/tmp/gradwright-bomb-went-off").exists()


def test_weights_that_others_wrote_are_read_with_a_remark(copy: Path) -> None:
    from safetensors.numpy import load_file, save_file

    assert load_run(copy).notes == ()
    before = load_run(copy).model.state_dict()
    weights = load_file(copy / "weights.safetensors")
    save_file(weights, copy / "weights.safetensors", metadata={"format": "pt"})
    run = load_run(copy)
    assert all((v.numpy() == before[k].numpy()).all() for k, v in run.model.state_dict().items())
    assert "weights.safetensors has no checksum" in run.notes[0]
    assert str(predict_rows(run, "iris")[1][0]) == run.notes[0]
    # damage to it is just another weight, but never NaN
    weights["0.weight"][0, 0] = np.nan
    save_file(weights, copy / "weights.safetensors")
    with pytest.raises(RunError, match=r"weights\.safetensors.*0\.weight.*not finite"):
        load_run(copy)


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run folder"):
        load_run(tmp_path / "missing")
    with pytest.raises(RunError, match=r"not a run folder: it has no model\.json"):
        load_run(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="no such run folder"):
        load_run(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("split.npz", b"PK\x03\x04 not a zip"),
        ("split.npz", pickle.dumps({"train": Bomb()})),
        ("ledger.jsonl", b'{"look": 7}\n'),
        ("result.json", b"[]"),
    ],
)
def test_damage_that_only_evaluation_meets(copy: Path, name: str, content: bytes) -> None:
    (copy / name).write_bytes(content)
    with pytest.raises(gw.errors.GradwrightError, match=name.replace(".", r"\.")):
        evaluate_run(load_run(copy), test=True, again=True)
    assert not Path("/tmp/gradwright-bomb-went-off").exists()


def test_loading_imports_no_pickle_reader(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    run = load_run(copy)
    assert isinstance(run, SavedRun)
    evaluate_run(run)
