"""What a model gets to read: within bounds, on its lines, and without the names of what was scrubbed."""

from __future__ import annotations

import pytest

from scrubjay.core.capture.item import Fate
from scrubjay.core.capture.mcp import texts
from scrubjay.core.capture.report import Report
from scrubjay.core.capture.traces import Traces
from support.founds import NOW, Shelf, event, record

TRACE = "abcdef0123456789abcdef0123456789"


def test_an_answer_has_room_for_so_much() -> None:
    told = texts.result(["a" * 30_000, "b" * 20_000, "c" * 20_000, "d"])
    blocks = [block["text"] for block in told["content"]]  # type: ignore[attr-defined]
    assert blocks[0].startswith("a" * texts.MAX_BLOCK)
    assert blocks[0].endswith("10000 characters more")
    assert blocks[1] == "b" * 20_000
    assert blocks[2:] == ["2 more are left out: the answer would be too long. Ask for fewer."]
    assert sum(map(len, blocks)) < texts.MAX_ANSWER + 200
    assert "isError" not in told


def test_an_error_says_so() -> None:
    assert texts.result(["no"], is_error=True) == {"content": [{"type": "text", "text": "no"}], "isError": True}


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ((0, 0, 0), "No errors match."),
        ((0, 5, 3), "There are only 3 errors."),
        ((2, 0, 2), "1 to 2 of 2 errors, newest first."),
        ((2, 4, 9), "5 to 6 of 9 errors, newest first; the next by offset 6."),
    ],
)
def test_a_page_says_which_it_is(numbers: tuple[int, int, int], says: str) -> None:
    assert texts.page("errors", *numbers) == says


def test_an_error_has_its_trace_and_its_id() -> None:
    found = event(exception={"values": [{"type": "ValueError", "value": "no"}]}, extra={"left": 1})
    assert "ValueError: no" in texts.error(found)
    assert f"- **Record:** `{found.id}`" in texts.error(found)
    said, payload = texts.event(found)
    assert said == texts.error(found)
    assert '"left": 1' in payload


def test_other_records_have_their_payload_in_what_they_say() -> None:
    (said,) = texts.event(record("check_in", {"monitor_slug": "nightly", "status": "ok"}))
    assert '"monitor_slug": "nightly"' in said


def test_a_line_of_a_log_stays_on_its_line() -> None:
    attributes = {"user": {"value": "a\nb\x1b[2J"}, "n": {"value": 5}}
    (found,) = Shelf().offer(
        (
            "log",
            {
                "items": [
                    {"body": "x\ny", "level": "warn", "timestamp": NOW, "trace_id": TRACE, "attributes": attributes}
                ]
            },
        )
    )
    first, *rest = texts.log(found).split("\n")
    assert first == "2027-01-15T08:00:00.000Z warn x y"
    assert rest == ["  user = a b\N{REPLACEMENT CHARACTER}[2J", "  n = 5", f"  trace {TRACE}", f"  record {found.id}"]
    (bare,) = Shelf().offer(("log", {"items": [{"body": "z"}]}))
    assert texts.log(bare).startswith("2027-01-15T08:00:00.000Z info z")


def test_a_row_tells_what_became_of_it() -> None:
    found = event(message="m" * 300, environment="prod")
    assert texts.row(found).startswith("- 2027-01-15T08:00:00.000Z, error, error, prod, mmm")
    dropped = record("event", {"message": "m"}, fate=Fate("filtered", "browser-extensions"))
    assert "filtered browser-extensions" in texts.row(dropped)


def transaction(**more: object) -> dict[str, object]:
    context = {"trace_id": TRACE, "span_id": "a" * 16, "op": "http.server", "status": "internal_error"}
    span = {"span_id": "b" * 16, "parent_span_id": "a" * 16, "op": "db", "description": "SELECT 1", "start_timestamp": NOW, "timestamp": NOW + 1}  # fmt: skip
    times = {"start_timestamp": NOW, "timestamp": NOW + 1}
    return {"transaction": "/pay", "contexts": {"trace": context}, "spans": [span]} | times | more


