"""What sessions, profiles, spans and records say of themselves (`decisions.md` 7.1)."""

import pytest
from msgspec import Raw

from scrubjay.core.filters.chain import facts_of
from scrubjay.core.filters.record_facts import AttributeFacts, RecordFacts
from scrubjay.core.filters.user_agents import Browser
from scrubjay.core.subjects import Fields, RecordSubject
from support.items import make_item


def test_sessions() -> None:
    attributes = {"release": "a@1", "ip_address": "10.0.0.1", "user_agent": "Firefox"}
    for item_type in ("session", "sessions"):
        facts = facts_of(make_item(item_type, {"attrs": attributes}))
        assert (facts.release(), facts.address(), facts.user_agent()) == ("a@1", "10.0.0.1", "Firefox")


def test_profiles() -> None:
    for item_type in ("profile", "profile_chunk"):
        facts = facts_of(make_item(item_type, {"release": "a@1", "transaction": {"name": "/x"}}))
        assert (facts.release(), facts.transaction(), facts.user_agent()) == ("a@1", None, None)
        assert facts_of(make_item(item_type, b"\x00")).release() is None


ATTRIBUTES = {
    "sentry.release": "a@1",
    "client.address": "10.0.0.1",
    "url.full": "https://shop.example/",
    "user_agent.original": "Firefox",
    "sentry.segment.name": "/cart",
}


def test_records() -> None:
    record = b'{"attributes":{%b}}' % b",".join(
        b'"%b":{"value":"%b"}' % (name.encode(), value.encode()) for name, value in ATTRIBUTES.items()
    )
    item = make_item("log", {"items": []}, item_count=0)
    facts = RecordFacts(item, RecordSubject(Raw(record), "log"), None)
    told = (facts.release(), facts.address(), facts.url(), facts.user_agent(), facts.transaction())
    assert told == tuple(ATTRIBUTES.values())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (ATTRIBUTES, tuple(ATTRIBUTES.values())),
        ({"release": "b@1", "transaction": "/x"}, ("b@1", None, None, None, "/x")),
        ({"sentry.is_localhost": True, "client.address": "10.0.0.1"}, (None, "127.0.0.1", None, None, None)),
        (
            {"browser.name": "IE", "browser.version": "9.1"},
            (None, None, None, Browser("IE", 9), None),
        ),
        ({"browser.name": 5, "url.full": []}, (None, None, None, None, None)),
        ([], (None, None, None, None, None)),
    ],
)
def test_single_spans(data: object, told: tuple[object, ...]) -> None:
    facts = facts_of(make_item("span", {"span_id": "a", "data": data}))
    assert (facts.release(), facts.address(), facts.url(), facts.user_agent(), facts.transaction()) == told


def test_where_attributes_stand_is_to_be_said() -> None:
    with pytest.raises(TypeError, match="attribute"):
        AttributeFacts(make_item("span", {}), Fields(None), None)  # type: ignore[abstract]
