"""A trace as a test reads it."""

import pytest

from scrubjay.testing import Trace

DOCUMENT = {
    "trace_id": "t",
    "duration_ms": 12,
    "services": ["shop"],
    "spans": [
        {"span_id": "1", "op": "http.server", "name": "/pay", "duration_ms": 12, "is_transaction": True},
        {"span_id": "2", "parent_span_id": "1", "depth": 1, "op": "db", "description": "SELECT 1", "duration_ms": 2.5},
        {
            "span_id": "3",
            "parent_span_id": "1",
            "depth": 1,
            "op": "db",
            "description": "SELECT 2",
            "missing_parent": True,
        },
    ],
    "errors": [{"title": "boom"}],
}


def test_spans_are_found_by_what_they_do():
    trace = Trace.of(DOCUMENT)
    assert (trace.span(op="http.server").description, trace.span(description="SELECT 2").missing_parent) == (
        "/pay",
        True,
    )
    assert (trace.services, trace.errors, trace.logs) == (("shop",), ({"title": "boom"},), ())
    assert str(trace).splitlines()[2] == "  db  SELECT 1  2.5 ms"


@pytest.mark.parametrize(
    ("wanted", "said"), [({"op": "db"}, "2 spans with op='db', not one"), ({}, "3 spans with anything")]
)
def test_none_or_several_are_shown_in_the_tree(wanted, said):
    with pytest.raises(AssertionError, match=rf"{said}(?s:.*)trace t\nhttp.server"):
        Trace.of(DOCUMENT).span(**wanted)
