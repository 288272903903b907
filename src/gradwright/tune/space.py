"""What is searched: which settings vary, over which values, and which are there only with others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.errors import ConfigError
from gradwright.train.config import Config, parse_config
from gradwright.tune.parameters import Parameter, choice_text
from gradwright.tune.space_check import check_fits, check_name, check_values, in_order
from gradwright.tune.space_file import parameter_from_record, read_tables

__all__ = ["Space"]

_LARGEST_GRID = 100_000


class Space(Mapping[str, Parameter]):
    """The settings that vary, by name, and over which values.

    A parameter with ``when`` is there only with the named values of others: momentum with ``optimizer = "sgd"``. One
    that is not there is missing from the values, and the setting is left as it was.

    Parameters
    ----------
    parameters : mapping of setting to Linear, Log, Integer or Choice
        The names are settings of a training, as ``gradwright train`` has them.
    where : str
        What messages name: the file it was read from.
    settings : bool
        Whether the names are settings; without, they are any that the caller of :meth:`sample` or :meth:`grid` knows,
        such as the ``build`` of a :class:`Population`.

    Raises
    ------
    ConfigError
        For a name that is no setting or no matter of choice, values that the setting does not take, a condition on
        what is not there, or conditions in a circle.

    Examples
    --------
    >>> from gradwright.tune import Choice, Linear, Log
    >>> space = Space({
    ...     "lr": Log(1e-4, 1e-1),
    ...     "optimizer": Choice(["sgd", "adam"]),
    ...     "momentum": Linear(0.0, 0.99, count=2, when={"optimizer": ["sgd"]}),
    ... })
    >>> space.from_unit([0.0, 0.9, 0.5])
    {'lr': 0.0001, 'optimizer': 'adam'}
    >>> sorted(space.sample(np.random.default_rng(2)))
    ['lr', 'momentum', 'optimizer']
    """

    def __init__(self, parameters: Mapping[str, Parameter], where: str = "space", *, settings: bool = True) -> None:
        self.where = where
        if not parameters:
            raise ConfigError(f"{where}: empty; name a setting, such as [lr] with log = [1e-4, 1e-1]")
        for name, parameter in parameters.items():
            if settings:
                check_name(name, where)
            if not isinstance(parameter, Parameter):
                raise ConfigError(f"{where}: [{name}]: {parameter!r:.60}: expected Linear, Log, Integer or Choice")
            if settings:
                check_values(name, parameter, where)
        self._parameters = in_order(parameters, where)

    @classmethod
    def read(cls, path: Path | str) -> Space:
        """Read a space from a TOML file: a table for each setting.

        .. code-block:: toml

            [lr]
            log = [1e-4, 1e-1]
            [hidden]
            choice = [[32], [64, 64]]
            [depth]
            integer = [1, 4]          # log = true: by their logarithms
            [optimizer]
            choice = ["sgd", "adam"]
            [momentum]
            linear = [0.0, 0.99]
            count = 5                 # of a grid's values; or step = 0.1
            when = { optimizer = ["sgd"] }

        The choice ``"none"`` leaves a setting away that may be.

        Raises
        ------
        ConfigError
            Naming the file, the table, what was expected and what was found.
        """
        return cls(read_tables(Path(path)), where=str(path))

    @classmethod
    def from_record(cls, record: Mapping[str, Any], where: str = "space") -> Space:
        """Return the space that :meth:`record` was made from."""
        if not isinstance(record, Mapping):
            raise ConfigError(f"{where}: no record of a space")
        return cls({name: parameter_from_record(name, value, where) for name, value in record.items()}, where)

    def record(self) -> dict[str, dict[str, Any]]:
        """Return it as ``study.json`` holds it.

        Examples
        --------
        >>> from gradwright.tune import Log
        >>> Space({"lr": Log(1e-4, 1e-1)}).record()
        {'lr': {'kind': 'log', 'low': 0.0001, 'high': 0.1}}
        """
        records = {}
        for name, parameter in self._parameters.items():
            records[name] = parameter.record()
            if parameter.when:
                records[name]["when"] = {k: list(v) for k, v in parameter.when.items()}
        return records

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def __repr__(self) -> str:
        return f"Space({self._parameters!r})"

    def active(self, name: str, values: Mapping[str, Any]) -> bool:
        """Say whether a parameter is there with these values of the ones before it."""
        return all(k in values and values[k] in allowed for k, allowed in self[name].when.items())

    def from_unit(self, u: Sequence[float] | np.ndarray) -> dict[str, Any]:
        """Return the values at a point of the unit cube, a coordinate a parameter in order of the names here.

        The coordinate of one that is not there counts for nothing, so points that are evenly spread stay so.
        """
        if len(u) != len(self) or not all(0 <= x <= 1 for x in u):
            raise ConfigError(f"{self.where}: a point of {len(self)} numbers from 0 to 1 was expected, not {u!r:.80}")
        values: dict[str, Any] = {}
        for (name, parameter), x in zip(self.items(), u, strict=True):
            if self.active(name, values):
                values[name] = parameter.from_unit(float(x))
        return values

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw values, always by the same count of random numbers."""
        return self.from_unit(rng.random(len(self)))

    def grid(self) -> list[dict[str, Any]]:
        """Return all combinations of the parameters' grid values; the last parameter changes fastest.

        Raises
        ------
        ConfigError
            For a range without ``count`` or ``step``, or more than 100,000 combinations.

        Examples
        --------
        >>> from gradwright.tune import Choice, Linear
        >>> Space({"optimizer": Choice(["sgd", "adam"]),
        ...        "momentum": Linear(0.0, 0.5, count=2, when={"optimizer": ["sgd"]})}).grid()
        [{'optimizer': 'sgd', 'momentum': 0.0}, {'optimizer': 'sgd', 'momentum': 0.5}, {'optimizer': 'adam'}]
        """
        for name, parameter in self.items():
            try:
                parameter.values()
            except ConfigError as error:
                raise ConfigError(f"{self.where}: [{name}]: {error}") from None
        points = list(islice(self._combinations(list(self), {}), _LARGEST_GRID + 1))
        if len(points) > _LARGEST_GRID:
            raise ConfigError(
                f"{self.where}: a grid of more than {_LARGEST_GRID:,} combinations; give ranges a smaller count, or "
                "choose random or quasi-random search"
            )
        return points

    def _combinations(self, names: list[str], values: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not names:
            yield values
        elif not self.active(names[0], values):
            yield from self._combinations(names[1:], values)
        else:
            for value in self[names[0]].values():
                yield from self._combinations(names[1:], {**values, names[0]: value})

    def apply(self, base: Config, values: Mapping[str, Any]) -> Config:
        """Return the settings with these values in place of the base's own.

        Raises
        ------
        ConfigError
            When they do not go together, with the values.
        """
        given = base.model_dump(exclude_unset=True)
        try:
            return parse_config({**given, **values}, self.where)
        except ConfigError as error:
            shown = ", ".join(f"{k} = {choice_text(v)}" for k, v in values.items())
            raise ConfigError(f"{error} (with {shown})") from None

    def check(self, base: Config) -> None:
        """Try the values on the settings of a run, each with each: what can never train is refused before the search.

        Raises
        ------
        ConfigError
            Naming two values that do not go together, and the condition (``when``) that would part them.
        """
        check_fits(self, base)
