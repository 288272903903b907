"""Trials in Optuna's storage: what is written is what is read, by us and by Optuna, whatever happened meanwhile."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import pickle
import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from gradwright.errors import GradwrightError, MissingDependencyError, RunError, StateError
from gradwright.tune import Choice, Integer, Linear, Log, Random, Space, StudyStore
from gradwright.tune.storage_url import scrubbed, without_password

SPACE = Space(
    {
        "lr": Log(1e-4, 1e-1),
        "optimizer": Choice(["sgd", "adam"]),
        "momentum": Linear(0.0, 0.9, when={"optimizer": ["sgd"]}),
        "dropout": Linear(0.0, 0.5, step=0.1),
        "hidden": Choice([[8], [16, 16]]),
        "schedule": Choice([None, "cosine"]),
        "batch_norm": Choice([False, True]),
        "batch_size": Integer(8, 256, log=True),
        "epochs": Integer(5, 15, step=5),
    }
)
ASKED = Random(SPACE, trials=12).ask(12)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with Optuna's tables, which take longer to make than to copy."""
    path = tmp_path_factory.mktemp("tables") / "studies.db"
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    storage.remove_session()
    storage.engine.dispose()
    return path


@pytest.fixture(params=["journal", "sqlite"])
def where(request: pytest.FixtureRequest, tmp_path: Path, tables: Path) -> str:
    if request.param == "journal":
        return str(tmp_path / "journal.log")
    return f"sqlite:///{shutil.copy(tables, tmp_path)}"


def theirs(where: str, name: str = "study") -> optuna.Study:
    """Open the study as anybody does who has Optuna only."""
    storage = where if "://" in where else JournalStorage(JournalFileBackend(where))
    return optuna.load_study(study_name=name, storage=storage)


def filled(where: str) -> StudyStore:
    """Return a study with trials of all kinds; the last two run."""
    store = StudyStore.create(where, "study", SPACE, "maximize", {"task": "multiclass"})
    store.begin(range(8), ASKED[:8], [{"seed": 10 + n, "fold": n % 2} for n in range(8)])
    with store.together():
        for epoch in (1, 2, 3):
            for number in range(8):
                store.report(number, epoch, number + epoch / 8)
    store.report(7, 4, float("nan"))
    for number in range(4):
        store.finish(number, "complete", number + 3 / 8, {"epochs": 3, "problem": None})
    store.finish(4, "pruned", 4.25, {"epochs": 2})
    store.finish(5, "failed", attrs={"problem": "loss stopped being a number in epoch 3", "epochs": 3})
    return store


def test_what_is_written_is_read(where: str) -> None:
    with filled(where) as store:
        trials = store.trials()
        assert store.notes == []
    assert [t.number for t in trials] == list(range(8))
    assert [t.parameters for t in trials] == ASKED[:8]
    assert [type(v) for t in trials for v in t.parameters.values()] == [
        type(v) for values in ASKED[:8] for v in values.values()
    ]
    assert [t.state for t in trials] == ["complete"] * 4 + ["pruned", "failed", "running", "running"]
    assert [t.value for t in trials] == [0.375, 1.375, 2.375, 3.375, 4.25, None, None, None]
    assert trials[3].curve == {1: 3.125, 2: 3.25, 3: 3.375}
    assert trials[4].curve == {1: 4.125, 2: 4.25}
    assert 4 not in trials[7].curve  # a number that is none
    assert trials[5].attrs == {
        "seed": 15, "fold": 1, "epochs": 3, "problem": "loss stopped being a number in epoch 3",
    }  # fmt: skip


def test_optuna_reads_the_same(where: str) -> None:
    filled(where).close()
    study = theirs(where)
    assert study.direction.name == "MAXIMIZE"
    assert study.user_attrs["task"] == "multiclass"
    assert study.user_attrs["gradwright:space"] == SPACE.record()
    assert (study.best_trial.number, study.best_value) == (3, 3.375)
    assert study.best_params["hidden"] == json.dumps(ASKED[3]["hidden"])
    for trial, values in zip(study.trials, ASKED[:8], strict=True):
        assert trial.user_attrs["number"] == trial.number
        assert trial.user_attrs["seed"] == 10 + trial.number
        assert list(trial.params) == list(values)
        assert trial.distributions == {name: SPACE[name].distribution() for name in values}
        assert trial.params["lr"] == values["lr"]
    assert [t.state for t in study.trials[3:7]] == [
        TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING,
    ]  # fmt: skip
    assert study.trials[2].intermediate_values == {1: 2.125, 2: 2.25, 3: 2.375}
    assert study.trials[4].value == 4.25
    # its own samplers go on from them
    assert set(study.ask(SPACE["lr"] and {"lr": SPACE["lr"].distribution()}).params) == {"lr"}


