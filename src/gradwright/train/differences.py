"""Placeholder until merged."""

from __future__ import annotations

from typing import Any

from gradwright.errors import RunError


def settings_differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Say which settings differ."""
    return [f"{k}: {old.get(k)} → {new.get(k)}" for k in {**old, **new} if old.get(k) != new.get(k)]


def refuse_changes(differences: list[str], *, accept: bool) -> None:
    """Refuse them unless asked for."""
    if differences and not accept:
        raise RunError("; ".join(differences))
