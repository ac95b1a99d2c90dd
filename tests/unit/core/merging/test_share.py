"""When an item's headers say no more than they have to."""

import pytest

from scrubjay.core.envelope import Item
from scrubjay.core.merging.share import is_plain

LOG = "application/vnd.sentry.items.log+json"


@pytest.mark.parametrize(
    ("headers", "plain"),
    [
        ({}, True),
        ({"length": 3}, True),
        ({"content_type": "application/json"}, True),
        ({"content_type": "text/plain"}, False),
        ({"content_type": None}, False),
        ({"content_type": ["application/json"]}, False),
        ({"item_count": 1}, False),
        ({"anything": 1}, False),
    ],
    ids=str,
)
def test_json_is_the_media_type_unless_another_is_due(headers, plain):
    assert is_plain(Item({"type": "sessions", **headers}, b"")) is plain


@pytest.mark.parametrize(
    ("headers", "plain"),
    [
        ({"content_type": LOG}, True),
        ({"content_type": LOG, "item_count": 1}, True),
        ({"content_type": LOG, "item_count": 1, "anything": 1}, False),
        ({"content_type": f"{LOG}; charset=utf-8"}, False),
        ({"content_type": "application/json"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_a_media_type_that_is_due_has_to_be_there(headers, plain):
    assert is_plain(Item({"type": "log", **headers}, b""), "item_count", content_type=LOG) is plain