def traced() -> Shelf:
    shelf = Shelf()
    shelf.offer(("transaction", transaction()))
    shelf.event(message="failed", contexts={"trace": {"trace_id": TRACE, "span_id": "b" * 16}})
    return shelf


def test_a_trace_in_the_list() -> None:
    (told,) = Traces().rows(traced().founds)
    assert texts.trace_row(told).startswith(
        f"- {TRACE}: /pay (http.server), 1000.0 ms, 2 spans, 1 errors, 0 logs, internal_error, 2027"
    )
    shelf = Shelf()
    shelf.event(message="alone", contexts={"trace": {"trace_id": TRACE}})
    (told,) = Traces().rows(shelf.founds)
    assert texts.trace_row(told).startswith(f"- {TRACE}: (no span of it), 0 spans, 1 errors")


def test_a_trace_is_an_outline() -> None:
    shelf = traced()
    told = Traces().one(shelf.founds, TRACE)
    assert told is not None
    lines = texts.trace(told).split("\n")
    assert lines[0] == f"Trace {TRACE}, 1000.0 ms, 2 spans"
    assert lines[2] == "- /pay, http.server, 1000.0 ms, from 0.0 ms, internal_error"
    assert lines[3].startswith("  - ")
    assert "SELECT 1" in lines[3]
    assert lines[5:] == ["Errors: 1", f"- failed; record {shelf.founds[0].id}"]


def test_a_long_trace_is_cut() -> None:
    span = {"name": "x", "description": "y", "depth": 0, "duration_ms": 1, "offset_ms": 0}
    said = texts.trace({"trace_id": TRACE, "spans": [span] * 450, "spans_omitted": 7})
    assert said.endswith("… 57 spans more")
    assert "- x: y, 1 ms" in said


def test_a_report_has_places_rules_and_actions() -> None:
    found = event(extra={"card": None, "_": 1}, _meta={"extra": {"gone": {"": {"rem": [["@x", "x"]]}}}})
    changes = [
        {"path": "/extra/card", "rule": "@creditcard:mask", "action": "masked", "before": "4111 1111"},
        {"path": "/extra/gone/5", "rule": "@x", "action": "removed"},
        {"path": "/extra/jane@example.com/phone", "rule": "@email", "action": "replaced"},
        {"path": "/@header/trace/user_id", "rule": "@id", "action": "removed"},
        {"path": "/@attachment/jane.txt@12", "rule": "@email", "action": "masked"},
        {"path": "", "rule": "too_large", "action": "item_dropped"},
    ]
    suspects = [{"path": "/extra/_", "detector": "phone", "excerpt": "+4…9"}]
    said = texts.report(found, changes, suspects, Report("full", reason="there are more than are listed"))
    assert said.split("\n") == [
        "6 changes, 1 places that still look personal.",
        "",
        "- /extra/card: masked by @creditcard:mask",
        "- /extra/gone/*: removed by @x",
        "- /extra/*/*: replaced by @email",
        "- /@header/*/*: removed by @id",
        "- /@attachment@12: masked by @email",
        "- the whole: item_dropped by too_large",
        "- /extra/_: still looks like phone",
        "Note: there are more than are listed",
    ]


def test_a_long_report_is_cut() -> None:
    change = {"path": "/message", "rule": "@ip", "action": "replaced"}
    said = texts.report(event(message="m"), [change] * 205, [], Report("none"))
    assert said.endswith("… 5 more")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("/a/1/b", "/a/1/b"), ("/a/2", "/a/*"), ("/a/x", "/a/*"), ("/c~1d/e", "/c~1d/*"), ("/a/1/b/c", "/a/1/b/*")],
)
def test_steps_that_are_gone_are_hidden(path: str, wanted: str) -> None:
    assert texts.shown_path(path, [{"a": [0, {"b": 1}], "c/d": {}}]) == wanted
