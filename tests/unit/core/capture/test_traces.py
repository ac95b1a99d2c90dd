from types import SimpleNamespace

import pytest

from scrubjay.core.capture import traces as module
from scrubjay.core.capture.traces import Traces

NOW = 1_800_000_000.0
TRACE = "abcdef0123456789abcdef0123456789"
OTHER = "abcdef01ffffffffffffffffffffffff"


class Found(SimpleNamespace):
    """As the store's: the newest come first."""

    def document(self):
        self.decoded += 1
        return self.content


def found(number, item_type, content, *, kind=None, trace_id=None, project="1", **fate):
    values = {"type": kind or item_type, "trace_id": trace_id, "project": project, "outcome": "accepted"} | fate
    return Found(
        record=SimpleNamespace(id=f"r{number}", value=values.get, summary={"id": f"r{number}", "type": values["type"]}),
        item=SimpleNamespace(type=item_type),
        captured=SimpleNamespace(facts=SimpleNamespace(received_unix=NOW + number)),
        content=content,
        decoded=0,
    )


def transaction(number, trace_id=TRACE, span_id="a", *, parent="", spans=(), project="1", **changes):
    context = {"trace_id": trace_id, "span_id": span_id, "op": "http.server", "status": "ok"} | (
        {"parent_span_id": parent} if parent else {}
    )
    event = {
        "transaction": "/pay",
        "start_timestamp": NOW,
        "timestamp": NOW + 1,
        "sdk": {"name": "sentry.python"},
        "contexts": {"trace": context},
        "spans": list(spans),
    }
    return found(number, "transaction", event | changes, trace_id=trace_id, project=project)


def container(number, *spans):
    return found(number, "span", {"items": list(spans)}, trace_id=spans[0]["trace_id"])


def span(span_id, trace_id=TRACE, parent="a", start_s=0.1):
    return {"trace_id": trace_id, "span_id": span_id, "parent_span_id": parent, "name": span_id, "start_timestamp": NOW + start_s, "end_timestamp": NOW + 3}  # fmt: skip


def error(number, trace_id=TRACE):
    return found(number, "event", {}, kind="error", trace_id=trace_id)


def log(number, trace_id=TRACE):
    return found(number, "log", {}, kind="log", trace_id=trace_id)


def test_a_trace_in_the_list():
    (row,) = Traces().rows(
        [log(5), error(4), container(3, span("b"), span("c")), transaction(2), error(1, trace_id=None)]
    )
    assert row == {
        "trace_id": TRACE,
        "received_at": "2027-01-15T08:00:05.000Z",
        "projects": ["1"],
        "spans": 3,
        "errors": 1,
        "logs": 1,
        "services": ["python"],
        "name": "/pay",
        "op": "http.server",
        "status": "ok",
        "root_missing": False,
        "record_id": "r2",
        "start": "2027-01-15T08:00:00.000Z",
        "end": "2027-01-15T08:00:03.000Z",
        "duration_ms": 3000.0,
    }


def test_the_root_is_the_span_without_a_parent_whoever_sent_it():
    rows = Traces().rows(
        [transaction(1, span_id="b", parent="a", transaction="behind"), transaction(2, transaction="page", project="2")]
    )
    assert [(row["name"], row["projects"], row["root_missing"]) for row in rows] == [("page", ["1", "2"], False)]
    (row,) = Traces().rows([transaction(1, parent="gone")])
    assert row["root_missing"] is True


def test_what_is_sent_twice_counts_once():
    (row,) = Traces().rows([transaction(2), transaction(1)])
    assert row["spans"] == 1


def test_a_container_may_hold_spans_of_several_traces():
    rows = Traces().rows([container(1, span("b"), span("c", OTHER), span("d", ""))])
    assert [(row["trace_id"], row["spans"]) for row in rows] == [(TRACE, 1), (OTHER, 1)]


