"""What all kinds have in common, and the registry (ingest.md 6, decisions.md 1.2)."""

from collections.abc import Callable

import pytest

from scrubjay import reasons
from scrubjay.core.envelope import Item
from scrubjay.core.items import KINDS, batch, blobs, classify
from scrubjay.core.items.kind import always, item_count, never, nothing, u32
from scrubjay.errors import BadRequest
from support.items import make_item


def test_registry_is_keyed_by_type() -> None:
    assert all(name == kind.type for name, kind in KINDS.items())
    assert len(KINDS) == 22


@pytest.mark.parametrize("name", KINDS)
def test_classify_finds_each(name: str) -> None:
    item = make_item(name)
    assert item.kind is KINDS[name]
    assert item.is_known
    assert not item.dirty


@pytest.mark.parametrize("name", ["Event", "", "statsd", "metric_meta", "otel_log", "otel_span", "nel", "x"])
def test_unknown_types(name: str) -> None:
    """M37, ingest-63"""
    item = make_item(name, item_count=7)
    assert item.kind is blobs.UNKNOWN
    assert not item.is_known
    assert item.kind.quantities(item) == ()
    assert not item.creates_event
    assert not item.rides_on_event


def test_internal_items_are_refused() -> None:
    """M32, ingest-64"""
    with pytest.raises(BadRequest) as caught:
        classify(Item({"type": "integration"}, b""))
    assert caught.value.reason is reasons.INTERNAL_ENVELOPE


def test_old_name_of_profile_chunks() -> None:
    """ingest-77"""
    item = make_item("profile_chunk_ui", platform="android")
    assert item.kind is blobs.PROFILE_CHUNK
    assert item.type == "profile_chunk"
    assert b'"type":"profile_chunk"' in item.header_line()


def test_spans_are_of_two_kinds() -> None:
    assert make_item("span").kind is batch.SPAN
    assert make_item("span", content_type="application/json").kind is batch.SPAN
    assert make_item("span", content_type=batch.SPAN_CONTAINER_TYPE).kind is batch.SPAN_CONTAINER
    assert make_item("span", content_type=5).kind is batch.SPAN


@pytest.mark.parametrize("spelling", ["{}; charset=utf-8", " {} ;x=y", "{} "])
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_a_container_of_spans_is_one_in_any_spelling_of_its_type(spelling: str, case: Callable[[str], str]) -> None:
    """What is taken for a single span is scrubbed as one, and the spans inside would leave as they came."""
    content_type = case(spelling.format(batch.SPAN_CONTAINER_TYPE))
    assert make_item("span", content_type=content_type).kind is batch.SPAN_CONTAINER


@pytest.mark.parametrize(
    ("value", "known"),
    [("event.minidump", True), ("event.attachment", True), ("weird", False), (None, False), (3, False), ([], False)],
)
def test_attachment_type_may_be_unknown_on_any_item(value: object, known: bool) -> None:
    """ingest-75"""
    assert make_item("attachment", attachment_type=value).is_known is known
    assert make_item("event", attachment_type=value).is_known is known


@pytest.mark.parametrize(
    ("value", "count"),
    [(3, 3), (2**32 - 1, 2**32 - 1), (2**32, 1), (0, 1), (-1, 1), ("3", 1), (3.0, 1), (True, 1), (None, 1)],
)
def test_item_count(value: object, count: int) -> None:
    assert item_count(Item({"type": "x", "item_count": value}, b"")) == count


def test_small_answers() -> None:
    item = Item({"type": "x"}, b"")
    assert always(item)
    assert not never(item)
    assert nothing(item) == ()
    assert u32(item, "span_count") is None
