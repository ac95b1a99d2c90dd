import pytest

from scrubjay.core.capture.spans import MAX_ATTRIBUTES, MAX_VALUE_CHARS, service_of, spans_of

NOW = 1_800_000_000.0


def spans(item_type, document):
    return list(spans_of(item_type, document, NOW))


def test_a_transaction_is_a_span_and_brings_its_own():
    root, child = spans(
        "transaction",
        {
            "transaction": "/checkout",
            "start_timestamp": NOW,
            "timestamp": NOW + 2,
            "sdk": {"name": "sentry.python.django"},
            "tags": [["area", "cart"], ["broken"]],
            "measurements": {"lcp": {"value": 120, "unit": "ms"}, "odd": 3},
            "contexts": {
                "trace": {
                    "trace_id": "t1",
                    "span_id": "a",
                    "parent_span_id": "up",
                    "op": "http.server",
                    "status": "ok",
                    "description": "GET /checkout",
                    "data": {"http.method": "GET"},
                    "links": [{"trace_id": "t0", "span_id": "z", "attributes": {"k": {"value": 1}}}, 7],
                }
            },
            "spans": [{"span_id": "b", "parent_span_id": "a", "op": "db", "description": "SELECT 1", "start_timestamp": NOW, "timestamp": NOW + 1, "tags": {"n": 1, "no": []}}, "odd"],
        },
    )  # fmt: skip
    assert (root.trace_id, root.span_id, root.parent_span_id, root.op, root.status) == (
        "t1",
        "a",
        "up",
        "http.server",
        "ok",
    )
    assert (root.name, root.description, root.is_transaction, root.service) == (
        "/checkout",
        "GET /checkout",
        True,
        "python.django",
    )
    assert root.attributes == {"http.method": "GET", "measurement.lcp": "120 ms", "measurement.odd": ""}
    assert root.tags == {"area": "cart"}
    assert root.links == [{"trace_id": "t0", "span_id": "z", "attributes": {"k": 1}}]
    assert (child.trace_id, child.name, child.op, child.service) == ("t1", "SELECT 1", "db", "python.django")
    assert (child.start_unix, child.end_unix, child.is_transaction, child.tags) == (NOW, NOW + 1, False, {"n": "1"})


def test_a_container_of_the_newer_form():
    attributes = {
        "sentry.op": {"value": "db.query", "type": "string"},
        "rows": {"value": 50, "type": "integer"},
        "sentry.sdk.name": {"value": "sentry.javascript.node"},
        "plain": "so",
    }
    entry = {
        "trace_id": "t",
        "span_id": "s",
        "name": "SELECT",
        "start_timestamp": NOW,
        "end_timestamp": NOW + 1,
        "is_segment": True,
        "attributes": attributes,
    }
    (span,) = spans("span", {"version": 2, "items": [entry, None]})
    assert (span.op, span.name, span.service, span.is_transaction) == ("db.query", "SELECT", "javascript.node", True)
    assert span.attributes["rows"] == 50
    assert span.attributes["plain"] == "so"
    assert span.end_unix == NOW + 1


def test_a_single_span_is_an_item_too():
    (span,) = spans("span", {"span_id": "s", "op": "cache", "timestamp": "2027-01-15T08:00:00Z"})
    assert (span.name, span.start_unix, span.end_unix) == ("cache", NOW, NOW)


def test_without_a_name_it_has_one_all_the_same():
    (span,) = spans("span", {"items": [{}]})
    assert (span.name, span.start_unix, span.end_unix, span.service) == ("unnamed span", NOW, NOW, "")
    (root,) = spans("transaction", {})
    assert (root.name, root.span_id, root.trace_id) == ("unnamed transaction", "", "")


def test_no_span_ends_before_it_starts():
    (span,) = spans("span", {"start_timestamp": NOW, "timestamp": NOW - 5})
    assert span.end_unix == span.start_unix == NOW


def test_attributes_are_bounded():
    data = {f"n{number}": "x" * (MAX_VALUE_CHARS + 1) for number in range(MAX_ATTRIBUTES + 1)}
    (span,) = spans("span", {"data": data})
    assert len(span.attributes) == MAX_ATTRIBUTES
    assert span.attributes["n0"] == "x" * MAX_VALUE_CHARS + "…"


@pytest.mark.parametrize("document", [None, [], "x", 3, {"items": 3}])
@pytest.mark.parametrize("item_type", ["span", "event"])
def test_anything_else_has_none(item_type, document):
    assert spans(item_type, document) == []


@pytest.mark.parametrize(
    ("part", "attributes", "service"),
    [
        ({"sdk": {"name": "sentry.go"}}, {"service.name": "shop"}, "shop"),
        ({"contexts": {"otel": {"resource": {"service.name": "mail"}}}}, {}, "mail"),
        ({"tags": {"service": "auth"}}, {}, "auth"),
        ({"tags": [["service", 3]], "sdk": {"name": "sentry.go"}}, {"service.name": 3}, "go"),
        ({}, {"sentry.sdk.name": "sentry.php"}, "php"),
        ({}, {}, ""),
    ],
)
def test_a_service_is_called_what_it_calls_itself(part, attributes, service):
    assert service_of(part, attributes) == service
