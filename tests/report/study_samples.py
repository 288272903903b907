"""Study folders to report on, none of them from real training: what a study of each kind leaves behind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

Files = dict[str, str]

_SPECS: list[tuple[str, dict[str, Any]]] = [
    ("lr", {"kind": "log", "low": 1e-5, "high": 1e-1}),
    ("weight_decay", {"kind": "log", "low": 1e-6, "high": 1e-2}),
    ("dropout", {"kind": "linear", "low": 0.0, "high": 0.6}),
    ("hidden", {"kind": "categorical", "choices": [[32], [64, 64], [128, 64, 32]]}),
    ("optimizer", {"kind": "categorical", "choices": ["sgd", "adam", "adamw"]}),
    ("momentum", {"kind": "linear", "low": 0.0, "high": 0.99, "when": {"optimizer": ["sgd"]}}),
    ("batch_size", {"kind": "integer", "low": 16, "high": 256, "step": 16}),
    ("label_smoothing", {"kind": "linear", "low": 0.0, "high": 0.2}),
    ("batch_norm", {"kind": "categorical", "choices": [True, False]}),
    ("clip_norm", {"kind": "log", "low": 0.1, "high": 10.0}),
    ("noise", {"kind": "linear", "low": 0.0, "high": 0.3}),
    ("schedule", {"kind": "categorical", "choices": ["constant", "cosine", "one_cycle", "step", "linear", "plateau"]}),
]


def _drawn(spec: dict[str, Any], random: np.random.Generator) -> Any:
    if spec["kind"] == "categorical":
        return spec["choices"][int(random.integers(len(spec["choices"])))]
    low, high = spec["low"], spec["high"]
    if spec["kind"] == "log":
        return float(math.exp(random.uniform(math.log(low), math.log(high))))
    if spec["kind"] == "integer":
        return int(low + spec.get("step", 1) * random.integers((high - low) // spec.get("step", 1) + 1))
    return float(random.uniform(low, high))


def _study(kind: str, *, metric: str = "accuracy", **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "source": "digits",
        "task": {"kind": "multiclass" if metric == "accuracy" else "regression"},
        "metric": metric,
        "direction": "maximize" if metric == "accuracy" else "minimize",
        "config": {
            "source": "digits",
            "hidden": [64, 64],
            "optimizer": "adam",
            "lr": 0.001,
            "epochs": 30,
            "batch_size": 32,
        },
        "space": {},
        "strategy": {"name": kind},
        "rows": 1527,
        "started": "2026-01-01T12:00:00+00:00",
        "environment": {"gradwright": "0.5.0", "numpy": "2.3.0", "jax": "0.8.0", "cpus": 2},
        "groups": [
            {
                "members": [0, 1],
                "why": "adam, batch size 32, relu, 64-64",
                "layout": {
                    "name": "fused",
                    "chunk": 64,
                    "lanes": 1,
                    "seconds": {"vmapped": 0.0132, "fused": 0.0071, "sequential": 0.0102},
                    "why": "the fastest of three in a probe of 20 steps",
                },
                "bytes": 50_000_000,
            }
        ],
        **more,
    }


def _curve(number: int, epochs: int, final: float, metric: str, random: np.random.Generator) -> dict[str, Any]:
    t = np.arange(1, epochs + 1)
    rate = random.uniform(0.1, 0.5)
    rising = final * (1 - 0.9 * np.exp(-rate * t)) + random.normal(0, 0.004, epochs)
    loss = (
        2.3 * np.exp(-rate * t)
        + (1.05 - final if metric == "accuracy" else final / 100)
        + random.normal(0, 0.01, epochs) ** 2
    )
    judged = np.clip(rising, 0, 1) if metric == "accuracy" else final * (1 + 2 * np.exp(-rate * t))
    return {
        "number": number,
        "epoch": t.tolist(),
        "train_loss": (loss * 0.8).round(5).tolist(),
        "validation_loss": loss.round(5).tolist(),
        f"validation_{metric}": judged.round(5).tolist(),
    }


def _trial(number: int, **more: Any) -> dict[str, Any]:
    blank = dict.fromkeys(
        ("score", "loss", "epochs", "best_epoch", "seed", "fold", "repeat", "arm", "problem", "parent", "rung")
    )
    return {"number": number, "parameters": {}, "state": "complete", **blank, **more}


def _files(study: dict[str, Any], trials: list[Any], curves: list[Any], result: dict[str, Any] | None) -> Files:
    files = {
        "study.json": json.dumps(study),
        "trials.jsonl": "".join(json.dumps(t) + "\n" for t in trials),
        "curves.jsonl": "".join(json.dumps(c) + "\n" for c in curves),
    }
    return files if result is None else files | {"result.json": json.dumps(result)}


def tune_files(
    trials: int = 64,
    parameters: int = 4,
    *,
    metric: str = "accuracy",
    epochs: int = 30,
    seed: int = 0,
    trouble: bool = True,
    names: str = "",
) -> Files:
    """A search: some members pruned, some failed, one parameter that is not always there; names begin with `names`."""
    random = np.random.default_rng(seed)
    specs = {names + name: spec for name, spec in _SPECS[:parameters]}
    if names:
        for spec in specs.values():
            if spec.get("when"):
                specs = {
                    k: {**s, "when": {names + w: v for w, v in s["when"].items()}} if s.get("when") else s
                    for k, s in specs.items()
                }
    rows, curves = [], []
    for n in range(trials):
        given = {name: _drawn(spec, random) for name, spec in specs.items()}
        given = {k: v for k, v in given.items() if all(given.get(w) in o for w, o in specs[k].get("when", {}).items())}
        lr = given.get(names + "lr", 0.01)
        quality = (
            0.98
            - 0.05 * (math.log10(lr) + 2.6) ** 2
            - 0.05 * given.get(names + "dropout", 0.1)
            + random.normal(0, 0.01)
        )
        quality = min(max(quality, 0.1), 0.9933)
        score = quality if metric == "accuracy" else 40 + 100 * (1 - quality)
        state, ran, problem = "complete", epochs, None
        if trouble and lr > 0.05:
            state, ran, problem = "failed", min(3, epochs), "loss stopped being a number in epoch 3"
        elif trouble and n % 5 == 4 and trials > 2:
            state, ran = "pruned", max(1, epochs // 3)
        curve = _curve(n, ran, score, metric, random)
        if state == "failed":
            curve["validation_loss"][-1] = None
        curves.append(curve)
        failed = state == "failed"
        rows.append(
            _trial(
                n,
                parameters=given,
                state=state,
                score=None if failed else round(score, 6),
                loss=None if failed else 0.2,
                epochs=ran,
                best_epoch=max(1, ran - 1),
                seed=n,
                problem=problem and names + problem,
                rung=0 if state == "pruned" else None,
            )
        )
    scored = [r for r in rows if r["state"] == "complete"]
    sign = 1 if metric == "accuracy" else -1
    best = max(scored, key=lambda r: sign * r["score"], default=None)
    weights = random.dirichlet(np.linspace(3, 0.4, parameters)) if parameters > 1 else [1.0]
    test = (
        {"value": 0.9611, "low": 0.9333, "high": 0.9806}
        if metric == "accuracy"
        else {"value": 55.2, "low": 50.1, "high": 60.7}
    )
    result = {
        "best": best["number"] if best else None,
        "score": best["score"] if best else None,
        "tried": trials,
        "optimism": {
            "tried": trials,
            "best": best["score"] if best else None,
            "noise": 0.0046,
            "bound": 0.0107,
            "estimate": 0.0042,
            "corrected": best["score"] - 0.0042 if best else None,
            "words": "The best score owes about 0.42 points to having been chosen among so many.",
            "source": "Cawley and Talbot 2010",
        }
        if trials > 1
        else {},
        "importance": dict(zip(specs, map(float, sorted(weights, reverse=True)), strict=True)),
        "refit": {
            "run": "20260101-120000-digits",
            "test": {"task": "multiclass", "test": {"rows": 270, metric: test, "loss": 0.13}},
        },
        "nested": {"mean": 0.9583, "low": 0.94, "high": 0.97} if metric == "accuracy" else None,
    }
    study = _study("tune", metric=metric, space=specs, strategy={"name": "tpe", "batch": 16, "pruner": "asha"})
    if names:
        study["source"] = names + study["source"]
        study["groups"][0]["why"] = names
    return _files(study, rows, curves, result)


def cv_files(folds: int = 5, repeats: int = 2, *, metric: str = "accuracy", epochs: int = 20, names: str = "") -> Files:
    """A cross-validation with baselines on the same folds."""
    random = np.random.default_rng(1)
    scores = random.normal(0.96, 0.012, (repeats, folds)).clip(0, 1).round(5)
    if metric == "rmse":
        scores = (scores * 60).round(4)
    rows, curves = [], []
    for r in range(repeats):
        for f in range(folds):
            n = r * folds + f
            rows.append(
                _trial(
                    n, score=float(scores[r, f]), loss=0.1, epochs=epochs, best_epoch=epochs, seed=r, fold=f, repeat=r
                )
            )
            curves.append(_curve(n, epochs, float(scores[r, f]), metric, random))
    mean, std = float(scores.mean()), float(scores.std(ddof=1)) if scores.size > 1 else None
    half = 2.0 * (std or 0.0) / math.sqrt(scores.size)
    worse = (scores - 0.04).round(5) if metric == "accuracy" else scores * 1.2
    baselines = [
        {
            "name": names + "logistic regression",
            "description": names + "a linear model; its penalty chosen among as many values",
            "mean": float(worse.mean()),
            "low": float(worse.mean()) - half,
            "high": float(worse.mean()) + half,
            "per_fold": [float(s) for s in worse.ravel()],
        },
        {"name": "majority class", "mean": 0.11 if metric == "accuracy" else 77.0},
    ]
    result = {
        "folds": folds,
        "repeats": repeats,
        "mean": mean,
        "std": std,
        "low": mean - half,
        "high": mean + half,
        "method": "corrected resampled t interval (Nadeau and Bengio 2003), 95%",
        "per_fold": [{"fold": r["fold"], "repeat": r["repeat"], "score": r["score"]} for r in rows],
        "baselines": baselines,
    }
    study = _study("cv", metric=metric)
    study["source"] = names + study["source"]
    return _files(study, rows, curves, result)


def seeds_files(seeds: int = 16, *, epochs: int = 25, names: str = "") -> Files:
    """One configuration under many seeds; members stop at different epochs."""
    random = np.random.default_rng(2)
    scores = random.normal(0.963, 0.006, seeds).round(5).tolist()
    rows, curves = [], []
    for n, s in enumerate(scores):
        ran = max(1, epochs - n % 4)
        rows.append(_trial(n, score=s, loss=0.1, epochs=ran, best_epoch=ran, seed=100 + n))
        curves.append(_curve(n, ran, s, "accuracy", random))
    std = float(np.std(scores, ddof=1)) if seeds > 1 else None
    result = {
        "mean": float(np.mean(scores)),
        "std": std,
        "low": min(scores),
        "high": max(scores),
        "method": "smallest and largest",
        "spread": max(scores) - min(scores),
        "per_seed": [{"seed": r["seed"], "score": r["score"]} for r in rows],
    }
    study = _study("seeds")
    study["source"] = names + study["source"]
    return _files(study, rows, curves, result)


def compare_files(arms: int = 2, *, names: str = "", epochs: int = 15) -> Files:
    """Arms on the same halves, with tests."""
    random = np.random.default_rng(3)
    labels = [names + name for name in ("wide.toml", "narrow.toml", "deep.toml", "dropout.toml")][:arms]
    rows, curves = [], []
    for a, name in enumerate(labels):
        for r in range(5):
            for f in range(2):
                s = round(float(0.95 - 0.012 * a + 0.004 * r + random.normal(0, 0.004)), 5)
                n = len(rows)
                rows.append(
                    _trial(n, score=s, loss=0.1, epochs=epochs, best_epoch=epochs, seed=r, fold=f, repeat=r, arm=name)
                )
                curves.append(_curve(n, epochs, s, "accuracy", random))
    means = [float(np.mean([r["score"] for r in rows if r["arm"] == name])) for name in labels]
    tests = [
        {
            "name": "combined 5×2cv F",
            "statistic": 6.1234,
            "p": 0.0312,
            "df": [10, 5],
            "words": names + "The arms differ at the 5% level.",
            "source": "Alpaydin 1999",
        },
        {
            "name": "5×2cv t",
            "statistic": 2.0113,
            "p": 0.1004,
            "df": 5,
            "words": "No difference is shown.",
            "source": "Dietterich 1998",
        },
    ]
    result = {
        "arms": [{"name": n, "mean": m, "description": "64-64, adam"} for n, m in zip(labels, means, strict=True)],
        "tests": tests if arms > 1 else [],
        "words": ["By the combined 5×2cv F test the first configuration is better than the second."],
    }
    return _files(_study("compare", source=names + "digits"), rows, curves, result)


def ablate_files(parts: int = 6, *, metric: str = "accuracy", names: str = "") -> Files:
    """Parts with differences of either sign, one of them perhaps chance."""
    kinds = [
        "dropout",
        "batch norm",
        "weight decay",
        "augmentation",
        "shortcut",
        "column group pixel_0_*",
        "label smoothing",
    ]
    listed = [names + (kinds[i] if i < len(kinds) else f"column {i}") for i in range(parts)]
    factor = 1.0 if metric == "accuracy" else -100.0
    gaps = [-0.021, -0.009, 0.004, -0.0005, -0.0132, 0.0001, -0.003]
    base = 0.962 if metric == "accuracy" else 52.0
    each, chain, total = [], [], 0.0
    for i, name in enumerate(listed):
        gap = gaps[i % len(gaps)] * factor
        half = 0.003 * abs(factor)
        each.append(
            {
                "name": name,
                "what": f"{name} left out",
                "mean": base + gap,
                "difference": gap,
                "low": gap - half,
                "high": gap + half,
                "p": 0.001 + 0.1 * i,
                "words": "worse without it" if i == 0 else None,
            }
        )
        total += gap * 0.8
        chain.append({**each[-1], "mean": base + total, "difference": total, "low": total - half, "high": total + half})
    result = {
        "metric": metric,
        "base": {"mean": base, "low": base - 0.004, "high": base + 0.004},
        "parts": each,
        "cumulative": chain,
    }
    trials = [_trial(i, score=base, seed=i, arm="the whole", epochs=10) for i in range(4)]
    return _files(_study("ablate", metric=metric, source=names + "digits"), trials, [], result)


KINDS = {"tune": tune_files, "cv": cv_files, "seeds": seeds_files, "compare": compare_files, "ablate": ablate_files}


def write_files(folder: Path, files: Files) -> Path:
    """Write the files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def _changed(files: Files, name: str, **fields: Any) -> Files:
    return files | {name: json.dumps(json.loads(files[name]) | fields)}


