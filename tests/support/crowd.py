"""Many clients of several relays at once: keep-alive connections that send envelopes as fast as they are answered, for a while.

Owns a thread with a loop and raw sockets; requests are pipelined, so that little of the machine goes to the clients. Counts answers by
status; what they mean is the test's.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from support.daemon import KEY

_PIPELINED = 8
_BODY = b'{}\n{"type":"event","length":15}\n{"message":"x"}\n'


def envelope_request(project_id: int = 1, key: str = KEY) -> bytes:
    head = (
        f"POST /api/{project_id}/envelope/ HTTP/1.1\r\nhost: relay\r\nx-sentry-auth: Sentry sentry_key={key}\r\n"
        f"content-type: application/x-sentry-envelope\r\ncontent-length: {len(_BODY)}\r\n\r\n"
    )
    return head.encode() + _BODY


class Crowd:
    """`statuses` of all answers so far. `stop`, or `most` requests begun, ends it."""

    def __init__(self, ports: Sequence[int], *, connections: int, most: int) -> None:
        self.statuses: Counter[int] = Counter()
        self.begun = 0
        self.last_unix = 0.0
        self._ports = ports
        self._connections = connections
        self._most = most
        self._request = envelope_request()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="crowd")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def wait(self, timeout_s: float) -> None:
        """Until all requests are answered."""
        self._thread.join(timeout_s)
        assert not self._thread.is_alive(), f"{self.statuses} of {self._most}"

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for port in self._ports:
                for _ in range(self._connections):
                    group.create_task(self._talk(port))

    async def _talk(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not self._stopped.is_set() and self.begun < self._most:
            count = min(_PIPELINED, self._most - self.begun)
            self.begun += count
            writer.write(self._request * count)
            await writer.drain()
            for _ in range(count):
                self.statuses[await _status(reader)] += 1
            self.last_unix = time.time()
        writer.close()


async def _status(reader: asyncio.StreamReader) -> int:
    """Reads one answer to its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))
    return int(head[9:12])


@contextmanager
def crowd(ports: Sequence[int], *, connections: int = 8, most: int = 1 << 30) -> Iterator[Crowd]:
    people = Crowd(ports, connections=connections, most=most)
    people.start()
    try:
        yield people
    finally:
        people.stop()


def next_window(window_s: int, spare_s: float = 0.2) -> int:
    """Waits for the beginning of the next window of a quota of no known organisation; when it ends."""
    while (now := time.time()) % window_s > spare_s:
        time.sleep(min(0.02, window_s - now % window_s))
    return (int(now) // window_s + 1) * window_s


def until(probe: Callable[[], object], ends_unix: float) -> None:
    """Until `probe` holds, or the window is nearly over."""
    while not probe() and time.time() < ends_unix:
        time.sleep(0.005)
