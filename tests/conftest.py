"""What the tests against other libraries' samples counted, said at the end of the run."""

from __future__ import annotations

from collections import Counter
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up the counts that tests left with ``record_property("count <what>", {word: number})``."""
    totals: dict[str, Counter[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            # a report travels between processes with its properties, which a module's variable would not
            for name, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
                if name.startswith("count "):
                    totals.setdefault(name.removeprefix("count "), Counter()).update(value)
    for name, counts in sorted(totals.items()):
        terminalreporter.write_line(f"{name}: " + ", ".join(f"{number} {word}" for word, number in counts.items()))