def test_a_study_goes_on_under_the_same_numbers(where: str) -> None:
    filled(where)._storage.remove_session()  # and never closed, like a process that was killed
    with pytest.raises(RunError, match=rf"process {os.getpid()} is at this study; wait for its end"):
        StudyStore.open(where, "study", SPACE)
    claim_of_a_dead_process(where)
    with StudyStore.open(where, "study", SPACE) as store:
        assert store.notes == ["broken off while they ran, and run again: trials 6, 7"]
        assert [t.state for t in store.trials()][6:] == ["waiting", "waiting"]
        assert store.direction == "maximize"
        with pytest.raises(StateError, match="trial 3 is complete; it cannot begin again"):
            store.begin([3], [ASKED[3]])
        with pytest.raises(StateError, match=r"trial 6 began with lr = 0\.\d+.* and should go on with lr = 0\.\d+"):
            store.begin([6], [ASKED[7]])
        store.begin([6, 7, 8], ASKED[6:9])
        with pytest.raises(StateError, match="trial 6 is running; it cannot begin again"):
            store.begin([6], [ASKED[6]])
        store.report(6, 1, 0.5)
        store.finish(6, "complete", 0.5, {"epochs": 1})
        assert store.trials()[6].curve == {1: 0.5}  # not what it reached before it was broken off
        store.finish(7, "complete", 0.25)
        store.finish(8, "failed")
        with pytest.raises(StateError, match="trial 6 has ended already"):
            store.finish(6, "complete", 1.0)
        with pytest.raises(StateError, match="trial 9 has not begun"):
            store.report(9, 1, 1.0)
        with pytest.raises(StateError, match="trial 9: complete without a score"):
            store.finish(9, "complete", float("nan"))
    assert [t.number for t in theirs(where).trials] == list(range(9))
    assert theirs(where).trials[6].value == 0.5


def claim_of_a_dead_process(where: str, **other: Any) -> None:
    """Let the study's writer be a process that has ended."""
    study = theirs(where)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    study.set_user_attr("gradwright:writer", {**study.user_attrs["gradwright:writer"], "pid": ended.pid, **other})


def test_one_process_writes_and_others_look(where: str) -> None:
    store = filled(where)
    claim_of_a_dead_process(where, host="elsewhere.example", token="theirs")
    with pytest.raises(RunError, match=r"process \d+ on 'elsewhere\.example' is at this study or was killed"):
        StudyStore.open(where, "study", SPACE)
    with pytest.raises(RunError, match="another process has taken this study over; nothing was written"):
        store.begin([8], ASKED[8:9])
    with StudyStore.open(where, "study", write=False) as looking:
        assert len(looking.trials()) == 8
        assert looking.space.record() == SPACE.record()
        with pytest.raises(StateError, match="opened for reading only"):
            looking.finish(7, "complete", 1.0)
    with StudyStore.open(where, "study", SPACE, take_over=True) as other:
        other.begin([6], ASKED[6:7])
        other.finish(6, "complete", 1.0)
    store.close()
    assert theirs(where).user_attrs["gradwright:writer"] == {}


def test_studies_that_are_there_or_are_not(where: str) -> None:
    filled(where).close()
    with pytest.raises(RunError, match="study 'study' is there already; resume it, or name another"):
        StudyStore.create(where, "study", SPACE, "minimize")
    with pytest.raises(RunError, match="no study 'another'; there are 'study'"):
        StudyStore.open(where, "another")
    with StudyStore.create(where, "another", SPACE, "minimize") as store:
        assert store.trials() == []
    with pytest.raises(
        StateError, match=r"begun with another space: lr was .*0\.1.* and is .*1\.0.*; momentum was .* and is not there"
    ):
        StudyStore.open(where, "study", Space({"lr": Log(1e-4, 1.0)}))


def test_trials_that_others_added_are_left_alone(where: str) -> None:
    filled(where).close()
    study = theirs(where)
    study.add_trial(
        optuna.trial.create_trial(value=9.0, params={"lr": 0.01}, distributions={"lr": SPACE["lr"].distribution()})
    )
    with StudyStore.open(where, "study", SPACE) as store:
        store.begin([8], ASKED[8:9])
        store.finish(8, "complete", 0.5)
        assert [t.number for t in store.trials()] == list(range(9))
    ours = [(t.number, t.user_attrs.get("number")) for t in theirs(where).trials][7:]
    assert ours == [(7, 7), (8, None), (9, 8)]


