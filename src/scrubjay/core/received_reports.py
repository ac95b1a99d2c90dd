"""Client reports of others, read so that their counts can join ours (`decisions.md` 8.6).

Owns the form of a report, which of its lines hold, its time by our clock, and the end of the item in the account. When that happens is the
pipeline's business, how counts are summed `client_reports`'. Reading never raises: a report that is none is None.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.client_reports import MAX_QUANTITY, MAX_REASON_BYTES, ClientReports, Count
from scrubjay.core.header_rules import parse_time
from scrubjay.core.items.partial import Payload, read
from scrubjay.core.ledger import Tally
from scrubjay.core.sampling.reason import normal_reason
from scrubjay.outcomes import Section

RETENTION_S: Final = 90 * 86_400
"""What is older is of no use to any server."""
MAX_AHEAD_S: Final = 60
_LEAST_DRIFT_S: Final = 55 * 60
"""A clock that is wrong by less is left alone."""
_LATEST_UNIX: Final = 2**53
"""Beyond, seconds are no whole numbers any more."""


@dataclass(frozen=True, slots=True)
class Received:
    """`is_whole`: each line that holds is among the counts. Else some are of categories that nobody here knows, and it should go on as it is."""

    at_unix: float
    counts: tuple[Count, ...] = ()
    is_whole: bool = True


class _Line(Struct):
    reason: str
    category: str
    quantity: Annotated[int, Meta(ge=0, le=MAX_QUANTITY)]


class _Report(Struct):
    discarded_events: list[_Line]
    timestamp: int | float | str | None = None
    rate_limited_events: list[_Line] = []
    filtered_events: list[_Line] = []
    filtered_sampling_events: list[_Line] = []


_DECODER: Final = msgspec.json.Decoder(_Report)


def merge_reports(tally: Tally, reports: ClientReports) -> None:
    """Takes client reports out of an envelope and their counts over; what names categories of a later protocol goes on as it is."""
    account = tally.account
    if account.project_id is None:
        return
    for item in [item for item in tally.items if item.kind.type == "client_report"]:
        sent_at = tally.envelope.headers.get("sent_at")
        received = read_report(item.payload, received_unix=account.now_unix, sent_at=sent_at)
        if received is None:
            tally.drop(item, reasons.INVALID_CLIENT_REPORT)
        elif received.is_whole:
            reports.merge(account.key, account.project_id, received.at_unix, received.counts)
            tally.drop(item, reasons.MERGED)


def read_report(payload: Payload, *, received_unix: float, sent_at: object = None) -> Received | None:
    """The report by our time; `sent_at` is the envelope's header. None: it is no report, and nothing of it counts."""
    report = read(_DECODER, payload)
    at_unix = received_unix if report is None or report.timestamp is None else _unix(report.timestamp)
    if report is None or at_unix is None:
        return None
    if report.timestamp is not None:
        at_unix += _drift_s(sent_at, received_unix)
    if not received_unix - RETENTION_S <= at_unix <= received_unix + MAX_AHEAD_S:
        return Received(received_unix)
    counts = tuple(_counts(report))
    return Received(at_unix, counts, all(count.category is not DataCategory.UNKNOWN for count in counts))


def _counts(report: _Report) -> Iterator[Count]:
    for section in Section:
        for line in getattr(report, section.value):
            reason = normal_reason(line.reason) if section is Section.SAMPLING else line.reason
            if reason is not None and line.quantity and len(reason.encode("utf-8", "replace")) <= MAX_REASON_BYTES:
                yield Count(section, reason, DataCategory.parse(line.category), line.quantity)


def _unix(timestamp: float | str) -> float | None:
    """Whole seconds; None if there were none before 1970, or it is no time."""
    if isinstance(timestamp, str):
        moment = _moment(timestamp)
        timestamp = -1.0 if moment is None else moment.timestamp()
    return float(int(min(timestamp, _LATEST_UNIX))) if timestamp >= 0 else None


def _drift_s(sent_at: object, received_unix: float) -> float:
    sent = _moment(sent_at)
    drift_s = 0.0 if sent is None else received_unix - sent.timestamp()
    return drift_s if abs(drift_s) >= _LEAST_DRIFT_S else 0.0


def _moment(text: object) -> datetime | None:
    """A time; one without a zone is of UTC."""
    for spelling in (text, f"{text}Z"):
        try:
            return parse_time(spelling)
        except (ValueError, OverflowError):
            continue
    return None
