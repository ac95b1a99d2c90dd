"""A load generator that costs little beside what it measures: prebuilt requests over a few kept-alive connections.

Owns sending a number of requests as fast as they are answered, each connection one at a time. Counts statuses; any
other than 200 is an error of the run. Knows nothing of what the requests hold.
"""

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import uvloop

CONNECTIONS = 16
TIMEOUT_S = 600


@dataclass(frozen=True)
class Run:
    """What a run of the generator saw."""

    requests: int
    seconds: float


class _Sender(asyncio.Protocol):
    """One connection: writes the next request when the answer to the last one is complete."""

    def __init__(self, requests: Sequence[bytes], share: int, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._left = share
        self._next = 0
        self._done = done
        self._answer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, rest = self._answer.partition(b"\r\n\r\n")
        if not found:
            return
        fields = head.lower()
        at = fields.index(b"content-length:") + 15
        if len(rest) < int(fields[at:].split(b"\r\n", 1)[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._fail(f"answered {self._answer[:400]!r}")
            return
        self._answer = b""
        self._left -= 1
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if self._left > 0:
            self._fail(f"connection lost: {error}")

    def _send(self) -> None:
        assert self._transport is not None
        if self._left > 0:
            self._transport.write(self._requests[self._next % len(self._requests)])
            self._next += 1
            return
        self._transport.close()
        if not self._done.done():
            self._done.set_result(None)

    def _fail(self, problem: str) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(problem))


def send(
    port: int,
    requests: Sequence[bytes],
    count: int,
    *,
    connections: int = CONNECTIONS,
    tls: ssl.SSLContext | None = None,
) -> Run:
    """Send `count` requests, going round `requests`; RuntimeError at the first answer that is not 200."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        ends = []
        for number in range(connections):
            share = count // connections + (number < count % connections)
            end: asyncio.Future[None] = loop.create_future()
            turned = requests[number:] + requests[:number]
            sender = partial(_Sender, turned, share, end)
            await loop.create_connection(sender, "127.0.0.1", port, ssl=tls)
            ends.append(end)
        await asyncio.wait_for(asyncio.gather(*ends), TIMEOUT_S)

    started = time.perf_counter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
    return Run(count, time.perf_counter() - started)
