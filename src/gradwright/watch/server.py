"""The live page's server: loopback only, GET only, three addresses, no files by path."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gradwright.errors import ConfigError
from gradwright.watch.live import LiveRun
from gradwright.watch.page import render_page

__all__ = ["WatchServer"]

_HOST = "127.0.0.1"
_QUESTIONS = ("epochs", "epochs_version", "steps", "steps_version")


class WatchServer(ThreadingHTTPServer):
    """Serve a run's live page at ``url`` until :meth:`shutdown`.

    It listens on the loopback address alone. A request must name this very address as its host, so a page from
    elsewhere cannot reach it through a name that it points here (DNS rebinding).

    Parameters
    ----------
    folder : Path
        The run folder.
    port : int, 0 to 65535
        0: any that is free.

    Raises
    ------
    RunError
        See :class:`LiveRun`.
    ConfigError
        The port cannot be had.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        if not 0 <= port <= 65535:
            raise ConfigError(f"watch: port {port}; expected 0 (any that is free) to 65535")
        self.run = LiveRun(folder)
        self.page, self.policy = render_page(self.run.name)
        try:
            super().__init__((_HOST, port), _Handler)
        except OSError as error:
            raise ConfigError(f"watch: port {port} cannot be had: {error.strerror}; name another, or none") from None

    def server_bind(self) -> None:
        """Bind without asking for the machine's full name, which may go out to a name server."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{_HOST}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away while it was answered is nothing to speak of."""


class _Handler(BaseHTTPRequestHandler):
    server: WatchServer
    server_version, sys_version = "gradwright", ""
    protocol_version = "HTTP/1.1"
    timeout = 30  # a connection on which nothing comes does not hold its thread for ever

    def do_GET(self) -> None:
        """Answer with the page or with what is new."""
        port = self.server.server_port
        if self.headers.get_all("Host") not in ([f"{_HOST}:{port}"], [f"localhost:{port}"]):
            self._answer(421, "text/plain", b"This address is served to its own name only.\n")
            return
        address = urlsplit(self.path)
        if address.path == "/":
            self._answer(200, "text/html", self.server.page)
        elif address.path == "/data":
            asked = parse_qs(address.query)
            numbers = {name: _number(asked[name][-1]) for name in _QUESTIONS if name in asked}
            if None in numbers.values():
                self._answer(400, "text/plain", b"expected whole numbers\n")
                return
            content = json.dumps(self.server.run.since(**numbers), allow_nan=False)  # type: ignore[arg-type]
            self._answer(200, "application/json", content.encode())
        elif address.path == "/favicon.ico":
            self._answer(204, "text/plain", b"")
        else:
            self._answer(404, "text/plain", b"There is nothing here.\n")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no GET, or no HTTP, without repeating any of it."""
        self.close_connection = True
        code = 405 if code == 501 else code
        self._answer(code, "text/plain", b"Only GET is answered.\n" if code == 405 else b"Bad request.\n")

    def _answer(self, code: int, kind: str, content: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", self.server.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cache-Control", "no-store")
        if code == 405:
            self.send_header("Allow", "GET")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if code != 204:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal is the user's."""


def _number(text: str) -> int | None:
    return (
        int(text) if len(text) <= 12 and text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() else None
    )
