"""Addresses, certificates and proxies over real sockets (upstream-and-operations 6.9)."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from scrubjay.runtime.forwarding.http_client import HttpClient, NoReply, Origin
from scrubjay.runtime.forwarding.resolving import Resolver
from support.certificates import make_authority, server_context
from support.mini_upstream import MiniUpstream

HEAD = b"POST /api/42/envelope/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"


class Book(Resolver):
    """Names as the test says."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self.entries: Sequence[str] = addresses

    async def addresses(self, host: str, port: int) -> Any:
        families = [socket.AF_INET6 if ":" in entry else socket.AF_INET for entry in self.entries]
        return [
            (
                family,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (entry, port) if family == socket.AF_INET else (entry, port, 0, 0),
            )
            for family, entry in zip(families, self.entries, strict=True)
        ]


@pytest.fixture
async def server() -> AsyncIterator[MiniUpstream]:
    async with MiniUpstream() as upstream:
        yield upstream


@pytest.fixture
def silent() -> Any:
    """An address whose connections never come about: its queue is full and nobody accepts."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.2", 0))
        listener.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()


async def post(client: HttpClient, timeout_s: float = 5.0) -> int:
    return (await client.request(HEAD, b"{}", timeout_s)).status


async def test_all_addresses_are_tried(server: MiniUpstream) -> None:
    """Nobody listens at the first two; the third answers."""
    client = HttpClient(Origin("http", "sentry.example", server.port), resolver=Book("::1", "127.0.0.9", "127.0.0.1"))
    assert await post(client) == 200
    client.close()


async def test_an_address_that_says_nothing_does_not_hold_up_the_next(silent: tuple[str, int]) -> None:
    upstream = MiniUpstream()
    upstream.port = silent[1]
    async with upstream:
        client = HttpClient(
            Origin("http", "sentry.example", silent[1]), resolver=Book("127.0.0.2", "127.0.0.1"), connect_timeout_s=2.0
        )
        assert await post(client) == 200
        client.close()


async def test_where_no_address_answers_it_says_so() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = HttpClient(
            Origin("http", "sentry.example", unused.getsockname()[1]), resolver=Book("127.0.0.1", "127.0.0.9")
        )
        with pytest.raises(NoReply) as caught:
            await post(client)
    assert (caught.value.failure, caught.value.ambiguous) == ("connect", False)


async def test_another_address_is_used_as_soon_as_the_old_connections_are_gone(server: MiniUpstream) -> None:
    book = Book("127.0.0.1")
    client = HttpClient(Origin("http", "sentry.example", server.port), resolver=book, recycle_s=0.0)
    assert await post(client) == 200
    book.entries = ("127.0.0.9",)
    with pytest.raises(NoReply, match="connect"):
        await post(client)


async def test_operations_72_what_is_not_trusted_is_named(tmp_path: Path) -> None:
    _, certificate = make_authority(tmp_path)
    async with MiniUpstream(ssl_context=server_context(certificate)) as server:
        client = HttpClient(Origin.parse(server.url), tls=ssl.create_default_context())
        for _ in range(2):
            with pytest.raises(NoReply) as caught:
                await post(client)
            shown = r"it showed CN=sentry\.internal, issued by CN=Test authority, good until 20\d\d-\d\d-\d\d"
            missing = "no CN=Test authority is trusted here: put that authority into http.ca_bundle"
            assert caught.match(f"tls: 127.0.0.1: unable to get local issuer certificate; {shown}; {missing}")
        assert server.arrivals == []
        assert server.connections <= 3, "its certificate is looked at once a minute"


def demanding(folder: Path) -> tuple[Path, Path, ssl.SSLContext]:
    """A server's context that wants a certificate of ours."""
    bundle, certificate = make_authority(folder)
    context = server_context(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=bundle)
    return bundle, certificate, context


async def test_an_upstream_may_ask_for_our_certificate(tmp_path: Path) -> None:
    bundle, certificate, context = demanding(tmp_path)
    async with MiniUpstream(ssl_context=context) as server:
        known = ssl.create_default_context(cafile=bundle)
        known.load_cert_chain(certificate)
        client = HttpClient(Origin.parse(server.url), tls=known)
        assert await post(client) == 200
        client.close()


async def test_without_one_the_refusal_is_known_for_what_it_is(tmp_path: Path) -> None:
    """It comes after the request, and yet nothing of that was read. The server is a blocking one: asyncio's sends no alert."""
    bundle, _, context = demanding(tmp_path)

    def refuse(listener: socket.socket) -> None:
        plain, _ = listener.accept()
        with context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as secure:
            with pytest.raises(ssl.SSLError):
                secure.do_handshake()
            os.read(secure.fileno(), 65_536)  # so that closing does not cut off the alert

    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusal = asyncio.get_running_loop().run_in_executor(None, refuse, listener)
        client = HttpClient(
            Origin("https", "127.0.0.1", listener.getsockname()[1]), tls=ssl.create_default_context(cafile=bundle)
        )
        with pytest.raises(NoReply) as caught:
            await post(client)
        await refusal
    assert (caught.value.failure, caught.value.ambiguous) == ("tls", False)
