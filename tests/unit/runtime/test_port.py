"""Where a worker accepts, and how many at once."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from scrubjay.errors import ConfigError
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.front import Front, Route
from scrubjay.runtime.port import Bounded, Port, open_port
from scrubjay.runtime.tasks import Tasks
from scrubjay.settings.load import build


class Book:
    def __init__(self) -> None:
        self.errors: list[str] = []

    def request(self, route: str, status: int, seconds: float) -> None: ...

    def rejected(self, reason: object, detail: str = "", **more: object) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None:
        self.errors.append(place)


@asynccontextmanager
async def opened(
    given: socket.socket | None = None, book: Book | None = None, **options: object
) -> AsyncIterator[Port]:
    async def answer(request: object) -> web.StreamResponse:
        return web.Response(text="x")

    settings = build({"relay.port": 0, **{key.replace("__", "."): value for key, value in options.items()}})
    book = book or Book()
    door = Front([Route("GET", "/", answer, "page")], book, Bodies(1 << 20))
    port = await open_port(door, settings, given, book)
    try:
        yield port
    finally:
        await port.close(0)


async def reach(port: int, host: str = "127.0.0.1") -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


class Client:
    """A connection that asks and is answered, or is not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def ask(self) -> None:
        self.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    async def answer(self) -> bytes:
        async with asyncio.timeout(30):
            head = await self.reader.readuntil(b"\r\n\r\n")
            await self.reader.readexactly(1)
        return head.split()[1]

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def test_alone_it_has_an_address_of_its_own() -> None:
    async with opened() as port:
        assert await reach(port.number)
        assert str(port.number) in repr(port)
        with pytest.raises(ConfigError, match=r"relay\.port: cannot listen on 127\.0\.0\.1"):
            async with opened(relay__port=port.number):
                pass


async def test_it_listens_on_addresses_of_version_6() -> None:
    async with opened(relay__host="::1") as port:
        assert await reach(port.number, "::1")


@pytest.mark.parametrize("options", [{}, {"limits__max_connections": 5}], ids=["unbounded", "bounded"])
async def test_a_socket_that_was_given_outlives_it_and_keeps_what_arrives(options: Mapping[str, Any]) -> None:
    kept = socket.socket()
    kept.bind(("127.0.0.1", 0))
    async with opened(kept.dup(), relay__port=1, **options) as port:
        assert port.number == kept.getsockname()[1]
        assert await reach(port.number)
    assert await reach(port.number), "the kernel holds it for whoever comes next"
    kept.close()
    assert not await reach(port.number)


async def test_beyond_the_bound_connections_wait_and_none_is_refused() -> None:
    async with opened(limits__max_connections=2) as port:
        clients = [await Client.to(port.number) for _ in range(5)]
        for client in clients:
            client.ask()
        assert [await client.answer() for client in clients[:2]] == [b"200", b"200"]
        for _ in range(20):
            await asyncio.sleep(0)
        assert not any(client.reader._buffer for client in clients[2:]), "they are not accepted yet"  # type: ignore[attr-defined]
        for position in range(3):
            await clients[position].close()
            assert await clients[position + 2].answer() == b"200"
        for client in clients[3:]:
            await client.close()
        late = await Client.to(port.number)
        late.ask()
        assert await late.answer() == b"200"
        await late.close()


async def test_an_idle_connection_is_closed_even_if_it_never_sent_anything() -> None:
    async with opened(limits__idle_timeout=0.1, limits__keepalive_timeout=60) as port:
        silent, used = await Client.to(port.number), await Client.to(port.number)
        used.ask()
        assert await used.answer() == b"200"
        async with asyncio.timeout(30):
            assert await silent.reader.read() == b""
            assert await used.reader.read() == b""
        await silent.close()
        await used.close()


class Broken:
    """A listening socket of a process that has no descriptors left, once."""

    def __init__(self, real: socket.socket, error: int) -> None:
        self._real, self._error = real, error

    def accept(self) -> tuple[socket.socket, object]:
        if self._error:
            error, self._error = self._error, 0
            raise OSError(error, "no")
        return self._real.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ECONNABORTED])
async def test_errors_of_accepting_are_outlived(error: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrubjay.runtime.port._AGAIN_S", 0.01)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    async with opened(Broken(bound, error), limits__max_connections=2) as port:  # type: ignore[arg-type]
        client = await Client.to(port.number)
        client.ask()
        assert await client.answer() == b"200"
        await client.close()


async def test_who_has_gone_before_being_served_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    bound, book = socket.create_server(("127.0.0.1", 0)), Book()
    loop, failed = asyncio.get_running_loop(), asyncio.Event()
    listener = Bounded(bound, 1, Tasks(book.internal_error))

    async def fails(*_: object) -> None:
        failed.set()
        raise OSError(errno.ENOTCONN, "gone")

    monkeypatch.setattr(type(loop), "connect_accepted_socket", fails)
    listener.start(web.Server(lambda _: None), 5)  # type: ignore[arg-type, return-value]
    assert await reach(bound.getsockname()[1])
    await failed.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert repr(listener) == "<Bounded 0 of 1 connections>"
    listener.close()
    assert book.errors == []


class Exhausted:
    """A socket of a process that has no descriptors left."""

    def dup(self) -> socket.socket:
        raise OSError(errno.EMFILE, "no")


def knock(port: int) -> socket.socket:
    """A client of which only the kernel knows so far: the loop has had no turn."""
    made = socket.create_connection(("127.0.0.1", port))
    made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    made.setblocking(False)
    return made


@pytest.mark.parametrize("options", [{}, {"limits__max_connections": 1}], ids=["unbounded", "bounded"])
async def test_whom_the_kernel_let_in_is_answered_and_later_ones_are_refused(options: Mapping[str, Any]) -> None:
    async with opened(**options) as port:
        waiting = [knock(port.number) for _ in range(3)]
        await port.close(5)
        for each in waiting:
            answer = await asyncio.get_running_loop().sock_recv(each, 4096)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"Connection: close" in answer
            each.close()
        assert not await reach(port.number)


async def test_a_connection_that_seems_idle_may_bring_its_last_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrubjay.runtime.port._LAST_REQUEST_S", 20.0)
    async with opened() as port:
        client = await Client.to(port.number)
        client.ask()
        assert await client.answer() == b"200"
        closing = asyncio.ensure_future(port.close(60))  # noqa: TID251
        while await reach(port.number):
            pass
        assert not closing.done()
        client.ask()
        assert await client.answer() == b"200"
        assert await client.reader.read() == b""
        await client.close()
        await closing


async def test_a_connection_that_stays_idle_is_waited_for_no_longer_than_that() -> None:
    async with opened() as port:
        client = await Client.to(port.number)
        client.ask()
        assert await client.answer() == b"200"
        async with asyncio.timeout(30):
            await port.close(60)
            assert await client.reader.read() == b""
        await client.close()


async def test_who_waits_and_has_gone_and_a_want_of_descriptors_keep_no_port_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()

    async def fails(*_: object) -> None:
        raise OSError(errno.ENOTCONN, "gone")

    async with opened() as port:
        gone = knock(port.number)
        monkeypatch.setattr(type(loop), "connect_accepted_socket", fails)
        await port.close(1)
        gone.close()
    async with opened() as port:
        with monkeypatch.context() as patch:
            patch.setattr(port, "_bound", Exhausted())
            await port.close(1)
        assert not await reach(port.number)
