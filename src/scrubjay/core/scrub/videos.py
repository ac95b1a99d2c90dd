"""Replay videos: a map of three byte strings in msgpack, the event, the recording and the film itself (ingest.md 6.1).

Event and recording are scrubbed as if they had come alone; the film is bytes that nobody here can read.
"""

from __future__ import annotations

from typing import Final

import msgspec

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.recordings import Depth, scrub_recording
from scrubjay.errors import Unreadable

_EVENT: Final = "replay_event"
_RECORDING: Final = "replay_recording"
_MEMBERS: Final = (_EVENT, _RECORDING, "replay_video")
_members: Final = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_value: Final = msgspec.msgpack.Decoder().decode


def scrub_video(
    program: ScrubProgram,
    payload: bytes | memoryview,
    depth: Depth,
    limit_bytes: int,
    record: Record | None = None,
) -> bytes | None:
    """Scrub what comes with a film; None if it may leave as it is. Raises Unscrubbable."""
    try:
        came = _members(payload)
        # Members that nobody has heard of stay behind, as in the reference.
        parts = {name: _bytes(came[name]) for name in _MEMBERS if name in came}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"replay video cannot be read: {type(error).__name__}") from None
    if _EVENT not in parts or _RECORDING not in parts:
        raise Unreadable("replay video without event or recording")
    event = scrub_document(program, parts[_EVENT], "replay_event", record)
    recording = scrub_recording(program, parts[_RECORDING], depth, limit_bytes, record)
    if event is None and recording is None and len(parts) == len(came):
        return None
    if event is not None:
        parts[_EVENT] = event
    if recording is not None:
        parts[_RECORDING] = recording
    return msgspec.msgpack.encode(parts)


def _bytes(part: msgspec.Raw) -> bytes:
    value = _value(part)
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, bytes):
        raise Unreadable("replay video of something else than bytes")
    return value
