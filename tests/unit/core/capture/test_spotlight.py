import base64
import json

import pytest

from scrubjay.core.capture.facts import Coming
from scrubjay.core.capture.item import CapturedItem
from scrubjay.core.capture.spotlight import envelope_message, event_name, label, told_payload
from scrubjay.core.capture.store import Captured, CaptureStore
from scrubjay.core.envelope import Envelope, Item, encode_json
from scrubjay.core.ledger import Account

KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
NOW = 1_800_000_000.0


def captured(*items: Item, user_agent: str = "", **headers: object) -> Captured:
    account = Account(KEY, 1, "r", None, NOW)
    return CaptureStore().offer(
        Envelope(dict(headers), list(items)), account, Coming(user_agent=user_agent), now_unix=NOW
    )


def told(message: bytes) -> tuple[dict[str, str], list[object]]:
    """Fields of one server-sent event, and its data."""
    assert message.endswith(b"\n\n")
    lines = message[:-2].decode().split("\n")
    fields = dict(line.split(": ", 1) for line in lines)
    assert len(fields) == len(lines)
    return fields, json.loads(fields["data"])


def test_capture_5_a_message_has_event_data_and_id_as_spotlights_readers_want_them() -> None:
    one = captured(
        Item({"type": "event"}, b'{"message":"a\\nb","type":"own"}'), user_agent="Mozilla/5.0 x", event_id="e" * 32
    )
    fields, (header, items) = told(envelope_message(one, event_name(is_base64=False)))  # type: ignore[misc]
    assert list(fields) == ["event", "data", "id"]
    assert fields["event"] == "application/x-sentry-envelope"
    assert fields["id"] == one.id
    assert header == {
        "event_id": "e" * 32,
        "__spotlight_envelope_id": one.id,
        "__spotlight_sender_user_agent": "Mozilla/5.0 x",
        "__spotlight_inferred_source": "browser",
    }
    assert items == [[{"type": "event"}, {"message": "a\nb", "type": "event"}]]


def test_capture_5_base64_is_another_name_for_the_same() -> None:
    one = captured(Item({"type": "event"}, b"{}"))
    fields, (header, _) = told(envelope_message(one, event_name(is_base64=True)))  # type: ignore[misc]
    assert fields["event"] == "application/x-sentry-envelope;base64"
    assert header == {"__spotlight_envelope_id": one.id, "__spotlight_inferred_source": "server"}


def test_an_envelope_without_items_is_a_servers() -> None:
    _, (header, items) = told(envelope_message(captured(), "x"))  # type: ignore[misc]
    assert header["__spotlight_inferred_source"] == "server"  # type: ignore[index]
    assert items == []


@pytest.mark.parametrize(
    ("kind", "content_type", "payload", "expected"),
    [
        ("session", None, b'{"sid":"x"}', {"sid": "x", "type": "session"}),
        ("event", None, b'{"a":"\\ud800"}', {"a": "\ufffd", "type": "event"}),
        ("otel", None, b"[1,2]", [1, 2]),
        ("attachment", "text/plain; charset=utf-8", b"gr\xc3\xbc\xc3\x9fe", {"data": "grüße"}),
        ("attachment", "Application/JSON", b'{"a":1}', {"data": '{"a":1}'}),
        ("attachment", "application/vnd.api+json", b"{}", {"data": "{}"}),
        ("attachment", "text/x-python", b"1", {"data": base64.b64encode(b"1").decode()}),
        ("attachment", None, b"\x00\xff", {"data": "AP8="}),
        ("attachment", 7, b"\x00", {"data": "AA=="}),
        ("attachment", "text/html", b"\xff", {"data": "\ufffd"}),
        ("replay_video", None, b"{}", {"data": "e30="}),
        ("statsd", None, b"a:1|c", {"data": "a:1|c"}),
        ("statsd", "application/octet-stream", b"a", {"data": "YQ=="}),
        (
            "replay_recording",
            None,
            b'{"segment_id":0}\nx\x9c',
            {"data": base64.b64encode(b'{"segment_id":0}\nx\x9c').decode()},
        ),
        ("profile", None, b"PROF\x01", {"data": base64.b64encode(b"PROF\x01").decode()}),
    ],
)
def test_payloads_are_json_with_their_type_or_a_string(
    kind: str, content_type: object, payload: bytes, expected: object
) -> None:
    headers: dict[str, object] = {"type": kind} | ({} if content_type is None else {"content_type": content_type})
    assert told_payload(CapturedItem(kind, headers, payload)) == expected


def test_a_payload_that_is_not_kept_is_said_to_be_omitted() -> None:
    assert told_payload(CapturedItem("event", {"type": "event"}, None)) == {"type": "event", "payload_omitted": True}


def test_data_is_one_line_whatever_stands_in_it() -> None:
    text = "a\r\n\u2028\u2029data: x\n\nevent: y"
    message = envelope_message(captured(Item({"type": "event"}, encode_json({"m": text}))), "x")
    fields, (_, items) = told(message)  # type: ignore[misc]
    assert items[0][1]["m"] == text  # type: ignore[index]
    assert list(fields) == ["event", "data", "id"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [("spotlight 4.11 (tail)/x-y", "spotlight 4.11 (tail)/x-y"), ("a\r\nb\x1b[31m<script>é", "ab31mscripté"), ("", "")],
)
def test_a_readers_label_holds_nothing_that_a_log_could_choke_on(given: str, shown: str) -> None:
    assert label(given) == shown
    assert len(label(given * 1000)) <= 100
