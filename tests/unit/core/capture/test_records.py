import pytest

from scrubjay.core.capture.facts import Facts
from scrubjay.core.capture.item import CapturedItem, Fate
from scrubjay.core.capture.records import RECORD_TYPES, document_of, records_of
from scrubjay.core.envelope import encode_json

NOW = 1_800_000_000.0
ID = "01a20300-ae0d-7136-a7a0-e0b9d0a99721"
FACTS = Facts(ID, NOW, "1", "k" * 32, {})


def item(item_type, payload, **headers):
    body = payload if isinstance(payload, bytes) else encode_json(payload)
    return CapturedItem(item_type, headers, body)


def summary(item_type, payload, facts=FACTS, **headers):
    (record,) = records_of(facts, (item(item_type, payload, **headers),))
    return record.summary


def test_the_record_of_an_event():
    payload = {
        "event_id": "e" * 32,
        "timestamp": "2027-01-15T07:59:59Z",
        "platform": "python",
        "environment": "dev",
        "release": "1.2.0",
        "transaction": "/checkout",
        "exception": {"values": [{"type": "ValueError", "value": "bad\nworse"}]},
        "contexts": {"trace": {"trace_id": "t" * 32, "span_id": "s" * 16}},
        "sdk": {"name": "sentry.python", "version": "2.30.0"},
        "user": {"id": "7", "geo": {"city": "x"}},
        "tags": [["area", "cart"], ["n", 5], ["bad", None]],
        "_meta": {"user": {"id": {"": {"rem": [["@email:replace", "s", 0, 1], ["@ip", "x"], ["@ip", "x"]]}}}},
    }
    assert summary("event", payload) == {
        "id": f"{ID}-0",
        "item_index": 0,
        "capture_id": ID,
        "type": "error",
        "item_type": "event",
        "received_at": "2027-01-15T08:00:00.000Z",
        "timestamp": "2027-01-15T07:59:59.000Z",
        "project": "1",
        "public_key": "k" * 32,
        "title": "ValueError: bad",
        "bytes": len(encode_json(payload)),
        "outcome": "accepted",
        "via": "dsn",
        "source": "server",
        "event_id": "e" * 32,
        "level": "error",
        "platform": "python",
        "environment": "dev",
        "release": "1.2.0",
        "trace_id": "t" * 32,
        "span_id": "s" * 16,
        "transaction": "/checkout",
        "sdk": "sentry.python/2.30.0",
        "user": {"id": "7"},
        "tags": {"area": "cart", "n": "5"},
        "scrub": {"changes": 3, "rules": ["@email:replace", "@ip"]},
    }


def test_what_is_absent_is_left_out_and_a_guessed_time_is_marked():
    record = summary("event", {})
    assert record["timestamp"] == record["received_at"]
    assert record["timestamp_guessed"] is True
    assert record["level"] == "error"
    assert not {"event_id", "user", "tags", "scrub", "culprit", "release", "attachments"} & record.keys()


@pytest.mark.parametrize(
    ("item_type", "record_type"),
    [
        ("event", "error"),
        ("transaction", "transaction"),
        ("user_report", "feedback"),
        ("sessions", "release_health"),
        ("replay_video", "replay"),
        ("profile_chunk", "profile"),
        ("statsd", "metric"),
        ("raw_security", "security"),
        ("from_the_future", "other"),
    ],
)
def test_types(item_type, record_type):
    assert summary(item_type, {})["type"] == record_type
    assert record_type in RECORD_TYPES


def test_a_log_container_is_one_record_per_entry():
    entries = [
        {"body": "one", "level": "info", "trace_id": "t", "attributes": {
            "sentry.environment": {"value": "dev"}, "sentry.release": {"value": "r1"},
            "sentry.sdk.name": {"value": "sentry.python"}, "sentry.sdk.version": {"value": "2"}}},
        {"body": "two", "attributes": {"sentry.sdk.name": {"value": "sentry.go"}}},
        "odd",
    ]  # fmt: skip
    log = item("log", {"items": entries})
    one, two = records_of(FACTS, (log,))
    assert (one.id, two.id) == (f"{ID}-0.0", f"{ID}-0.1")
    assert (one.summary["title"], one.summary["level"], one.summary["trace_id"]) == ("one", "info", "t")
    assert (one.summary["environment"], one.summary["release"], one.summary["sdk"]) == ("dev", "r1", "sentry.python/2")
    assert two.summary["sdk"] == "sentry.go"
    assert document_of(log, one.part) == entries[0]
    assert document_of(log, two.part) == entries[1]


