"""The records of a run as docs/RUN_FORMAT.md promises them, written as checks."""

from __future__ import annotations

from typing import Any

from gradwright.report.shapes import (
    Check,
    Place,
    anything,
    choice,
    flag,
    listing,
    maybe,
    number,
    shaped,
    text,
    whole,
)

__all__ = ["JSON_FILES", "JSON_LINES_FILES", "OPTIONAL_FILES", "test_check"]

_KINDS = ("binary", "multiclass", "multilabel", "regression", "tagging", "next_token")

_interval = shaped({"value": number, "low": number, "high": number}, {"method": text})


def _mapping(value: Any, place: Place) -> Any:
    if not isinstance(value, dict):
        raise place.wrong("an object", value)
    return anything(value, place)


_data = shaped(
    {
        "source": text,
        "fingerprint": text,
        "rows": whole,
        "features": whole,
        "target": maybe(text),
        "task": shaped(
            {"kind": choice(*_KINDS)},
            {
                "reason": text,
                "classes": listing(text),
                "class_counts": listing(whole),
                "unit": text,
                "targets": listing(text),
                "units": listing(text),
            },
        ),
        "split": shaped(
            {"train": whole, "validation": whole, "test": whole},
            {"stratified": flag, "given": flag, "seed": anything, "by": text, "column": text},
        ),
    },
    {
        "kind": text,
        "columns": listing(shaped({"name": text}, {"kind": text, "missing": whole, "distinct": whole})),
        "prepared_features": whole,
        "notes": listing(text),
        "size_advice": shaped({"small": flag, "notes": listing(text)}),
    },
)

_epoch = shaped(
    {"epoch": whole, "train_loss": number},
    dict.fromkeys(
        (
            "train_accuracy",
            "validation_loss",
            "validation_accuracy",
            "train_rmse",
            "validation_rmse",
            "validation_r2",
            "learning_rate",
            "seconds",
        ),
        number,
    ),
)

_baselines = listing(shaped({"name": text, "test": _interval}, {"description": text, "validation": number}))

_node = shaped({"id": whole, "op": text}, {"label": text, "shape": listing(maybe(whole))})
_network = shaped(
    {
        "layers": listing(
            shaped(
                {"path": text, "type": text, "parameters": whole},
                {"detail": text, "output_shape": listing(maybe(whole))},
            )
        ),
        "parameters": whole,
        "graph": shaped({"nodes": listing(_node), "edges": listing(listing(whole, length=2))}),
    },
    {"trainable": whole},
)

_result = shaped(
    {
        "task": choice(*_KINDS),
        "test": _mapping,
        "best_epoch": whole,
        "epochs": whole,
    },
    {
        "metric": text,
        "stopped": text,
        "validation": _mapping,
        "seconds": _mapping,
        "parameters": whole,
        "looks": whole,
        "looked_by": listing(shaped({"run": text}, {"time": text, "command": text, "reason": text, "share": number})),
        "corrected": shaped({"value": number, "low": number, "high": number, "level": number}, {"method": text}),
    },
)

_scores = listing(shaped({"class": text, "precision": number, "recall": number, "f1": number, "support": whole}))

_of_classes: dict[str, Check] = {
    "rows": whole,
    "accuracy": _interval,
    "classes": listing(text, at_least=1),
    "confusion": listing(listing(whole)),
    "per_class": _scores,
}

_of_a_number: dict[str, Check] = {
    "r2": _interval,
    "mae": number,
    "target_name": text,
    "target": listing(number),
    "prediction": listing(number),
}

_TESTS: dict[str, Check] = {
    "classes": shaped(_of_classes, {"loss": number}),
    "labels": shaped(
        {"rows": whole, "micro_f1": _interval, "classes": listing(text, at_least=1), "per_class": _scores},
        {"loss": number, "macro_f1": number, "subset_accuracy": _interval, "accuracy": _interval},
    ),
    "number": shaped({"rows": whole, "rmse": _interval}, {"loss": number, **_of_a_number}),
    "numbers": shaped(
        {
            "rows": whole,
            "r2": _interval,
            "targets": listing(shaped({"rmse": _interval}, {"unit": text, **_of_a_number}), at_least=1),
        },
        {"loss": number},
    ),
    "tags": shaped(
        _of_classes,
        {
            "loss": number,
            "tokens": whole,
            "macro_f1": number,
            "entity_f1": _interval,
            "entity_precision": number,
            "entity_recall": number,
            "per_entity": _scores,
        },
    ),
    "next tokens": shaped(
        {"rows": whole, "perplexity": _interval},
        {
            "loss": number,
            "tokens": whole,
            "bits_per_token": number,
            "accuracy": _interval,
            "samples": listing(shaped({"prompt": text, "text": text})),
        },
    ),
}


def test_check(task: str, test: Any) -> Check:
    """Return the check of what ``result.json`` holds under ``test``, for a kind of task."""
    if task == "regression":
        return _TESTS["numbers" if isinstance(test, dict) and "targets" in test else "number"]
    return _TESTS[{"multilabel": "labels", "tagging": "tags", "next_token": "next tokens"}.get(task, "classes")]


_finding = shaped({"severity": choice("info", "warning", "problem"), "title": text}, {"detail": text})
_leak = shaped(
    {"kind": text, "severity": choice("info", "warning", "problem"), "title": text},
    {"detail": text, "rows": listing(text), "columns": listing(text), "counts": _mapping},
)
_look = shaped({"look": whole}, {"time": text, "command": text, "reason": text})
_compare = shaped(
    {
        "library": text,
        "epochs": listing(
            shaped(
                {"epoch": whole, "train_loss": number},
                dict.fromkeys(
                    (
                        "validation_loss",
                        "train_accuracy",
                        "validation_accuracy",
                        "train_rmse",
                        "validation_rmse",
                        "loss_difference",
                        "weight_difference",
                    ),
                    number,
                ),
            ),
            at_least=1,
        ),
        "max_loss_difference": number,
        "seconds": shaped({"gradwright": number, "torch": number}),
    },
    {"version": text, "dtype": text, "mode": text, "max_weight_difference": number},
)

_schedule = shaped(
    {
        "name": text,
        "steps_per_epoch": whole,
        "steps": listing(whole, at_least=1),
        "rates": listing(number, at_least=1),
    },
    {"warmup": number},
)

_lr_find = shaped(
    {
        "rates": listing(number, at_least=2),
        "losses": listing(number),
        "smoothed": listing(number),
        "steepest": number,
        "valley": number,
        "suggestion": number,
        "bounds": listing(number, length=2),
    },
    {"stopped": text},
)

_augmentation = shaped(
    {"augment": listing(text)},
    {"labels": listing(text), "draws": whole, "width": whole, "height": whole, "png": text},
)

#: File name, and the check of its one JSON value.
JSON_FILES: dict[str, Check] = {
    "config.json": _mapping,
    "environment.json": _mapping,
    "data.json": _data,
    "baselines.json": _baselines,
    "network.json": _network,
    "result.json": _result,
    "findings.json": listing(_finding),
    "compare.json": _compare,
    "schedule.json": _schedule,
    "lr_find.json": _lr_find,
    "augmentation.json": _augmentation,
    "audit.json": listing(_leak),
}

#: File name, and the check of each of its lines.
JSON_LINES_FILES: dict[str, Check] = {"metrics.jsonl": _epoch, "ledger.jsonl": _look}

#: Files without which a run is still whole.
OPTIONAL_FILES = frozenset(
    {"findings.json", "compare.json", "schedule.json", "lr_find.json", "augmentation.json", "audit.json"}
)
