"""Scrubbing on the path of a request: what cannot be scrubbed does not leave, and what policies make of it."""

import pytest

from support.path import EVENT, Path, envelope, payloads


@pytest.mark.parametrize(
    ("item", "payload", "reason"),
    [
        ("event", "{broken", "invalid_json"),
        ("event", '"text"', "unscrubbable"),
        ("event", '{"a":' + "[" * 3000 + "]" * 3000 + "}", "unscrubbable"),
        ("mystery", b"\x00\x01", "opaque_dropped"),
    ],
)
def test_what_cannot_be_scrubbed_does_not_leave(item: str, payload: bytes | str, reason: str) -> None:
    path = Path()
    assert path.send(envelope((item, payload))).status == 200
    assert [reason for _, reason, _ in path.account.lost()] == [reason]
    assert not path.shelf.parcels
    assert path.closes()


def test_unknown_items_are_scrubbed_as_json_or_by_policy() -> None:
    path = Path()
    path.send(envelope(("mystery", '{"mail":"ana@lab.example"}')))
    assert b"ana@lab.example" not in path.forwarded
    lenient = Path("config: {scrubjay: {scrub: {opaque: forward}}}")
    lenient.send(envelope(("mystery", b"\x00\x01")))
    assert payloads(lenient.forwarded) == [b"\x00\x01"]


def test_attachments_are_scrubbed_where_they_are_text() -> None:
    """scrubbing.md 15.6"""
    reference = '"type":"attachment","content_type":"application/vnd.sentry.attachment-ref+json"'
    path = Path()
    path.send(
        envelope(("event", EVENT), ("attachment", "mail of ana@lab.example\n"), ("attachment", b"ana@lab.example\xff"))
    )
    assert payloads(path.forwarded)[1:] == [b"mail of [email]\n", b"[email]\xff"]
    path = Path()
    location = '{"location":"/x/1","mail":"ana@lab.example"}'
    path.send(envelope(("event", EVENT), ("attachment", '{"mail":"ana@lab.example"}'), (reference, location)))
    first, second = payloads(path.forwarded)[1:]
    assert b"ana@" not in first
    assert second == b'{"location":"/x/1"}'


def test_text_that_cannot_be_scrubbed_does_not_leave() -> None:
    path = Path()
    path.send(envelope(("event", EVENT), ("attachment", "x" * 1_200_000)))
    assert path.account.lost() == [("attachment", "unscrubbable", "")]


@pytest.mark.parametrize("scrub", ["attachments: keep", "profile: parity"])
def test_attachments_may_be_left_alone(scrub: str) -> None:
    path = Path("config: {scrubjay: {scrub: {%s}}}" % scrub)
    path.send(envelope(("event", EVENT), ("attachment", "mail of ana@lab.example")))
    assert payloads(path.forwarded)[1:] == [b"mail of ana@lab.example"]


def test_attachments_may_be_dropped() -> None:
    path = Path("config: {scrubjay: {scrub: {attachments: drop}}}")
    path.send(envelope(("event", EVENT), ("attachment", "x")))
    assert len(payloads(path.forwarded)) == 1
    assert path.account.lost() == [("attachment", "opaque_dropped", "")]
    assert path.closes()


def test_json_that_is_too_deep_is_no_opaque_payload() -> None:
    lenient = Path("config: {scrubjay: {scrub: {opaque: forward}}}")
    lenient.send(envelope(("mystery", '{"a":' + "[" * 3000 + "]" * 3000 + "}"), ("mystery", "[" * 200 + "]" * 200)))
    assert [reason for _, reason, _ in lenient.account.lost()] == ["unscrubbable", "unscrubbable"]
    assert not lenient.shelf.parcels


def test_bound_items_without_an_event_id_do_not_leave_a_scrubbing_plan() -> None:
    """ingest-M38"""
    path = Path()
    path.send(envelope(("user_report", "{}"), ("session", "{}"), header="{}"))
    assert path.account.lost() == [("user_report", "invalid_event_id", "")]
    assert payloads(path.forwarded) == [b"{}"]
