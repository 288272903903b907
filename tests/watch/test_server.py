"""The live page's server: what it answers, to whom, and how little else."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gradwright.cli.main import app
from gradwright.errors import ConfigError
from gradwright.watch import WatchServer

Folder = Callable[..., Path]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def server(run_folder: Folder) -> Iterator[WatchServer]:
    with WatchServer(run_folder(name=HOSTILE.replace("/", ""))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: WatchServer, path: str, method: str = "GET", host: str | None = None) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def test_the_page_and_its_data(server: WatchServer) -> None:
    assert server.url == f"http://127.0.0.1:{server.server_port}/"
    status, headers, page = ask(server, "/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert HOSTILE.encode() not in page
    assert b"&lt;img src=x" in page
    assert b"http://" not in page.replace(b"http://www.w3.org/2000/svg", b"")  # nothing from elsewhere
    assert b"https://" not in page
    assert b"innerHTML" not in page
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "connect-src 'self'" in policy
    assert "unsafe" not in policy
    status, headers, data = ask(server, "/data?epochs=2&epochs_version=0&steps=0")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert [row["epoch"] for row in json.loads(data)["epochs"]["rows"]] == [3]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Access-Control-Allow-Origin"] is None


def test_it_listens_on_the_loopback_address_alone(server: WatchServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost", "[::1]:{port}", ""]
)
def test_other_hosts_are_refused(server: WatchServer, host: str) -> None:
    for path in ("/", "/data"):
        status, _, content = ask(server, path, host=host.format(port=server.server_port))
        assert status == 421
        assert b"digits" not in content


def test_localhost_is_this_host_too(server: WatchServer) -> None:
    assert ask(server, "/", host=f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "NONSENSE"])
def test_only_get_is_answered(server: WatchServer, method: str) -> None:
    status, headers, _ = ask(server, "/data", method=method)
    assert status == 405
    assert headers["Allow"] == "GET"


@pytest.mark.parametrize(
    "path",
    [
        "/status.json",
        "/metrics.jsonl",
        "/../status.json",
        "/%2e%2e/status.json",
        "//etc/passwd",
        "/data/",
        "/index.html",
    ],
)
def test_no_file_is_served_by_its_path(server: WatchServer, path: str) -> None:
    assert ask(server, path)[0] == 404


@pytest.mark.parametrize("question", ["steps=x", "steps=1e3", "steps=" + "9" * 5000, "epochs=%C2%B2", "epochs=--1"])
def test_questions_that_are_no_numbers(server: WatchServer, question: str) -> None:
    assert ask(server, f"/data?{question}")[0] == 400


def test_a_request_without_or_with_two_hosts_and_nonsense(server: WatchServer) -> None:
    port = server.server_port
    for request, status in (
        (b"GET / HTTP/1.1\r\n\r\n", b" 421 "),
        (f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\n\r\n".encode(), b" 421 "),
        (b"\x16\x03\x01\x02\x00 <script> HTTP/9\r\n\r\n", b"Bad request."),
        (b"GET /" + b"a" * 65_532, b" 414 "),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").read()
        assert status in answer[:80]
        assert b"<script>" not in answer


def test_a_port_that_is_taken_or_none(server: WatchServer, run_folder: Folder) -> None:
    folder = run_folder()
    with pytest.raises(ConfigError, match=f"port {server.server_port} cannot be had: .*; name another, or none"):
        WatchServer(folder, server.server_port)
    with pytest.raises(ConfigError, match="expected 0"):
        WatchServer(folder, 70000)


# --- the command ---
def test_the_command_says_where_and_ends_with_ctrl_c(run_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def serve(server: WatchServer, poll_interval: float = 0.5) -> None:
        server.socket.settimeout(10)
        asker = threading.Thread(target=lambda: asked.append(ask(server, "/")[0]))
        asker.start()
        server.handle_request()
        asker.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(WatchServer, "serve_forever", serve)
    done = CliRunner().invoke(app, ["watch", str(run_folder())])
    assert (done.exit_code, asked) == (0, [200])
    assert "digits-1: http://127.0.0.1:" in done.stdout


def test_the_command_refuses_what_is_no_run(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["watch", str(tmp_path / "no")])
    assert done.exit_code == 2
    assert "there is no folder" in done.stderr
