import pytest

from scrubjay.core.capture.digest import MAX_CHIP_CHARS, MAX_CHIPS, MAX_COUNT, MAX_LINES, MAX_TEXT_CHARS, digest
from scrubjay.core.envelope import encode_json


def attribute(value):
    return {"value": value, "type": "string"}


def test_a_log_line_has_chips_and_its_template():
    attributes = {
        "sku": attribute("AMB-100"),
        "plain": True,
        "nested": attribute({"a": 1}),
        "nothing": attribute(None),
        "sentry.sdk.name": attribute("sentry.go"),
        "server.address": attribute("web-1"),
        "sentry.message.template": attribute("stock of %s low"),
        "sentry.message.parameter.0": attribute("AMB-100"),
    }
    assert digest("log", {"attributes": attributes}) == {
        "attributes": {"sku": "AMB-100", "plain": True, "nested": "…", "nothing": None},
        "template": "stock of %s low",
        "parameters": {"0": "AMB-100"},
    }


def test_chips_are_few_and_short():
    attributes = {f"n{number}": "x" * 1000 for number in range(100)}
    shown = digest("log", {"attributes": attributes})["attributes"]
    assert len(shown) == MAX_CHIPS
    assert shown["n0"] == "x" * MAX_CHIP_CHARS + "…"


def test_feedback_of_both_forms():
    given = {
        "message": "y" * 3000,
        "name": "Jo",
        "contact_email": "[email]",
        "url": "https://x",
        "associated_event_id": "e",
    }
    assert digest("feedback", {"contexts": {"feedback": given}}) == {
        "message": "y" * MAX_TEXT_CHARS + "…",
        "name": "Jo",
        "email": "[email]",
        "url": "https://x",
        "associated_event_id": "e",
    }
    old = {"comments": "broken", "name": "Jo", "email": "[email]", "event_id": "e"}
    assert digest("user_report", old) == {
        "message": "broken",
        "name": "Jo",
        "email": "[email]",
        "associated_event_id": "e",
    }


def test_a_check_in():
    config = {"schedule": {"type": "interval", "value": 5, "unit": "minute"}, "timezone": "UTC"}
    check_in = {
        "monitor_slug": "nightly",
        "status": "ok",
        "check_in_id": "c",
        "duration": 1.5,
        "monitor_config": config,
    }
    assert digest("check_in", check_in) == {
        "slug": "nightly",
        "status": "ok",
        "check_in_id": "c",
        "duration_s": 1.5,
        "schedule": "interval 5 minute",
        "timezone": "UTC",
    }


def test_a_session_and_its_sums():
    update = {
        "sid": "s",
        "status": "crashed",
        "init": True,
        "errors": 2,
        "duration": 3,
        "started": "2027",
        "attrs": {"release": "r", "environment": "e"},
    }
    assert digest("session", update) == {
        "sid": "s", "status": "crashed", "init": True, "errors": 2, "duration_s": 3, "started": "2027", "release": "r", "environment": "e",
    }  # fmt: skip
    groups = [{"started": "2", "exited": 2, "crashed": 1}, {"started": "1", "exited": 10**18, "errored": True}, 3]
    assert digest("sessions", {"aggregates": groups, "attrs": {"release": "r"}}) == {
        "groups": 2,
        "counts": {"exited": MAX_COUNT, "crashed": 1},
        "started": "1",
        "release": "r",
    }


def test_what_an_sdk_dropped():
    lines = [{"reason": "before_send", "category": "error", "quantity": 2}, "odd", {"quantity": "3"}]
    assert digest("client_report", {"discarded_events": lines}) == {
        "discarded": [
            {"reason": "before_send", "category": "error", "quantity": 2},
            {"reason": "", "category": "", "quantity": None},
        ]
    }


def test_metrics():
    one = {
        "name": "orders",
        "type": "counter",
        "value": 1,
        "unit": "",
        "attributes": {"lane": attribute("x"), "sentry.release": attribute("r")},
    }
    told = digest("trace_metric", {"items": [one] * (MAX_LINES + 2)})
    assert told["metrics"][0] == {
        "name": "orders",
        "type": "counter",
        "value": 1,
        "unit": "",
        "attributes": {"lane": "x"},
    }
    assert (len(told["metrics"]), told["omitted"]) == (MAX_LINES, 2)


def test_a_container_of_spans_names_its_traces():
    entries = [{"trace_id": "t"}, {"trace_id": "t"}, {"trace_id": "u"}, {"trace_id": 3}, None]
    assert digest("span", {"items": entries}) == {"spans": 4, "traces": ["t", "u"]}
    assert digest("span", {"trace_id": "t"}) == {}


def test_profiles_replays_and_security_reports():
    profile = {"profile": {"samples": [1, 2], "stacks": [1]}, "profiler_id": "p", "transaction": {"name": "/pay"}}
    assert digest("profile_chunk", profile) == {"samples": 2, "stacks": 1, "profiler_id": "p", "transaction": "/pay"}
    replay = {
        "replay_id": "r",
        "segment_id": 0,
        "replay_type": "session",
        "urls": ["https://x"],
        "error_ids": ["e"],
        "trace_ids": [],
    }
    assert digest("replay_event", replay) == {
        "replay_id": "r", "segment_id": 0, "replay_type": "session", "urls": ["https://x"], "errors": 1, "traces": 0,
    }  # fmt: skip
    assert digest("raw_security", {"csp-report": {"blocked-uri": "https://x", "document-uri": 3}}) == {
        "facts": {"blocked-uri": "https://x"}
    }
    assert digest("raw_security", {"hostname": "x"}) == {"facts": {"hostname": "x"}}


KINDS = ["log", "span", "feedback", "user_report", "check_in", "session", "sessions", "client_report", "trace_metric", "profile", "replay_event", "raw_security", "event"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "document", [None, [], "x", {}, {"attributes": 3, "aggregates": [None], "items": [[]], "profile": [], "urls": 3}]
)
def test_hostile_payloads_say_little(kind, document):
    assert len(encode_json(digest(kind, document))) < 150