def test_other_items_show_their_whole_document():
    assert document_of(item("event", {"a": 1}), -1) == {"a": 1}
    assert document_of(item("log", {"items": []}), -1) == {"items": []}
    assert document_of(item("log", {"items": []}), 3) is None


def test_attachments_are_counted_at_their_event_and_listed_themselves():
    event, attachment = records_of(
        FACTS, (item("event", {}), item("attachment", b'{"message":"inside"}', filename="a.json"))
    )
    assert event.summary["attachments"] == 1
    assert attachment.summary["title"] == "a.json"
    assert attachment.id == f"{ID}-1"
    assert "attachments" not in attachment.summary


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{", b"5", b"[1]", b'"x"', b"null"])
def test_a_payload_that_is_no_object_is_a_record_all_the_same(payload):
    assert summary("event", payload)["title"] == "event"


def test_an_omitted_payload_is_a_record_all_the_same():
    omitted = CapturedItem("event", {}, None, size_bytes=9)
    (record,) = records_of(FACTS, (omitted,))
    assert record.summary["bytes"] == 9
    assert document_of(omitted, record.part) is None


def test_envelope_headers_fill_in():
    headers = {"event_id": "e", "trace": {"environment": "prod", "release": "r2"}, "sdk": {"name": "sentry.ruby"}}
    record = summary("client_report", {}, Facts(ID, NOW, "1", "k", headers))
    assert (record["event_id"], record["environment"], record["release"], record["sdk"]) == (
        "e",
        "prod",
        "r2",
        "sentry.ruby",
    )


def test_a_value_is_what_the_summary_has():
    (record,) = records_of(FACTS, (item("event", {"event_id": "e" * 32, "logger": "app", "user": {"id": "7"}}),))
    shown = record.summary
    for name in (
        "id",
        "type",
        "event_id",
        "logger",
        "user",
        "received_at",
        "timestamp",
        "project",
        "public_key",
        "via",
    ):
        assert record.value(name) == shown[name], name
    assert record.value("capture_id") == ID
    assert record.value("bytes") == shown["bytes"]
    assert record.value("outcome") == "accepted"
    assert (record.value("outcome_reason"), record.value("tags"), record.value("no_such_name")) == (None, None, None)
    (timed,) = records_of(FACTS, (item("event", {"timestamp": NOW - 1}),))
    assert timed.value("timestamp") == "2027-01-15T07:59:59.000Z"
    assert repr(record) == f"<Record {ID}-0 error>"


def test_a_record_says_what_became_of_its_item():
    fate = Fate("filtered", "localhost", "filter", "localhost", "from this machine")
    (record,) = records_of(FACTS, (CapturedItem("event", {"type": "event"}, b"{}", fate=fate),))
    assert record.summary["outcome"] == "filtered"
    assert record.summary["outcome_reason"] == "localhost"
    assert record.summary["outcome_detail"] == "from this machine"


def test_what_is_no_envelope_is_titled_by_its_error():
    fate = Fate("invalid", "invalid_envelope", "receive", "", "a header is no JSON")
    (record,) = records_of(FACTS, (CapturedItem("unparsable", {}, b"text", fate=fate),))
    assert (record.type, record.title) == ("unparsable", "a header is no JSON")


def test_remarks_that_came_along_are_not_our_work():
    payload = encode_json({"_meta": {"extra": {"": {"rem": [["!limit", "s"]]}}}})
    came, ours = CapturedItem("event", {}, payload, is_touched=False), CapturedItem("event", {}, payload)
    assert [record.changes for record in records_of(FACTS, (came, ours))] == [0, 1]


def test_what_looking_closer_found_takes_the_place_of_what_was_known():
    (record,) = records_of(FACTS, (item("event", {}),))
    record.scrubbed(2, ["@email"], 1)
    assert record.summary["scrub"] == {"changes": 2, "rules": ["@email"], "suspects": 1}


def test_a_container_of_spans_is_of_the_trace_of_its_first():
    spans = [
        {"name": "job", "trace_id": "t" * 32, "span_id": "s" * 16, "end_timestamp": 1_800_000_000.5},
        {"name": "db"},
    ]
    told = summary("span", {"version": 2, "items": spans})
    assert (told["trace_id"], told["span_id"]) == ("t" * 32, "s" * 16)
    assert told["timestamp"] == "2027-01-15T08:00:00.500Z"
    assert "trace_id" not in summary("span", {"version": 2, "items": ["?"]})
