"""`scrubjay doctor` where the name service, the network or a proxy is wrong in ways that no server here can be made to be."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from scrubjay.cli.findings import Verdict
from support.doctoring import Setup, compile_once
from support.mini_upstream import Answer, mini_upstream

LIVE = "/api/0/relays/live/"
ASKED = socket.getaddrinfo


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_once(monkeypatch)


def _named(monkeypatch: pytest.MonkeyPatch, *addresses: str, error: OSError | None = None) -> None:
    """What the system's resolver says of `sentry.example`."""

    def asked(host: Any, port: Any, *more: Any, **facts: Any) -> Any:
        if host != "sentry.example":
            return ASKED(host, port, *more, **facts)
        if error is not None:
            raise error
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", asked)


@pytest.mark.parametrize(
    ("code", "text", "remedy"),
    [
        (socket.EAI_AGAIN, "the name service fails", "/etc/resolv.conf"),
        (socket.EAI_NONAME, "there is no host", "spelling"),
    ],
)
def test_names_that_lead_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, text: str, remedy: str
) -> None:
    _named(monkeypatch, error=socket.gaierror(code, "no"))
    found = Setup(tmp_path, "https://sentry.example").diagnose().failed("dns")
    assert text in found.text
    assert remedy in found.remedy


def test_a_name_service_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it until it gives up by itself."""
    away = threading.Event()

    def asked(host: Any, *more: Any, **facts: Any) -> Any:
        if host == "sentry.example":
            away.wait(30)
        return ASKED(host, *more, **facts)

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    began_mono = time.monotonic()
    try:
        found = Setup(tmp_path, "https://sentry.example", http={"connection_timeout": 0.1}).diagnose().failed("dns")
    finally:
        away.set()
    assert "no answer about sentry.example within 0.1 s" in found.text
    assert time.monotonic() - began_mono < 15


def test_a_name_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _named(monkeypatch, error=UnicodeError("label too long"))  # type: ignore[arg-type]
    assert "is no name" in Setup(tmp_path, "https://sentry.example").diagnose().failed("dns").text


async def test_one_of_two_addresses_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with mini_upstream() as server:
        _named(monkeypatch, "127.0.0.1", "127.0.0.3")
        found = await Setup(tmp_path, f"http://sentry.example:{server.port}").diagnosed()
    assert found.of("dns")[0].text == "sentry.example is 127.0.0.1, 127.0.0.3"
    assert "no connection to 127.0.0.3, to the others there is" in found.warned("tcp").text
    assert found.of("probe")[0].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "there is no way to"),
        (OSError(errno.EPERM, "Operation not permitted"), "no connection to"),
        (TimeoutError(), "does not answer within 3 s"),
    ],
    ids=["no route", "forbidden", "dropped"],
)
def test_a_network_that_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, text: str
) -> None:
    async def opened(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(asyncio, "open_connection", opened)
    assert text in Setup(tmp_path).diagnose().failed("tcp").text


async def test_a_proxy_that_wants_to_know_who_we_are(tmp_path: Path) -> None:
    """In the clear it is the proxy that answers the request."""
    async with mini_upstream() as proxy:
        proxy.default = Answer(407)
        found = await Setup(tmp_path, "http://sentry.example", http={"proxy": proxy.url}).diagnosed()
    assert "407" in found.failed("proxy").text
    assert "USER:PASSWORD" in found.failed("proxy").remedy


async def test_a_server_in_trouble_that_tells_no_time(tmp_path: Path) -> None:
    async with mini_upstream() as server:
        server.by_path = {LIVE: Answer(raw=b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno")}
        found = await Setup(tmp_path, server.url).diagnosed()
    assert "500 no" in found.warned("http").text
    assert found.of("clock")[0].verdict is Verdict.SKIPPED


async def test_a_clock_that_is_a_little_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrubjay.cli.doctor_answer._BAD_DRIFT_S", 10e9)
    async with mini_upstream() as server:
        server.by_path = {LIVE: Answer(headers={"Date": "Mon, 06 Jan 2020 10:00:00 GMT"})}
        assert "ahead of the server's" in (await Setup(tmp_path, server.url).diagnosed()).warned("clock").text


async def test_a_clock_that_is_far_off_keeps_nothing_from_being_looked_at(tmp_path: Path) -> None:
    async with mini_upstream() as server:
        server.by_path = {LIVE: Answer(headers={"Date": "Mon, 06 Jan 2020 10:00:00 GMT"})}
        found = await Setup(tmp_path, server.url).diagnosed()
    assert "signatures are refused" in found.failed("clock").text
    assert [each.verdict for each in found.of("probe")] == [Verdict.OK]
    assert not found.of("server")


async def test_a_limit_that_comes_with_a_yes(tmp_path: Path) -> None:
    async with mini_upstream() as server:
        server.by_path = {"/envelope/": Answer(headers={"X-Sentry-Rate-Limits": "60:error:project:soon_over"})}
        assert "soon_over" in (await Setup(tmp_path, server.url).diagnosed()).warned("probe").text
