"""Attachments, form data, replays, profiles: what they count as and belong to (decisions.md 1.2, ingest.md 6.6, 6.7)."""

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.categories import Quantities
from support.items import make_item

TRACE = "application/vnd.sentry.trace-attachment"
REFERENCE = "application/vnd.sentry.attachment-ref+json"


def attached(size: int) -> Quantities:
    return ((C.ATTACHMENT, size), (C.ATTACHMENT_ITEM, 1))


@pytest.mark.parametrize(
    ("headers", "size", "expected"),
    [
        ({}, 10, attached(10)),
        ({}, 0, attached(1)),
        ({"rate_limited": True}, 10, ()),
        ({"rate_limited": "yes"}, 10, attached(10)),
        ({"content_type": TRACE, "meta_length": 4}, 10, attached(6)),
        ({"content_type": TRACE, "meta_length": 40}, 10, attached(1)),
        ({"content_type": TRACE}, 10, attached(10)),
        ({"content_type": REFERENCE, "attachment_length": 5_000_000_000}, 10, attached(5_000_000_000)),
        ({"content_type": REFERENCE, "attachment_length": 2**63}, 10, attached(1)),
        ({"content_type": REFERENCE}, 10, attached(1)),
        ({"content_type": REFERENCE, "attachment_length": -5}, 10, attached(1)),
        ({"attachment_type": "nswitch.dying_message"}, 10, ()),
        ({"content_type": []}, 10, attached(10)),
    ],
)
def test_attachment(headers: dict[str, object], size: int, expected: Quantities) -> None:
    item = make_item("attachment", b"x" * size, **headers)
    assert item.kind.quantities(item) == expected
    assert item.rides_on_event


@pytest.mark.parametrize(
    ("headers", "payload", "creates"),
    [
        ({}, b"", False),
        ({"attachment_type": "event.attachment"}, b"", False),
        ({"attachment_type": "event.minidump"}, b"", True),
        ({"attachment_type": "event.applecrashreport"}, b"", True),
        ({"attachment_type": "event.payload"}, b"", True),
        ({"attachment_type": "event.breadcrumbs"}, b"", True),
        ({"attachment_type": "playstation.prosperodump"}, b"", True),
        ({"attachment_type": "nswitch.dying_message"}, b"", True),
        ({"attachment_type": "event.nv_gpudmp"}, b"", True),
        ({"attachment_type": "event.nv_shader_debug"}, b"", False),
        ({"attachment_type": "event.view_hierarchy"}, b"", False),
        ({"attachment_type": []}, b"", False),
        ({"filename": "dying_message.dat"}, b"sntr...", True),
        ({"filename": "dying_message.dat"}, b"other", False),
        ({"filename": "other.dat"}, b"sntr...", False),
        ({"filename": "dying_message.dat", "attachment_type": "event.attachment"}, b"sntr", False),
    ],
)
def test_some_attachments_create_events(headers: dict[str, object], payload: bytes, creates: bool) -> None:
    assert make_item("attachment", payload, **headers).creates_event is creates


@pytest.mark.parametrize(
    ("platform", "extra"),
    [("cocoa", C.PROFILE_UI), ("android", C.PROFILE_UI), ("javascript", C.PROFILE_UI), ("python", C.PROFILE_BACKEND)],
)
def test_profile(platform: str, extra: C) -> None:
    item = make_item("profile", item_count=2, platform=platform)
    assert item.kind.quantities(item) == ((C.PROFILE, 2), (C.PROFILE_INDEXED, 2), (extra, 2))
    assert item.rides_on_event


def test_profile_without_platform() -> None:
    item = make_item("profile", platform=3)
    assert item.kind.quantities(item) == ((C.PROFILE, 1), (C.PROFILE_INDEXED, 1))


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("android", ((C.PROFILE_CHUNK_UI, 1),)), ("python", ((C.PROFILE_CHUNK, 1),)), (None, ()), ([], ())],
)
def test_profile_chunk(platform: object, expected: Quantities) -> None:
    item = make_item("profile_chunk", platform=platform)
    assert item.kind.quantities(item) == expected
    assert not item.rides_on_event


@pytest.mark.parametrize(
    ("name", "rides"), [("replay_event", True), ("replay_recording", False), ("replay_video", False)]
)
def test_replays_count_each(name: str, rides: bool) -> None:
    item = make_item(name)
    assert item.kind.quantities(item) == ((C.REPLAY, 1),)
    assert item.rides_on_event is rides


def test_form_data_counts_as_nothing() -> None:
    item = make_item("form_data")
    assert item.kind.quantities(item) == ()
    assert item.rides_on_event
