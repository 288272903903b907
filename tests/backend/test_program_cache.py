"""Compiled programs on disk: where they are kept, when they are not, and that a torn one does no harm."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradwright.backend import jax_modules, program_cache
from gradwright.backend.program_cache import cache_folder, keep_programs


class _Config(SimpleNamespace):
    def update(self, name: str, value: object) -> None:
        setattr(self, name, value)


def fake_jax(folder: str | None = None) -> Any:
    return SimpleNamespace(config=_Config(jax_compilation_cache_dir=folder))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRADWRIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = cache_folder()
    assert folder is not None
    assert folder.parent == tmp_path / "home" / ".cache" / "gradwright" / "programs"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache_folder() == folder
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "gradwright" / "programs" / folder.name
    monkeypatch.setenv("GRADWRIGHT_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own" / "programs" / folder.name
    for off in ("", "0", "off", "OFF"):
        monkeypatch.setenv("GRADWRIGHT_CACHE", off)
        assert cache_folder() is None


def test_what_the_user_of_jax_has_set_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADWRIGHT_CACHE", str(tmp_path))
    jax = fake_jax("/somewhere")
    assert keep_programs(jax) is None
    assert jax.config.jax_compilation_cache_dir == "/somewhere"
    assert list(tmp_path.iterdir()) == []


def test_folder_is_the_users_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADWRIGHT_CACHE", str(tmp_path))
    jax = fake_jax()
    folder = keep_programs(jax)
    assert folder is not None
    assert str(folder) == jax.config.jax_compilation_cache_dir
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o777)  # others could put programs there, which would be run
    jax = fake_jax()
    assert keep_programs(jax) is None
    assert jax.config.jax_compilation_cache_dir is None


def test_a_folder_that_cannot_be_made_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GRADWRIGHT_CACHE", str(tmp_path / "file"))
    assert keep_programs(fake_jax()) is None
    monkeypatch.setenv("GRADWRIGHT_CACHE", str(tmp_path / "sealed"))
    monkeypatch.setattr(program_cache.os, "access", lambda *_: False)
    assert keep_programs(fake_jax()) is None


def test_oldest_programs_make_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADWRIGHT_CACHE", str(tmp_path))
    folder = keep_programs(fake_jax())
    assert folder is not None
    for i in range(10):
        (folder / str(i)).write_bytes(b"x" * 100)
        os.utime(folder / str(i), (i, i))
    monkeypatch.setattr(program_cache, "MOST_BYTES", 1000)
    keep_programs(fake_jax())
    assert len(list(folder.iterdir())) == 10
    monkeypatch.setattr(program_cache, "MOST_BYTES", 900)
    keep_programs(fake_jax())
    assert sorted(p.name for p in folder.iterdir()) == ["6", "7", "8", "9"]


def test_a_program_is_kept_and_a_torn_one_compiled_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from jax.experimental.compilation_cache import compilation_cache

    jax = jax_modules().jax
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = [getattr(jax.config, name) for name in names]
    monkeypatch.setenv("GRADWRIGHT_CACHE", str(tmp_path))

    def compiled() -> float:
        def cubed(x: Any) -> Any:
            return x**3 + 1

        return float(jax.jit(cubed).lower(jax.ShapeDtypeStruct((), np.float32)).compile()(np.float32(2)))

    try:
        jax.config.update("jax_compilation_cache_dir", None)
        folder = keep_programs(jax)
        compilation_cache.reset_cache()
        assert folder is not None
        assert compiled() == 9
        (kept,) = folder.glob("*cubed*")
        written = kept.stat().st_mtime_ns
        assert compiled() == 9
        assert [p.stat().st_mtime_ns for p in folder.glob("*cubed*")] == [written]
        kept.write_bytes(kept.read_bytes()[:100])
        with pytest.warns(UserWarning, match="persistent compilation cache"):
            assert compiled() == 9
    finally:
        for name, value in zip(names, before, strict=True):
            jax.config.update(name, value)
        compilation_cache.reset_cache()
