"""Who is told what happens to the store, as it happens: streams, terminals, tests.

A `Subscription` is an async iterator with a bounded queue: whoever reads too slowly loses the subscription, never the sink its time.
It may be cancelled between two items without losing one. Nothing is polled.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from scrubjay.core.capture.store import Captured

MAX_WAITING: Final = 1_000
MAX_WAITING_BYTES: Final = 16 * 1024 * 1024
"""What waits is kept in memory, evicted or not. Bounded, it is what came last, which is kept for all readers in common."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An envelope came."""

    captured: Captured


@dataclass(frozen=True, slots=True)
class Changed:
    """More is known of an envelope than before: suspects, and what exactly was scrubbed."""

    captured: Captured


@dataclass(frozen=True, slots=True)
class Cleared:
    """Records were removed; None: all of them."""

    ids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Evicted:
    """So many envelopes made room for others."""

    count: int


Happening = Arrived | Changed | Cleared | Evicted


class Subscription(AsyncIterator[Happening]):
    """`ended` is set when nothing more will come: closed by its reader, by the sink, or because too much waited (`overrun`)."""

    def __init__(self, backlog: Iterable[Captured], leave: Callable[[Subscription], None]) -> None:
        """`backlog` is told first, and does not count as waiting."""
        self.ended = asyncio.Event()
        self.overrun = False
        self._backlog = deque(backlog)
        self._waiting: deque[Happening] = deque()
        self._waiting_bytes = 0
        self._news = asyncio.Event()
        self._leave = leave

    def tell(self, happening: Happening) -> None:
        if self.ended.is_set():
            return
        size_bytes = _size_bytes(happening)
        if self._waiting and (
            len(self._waiting) >= MAX_WAITING or self._waiting_bytes + size_bytes > MAX_WAITING_BYTES
        ):
            self.overrun = True
            self.close()
            return
        self._waiting.append(happening)
        self._waiting_bytes += size_bytes
        self._news.set()

    def close(self) -> None:
        """Ends it; what waits is not told any more. May be called again."""
        self._leave(self)
        self._backlog.clear()
        self._waiting.clear()
        self.ended.set()
        self._news.set()

    async def __anext__(self) -> Happening:
        while not self.ended.is_set():
            if self._backlog:
                return Arrived(self._backlog.popleft())
            if self._waiting:
                happening = self._waiting.popleft()
                self._waiting_bytes = max(0, self._waiting_bytes - _size_bytes(happening)) if self._waiting else 0
                return happening
            self._news.clear()
            await self._news.wait()
        raise StopAsyncIteration

    def __repr__(self) -> str:
        return f"<Subscription {len(self._backlog)} + {len(self._waiting)} waiting{', ended' if self.ended.is_set() else ''}>"


def _size_bytes(happening: Happening) -> int:
    """It may change while it waits, as reports come."""
    return happening.captured.size_bytes if isinstance(happening, Arrived | Changed) else 0


class Audience:
    """All who are to be told. Those who only want to know that something happened get an event."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._events: set[asyncio.Event] = set()
        self._closed = False

    def subscribe(self, backlog: Iterable[Captured]) -> Subscription:
        one = Subscription(backlog, self._subscriptions.discard)
        if self._closed:
            one.close()
        else:
            self._subscriptions.add(one)
        return one

    def join(self) -> asyncio.Event:
        """An event that is set by every happening; `leave` with it."""
        event = asyncio.Event()
        if self._closed:
            event.set()
        self._events.add(event)
        return event

    def leave(self, event: asyncio.Event) -> None:
        self._events.discard(event)

    def tell(self, happening: Happening) -> None:
        for one in tuple(self._subscriptions):
            one.tell(happening)
        for event in self._events:
            event.set()

    def close(self) -> None:
        """Ends all subscriptions, and wakes who waits."""
        self._closed = True
        for one in tuple(self._subscriptions):
            one.close()
        for event in self._events:
            event.set()

    def __len__(self) -> int:
        return len(self._subscriptions) + len(self._events)

    def __repr__(self) -> str:
        return f"<Audience {len(self._subscriptions)} subscriptions, {len(self._events)} waiting>"
