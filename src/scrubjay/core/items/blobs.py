"""Items whose payload is, or holds, bytes that are no JSON: attachments, form data, replays, profiles."""

from __future__ import annotations

from typing import Final

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.envelope import Item
from scrubjay.core.items.kind import ItemKind, always, counts, item_count, never, nothing, u32

_DYING_MESSAGE: Final = "nswitch.dying_message"
_CRASHES: Final = frozenset(
    {
        "event.minidump",
        "event.applecrashreport",
        "event.payload",
        "event.breadcrumbs",
        "playstation.prosperodump",
        "event.nv_gpudmp",
        _DYING_MESSAGE,
    }
)
_TRACE_ATTACHMENTS: Final = ("application/vnd.sentry.trace-attachment", "application/vnd.sentry.attachment.v2")
_REFERENCES: Final = ("application/vnd.sentry.attachment-ref+json", "application/vnd.sentry.attachment-ref")
"""Tuples, because a header may hold what cannot be hashed."""
_MAX_REFERENCED_BYTES: Final = 2**40
"""What is longer lies nowhere, and would drown all that is counted beside it."""
REPLAYS: Final = frozenset({"replay_event", "replay_recording", "replay_video"})
UI_PLATFORMS: Final = frozenset({"cocoa", "android", "javascript"})


def attachment_type(item: Item) -> str:
    """The header; a console's last message is known by its name and its first bytes (`ingest.md` 6.6)."""
    given = item.headers.get("attachment_type")
    if given is None and item.headers.get("filename") == "dying_message.dat" and bytes(item.payload[:4]) == b"sntr":
        return _DYING_MESSAGE
    return given if isinstance(given, str) else ""


def _creates_event(item: Item) -> bool:
    return attachment_type(item) in _CRASHES


def is_trace_attachment(item: Item) -> bool:
    """Whether metadata stands before the file (`ingest.md` 6.7)."""
    return item.headers.get("content_type") in _TRACE_ATTACHMENTS


def is_reference(item: Item) -> bool:
    """Whether the payload only says where a file lies."""
    return item.headers.get("content_type") in _REFERENCES


def _attachment(item: Item) -> Quantities:
    if item.headers.get("rate_limited") is True or attachment_type(item) == _DYING_MESSAGE:
        return ()
    size = len(item.payload)
    if is_trace_attachment(item):
        size -= u32(item, "meta_length") or 0
    elif is_reference(item):
        announced = item.headers.get("attachment_length")
        size = announced if type(announced) is int and announced <= _MAX_REFERENCED_BYTES else 0
    return ((DataCategory.ATTACHMENT, max(1, size)), (DataCategory.ATTACHMENT_ITEM, 1))


def _profile(item: Item) -> Quantities:
    count = item_count(item)
    quantities = ((DataCategory.PROFILE, count), (DataCategory.PROFILE_INDEXED, count))
    platform = item.headers.get("platform")
    if not isinstance(platform, str):
        return quantities
    return (*quantities, (DataCategory.PROFILE_UI if platform in UI_PLATFORMS else DataCategory.PROFILE_BACKEND, count))


def _profile_chunk(item: Item) -> Quantities:
    platform = item.headers.get("platform")
    if not isinstance(platform, str):
        return ()
    category = DataCategory.PROFILE_CHUNK_UI if platform in UI_PLATFORMS else DataCategory.PROFILE_CHUNK
    return ((category, item_count(item)),)


_REPLAY = counts(DataCategory.REPLAY)

ATTACHMENT = ItemKind("attachment", "binary", "attachment", "attachment", _attachment, _creates_event, always)
FORM_DATA = ItemKind("form_data", "binary", "form_data", "event", nothing, rides_on_event=always)
REPLAY_EVENT = ItemKind("replay_event", "json", "replay_event", "event", _REPLAY, rides_on_event=always)
REPLAY_RECORDING = ItemKind("replay_recording", "split", "replay_recording", "replay_recording", _REPLAY)
REPLAY_VIDEO = ItemKind("replay_video", "binary", "replay_video", "replay_video", _REPLAY)
PROFILE = ItemKind("profile", "json", "generic", "profile", _profile, rides_on_event=always)
PROFILE_CHUNK = ItemKind("profile_chunk", "split", "profile", "profile", _profile_chunk)
UNKNOWN = ItemKind("", "binary", "unknown", "", nothing, is_known=never)
