"""MLflow runs, in a folder or on a tracking server."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradwright.errors import MissingDependencyError, RunError
from gradwright.train.loggers.base import FigureLogger, Scalar

__all__ = ["MLflowLogger"]

_STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
#: What MLflow takes at once, and how long a name or a value may be.
_METRICS, _PARAMS, _NAME, _VALUE = 1000, 100, 250, 6000


class MLflowLogger(FigureLogger):
    """Log as a run of MLflow.

    Runs are kept in the folder ``mlruns`` here, unless ``tracking_uri`` or the environment's ``MLFLOW_TRACKING_URI``
    says otherwise. MLflow's own telemetry stays off unless ``MLFLOW_DISABLE_TELEMETRY`` says otherwise: nothing
    leaves this machine unasked. A resumed training goes on with the same run.

    Parameters
    ----------
    name : str
        The run's name.
    settings : mapping, optional
        Logged once, as the run's parameters.
    experiment : str
        The experiment that the run belongs to; made when it is not there.
    tracking_uri : str, optional
        A folder (``file:///…``) or a server (``https://…``).

    Raises
    ------
    MissingDependencyError
        At once, when MLflow is not installed.
    RunError
        At once, when the folder or the server cannot be reached or refuses.

    Examples
    --------
    >>> logger = MLflowLogger("digits", {"lr": 0.001})  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any] | None = None,
        *,
        experiment: str = "gradwright",
        tracking_uri: str | None = None,
    ) -> None:
        super().__init__(settings)
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or Path("mlruns").resolve().as_uri()
        if uri.startswith("file:"):
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow 3 otherwise wants a database
        try:
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise MissingDependencyError(
                "logging for MLflow needs it to be installed, and it is not. "
                "Install it with: pip install 'gradwright[mlflow]'"
            ) from None
        self.name = name
        self.run_id: str | None = None
        try:
            self._client = MlflowClient(tracking_uri=uri)
            found = self._client.get_experiment_by_name(experiment)
            self._experiment = found.experiment_id if found else self._client.create_experiment(experiment)
        except Exception as error:  # MLflow's, requests' and the system's own
            raise RunError(
                f"logging for MLflow: {uri} cannot be used: {error}. Check MLFLOW_TRACKING_URI, or leave it out "
                "to log in the folder mlruns"
            ) from None

    def open(self, resumed_at: int) -> None:
        """Begin a run, or take up the one that is to go on."""
        if self.run_id is not None and resumed_at:
            self._client.update_run(self.run_id, status="RUNNING")
            return
        self.run_id = self._client.create_run(self._experiment, run_name=self.name).info.run_id
        from mlflow.entities import Param

        params = [Param(_name(name), str(value)[:_VALUE]) for name, value in self.settings.items()]
        for start in range(0, len(params), _PARAMS):
            self._client.log_batch(self.run_id, params=params[start : start + _PARAMS])

    def write(self, scalars: list[Scalar]) -> None:
        """Log figures."""
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        for start in range(0, len(scalars), _METRICS):
            batch = [Metric(_name(s.name), s.value, now, s.at) for s in scalars[start : start + _METRICS]]
            self._client.log_batch(self.run_id, metrics=batch)

    def close(self, state: str) -> None:
        """End the run."""
        self._client.set_terminated(self.run_id, _STATUS[state])

    def state_dict(self) -> dict[str, Any]:
        """Return which run a resumed training goes on with."""
        return {"run_id": self.run_id}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with that run."""
        self.run_id = state["run_id"]


def _name(text: str) -> str:
    """Return a name that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", text, flags=re.ASCII)[:_NAME]
