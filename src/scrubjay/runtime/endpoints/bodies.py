"""How much of all bodies together may be in memory: large ones wait for each other instead of adding up.

Owns the sum of the bodies that are read or worked on, and the queue of those that wait for room. Reading one is `common`'s; what was taken over
counts with the outbox. Small bodies, up to `FREE_BYTES`, are bounded by the number of connections and cost nothing here.

Invariants: what is in flight is at most the bound, or one body alone, however large its route lets it be; what memory cannot hold is not begun,
since a process that the kernel kills loses more than one envelope; nobody waits for ever, since
those who hold a part might wait for each other: whoever waited too long gets a 503 and gives its part back. Who has a part goes first,
since it gives room when it has all; else first come, first served.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from scrubjay import reasons
from scrubjay.errors import Unavailable

FREE_BYTES: Final = 64 * 1024
_COPIES: Final = 6
"""What a body takes on its way, from reading to compressing it for disk and server, in its own size: measured with attachments."""
_RETRY_AFTER_S: Final = 15


class Share:
    """What one request has in memory beyond what is free; mostly nothing."""

    __slots__ = ("_bodies", "size_bytes")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.size_bytes = 0

    async def grow(self, size_bytes: int, wait_s: float) -> None:
        """Room for so much in all. Raises `Unavailable` if there is none within `wait_s`."""
        if size_bytes > max(self.size_bytes, FREE_BYTES):
            await self._bodies.take(self, size_bytes, wait_s)

    def add(self, size_bytes: int) -> None:
        """So much more is there already."""
        self.size_bytes += size_bytes
        self._bodies.in_flight_bytes += size_bytes

    def give_back(self) -> None:
        """The request has ended."""
        if self.size_bytes:
            self.add(-self.size_bytes)
            self._bodies.let_in()


class Bodies:
    """`has_room_for` says whether memory has room for so many bytes; below `most_bytes` too, nobody is let in without."""

    def __init__(self, most_bytes: int, has_room_for: Callable[[int], bool] = lambda size_bytes: True) -> None:
        self.most_bytes = most_bytes
        self.in_flight_bytes = 0
        self._has_room_for = has_room_for
        self._queue: deque[tuple[Share, int, asyncio.Future[None]]] = deque()

    async def take(self, share: Share, size_bytes: int, wait_s: float) -> None:
        has_part = share.size_bytes > 0
        if (has_part or not self._queue) and self._fits(share, size_bytes):
            share.add(size_bytes - share.size_bytes)
            return
        granted = asyncio.get_running_loop().create_future()
        entry = (share, size_bytes, granted)
        if has_part:
            self._queue.appendleft(entry)
        else:
            self._queue.append(entry)
        try:
            async with asyncio.timeout(wait_s):
                await granted
        except TimeoutError:
            raise _no_room(f"{len(self._queue)} others wait") from None
        finally:
            if entry in self._queue:
                self._queue.remove(entry)
                self.let_in()

    def let_in(self) -> None:
        """Those who wait, as far as there is room now."""
        while self._queue and self._fits(*self._queue[0][:2]):
            share, size_bytes, granted = self._queue.popleft()
            if not granted.done():
                share.add(size_bytes - share.size_bytes)
                granted.set_result(None)

    def _fits(self, share: Share, size_bytes: int) -> bool:
        others_bytes = self.in_flight_bytes - share.size_bytes
        if others_bytes and others_bytes + size_bytes > self.most_bytes:
            return False
        # What others have got is counted, though they may have filled it already: they may be about to copy it.
        return self._has_room_for(_COPIES * (others_bytes + size_bytes))

    def __repr__(self) -> str:
        return f"<Bodies {self.in_flight_bytes} of {self.most_bytes} bytes, {len(self._queue)} wait>"


def _no_room(cause: str) -> Unavailable:
    return Unavailable(reasons.BODIES_FULL, "no room for the body", cause, retry_after_s=_RETRY_AFTER_S)