def empty_files(kind: str) -> Files:
    """A study that was broken off before anything had happened."""
    study = {"kind": kind, "source": "digits", "metric": "accuracy", "direction": "maximize"}
    return {"study.json": json.dumps(study), "trials.jsonl": "", "curves.jsonl": ""}


def failed_files(kind: str) -> Files:
    """A study all of whose members failed."""
    files = KINDS[kind]()
    trials = [json.loads(line) for line in files["trials.jsonl"].splitlines()]
    lost = {"state": "failed", "score": None, "loss": None, "problem": "loss stopped being a number in epoch 1"}
    lines = "".join(json.dumps(t | lost) + "\n" for t in trials)
    return {"study.json": files["study.json"], "trials.jsonl": lines, "curves.jsonl": "", "result.json": "{}"}


#: What the report must cope with, by a name.
VARIANTS: dict[str, Files] = {
    **{kind: make() for kind, make in KINDS.items()},
    **{f"{kind} empty": empty_files(kind) for kind in KINDS},
    **{f"{kind} failed": failed_files(kind) for kind in KINDS},
    "tune of one": tune_files(1, 1, epochs=1),
    "tune of two": tune_files(2, 2, trouble=False),
    "tune of eight": tune_files(8, 6),
    "tune with twelve parameters": tune_files(24, 12),
    "tune of errors": tune_files(30, 6, metric="rmse"),
    "tune without a result": {k: v for k, v in tune_files(8, 3).items() if k != "result.json"},
    "tune with equal scores": tune_files(6, 2, trouble=False)
    | {"trials.jsonl": "".join(json.dumps(_trial(i, score=0.5, parameters={"lr": 0.1})) + "\n" for i in range(6))},
    "cv of one epoch": cv_files(2, 1, epochs=1),
    "cv leaving one out": cv_files(40, 1),
    "cv of errors": cv_files(10, 3, metric="rmse"),
    "seeds of one": seeds_files(1, epochs=1),
    "compare of four": compare_files(4),
    "compare of one": compare_files(1),
    "ablate of errors": ablate_files(metric="rmse"),
    "ablate of many": ablate_files(40),
    "long names": tune_files(12, 12, names="very_long_name_" * 20),
    "long arms": compare_files(3, names="w" * 300),
    "long parts": ablate_files(7, names="w" * 300),
}
