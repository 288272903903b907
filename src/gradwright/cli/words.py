"""The last lines of a command: what came out, in words."""

from __future__ import annotations

from typing import Any

__all__ = ["result_words"]


def _figure(metric: str, figure: dict[str, Any]) -> str:
    if metric == "accuracy":
        return f"{figure['value']:.1%} (95% interval {figure['low']:.1%} to {figure['high']:.1%})"
    return f"{figure['value']:.4g} (95% interval {figure['low']:.4g} to {figure['high']:.4g})"


def result_words(result: dict[str, Any]) -> list[str]:
    """Return the test figure with its interval, and the baselines beside it."""
    metric = result["metric"]
    test = result["test"]
    name = "accuracy" if metric == "accuracy" else "RMSE"
    rows = [("this network", test[metric])]
    rows += [(b["name"], b["test"]) for b in result["baselines"]]
    width = max(len(label) for label, _ in rows)
    lines = [f"Test {name}, {test['rows']:,} rows, look {result['looks']} at them:"]
    lines += [f"  {label:<{width}}  {_figure(metric, figure)}" for label, figure in rows]
    if metric == "rmse" and test.get("r2"):
        lines.append(f"  {'R²':<{width}}  {_figure('r2', test['r2'])}")
    if result.get("problem"):
        lines.append(f"Training broke down: {result['problem']}")
    return lines
