"""What becomes of connections to a TLS port that never get to a request."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from scrubjay.runtime import handshakes
from scrubjay.runtime.certificates import Certificates
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.front import Front, Route
from scrubjay.runtime.handshakes import Handshakes, failure_of
from scrubjay.runtime.port import Port, open_port
from scrubjay.settings.load import build
from scrubjay.settings.tls import Tls, Version
from support.forwarding import until
from support.openssl import Chain
from support.tls_load import trusting


class Book:
    """What is told of."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, str]] = []

    def request(self, route: str, status: int, seconds: float) -> None: ...

    def rejected(self, reason: object, detail: str = "", **more: object) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None:
        raise AssertionError(place) from error

    def handshake_failed(self, reason: str, detail: str) -> None:
        self.failures.append((reason, detail))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    made = Chain(tmp_path_factory.mktemp("chain"))
    made.leaf("relay")
    return made


@asynccontextmanager
async def opened(
    chain: Chain,
    book: Book,
    *,
    client_ca: Path | None = None,
    internal: bool = False,
    least: Version = "1.2",
    **options: object,
) -> AsyncIterator[Port]:
    async def answer(request: object) -> web.StreamResponse:
        return web.Response(text="x")

    files = chain.folder
    authority = str(client_ca) if client_ca else None
    tls = Tls(cert=str(files / "relay.pem"), key=str(files / "relay.key"), client_ca=authority, min_version=least)
    settings = build({"relay.port": 0, **options})
    front = Front([Route("GET", "/", answer, "page")], book, Bodies(1 << 20))
    secure = Handshakes(Certificates(tls), book, internal=internal)
    port = await open_port(front, settings, None, book, handshakes=secure)
    try:
        yield port
    finally:
        await port.close(0)


async def asked(
    port: Port, context: ssl.SSLContext | None, data: bytes = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
) -> bytes:
    """What comes back, up to the end of the head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port.number, ssl=context)
    try:
        writer.write(data)
        return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_a_request_comes_through(chain: Chain) -> None:
    book = Book()
    async with opened(chain, book) as port:
        assert (await asked(port, trusting(chain.root))).startswith(b"HTTP/1.1 200")
    assert book.failures == []


@pytest.mark.parametrize(
    ("data", "reason", "told"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "plain_http", "speaks http to a port of https"),
        (b"\x00" * 300, "garbage", ""),
        (b"\x16\x03\x01", "gone", ""),
    ],
)
async def test_what_is_no_hello_is_told_apart(chain: Chain, data: bytes, reason: str, told: str) -> None:
    book = Book()
    async with opened(chain, book) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port.number)
        writer.write(data)
        await writer.drain()
        writer.close()
        await until(lambda: book.failures)
    assert book.failures[0][0] == reason
    assert told in book.failures[0][1]


async def test_who_says_nothing_is_sent_away_and_makes_room(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "HANDSHAKE_S", 0.1)
    book = Book()
    async with opened(chain, book, **{"limits.max_connections": 1}) as port:
        with socket.create_connection(("127.0.0.1", port.number)):
            assert (await asked(port, trusting(chain.root))).startswith(b"HTTP/1.1 200")
        await until(lambda: book.failures)
    assert book.failures[0][0] == "timeout"


async def test_clients_show_a_certificate_where_they_must(chain: Chain, tmp_path: Path) -> None:
    clients = Chain(tmp_path, "clients")
    book = Book()
    known, unknown = trusting(chain.root), trusting(chain.root)
    right, wrong = clients.leaf("right", usage="clientAuth"), chain.leaf("wrong", usage="clientAuth")
    known.load_cert_chain(right.cert, right.key)
    unknown.load_cert_chain(wrong.cert, wrong.key)
    async with opened(chain, book, client_ca=clients.root) as port:
        assert (await asked(port, known)).startswith(b"HTTP/1.1 200")
        for context in (trusting(chain.root), unknown):
            with pytest.raises((OSError, EOFError)):
                await asked(port, context)
    assert [reason for reason, _ in book.failures] == ["no_certificate", "untrusted"]
    assert "which tls.client_ca demands" in book.failures[0][1]
    assert "of no authority in tls.client_ca" in book.failures[1][1]
    async with opened(chain, book, client_ca=clients.root, internal=True) as port:
        assert (await asked(port, trusting(chain.root))).startswith(b"HTTP/1.1 200")


async def test_a_client_that_distrusts_us_is_told_of_with_what_it_was_shown(chain: Chain, tmp_path: Path) -> None:
    book = Book()
    context = trusting(Chain(tmp_path, "other").root)

    def try_it(number: int) -> None:
        """A blocking client: asyncio's sends no alert."""
        with (
            socket.create_connection(("127.0.0.1", number)) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(plain, server_hostname="127.0.0.1")

    async with opened(chain, book) as port:
        await asyncio.to_thread(try_it, port.number)
        await until(lambda: book.failures)
    reason, told = book.failures[0]
    assert reason == "distrusts_us"
    assert "CN=relay.internal, issued by CN=scrubjay test authority" in told


async def test_old_versions_are_told_apart(chain: Chain) -> None:
    book, old = Book(), trusting(chain.root)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with opened(chain, book, least="1.3") as port:
        with pytest.raises(OSError):
            await asked(port, old)
        await until(lambda: book.failures)
    assert book.failures[0][0] == "version"
    assert "tls.min_version" in book.failures[0][1]


async def test_who_is_connecting_when_the_port_closes_is_answered(chain: Chain) -> None:
    """In the kernel, or in the middle of its handshake."""
    book = Book()
    async with opened(chain, book) as port, asyncio.TaskGroup() as group:
        clients = [group.create_task(asked(port, trusting(chain.root))) for _ in range(5)]
        await asyncio.sleep(0)
        plain = [socket.create_connection(("127.0.0.1", port.number)) for _ in range(3)]
        await port.close(5)
        for each in plain:
            each.close()
    assert all(client.result().startswith(b"HTTP/1.1 200") for client in clients)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionAbortedError("SSL handshake is taking longer than 5.0 seconds: aborting the connection"), "timeout"),
        (ConnectionResetError(), "gone"),
        (ssl.SSLError(1, "what was never heard of"), "other"),
    ],
)
def test_each_failure_has_a_word(error: OSError, reason: str) -> None:
    assert failure_of(error) == reason
