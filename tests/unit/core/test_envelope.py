"""Framing and serialising (ingest.md 5). Wire cases are tried whole, one byte short, and with a tail."""

import pytest

from scrubjay import reasons
from scrubjay.core import envelope as module
from scrubjay.core.envelope import (
    Envelope,
    Item,
    decode_json,
    encode_json,
    parse_envelope,
    read_header,
    rewrite_header,
    shifted_sent_at,
)
from scrubjay.core.items import classify
from scrubjay.errors import BadRequest
from support.corpus import Recorded, recorded

E = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"

A_1 = (
    b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc","sent_at":"2026-01-05T10:00:00Z"}\n'
    b'{"type":"event","length":36,"content_type":"application/json"}\n'
    b'{"message":"kaboom","level":"error"}\n'
    b'{"type":"attachment","length":11,"filename":"trace.txt","content_type":"text/plain"}\n'
    b"line1\nline2"
)

GOOD: dict[str, tuple[bytes, list[bytes]]] = {
    "ingest-43 no items": (b"{}", []),
    "ingest-43 no items, newline": (b"{}\n", []),
    "ingest-44": (b'{"event_id":"%b"}' % E.encode(), []),
    "ingest-45 implicit length": (b'{}\n{"type":"event"}\n{"message":"a"}', [b'{"message":"a"}']),
    "ingest-47 null id": (b'{"event_id":null}\n', []),
    "ingest-48 two empty": (
        b'{}\n{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}\n',
        [b"", b""],
    ),
    "ingest-50 header at the end": (b'{}\n{"type":"attachment"}', [b""]),
    "header and length 0 at the end": (b'{}\n{"type":"attachment","length":0}', [b""]),
    "implicit and empty": (b'{}\n{"type":"a"}\n\n{"type":"b"}\nx', [b"", b"x"]),
    "ingest-51": (b'{}\n{"type":"attachment","length":11}\nline1\nline2', [b"line1\nline2"]),
    "ingest-51 newline at the end": (b'{}\n{"type":"attachment","length":11}\nline1\nline2\n', [b"line1\nline2"]),
    "ingest-52 carriage return is payload": (b'{}\n{"type":"x"}\nabc\r\n', [b"abc\r"]),
    "ingest-54 blank line": (b'{}\n\n{"type":"x"}\nabc', [b"abc"]),
    "blanks before headers": (b' \r\n\t{}\n \t\r\n{"type":"x"}\nabc', [b"abc"]),
    "ingest-58 time with a zone": (b'{"sent_at":"2026-01-05T10:00:00+02:00"}\n', []),
    "ingest-59 any trace": (b'{"trace":{"bad":1}}\n{"type":"event"}\n{}', [b"{}"]),
    "ingest-63 capital": (b'{}\n{"type":"Event"}\nabc', [b"abc"]),
    "length in bytes": ('{}\n{"type":"x","length":2}\nü\n'.encode(), ["ü".encode()]),
    "A.1": (A_1, [b'{"message":"kaboom","level":"error"}', b"line1\nline2"]),
    "ingest-57 500 items": (b"{}" + b'\n{"type":"x"}\na' * 500, [b"a"] * 500),
    "M24 wrong types of other item headers": (b'{}\n{"type":"x","item_count":"y","filename":3}\na', [b"a"]),
}

