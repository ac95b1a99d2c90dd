"""HTTP as bytes over a plain connection, inside the test's event loop: whatever a test wants to send, however wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Answer:
    """A response; names of headers are in lower case, values of repeated ones joined."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> object:
        return msgspec.json.decode(self.body)


def request(method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """A request as it stands on the wire, with the length of its body."""
    named = {"Host": "relay.local", **(headers or {})}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode(errors="surrogateescape") + (body or b"")


def chunked(method: str, target: str, chunks: list[bytes], headers: Mapping[str, str] | None = None) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: relay.local", "Transfer-Encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return "\r\n".join([*lines, "", ""]).encode() + framed + b"0\r\n\r\n"


class Connection:
    """One connection; requests on it may follow each other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, head: bool = False) -> Answer:
        """The next response. `head`: it has no body, whatever its length says."""
        async with asyncio.timeout(TIMEOUT_S):
            start, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            headers: dict[str, str] = {}
            for line in lines:
                name, _, value = line.partition(": ")
                headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
            length = 0 if head else int(headers.get("content-length", "0"))
            return Answer(int(start.split()[1]), headers, await self.reader.readexactly(length))

    async def closed(self) -> bool:
        """Waits until the other side has closed; False if it sent something instead."""
        async with asyncio.timeout(TIMEOUT_S):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


async def connect(port: int) -> Connection:
    return Connection(*await asyncio.open_connection("127.0.0.1", port))


async def exchange(port: int, data: bytes, *, head: bool = False) -> Answer:
    """One request on a connection of its own."""
    connection = await connect(port)
    try:
        await connection.send(data)
        return await connection.answer(head=head)
    finally:
        await connection.close()
