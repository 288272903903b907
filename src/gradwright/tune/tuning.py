"""The whole search: read, search on training and validation rows, choose, look once at the test part, write it down."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.errors import ConfigError, GradwrightError, RunError, TrainingInterrupted
from gradwright.train.config import Config, parse_config
from gradwright.train.environment import environment
from gradwright.train.folder import plain, write_json, write_lines, write_status
from gradwright.train.prepared import Reporter
from gradwright.train.saved import read_json, read_object
from gradwright.train.signals import Signals
from gradwright.tune.courses import TIME_UP
from gradwright.tune.importance import importance
from gradwright.tune.job_book import JobBook
from gradwright.tune.nested import nested
from gradwright.tune.plans import SearchSettings, make_plan
from gradwright.tune.refit import refit
from gradwright.tune.search import Found, StudyReporter, search
from gradwright.tune.source import Source, read_source
from gradwright.tune.space import Space
from gradwright.tune.statistics import Comparison, Optimism, best_without_luck, score_noise, selection_optimism
from gradwright.tune.storage import StudyStore
from gradwright.tune.storage_url import without_password
from gradwright.tune.study import StudyFolder
from gradwright.tune.tuned_baselines import families, fit_tuned, tune_baselines
from gradwright.tune.work import Hooks, Work
from gradwright.tune.workers.arrays import unpacked
from gradwright.tune.workers.job import Pool

__all__ = ["SearchFolder", "Searching", "resumed", "run_search", "search_work"]


class SearchFolder(StudyFolder):
    """The folder of a search: one that was broken off stays as soon as it says what it is."""

    worth_keeping = "study.json"


@dataclass(frozen=True)
class Searching:
    """Who does a search and who is told, as against what is searched: none of it changes a score.

    Attributes
    ----------
    storage : str, optional
        The address of a database for the trials; a file in the study's folder unless given.
    take_over : bool
        Go on although a process on another machine has not said that it ended.
    reporter : StudyReporter
        Is told how the search goes.
    run_reporter : Reporter, optional
        Is told how the winner's run goes.
    signals : Signals, optional
        Ctrl-C and SIGTERM then stop the search after an epoch.
    pool : callable, optional
        From what does a job to a context of a pool that does jobs elsewhere: ``lambda work: HostsPool(work, place)``.
        A new study should then have ``SearchSettings.shared``. The searches of nested validation stay here.
    """

    storage: str | None = None
    take_over: bool = False
    reporter: StudyReporter = field(default_factory=StudyReporter)
    run_reporter: Reporter | None = None
    signals: Signals | None = None
    pool: Callable[[Work], AbstractContextManager[Pool]] | None = None


def run_search(
    config: Config,
    space: Space | None,
    folder: SearchFolder,
    settings: SearchSettings | None = None,
    searching: Searching | None = None,
) -> dict[str, Any]:
    """Search settings by their validation score, train the best as a run, and write every record but the report.

    Parameters
    ----------
    config : Config
        The settings of all trials, before their own.
    space : Space or None
        What varies; None for a sweep of the learning rate.
    folder : SearchFolder
        Within its ``with`` block. One that holds a search of the same settings goes on.
    settings : SearchSettings, optional
        How to search.
    searching : Searching, optional
        Who does it, and who is told.

    Returns
    -------
    dict
        ``result.json``'s content.

    Raises
    ------
    ConfigError, DataError
        When settings, space or data do not allow a search.
    TrainingInterrupted
        When a signal stopped it; the folder holds what was done.

    Examples
    --------
    >>> import tempfile
    >>> from gradwright.train import parse_config
    >>> from gradwright.tune import Log, Space
    >>> config = parse_config({"source": "iris", "hidden": [8], "epochs": 3})
    >>> space = Space({"lr": Log(1e-4, 1e-1)})
    >>> with tempfile.TemporaryDirectory() as home, SearchFolder(Path(home, "study")) as folder:
    ...     result = run_search(config, space, folder, SearchSettings(trials=4, refit=False, baselines=False))
    >>> result["tried"], result["refit"]
    (4, None)
    """
    settings, searching = settings or SearchSettings(), searching or Searching()
    began, reporter = time.monotonic(), searching.reporter
    started = datetime.now(UTC).isoformat(timespec="seconds")
    _check(config, space)
    if searching.pool is not None and settings.timeout is not None:
        raise ConfigError(f"timeout = {settings.timeout:g}: it cannot end the trials of other workers; leave it away")
    reporter.on_wait(f"reading {config.source}")
    source = read_source(config)
    parts = source.parts
    reporter.on_data(
        source.metric,
        f"{source.dataset.rows:,} rows of {config.source}: {len(parts.train):,} to train, {len(parts.validation):,} to "
        f"rank by {source.metric}; the test part ({len(parts.test):,}) is sealed",
    )
    direction = _direction(source.direction)
    plan = make_plan(settings, space, epochs=config.epochs, seed=config.seed, direction=direction)
    plan.space.check(config)
    record = {
        "format": 1,
        "kind": "tune",
        **source.record(),
        "config": config.model_dump(),
        "given": config.model_dump(exclude_unset=True),
        "space": plan.space.record(),
        "strategy": plan.record(),
        "search": settings.to_dict(),
        "groups": [],
        "started": started,
        "environment": environment(started),
    }
    there = folder.path / "study.json"
    if there.exists():
        before = read_object(there)
        _check_same(plain(before), plain(record), folder.final)
        record |= {"started": before.get("started", started), "environment": before.get("environment")}
    hooks = Hooks(on_epoch=reporter.on_epoch, say=reporter.on_wait)
    if settings.timeout is not None:
        end = began + settings.timeout
        hooks.over = lambda: time.monotonic() > end
    fixed = settings.shared or searching.pool is not None
    work = Work(source, config, plan.space, parts.train, parts.validation, hooks, fixed)
    with contextlib.ExitStack() as opened:
        pool = None
        if searching.pool is not None:  # before anything is written, for nobody may be there
            pool = opened.enter_context(searching.pool(work))
            opened.enter_context(_stopping(hooks))
            here = "; the searches of nested validation stay in this process" if settings.nested else ""
            reporter.on_workers(plan.sharing() + here)
        write_json(there, record)
        write_status(folder.path, "running", trials=plan.trials)
        path = folder.publish()
        workers = opened.pop_all()

    def write_down(found: Found) -> None:
        write_lines(path / "trials.jsonl", found.trials)
        write_lines(path / "curves.jsonl", found.curves)
        write_json(there_now, {**record, "groups": found.groups})
        write_status(path, "running", trials=plan.trials, done=len(found.trials))

    there_now = path / "study.json"
    stored = partial(_store, path, folder.final.name, plan.space, source.direction, searching)
    with workers, stored() as store, _polite(searching, hooks):
        for note in store.notes:
            reporter.on_words(note)
        found = search(
            plan, work, JobBook(path / "jobs"),
            store=store, pool=pool, reporter=reporter, on_found=write_down,
        )  # fmt: skip
        workers.close()  # the rest is done here
        write_down(found)
        best = found.best()
        outer = None
        if settings.nested and best is not None and not found.ended:
            outer = nested(
                lambda: make_plan(settings, space, epochs=config.epochs, seed=config.seed, direction=direction),
                work, settings.nested, lambda i: JobBook(path / "jobs" / f"fold-{i}"), reporter,
            )  # fmt: skip
        baselines: list[dict[str, Any]] = []
        chosen = path / "jobs" / "baselines.json"
        if chosen.exists():
            baselines = read_json(chosen)
        elif settings.baselines and best is not None:
            baselines = tune_baselines(
                source, config, work.train, work.validation, trials=len(found.trials), seconds=found.seconds,
                say=reporter.on_wait, stopped=hooks.stopped,
            )  # fmt: skip
            if not hooks.stopped():
                write_json(chosen, baselines)
        if words := hooks.stopped():
            raise TrainingInterrupted(words)
    result: dict[str, Any] = {
        "best": None if best is None else best["number"],
        "score": None if best is None else best["score"],
        "parameters": None if best is None else best["parameters"],
        "ranking": [t["number"] for t in sorted(found.scored, key=found.rank)],
        "tried": len(found.trials),
        "ended": _ended(found, config.epochs),
        "optimism": None,
        "importance": None,
        "baselines": baselines,
        "budget": _budget(found, bool(baselines)),
        "nested": outer,
        "refit": None,
    }
    if best is not None:
        result["optimism"] = _optimism(found, source.metric, len(work.validation), config.seed).to_dict()
        found_importance = importance(plan.space, found.trials, direction, seed=config.seed)
        result["importance"], result["importance_method"] = found_importance["shares"], found_importance["method"]
        if settings.refit:
            winner = work.space.apply(config, best["parameters"])
            result["refit"] = _refitted(winner, folder.final, searching, source, baselines)
    result["seconds"] = {"search": found.seconds, "total": time.monotonic() - began}
    write_json(path / "result.json", result)
    write_status(path, "finished", trials=plan.trials, done=len(found.trials))
    return plain({**result, "metric": source.metric, "trials": found.trials})


def search_work(config: Config, space: Space | None, settings: SearchSettings) -> Work:
    """Return what does a search's jobs, as a process needs it that only lends a hand: ``HostsPool(work, …).serve()``.

    Parameters
    ----------
    config, space, settings
        As `run_search` takes them, the same in all processes.
    """
    source = read_source(config)
    direction = _direction(source.direction)
    plan = make_plan(settings, space, epochs=config.epochs, seed=config.seed, direction=direction)
    return Work(source, config, plan.space, source.parts.train, source.parts.validation, fixed=True)


def resumed(study: Path) -> tuple[Config, Space | None, SearchSettings]:
    """Return what a search was begun with, to go on with it.

    Raises
    ------
    RunError
        When the folder holds no search, or one that is finished.
    """
    if not (study / "study.json").is_file():
        raise RunError(f"{study}: no study.json, so there is no search to go on with")
    record = read_object(study / "study.json")
    if record.get("kind") != "tune" or not isinstance(record.get("given"), dict):
        raise RunError(f"{study}: a study of another kind ({str(record.get('kind'))!r:.40}); only a search goes on")
    if (study / "result.json").is_file():
        raise RunError(f"{study}: finished, so there is nothing to go on with")
    kept = record.get("search")
    if not isinstance(kept, dict) or not set(kept) <= set(SearchSettings.__dataclass_fields__):
        raise RunError(f"{study}/study.json: 'search' is not what this version writes; begin a new study")
    settings = SearchSettings(**kept)
    space = None if settings.strategy == "lr-sweep" else Space.from_record(record.get("space", {}), str(study))
    return parse_config(record["given"], f"{study}/study.json"), space, settings


def _check(config: Config, space: Space | None) -> None:
    """Refuse what no trial could be trained with."""
    if config.lr == "auto" and space is not None and "lr" not in space:
        raise ConfigError("lr = auto: each trial would need a range test of its own; give a rate, or search it")
    if config.compare is not None:
        raise ConfigError(f"compare = {config.compare}: one network at a time is compared with another library")


def _check_same(before: Mapping[str, Any], now: Mapping[str, Any], study: Path) -> None:
    for name, what in (("rows", "the data"), ("given", "settings"), ("space", "space"), ("search", "strategy")):
        if before.get(name) != now[name]:
            raise RunError(f"{study}: cannot go on: {what} differs from what the study began with; begin a new one")


def _direction(direction: str) -> Any:
    return direction


def _store(path: Path, name: str, space: Space, direction: str, searching: Searching) -> StudyStore:
    """Open the storage of a study that goes on, or begin it."""
    where: Any = searching.storage or path / "journal.log"
    marked = path / "storage.json"  # there before the study is, which may then be broken off at any moment
    if not marked.exists():
        shown = without_password(str(where)) if searching.storage else "journal.log"
        write_json(marked, {"storage": shown, "name": name})
        try:
            return StudyStore.create(where, name, space, _direction(direction))
        except GradwrightError:  # no driver, no server: nothing was searched, so no folder stays
            (path / "study.json").unlink(missing_ok=True)
            raise
    recorded = read_object(marked).get("storage")
    if isinstance(recorded, str) and recorded != "journal.log" and searching.storage is None:
        raise RunError(f"{path.name}: its trials are in {recorded}; give --storage with its address and password")
    try:
        return StudyStore.open(where, name, space, take_over=searching.take_over)
    except RunError as error:
        try:
            return StudyStore.create(where, name, space, _direction(direction))
        except RunError:
            raise error from None


def _polite(searching: Searching, hooks: Hooks) -> AbstractContextManager[None]:
    """Let Ctrl-C wait for the end of an epoch."""
    if searching.signals is None or searching.pool is not None:
        return contextlib.nullcontext()
    asked: Any = _Asked()
    hooks.stopped = lambda: asked.words
    return searching.signals.polite(asked)


@contextlib.contextmanager
def _stopping(hooks: Hooks) -> Iterator[None]:
    """End the job of this process, too, when the search of several is broken off."""
    try:
        yield
    except BaseException:
        hooks.stopped = lambda: "the search was broken off"
        raise


class _Asked:
    """What a signal asks to stop."""

    words: str | None = None

    def stop(self, words: str) -> None:
        self.words = words


def _optimism(found: Found, metric: str, rows: int, seed: int) -> Optimism:
    """Return what trying so many did to the best score; from what each did on each row, where that is known."""
    of = Comparison.by(metric)
    scored = found.scored
    table = [unpacked(found.outcomes[t["number"]]) for t in scored if t["number"] in found.outcomes]
    if len(table) == len(scored) and rows >= 10 and len(table) * rows <= 50_000_000:
        return best_without_luck(np.stack(table), np.sqrt if metric == "rmse" else None, seed=seed, of=of)
    best = min(scored, key=found.rank)
    return selection_optimism([t["score"] for t in scored], score_noise(metric, best["score"], rows), of=of)


def _ended(found: Found, epochs: int) -> str | None:
    """Say what the time's end cut off: trials that never began, and those that were under way."""
    cut = [t for t in found.trials if t["problem"] and t["problem"].endswith(TIME_UP)]
    if not cut:
        return found.ended or None
    least = min(t["epochs"] for t in cut)
    return (
        f"{TIME_UP}; {len(cut)} of {len(found.trials)} trials ended where they stood, the earliest after {least} of "
        f"{epochs} epochs"
    )


