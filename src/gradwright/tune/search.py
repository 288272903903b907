"""The loop of a search: jobs by a plan, done here or by a pool, and every result kept before it counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradwright.errors import GradwrightError, TrainingInterrupted
from gradwright.train.folder import plain
from gradwright.tune.courses import TIME_UP
from gradwright.tune.job_book import JobBook
from gradwright.tune.plans import Job, Plan
from gradwright.tune.storage import StudyStore
from gradwright.tune.work import Work
from gradwright.tune.workers.job import Pool, failed

__all__ = ["Found", "StudyReporter", "search"]


class StudyReporter:
    """Somebody who is told how a study goes; this one says nothing."""

    def on_words(self, words: str) -> None:
        """Something worth a line."""

    def on_data(self, metric: str, words: str) -> None:
        """The data are read: the figure that ranks, and how many rows there are for what."""

    def on_workers(self, words: str) -> None:
        """Several workers share the search: how, in words."""

    def on_search(self, name: str, trials: int, epochs: int, done: int) -> None:
        """A search begins (or goes on, with trials ``done``): so many trials of so many epochs at most."""

    def on_wait(self, words: str) -> None:
        """Something that takes a while begins."""

    def on_epoch(self, number: int, row: Mapping[str, Any]) -> None:
        """A trial has done an epoch; told by another thread."""

    def on_trials(self, trials: Sequence[Mapping[str, Any]], best: Mapping[str, Any] | None) -> None:
        """Trials have ended; the best of all so far."""

    def on_search_end(self) -> None:
        """The search is over."""


@dataclass
class Found:
    """What a search has found so far.

    Attributes
    ----------
    trials, curves : list of dict
        Lines of ``trials.jsonl`` and ``curves.jsonl``, by number.
    outcomes : dict of int to dict
        Packed, what each validation row adds to a trial's score.
    groups : list of dict
        As ``study.json`` holds them.
    ended : str
        Why it ended before all trials had begun; "" when they did.
    seconds : float
        That jobs took, wherever and whenever.
    """

    direction: str
    trials: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[int, dict[str, Any]] = field(default_factory=dict)
    groups: list[dict[str, Any]] = field(default_factory=list)
    ended: str = ""
    seconds: float = 0.0

    def take(self, result: Mapping[str, Any]) -> None:
        """Take a job's result."""
        self.trials = sorted([*self.trials, *result["trials"]], key=lambda t: t["number"])
        self.curves = sorted([*self.curves, *result["curves"]], key=lambda c: c["number"])
        self.outcomes |= {int(number): outcome for number, outcome in result.get("outcomes", {}).items()}
        self.seconds += float(result.get("seconds", 0.0))
        self.groups = sorted([*self.groups, *result.get("groups", [])], key=lambda g: g["members"][0])

    @property
    def scored(self) -> list[dict[str, Any]]:
        """The trials that have a score."""
        return [t for t in self.trials if t["score"] is not None]

    def best(self) -> dict[str, Any] | None:
        """Return the best trial: by score, of equals by loss, of equals the first; one given up only if all were."""
        return min(self.scored, key=self.rank, default=None)

    def rank(self, trial: Mapping[str, Any]) -> tuple[bool, float, float, int]:
        """Return what trials are sorted by, the best first."""
        score = -trial["score"] if self.direction == "maximize" else trial["score"]
        loss = math.inf if trial["loss"] is None else trial["loss"]
        return trial["state"] != "complete", score, loss, trial["number"]


