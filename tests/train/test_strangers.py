"""Ten thousand damaged and forged model files: one kind of error, bounded memory and time, and no line run."""

from __future__ import annotations

import hashlib
import json
import pickle
import random
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright.errors import RunError
from gradwright.nn.structure import LAYERS, _takes
from gradwright.train import load_run
from gradwright.train.checkpoints import read_checkpoint, write_checkpoint
from gradwright.train.saved import _build_model, _built, _check_fit, _load_weights

EVERY = {"weights": 3000, "checkpoint": 3500, "model": 3000, "run": 500}
assert sum(EVERY.values()) == 10_000


# --- what must never happen while a stranger's file is read ---
RUN = (
    "exec", "compile", "pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove",
    "os.rename", "subprocess.Popen", "socket.connect", "ctypes.dlopen", "shutil.rmtree", "import",
)  # fmt: skip
_watching = False
_seen: list[str] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in (*RUN, "open"):
        return
    if event == "open":
        if isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            _seen.append(f"open {arguments[:2]!r:.200}")
    elif event != "import" or arguments[0] not in sys.modules:
        _seen.append(f"{event} {arguments!r:.200}")


@pytest.fixture(scope="module")
def watched() -> Callable[[Callable[[], Any]], Any]:
    """Call something under Python's audit: whatever it runs, imports or writes is seen."""
    sys.addaudithook(_hook)  # cannot be taken back, so it looks at a switch

    def call(read: Callable[[], Any]) -> Any:
        global _watching
        _watching = True
        try:
            return read()
        finally:
            _watching = False

    for name in LAYERS:  # annotations of our own source are read once, by eval
        _takes(name)
    return call


def test_the_watch_sees_what_a_pickle_does(watched: Callable[[Callable[[], Any]], Any]) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (exec, ("1 + 1",))

    bomb = pickle.dumps(Bomb())
    _seen.clear()
    watched(lambda: pickle.loads(bomb))
    assert {words.split()[0] for words in _seen} >= {"pickle.find_class", "exec"}
    _seen.clear()


# --- mutations ---
def flip(draw: random.Random, content: bytes) -> bytes:
    bad = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 8])):
        bad[draw.randrange(len(bad))] ^= 1 << draw.randrange(8)
    return bytes(bad)


def scribble(draw: random.Random, content: bytes) -> bytes:
    at = draw.randrange(len(content))
    new = draw.choice([b"\0" * 8, b"\xff" * 8, b'"', b"}", b"[" * 100, b"9" * 30, b"-1", b"1e999", draw.randbytes(9)])
    return content[:at] + new + content[at + draw.choice([0, len(new)]) :]


def cut(draw: random.Random, content: bytes) -> bytes:
    first, last = sorted((draw.randrange(len(content)), draw.randrange(len(content))))
    return draw.choice([content[:first], content[first:], content[:first] + content[last:]])


def copy(draw: random.Random, content: bytes) -> bytes:
    first, last = sorted((draw.randrange(len(content)), draw.randrange(len(content))))
    at = draw.randrange(len(content))
    return content[:at] + content[first:last] + content[at:]


def other(draw: random.Random, content: bytes) -> bytes:
    return draw.choice([b"", b"{}", b"PK\3\4" + content, pickle.dumps({"a": 1}), b"\x93NUMPY", b"[" * 100_000, b"null"])


BYTES = [flip, flip, scribble, scribble, cut, copy, other]


def hostile(draw: random.Random, tree: Any) -> Any:
    """Return something that does not belong where it will stand."""
    deep: Any = 1
    for _ in range(draw.choice([3, 90, 400])):
        deep = draw.choice([{"list": [deep]}, [deep], {"layer": "Sequential", "parts": {"0": deep}}])
    return draw.choice([
        None, True, False, 0, -1, 1, 2, 7, 2**24, 2**24 + 1, 2**31, 2**63, -(2**63), 10**25, 0.5, 1e308, 5e-324,
        "", "x" * 5000, "__import__('os').system('false')", "os.system", "\ud800", "\0", "Linear", "F32", "I64", "nan",
        [], {}, [0] * 2000, [[], []], deep, [0, 2**62], [2**40, 2**40], [-1, -1], {"layer": "Linear"},
        {"tensor": "0.weight"}, {"tensor": ["x"]}, {"int": "f" * 5000}, {"float": "nan"}, {"dict": [[1, 2], [1, 3]]},
        draw.choice(list(LAYERS)), json.loads(json.dumps(places(tree, draw)[1])),
    ])  # fmt: skip


def places(tree: Any, draw: random.Random) -> tuple[list[Any], Any]:
    """Go down to some place in a tree; return the keys on the way and what is there."""
    way: list[Any] = []
    while isinstance(tree, dict | list) and tree and (not way or draw.random() < 0.85):
        key = draw.choice(list(tree)) if isinstance(tree, dict) else draw.randrange(len(tree))
        way.append(key)
        tree = tree[key]
    return way, tree


def graft(draw: random.Random, tree: Any) -> Any:
    """Return the tree with something hostile at some place, or a key more or less."""
    tree = json.loads(json.dumps(tree))
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        way, _ = places(tree, draw)
        if not way:
            return hostile(draw, tree)
        holder = tree
        for key in way[:-1]:
            holder = holder[key]
        new, key = hostile(draw, tree), way[-1]
        act = draw.randrange(5)
        if act == 0:
            holder.pop(key)
        elif act == 1 and isinstance(holder, dict):
            holder[draw.choice(["x", "layer", "tensor", "kind", "parts", "shared", "", *holder])] = new
        elif act == 1:
            holder.insert(draw.randrange(len(holder) + 1), new)
        else:
            holder[key] = new
    return tree


