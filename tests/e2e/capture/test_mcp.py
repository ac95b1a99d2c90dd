"""The official client of the Model Context Protocol finds and uses every tool, over HTTP and over standard input and output; and what `docs/capture.md` says of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scrubjay.cli.program import program
from scrubjay.core.capture.mcp.tools import TOOLS
from scrubjay.testing.housing import InThread, Lodging
from support.environments import python_path
from support.processes import get
from support.requirements import tool

APPS = Path(__file__).parents[2] / "support" / "apps"
SCRUBJAY = str(Path(sys.executable).with_name("scrubjay"))
CLIENT = (
    "--no-deps",
    "mcp==2.3.0",
    "mcp-types==2.3.0",
    "httpx2==2.16.2",
    "httpcore2==2.16.2",
    "truststore==0.10.5",
    "pyjwt==2.15.1",
    "python-multipart==0.0.34",
    "sse-starlette==3.7.0",
)
"""Not among the tests' own packages: SDKs that find it installed load it into every application. What else it needs is there."""
WAYS = [("http", "legacy"), ("http", "auto"), ("stdio", "legacy"), ("stdio", "auto")]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Of a sink that has something to tell, and has looked into all of it."""
    home = InThread(Lodging(settings={"capture.mcp": "true"}))
    try:
        for kind in ("error", "transaction", "log"):
            sent = CliRunner().invoke(program, ["send", kind, "--dsn", f"http://{'0' * 32}@127.0.0.1:{home.port}/1"])
            assert sent.exit_code == 0, sent.output
        assert get(home.port, "/api/capture/stats")[0] == 200
        yield home.url
    finally:
        home.close()


@pytest.fixture(scope="module")
def conversations(url: str) -> dict[tuple[str, str], Any]:
    folder = python_path("mcp-client", *CLIENT)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(APPS / "mcp_client.py"), url, SCRUBJAY],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {(one["way"], one["mode"]): one for one in told}


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_the_official_client_calls_every_tool(conversations: dict[tuple[str, str], Any], way: tuple[str, str]) -> None:
    one = conversations[way]
    assert one["version"] == ("2025-11-25" if way[1] == "legacy" else "2026-07-28")
    assert (one["server"], one["tools"], one["refused"]) == ("scrubjay", list(TOOLS), True)
    told = one["told"]
    assert list(told) == list(TOOLS)
    assert "SampleError" in told["search_errors"][1]
    assert "[email] signed in" in told["search_logs"][-1]
    assert "GET /orders/{id}" in told["get_traces"][0]
    assert told["get_event"][0] == told["search_errors"][1]
    assert "@creditcard" in told["get_scrub_report"][0]
    assert told["search"][0].startswith("1 to 4 of 4 records")


def test_both_ways_tell_the_same(conversations: dict[tuple[str, str], Any]) -> None:
    first, *others = (one["told"] for one in conversations.values())
    assert all(one == first for one in others)


def test_the_verb_ends_in_order() -> None:
    with subprocess.Popen([SCRUBJAY, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as verb:
        assert verb.stdin is not None
        assert verb.stdout is not None
        verb.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        verb.stdin.flush()
        assert json.loads(verb.stdout.readline()) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        verb.send_signal(signal.SIGTERM)
        assert verb.wait(60) == 0


def test_the_page_asks_by_hand(url: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "capture.md").read_text()
    (script,) = (block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "scrubjay mcp" in block)
    there = f'scrubjay() {{ "{SCRUBJAY}" "$@" --url {url}; }}\n'
    done = subprocess.run([tool("bash"), "-c", there + script], capture_output=True, text=True, timeout=60, check=True)
    assert "1 to 1 of 1 records" in json.loads(done.stdout)["result"]["content"][0]["text"]


def test_the_set_ups_of_the_page_are_json() -> None:
    page = (Path(__file__).parents[3] / "docs" / "capture.md").read_text()
    set_ups = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    by_http, by_program = (one["mcpServers"]["scrubjay"] for one in set_ups)
    assert by_http == {"type": "http", "url": "http://127.0.0.1:8969/mcp"}
    assert [by_program["command"], *by_program["args"]] == ["scrubjay", "mcp"]
