"""Through a running worker to a recorder: what is planted in payloads that are no events does not arrive (scrubbing.md 12, 15.6)."""

from __future__ import annotations

import codecs
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scrubjay.core.envelope import parse_envelope
from support.corpus import recorded
from support.minidumps import minidump
from support.recorder import WireItem
from support.relay import E, Relay, relay

MAIL = "ana.planted@lab.example"
DEFAULT = {"default.yaml": {"config": {}}}
EVENT = ({"type": "event"}, b'{"message":"x"}')
REPLAY = ({"type": "replay_event"}, b'{"type":"replay_event","replay_id":"x","segment_id":0}')


def envelope(*items: tuple[dict[str, Any], bytes]) -> bytes:
    lines = [json.dumps({"event_id": E}).encode()]
    for headers, payload in items:
        lines += [json.dumps({**headers, "length": len(payload)}).encode(), payload]
    return b"\n".join(lines) + b"\n"


async def arrives(one: Relay, *items: tuple[dict[str, Any], bytes]) -> list[WireItem]:
    assert (await one.env(envelope(*items))).status == 200
    return (await one.forwarded()).envelope()[1]


def recording(text: str) -> bytes:
    node = {"type": 2, "tagName": "input", "attributes": {"type": "password", "value": text}, "childNodes": [], "id": 5}
    frames = [{"type": 2, "data": {"node": node}}, {"type": 3, "data": {"source": 5, "text": f"typed {text}"}}]
    return b'{"segment_id":0}\n' + zlib.compress(json.dumps(frames).encode())


def field(key: str, value: str) -> bytes:
    return b"".join(struct.pack("<I", len(part)) + part for part in (key.encode(), value.encode()))


def attachment(payload: bytes, **headers: Any) -> tuple[dict[str, Any], bytes]:
    return {"type": "attachment", **headers}, payload


WIDE = codecs.BOM_UTF16_LE + f"mail {MAIL}\r\n".encode("utf-16-le")
TREE = json.dumps({"rendering_system": "x", "windows": [{"type": "TextField", "text": MAIL}]}).encode()


async def test_a_zlib_replay_recording(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode="static", projects=DEFAULT) as one:
        event, item = await arrives(one, REPLAY, ({"type": "replay_recording"}, recording(MAIL)))
        assert event.headers["type"] == "replay_event"
        frames = json.loads(zlib.decompress(item.payload.partition(b"\n")[2]))
        assert MAIL not in json.dumps(frames)
        assert frames[0]["data"]["node"]["attributes"] == {"type": "password", "value": "[email]"}
        assert frames[1]["data"]["text"] == "typed [email]"


async def test_recordings_of_real_clients_arrive_byte_for_byte_or_as_valid_ones(tmp_path: Path) -> None:
    requests = [request for request in recorded("envelope") if "replay_recording" in request.items]
    assert requests
    async with relay(tmp_path / "r", mode="static", projects=DEFAULT) as one:
        for request in requests:
            came = [item for item in parse_envelope(request.body).items if item.type == "replay_recording"]
            assert (await one.env(request.body.replace(b'"dsn"', b'"dsnx"'))).status == 200
            _, items = (await one.forwarded()).envelope()
            (left,) = [item for item in items if item.headers["type"] == "replay_recording"]
            before, after = (_frames(bytes(came[0].payload)), _frames(left.payload))
            assert [frame["timestamp"] for frame in after] == [frame["timestamp"] for frame in before]


def _frames(payload: bytes) -> Any:
    body = payload.partition(b"\n")[2]
    return json.loads(body if body[:1] == b"[" else zlib.decompress(body))