def header_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(header: Any, numbers: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def forged(draw: random.Random, content: bytes) -> bytes:
    """Return a file with another header, structure or numbers, and mostly a checksum that fits again."""
    header, numbers = header_of(content)
    act = draw.randrange(5)
    if act == 0:
        structure = json.loads(header["__metadata__"]["gradwright"])
        header["__metadata__"]["gradwright"] = json.dumps(graft(draw, structure))
    elif act == 1:
        words = header["__metadata__"]["gradwright"].encode()
        header["__metadata__"]["gradwright"] = draw.choice(BYTES)(draw, words).decode("utf-8", "replace")
    elif act == 2:
        header = graft(draw, header)
    elif act == 3:
        return sealed(
            with_header(draw.choice(BYTES)(draw, json.dumps(header, separators=(",", ":")).encode()), numbers)
        )
    else:
        numbers = draw.choice(BYTES)(draw, numbers)
    bad = with_header(header, numbers)
    return sealed(bad) if draw.random() < 0.9 else bad


def sealed(content: bytes) -> bytes:
    mark = b'"sha256":"'
    at = content.find(mark) + len(mark)
    if at < len(mark) or at > 60 or len(content) < at + 64:
        return content
    zeros = content[:at] + b"0" * 64 + content[at + 64 :]
    return content[:at] + hashlib.sha256(zeros).hexdigest().encode() + content[at + 64 :]


def damaged(draw: random.Random, content: bytes) -> bytes:
    return forged(draw, content) if draw.random() < 0.75 else draw.choice(BYTES)(draw, content)


def damaged_json(draw: random.Random, content: bytes) -> bytes:
    if draw.random() < 0.3:
        return draw.choice(BYTES)(draw, content)
    text = json.dumps(graft(draw, json.loads(content)))
    if draw.random() < 0.05:
        text = text.replace(":", ": " + "[" * 100_000, 1)
    if draw.random() < 0.05:
        text = text.replace("{", '{"layer": "Linear", "layer": "ReLU", ', 1)
    return text.encode()


def test_a_forged_file_gets_past_the_checksum(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a", {"x": np.arange(3)})
    header, numbers = header_of((tmp_path / "a").read_bytes())
    (tmp_path / "a").write_bytes(sealed(with_header(header, numbers[:-1] + b"\1")))
    assert read_checkpoint(tmp_path / "a")["x"][-1] == 2 + 2**56


# --- the trial ---
@pytest.fixture(scope="module")
def folder(iris_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("strangers")
    shutil.copytree(iris_run, place / "run")
    state = {
        "model": load_run(iris_run).model.state_dict(), "epoch": 3, "big": 2**70, "nan": float("nan"),
        "optimizer": {"state": {0: {"step": np.array(3.0), "exp_avg": np.ones((2, 3), gw.bfloat16)}}, "lr": [0.1]},
        "history": [{"epoch": i, "loss": 1 / (i + 1)} for i in range(5)],
    }  # fmt: skip
    write_checkpoint(place / "checkpoint.safetensors", state)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("kind", EVERY)
def test_ten_thousand_mutations(kind: str, folder: Path, tmp_path: Path, watched: Any) -> None:
    run = Path(shutil.copytree(folder / "run", tmp_path / "run"))
    good = load_run(run)
    checkpoint = (folder / "checkpoint.safetensors").read_bytes()

    def model_of(path: Path) -> None:
        _check_fit(_built(path, _build_model), good.preparation, good.task.outputs, np.dtype("float32"))

    names = ["weights.safetensors", "model.json", "config.json", "task.json", "preparation.json", "data.json"]
    contents = {name: (run / name).read_bytes() for name in names}
    draw = random.Random(f"stranger {kind}")
    (tmp_path / "c").write_bytes(checkpoint)
    read_checkpoint(tmp_path / "c")
    words: set[str] = set()
    read = slowest = 0
    _seen.clear()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(EVERY[kind]):
        if kind == "run":
            name = draw.choice(names)
            path = run / name
            bad = (damaged if path.suffix == ".safetensors" else damaged_json)(draw, contents[name])
        elif kind == "checkpoint":
            path, bad = tmp_path / "c", damaged(draw, checkpoint)
        elif kind == "weights":
            path, bad = run / "weights.safetensors", damaged(draw, contents["weights.safetensors"])
        else:
            path, bad = run / "model.json", damaged_json(draw, contents["model.json"])
        path.write_bytes(bad)
        reader: Callable[[], Any] = {
            "run": lambda: load_run(run),
            "checkpoint": lambda: read_checkpoint(tmp_path / "c"),
            "weights": lambda: _load_weights(run / "weights.safetensors", good.model),
            "model": lambda: model_of(run / "model.json"),
        }[kind]
        start = time.process_time()
        try:
            watched(reader)
            read += 1
        except RunError as error:
            said = str(error)
            assert any(name in said for name in ([path.name] if kind != "run" else names)), (number, said)
            assert kind != "run" or len(said) < 3000, (number, said)  # load_run cuts what a stranger wrote
            words.add(said.split(": ", 2)[-1][:60])
        except BaseException as error:
            raise AssertionError(f"mutation {number} of {path.name}: {type(error).__name__}: {error}") from error
        slowest = max(slowest, time.process_time() - start)
        if kind == "run":
            path.write_bytes(contents[name])
    assert not _seen, _seen[:5]
    assert slowest < 3  # seconds; a tenth of one on a quiet machine
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400 * 1024, f"{grown / 1024:.0f} MB"
    assert len(words) > 50  # the forgeries get far enough to fail in many ways
    assert read < EVERY[kind] / 2
