"""TensorBoard's event files, written by tensorboardX."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradwright.errors import MissingDependencyError
from gradwright.train.loggers.base import FigureLogger, Scalar

__all__ = ["TensorBoardLogger"]


class TensorBoardLogger(FigureLogger):
    """Log in TensorBoard's event format; look at it with ``tensorboard --logdir FOLDER``.

    A resumed training adds a file; its steps replace those that an interrupted run logged past its checkpoint.

    Parameters
    ----------
    folder : Path
        Where the event files go; made when training begins.
    settings : mapping, optional
        Logged once, as a table in the text tab.

    Raises
    ------
    MissingDependencyError
        At once, when tensorboardX is not installed.

    Examples
    --------
    >>> from gradwright.train import Trainer
    >>> logger = TensorBoardLogger("runs/digits/tensorboard", {"lr": 0.001})  # doctest: +SKIP
    >>> Trainer(model, criterion, optimizer, callbacks=[logger])  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__(settings)
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise MissingDependencyError(
                "logging for TensorBoard needs tensorboardX, which is not installed. "
                "Install it with: pip install 'gradwright[tensorboard]'"
            ) from None
        self.folder = Path(folder)
        self._make = SummaryWriter
        self._writer: Any = None

    def open(self, resumed_at: int) -> None:
        """Begin a file of events."""
        self._writer = self._new(purge_step=resumed_at + 1 if resumed_at else None)
        if self.settings and not resumed_at:
            rows = "".join(f"| {_cell(name)} | {_cell(value)} |\n" for name, value in self.settings.items())
            self._writer.add_text("settings", f"| setting | value |\n| --- | --- |\n{rows}", 0)

    def write(self, scalars: list[Scalar]) -> None:
        """Log figures."""
        if self._writer is None:  # after the training: the events of a folder are read together
            self._writer = self._new()
            self.write(scalars)
            self.close("finished")
            return
        for name, value, at in scalars:
            self._writer.add_scalar(name, value, at)
        self._writer.flush()

    def _new(self, **options: Any) -> Any:
        # by default a file is named by the second: another one within it would overwrite the first
        return self._make(str(self.folder), filename_suffix=f".{time.time_ns()}", **options)

    def close(self, state: str) -> None:
        """End the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _cell(value: Any) -> str:
    """Return text that stays in its cell of a Markdown table and is no markup."""
    text = " ".join(str(value).split())
    return "".join(f"&#{ord(c)};" if c in "|<>&`*_[]\\" else c for c in text)
