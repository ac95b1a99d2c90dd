"""Server-sent events: envelopes for Spotlight's readers, and summaries for the page (`capture.md` 5.3, 9.1).

Owns how a stream is written, kept alive and ended. What has arrived is the sink's to tell, in the scrubbed form and no other. Invariants: a stream
costs nothing while nothing arrives but a comment now and then; one that takes too little is cut off, and so is everyone when the process ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from aiohttp import web

from scrubjay.core.capture.query import Query, parse_query
from scrubjay.core.capture.spotlight import HEARTBEAT, OPENING, envelope_message, event_name, label, sse
from scrubjay.core.capture.store import Captured, Found
from scrubjay.core.envelope import encode_json
from scrubjay.runtime.capturing.subscriptions import Arrived, Changed, Cleared, Happening, Subscription
from scrubjay.runtime.endpoints.capture.counts import counts
from scrubjay.runtime.endpoints.capture.site import BASE, Site
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.log import LimitedLog

HEARTBEAT_S: Final = 15.0
STATS_S: Final = 1.0
STUCK_S: Final = 60.0
"""A reader that takes nothing for so long is gone, or no use; what waits for it would stay in memory."""
_LAST_WRITE_S: Final = 0.2
"""For a reader that is in the middle of a message when its stream ends."""
_PIECE_BYTES: Final = 64 * 1024
"""Of a message at a time: a reader that takes nothing must not keep the whole of it in its buffer."""
_HEAVY_BYTES: Final = 256 * 1024
"""Envelopes that come to more are put into words in a thread."""
_SHARED_BYTES: Final = 2 * 1024 * 1024
"""A message of more is made for each reader anew, and goes with it."""

Tell = Callable[[Happening], bytes]


def routes(site: Site) -> list[Route]:
    streams = _Streams(site)
    return [
        Route("GET", "/stream", site.guard(streams.envelopes), "stream"),
        Route("GET", f"{BASE}/stream", site.guard(streams.summaries), "stream"),
    ]


class _Streams:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._log = LimitedLog("capture")
        self._last: dict[str, tuple[str, bytes]] = {}
        self._heavy = asyncio.Semaphore(1)
        """What is heavy is put into words for one reader at a time: threads of many would take the loop's time."""

    async def envelopes(self, request: Request) -> web.StreamResponse:
        """As Spotlight's readers want it: the whole buffer, or what came after the last that they saw, and then all that comes."""
        event = event_name(is_base64="base64" in request.query)
        reader = label(request.query.get("client", ""))
        self._log.line(logging.DEBUG, f"reader/{reader}", "somebody reads the stream", {"client": reader})

        def tell(happening: Happening) -> bytes:
            return self._message(happening.captured, event) if isinstance(happening, Arrived) else b""

        return await self._serve(request, request.headers.get("Last-Event-ID", ""), tell)

    def _message(self, captured: Captured, event: str) -> bytes:
        """All readers get the same at almost the same time, so that what came last is put into words once."""
        capture_id, message = self._last.get(event, ("", b""))
        if capture_id != captured.id:
            message = envelope_message(captured, event)
            if len(message) <= _SHARED_BYTES:
                self._last[event] = captured.id, message
        return message

    async def summaries(self, request: Request) -> web.StreamResponse:
        """One event per record that matches the filters; what changed is told again. `payload=1`: with what scrubbing left of it."""
        sink, asked = self._site.sink, request.query
        query = parse_query(list(asked.items()), now_unix=sink.now(), also=("after", "backlog", "payload"))
        after = request.headers.get("Last-Event-ID") or asked.get("after", "")
        is_fresh = not after and asked.get("backlog") == "0"
        known = sink.store.newest_id if is_fresh else ""
        with_payload = asked.get("payload") == "1"

        def tell(happening: Happening) -> bytes:
            if isinstance(happening, Arrived) and happening.captured.id <= known:
                return b""
            return b"".join(_told(happening, query, with_payload=with_payload))

        def stats() -> bytes:
            return sse("stats", encode_json(counts(sink)))

        return await self._serve(request, after or known, tell, stats)

    async def _serve(
        self, request: Request, after: str, tell: Tell, stats: Callable[[], bytes] | None = None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        self._site.guard.dress(request, response)
        if request.method == "HEAD":
            return response
        subscription = self._site.sink.subscribe(after)
        try:
            await response.prepare(request)
            await _Stream(request, response, subscription, self._heavy).run(tell, stats)
        finally:
            subscription.close()
        return response


class _Stream:
    """One reader's."""

    def __init__(
        self, request: Request, response: web.StreamResponse, subscription: Subscription, heavy: asyncio.Semaphore
    ) -> None:
        self._request = request
        self._response = response
        self._subscription = subscription
        self._heavy = heavy
        self._loop = asyncio.get_running_loop()

    async def run(self, tell: Tell, stats: Callable[[], bytes] | None) -> None:
        """Until the reader goes, or the subscription ends. `stats` are told once in `STATS_S` while anything happens."""
        ending = self._loop.create_task(self._subscription.ended.wait(), name="end of a stream")
        try:
            is_open = await self._write(OPENING, ending)
            stats_due_mono, last_stats_mono = None, 0.0
            while is_open:
                now_mono = self._loop.time()
                if stats is not None and stats_due_mono is not None and now_mono >= stats_due_mono:
                    stats_due_mono, last_stats_mono = None, now_mono
                    is_open = await self._write(stats(), ending)
                    continue
                happening = await self._next(now_mono + HEARTBEAT_S if stats_due_mono is None else stats_due_mono)
                if happening is not None:
                    is_open = await self._write(await self._worded(tell, happening), ending)
                    if stats_due_mono is None and stats is not None:
                        stats_due_mono = max(now_mono, last_stats_mono + STATS_S)
                elif ending.done():
                    return
                elif stats_due_mono is None:
                    is_open = await self._write(HEARTBEAT, ending)
        finally:
            ending.cancel()

    async def _next(self, until_mono: float) -> Happening | None:
        with suppress(TimeoutError, StopAsyncIteration):
            async with asyncio.timeout_at(until_mono):
                return await anext(self._subscription)
        await asyncio.sleep(0)  # for the task that sees the end
        return None

    async def _write(self, data: bytes, ending: asyncio.Task[bool]) -> bool:
        """Whether the reader is still there. One that takes nothing is cut off after a while, and when its subscription ends."""
        if not data:
            return True
        writing = self._loop.create_task(self._write_pieces(data), name="write to a stream")
        await asyncio.wait((writing, ending), timeout=STUCK_S, return_when=asyncio.FIRST_COMPLETED)
        if not writing.done():
            await asyncio.wait((writing,), timeout=_LAST_WRITE_S)
        if not writing.done():
            writing.cancel()
            if self._request.transport is not None:
                self._request.transport.abort()
            return False
        return not isinstance(writing.exception(), ConnectionError)

    async def _worded(self, tell: Tell, happening: Happening) -> bytes:
        if not isinstance(happening, Arrived | Changed) or happening.captured.size_bytes <= _HEAVY_BYTES:
            return tell(happening)
        async with self._heavy:
            return b"" if self._subscription.ended.is_set() else await asyncio.to_thread(tell, happening)

    async def _write_pieces(self, data: bytes) -> None:
        for at in range(0, len(data), _PIECE_BYTES):
            await self._response.write(data[at : at + _PIECE_BYTES])


def _told(happening: Happening, query: Query, *, with_payload: bool) -> Iterator[bytes]:
    if isinstance(happening, Arrived):
        yield from _records(happening.captured, query, happening.captured.id, with_payload=with_payload)
    elif isinstance(happening, Changed):  # without an id, or a reader would go on from there
        yield from _records(happening.captured, query, "", with_payload=with_payload)
    elif isinstance(happening, Cleared):
        yield sse("cleared", encode_json({"ids": happening.ids}))
    else:
        yield sse("evicted", encode_json({"count": happening.count}))


def _records(captured: Captured, query: Query, event_id: str, *, with_payload: bool) -> Iterator[bytes]:
    """The last one carries the id, so that who lost the connection in the middle of an envelope gets it once more."""
    found = [one for one in (Found(captured, record) for record in captured.records) if query.matches(one)]
    for one in found:
        summary: dict[str, object] = dict(one.record.summary)
        if with_payload and (document := one.document()) is not None:
            summary["payload"] = document
        yield sse("record", encode_json(summary), event_id if one is found[-1] else "")
