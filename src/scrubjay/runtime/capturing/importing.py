"""What was captured elsewhere, or before, is captured here (`capture.md` 9.1): scrubbed first, whatever it says of itself.

Imported envelopes take no other part of the path: they are not limited, not counted, not forwarded. Invariant: nothing is kept that the
plan of its key, or else the defaults, has not scrubbed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.capture.imports import Arrival
from scrubjay.core.envelope import Envelope
from scrubjay.core.items import classify
from scrubjay.core.ledger import Account, Booking, Ledger
from scrubjay.core.pipeline import scrub
from scrubjay.core.ports import Entrance, Ingress, Ports
from scrubjay.runtime.capturing.showing import Rules, default_plan
from scrubjay.runtime.capturing.sink import CaptureSink

PATH = "/api/capture/import"


class _NoBook:
    """What is imported was counted where it came in."""

    def received(self, item_type: str, quantities: Quantities) -> None: ...

    def ended(self, booking: Booking) -> None: ...

    def accepted(self, item_types: Iterable[str]) -> None: ...

    def unscrubbed(self, item_type: str) -> None: ...

    def exceeded(self, quota: str, category: DataCategory, amount: int, kept: int) -> None: ...

    def sampled(self, rule: str, kept: int) -> None: ...


async def take_up(arrivals: Iterable[Arrival], sink: CaptureSink, ports: Ports, *, key: str) -> int:
    """Captures them in their order; how many. `key`: for those that have none."""
    quiet = replace(ports, audit=None, witness=None, ledger=Ledger(_NoBook()))
    taken = 0
    for arrival in arrivals:
        await _take(arrival, arrival.key or key, sink, quiet)
        taken += 1
        await asyncio.sleep(0)
    return taken


async def _take(arrival: Arrival, key: str, sink: CaptureSink, ports: Ports) -> None:
    envelope, now_unix = arrival.envelope, sink.now()
    for item in envelope.items:
        classify(item)
    if envelope.event_id is None and any(item.creates_event for item in envelope.items):
        envelope.headers["event_id"] = ports.new_id()
    plan = Rules.of(ports.plans.find(key), default_plan()).plan
    sighting = sink.watch(_ingress(envelope, arrival, now_unix))
    account = Account(key, arrival.project_id or 1, plan.revision, envelope.event_id, now_unix)
    with ports.ledger.open(envelope, account) as tally:
        tally.onlooker = sighting
        sighting.opened(tally)
        await scrub(tally, plan, ports)
        tally.drop_all(reasons.CAPTURED)
    await sink.keep(sighting)


def _ingress(envelope: Envelope, arrival: Arrival, now_unix: float) -> Ingress:
    return Ingress(
        body=b"",
        read=lambda body, auth: envelope,
        auth=None,
        path_project=arrival.project_id,
        received_unix=now_unix,
        now_mono=time.monotonic(),
        entrance=Entrance("POST", PATH, "recording"),
    )
