"""The learning-rate range test from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["find_rate"]


def find_rate(settings: Any, given: dict[str, Any], out: Path | None, quiet: bool, as_json: bool) -> None:
    """Prepare the data, run the test on the training and the validation part, and print or draw what it found."""
    from gradwright.cli.console import TerminalReporter, safe
    from gradwright.engine.random import manual_seed
    from gradwright.report import render_rates
    from gradwright.report.lr_find import rate_info, rate_words
    from gradwright.train.criteria import class_weights, make_criterion
    from gradwright.train.folder import plain, write_text
    from gradwright.train.network import build_network, network_words
    from gradwright.train.plans import search_rate, search_record
    from gradwright.train.prepared import StageClock, prepare

    reporter = TerminalReporter(quiet)
    try:
        data = prepare(settings, reporter, StageClock())
        settings = settings.resolved(len(data.x), data.preparation.width, data.task.kind)
        manual_seed(settings.seed)
        model = build_network(settings, data.shape, data.outputs, data.x, data.vocabulary)
        reporter.on_stage(4, "network", network_words(settings, data.shape, data.outputs))
        reporter.on_stage_start(5, "lr-find")
        weights = class_weights(settings.class_weights, data.task, data.target)
        criterion = make_criterion(data.task, settings, weights)
        search = search_rate(settings, model, criterion, (data.x, data.y), (data.vx, data.vy))
    finally:
        reporter.close()
    record = plain(search_record(search))
    info = rate_info(record)
    assert info is not None
    if out is not None:
        write_text(out, render_rates(info, Path(settings.source).stem))
    if as_json:
        print(json.dumps(record, allow_nan=False))
        return
    print(f"{search.suggestion:.3g}")
    if not quiet:
        for words in rate_words(info):
            reporter.console.print(safe(words), soft_wrap=True)
        options = "".join(f" --{name.replace('_', '-')} {_written(value)}" for name, value in given.items())
        words = f"Train with it: gradwright train {settings.source}{options} --lr {search.suggestion:.3g}"
        reporter.console.print(safe(words), soft_wrap=True, markup=False)
        if out is not None:
            reporter.console.print(f"Drawn in {safe(str(out))}")


def _written(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
