"""The form of a recording: captured envelopes in their scrubbed form, each framed (`capture.md` 3).

A file begins with `MAGIC`; a frame is the length and the CRC of what follows, compressed: one line of JSON about the envelope, then the
envelope itself. What is torn or damaged ends the reading, since nothing behind it can be found again. Nothing here raises on any bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import zstandard

from scrubjay.core.capture.facts import Coming
from scrubjay.core.capture.ids import is_capture_id
from scrubjay.core.capture.item import OUTCOMES, Fate, ItemOutcome
from scrubjay.core.capture.local import LOCAL, LOCAL_KEY, LOCAL_PROJECT_ID
from scrubjay.core.capture.reading import as_list, get, parse_time, text
from scrubjay.core.capture.store import Captured
from scrubjay.core.envelope import Envelope, decode_json, encode_json, parse_envelope
from scrubjay.core.ledger import Account
from scrubjay.errors import Rejected

MAGIC: Final = b"scrubjay recording 1\n"
MAX_FRAME_BYTES: Final = 256 * 1024 * 1024
"""Of one envelope, unpacked. What says that it is more, or does not say, is none of ours."""
_HEAD: Final = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One envelope of a recording, as the store takes it."""

    capture_id: str
    received_unix: float
    account: Account
    envelope: Envelope
    coming: Coming
    fates: tuple[Fate, ...]


def frame(captured: Captured) -> bytes:
    """Without originals, and without what is not kept."""
    facts = captured.facts
    about = {
        "id": captured.id,
        "received": facts.received_unix,
        "project": facts.project,
        "key": facts.key,
        "user_agent": facts.user_agent,
        "fates": [
            [fate.outcome, fate.reason, fate.stage, fate.origin, fate.detail]
            for fate in (item.fate for item in captured.items if not item.is_omitted)
        ],
    }
    data = zstandard.ZstdCompressor(level=1).compress(encode_json(about) + b"\n" + captured.wire())
    return _HEAD.pack(len(data), zlib.crc32(data)) + data


def read_recording(data: bytes) -> Iterator[Recorded]:
    """What can be read of a file, oldest first."""
    at = len(MAGIC)
    while data.startswith(MAGIC) and at + _HEAD.size <= len(data):
        size, crc = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + size]
        if len(body) < size or zlib.crc32(body) != crc:
            return
        recorded = _recorded(body)
        if recorded is not None:
            yield recorded
        at += _HEAD.size + size


def _recorded(body: bytes) -> Recorded | None:
    try:
        if not 0 <= zstandard.frame_content_size(body) <= MAX_FRAME_BYTES:
            return None
        data = zstandard.ZstdDecompressor().decompress(body)
        line, _, wire = data.partition(b"\n")
        about, envelope = decode_json(line), parse_envelope(wire)
    except (zstandard.ZstdError, ValueError, Rejected):
        return None
    capture_id, received_unix = text(get(about, "id")), parse_time(get(about, "received"))
    if not is_capture_id(capture_id) or received_unix is None:
        return None
    project, key = text(get(about, "project")), text(get(about, "key"))
    project_id = int(project) if project.isdecimal() and len(project) < 20 else None
    if project == LOCAL:
        key, project_id = LOCAL_KEY, LOCAL_PROJECT_ID
    fates = tuple(_fate(one) for one in as_list(get(about, "fates")))
    return Recorded(
        capture_id,
        received_unix,
        Account(key, project_id, "", envelope.event_id, received_unix),
        envelope,
        Coming(via="recording", user_agent=text(get(about, "user_agent"))),
        fates if len(fates) == len(envelope.items) else (),
    )


def _fate(told: object) -> Fate:
    words = [text(word) for word in as_list(told)]
    outcome: ItemOutcome = next((one for one in OUTCOMES if words[:1] == [one]), "accepted")
    return Fate(outcome, *words[1:5]) if len(words) == 5 else Fate(outcome)
