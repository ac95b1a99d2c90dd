"""Where captured envelopes go: the store, with a clock, randomness, and those who wait for something to arrive.

The `Capture` of the path's ports. Owns waking; what is kept is `core.capture`'s business, who may read it `endpoints.capture`'s.
Waiting costs nothing until something arrives: no polling.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

from scrubjay.core.capture.query import Query, select
from scrubjay.core.capture.store import CaptureStore
from scrubjay.core.envelope import Envelope
from scrubjay.core.ports import Ingress, Sighting
from scrubjay.runtime.capturing.sighting import Seen


class CaptureSink:
    """One per process: capture means one worker."""

    def __init__(self, store: CaptureStore, *, now: Callable[[], float] = time.time) -> None:
        self.store = store
        self.started_unix = now()
        self.now = now
        self._waiting: set[asyncio.Event] = set()
        self._closed = False

    def watch(self, ingress: Ingress) -> Seen:
        return Seen(ingress)

    async def keep(self, sighting: Sighting) -> None:
        """Takes a copy of what would leave. Envelopes of which nothing is left are not shown."""
        assert isinstance(sighting, Seen), "of `watch`"
        seen = sighting
        kept = [one.item for one in seen.items if one.ending is None]
        if seen.tally is None or not kept:
            return
        self.store.offer(
            Envelope(seen.tally.envelope.headers, kept),
            seen.tally.account,
            now_unix=self.now(),
            entropy=_entropy(),
            via="tunnel" if seen.ingress.auth is None else "dsn",
            user_agent=seen.ingress.user_agent or "",
        )
        self._wake()

    def mark(self) -> str:
        return self.store.mark(self.now(), _entropy())

    async def wait(self, query: Query) -> dict[str, object]:
        """Returns when `query.count` records match, when the time is over, or when the process ends."""
        loop = asyncio.get_running_loop()
        start_mono = loop.time()
        arrived = asyncio.Event()
        self._waiting.add(arrived)
        try:
            while True:
                arrived.clear()
                answer = select(self.store.records(), query)
                waited_s = loop.time() - start_mono
                satisfied = int(str(answer["matched"])) >= query.count
                if satisfied or self._closed or waited_s >= query.timeout_s:
                    return {"satisfied": satisfied, "waited_ms": round(waited_s * 1000)} | answer
                try:
                    async with asyncio.timeout(query.timeout_s - waited_s):
                        await arrived.wait()
                except TimeoutError:
                    pass
        finally:
            self._waiting.discard(arrived)

    def close(self) -> None:
        """Lets go of all who wait."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for arrived in self._waiting:
            arrived.set()

    def __repr__(self) -> str:
        return f"<CaptureSink {self.store!r}, {len(self._waiting)} waiting>"


def _entropy() -> int:
    return secrets.randbits(74)