async def test_form_data(tmp_path: Path) -> None:
    form = field("guid", "a1") + field("contact", MAIL) + field("sentry[user][email]", MAIL)
    form += field("sentry", json.dumps({"extra": {"mail": MAIL}}))
    dump = attachment(minidump(heap=b"x" * 30), attachment_type="event.minidump")
    async with relay(tmp_path / "r", mode="static", projects=DEFAULT) as one:
        _, item = await arrives(one, dump, ({"type": "form_data"}, form))
        assert MAIL.encode() not in item.payload
        assert item.payload.startswith(field("guid", "a1"))
        assert b"[email]" in item.payload


async def test_the_heap_of_a_minidump(tmp_path: Path) -> None:
    """scrubbing-72"""
    heap = f"....{MAIL}....".encode()
    pii = {"applications": {"$heap_memory": ["@email:mask"]}}
    dump = attachment(minidump(stack=heap, heap=heap), attachment_type="event.minidump")
    async with relay(tmp_path / "r", mode="static", projects={"default.yaml": {"config": {"piiConfig": pii}}}) as one:
        (item,) = await arrives(one, dump)
        assert item.payload == minidump(stack=heap, heap=b"...." + b"*" * len(MAIL) + b"....")


@pytest.mark.parametrize(
    ("planted", "expected"),
    [
        (
            attachment(TREE, attachment_type="event.view_hierarchy"),
            TREE.replace(MAIL.encode(), b"[email]").replace(b" ", b""),
        ),
        (attachment(f"log of {MAIL}\n".encode(), filename="x.log"), b"log of [email]\n"),
        (attachment(WIDE, filename="x.txt"), codecs.BOM_UTF16_LE + "mail [email]\r\n".encode("utf-16-le")),
        (attachment(WIDE[2:], filename="x.bin"), "mail [email]\r\n".encode("utf-16-le")),
        (attachment(b"\xe9 " + MAIL.encode(), filename="x.txt"), b"\xe9 [email]"),
        (attachment(msgspec.msgpack.encode({"extra": {"mail": MAIL}}), attachment_type="event.payload"), None),
    ],
    ids=["view hierarchy", "text", "utf-16", "utf-16 without mark", "latin-1", "msgpack event"],
)
async def test_attachments(tmp_path: Path, planted: tuple[dict[str, Any], bytes], expected: bytes | None) -> None:
    async with relay(tmp_path / "r", mode="static", projects=DEFAULT) as one:
        items = await arrives(one, EVENT, planted)
        assert len(items) == 2
        assert MAIL.encode() not in items[1].payload
        assert MAIL.encode("utf-16-le") not in items[1].payload
        assert expected is None or items[1].payload == expected


async def test_what_cannot_be_read_does_not_arrive(tmp_path: Path) -> None:
    bomb = b'{"segment_id":0}\n' + zlib.compress(b"[" + b" " * 120_000_000 + b"]", 9)
    broken = attachment(b"{broken " + MAIL.encode(), attachment_type="event.view_hierarchy")
    packed = attachment(b"\x1f\x8b" + MAIL.encode(), filename="log.gz")
    async with relay(tmp_path / "r", mode="static", projects=DEFAULT) as one:
        assert (await one.env(envelope(REPLAY, ({"type": "replay_recording"}, bomb)))).status == 200
        assert (await one.env(envelope(REPLAY, ({"type": "replay_recording"}, b"{}\nno zlib")))).status == 200
        items = await arrives(one, EVENT, broken, packed)
        assert [item.headers["type"] for item in items] == ["event"]
        assert (await one.send("GET", "/metrics")).body.count(b'reason="unscrubbable"') >= 1


async def test_a_record_of_a_container_falls_alone(tmp_path: Path) -> None:
    headers = {"type": "log", "item_count": 3, "content_type": "application/vnd.sentry.items.log+json"}
    payload = json.dumps({"items": [{"body": MAIL}, "no record", {"body": "clean"}]}).encode()
    async with relay(tmp_path / "r", mode="static", projects=DEFAULT) as one:
        (item,) = await arrives(one, (headers, payload))
        assert [record["body"] for record in json.loads(item.payload)["items"]] == ["[email]", "clean"]
        assert item.headers["item_count"] == 2
