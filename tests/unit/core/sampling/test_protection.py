"""What is never sampled away (`decisions.md` 5.9)."""

import json

import pytest
from msgspec import Raw

from scrubjay.core.sampling.documents import exceptions_of, open_document
from scrubjay.core.sampling.protection import is_crash, is_fatal
from support.items import make_envelope, make_item


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"level": "fatal"}, True),
        ({"level": "error"}, False),
        ({"level": ["fatal"]}, False),
        ({}, False),
        ({"exception": {"values": [{"mechanism": {"handled": True}}, {"mechanism": {"handled": False}}]}}, True),
        ({"exception": [{"mechanism": {"handled": False}}]}, True),
        ({"exception": {"mechanism": {"handled": False}}}, True),
        ({"exception": {"values": [{"mechanism": {"handled": True}}, {"mechanism": None}, {}, None]}}, False),
        ({"exception": {"values": [{"mechanism": {}}, {"mechanism": "x"}, {"mechanism": {"handled": "no"}}]}}, False),
        ({"exception": {"values": []}}, False),
        ({"exception": "x"}, True),
    ],
)
def test_errors(event: dict[str, object], *, expected: bool) -> None:
    document = open_document(json.dumps(event).encode())
    assert document is not None
    item = make_item("event", event)
    assert is_crash(item, exceptions_of(document), make_envelope(item)) is expected


@pytest.mark.parametrize(
    ("item_type", "headers", "expected"),
    [
        ("attachment", {"attachment_type": "event.minidump"}, True),
        ("attachment", {"attachment_type": "event.attachment"}, False),
        ("attachment", {}, False),
        ("unreal_report", {}, True),
        ("session", {}, False),
        ("event", {}, False),
    ],
)
def test_errors_with_a_crash_report_beside_them(item_type: str, headers: dict[str, object], *, expected: bool) -> None:
    item = make_item("event")
    assert is_crash(item, [], make_envelope(item, make_item(item_type, b"{}", **headers))) is expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b'{"level":"fatal"}', True),
        (b'{"level":"info"}', False),
        (b"{}", False),
        (b"7", False),
        (b'{"level":5}', False),
    ],
)
def test_logs(record: bytes, *, expected: bool) -> None:
    assert is_fatal(Raw(record)) is expected
