"""Hostile bytes in payloads that are no events: they are scrubbed or dropped, and nothing else ever happens."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from scrubjay.core.items.batch import SPAN_CONTAINER_TYPE
from scrubjay.core.scrub.payloads import Replaced, Unscrubbed, scrub_payload
from scrubjay.core.scrub.policies import read_policies
from scrubjay.outcomes import Reason
from scrubjay.settings.scrub import Scrub
from support import scrubbing
from support.items import make_item
from support.minidumps import minidump

MAIL = "ana@lab.example"
FRAMES = json.dumps(
    [
        {"type": 2, "data": {"node": {"tagName": "p", "childNodes": [{"textContent": MAIL}]}}},
        {"type": 5, "data": {"payload": {"description": MAIL, "data": {"a": [MAIL, 1, None]}}}},
    ]
).encode()
EVENT = {"message": MAIL, "extra": {"a": [1, {"b": MAIL}]}, "tags": {"x": "y"}}


def form(*texts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def recording(frames: bytes) -> bytes:
    return b'{"segment_id":0}\n' + zlib.compress(frames)


def video(frames: bytes) -> bytes:
    return msgspec.msgpack.encode({"replay_event": b"{}", "replay_recording": recording(frames), "replay_video": b"x"})


def as_it_is(data: bytes) -> bytes:
    return data


TRACE = "application/vnd.sentry.trace-attachment"
META = json.dumps({"filename": MAIL, "attributes": {"a": {"type": "string", "value": MAIL}}}).encode()
RECORDS = json.dumps({"items": [{"body": MAIL}, {"attributes": {"a": {"type": "string", "value": MAIL}}}]}).encode()
# What is mutated, and what is put around it afterwards.
SEEDS: dict[str, tuple[str, dict[str, Any], bytes, Callable[[bytes], bytes]]] = {
    "frames": ("replay_recording", {}, FRAMES, recording),
    "recording": ("replay_recording", {}, recording(FRAMES), as_it_is),
    "plain recording": ("replay_recording", {}, b"{}\n" + FRAMES, as_it_is),
    "frames of a video": ("replay_video", {}, FRAMES, video),
    "video": ("replay_video", {}, video(FRAMES), as_it_is),
    "form": (
        "form_data",
        {},
        form(b"a", MAIL.encode(), b"sentry", json.dumps(EVENT).encode(), b"sentry[a][b]", b"x", b"sentry__1", b"{}"),
        as_it_is,
    ),
    "dump": (
        "attachment",
        {"attachment_type": "event.minidump"},
        minidump(stack=MAIL.encode(), heap=MAIL.encode(), module=f"{MAIL}/a", debug=b"/home/ana/b", environment=b"A=b"),
        as_it_is,
    ),
    "tree": ("attachment", {"attachment_type": "event.view_hierarchy"}, FRAMES, as_it_is),
    "packed event": ("attachment", {"attachment_type": "event.payload"}, msgspec.msgpack.encode(EVENT), as_it_is),
    "packed crumbs": (
        "attachment",
        {"attachment_type": "event.breadcrumbs"},
        msgspec.msgpack.encode({"message": MAIL}) * 3,
        as_it_is,
    ),
    "trace attachment": ("attachment", {"content_type": TRACE, "meta_length": len(META)}, META + b"text", as_it_is),
    "text": ("attachment", {}, f"mail {MAIL}\n".encode() * 4, as_it_is),
    "wide text": ("attachment", {}, f"mail {MAIL}\n".encode("utf-16-le") * 4, as_it_is),
    "logs": ("log", {"item_count": 2}, RECORDS, as_it_is),
    "spans": ("span", {"item_count": 2, "content_type": SPAN_CONTAINER_TYPE}, RECORDS, as_it_is),
    "report": ("client_report", {}, b'{"timestamp":1,"discarded_events":[{"reason":"a","category":"b"}]}', as_it_is),
    "user report": ("user_report", {}, json.dumps({"name": MAIL, "comments": MAIL}).encode(), as_it_is),
    "sessions": ("sessions", {}, json.dumps({"aggregates": [{"did": MAIL}], "attrs": {"a": MAIL}}).encode(), as_it_is),
    "archive": ("unreal_report", {}, bytes(range(256)), as_it_is),
}
PIECES = (
    b"\xff",
    b"\0",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\\",
    b"\\ud800",
    b"\xff\xff\xff\xff",
    b"1e999",
    b'"_meta":',
    b"",
)
PII = {
    "applications": {
        "$attachments.'x'": ["@email:mask"],
        "$stack_memory || $binary || $string": ["@userpath", "@email"],
    }
}


def mutated(data: bytes, turn: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(turn.randrange(1, 5)):
        at = turn.randrange(len(out) + 1)
        match turn.randrange(4):
            case 0:
                out[at : at + turn.randrange(1, 9)] = turn.choice(PIECES)
            case 1:
                out[at:at] = turn.choice(PIECES) * turn.randrange(1, 200)
            case 2:
                out[at : at + 1] = turn.randbytes(1)
            case _:
                end = at + turn.randrange(1, 60)
                out[at:at] = out[at:end]
    return bytes(out)


@pytest.mark.parametrize("profile", ["strict", "parity"])
@pytest.mark.parametrize("name", SEEDS)
def test_hostile_bytes_are_scrubbed_or_dropped(name: str, profile: str) -> None:
    item_type, headers, seed, wrap = SEEDS[name]
    turn = random.Random(f"{name}{profile}")
    programs = (scrubbing.default_program(profile), scrubbing.config_program(PII, profile))
    for index in range(80):
        options = Scrub(
            profile=profile,  # type: ignore[arg-type]
            binary_attachments=turn.choice(("keep", "scrub_bytes")),
            replay=turn.choice(("all", "type5")),
            on_error=turn.choice(("drop", "strip", "forward")),
        )
        data = wrap(mutated(seed, turn) if index else seed)
        item = make_item(item_type, data, filename="x", **headers)
        result = scrub_payload(programs[index % 2], read_policies(options, 1_000_000), item)
        assert result is None or isinstance(result, bytes | Replaced | Unscrubbed | Reason)
        if (
            item_type == "attachment"
            and headers.get("attachment_type") == "event.minidump"
            and isinstance(result, bytes)
        ):
            assert len(result) == len(data)
