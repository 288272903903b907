"""What processes that share a search must have in common, so that it does not matter which of them does a job."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import gradwright
from gradwright.tune.work import Work

__all__ = ["about_work"]


def about_work(work: Work) -> dict[str, Any]:
    """Return what decides a job's results, each with a name of its own: what differs can then be named.

    The path of the data is left away: on another host it may lie elsewhere, and its fingerprint says whether it is the
    same.

    Parameters
    ----------
    work : Work

    Returns
    -------
    dict
        Plain JSON, for the ``about`` of :class:`~gradwright.tune.workers.HostsPool`.

    Examples
    --------
    >>> from gradwright.train import parse_config
    >>> from gradwright.tune import Log, SearchSettings, Space, search_work
    >>> config = parse_config({"source": "iris", "hidden": [8]})
    >>> about = about_work(search_work(config, Space({"lr": Log(1e-4, 1e-1)}), SearchSettings()))
    >>> about["the data"][:7], about["hidden"], about["[lr]"]["high"]
    ('sha256:', [8], 0.1)
    """
    settings = {name: value for name, value in work.base.model_dump(mode="json").items() if name != "source"}
    return {
        "gradwright": gradwright.__version__,
        "jax": version("jax"),
        "numpy": version("numpy"),
        "the data": work.source.dataset.fingerprint,
        **settings,
        **{f"[{name}]": parameter for name, parameter in work.space.record().items()},
    }
