"""The last lines of a command: what came out, in words."""

from __future__ import annotations

from typing import Any

__all__ = ["evaluation_words", "figure_words", "result_words"]


def figure_words(metric: str, figure: dict[str, Any]) -> str:
    """Return a figure with its interval."""
    from gradwright.train.assess import show_figure

    value, low, high = (show_figure(metric, figure[key]) for key in ("value", "low", "high"))
    return f"{value} ({figure.get('level', 0.95) * 100:.4g}% interval {low} to {high})"


def evaluation_words(figures: dict[str, Any]) -> str:
    """Return the figure of a part that was evaluated."""
    from gradwright.train.assess import metric_name

    metric = figures["metric"]
    figure = figure_words(metric, figures.get("corrected") or figures[metric])
    return f"{figures['part']} {metric_name(metric)}: {figure}, {figures['rows']:,} rows"


def result_words(result: dict[str, Any]) -> list[str]:
    """Return the test figure with its interval, and the baselines beside it."""
    from gradwright.train.assess import metric_name

    metric = result["metric"]
    test = result["test"]
    name = metric_name(metric)
    rows = [("this network", result.get("corrected") or test[metric])]
    rows += [(b["name"], b["test"]) for b in result["baselines"]]
    width = max(len(label) for label, _ in rows)
    lines = [f"Test {name}, {test['rows']:,} rows, look {result['looks']} at them:"]
    lines += [f"  {label:<{width}}  {figure_words(metric, figure)}" for label, figure in rows]
    if result.get("corrected"):
        lines.append(
            f"After {result['looks']} looks the network's interval is wider than 95%, so that all hold together."
        )
    if metric == "rmse" and test.get("r2"):
        lines.append(f"  {'R²':<{width}}  {figure_words('r2', test['r2'])}")
    if result.get("problem"):
        lines.append(f"Training broke down: {result['problem']}")
    return lines
