"""A record as a test reads it."""

import pytest

from scrubjay.testing.event import Change, Event, Report, Source, Suspect

CHANGE = {
    "path": "/message",
    "rule": "@email:replace",
    "action": "replaced",
    "ranges": [[8, 23]],
    "before": "a@b.example",
}
SUSPECT = {"path": "/extra/x", "detector": "entropy", "excerpt": "ab…yz"}


@pytest.fixture
def asked():
    return []


@pytest.fixture
def event(asked):
    def noted(answer):
        def ask(*arguments):
            asked.append(arguments)
            return answer

        return ask

    detail = {"message": "two\nlines", "payload": {"a/b": [{"c": 1}], "s": "text"}}
    report = {"mode": "full", "changes": [CHANGE], "suspects": [SUSPECT], "totals": {"@email:replace": {"hits": 1}}}
    source = Source(noted(detail), noted(report), noted(b"# it"), noted(b"\x00"))
    summary = {"id": "1-0", "type": "error", "title": "two", "level": "info", "tags": {"a": "1"}, "user": {"id": "7"}}
    return Event(summary | {"environment": "test", "release": "1.0", "trace_id": "t", "outcome": "accepted"}, source)


def test_what_a_list_shows_needs_no_question(event, asked):
    shown = (event.id, event.type, event.title, event.level, event.tags, event.user, event.environment, event.release)
    assert shown == ("1-0", "error", "two", "info", {"a": "1"}, {"id": "7"}, "test", "1.0")
    assert (event.trace_id, event.outcome, event.event_id, event.transaction) == ("t", "accepted", "", "")
    assert (repr(event), event == Event({"id": "1-0"}, event._source), hash(event)) == (
        "<Event error 'two'>",
        True,
        hash("1-0"),
    )
    assert event != "1-0"
    assert asked == []


def test_the_rest_is_asked_for_once(event, asked):
    assert (event.message, event.payload["s"], event.report.mode, event.report.totals) == (
        "two\nlines",
        "text",
        "full",
        {"@email:replace": {"hits": 1}},
    )
    assert asked == [("1-0",), ("1-0",)]
    assert (event.exported("markdown"), event.attachment(2)) == ("# it", b"\x00")
    assert asked[2:] == [("1-0", "markdown"), ("1-0", 2)]


def test_places_in_the_payload(event):
    assert event.at("/a~1b/0/c") == 1
    assert event.at("") == event.payload
    for pointer in ("/a~1b/1", "/a~1b/x", "/s/t", "/nothing"):
        with pytest.raises(LookupError, match="is not there"):
            event.at(pointer)


def test_what_scrubbing_did_somewhere(event):
    assert event.scrubbed("/message") == Change.of(CHANGE) == event.report.changes[0]
    assert (event.scrubbed("/message").ranges, str(event.scrubbed("/message"))) == (
        ((8, 23),),
        "/message  @email:replace",
    )
    with pytest.raises(
        AssertionError, match=r"what would leave there is 'text'. What it did:\n    /message  @email:replace"
    ):
        event.scrubbed("/s")
    with pytest.raises(AssertionError, match="and nothing is there"):
        event.scrubbed("/nothing")


def test_nothing_was_done(event):
    event._report = Report.of({})
    with pytest.raises(AssertionError, match="\n    nothing"):
        event.scrubbed("/s")


def test_a_suspect_in_words(event):
    assert event.report.suspects == (Suspect("/extra/x", "entropy", "ab…yz"),)
    assert str(event.report.suspects[0]) == "/extra/x  entropy  ab…yz"
