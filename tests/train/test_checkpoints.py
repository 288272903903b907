"""Checkpoints: what goes in comes out, damage is seen wherever it strikes, and which are kept."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.engine import files
from gradwright.errors import CheckpointError, ConfigError, RunError, StateError
from gradwright.train.checkpoints import CheckpointStore, read_checkpoint, write_checkpoint
from gradwright.train.checkpoints.kept import Checkpoint, surplus


def same(a: Any, b: Any) -> bool:
    """Say whether two states are equal bit for bit, kinds included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, gw.Tensor):
        return same(a.detach().numpy(), b.detach().numpy())
    if isinstance(a, np.ndarray):
        return (a.shape, a.dtype) == (b.shape, b.dtype) and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return struct.pack("d", a) == struct.pack("d", b) if isinstance(a, float) else a == b


# --- the file ---
def trained() -> dict[str, Any]:
    """Everything that a training loop has to keep."""
    gw.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    rule = optim.Adam(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.CosineAnnealingLR(rule, T_max=10)
    for _ in range(3):
        rule.zero_grad()
        (model(gw.randn(5, 3)) ** 2).sum().backward()
        rule.step()
        schedule.step()
    return {
        "model": model.state_dict(),
        "optimizer": rule.state_dict(),
        "schedule": schedule.state_dict(),
        "generator": gw.Generator(2**60 + 1).get_state(),
        "numpy": np.random.default_rng(7).bit_generator.state,
        "history": [{"epoch": 1, "train_loss": 0.1 + 0.2, "validation_loss": float("nan"), "best": None}],
        "order": np.random.default_rng(0).permutation(100),
    }


STATES: dict[str, Callable[[], Any]] = {
    "training": trained,
    "nothing": dict,
    "floats": lambda: [0.1, 1 / 3, 5e-324, -0.0, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan")],
    "whole numbers": lambda: [0, -1, 2**53 + 1, 2**64, -(2**1000), 10**4400],
    "truth and nothing": lambda: {"a": True, "b": False, "c": None, "d": 1, "e": "True"},
    "texts": lambda: {"": "ü\n\0\u2028\\", "sha256": '"sha256":"' + "0" * 64, "__metadata__": {"gradwright": "x"}},
    "arrays": lambda: {
        dtype: [np.ones((), dtype), np.zeros((0, 2), dtype), np.arange(6).astype(dtype).reshape(2, 3)]
        for dtype in ("bool", "int8", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64")
    },
    "bfloat16": lambda: [np.full((2, 2), 0.1, gw.bfloat16), gw.tensor(0.1).to(gw.bfloat16)],
    "not finite": lambda: np.array([np.nan, -np.inf, -0.0, 5e-324]),
    "depth": lambda: _nested(80),
    "lone surrogate": lambda: {"a\ud800": np.ones(1), "b": "\udfff"},
}


def _nested(depth: int) -> Any:
    return {"in": [1.5, np.ones(1)]} if depth <= 0 else {"in": _nested(depth - 1)}


@pytest.mark.parametrize("name", STATES)
def test_what_goes_in_comes_out(tmp_path: Path, name: str) -> None:
    state = STATES[name]()
    path = tmp_path / "a.safetensors"
    write_checkpoint(path, state)
    assert same(read_checkpoint(path), state)
    assert os.listdir(tmp_path) == ["a.safetensors"]
    write_checkpoint(tmp_path / "b", state)
    assert path.read_bytes() == (tmp_path / "b").read_bytes()  # equal states give equal files


def test_the_bits_of_a_nan_are_kept_in_arrays(tmp_path: Path) -> None:
    bits = np.array([0x7FF8DEADBEEF0001, 0xFFF0000000000001], np.uint64)
    write_checkpoint(tmp_path / "a", bits.view(np.float64))
    assert (read_checkpoint(tmp_path / "a").view(np.uint64) == bits).all()


def test_what_cannot_be_saved_leaves_what_was_there(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a", 1)
    with pytest.raises(StateError, match=r"'model\.f' is a builtin_function_or_method"):
        write_checkpoint(tmp_path / "a", {"model": {"f": len}})
    assert read_checkpoint(tmp_path / "a") == 1


# --- damage ---
@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A checkpoint of some 60 KB."""
    numbers = np.random.default_rng(0)
    state = {"step": 3, "history": [{"epoch": i, "loss": 1 / (i + 1)} for i in range(300)]}
    path = tmp_path / "whole.safetensors"
    write_checkpoint(path, {**state, "weights": numbers.standard_normal((90, 80)).astype("f4"), "b": np.ones(4000)})
    assert path.stat().st_size > 15 * 4096
    return path


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_cut_at_every_4_kb_is_seen(whole: Path) -> None:
    content = whole.read_bytes()
    for size in [*range(0, len(content), 4096), len(content) - 1]:
        refused(whole, content[:size])
    refused(whole, content + b"\0")
    assert "checksum" in refused(whole, content[:40960])


@pytest.mark.parametrize("region", ["length", "mark", "digits", "structure", "header", "padding", "numbers"])
def test_a_flipped_bit_is_seen_wherever_it_strikes(whole: Path, region: str) -> None:
    content = whole.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    digits = content.index(b'"sha256":"') + 10
    structure = content.index(b'"gradwright":"')
    entries = content.rindex(b'"weights":{')
    end = len(content[:header].rstrip())
    first, last = {
        "length": (0, 8),
        "mark": (8, digits),
        "digits": (digits, digits + 64),
        "structure": (structure, entries),
        "header": (entries, end),
        "padding": (end, header) if end < header else (end - 1, header),
        "numbers": (header, len(content)),
    }[region]
    draw = np.random.default_rng(11)
    places = range(first * 8, last * 8)
    for bit in places if len(places) <= 600 else draw.choice(places, 150, replace=False):
        bad = bytearray(content)
        bad[bit // 8] ^= 1 << bit % 8
        refused(whole, bytes(bad))


def test_a_file_without_a_checksum_is_no_checkpoint(tmp_path: Path) -> None:
    from safetensors.numpy import save

    assert "has no checksum" in refused(tmp_path / "a", save({"weights": np.ones(3)}))


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "device", "link", "huge"])
def test_what_is_no_file_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.safetensors"
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    if kind == "device":
        path = Path("/dev/zero")
    if kind == "link":
        write_checkpoint(tmp_path / "b", 1)
        path.symlink_to(tmp_path / "b")
    if kind == "huge":
        with open(path, "wb") as file:
            file.truncate(10**13)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    words = {
        "missing": "No such file", "folder": "a folder", "pipe": "a device or a pipe", "device": "a device or a pipe",
        "link": "it is a link", "huge": "10,000,000,000,000 bytes",
    }  # fmt: skip
    assert words[kind] in str(caught.value)
    assert str(path) in str(caught.value)


# --- a disk that refuses ---
CALLS = {"open": 1, "write": 4, "fsync": 1, "replace": 1, "close": 1}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_refuses_leaves_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    monkeypatch.setattr(files, "_PIECE", 3000)
    store = CheckpointStore(tmp_path)
    store.save({"x": np.ones(1000)}, epoch=1, step=1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    real = getattr(os, call)
    for refuse in range(1, CALLS[call] + 1):
        calls = 0

        def refusing(*args: Any, refuse: int = refuse, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == refuse:
                if call == "close":
                    real(*args)  # it is closed all the same
                raise OSError(number, os.strerror(number))
            return real(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(files.os, call, refusing)
            with pytest.raises(RunError, match="cannot be written") as caught:
                store.save({"x": np.zeros(1000)}, epoch=2, step=2)
        assert calls >= refuse
        assert os.strerror(number) in str(caught.value)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    store.save({"x": 2}, epoch=2, step=2)
    assert store.load_last() == ({"x": 2}, [])


def test_a_write_that_takes_a_part_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(files.os, "write", lambda d, content: real(d, content[:100]))
    write_checkpoint(tmp_path / "a", {"x": np.arange(1000)})
    monkeypatch.undo()
    assert (read_checkpoint(tmp_path / "a")["x"] == np.arange(1000)).all()


def test_an_interrupt_within_a_save_leaves_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CheckpointStore(tmp_path)
    store.save(1, epoch=1, step=1)

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save(2, epoch=2, step=2)
    monkeypatch.undo()
    assert store.load_last() == (1, [])
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to the system's administrator")
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "c")
    store.save(1, epoch=1, step=1)
    (tmp_path / "c").chmod(0o500)
    try:
        with pytest.raises(CheckpointError, match="Permission denied"):
            store.save(2, epoch=2, step=2)
        assert store.load_last() == (1, [])
    finally:
        (tmp_path / "c").chmod(0o700)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="Not a directory"):
        CheckpointStore(tmp_path / "file" / "checkpoints").save(1, epoch=1, step=1)


# --- the store ---
def steps(store: CheckpointStore) -> list[int]:
    return [c.step for c in store.found()]


def test_best_last_and_every_kth_are_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep_last=2, keep_every=4)
    kept = []
    for epoch in range(1, 12):
        store.save({"epoch": epoch}, epoch=epoch, step=5 * epoch, metric=1 / epoch, best=epoch in (1, 2, 6))
        kept.append([c.epoch for c in store.found()])
    assert kept == [
        [1], [1, 2], [2, 3], [2, 3, 4], [2, 4, 5], [4, 5, 6], [4, 6, 7], [4, 6, 7, 8], [4, 6, 8, 9],
        [4, 6, 8, 9, 10], [4, 6, 8, 10, 11],
    ]  # fmt: skip
    assert store.load_best() == ({"epoch": 6}, [])
    assert store.load_last() == ({"epoch": 11}, [])
    content = read_checkpoint(store.found()[1].path)
    assert content == {"epoch": 6, "step": 30, "metric": 1 / 6, "best": True, "state": {"epoch": 6}}


def test_the_first_save_after_an_epoch_is_its_kept_one() -> None:
    there = [Checkpoint(s, e, False, Path(str(s))) for s, e in ((1, 0), (5, 2), (8, 2), (9, 3), (12, 4))]
    assert [c.step for c in surplus(there, there[-1], keep_last=1, keep_every=2)] == [1, 8, 9]


def test_a_step_saved_again_is_there_once(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save("before", epoch=1, step=5)
    store.save("best", epoch=1, step=5, best=True)
    assert [c.best for c in store.found()] == [True]
    store.save("interrupted", epoch=1, step=5)  # it is the best still
    assert store.load_best() == store.load_last() == ("interrupted", [])
    assert steps(store) == [5]


def test_a_damaged_last_one_is_passed_over_and_that_is_said(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step in (10, 20, 30):
        store.save({"step": step}, epoch=step // 10, step=step)
    last = store.found()[-1].path
    content = bytearray(last.read_bytes())
    content[-1] ^= 4
    last.write_bytes(content)
    store = CheckpointStore(tmp_path)
    state, said = store.load_last()
    assert state == {"step": 20}
    assert len(said) == 2
    assert str(last) in said[0]
    assert "its checksum does not fit" in said[0]
    assert said[1] == "The checkpoint before is used: epoch 2, step 20."
    # the damaged one does not count among the two last, and goes once a new one is whole
    store.save({"step": 40}, epoch=4, step=40)
    assert steps(store) == [20, 40]
    # none at all
    for checkpoint in store.found():
        checkpoint.path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="no checkpoint is whole, so training can only begin anew"):
        store.load_last()
    store.save({"step": 50}, epoch=5, step=50)
    assert steps(store) == [50]


def test_a_damaged_best_one_is_said(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    with pytest.raises(CheckpointError, match="there is no best checkpoint"):
        store.load_best()
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        CheckpointStore(tmp_path / "nowhere").load_last()
    store.save(1, epoch=1, step=1, best=True)
    store.found()[0].path.write_bytes(b"{}")
    with pytest.raises(CheckpointError, match="no best checkpoint is whole"):
        store.load_best()


def test_a_checkpoint_under_another_name_is_not_that_step(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    path = store.save({"x": 1}, epoch=1, step=1)
    shutil.copy(path, tmp_path / "step-00000009-epoch-3.safetensors")
    state, said = store.load_last()
    assert state == {"x": 1}
    assert "it is not of step 9" in said[0]


def test_steps_that_were_given_up_go(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep_last=3)
    for step in (1, 2, 3):
        store.save(step, epoch=step, step=step, best=step == 3)
    store.save("other", epoch=2, step=2)  # resumed from the first
    assert steps(store) == [1, 2]
    assert store.load_last() == ("other", [])


def test_leftovers_of_dead_processes_are_cleaned_and_nothing_else(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    process = gone.pid
    mine = ["notes.txt", ".hidden.tmp", ".step-1.safetensors.x1.tmp", f".step-1.safetensors.{os.getppid()}.tmp"]
    left = [f".step-00000001-epoch-1.safetensors.{pid}.tmp" for pid in (process, os.getpid())]
    for name in mine + left:
        (tmp_path / name).write_text("half")
    CheckpointStore(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(mine)


@pytest.mark.parametrize("wrong", [{"keep_last": 0}, {"keep_every": 0}])
def test_wrong_numbers(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        CheckpointStore(tmp_path, **wrong)


def test_other_programs_can_read_the_tensors(tmp_path: Path) -> None:
    import safetensors.torch

    write_checkpoint(tmp_path / "a.safetensors", {"model": {"weight": gw.ones(2, 3)}, "epoch": 3})
    assert safetensors.torch.load_file(tmp_path / "a.safetensors")["model.weight"].shape == (2, 3)
    assert gw.load(tmp_path / "a.safetensors")["epoch"] == 3