BAD = {
    "M14 white space": b" \n ",
    "M15 no JSON": b"hello",
    "M15 no object": b"[1]",
    "M15 no object but text": b'"a"',
    "M15 BOM": b"\xef\xbb\xbf{}",
    "M15 broken": b'{"a":1,}',
    "M16 bad UTF-8": b'{"a":"\xff"}',
    "M17 ingest-53 space": b"{} \n",
    "M17 ingest-53 CR": b'{}\r\n{"type":"x"}\nabc',
    "CR behind an item header": b'{}\n{"type":"x"}\r\nabc',
    "header on two lines": b'{"a":\n1}',
    "two values": b"{}{}",
    "M18 ingest-47": b'{"event_id":"xyz"}',
    "M19 ingest-58 no zone": b'{"sent_at":"2026-01-05T10:00:00"}\n',
    "M19 ingest-58 number": b'{"sent_at":1767607200}\n',
    "M20 ingest-61": b'{"event_id":"%b","event_id":"%b"}\n' % (E.encode(), E.encode()),
    "M25": b"{}\nnope\nabc",
    "M26 no type": b'{}\n{"length":3}\nabc',
    "M26 type 3": b'{}\n{"type":3}\nabc',
    "M28 ingest-56 beyond the end": b'{}\n{"type":"x","length":18446744073709551615}\nabc',
    "M28 far beyond the end": b'{}\n{"type":"x","length":184467440737095516150}\nabc',
    "ingest-49": b'{}\n{"type":"attachment","length":0}\n{"type":"attachment","length":0}\n',
    "ingest-50 length without payload": b'{}\n{"type":"attachment","length":3}',
    "ingest-51 too short": b'{}\n{"type":"attachment","length":10}\nline1\nline2',
    "ingest-51 too long": b'{}\n{"type":"attachment","length":12}\nline1\nline2',
    "M30 ingest-55": b'{}\n{"type":"x"}\nabc\n\n',
    "M30 spaces": b'{}\n{"type":"x"}\nabc\n  ',
    "two newlines and no item": b"{}\n\n",
    "M31 ingest-57 501 items": b"{}" + b'\n{"type":"x"}\na' * 501,
    "ingest-62 surrogate": rb'{"a":"\ud800"}',
    "ingest-62 nested": b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}",
    "ingest-62 NaN": b'{"a":NaN}',
    "ingest-62 surrogate in an item": b'{}\n{"type":"x","a":"\\ud800"}\nabc',
    "comment": b'{"a":1/*x*/}',
    "header of gigabytes": b'{"a":"' + b"x" * (1024 * 1024) + b'"}',
    "headers too long together": b"{}" + b'\n{"type":"x","a":"%b"}\na' % (b"x" * 400_000) * 3,
}


