"""Where captured envelopes go: the store, with a clock, randomness, those who want to know, and those who look closer.

The `Capture` of the path's ports. What is kept is `core.capture`'s business, what may be shown of a request `showing`'s, who may read it
`endpoints.capture`'s. Where items end here, what was captured is there when `keep` returns. Beside forwarding (`is_tee`) `keep` costs the
path an entry in a bounded queue, and what does not fit in there is counted and not shown.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from scrubjay.core.capture.facts import Coming
from scrubjay.core.capture.faults import Faults
from scrubjay.core.capture.report import Mode, Report
from scrubjay.core.capture.store import Captured, CaptureStore, Found
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.ports import Ingress, Sighting
from scrubjay.runtime.capturing.examiner import Examiner
from scrubjay.runtime.capturing.recording import Recording
from scrubjay.runtime.capturing.showing import Rules, Showing, default_plan, showing
from scrubjay.runtime.capturing.sighting import Seen
from scrubjay.runtime.capturing.subscriptions import Arrived, Audience, Changed, Cleared, Evicted, Subscription
from scrubjay.runtime.log import LimitedLog

PlanOf = Callable[[str], ProjectPlan | None]
"""The plan in force for a key."""

HEAVY_BYTES: Final = 64 * 1024
"""Dropped items that come to more are scrubbed in a thread."""
REST: Final = 0.0
TEE_REST: Final = 9.0
"""How long the examiner rests, by how long it worked; beside forwarding whoever takes copies does, too."""
MAX_QUEUED: Final = 256
MAX_QUEUED_BYTES: Final = 32 * 1024 * 1024


class CaptureSink:
    """One per process: capture means one worker. `fallback`: a plan that scrubs, for what no other is for."""

    def __init__(
        self,
        store: CaptureStore,
        *,
        plan_of: PlanOf = lambda key: None,
        fallback: Callable[[], ProjectPlan] = default_plan,
        originals: Mode = "none",
        is_tee: bool = False,
        recording: Recording | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.originals: Mode = originals
        self.is_tee = is_tee
        self._recording = recording
        self.now = now
        self.started_unix = now()
        self._plan_of = plan_of
        self.fallback = fallback
        self.faults = Faults()
        self._audience = Audience()
        self._queue: deque[Seen] = deque()
        self._queued_bytes = 0
        self._worker: asyncio.Task[None] | None = None
        self._examiner = Examiner(store, originals, self._changed, rest=TEE_REST if is_tee else REST)
        self._log = LimitedLog("capture")
        self._closed = False

    # What the path calls

    def watch(self, ingress: Ingress) -> Seen:
        return Seen(ingress, time.perf_counter())

    async def keep(self, sighting: Sighting) -> None:
        assert isinstance(sighting, Seen), "of `watch`"
        if self._closed or (sighting.tally is None and sighting.error is None):
            return
        if self.is_tee:
            self._enqueue(sighting)
        else:
            await self._take(sighting)

    async def _take(self, seen: Seen) -> Captured:
        key = _key_of(seen)
        rules = Rules.of(self._plan_of(key), self.fallback())
        dropped_bytes = sum(len(one.original) for one in seen.items if one.ending is not None)
        if dropped_bytes > HEAVY_BYTES or (seen.tally is None and seen.size_bytes > HEAVY_BYTES):
            shown = await asyncio.to_thread(showing, seen, rules)
        else:
            shown = showing(seen, rules)
        captured = self._offer(shown, _coming(seen, rules))
        self._examiner.add(captured, shown, rules, seen.headers)
        return captured

    def _offer(self, shown: Showing, coming: Coming) -> Captured:
        evicted = self.store.totals.evicted
        captured = self.store.offer(
            shown.envelope,
            shown.account,
            coming,
            now_unix=self.now(),
            entropy=secrets.randbits(74),
            fates=shown.fates,
            originals=[item.payload for item in shown.came] if self.originals == "full" else (),
            withheld=shown.withheld,
            untouched=shown.untouched(),
        )
        self._audience.tell(Arrived(captured))
        if self._recording is not None:
            self._recording.add(captured)
        if gone := self.store.totals.evicted - evicted:
            self._audience.tell(Evicted(gone))
        return captured

    def _enqueue(self, seen: Seen) -> None:
        """Never waits."""
        if len(self._queue) >= MAX_QUEUED or self._queued_bytes + seen.size_bytes > MAX_QUEUED_BYTES:
            self.store.totals.missed += 1
            return
        self._queue.append(seen)
        self._queued_bytes += seen.size_bytes
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work(), name="capture")

    async def _work(self) -> None:
        while self._queue:
            seen = self._queue.popleft()
            self._queued_bytes -= seen.size_bytes
            began_mono = time.monotonic()
            try:
                await self._take(seen)
            except Exception as error:  # noqa: BLE001  what is shown must never end what is forwarded
                self._log.line(logging.ERROR, "take", "an envelope could not be captured", {"error": repr(error)})
            await asyncio.sleep((time.monotonic() - began_mono) * TEE_REST)

    # What endpoints call

    def plan_for(self, key: str) -> ProjectPlan:
        """The plan in force that scrubs what comes with a key."""
        return Rules.of(self._plan_of(key), self.fallback()).plan

    def mark(self) -> str:
        return self.store.mark(self.now(), secrets.randbits(74))

    def remove(self, founds: Iterable[Found]) -> int:
        """Forgets these records; how many there were."""
        ids = tuple(found.id for found in founds)
        removed = self.store.remove(ids)
        if removed:
            self._told(Cleared(ids))
        return removed

    def clear(self) -> int:
        """Forgets everything; how many records that were."""
        removed = self.store.clear()
        self._told(Cleared(None))
        return removed

    def _told(self, cleared: Cleared) -> None:
        if self._recording is not None:
            self._recording.remove()
        self._audience.tell(cleared)

    def subscribe(self, after: str = "") -> Subscription:
        """What happens from now on, and first what came after an envelope that is known; all that is kept, if it is not."""
        backlog = self.store.after(after)
        return self._audience.subscribe(reversed(list(self.store.newest_first())) if backlog is None else backlog)

    @asynccontextmanager
    async def arrivals(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever something happens; whoever waits clears it."""
        event = self._audience.join()
        try:
            yield event
        finally:
            self._audience.leave(event)

    async def examined(self) -> None:
        """Returns when every report that is pending is done."""
        if self._worker is not None and not self._worker.done():
            await asyncio.wait([self._worker])
        await self._examiner.examined()

    @property
    def pending(self) -> int:
        """Envelopes that nobody has looked into yet."""
        return self._examiner.pending

    async def report(self, found: Found) -> Report:
        """What scrubbing did to an item."""
        packed = found.item.report
        if packed is None:
            await self._examiner.first(found.captured)
            packed = found.item.report
        return Report(self.originals, reason="nobody looked into it") if packed is None else Report.unpacked(packed)

    def close(self) -> None:
        """Lets go of all who wait."""
        self._closed = True
        self._examiner.close()
        if self._recording is not None:
            self._recording.close()
        self._audience.close()

    @property
    def is_closed(self) -> bool:
        return self._closed

    def _changed(self, captured: Captured) -> None:
        self._audience.tell(Changed(captured))

    def __repr__(self) -> str:
        return f"<CaptureSink {self.store!r}, {self._audience!r}>"


def _key_of(seen: Seen) -> str:
    if seen.tally is not None:
        return seen.tally.account.key
    return "" if seen.ingress.auth is None else seen.ingress.auth.key


def _coming(seen: Seen, rules: Rules) -> Coming:
    ingress, error = seen.ingress, seen.error
    entrance = ingress.entrance
    limited = any(
        one.ending is not None and one.ending.reason.outcome == "rate_limited" and not ingress.hides_limits
        for one in seen.items
    )
    return Coming(
        via=("tunnel" if ingress.auth is None else "dsn") if entrance is None else entrance.via,
        user_agent=ingress.user_agent or "",
        method="" if entrance is None else entrance.method,
        path="" if entrance is None else entrance.path,
        client=(ingress.client_ip or "") if rules.plan.sends_client_ip else "",
        encoding="" if entrance is None else entrance.encoding,
        wire_bytes=len(ingress.body) if entrance is None else entrance.wire_bytes,
        headers={} if entrance is None else entrance.headers,
        status=error.status if error is not None else 429 if limited else 200,
        took_ms=round((time.perf_counter() - seen.began_mono) * 1000, 2),
    )