def search(
    plan: Plan,
    work: Work,
    book: JobBook,
    *,
    store: StudyStore | None = None,
    pool: Pool | None = None,
    reporter: StudyReporter | None = None,
    on_found: Callable[[Found], None] | None = None,
    name: str = "search",
) -> Found:
    """Run a plan's jobs to its end.

    What was done before, as the book has it, is not done again: the plan is asked and told all over, and comes to the
    same jobs.

    Parameters
    ----------
    plan : Plan
    work : Work
        Does a job in this process.
    book : JobBook
        Where results are kept.
    store : StudyStore, optional
        Where trials are shown to Optuna's tools.
    pool : Pool, optional
        Does the jobs elsewhere.
    reporter : StudyReporter, optional
    on_found : callable, optional
        Called with all that was found whenever a job has ended.
    name : str
        What the reporter is told.

    Raises
    ------
    TrainingInterrupted
        When it was asked to stop; what was done is in the book.
    """
    reporter = reporter or StudyReporter()
    found = Found(work.source.direction)
    first = True
    while jobs := plan.jobs():
        results = {job["id"]: result for job in jobs if (result := book.result(job)) is not None}
        todo = [job for job in jobs if job["id"] not in results]
        for job in jobs:
            if job["id"] in results:
                found.take(results[job["id"]])
                _write_down(store, results[job["id"]], work.source.metric)
        if first:
            reporter.on_search(name, plan.trials, work.base.epochs, len(found.trials))
            first = False

        def kept(job: Job, result: dict[str, Any], results: dict[int, Any] = results) -> None:
            """Take a new result: first into the book, then everywhere else."""
            if "trials" not in result:  # the job as a whole went wrong
                result = _all_failed(job, work, str(result.get("problem")))
            result = plain(result)
            book.put(job, result)
            results[job["id"]] = result
            found.take(result)
            _write_down(store, result, work.source.metric)
            if on_found is not None:
                on_found(found)
            reporter.on_trials(result["trials"], found.best())

        if pool is None:
            for job in todo:
                if work.hooks.over():
                    found.ended = TIME_UP
                    break
                _begin(store, [job])
                kept(job, _done_here(work, book, job, reporter))
        elif todo:
            _begin(store, todo)
            by_id = {job["id"]: job for job in todo}

            def came(result: dict[str, Any], by_id: Any = by_id, kept: Any = kept) -> None:
                kept(by_id[result["id"]], result)

            pool.run([{**job, "layouts": book.layouts(job)} for job in todo], came)
        if found.ended:
            break
        for job in jobs:
            plan.take(job, results[job["id"]])
    reporter.on_search_end()
    return found


def _done_here(work: Work, book: JobBook, job: Job, reporter: StudyReporter) -> dict[str, Any]:
    """Do a job in this process; what goes wrong in it is its result."""
    reporter.on_wait(f"preparing {len(job['trials'])} trials")
    work.hooks.on_layouts = lambda groups: book.put_layouts(job, groups)
    try:
        return work({**job, "layouts": book.layouts(job)})
    except TrainingInterrupted:
        raise
    except (GradwrightError, MemoryError, RuntimeError) as error:  # XLA's are RuntimeErrors
        return failed(job, f"{type(error).__name__}: {error}"[:2000])


def _all_failed(job: Job, work: Work, problem: str) -> dict[str, Any]:
    return {
        "trials": [work.refused(t["number"], t["parameters"], problem)["trial"] for t in job["trials"]],
        "curves": [],
    }


# --- Optuna's storage -------------------------------------------------------------------------------------------------
def _begin(store: StudyStore | None, jobs: Sequence[Job]) -> None:
    """Note that trials begin; those of a broken-off job begin again."""
    if store is None:
        return
    states = {trial.number: trial.state for trial in store.trials()}
    trials = [t for job in jobs for t in job["trials"] if states.get(t["number"]) in (None, "waiting")]
    store.begin([t["number"] for t in trials], [t["parameters"] for t in trials])


def _write_down(store: StudyStore | None, result: Mapping[str, Any], metric: str) -> None:
    """Bring a job's trials into the storage, as far as they are not there."""
    if store is None:
        return
    states = {trial.number: trial.state for trial in store.trials()}
    curves = {curve["number"]: curve for curve in result["curves"]}
    with store.together():
        for trial in result["trials"]:
            number, state = trial["number"], states.get(trial["number"])
            if state in ("complete", "pruned", "failed"):
                continue
            if state != "running":
                store.begin([number], [trial["parameters"]])
            curve = curves.get(number, {})
            for epoch, value in zip(curve.get("epoch", []), curve.get(f"validation_{metric}", []), strict=False):
                if value is not None:
                    store.report(number, int(epoch), value)
            told = {k: trial[k] for k in ("seed", "epochs", "best_epoch", "loss", "problem", "parent", "rung")}
            store.finish(number, trial["state"], trial["score"], {k: v for k, v in told.items() if v is not None})
