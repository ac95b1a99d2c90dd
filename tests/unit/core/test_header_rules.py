"""Header lines beyond JSON (ingest.md 5.1 to 5.3)."""

import pytest

from scrubjay.core.envelope import decode_json
from scrubjay.core.header_rules import (
    check_envelope_headers,
    check_item_headers,
    check_text,
    normal_uuid,
    parse_time,
    shifted_sent_at,
)

E = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
DASHED = "5d2c7a5e-1b8f-4c0e-9a3d-6f7081920abc"


@pytest.mark.parametrize("text", [E, E.upper(), DASHED, DASHED.upper(), f"{{{DASHED}}}", f"urn:uuid:{DASHED}"])
def test_uuid_in_all_spellings(text: str) -> None:
    """ingest-46"""
    assert normal_uuid(text) == E


def test_uuid_of_zeros() -> None:
    assert normal_uuid("0" * 32) == "0" * 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "xyz",
        E[1:],
        E + "0",
        f"{{{E}}}",
        f"urn:uuid:{E}",
        DASHED.replace("-", "", 1),
        f"{DASHED}}}",
        7,
        None,
        E[:-1] + "٣",
    ],
)
def test_uuid_that_is_none(text: object) -> None:
    with pytest.raises(ValueError, match="UUID"):
        normal_uuid(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T10:00:00Z",
        "2026-01-05t10:00:00z",
        "2026-01-05 10:00:00+02:00",
        "2026-01-05T10:00:00.123456789Z",
        "2026-12-31T23:59:60Z",
    ],
)
def test_time(text: str) -> None:
    """ingest-58"""
    assert parse_time(text).year == 2026


@pytest.mark.parametrize(
    "text", ["2026-01-05T10:00:00", "2026-13-05T10:00:00Z", "2026-01-05", "yesterday", 1767607200, None]
)
def test_time_that_is_none(text: object) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "by_s", "expected"),
    [
        ("2026-01-05T10:00:00Z", 10_800, "2026-01-05T13:00:00.000000Z"),
        ("2026-01-05T10:00:00.5+02:00", 0.25, "2026-01-05T08:00:00.750000Z"),
    ],
)
def test_sent_at_is_shifted(text: str, by_s: float, expected: str) -> None:
    assert shifted_sent_at(text, by_s) == expected


def check(line: str, *, envelope: bool = True) -> None:
    headers = decode_json(line)
    assert isinstance(headers, dict)
    check_text(line.encode(), headers, envelope=envelope)


def nested(levels: int) -> str:
    return '{"a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        f'{{"event_id":"{E}"}}',
        '{"sdk":{"version":"1","name":"a"},"version":7}',
        '{"trace":{"event_id":1,"a":{"event_id":2}},"event_id":null}',
        '{"x":1,"x":2}',
        r'{"x\"event_id":1,"event_id":2,"y":"\"event_id\":"}',
        '{"x":["event_id","event_id"],"event_id":null}',
        nested(128),
        '{"a":[' + ",".join(["[]"] * 200) + "]}",
    ],
)
def test_line_is_fine(line: str) -> None:
    check(line)


@pytest.mark.parametrize(
    "line",
    [
        f'{{"event_id":"{E}","event_id":"{E}"}}',
        '{"sent_at":null , "sent_at" : null}',
        '{"dsn":null,"a":{"b":1},"dsn":null}',
        r'{"event_id":null,"event\u005fid":null}',
        nested(129),
        '{"a":' + '{"b":' * 128 + "1" + "}" * 129,
    ],
)
def test_line_is_refused(line: str) -> None:
    """M20, ingest-61, ingest-62"""
    with pytest.raises(ValueError, match=r"twice|deeply"):
        check(line)


def test_known_keys_of_items_are_others() -> None:
    check('{"type":"x","dsn":1,"dsn":2}', envelope=False)
    with pytest.raises(ValueError, match="type is given twice"):
        check('{"type":"x","type":"y"}', envelope=False)


def test_event_id_is_written_in_its_normal_form() -> None:
    headers: dict[str, object] = {"event_id": DASHED.upper()}
    check_envelope_headers(headers)
    assert headers == {"event_id": E}


FACTS = {
    "client": "a/1",
    "version": 65535,
    "origin": "https://shop.example/",
    "remote_addr": "2001:db8::1",
    "forwarded_for": "192.0.2.1",
    "user_agent": "x",
    "client_hints": {},
    "no_cache": True,
}


def test_facts_of_the_right_types() -> None:
    check_envelope_headers(dict(FACTS))
    check_envelope_headers(dict.fromkeys(FACTS))
    check_envelope_headers({"event_id": None, "sent_at": None, "trace": 7, "x-custom": {"a": [1]}})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event_id", "xyz"),
        ("event_id", 7),
        ("sent_at", "2026-01-05T10:00:00"),
        ("sent_at", 1767607200),
        ("client", 7),
        ("version", "7"),
        ("version", True),
        ("version", 65536),
        ("version", -1),
        ("origin", "null"),
        ("origin", 7),
        ("remote_addr", "localhost"),
        ("remote_addr", 7),
        ("forwarded_for", []),
        ("user_agent", {}),
        ("client_hints", "x"),
        ("no_cache", 1),
    ],
)
def test_facts_of_wrong_types(name: str, value: object) -> None:
    """M18, M19, ingest-47, ingest-58"""
    with pytest.raises(ValueError):
        check_envelope_headers({name: value})


def test_item_headers() -> None:
    assert check_item_headers({"type": "x"}) is None
    assert check_item_headers({"type": "", "length": 0}) == 0


@pytest.mark.parametrize(
    "headers",
    [{}, {"type": 3}, {"type": None}, *({"type": "x", "length": length} for length in ("5", 5.0, -1, None, True))],
)
def test_item_headers_are_refused(headers: dict[str, object]) -> None:
    """M26, M27, ingest-56"""
    with pytest.raises(ValueError):
        check_item_headers(headers)
