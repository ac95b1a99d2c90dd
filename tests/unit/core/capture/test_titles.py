import pytest

from scrubjay.core.capture.titles import culprit, last_exception, message


def frames(*frames):
    return {"exception": {"values": [{"stacktrace": {"frames": list(frames)}}]}}


@pytest.mark.parametrize(
    ("item_type", "payload", "expected"),
    [
        ("event", {"exception": {"values": [{"type": "A", "value": "a"}, {"type": "B", "value": "b"}]}}, "B: b"),
        ("event", {"exception": [{"type": "A", "value": "a"}, None]}, "A: a"),
        ("event", {"exception": {"values": [{"type": "A", "value": None}]}}, "A"),
        ("event", {"exception": {"values": [{"value": "a"}]}}, "a"),
        ("event", {"exception": {"values": []}, "message": "m"}, "m"),
        ("event", {"message": {"formatted": "f", "message": "m"}}, "f"),
        ("event", {"logentry": {"formatted": "f", "message": "m %s"}}, "f"),
        ("event", {"logentry": {"message": "m"}, "message": "n"}, "m"),
        ("event", {"logentry": {}, "message": "n"}, "n"),
        ("event", {"transaction": "/checkout"}, "/checkout"),
        ("event", {}, "event"),
        ("transaction", {"transaction": "/checkout"}, "/checkout"),
        ("feedback", {"contexts": {"feedback": {"message": "broken"}}}, "broken"),
        ("user_report", {"comments": "broken"}, "broken"),
        ("check_in", {"monitor_slug": "nightly", "status": "ok"}, "nightly: ok"),
        ("check_in", {"status": "ok"}, "ok"),
        ("span", {"description": "SELECT"}, "SELECT"),
        ("span", {"op": "db"}, "db"),
        ("span", {"items": [{"name": name} for name in "abcdefg"]}, "7 spans: a, b, c, d, e, …"),
        ("span", {"items": [{"name": "a"}, {}, 5]}, "2 spans: a"),
        ("trace_metric", {"items": [{"name": "m"}, {"name": "m"}, {"name": "n"}]}, "3 metrics: m, n"),
        ("trace_metric", {"items": [{"name": "m"}]}, "m"),
        (
            "client_report",
            {"discarded_events": [{"reason": "before_send", "category": "error", "quantity": 3}]},
            "discarded by the SDK: 3 error (before_send)",
        ),
        ("client_report", {}, "discarded by the SDK: nothing"),
        (
            "raw_security",
            {"csp-report": {"effective-directive": "img-src", "blocked-uri": "https://x"}},
            "img-src blocked https://x",
        ),
        ("raw_security", {"type": "csp-violation", "body": {"effectiveDirective": "img-src"}}, "img-src blocked"),
        ("raw_security", {"type": "network-error", "body": {}}, "network-error"),
        ("profile", {"transaction": {"name": "/pay"}}, "profile of /pay"),
        ("profile", {}, "profile"),
        ("session", {"status": "exited", "attrs": {"release": "r1"}}, "session exited r1"),
        ("sessions", {"attrs": {"release": "r1"}}, "session r1"),
        ("replay_event", {"segment_id": 2, "urls": ["http://x/"]}, "segment 2 http://x/"),
        ("replay_event", {}, "segment 0"),
        ("log", {"body": "hello"}, "hello"),
        ("statsd", {}, "statsd"),
        ("", {}, "unknown"),
    ],
)
def test_what_an_item_says(item_type, payload, expected):
    assert message(item_type, {}, payload) == expected


def test_an_attachment_is_called_by_its_file():
    assert message("attachment", {"filename": "a.txt"}, {"message": "inside"}) == "a.txt"
    assert message("attachment", {}, {}) == "attachment"


@pytest.mark.parametrize(
    "odd", [5, "x", [], [5], {"values": 5}, {"values": [5]}, {"values": [{"type": 5}]}, None, True]
)
def test_odd_payloads_have_a_title_all_the_same(odd):
    payload = dict.fromkeys(
        ("exception", "message", "logentry", "contexts", "items", "discarded_events", "attrs", "urls", "body"), odd
    )
    for item_type in (
        "event",
        "feedback",
        "span",
        "trace_metric",
        "client_report",
        "session",
        "replay_event",
        "log",
        "check_in",
    ):
        assert message(item_type, {}, payload)
    culprit(payload)


def test_the_last_of_the_chain_is_the_one():
    assert last_exception({"exception": {"values": [{"type": "A"}, {"type": "B"}]}}) == {"type": "B"}
    assert last_exception({}) == {}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"culprit": "given\nsecond"}, "given"),
        (
            frames(
                {"module": "lib", "function": "f"},
                {"module": "app", "function": "g", "in_app": True},
                {"function": "h"},
            ),
            "app in g",
        ),
        (frames({"filename": "a.py", "function": "f"}), "a.py in f"),
        (frames({"filename": "a.py"}), "a.py"),
        (frames({"function": "f"}), "f"),
        (frames(), ""),
        ({}, ""),
    ],
)
def test_where_it_happened(payload, expected):
    assert culprit(payload) == expected
