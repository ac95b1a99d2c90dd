from scrubjay.core.capture.spans import Span
from scrubjay.core.capture.tree import Place, laid_out

NOW = 1_800_000_000.0


def place(span_id, parent="", start_s=0.0, length_s=1.0, *, service="shop", transaction=False, **changes):
    fields = {
        "trace_id": "t", "span_id": span_id, "parent_span_id": parent, "op": "", "name": span_id, "description": "", "status": "",
        "start_unix": NOW + start_s, "end_unix": NOW + start_s + length_s, "is_transaction": transaction, "service": service,
        "attributes": {}, "tags": {}, "links": [],
    }  # fmt: skip
    return Place(Span(**(fields | changes)), f"record-{span_id}", "1")


def shape(rows):
    return [(row.span_id, row.depth) for row in rows]


def test_children_stand_under_their_parent_by_their_start():
    rows = laid_out([place("c", "a", 0.5), place("b", "a", 0.1), place("a"), place("d", "b", 0.2)])
    assert shape(rows) == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]
    assert [row.children for row in rows] == [2, 1, 0, 0]


def test_there_may_be_several_roots():
    assert shape(laid_out([place("b", start_s=2), place("a")])) == [("a", 0), ("b", 0)]


def test_orphans_share_a_row_for_the_parent_that_is_missing():
    rows = laid_out([place("a", start_s=1), place("b", "gone", 0.0), place("c", "gone", 3.0, 2.0)])
    assert shape(rows) == [("gone", 0), ("b", 1), ("c", 1), ("a", 0)]
    document = rows[0].document(NOW)
    assert document["missing_parent"] is True
    assert (document["offset_ms"], document["duration_ms"], document["children"]) == (0, 5000, 2)
    assert "record_id" not in document


def test_a_loop_is_opened_and_every_span_stands_once():
    rows = laid_out([place("a", "b"), place("b", "a", 1), place("self", "self", 2)])
    assert shape(rows) == [("a", 0), ("b", 1), ("self", 0)]


def test_spans_without_an_id_are_kept_and_have_no_children():
    rows = laid_out([place("", "a"), place(""), place("a", start_s=1)])
    assert shape(rows) == [("", 0), ("a", 0), ("", 1)]


def test_a_chain_of_thousands():
    rows = laid_out([place(str(number), str(number - 1) if number else "") for number in range(5000)])
    assert rows[-1].depth == 4999


def test_self_time_is_what_no_child_covers():
    rows = laid_out(
        [place("a", length_s=10), place("b", "a", 1, 3), place("c", "a", 2, 4), place("d", "a", 2, 1), place("e", "a", 9, 5)]
    )  # fmt: skip
    assert rows[0].self_ms == 4000  # 10 s, less 1-6 and 9-10
    assert rows[1].self_ms == 3000


def test_clocks_that_disagree_are_told():
    rows = laid_out(
        [
            place("a"),
            place("b", "a", -0.25, service="cart"),
            place("c", "a", -0.5),
            place("d", "a", -0.0001, service="cart"),
        ]
    )
    told = {row.span_id: row.document(NOW).get("skew_ms") for row in rows}
    assert told == {"a": None, "b": 250.0, "c": None, "d": None}


def test_a_row_as_the_api_shows_it():
    (row,) = laid_out([place("a", "", 0.5, 0.25, op="db", status="ok", transaction=True, attributes={"rows": 3})])
    assert row.document(NOW) == {
        "span_id": "a",
        "depth": 0,
        "children": 0,
        "start": "2027-01-15T08:00:00.500Z",
        "end": "2027-01-15T08:00:00.750Z",
        "offset_ms": 500.0,
        "duration_ms": 250.0,
        "name": "a",
        "self_ms": 250.0,
        "project": "1",
        "record_id": "record-a",
        "op": "db",
        "status": "ok",
        "service": "shop",
        "attributes": {"rows": 3},
        "is_transaction": True,
    }
