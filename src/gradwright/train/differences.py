"""What differs between a run as it began and as it shall go on; refused unless it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gradwright.errors import RunError

__all__ = ["refuse_changes", "settings_differences", "version_differences"]

#: What of ``environment.json`` can change the numbers that a training gives.
_VERSIONS = ("gradwright", "python", "numpy", "jax", "polars", "scikit-learn", "platform")
_SHOWN = 60  # characters of a value


def settings_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return a line for each setting that differs, in the order of the names.

    Settings within settings are named with dots; a list is the same as a tuple, NaN the same as NaN, and a setting that
    is not there the same as one that is None.

    Parameters
    ----------
    old, new : mapping from str to values of JSON
        As ``config.json`` holds them.

    Examples
    --------
    >>> settings_differences({"lr": 0.1, "hidden": (8,)}, {"lr": 0.2, "hidden": [8], "epochs": 9})
    ['epochs: not set before, 9 now', 'lr: 0.1 before, 0.2 now']
    """
    return _differences(old, new, "")


def version_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return a line for each version and for the machine, where ``environment.json`` and what runs now differ.

    Examples
    --------
    >>> version_differences({"numpy": "2.1.0", "cpus": 2}, {"numpy": "2.3.1", "cpus": 4})
    ['version of numpy: 2.1.0 before, 2.3.1 now']
    """
    found = _differences({k: old.get(k) for k in _VERSIONS}, {k: new.get(k) for k in _VERSIONS}, "")
    return [words if words.startswith("platform") else f"version of {words}" for words in found]


def refuse_changes(differences: Collection[str], *, accept: bool) -> None:
    """Refuse to go on with what differs, unless that was asked for.

    Raises
    ------
    RunError
        Listing all that differs.

    Examples
    --------
    >>> refuse_changes([], accept=False)
    >>> refuse_changes(["lr: 0.1 before, 0.2 now"], accept=False)
    Traceback (most recent call last):
        ...
    gradwright.errors.RunError: it would not go on as it began:
      lr: 0.1 before, 0.2 now
    The result would be neither the old run's nor a new one's. Take back what differs, train anew, or go on all the same
    with --accept-changes
    """
    if differences and not accept:
        raise RunError(
            "it would not go on as it began:\n"
            + "".join(f"  {words}\n" for words in differences)
            + "The result would be neither the old run's nor a new one's. Take back what differs, train anew, or go on "
            "all the same with --accept-changes"
        )


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str) -> list[str]:
    found = []
    for name in sorted({*old, *new}):
        before, now = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += _differences(before, now, f"{prefix}{name}.")
        elif not _same(before, now):
            found.append(f"{prefix}{name}: {_shown(before)} before, {_shown(now)} now")
    return found


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    # True == 1 and 1 == 1.0, but they are different settings only where they mean different things: truth and number
    return (a == b and isinstance(a, bool) == isinstance(b, bool)) or (a != a and b != b)


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    words = str(list(value) if isinstance(value, tuple) else value)
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
