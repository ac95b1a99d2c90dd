"""What filters ask of items that say nothing (`decisions.md` 7.1)."""

import pytest

from scrubjay.core.filters.chain import facts_of
from scrubjay.core.filters.facts import Facts
from scrubjay.core.networks import parse_address
from support.items import make_item


@pytest.mark.parametrize("item_type", ["log", "trace_metric", "replay_video", "check_in", "galaxy"])
def test_an_item_that_says_nothing(item_type: str) -> None:
    client_ip = parse_address("1.2.3.4")
    facts = facts_of(make_item(item_type, b"junk"), client_ip)
    answers = (facts.release(), facts.address(), facts.url(), facts.user_agent(), facts.transaction())
    assert answers == (None, None, None, None, None)
    assert (facts.thrown_text(), facts.thrown_by(), facts.csp_urls()) == (None, None, None)
    assert (list(facts.messages()), list(facts.hosts())) == ([], [])
    assert facts.client_ip is client_ip
    assert facts.subject.value("envelope.client_ip") is client_ip


def test_texts_by_their_names() -> None:
    facts = facts_of(make_item("event", {"logger": "x", "contexts": {"app": {"in_foreground": True}}}))
    assert isinstance(facts, Facts)
    assert facts.text("event.logger") == "x"
    assert facts.text("event.contexts.app.in_foreground") is None