def test_what_goes_wrong_between_writes_is_the_callers(where: str) -> None:
    with filled(where) as store:
        with contextlib.suppress(ZeroDivisionError), store.together():
            store.report(6, 4, 0.5)
            raise ZeroDivisionError
        assert store.trials()[6].curve[4] == 0.5
        store.finish(6, "complete", 0.5)
    assert theirs(where).trials[6].intermediate_values[4] == 0.5


def test_a_journal_cut_at_any_byte_of_its_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    filled(str(path)).close()
    *lines, last = path.read_bytes().splitlines(keepends=True)[:-1]  # without the word that nobody writes any more
    assert json.loads(last)["state"] == TrialState.FAIL
    for size in range(len(last) + 1):
        path.write_bytes(b"".join(lines) + last[:size])
        with StudyStore.open(path, "study", SPACE, write=False) as store:
            states = [t.state for t in store.trials()]
            notes = store.notes
        whole = size == len(last)
        assert states == ["complete"] * 4 + ["pruned", "failed" if whole else "running", "running", "running"]
        if whole or not size:
            assert notes == []
        else:
            assert f"the last line was torn ({size} bytes from byte {len(b''.join(lines)):,} on)" in notes[0]
        # it was mended, for Optuna as well
        assert path.read_bytes() == b"".join(lines) + (last if whole else b"")
    assert [t.state for t in theirs(str(path)).trials][5] == TrialState.FAIL


def test_a_journal_that_is_cut_while_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    StudyStore.create(path, "study", SPACE, "minimize").close()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    whole = path.read_bytes().replace(f'"pid":{os.getpid()}'.encode(), f'"pid":{ended.pid}'.encode())
    for size in range(0, len(whole), 37):
        path.write_bytes(whole[:size])
        try:
            StudyStore.open(path, "study", SPACE).close()
        except RunError:
            StudyStore.create(path, "study", SPACE, "minimize").close()  # it had not begun
        assert theirs(str(path)).user_attrs["gradwright:space"] == SPACE.record()


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.log"
    store = filled(str(path))
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match="No space left on device; what was there before is kept"):
            store.finish(6, "complete", 1.0, {"epochs": 3})
    assert path.read_bytes() == before
    # what it has in memory is not what is in the file, so it writes no more
    with pytest.raises(RunError, match="No space left on device"):
        store.finish(7, "complete", 1.0)
    store.close()
    assert path.read_bytes() == before
    claim_of_a_dead_process(str(path))
    with StudyStore.open(path, "study", SPACE) as again:
        again.begin([6], ASKED[6:7])
        again.finish(6, "complete", 1.0)


def write_sixty(path: str, name: str, begun: Any = None) -> None:
    space = Space({"lr": Log(1e-4, 1e-1)})
    asked = Random(space, trials=60).ask(60)
    with StudyStore.create(path, name, space, "minimize") as store:
        if begun is not None:
            begun()
        for i in range(0, 60, 4):
            numbers = list(range(i, i + 4))
            store.begin(numbers, asked[i : i + 4])
            with store.together():
                for number in numbers:
                    store.report(number, 1, number / 2)
            for number in numbers:
                store.finish(number, "complete", float(number))