def test_of_a_trace_whose_root_was_dropped_the_list_says_why():
    dropped = transaction(1)
    dropped.record = found(1, "transaction", {}, trace_id=TRACE, outcome="sampled", outcome_reason="trace:1").record
    (row,) = Traces().rows([dropped, container(2, span("b"))])
    assert (row["outcome"], row["outcome_reason"]) == ("sampled", "trace:1")
    (row,) = Traces().rows([transaction(1)])
    assert "outcome" not in row


def test_errors_and_logs_alone_are_a_trace_without_a_name():
    (row,) = Traces().rows([error(1)])
    assert (row["errors"], row["spans"], row.get("name")) == (1, 0, None)


def test_only_traces_with_a_record_that_is_asked_for():
    everything = [transaction(2, OTHER), transaction(1)]
    assert [row["trace_id"] for row in Traces().rows(everything, {"r1"})] == [TRACE]


def test_the_list_reads_each_payload_once():
    traces, one, empty = Traces(), transaction(1), found(2, "span", {"items": []})
    for _ in range(3):
        traces.rows([empty, one])
    assert (one.decoded, empty.decoded) == (1, 3)  # nothing is kept of what has no spans
    traces.rows([])
    traces.rows([one])
    assert one.decoded == 2  # what is gone from the store is forgotten


@pytest.mark.parametrize(
    ("prefix", "ids"),
    [
        ("abcdef01", [TRACE, OTHER]),
        ("ABCDEF01-2345", [TRACE]),
        (TRACE, [TRACE]),
        ("abcdef0", []),
        ("ffffffff", []),
        ("odd", ["odd"]),
    ],
)
def test_ids_by_their_beginning_or_whole(prefix, ids):
    assert Traces().ids([transaction(3), transaction(2, OTHER), transaction(1, "odd")], prefix) == ids


def test_one_trace_whole():
    records = [
        log(9),
        log(8),
        error(7),
        log(6, OTHER),
        container(3, span("b"), span("x", OTHER)),
        transaction(2, spans=[span("b")]),
        transaction(1),
    ]
    traces = Traces()
    traces.rows(records)
    told = traces.one(records, TRACE)
    assert [(row["span_id"], row["depth"]) for row in told["spans"]] == [("a", 0), ("b", 1)]
    assert [one["id"] for one in told["errors"]] == ["r7"]
    assert [one["id"] for one in told["logs"]] == ["r8", "r9"]
    assert (told["duration_ms"], told["services"], told["start"]) == (3000.0, ["python"], "2027-01-15T08:00:00.000Z")
    assert "spans_omitted" not in told


def test_the_transaction_says_more_than_the_span_of_the_same_id():
    records = [container(2, span("a", parent="")), transaction(1)]
    (row,) = Traces().one(records, TRACE)["spans"]
    assert (row["name"], row["record_id"]) == ("/pay", "r1")


def test_spans_without_ids_are_shown():
    nameless = {"trace_id": TRACE, "name": "lost", "start_timestamp": NOW}
    told = Traces().one([container(1, nameless, nameless)], TRACE)
    assert [row["name"] for row in told["spans"]] == ["lost", "lost"]


def test_errors_alone_have_no_spans_to_draw():
    told = Traces().one([error(1)], TRACE)
    assert (told["spans"], "start" in told) == ([], False)


def test_nothing_of_it_is_kept():
    assert Traces().one([transaction(1, OTHER), error(2, OTHER)], TRACE) is None


def test_capture_12_five_thousand_spans_are_shown_and_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr(module, "MAX_RIDERS", 2)
    spans = [span(f"s{number}", start_s=number / 1e4) for number in range(module.MAX_SPANS + 9)]
    told = Traces().one([error(1), error(2), error(3), container(4, *spans), transaction(5)], TRACE)
    assert len(told["spans"]) == module.MAX_SPANS
    assert told["spans_omitted"] == 10
    assert [one["id"] for one in told["errors"]] == ["r2", "r1"]


@pytest.mark.parametrize("content", [None, [], {"spans": {}}, {"contexts": {"trace": 3}}])
def test_hostile_payloads_are_no_traces(content):
    traces = Traces()
    assert traces.rows([found(1, "transaction", content)]) == []
    assert traces.one([found(1, "transaction", content)], TRACE) is None
