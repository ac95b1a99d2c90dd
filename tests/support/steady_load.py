"""Clients that send all the time and keep book: what was acknowledged must arrive, whoever is killed meanwhile.

Owns a number of connections in a thread of their own. A connection that is lost is made anew and what was under way on it is forgotten,
as a client would; a connection that is refused is counted, since that is what must not happen.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from support.daemon import KEY
from support.http_client import auth
from support.raw_http import Connection, connect, request

TARGET = "/api/1/envelope/"


class SteadyLoad:
    """What the clients saw so far."""

    def __init__(self, port: int, clients: int, pause_s: float, target: str, key: str) -> None:
        self.acknowledged: list[str] = []
        self.refused = 0
        self.lost_connections = 0
        self.statuses: set[int] = set()
        self._port = port
        self._clients = clients
        self._pause_s = pause_s
        self._target = target
        self._headers = auth(key)
        self._stop = False

    async def run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self._clients)))

    async def _client(self) -> None:
        connection: Connection | None = None
        while not self._stop:
            event_id = uuid.uuid4().hex
            payload = json.dumps({"event_id": event_id, "message": "steady"}).encode()
            body = b'{"event_id":"%b"}\n{"type":"event","length":%d}\n%b\n' % (event_id.encode(), len(payload), payload)
            try:
                connection = connection or await connect(self._port)
                await connection.send(request("POST", self._target, body, self._headers))
                answer = await connection.answer()
            except ConnectionRefusedError:
                self.refused += 1
                await asyncio.sleep(0.01)
                continue
            except (OSError, EOFError):
                self.lost_connections += 1
                connection = await _closed(connection)
                continue
            self.statuses.add(answer.status)
            if answer.status == 200:
                self.acknowledged.append(event_id)
            if answer.headers.get("connection") == "close":
                connection = await _closed(connection)
            if self._pause_s:
                await asyncio.sleep(self._pause_s)
        await _closed(connection)

    def stop(self) -> None:
        """No further requests; those under way are answered first."""
        self._stop = True


async def _closed(connection: Connection | None) -> None:
    if connection is not None:
        with suppress(OSError):
            await connection.close()


@contextmanager
def steady_load(
    port: int, clients: int = 20, pause_s: float = 0.0, *, target: str = TARGET, key: str = KEY
) -> Iterator[SteadyLoad]:
    """Sends until the block ends. `pause_s`: of each client after an answer, where processes that start want a processor too."""
    load = SteadyLoad(port, clients, pause_s, target, key)
    thread = threading.Thread(target=lambda: asyncio.run(load.run()), name="steady-load")
    thread.start()
    try:
        yield load
    finally:
        load.stop()
        thread.join(60)
        assert not thread.is_alive()