def test_two_processes_in_one_journal(tmp_path: Path) -> None:
    path = str(tmp_path / "journal.log")
    script = (
        f"import importlib.util as u; s = u.spec_from_file_location('tests_of_storage', {__file__!r}); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); "
        f"m.write_sixty({path!r}, 'a', lambda: print('begun', flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "begun\n"
        write_sixty(path, "b")
        together = other.poll() is None
    assert other.returncode == 0
    for name in ("a", "b"):
        study = theirs(path, name)
        assert [t.value for t in study.trials] == [float(n) for n in range(60)]
        assert [t.intermediate_values for t in study.trials] == [{1: n / 2} for n in range(60)]
    assert not os.path.lexists(f"{path}.lock")
    # or they were not at it at the same time
    writers = [json.loads(line)["worker_id"] for line in Path(path).read_text().splitlines()]
    assert together or sum(a != b for a, b in itertools.pairwise(writers)) > 4


class Trap:
    """Leaves word when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("unpickled",)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (pickle.dumps(Trap()) + b"\n", "line 1 .byte 0.: no line of a journal"),
        (pickle.dumps(Trap()), "line 1 .byte 0.: no journal of trials; it was left as it is"),
        (b"PK\x03\x04 half a picture", "no journal of trials; it was left as it is"),
        (b"\x00" * 4096, "no journal of trials; it was left as it is"),
        (b"[" * 100_000 + b"\n", "no line of a journal"),
        (b"[1, 2]\n", "no line of a journal of trials"),
        (b'{"op_code": true, "worker_id": "w"}\n', "no line of a journal of trials"),
        (b'{"op_code":99,"worker_id":"w"}\n', "cannot open this storage of trials"),
        (b'{"op_code":0,"worker_id":"w"}\n', "cannot open this storage of trials: KeyError"),
        (b'{"op_code":0,"worker_id":"w","study_name":"study","directions":[7]}\n', "cannot open this storage"),
        (b'{"op_code":0,"worker_id":"w","study_name":"study","directions":[1]}\n{"op_code":0,{"op_code":1}\n{}\n',
         r"line 2 \(byte 68\): no line of a journal: not valid JSON"),
        (b'{"op_code":0,"worker_id":"w","study_name":"study","directions":[1]}\n', "was not begun by Gradwright"),
        (b"", "no study 'study'; there is none"),
    ],
)  # fmt: skip
def test_files_of_strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, problem: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "journal.log"
    path.write_bytes(content)
    with pytest.raises(GradwrightError, match=problem) as caught:
        StudyStore.open(path, "study", SPACE)
    assert path.read_bytes() == content
    assert len(str(caught.value)) < 1000
    assert not Path("unpickled").exists()
    assert not os.path.lexists(f"{path}.lock")


def test_studies_of_strangers(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    filled(str(path)).close()
    study = theirs(str(path))
    for record in (3, {"lr": {"kind": "log"}}, {"source": SPACE.record()["lr"]}):
        study.set_user_attr("gradwright:space", record)
        with pytest.raises(GradwrightError):
            StudyStore.open(path, "study")
    study.set_user_attr("gradwright:space", SPACE.record())
    for writer in ("me", [1], {"host": None, "pid": "x"}, {"host": os.uname().nodename, "pid": "x"}):
        study.set_user_attr("gradwright:writer", writer)
        with pytest.raises(GradwrightError):
            StudyStore.open(path, "study")


def test_links_and_folders(tmp_path: Path) -> None:
    (tmp_path / "aim.txt").write_text("")
    (tmp_path / "journal.log").symlink_to("aim.txt")
    with pytest.raises(RunError, match="a link, which could lead to any file"):
        StudyStore.create(tmp_path / "journal.log", "study", SPACE, "minimize")
    with pytest.raises(RunError, match="no file; a journal of trials was expected"):
        StudyStore.open(tmp_path, "study")
    with pytest.raises(RunError, match="no such file"):
        StudyStore.open(tmp_path / "none.log", "study")
    assert not (tmp_path / "none.log").exists()
    with pytest.raises(RunError, match="No such file or directory"):
        StudyStore.create(tmp_path / "nowhere" / "journal.log", "study", SPACE, "minimize")


SECRET = "gehe/im@ 1?"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:gehe%2Fim%40+1%3F@127.0.0.1:1/studies",
        "nonsense://ann:gehe%2Fim%40+1%3F@127.0.0.1/studies",
        f"postgresql://ann:{SECRET}@127.0.0.1:port/studies",
        f"sqlite:///nowhere/at/all.db?password={SECRET}",
    ],
)
def test_no_password_is_shown(url: str) -> None:
    with pytest.raises(GradwrightError) as caught:
        StudyStore.open(url, "study")
    shown = "".join(traceback.format_exception(caught.value))
    for secret in (SECRET, "gehe%2Fim", "gehe/im", "geheim"):
        assert secret not in shown
    assert "***" in str(caught.value)


def test_a_missing_driver_is_named() -> None:
    with pytest.raises(MissingDependencyError, match=r"postgresql://ann:\*\*\*@db/x: no driver for this database"):
        StudyStore.create("postgresql://ann:geheim@db/x", "study", SPACE, "minimize")


def test_addresses_without_passwords() -> None:
    assert without_password("mysql+pymysql://a:b:c@d@host/x") == "mysql+pymysql://a:***@host/x"
    assert without_password("postgresql://ann@host/x") == "postgresql://ann@host/x"
    assert scrubbed("wrong: b c, b+c", "mysql://a:b+c@host/x") == "wrong: ***, ***"
