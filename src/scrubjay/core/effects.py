"""Doing to an envelope what rules said of it: items go, lose records, are marked or written to, and each loss is booked.

The rules answer (`rulings`, `items.partial`, `sampling.plain`, `scrub.payloads`), the path asks them and hands their answers to the
functions here. Everything goes through the `Tally`, so that the account closes. Nothing is decided here.
"""

from __future__ import annotations

from scrubjay import reasons
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.items.blobs import REPLAYS
from scrubjay.core.items.partial import Dropped, Thinned, uncounted_spans
from scrubjay.core.ledger import Tally
from scrubjay.core.limits import ActiveLimit
from scrubjay.core.rulings import Ruling
from scrubjay.core.sampling.dynamic import UNCHANGED, TraceRuling
from scrubjay.core.sampling.plain import Weighted
from scrubjay.core.scrub.payloads import Replaced, Scrubbed, Unscrubbed
from scrubjay.outcomes import Reason


def _drop(tally: Tally, item: Item, reason: Reason, *, origin: str = "") -> None:
    """A replay of which one part does not leave does not leave at all (`scrubbing.md` 12.3)."""
    tally.drop(item, reason, origin=origin)
    if item.kind.type in REPLAYS:
        for other in [other for other in tally.items if other.kind.type in REPLAYS]:
            tally.drop(other, reason, origin=origin)


def take(tally: Tally, item: Item, ruling: Dropped | Thinned | Weighted) -> None:
    """Does what a filter or a sampling rule said of an item."""
    if isinstance(ruling, Dropped):
        if tally.holds(item):
            tally.recount(item, uncounted_spans(item))
            _drop(tally, item, ruling.reason, origin=ruling.origin)
    elif isinstance(ruling, Thinned):
        item.replace(ruling.payload)
        item.headers["item_count"] = ruling.item_count
        tally.drop_part(item, ruling.dropped, ruling.reason, origin=ruling.origin)
    else:
        _write(tally.envelope, item, ruling)
        for rule, kept in ruling.kept.items():
            tally.keep_sampled(str(rule), kept)


def _write(envelope: Envelope, item: Item, weighted: Weighted) -> None:
    """What a kept item stands for, where it can be read."""
    if weighted.payload is not None:
        item.replace(weighted.payload)
    for name, value in weighted.headers.items():
        if value is None:
            item.headers.pop(name, None)
        else:
            item.headers[name] = value
        item.dirty = True
    if weighted.trace is not None:
        envelope.headers["trace"] = weighted.trace
        envelope.dirty = True


def thin_traces(tally: Tally, ruling: TraceRuling) -> None:
    """Does what trace sampling said of an envelope."""
    envelope = tally.envelope
    if ruling.context is not UNCHANGED:
        envelope.headers.pop("trace", None)
        if ruling.context is not None:
            envelope.headers["trace"] = ruling.context
        envelope.dirty = True
    for decision in ruling.decisions:
        if decision.is_kept:
            tally.keep_sampled(str(decision.match.rule_ids[-1]))
    for item in ruling.detached:
        item.headers["sampled"] = False
        item.dirty = True
    for fall in ruling.falls:
        tally.recount(fall.item, fall.uncounted)
        tally.drop(fall.item, fall.ruling.reason, origin=fall.ruling.origin, alone=True)


def enforce(tally: Tally, ruling: Ruling) -> tuple[ActiveLimit, ...]:
    """Does what a limit said of an envelope, and returns the limits that the client should learn."""
    for fall in ruling.falls:
        tally.recount(fall.item, fall.uncounted)
        reason = reasons.rate_limited(fall.limit.reason, is_reported=fall.is_reported)
        tally.drop(fall.item, reason, origin=fall.limit.origin)
    for cut in ruling.cuts:
        tally.recount(cut.item, cut.uncounted)
        take(tally, cut.item, cut.ruling)
    for mark in ruling.marks:
        mark.item.headers["rate_limited"] = True
        mark.item.dirty = True
        tally.drop_part(mark.item, mark.lost, reasons.rate_limited(mark.limit.reason), origin=mark.limit.origin)
    for excess in ruling.excess:
        tally.exceed(excess.quota, excess.category, excess.amount, excess.kept)
    return ruling.limits


def settle(tally: Tally, item: Item, result: Scrubbed) -> None:
    """Does what scrubbing said of an item."""
    if isinstance(result, Reason):
        _drop(tally, item, result)
    elif isinstance(result, Replaced):
        item.replace(result.payload)
        item.headers.update(result.headers)
        if result.dropped:
            tally.drop_part(item, result.dropped, reasons.UNSCRUBBABLE)
    elif isinstance(result, Unscrubbed):
        tally.pass_unscrubbed(item)
    elif result is not None:
        item.replace(result)
