"""Replay recordings (scrubbing.md 12.3, 15.6)."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

import pytest

from scrubjay.core.envelope import parse_envelope
from scrubjay.core.scrub.bounds import read_bounds
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.recordings import Depth, scrub_recording
from scrubjay.errors import Unreadable, Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing
from support.corpus import recorded

STRICT = scrubbing.default_program("strict")
PARITY = scrubbing.default_program("parity")
LIMIT = 1_000_000
HEADER = b'{"segment_id":0}\n'


def packed(frames: Any, *, plain: bool = False) -> bytes:
    body = frames if isinstance(frames, bytes) else json.dumps(frames).encode()
    return HEADER + (body if plain else zlib.compress(body))


def frames_of(recording: bytes) -> Any:
    body = recording.partition(b"\n")[2]
    return json.loads(body if body[:1] == b"[" else zlib.decompress(body))


def scrubbed(frames: Any, depth: Depth = "all", program: Any = STRICT, *, plain: bool = False) -> Any:
    new = scrub_recording(program, packed(frames, plain=plain), depth, LIMIT)
    return frames if new is None else frames_of(new)


TYPE5 = {
    "type": 5,
    "data": {"payload": {"description": "https://u:p@h", "op": "192.0.2.1", "data": {"ip": "192.0.2.1"}}},
}
TYPE3 = {"type": 3, "data": {"text": "192.0.2.1"}}


def test_frames_of_the_sdk_as_the_reference_does_it() -> None:
    """scrubbing-70"""
    first, second = scrubbed([TYPE5, TYPE3], "type5", PARITY)
    assert first["data"]["payload"] == {
        "description": "https://u:[Filtered]@h",
        "op": "192.0.2.1",
        "data": {"ip": "[ip]"},
    }
    assert second == TYPE3


def test_every_text_of_every_frame() -> None:
    first, second = scrubbed([TYPE5, TYPE3])
    assert first["data"]["payload"]["op"] == "[ip]"
    assert second["data"]["text"] == "[ip]"


def test_the_page_keeps_its_looks() -> None:
    node = {
        "tagName": "input",
        "attributes": {"type": "password", "class": "auth ana@lab.example", "value": "password: x"},
    }
    style = {"textContent": "input[type=password] {}", "isStyle": True}
    plain = {"textContent": "my password is x", "isStyle": False}
    (frame,) = scrubbed([{"type": 2, "data": {"node": node, "style": style, "plain": plain}}])
    data = frame["data"]
    assert data["node"]["tagName"] == "input"
    assert data["node"]["attributes"] == {"type": "password", "class": "auth [email]", "value": "[Filtered]"}
    assert data["style"] == style
    assert data["plain"]["textContent"] == "[Filtered]"


def test_positions_do_not_count_and_numbers_stay() -> None:
    program = scrubbing.config_program(
        {"applications": {"data.payload.data.words": ["@anything:mask"], "*.gone": ["@anything:remove"]}}
    )
    data = {"words": ["ab", ["c", {"x": "d"}], 7, True], "gone": "text", "gone_not": 4242424242424242}
    (frame,) = scrubbed([{"type": 5, "data": {"payload": {"data": data}}}], "type5", program)
    assert frame["data"]["payload"]["data"] == {
        "words": ["**", ["*", {"x": "d"}], 7, True],
        "gone": "",
        "gone_not": 4242424242424242,
    }


@pytest.mark.parametrize("plain", [True, False])
def test_it_leaves_in_the_coding_that_it_came_in(plain: bool) -> None:
    new = scrub_recording(STRICT, packed([TYPE3], plain=plain), "all", LIMIT)
    assert new is not None
    assert (new.partition(b"\n")[2][:1] == b"[") == plain
    assert frames_of(new)[0]["data"]["text"] == "[ip]"


def test_what_is_clean_stays_byte_for_byte() -> None:
    clean = packed([{"type": 3, "data": {"text": "hello \U0001f600"}}, 7, "word", None])
    op = packed([{"type": 5, "data": {"payload": {"op": "192.0.2.1", "data": {"a": 1}}}}])
    assert scrub_recording(PARITY, op, "type5", LIMIT) is None
    for depth, program in (("all", STRICT), ("type5", PARITY), ("type5", STRICT)):
        assert scrub_recording(program, clean, depth, LIMIT) is None  # type: ignore[arg-type]


def test_texts_that_are_no_frames_are_scrubbed_too() -> None:
    assert scrubbed(["ana@lab.example", ["192.0.2.1"]]) == ["[email]", ["[ip]"]]


def test_shadowed_members_do_not_leave() -> None:
    for raw in (
        b'[{"type":5,"data":1,"data":{"payload":{"data":{"ip":"192.0.2.1"}}}}]',
        b'[{"type":5,"data":{"payload":"ana@lab.example","payload":{"data":{"ip":"192.0.2.1"}}}}]',
        b'[{"type":5,"data":{"payload":{"data":"192.0.2.1","data":{"ip":"192.0.2.1"}}}}]',
        b'[{"type":5,"type":5,"x":"192.0.2.1"}]',
        b'[{"type":5,"type":5,"data":{"x":"192.0.2.1"}}]',
        b'[{"type":5,"type":5,"data":{"payload":{"x":"192.0.2.1"}}}]',
    ):
        new = scrub_recording(PARITY, packed(raw), "type5", LIMIT)
        assert new is not None
        assert json.dumps(frames_of(new)).count("192.0.2.1") == raw.count(b'"x"')
        assert "ana" not in json.dumps(frames_of(new))


def test_the_header_is_scrubbed_in_strict() -> None:
    payload = b'{"segment_id":0,"who":"ana@lab.example"}\n[]'
    assert scrub_recording(STRICT, payload, "all", LIMIT) == b'{"segment_id":0,"who":"[email]"}\n[]'
    assert scrub_recording(PARITY, payload, "type5", LIMIT) is None


def test_lone_surrogates_are_mended_in_strict_and_refused_in_parity() -> None:
    payload = packed(b'[{"type":3,"data":"cut \\ud83d 192.0.2.1 \\ud83d\\ude00"}]')
    new = scrub_recording(STRICT, payload, "all", LIMIT)
    assert new is not None
    assert frames_of(new)[0]["data"] == "cut \ufffd [ip] \U0001f600"
    with pytest.raises(Unreadable):
        scrub_recording(PARITY, payload.replace(b"3", b"3"), "all", LIMIT)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b'{"segment_id":0}',
        b'{"segment_id":0}\n',
        b"no json\n[]",
        b"[]\n[]",
        HEADER + b"x\x9cbroken",
        HEADER + b"\x00\x01\x02",
        HEADER + zlib.compress(b"[]") + b"more",
        packed(b'{"type":5}'),
        packed(b"[broken"),
        packed(b"[" * 3000 + b"]" * 3000),
        packed(b'["\xff"]'),
        packed(b"", plain=False),
    ],
)
def test_what_cannot_be_read_is_refused(payload: bytes) -> None:
    for program in (STRICT, PARITY):
        with pytest.raises(Unscrubbable):
            scrub_recording(program, payload, "all", LIMIT)


def test_a_bomb_is_bounded() -> None:
    bomb = HEADER + zlib.compress(b"[" + b" " * 50_000_000 + b"]", 9)
    with pytest.raises(Unscrubbable, match="inflates to more"):
        scrub_recording(STRICT, bomb, "all", LIMIT)
    with pytest.raises(Unscrubbable, match="members"):
        scrub_recording(STRICT, packed(b"[" + b"1," * 2_100_000 + b"1]"), "all", 10_000_000)


def test_nodes_of_a_whole_recording_are_bounded() -> None:
    program = replace(STRICT, bounds=read_bounds(Scrub(max_nodes=100)))
    assert scrub_recording(program, packed([TYPE3] * 100), "all", LIMIT) is not None
    with pytest.raises(Unscrubbable, match="more nodes"):
        scrub_recording(program, packed([TYPE3] * 3_000), "all", LIMIT)


def test_what_rules_did_is_counted() -> None:
    record = Record()
    scrub_recording(STRICT, packed([TYPE3, TYPE3]), "all", LIMIT, record)
    assert record.rules["@ip:replace"].hits == 2


def recordings() -> list[tuple[str, bytes]]:
    return [
        (request.file, bytes(item.payload))
        for request in recorded("envelope")
        for item in parse_envelope(request.body).items
        if item.type == "replay_recording"
    ]


def test_recordings_of_real_clients_keep_their_frames() -> None:
    """Planted values go, page and numbers stay."""
    assert len(recordings()) >= 4
    for _, payload in recordings():
        before = frames_of(payload)
        new = scrub_recording(STRICT, payload, "all", 10_000_000)
        after = before if new is None else frames_of(new)
        assert [(frame["type"], frame["timestamp"]) for frame in after] == [
            (frame["type"], frame["timestamp"]) for frame in before
        ]
        assert json.dumps(after).count('"tagName"') == json.dumps(before).count('"tagName"')
        for path in scrubbing.leaves(before)[::7]:
            planted = json.loads(json.dumps(before))
            node = planted
            for step in path[:-1]:
                node = node[step]
            node[path[-1]] = "x ana@lab.example 192.0.2.77"
            left = json.dumps(scrubbed(planted))
            assert "ana@lab.example" not in left, path
            assert "192.0.2.77" not in left, path
