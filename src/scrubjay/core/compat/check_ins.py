"""Check-ins of monitors sent without an SDK, by JSON or in the query, made into envelopes (`ingest.md` 2.9, A.6). Raise `BadRequest`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scrubjay import reasons
from scrubjay.core.envelope import Envelope, Item, decode_json, encode_json
from scrubjay.core.header_rules import normal_uuid
from scrubjay.errors import BadRequest

CLIENT: Final = "relay-http"
"""What such a check-in is told to come from; the server shows it."""
_STATUSES: Final = frozenset({"ok", "error", "in_progress", "missed"})
_NO_ID: Final = "0" * 32


def check_in_of_json(body: bytes, slug: str) -> Envelope:
    """The slug of the path counts, whatever the body says."""
    try:
        found = decode_json(body)
    except ValueError as error:
        raise BadRequest(reasons.INVALID_BODY, "the check-in cannot be read", str(error)) from None
    if not isinstance(found, dict) or not isinstance(found.get("status"), str):
        raise BadRequest(reasons.INVALID_CHECK_IN, "no check-in", "an object with a status is wanted")
    return _envelope({"check_in_id": _NO_ID, **found, "monitor_slug": slug, "status": _status(found["status"])})


def check_in_of_query(query: Mapping[str, str], slug: str) -> Envelope:
    """`status` has to be there; `check_in_id`, `environment` and `duration` (seconds) may be."""
    if "status" not in query:
        raise BadRequest(reasons.INVALID_BODY, "the check-in has no status")
    check_in: dict[str, object] = {
        "check_in_id": _check_in_id(query.get("check_in_id")),
        "monitor_slug": slug,
        "status": _status(query["status"]),
    }
    if "environment" in query:
        check_in["environment"] = query["environment"]
    if "duration" in query:
        check_in["duration"] = _duration_s(query["duration"])
    return _envelope(check_in)


def _envelope(check_in: dict[str, object]) -> Envelope:
    return Envelope({}, [Item({"type": "check_in", "content_type": "application/json"}, encode_json(check_in))])


def _status(text: str) -> str:
    return text if text in _STATUSES else "unknown"


def _check_in_id(text: str | None) -> str:
    if text is None:
        return _NO_ID
    try:
        return normal_uuid(text)
    except ValueError:
        raise BadRequest(reasons.INVALID_BODY, "the check-in cannot be read", "check_in_id is no UUID") from None


def _duration_s(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise BadRequest(reasons.INVALID_BODY, "the check-in cannot be read", "duration is no number of seconds")
    return seconds