@pytest.mark.parametrize(("body", "payloads"), GOOD.values(), ids=GOOD.keys())
def test_good(body: bytes, payloads: list[bytes]) -> None:
    assert [item.payload for item in parse_envelope(body).items] == payloads


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_bad(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_envelope(body)
    assert caught.value.reason is reasons.INVALID_ENVELOPE
    assert caught.value.causes


@pytest.mark.parametrize("length", ['"3"', "3.0", "-1", "null", "true", "18446744073709551615"])
def test_bad_length(length: str) -> None:
    """M27, ingest-56"""
    with pytest.raises(BadRequest):
        parse_envelope(b'{}\n{"type":"x","length":%b}\nabc' % length.encode())


def test_empty_body() -> None:
    """M13"""
    with pytest.raises(BadRequest) as caught:
        parse_envelope(b"")
    assert caught.value.reason is reasons.EMPTY_BODY


def test_cut_anywhere_is_an_envelope_or_a_bad_request() -> None:
    """Where the cut leaves whole items, they are those that were sent."""
    for end in range(1, len(A_1)):
        try:
            cut = parse_envelope(A_1[:end])
        except BadRequest:
            continue
        assert [item.type for item in cut.items] == ["event", "attachment"][: len(cut.items)]
        assert end in {80, 81, 180, 181, *range(len(A_1) - 11, len(A_1))} or len(cut.items) < 2


def test_payloads_are_views_on_the_body() -> None:
    item = parse_envelope(A_1).items[0]
    assert isinstance(item.payload, memoryview)
    assert item.payload.obj is A_1


def test_untouched_is_written_as_it_came() -> None:
    assert parse_envelope(A_1).serialize() == A_1 + b"\n"


@pytest.mark.parametrize("request_", recorded("envelope"), ids=str)
def test_corpus_survives(request_: Recorded) -> None:
    came = parse_envelope(request_.body)
    assert [item.type for item in came.items] == list(request_.items)
    went = parse_envelope(came.serialize())
    assert went.headers == came.headers
    assert [bytes(item.payload) for item in went.items] == [bytes(item.payload) for item in came.items]
    for before, after in zip(came.items, went.items, strict=True):
        assert after.headers == {"length": len(before.payload), **before.headers}


def test_unknown_headers_survive() -> None:
    """ingest-60"""
    body = b'{"x-custom":{"a":[1]}}\n{"type":"x","zz":5,"big":123456789012345678901234567890}\nabc'
    written = parse_envelope(body).serialize()
    assert written == (
        b'{"x-custom":{"a":[1]}}\n{"type":"x","zz":5,"big":123456789012345678901234567890,"length":3}\nabc\n'
    )


def test_touched_items_are_written_anew() -> None:
    envelope = parse_envelope(A_1)
    envelope.items[0].replace(b"{}")
    envelope.items[1].headers["filename"] = "x"
    envelope.items[1].dirty = True
    again = parse_envelope(envelope.serialize())
    assert again.items[0].headers == {"type": "event", "length": 2, "content_type": "application/json"}
    assert again.items[0].payload == b"{}"
    assert again.items[1].headers["filename"] == "x"
    assert again.items[1].payload == b"line1\nline2"


def test_header_changes() -> None:
    envelope = Envelope({"event_id": E, "dsn": "a"}, [Item({"type": "x"}, b"p")])
    written = envelope.serialize({"dsn": None, "client": "c", "origin": None})
    assert written == b'{"event_id":"%b","client":"c"}\n{"type":"x","length":1}\np\n' % E.encode()
    assert envelope.headers["dsn"] == "a"


def test_header_is_rewritten_and_the_rest_left_alone() -> None:
    body = b'{"a":1.000,"b":[ 1 ],"dsn":"x"}\n{"type":"x"}\n\xff\x00'
    assert (
        rewrite_header(body, {"dsn": None, "c": 2, "d": None}) == b'{"a":1.000,"b":[ 1 ],"c":2}\n{"type":"x"}\n\xff\x00'
    )
    assert rewrite_header(b"{}", {"c": 2}) == b'{"c":2}'


def test_event_id() -> None:
    assert parse_envelope(A_1).event_id == E
    assert parse_envelope(b"{}").event_id is None
    assert Envelope({"event_id": None}, []).event_id is None


def test_header_alone() -> None:
    assert read_header(b'{"a":1}\n{"type"') == ({"a": 1}, 8)
    assert read_header(b'  {"a":1}') == ({"a": 1}, 10)


def test_items_ask_their_kind() -> None:
    event, attachment = parse_envelope(A_1).items
    classify(event)
    classify(attachment)
    assert (event.creates_event, attachment.creates_event) == (True, False)
    assert (event.rides_on_event, attachment.rides_on_event) == (True, True)
    assert (event.is_known, attachment.is_known) == (True, True)


def test_reprs_say_what_is_there() -> None:
    envelope = parse_envelope(A_1)
    assert repr(envelope.items[0]) == "<Item event of 36 bytes>"
    envelope.items[0].dirty = envelope.dirty = True
    assert "dirty" in repr(envelope.items[0])
    assert "dirty" in repr(envelope)


def test_json_door() -> None:
    assert decode_json(b'{"a":[1,1.5,null,"x"]}') == {"a": [1, 1.5, None, "x"]}
    assert encode_json({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'.encode()
    assert module.shifted_sent_at is shifted_sent_at
    for bad in (b"NaN", b'"\xff"', rb'"\ud800"', b"1 2", b"", b"[" * 100_000, b"1e999"):
        with pytest.raises(ValueError):
            decode_json(bad)
