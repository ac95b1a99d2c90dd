"""What rules ask of items and records (`decisions.md` 5.9)."""

import pytest
from msgspec import Raw

from scrubjay.core.envelope import Item
from scrubjay.core.sampling.fingerprint import digest
from scrubjay.core.sampling.specimens import Record, WholeItem
from support.items import make_envelope, make_item
from support.seeds import HIGH, LOW


def whole(item: Item, *beside: Item, **headers: object) -> WholeItem:
    return WholeItem(item, make_envelope(item, *beside, **headers))


def test_an_event() -> None:
    event = whole(make_item("event", {"level": "info", "message": "x"}), event_id=HIGH)
    assert event.subject().value("event.level") == "info"
    assert event.seed() == HIGH
    assert not event.is_protected()
    assert event.shows_kind
    assert event.fingerprint() == digest((b"m", b"", b"x"))
    assert event.document == {"level": Raw(b'"info"'), "message": Raw(b'"x"')}


@pytest.mark.parametrize("payload", [b"junk", b"[]"])
def test_an_event_that_cannot_be_read_is_protected(payload: bytes) -> None:
    event = whole(make_item("event", payload))
    assert event.document is None
    assert event.is_protected()
    assert event.fingerprint() == digest((b"m", b"", b""))


@pytest.mark.parametrize(
    ("item_type", "is_protected", "is_of_a_kind", "has_document"),
    [
        ("feedback", True, True, True),
        ("user_report", True, False, False),
        ("transaction", False, False, True),
        ("session", False, False, False),
        ("replay_event", False, False, False),
        ("check_in", False, False, False),
        ("span", False, False, False),
    ],
)
def test_other_items(item_type: str, *, is_protected: bool, is_of_a_kind: bool, has_document: bool) -> None:
    item = whole(make_item(item_type, {"level": "fatal"}))
    assert item.is_protected() is is_protected
    assert bool(item.fingerprint()) is is_of_a_kind
    assert (item.document is not None) is has_document


def test_parts_of_a_replay_answer_as_its_event() -> None:
    event = make_item("replay_event", {"environment": "dev"})
    for item_type in ("replay_recording", "replay_video"):
        part = whole(make_item(item_type), event)
        assert part.subject().value("event.environment") == "dev"
        assert part.seed() == whole(event).seed()
        assert whole(make_item(item_type)).subject().value("event.environment") is None


def test_a_log() -> None:
    record = Record("log", Raw(b'{"body":"took 5 ms","level":"fatal"}'), {})
    assert record.subject().value("log.body") == "took 5 ms"
    assert record.is_protected()
    assert not record.shows_kind
    assert record.fingerprint() == digest((b"m", b"", b"took # ms"))
    assert len(record.seed()) == 32
    assert Record("log", Raw(b"7"), {}).fingerprint() == digest((b"m", b"", b""))


def test_a_span() -> None:
    record = Record("span", Raw(b'{"name":"GET","trace_id":"%s"}' % HIGH.encode()), {"trace": {"trace_id": LOW}})
    assert record.subject().value("span.name") == "GET"
    assert not record.is_protected()
    assert record.fingerprint() == ""
    assert record.seed() == LOW
