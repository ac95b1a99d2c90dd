"""How an envelope is told to those who read `/stream` as Spotlight's readers do: server-sent events (`capture.md` 5.3).

Owns nothing that lasts. What is told is the scrubbed form, for nothing else is asked of a `Captured` here. Payloads are what some
client sent: every function takes any bytes and raises nothing.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Final

from scrubjay.core.capture.item import CapturedItem, json_of
from scrubjay.core.capture.store import Captured
from scrubjay.core.envelope import encode_json

ENVELOPE_TYPE: Final = "application/x-sentry-envelope"
HEARTBEAT: Final = b":\n\n"
OPENING: Final = b"\n"
"""Written at once, so that browsers say that the stream is open."""

_BLOBS: Final = frozenset({"attachment", "replay_video", "statsd"})
"""Never JSON to Spotlight, whatever they look like."""
_TEXTUAL: Final = re.compile(r"text/(plain|css|csv|html|javascript)|application/(javascript|json)|\w+/[\w.-]+\+json")
_UNFIT_FOR_LABELS: Final = re.compile(r"[^\w .\-/()]")
_MAX_LABEL_CHARS: Final = 100


def event_name(*, is_base64: bool) -> str:
    """What Spotlight's readers listen for; those who ask for base64 get the same JSON by another name."""
    return f"{ENVELOPE_TYPE};base64" if is_base64 else ENVELOPE_TYPE


def sse(event: str, data: bytes, event_id: str = "") -> bytes:
    """One message. `data` is JSON, so that no line break stands in it."""
    told = f"id: {event_id}\n".encode() if event_id else b""
    return b"event: %b\ndata: %b\n%b\n" % (event.encode(), data, told)


def envelope_message(captured: Captured, event: str) -> bytes:
    """An envelope as Spotlight's readers expect it: `[header, [[item header, payload], …]]`."""
    header: dict[str, object] = dict(captured.facts.headers)
    header["__spotlight_envelope_id"] = captured.id
    if captured.facts.user_agent:
        header["__spotlight_sender_user_agent"] = captured.facts.user_agent
    source = next((record.value("source") for record in captured.records), None)
    header["__spotlight_inferred_source"] = source or "server"
    items = [[item.headers, told_payload(item)] for item in captured.items]
    return sse(event, encode_json([header, items]), captured.id)


def told_payload(item: CapturedItem) -> object:
    """JSON as it is, with the item's type in it; anything else as a string, text or base64."""
    payload = item.payload()
    if payload is None:
        return {"type": item.type, "payload_omitted": True}
    document = None if item.type in _BLOBS else json_of(payload)
    if document is not None:
        return {**document, "type": item.type} if isinstance(document, Mapping) else document
    if _is_textual(item):
        return {"data": payload.decode("utf-8", "replace")}
    return {"data": base64.b64encode(payload).decode()}


def label(text: str) -> str:
    """The name that a reader gives itself, as it may stand in a log."""
    return _UNFIT_FOR_LABELS.sub("", text)[:_MAX_LABEL_CHARS].strip()


def _is_textual(item: CapturedItem) -> bool:
    given = item.headers.get("content_type", "text/plain" if item.type == "statsd" else "")
    media_type = given.partition(";")[0].strip().lower() if isinstance(given, str) else ""
    return _TEXTUAL.fullmatch(media_type) is not None
