"""The estimators beside scikit-learn's perceptrons: five repeats of 5-fold cross-validation on the built-in sets.

``python benchmarks/estimators.py`` prints it. Both sides see the same folds, standardised columns (and for diabetes a
standardised target) and default arguments, and take turns, fold by fold, in one process for each set. That process
starts with no program kept anywhere, so its first fit imports JAX and compiles; a second process finds the programs on
disk. scikit-learn's matrix products run on one thread, which on networks of this size is its faster way.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from typing import Any

from asked import said, table

SETS = ("digits", "iris", "wine", "breast-cancer", "diabetes")
FOLDS, REPEATS = 5, 5
#: The score that was asked of ours: accuracy, and for diabetes R²; about what scikit-learn's perceptrons reach.
ASKED = {"digits": 0.980, "wine": 0.980, "breast-cancer": 0.976, "diabetes": 0.42}


def load(name: str) -> tuple[Any, Any]:
    """Return the columns and the target of a built-in set."""
    from sklearn import datasets

    loaders = {"breast-cancer": datasets.load_breast_cancer}
    X, y = (loaders.get(name) or getattr(datasets, f"load_{name}"))(return_X_y=True)
    return X, y


def contenders(name: str, seed: int) -> dict[str, Any]:
    """Return both sides, with the same preparation."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from gradwright.sklearn import GradwrightClassifier, GradwrightRegressor

    if name == "diabetes":
        theirs = TransformedTargetRegressor(
            make_pipeline(StandardScaler(), MLPRegressor(random_state=seed)), transformer=StandardScaler()
        )
        return {"ours": GradwrightRegressor(random_state=seed), "theirs": theirs}
    theirs = make_pipeline(StandardScaler(), MLPClassifier(random_state=seed))
    return {"ours": GradwrightClassifier(random_state=seed), "theirs": theirs}


def measure(name: str, fits: int) -> dict[str, list[dict[str, float]]]:
    """Fit both sides to the first ``fits`` folds; return scores and seconds."""
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

    X, y = load(name)
    folds = (RepeatedKFold if name == "diabetes" else RepeatedStratifiedKFold)(
        n_splits=FOLDS, n_repeats=REPEATS, random_state=0
    )
    found: dict[str, list[dict[str, float]]] = {"ours": [], "theirs": []}
    for k, (train, test) in enumerate(folds.split(X, y)):
        if k == fits:
            break
        both = contenders(name, k)
        for side in ("ours", "theirs") if k % 2 == 0 else ("theirs", "ours"):
            model = both[side]
            time.sleep(0.05)  # idle threads of the one before spin for a while
            started = time.perf_counter()
            model.fit(X[train], y[train])
            fitted = time.perf_counter()
            found[side].append({"score": model.score(X[test], y[test]), "seconds": fitted - started})
    return found


def in_a_process(name: str, fits: int, cache: str) -> dict[str, list[dict[str, float]]]:
    """Measure in a process of its own, with programs kept in ``cache``."""
    environment = {**os.environ, "GRADWRIGHT_CACHE": cache, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--one", name, "--fits", str(fits)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    result: dict[str, list[dict[str, float]]] = json.loads(done.stdout.splitlines()[-1])
    return result


def rows(name: str) -> tuple[list[object], list[object]]:
    """Return a set's lines of the two tables: scores, and seconds."""
    from scipy.stats import t

    with tempfile.TemporaryDirectory() as cache:
        found = in_a_process(name, FOLDS * REPEATS, cache)
        kept = in_a_process(name, 1, cache)
    scores = {side: [f["score"] for f in found[side]] for side in found}
    seconds = {side: [f["seconds"] for f in found[side]] for side in found}
    n = len(scores["ours"])
    differences = [a - b for a, b in zip(scores["ours"], scores["theirs"], strict=True)]
    # folds share rows, so their differences are not independent: Nadeau and Bengio's correction (2003)
    error = statistics.stdev(differences) * math.sqrt(1 / n + 1 / (FOLDS - 1))
    mean, half = statistics.fmean(differences), float(t.ppf(0.975, n - 1)) * error
    line: list[object] = [name]
    line += [f"{statistics.fmean(s):.4f} ± {statistics.stdev(s):.4f}" for s in (scores["ours"], scores["theirs"])]
    least, ours = ASKED.get(name), statistics.fmean(scores["ours"])
    line += ["" if least is None else f"{least:g}: {said(ours >= least)}"]
    line += [f"{mean:+.4f} ± {half:.4f}", said(mean + half >= 0)]
    warm = {side: statistics.median(values) for side, values in seconds.items()}
    totals = {side: sum(values) for side, values in seconds.items()}
    times: list[object] = [name, f"{seconds['ours'][0]:.2f} s", f"{kept['ours'][0]['seconds']:.2f} s"]
    times += [f"{warm['ours']:.3f} s", f"{warm['theirs']:.3f} s", f"{warm['theirs'] / warm['ours']:.1f}"]
    times += [f"{totals['ours']:.1f} s", f"{totals['theirs']:.1f} s", said(totals["ours"] < totals["theirs"])]
    return line, times


def section(sets: tuple[str, ...] = SETS) -> list[str]:
    """Measure and return the lines of the report."""
    lines = [rows(name) for name in sets]
    scores = ("set", "ours", "scikit-learn's", "asked of ours", "difference, 95%", "no worse")
    times = (
        "set", "first fit", "first, programs on disk", "warm fit", "scikit-learn's fit", "times faster", "25 fits",
        "scikit-learn's 25", "faster, compiling included",
    )  # fmt: skip
    return [
        "## Estimators", "", *table(scores, [a for a, _ in lines]), "", *table(times, [b for _, b in lines]),
    ]  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--fits", type=int, default=FOLDS * REPEATS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        warnings.simplefilter("ignore")
        print(json.dumps(measure(asked.one, asked.fits)))
    else:
        print("\n".join(section(tuple(asked.sets))))
