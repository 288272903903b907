"""The live page of a run from the command line."""

from __future__ import annotations

import webbrowser
from pathlib import Path

__all__ = ["watch_run"]


def watch_run(run: Path, port: int = 0, *, browser: bool = False) -> None:
    """Serve a run's live page until Ctrl-C; that ends the page, not the training.

    Parameters
    ----------
    run : Path
        The run folder.
    port : int
        0: any that is free.
    browser : bool
        Show the page in the default browser.
    """
    from gradwright.cli.console import safe
    from gradwright.watch import WatchServer

    with WatchServer(run, port) as server:
        print(safe(f"{run}: {server.url} (Ctrl-C ends this page, not the training)"), flush=True)
        if browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
