"""A made-up run, for the examples in docstrings and for looking at the report without training anything."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from gradwright.report.records import RunRecord, parse_record

__all__ = ["example_files", "example_record"]


def example_record(task: str = "multiclass", **options: Any) -> RunRecord:
    """The record of a run that never was; options as in `example_files`.

    Examples
    --------
    >>> len(example_record("binary", epochs=5).metrics)
    5
    """
    return parse_record(example_files(task, **options), name="example")


def example_files(
    task: str = "multiclass",
    *,
    classes: int | list[str] | None = None,
    epochs: int = 24,
    hidden: int = 2,
    looks: int = 1,
    compare: bool = False,
    shelf: bool = False,
    audited: bool = False,
) -> dict[str, str]:
    """The record files of a run that never was, by name; no figure in it was measured.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
    classes : int or list of str, optional
        How many classes, or their names; 2 or 10 unless told.
    epochs, hidden, looks : int
        Epochs trained, hidden layers, looks at the test part.
    compare : bool
        Whether the run was compared with PyTorch.
    shelf : bool
        Whether it had a schedule, a learning-rate range test and augmentation.
    audited : bool
        Whether leaks were looked for, sizes advised, and looks counted across runs: two others had looked before.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> sorted(example_files())[:3]
    ['baselines.json', 'config.given.toml', 'config.json']
    """
    if classes is None:
        classes = 2 if task == "binary" else 10
    names = [str(i) for i in range(classes)] if isinstance(classes, int) else classes
    random = np.random.default_rng(0)
    regression = task == "regression"
    result = _numbers(random) if regression else _classes(random, names)
    best = min(range(1, epochs + 1), key=lambda i: _epoch(i, epochs, regression)["validation_loss"])
    network = _network(hidden, 1 if regression else len(names))
    files: dict[str, Any] = {
        "config.json": {
            "source": "digits",
            "target": "target",
            "seed": 0,
            "network": {"hidden": [128] * hidden, "activation": "relu", "dropout": 0.1, "batch_norm": False},
            "training": {
                "optimizer": "adam",
                "lr": 0.003,
                "batch_size": 32,
                "epochs": epochs,
                "patience": 10,
            },
        },
        "environment.json": {
            "gradwright": "0.1.0",
            "python": "3.11.2",
            "numpy": "2.4.0",
            "jax": "0.10.2",
            "platform": "Linux",
            "cpus": 2,
            "started": "2026-01-01T12:00:00+00:00",
            "command": "gradwright train digits --seed 0",
        },
        "data.json": {
            "source": "diabetes" if regression else "digits",
            "kind": "table",
            "fingerprint": "sha256:" + "3f" * 32,
            "rows": 1797,
            "features": 64,
            "columns": [
                {"name": f"pixel_{i // 8}_{i % 8}", "kind": "numeric", "missing": i % 3 // 2, "distinct": 17}
                for i in range(64)
            ],
            "target": "target",
            "task": {
                "kind": task,
                "reason": "214 distinct numbers" if regression else f"{len(names)} distinct values in 1,797 rows",
                "classes": None if regression else names,
                "class_counts": None if regression else [1797 // len(names)] * len(names),
                "unit": None,
            },
            "split": {
                "train": 1257,
                "validation": 270,
                "test": 270,
                "stratified": not regression,
                "given": False,
                "seed": 0,
            },
            "prepared_features": 64,
            "notes": ["3 columns hold one value only and were left out"],
        },
        "baselines.json": _baselines(regression, len(names)),
        "network.json": network,
        "result.json": {
            "task": task,
            "metric": "rmse" if regression else "accuracy",
            "test": result,
            "best_epoch": best,
            "epochs": epochs,
            "stopped": "early: validation loss did not improve for 10 epochs",
            "validation": {"loss": 0.1, "rmse" if regression else "accuracy": 0.97},
            "seconds": {
                "read": 0.1,
                "prepare": 0.02,
                "baselines": 0.5,
                "first epoch": 0.8,
                "train": 2.0,
                "total": 4.1,
            },
            "parameters": network["parameters"],
            "looks": looks,
        },
        "findings.json": [
            {
                "severity": "warning",
                "title": "The training accuracy runs ahead of the validation accuracy",
                "detail": "By 2.4 points at the end. More dropout or a smaller network may help.",
            },
            {
                "severity": "info",
                "title": "Early stopping ended the training",
                "detail": "The best weights were kept.",
            },
        ],
    }
    if compare:
        files["compare.json"] = _compare(epochs, regression)
    if shelf:
        files |= _shelf(epochs)
    if audited:
        _audit(files, looks)
    texts = {name: json.dumps(value) for name, value in files.items()}
    texts["config.given.toml"] = 'source = "digits"\nseed = 0\n\n[network]\nhidden = [128, 128]\n'
    texts["metrics.jsonl"] = _lines([_epoch(i, epochs, regression) for i in range(1, epochs + 1)])
    texts["ledger.jsonl"] = _lines(
        [
            {
                "look": i,
                "time": f"2026-01-0{min(i, 9)}T12:00:00+00:00",
                "command": "train" if i == 1 else "evaluate",
                "reason": "final evaluation" if i == 1 else "looked at again with --again",
            }
            for i in range(1, looks + 1)
        ]
    )
    return texts


def _lines(values: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def _epoch(epoch: int, epochs: int, regression: bool) -> dict[str, Any]:
    gone = epoch / max(epochs, 2)
    wobble = 0.02 * float(np.sin(5.3 * epoch))
    train = 1.6 * float(np.exp(-6 * gone)) + 0.02
    validation = 1.5 * float(np.exp(-6 * gone)) + 0.1 + 0.08 * gone**2 + wobble
    line: dict[str, Any] = {"epoch": epoch, "train_loss": train, "validation_loss": validation}
    if regression:
        line |= {"train_rmse": 50 + 30 * train, "validation_rmse": 52 + 30 * validation, "validation_r2": 0.4}
    else:
        line |= {"train_accuracy": 1 - 0.3 * train, "validation_accuracy": 1 - 0.28 * validation}
    return line | {"learning_rate": 0.003, "seconds": 0.07}


def _classes(random: np.random.Generator, names: list[str]) -> dict[str, Any]:
    size, support = len(names), max(2, 270 // len(names))
    confusion = np.diag(np.full(size, support))
    for truth, guess in random.integers(0, size, (max(3, size // 2), 2)):
        moved = min(2, confusion[truth, truth] - 1) if truth != guess else 0
        confusion[truth, truth] -= moved
        confusion[truth, guess] += moved
    right = np.diag(confusion).astype(float)
    precision = right / np.maximum(confusion.sum(0), 1)
    recall = right / confusion.sum(1)
    accuracy, rows = float(right.sum() / confusion.sum()), int(confusion.sum())
    margin = 1.96 * (accuracy * (1 - accuracy) / rows) ** 0.5
    return {
        "rows": rows,
        "loss": 0.12,
        "accuracy": {
            "value": accuracy,
            "low": max(0.0, accuracy - margin),
            "high": min(1.0, accuracy + margin),
            "method": "Wilson",
        },
        "classes": names,
        "confusion": confusion.tolist(),
        "per_class": [
            {
                "class": name,
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(2 * precision[i] * recall[i] / (precision[i] + recall[i])),
                "support": int(confusion[i].sum()),
            }
            for i, name in enumerate(names)
        ],
    }


def _numbers(random: np.random.Generator) -> dict[str, Any]:
    target = random.gamma(4, 38, 270)
    prediction = 150 + 0.55 * (target - 150) + random.normal(0, 38, 270)
    return {
        "rows": 270,
        "loss": 0.52,
        "rmse": {"value": 53.4, "low": 49.1, "high": 57.8, "method": "bootstrap"},
        "r2": {"value": 0.48, "low": 0.37, "high": 0.57, "method": "bootstrap"},
        "mae": 43.1,
        "target_name": "disease_progression",
        "target": target.round(1).tolist(),
        "prediction": prediction.round(1).tolist(),
    }


def _baselines(regression: bool, classes: int) -> list[dict[str, Any]]:
    if regression:
        rows = [("mean", "always says the training mean", 77.2), ("linear regression", "least squares", 55.9)]
        spread = 4.5
    else:
        chance = 1 / classes
        rows = [
            ("majority class", "always says the most frequent class", chance * 1.02),
            ("random in proportion", "draws a class as often as it occurs", chance),
            ("logistic regression", "a linear model of the same features", 0.944),
        ]
        spread = 0.027
    return [
        {
            "name": name,
            "description": description,
            "validation": value,
            "test": {"value": value, "low": max(0.0, value - spread), "high": value + spread * 0.8},
        }
        for name, description, value in rows
    ]


def _network(hidden: int, outputs: int) -> dict[str, Any]:
    layers: list[dict[str, Any]] = []
    nodes: list[dict[str, Any]] = [{"id": 0, "op": "input", "label": "x", "shape": [32, 64]}]
    edges: list[list[int]] = []

    def node(op: str, label: str, shape: list[int], *inputs: int) -> int:
        nodes.append({"id": len(nodes), "op": op, "label": label, "shape": shape})
        edges.extend([source, len(nodes) - 1] for source in inputs)
        return len(nodes) - 1

    last, width = 0, 64
    for size in [128] * hidden + [outputs]:
        path = str(len(layers))
        weight = node("parameter", f"{path}.weight", [size, width])
        bias = node("parameter", f"{path}.bias", [size])
        last = node("linear", f"{path}", [32, size], last, weight, bias)
        layers.append(
            {
                "path": path,
                "type": "Linear",
                "detail": f"in_features={width}, out_features={size}",
                "output_shape": [None, size],
                "parameters": size * width + size,
            }
        )
        width = size
        if len([layer for layer in layers if layer["type"] == "Linear"]) <= hidden:
            last = node("relu", str(len(layers)), [32, size], last)
            layers.append(
                {
                    "path": str(len(layers)),
                    "type": "ReLU",
                    "detail": "",
                    "output_shape": [None, size],
                    "parameters": 0,
                }
            )
    target = node("input", "y", [32])
    node("cross_entropy" if outputs > 1 else "mse_loss", "loss", [], last, target)
    total = sum(layer["parameters"] for layer in layers)
    return {
        "layers": layers,
        "parameters": total,
        "trainable": total,
        "graph": {"nodes": nodes, "edges": edges},
    }


def _compare(epochs: int, regression: bool) -> dict[str, Any]:
    lines = []
    for i in range(1, epochs + 1):
        line = _epoch(i, epochs, regression)
        difference = 2e-7 * i
        lines.append(line | {"loss_difference": difference, "weight_difference": difference * 3})
    return {
        "library": "torch",
        "version": "2.13.0",
        "dtype": "float32",
        "mode": "compiled",
        "epochs": lines,
        "max_loss_difference": 2e-7 * epochs,
        "max_weight_difference": 6e-7 * epochs,
        "seconds": {"gradwright": 1.2, "torch": 9.4},
    }


def _audit(files: dict[str, Any], looks: int) -> None:
    """Findings of an audit, advice, and the looks of two other runs."""
    files["audit.json"] = [
        {
            "kind": "sample",
            "severity": "info",
            "title": "Near-duplicates were looked for in a sample",
            "detail": "100 of 540 held-out rows were compared.",
            "rows": [],
            "columns": [],
            "counts": {"compared": 100, "held out": 540},
        },
        {
            "kind": "giveaway",
            "severity": "warning",
            "title": "Column 'pixel_0_0' gives the target away",
            "detail": "A shallow tree on this column alone reaches a κ of 0.990.",
            "rows": ["'digits', row 3 (training)"],
            "columns": ["pixel_0_0"],
            "counts": {"rows": 1527},
        },
    ]
    files["data.json"]["size_advice"] = {"small": True, "notes": ["The test part has 270 rows.", "Use k_fold."]}
    result = files["result.json"]
    figure = result["test"][result["metric"]]
    runs = [("digits-20251231-090000", 1.0), ("digits-20251231-100000", 0.15), *[("example", 1.0)] * looks]
    result["looks"], level = len(runs), 1 - 0.05 / len(runs)
    result["looked_by"] = [
        {"run": run, "time": "2025-12-31T12:00:00+00:00", "command": "train", "reason": "final evaluation", "share": s}
        for run, s in runs
    ]
    low, high = (figure["value"] + 1.22 * (figure[end] - figure["value"]) for end in ("low", "high"))
    result["corrected"] = {"value": figure["value"], "low": low, "high": high, "level": level, "method": "Bonferroni"}


def _shelf(epochs: int) -> dict[str, Any]:
    """A schedule, a range test and a sheet of four grey pixels."""
    steps = 40 * epochs
    rates = np.geomspace(1e-7, 10, 60)
    loss = 2.3 - 1.6 / (1 + (0.003 / rates) ** 1.5) + (rates / 0.3) ** 2
    kept = loss < 9
    return {
        "schedule.json": {
            "name": "onecycle",
            "warmup": 0.0,
            "steps_per_epoch": 40,
            "steps": list(range(0, steps, 4)),
            "rates": [0.01 * float(np.sin(np.pi * (i + 1) / (steps + 1))) for i in range(0, steps, 4)],
        },
        "lr_find.json": {
            "rates": rates[kept].tolist(),
            "losses": (loss + 0.05 * np.cos(9 * np.arange(60)))[kept].tolist(),
            "smoothed": loss[kept].tolist(),
            "steepest": 0.004,
            "valley": 0.02,
            "suggestion": 0.01,
            "bounds": [0.001, 0.02],
        },
        "augmentation.json": {
            "augment": ["flip"],
            "labels": ["6"],
            "draws": 1,
            "width": 2,
            "height": 2,
            "png": "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNgaGD47wAABEQBwOpq4d8AAAAASUVORK5CYII=",
        },
    }
