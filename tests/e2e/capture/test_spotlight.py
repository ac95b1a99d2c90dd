"""Whatever talks to Spotlight's sidecar talks to a capture: SDKs in their own processes, a browser, Spotlight's own program."""

import gzip
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from support.browser import PACKAGES, served
from support.chromium import Watch, open_page
from support.daemon import Daemon
from support.environments import npm_folder
from support.processes import get, wait_for
from support.requirements import node_program
from support.sample_shop import APPS, NODE_PACKAGES

SPOTLIGHT_PACKAGES = ("@spotlightjs/spotlight@4.11.8", "hono@4.12.25")
"""A fresh install takes a later hono, with which the program fails."""
SCRUBBED = "card [creditcard] of [email] refused"
BOMB_BYTES = 10 << 30
MEMBER_BYTES = 64 << 20


@pytest.fixture(autouse=True)
def nothing_kept(sink: Daemon) -> None:
    assert request(sink, "DELETE", "/clear") == b"Cleared"


def request(sink: Daemon, method: str, path: str, body: bytes = b"", headers: str = "") -> bytes:
    """The body of an answer whose status is 200."""
    with socket.create_connection(("127.0.0.1", sink.port), timeout=30) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        connection.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
    return answer.partition(b"\r\n\r\n")[2]


def errors(sink: Daemon) -> list[dict[str, Any]]:
    status, body = get(sink.port, "/api/capture/events?type=error")
    assert status == 200
    return json.loads(body)["events"]  # type: ignore[no-any-return]


def the_error(sink: Daemon) -> dict[str, Any]:
    """The one that was reported, as it is shown."""
    (error,) = wait_for(lambda: errors(sink), "the error")
    assert (error["via"], error["outcome"]) == ("spotlight", "accepted")
    assert SCRUBBED in error["title"]
    return error


def run(command: list[str | Path], **env: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SENTRY_")}
    done = subprocess.run(
        [str(part) for part in command], env=clean | env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("option", "environment"), [("true", ""), ("", "yes"), ("", "URL")], ids=repr)
def test_capture_1_the_python_sdk_without_a_dsn(sink: Daemon, option: str, environment: str) -> None:
    stream = f"{sink.url}/stream"
    given = [option] if option else []
    # What is not meant to be the default's address is one where nobody listens.
    default = "http://127.0.0.1:9/stream" if environment == "URL" else stream
    env = {"SENTRY_SPOTLIGHT": environment.replace("URL", stream)} if environment else {}
    run([sys.executable, APPS / "spotlight_app.py", default, *given], **env)
    error = the_error(sink)
    assert error["title"] == f"ValueError: {SCRUBBED}"
    assert (error["project"], error["source"]) == ("local", "server")
    assert "public_key" not in error


def test_capture_2_the_node_sdk(sink: Daemon, tmp_path: Path) -> None:
    node = node_program()
    (tmp_path / "node_modules").symlink_to(npm_folder("node", *NODE_PACKAGES) / "node_modules")
    (tmp_path / "app.cjs").write_bytes((APPS / "spotlight_app.cjs").read_bytes())
    run([node, tmp_path / "app.cjs"], SENTRY_SPOTLIGHT=f"{sink.url}/stream")
    assert the_error(sink)["title"] == f"RangeError: {SCRUBBED}"


@pytest.fixture
def shop() -> Iterator[str]:
    """A page of another origin with @sentry/react in it."""
    modules = npm_folder("browser", *PACKAGES)
    site = modules / "spotlight"
    site.mkdir(exist_ok=True)
    (modules / "spotlight_page.js").write_bytes((APPS / "spotlight_page.js").read_bytes())
    esbuild = modules / "node_modules" / ".bin" / "esbuild"
    bundle = [esbuild, modules / "spotlight_page.js", "--bundle", "--log-level=error", f"--outfile={site / 'page.js'}"]
    subprocess.run([str(part) for part in bundle], check=True, timeout=60)
    (site / "index.html").write_text(
        '<!doctype html><link rel="icon" href="data:,"><title>shop</title><script src="page.js"></script>'
    )
    with served(site) as address:
        yield address.replace("127.0.0.1", "localhost")


def test_capture_2_the_browser_sdk_of_another_origin(sink: Daemon, shop: str, browser: Any) -> None:
    page, watch = open_page(browser, shop, sink.url)
    methods = []
    page.on("request", lambda one: methods.append(one.method) if one.url.startswith(sink.url) else None)
    try:
        page.goto(f"{shop}/index.html?{urlencode({'sidecar': f'{sink.url}/stream'})}")
        error = the_error(sink)
    finally:
        page.context.close()
    assert error["title"] == f"TypeError: {SCRUBBED}"
    assert error["source"] == "browser"
    assert "POST" in methods
    watch.check()


def test_capture_6_spotlights_own_tail_prints_what_came(sink: Daemon) -> None:
    program = npm_folder("spotlight", *SPOTLIGHT_PACKAGES) / "node_modules/@spotlightjs/spotlight/dist/run.js"
    run([sys.executable, APPS / "spotlight_app.py", f"{sink.url}/stream", "true"])
    the_error(sink)
    tail = subprocess.Popen(
        [str(node_program()), str(program), "tail", "errors", "-p", str(sink.port), "-f", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert tail.stdout is not None
        told = next(line for line in tail.stdout if line.startswith("{"))
    finally:
        tail.kill()
        tail.communicate()
    event = json.loads(told)
    assert (event["type"], event["exception_type"], event["exception_value"]) == ("error", "ValueError", SCRUBBED)
    assert event["filename"].endswith("spotlight_app.py")


def test_capture_3_a_bomb_of_ten_gigabytes_is_refused_in_little_memory(sink: Daemon) -> None:
    bomb = gzip.compress(bytes(MEMBER_BYTES), 9) * (BOMB_BYTES // MEMBER_BYTES)
    before = most_memory_bytes(sink)
    with socket.create_connection(("127.0.0.1", sink.port), timeout=60) as connection:
        head = f"POST /stream HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        connection.sendall(head.encode() + bomb)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert most_memory_bytes(sink) - before < 50 << 20


def most_memory_bytes(sink: Daemon) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{sink.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_an_image_of_the_stream_in_a_foreign_page_is_refused(
    sink: Daemon, watched: tuple[Page, Watch], send: Callable[[bytes], None]
) -> None:
    """capture-9: in a real browser, with a real foreign origin."""
    page, watch = watched
    watch.allow("CORS|ERR_FAILED|403")
    page.route("http://evil.example/", lambda route: route.fulfill(body="<h1>evil</h1>", content_type="text/html"))
    watch.hosts |= frozenset({"evil.example"})
    page.goto("http://evil.example/")
    for path, method in (("/stream", "GET"), ("/api/capture/events", "GET"), ("/clear", "DELETE"), ("/stream", "POST")):
        script = f"fetch('{sink.url}{path}', {{method: '{method}'}}).then(() => 'read', () => 'refused')"
        assert page.evaluate(script) == "refused"
    assert errors(sink) == []
