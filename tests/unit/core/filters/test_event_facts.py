"""What events, replays and reports say of themselves (`decisions.md` 7.1)."""

import pytest

from scrubjay.core.filters.chain import facts_of
from support.items import make_item

EVENT = {
    "type": "error",
    "release": "shop@1",
    "transaction": "/cart",
    "user": {"ip_address": "10.0.0.1"},
    "request": {
        "url": "https://shop.example/cart",
        "headers": [["host", "shop.example"], ["X-Forwarded-Host", "edge.example"], ["user-agent", "Firefox"]],
    },
    "logentry": {"message": "a %s", "formatted": "a b"},
    "exception": {
        "values": [
            {"type": "A", "value": "x", "stacktrace": {"frames": [{"abs_path": "/a.js"}, {"abs_path": "<anonymous>"}]}},
            {"type": "B", "value": 5},
            {"value": ""},
        ]
    },
}


@pytest.mark.parametrize("item_type", ["event", "replay_event"])
def test_visits(item_type: str) -> None:
    facts = facts_of(make_item(item_type, EVENT))
    assert (facts.release(), facts.address(), facts.url()) == ("shop@1", "10.0.0.1", "https://shop.example/cart")
    assert list(facts.hosts()) == ["shop.example", "edge.example"]
    assert facts.user_agent() == "Firefox"


def test_events() -> None:
    facts = facts_of(make_item("event", EVENT))
    assert list(facts.messages()) == ["a b", "A: x", "B: 5"]
    assert (facts.thrown_text(), facts.thrown_by()) == ("x", "/a.js")
    assert facts.transaction() is None
    assert facts_of(make_item("transaction", EVENT)).transaction() == "/cart"


def test_a_replay_is_no_event() -> None:
    facts = facts_of(make_item("replay_event", EVENT))
    assert (list(facts.messages()), facts.thrown_text(), facts.transaction()) == ([], None, None)


def test_a_document_is_opened_once() -> None:
    item = make_item("event", EVENT)
    assert facts_of(item).subject is facts_of(item).subject


def test_reports() -> None:
    body = {"csp-report": {"blocked-uri": "inline", "document-uri": "https://shop.example/"}}
    facts = facts_of(make_item("raw_security", body, sentry_release="shop@1"))
    assert (facts.release(), facts.url()) == ("shop@1", "https://shop.example/")
    assert facts.csp_urls() == ["inline", None, "https://shop.example/"]
    assert (list(facts.messages()), facts.user_agent()) == ([], None)
