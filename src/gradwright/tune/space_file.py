"""Search spaces in files: TOML tables and the records of a study, as parameters."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradwright.engine.files import read_whole
from gradwright.errors import ConfigError, StateError
from gradwright.tune.parameters import Choice, Integer, Linear, Log, Parameter

__all__ = ["parameter_from_record", "parameter_from_table", "read_tables"]

_LARGEST = 2**20  # bytes of a space in a file

#: What a table of each kind may have besides the range or the choices.
_KEYS: dict[str, tuple[str, ...]] = {
    "linear": ("count", "step", "when"),
    "log": ("count", "when"),
    "integer": ("count", "step", "log", "when"),
    "choice": ("when",),
}
_RANGES: dict[str, type[Linear] | type[Log] | type[Integer]] = {"linear": Linear, "log": Log, "integer": Integer}


def read_tables(path: Path) -> dict[str, Parameter]:
    """Return the parameters of a TOML file."""
    try:
        text = read_whole(path, largest=_LARGEST).decode("utf-8-sig")
        tables = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except StateError as error:
        raise ConfigError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); TOML files are UTF-8") from None
    except RecursionError:
        raise ConfigError(f"{path}: not valid TOML: too deep") from None
    except ValueError as error:  # TOMLDecodeError is one, a number of 5,000 digits another
        raise ConfigError(f"{path}: not valid TOML: {str(error)[:200]}") from None
    return {name: parameter_from_table(name, table, str(path)) for name, table in tables.items()}


def parameter_from_table(name: str, table: Any, where: str) -> Parameter:
    """Return the parameter that a table describes.

    Examples
    --------
    >>> parameter_from_table("lr", {"log": [1e-4, 1e-1]}, "space.toml")
    Log(when={}, low=0.0001, high=0.1, count=None)
    >>> parameter_from_table("lr", {"lgo": [1e-4, 1e-1]}, "space.toml")
    Traceback (most recent call last):
        ...
    gradwright.errors.ConfigError: space.toml: [lr]: unknown 'lgo'; did you mean 'log'?
    """
    place = f"{where}: [{name[:60]}]"
    if not isinstance(table, Mapping):
        raise ConfigError(
            f"{place}: expected a table, such as [{name[:60]}] with log = [1e-4, 1e-1], and found {table!r:.60}"
        )
    # `log` beside `integer` says how the whole numbers are spread; alone it is the range
    kinds = [kind for kind in _KEYS if kind in table and not (kind == "log" and "integer" in table)]
    if len(kinds) != 1:
        known = sorted({*_KEYS, *(key for keys in _KEYS.values() for key in keys)})
        for key in table:
            _check_key(key, known, place)
        found = " and ".join(kinds) or "none of them"
        raise ConfigError(f"{place}: expected one of linear, log, integer and choice, and found {found}")
    kind = kinds[0]
    for key in table:
        _check_key(key, [kind, *_KEYS[kind]], place)
    more = {key: table[key] for key in table if key not in (kind, "when")}
    when = _conditions(table.get("when", {}), place)
    try:
        if kind == "choice":
            values = table["choice"]
            if isinstance(values, list):
                values = [_or_none(name, value) for value in values]
            return Choice(values, when=when)
        ends = table[kind]
        if not isinstance(ends, list) or len(ends) != 2:
            raise ConfigError(f"{kind} = {ends!r:.60}: expected two numbers, the lowest and the highest")
        return _RANGES[kind](ends[0], ends[1], **more, when=when)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None


def parameter_from_record(name: str, record: Any, where: str) -> Parameter:
    """Return the parameter that ``Space.record`` wrote down."""
    if not isinstance(record, Mapping):
        raise ConfigError(f"{where}: [{name[:60]}]: no record of a parameter: {record!r:.60}")
    table = {k: v for k, v in record.items() if k not in ("kind", "low", "high", "choices") and v is not None}
    kind = record.get("kind")
    if kind == "categorical":
        table["choice"] = record.get("choices")
    elif isinstance(kind, str) and kind in _RANGES:
        if kind == "log":
            table.pop("log", None)
        table[kind] = [record.get("low"), record.get("high")]
    else:
        raise ConfigError(f"{where}: [{name[:60]}]: kind = {kind!r:.60}: expected linear, log, integer or categorical")
    return parameter_from_table(name, table, where)


def _check_key(key: str, known: list[str], place: str) -> None:
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"expected {', '.join(known)}"
        raise ConfigError(f"{place}: unknown {key[:60]!r}; {hint}")


def _conditions(when: Any, place: str) -> dict[str, list[Any]]:
    """Return the conditions of a table; a single value stands for a list of it."""
    if not isinstance(when, Mapping):
        raise ConfigError(f'{place}: when = {when!r:.60}: expected a table such as {{ optimizer = ["sgd"] }}')
    return {k: [_or_none(k, value) for value in (v if isinstance(v, list) else [v])] for k, v in when.items()}


def _or_none(name: str, value: Any) -> Any:
    """Return None for the text "none" where a setting may be left away: TOML has no word for it."""
    from gradwright.train.config import Config

    field = Config.model_fields.get(name)
    return None if value == "none" and field is not None and field.default is None else value
