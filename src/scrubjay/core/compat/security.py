"""Reports of browsers on what a content security policy refused, made into envelopes (`ingest.md` 2.4).

Pure readers of bytes: what kind of report it is nobody asks here, and each keeps its text.
"""

from __future__ import annotations

from typing import Final

import msgspec

from scrubjay import reasons
from scrubjay.core.envelope import MAX_ITEMS, Envelope, Item
from scrubjay.errors import BadRequest

MEDIA_TYPES: Final = frozenset({"application/json", "application/csp-report", "application/reports+json"})
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def split_reports(body: bytes) -> list[bytes]:
    """The reports of a body: the elements of an array, else all of it, JSON or not. Raises `BadRequest`."""
    if not body:
        raise BadRequest(reasons.EMPTY_BODY, "the body is empty")
    try:
        reports = [bytes(report) for report in _LIST.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [body]
    if len(reports) > MAX_ITEMS:
        raise BadRequest(reasons.INVALID_BODY, f"more than {MAX_ITEMS} reports")
    return reports


def report_envelope(report: bytes, release: str | None, environment: str | None) -> Envelope:
    """One report. Its event id is made where the path makes those that are missing."""
    told = {"sentry_release": release, "sentry_environment": environment}
    headers: dict[str, object] = {name: value for name, value in told.items() if value is not None}
    return Envelope({}, [Item({"type": "raw_security", "content_type": "application/json", **headers}, report)])
