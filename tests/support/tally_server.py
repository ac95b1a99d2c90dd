"""A server that takes whatever comes and remembers of each envelope its id, its `sent_at` and when it came: cheap enough for hundreds
of thousands. While it is away, connections are cut before anything is read.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True, slots=True)
class Taken:
    """One envelope. `arrived_unix` is by the true clock."""

    event_id: str
    sent_at: str | None
    arrived_unix: float


class TallyServer:
    """Bodies have to come uncompressed."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.is_away = False
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            while not self.is_away:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                if self.is_away:
                    break
                if body:
                    header = json.loads(body[: body.index(b"\n")])
                    self.taken.append(Taken(header.get("event_id", ""), header.get("sent_at"), time.time()))
                writer.write(ANSWER)
        writer.transport.abort()


def _length(head: bytes) -> int:
    name = b"\r\ncontent-length: "
    start = head.lower().find(name)
    return int(head[start + len(name) : head.index(b"\r", start + 2)]) if start >= 0 else 0


@contextmanager
def tally_server() -> Iterator[TallyServer]:
    """One that runs in a thread until the block ends."""
    server = TallyServer()
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready,), name="tally-server")
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        server.end()
        thread.join(10)
        assert not thread.is_alive()
