"""`save` and `load`: what goes in comes out, and hostile files give one kind of error."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.engine import files
from gradwright.engine.saving import from_bytes, to_bytes
from gradwright.errors import DeviceError, DTypeError, StateError


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, gw.Tensor):
        same = type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.requires_grad == b.requires_grad
        return same and a.detach().numpy().tobytes() == b.detach().numpy().tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


OBJECTS: dict[str, Any] = {
    "tensor": gw.tensor([1.0, 2.0]),
    "number tensor": gw.tensor(3),
    "empty tensor": gw.zeros(0, 3),
    "parameter": nn.Parameter(gw.ones(2)),
    "leaf": gw.ones(2, requires_grad=True),
    "nothing": None,
    "numbers": [1, -2, 2.5, True, None, 2**80, 1e300, float("inf"), float("-inf"), float("nan")],
    "words": {"a": "b", "": "empty", "ü": "\n\u2028", "dict": {"tensor": "x"}},
    "dtypes": {
        name: gw.ones(2, 3).to(getattr(gw, name))
        for name in ("float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
    },
    "keys": {0: gw.ones(1), "0": gw.zeros(1), True: 1, None: 2, 2.5: 3},
    "colliding paths": {"a.b": gw.ones(1), "a": {"b": gw.zeros(1)}, "a[0]": gw.ones(2), "__metadata__": gw.ones(3)},
    "nested": {"epoch": 3, "model": {"w": gw.randn(2, 2)}, "list": [(gw.ones(1), [gw.zeros(1)], {})], "empty": ()},
}


@pytest.mark.parametrize("name", OBJECTS)
def test_what_goes_in_comes_out(name: str, tmp_path: Path):
    gw.save(OBJECTS[name], tmp_path / "x.safetensors")
    assert equal(gw.load(tmp_path / "x.safetensors"), OBJECTS[name])
    stream = io.BytesIO()
    gw.save(OBJECTS[name], stream)
    stream.seek(0)
    assert equal(gw.load(stream, map_location="cpu", weights_only=False), OBJECTS[name])
    assert os.listdir(tmp_path) == ["x.safetensors"]


def test_modules_and_optimizers(tmp_path: Path):
    def make() -> tuple[Any, Any]:
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        return net, optim.Adam(net.parameters(), lr=0.01)

    net, adam = make()
    x = gw.randn(5, 3)

    def step(net: Any, adam: Any) -> float:
        adam.zero_grad()
        loss = (net(x) ** 2).sum()
        loss.backward()
        adam.step()
        return float(loss)

    for _ in range(3):
        step(net, adam)
    path = str(tmp_path / "checkpoint")
    gw.save({"epoch": 3, "model": net.state_dict(), "optimizer": adam.state_dict()}, path)
    net2, adam2 = make()
    checkpoint = gw.load(path)
    assert checkpoint["epoch"] == 3
    assert list(checkpoint["model"]) == list(net.state_dict())
    net2.load_state_dict(checkpoint["model"])
    adam2.load_state_dict(checkpoint["optimizer"])
    assert [step(net, adam) for _ in range(3)] == [step(net2, adam2) for _ in range(3)]
    gw.save(net.state_dict(), path)
    net2.load_state_dict(gw.load(path))


def test_files_of_others_and_for_others(tmp_path: Path):
    net = torch.nn.Linear(3, 2)
    safetensors.torch.save_file(net.state_dict(), tmp_path / "theirs")
    ours = nn.Linear(3, 2)
    ours.load_state_dict(gw.load(tmp_path / "theirs"))
    np.testing.assert_array_equal(ours.weight.detach().numpy(), net.weight.detach().numpy())
    gw.save(ours.state_dict(), tmp_path / "ours")
    net.load_state_dict(safetensors.torch.load_file(tmp_path / "ours"))
    bf = {"x": torch.ones(2, dtype=torch.bfloat16)}
    safetensors.torch.save_file(bf, tmp_path / "bf16")
    assert gw.load(tmp_path / "bf16")["x"].dtype == gw.bfloat16


def test_a_tensor_that_occurs_twice_is_one_tensor(tmp_path: Path):
    x = gw.ones(3)
    gw.save([x, x, gw.ones(3)], tmp_path / "x")
    a, b, c = gw.load(tmp_path / "x")
    assert a is b
    assert a is not c


def test_what_a_tensor_was_computed_from_is_not_saved(tmp_path: Path):
    x = gw.ones(2, requires_grad=True) * 3
    gw.save(x, tmp_path / "x")
    assert gw.load(tmp_path / "x").requires_grad is False


@pytest.mark.parametrize(
    ("obj", "says"),
    [
        ({"a": {"b": [1, object()]}}, r"'a\.b\[1\]' is a object"),
        ({"net": nn.Linear(1, 1)}, r"'net' is a Linear.*state_dict"),
        ({"x": np.ones(2)}, r"'x' is a ndarray.*gradwright\.tensor"),
        (lambda: 3, "the object is a function"),
        ({(1, 2): 3}, "a key of type tuple"),
        ({"a": {b"k": 3}}, "in 'a': a key of type bytes"),
        ({"s": {1, 2}}, "'s' is a set"),
    ],
)
def test_what_cannot_be_saved_is_named_and_nothing_is_written(obj: Any, says: str, tmp_path: Path):
    path = tmp_path / "x"
    gw.save(1, path)
    with pytest.raises(StateError, match=says):
        gw.save(obj, path)
    assert gw.load(path) == 1
    assert os.listdir(tmp_path) == ["x"]


def test_an_object_that_contains_itself(tmp_path: Path):
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(StateError, match="contain itself"):
        gw.save(loop, tmp_path / "x")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "x"
    gw.save([1], path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        gw.save([2], path)
    monkeypatch.undo()
    assert gw.load(path) == [1]
    assert os.listdir(tmp_path) == ["x"]
    with pytest.raises(OSError, match="no-such-folder"):
        gw.save([1], tmp_path / "no-such-folder" / "x")


# --- hostile files ----------------------------------------------------------------------------------------------------
def whole(tmp_path: Path) -> bytes:
    gw.save({"a": gw.arange(10.0), "b": [1, 2]}, tmp_path / "good")
    return (tmp_path / "good").read_bytes()


def with_header(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def structured(root: Any, text: str | None = None) -> bytes:
    structure = json.dumps({"format": 1, "root": root}) if text is None else text
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    return with_header({"__metadata__": {"gradwright": structure}, "t": entry}, b"\0" * 4)


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "short": b"\1\2\3",
    "text": b"hello, this is no model at all, but a text",
    "length beyond the end": struct.pack("<Q", 10**6) + b"{}",
    "absurd length": struct.pack("<Q", 2**63) + b"{}",
    "no json": with_header(b"{not json}"),
    "a list": with_header(b"[]"),
    "deep header": with_header(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "missing bytes": with_header({"t": F32}, b"\0" * 4),
    "bytes too many": with_header({"t": F32}, b"\0" * 16),
    "overlap": with_header({"t": F32, "u": {**F32, "data_offsets": [4, 12]}}, b"\0" * 12),
    "shape does not fit": with_header({"t": {**F32, "shape": [3]}}, b"\0" * 8),
    "absurd shape": with_header({"t": {**F32, "shape": [2**40, 2**40]}}, b"\0" * 8),
    "negative shape": with_header({"t": {**F32, "shape": [-2]}}, b"\0" * 8),
    "unknown dtype": with_header({"t": {**F32, "dtype": "F8_E5M2", "shape": [8]}}, b"\0" * 8),
    "nonsense dtype": with_header({"t": {**F32, "dtype": "X"}}, b"\0" * 8),
    "duplicate keys": with_header(b'{"t":' + json.dumps(F32).encode() + b',"t":' + json.dumps(F32).encode() + b"}"),
    "structure no json": structured(None, "{"),
    "structure deep": structured(None, "[" * 100_000),
    "structure deep and whole": structured(
        None, '{"format": 1, "root": ' + '{"list": [' * 5000 + "1" + "]}" * 5000 + "}"
    ),
    "structure of the future": structured(None, '{"format": 2, "root": 1}'),
    "structure without root": structured(None, '{"format": 1}'),
    "structure a number": structured(None, "3"),
    "unknown tensor": structured({"tensor": "u"}),
    "tensor a list": structured({"tensor": ["t"]}),
    "unknown kind": structured({"tensor": "t", "kind": "module"}),
    "unknown container": structured({"call": "os.system"}),
    "two containers": structured({"list": [], "dict": []}),
    "dict no pairs": structured({"dict": [1]}),
    "dict of triples": structured({"dict": [[1, 2, 3]]}),
    "key a list": structured({"dict": [[{"list": []}, 1]]}),
    "strange float": structured({"float": "1e5"}),
    "bare list": structured([1, 2]),
    "pickle": pickle.dumps({"a": 1}),
    "old pickle": pickle.dumps({"a": 1}, 2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_give_one_kind_of_error(name: str, tmp_path: Path):
    path = tmp_path / "evil"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(StateError, match="evil") as caught:
        gw.load(path)
    assert len(str(caught.value)) < 1000


def test_every_cut_and_every_flipped_bit_is_seen(tmp_path: Path):
    good = whole(tmp_path)
    for n in range(len(good)):
        with pytest.raises(StateError):
            from_bytes(good[:n])
    for at in range(len(good) * 8):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        with pytest.raises(StateError):
            from_bytes(bytes(bad))
    with pytest.raises(StateError, match="checksum"):
        from_bytes(good + b"\0")


def test_the_checksum_is_that_of_the_file_with_zeros_in_its_place(tmp_path: Path):
    good = whole(tmp_path)
    found = json.loads(good[8 : 8 + int.from_bytes(good[:8], "little")])["__metadata__"]["sha256"]
    assert good.count(found.encode()) == 1
    assert hashlib.sha256(good.replace(found.encode(), b"0" * 64)).hexdigest() == found
    (tmp_path / "b").write_bytes(good)
    # and other readers of safetensors are content
    assert list(safetensors.torch.load_file(tmp_path / "b")) == ["a"]


def test_files_of_the_first_format_had_no_checksum():
    assert from_bytes(structured({"list": [1, {"tensor": "t"}]})) == [1, gw.zeros(1)]
    second = structured(None, '{"format": 2, "root": 1}')
    with pytest.raises(StateError, match="its checksum is missing"):
        from_bytes(second)


@pytest.mark.parametrize("length", [0x80, 0x80 + 0x200, 0x4B50], ids=hex)
def test_a_header_whose_length_begins_as_a_pickle_does(length: int):
    entry = json.dumps({"t": F32}).encode()
    file = struct.pack("<Q", length) + entry.ljust(length) + b"\0" * 8
    assert from_bytes(file)["t"].tolist() == [0, 0]


def test_whole_numbers_of_any_size():
    numbers = [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**5000, -(7**9000)]
    assert from_bytes(b"".join(to_bytes(numbers))) == numbers


def test_arrays_come_back_as_arrays_where_they_may_be():
    bfloat16 = gw.bfloat16
    state = {
        "scalar": np.array(1.5, np.float32),
        "bfloat16": np.ones((2, 1), bfloat16),
        "strided": np.arange(12).reshape(3, 4).T,
        "big endian": np.arange(3, dtype=">i4"),
        "none": np.zeros((0, 3), bool),
        "number": bfloat16.type(0.5),
        "tensor": gw.ones(2),
    }
    back = from_bytes(b"".join(to_bytes(state, arrays=True)))
    for key in ("scalar", "bfloat16", "strided", "big endian", "none"):
        assert type(back[key]) is np.ndarray
        assert (back[key].shape, back[key].dtype) == (state[key].shape, state[key].dtype.newbyteorder("="))
        assert back[key].flags.writeable
        np.testing.assert_array_equal(back[key], state[key])
    assert back["number"] == 0.5
    assert equal(back["tensor"], state["tensor"])
    for wrong in (np.array(["a"]), np.array([object()]), np.zeros(2, complex), np.zeros(2, "M8[s]")):
        with pytest.raises(StateError, match=r"'w' is an array of dtype .*, which cannot be saved"):
            to_bytes({"w": wrong}, arrays=True)


def test_what_is_no_ordinary_file_is_not_begun(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(StateError, match="no ordinary file"):
            gw.load(path)
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(10**13)
    with pytest.raises(StateError, match=r"10,000,000,000,000 bytes are more than"):
        gw.load(tmp_path / "huge")


def test_pytorchs_pickles_are_refused_with_a_remedy(tmp_path: Path):
    for new in (True, False):
        torch.save({"w": torch.ones(2)}, tmp_path / "theirs.pt", _use_new_zipfile_serialization=new)
        with pytest.raises(StateError, match=r"theirs\.pt.*pickle.*safetensors\.torch\.save_file"):
            gw.load(tmp_path / "theirs.pt")


def test_other_refusals(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        gw.load(tmp_path / "nothing")
    with pytest.raises(StateError, match="no such file"):
        gw.load(tmp_path / "nothing")
    with pytest.raises(StateError, match="cannot be read"):
        gw.load(tmp_path)
    gw.save(1, tmp_path / "x")
    with pytest.raises(DeviceError, match="cuda"):
        gw.load(tmp_path / "x", map_location="cuda")
    assert gw.load(tmp_path / "x", map_location=gw.device("cpu")) == 1
    with pytest.raises(DTypeError, match=r"gradwright\.save"):
        pickle.dumps(gw.ones(2))