def _budget(found: Found, searched: bool) -> dict[str, Any]:
    """Say how hard the baselines were searched."""
    trials, seconds = len(found.trials), found.seconds
    words = (
        f"searched within the network's own budget: up to {trials} configurations each, until the {seconds:.0f} s that "
        "its trials took had passed for all together"
        if searched
        else "not searched"
    )
    return {"trials": trials, "seconds": seconds, "words": words}


def _refitted(
    config: Config, study: Path, searching: Searching, source: Source, baselines: list[dict[str, Any]]
) -> dict[str, Any]:
    """Train the winner as a run beside the study, with the chosen baselines in its report; note their test figures."""
    run = study.parent / f"{study.name}-best"
    by_name = {f"tuned {family.name}": family for family in families(source.task)}
    chosen = [
        partial(fit_tuned, by_name[b["name"]], b["parameters"], seed=config.seed, description=b["description"])
        for b in baselines
        if b["parameters"] is not None
    ]
    result = refit(config, run, reporter=searching.run_reporter, signals=searching.signals, baselines=chosen)
    tested = {b["name"]: b["test"] for b in result["baselines"]}
    for baseline in baselines:
        baseline["test"] = tested.get(baseline["name"])
    kept = ("test", "validation", "looks", "corrected", "best_epoch", "epochs", "problem")
    return {"run": run.name, **{name: result.get(name) for name in kept}}
