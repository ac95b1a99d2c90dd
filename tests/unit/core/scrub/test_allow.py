"""Allow-list mode: what is listed leaves, and nothing else (scrubbing.md 15.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.items import make_item

from scrubjay.core.scrub.allow import AllowList
from scrubjay.core.scrub.record import Count
from scrubjay.core.scrub.trace import Trace
from scrubjay.errors import ConfigError, Unscrubbable
from scrubjay.settings.scrub import Scrub
from support.allowing import GONE, allow_list, leaves


def filtered(length: int) -> dict[str, Any]:
    return {"": {"rem": [["@allow", "s", 0, 10]], "len": length}}


def reduce(selectors: list[str], document: Any, shape: str = "event") -> Any:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return json.loads(allow_list(*selectors).reduce(raw, shape))


def test_what_is_not_listed_goes_by_its_kind() -> None:
    """Texts are filtered, numbers and booleans become null, containers in which nothing is left go whole."""
    document = {
        "extra": {"order": "A-1", "name": "Rosa", "age": 41, "vip": True, "none": None, "more": {"a": ["b"]}, "no": {}}
    }
    assert reduce(["extra.order"], document) == {
        "extra": {"order": "A-1", "name": "[Filtered]", "age": None, "vip": None, "none": None, "more": None, "no": None},
        "_meta": {"extra": {"name": filtered(4), "age": GONE, "vip": GONE, "more": GONE, "no": GONE}},
    }  # fmt: skip


def test_class_is_ignored() -> None:
    document = {
        "transaction": "/u/rosa",
        "fingerprint": ["a"],
        "release": "1.0",
        "exception": {"values": [{"type": "E"}]},
    }
    reduced = reduce([], document)
    assert reduced == {
        "transaction": "[Filtered]", "fingerprint": None, "release": "[Filtered]", "exception": None,
        "_meta": {"transaction": filtered(7), "fingerprint": GONE, "release": filtered(3), "exception": GONE},
    }  # fmt: skip
    listed = ["transaction", "fingerprint.*", "release", "$error.type"]
    assert reduce(listed, document) == document


def test_what_the_protocol_needs_stays() -> None:
    document = {
        "event_id": "9ec79c33ec9942ab8353589fcb2e04dc",
        "timestamp": 1767323045.5,
        "start_timestamp": "2026-01-02T03:04:05Z",
        "platform": "python",
        "type": "transaction",
        "level": "error",
        "sdk": {"name": "sentry.python", "version": "2.0.0"},
        "contexts": {"trace": {"trace_id": "ab" * 16, "span_id": "cd" * 8, "type": "trace"}},
        "spans": [
            {"span_id": "ef" * 8, "trace_id": "ab" * 16, "timestamp": 2, "start_timestamp": "2026-01-02 03:04:05.1"}
        ],
    }
    assert reduce([], document) == document


def test_what_is_needed_is_a_word_and_no_sentence() -> None:
    """An id is a word: under the key of one, no address and no name leaves."""
    document = {
        "event_id": "rosa.klein@ferry-line.example",
        "platform": "Rosa Klein",
        "type": {"a": "b"},
        "level": ["x"],
    }
    assert reduce([], document) == {
        "event_id": "[Filtered]", "platform": "[Filtered]", "type": None, "level": None,
        "_meta": {"event_id": filtered(29), "platform": filtered(10), "type": GONE, "level": GONE},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("selector", "document", "kept"),
    [
        ("$frame.function", {"exception": {"values": [{"stacktrace": {"frames": [{"function": "f"}]}}]}}, ["f"]),
        ("$frame.lineno", {"exception": {"values": [{"stacktrace": {"frames": [{"lineno": 7, "vars": {"a": 1}}]}}]}}, [7]),
        ("contexts.os.*", {"contexts": {"os": {"name": "n", "build": "b", "type": "os"}}}, ["n", "b", "os"]),
        ("contexts.*.name", {"contexts": {"os": {"name": "n", "type": "os"}, "mine": {"name": "m", "type": "x"}}}, ["n", "os", "m"]),
        ("$user.id", {"user": {"id": 7, "email": "x"}}, [7]),
        ("tags.plan", {"tags": {"plan": "free", "who": "rosa"}}, ["plan", "free", "who"]),
        ("tags.plan", {"tags": [["plan", "free"], ["who", "rosa"]]}, ["plan", "free", "who"]),
        ("request.headers.accept", {"request": {"headers": {"accept": "a", "cookie": "c"}}}, ["Accept", "a", "Cookie"]),
        ("$http.query_string.page", {"request": {"query_string": "page=2&rosa@x.example"}}, ["page", "2"]),
        ("$http.query_string", {"request": {"query_string": "page=2&who=rosa"}}, ["page=2&who=rosa"]),
        ("$http.cookies.theme", {"request": {"cookies": "theme=dark; sid=1"}}, ["theme", "dark"]),
        ("$logentry.formatted", {"message": "hello"}, ["hello"]),
        ("$logentry.formatted", {"message": ["hello", 1]}, ['["hello",1]']),
        ("$message", {"logentry": {"message": "hello %s", "formatted": "hello you", "params": ["you"]}}, ["hello %s", "hello you"]),
        ("$error.type", {"exception": [{"type": "E", "value": "v"}]}, ["E"]),
        ("$error.type", {"exception": {"type": "E", "value": "v"}}, ["E"]),
        ("extra.pairs.b", {"extra": {"pairs": [["a", "1"], ["b", "2"]]}}, ["a", "b", "2"]),
        ("extra.list.1", {"extra": {"list": ["a", "b"]}}, ["b"]),
        ("extra.list.*.b", {"extra": {"list": [["a", 1], {"b": 2}]}}, [2]),
        ("extra.'1'", {"extra": ["a", "b"]}, ["b"]),
        ("$frame.vars.'0'", {"stacktrace": {"frames": [{"vars": [5, 6]}]}}, [5]),
        ("$string", {"extra": {"a": "t", "b": 1}}, ["t"]),
        ("$number", {"extra": {"a": "t", "b": 1, "c": True}}, [1]),
        ("$boolean", {"extra": {"b": 1, "c": True}}, [True]),
        ("extra.** && !secret", {"extra": {"a": {"b": "x"}, "secret": "y"}}, ["x"]),
        ("debug_meta.images.*.debug_id", {"debug_meta": {"images": [{"type": "elf", "debug_id": "d", "name": "n"}]}}, ["elf", "d"]),
        ("debug_meta.images.*.uuid", {"debug_meta": {"images": [{"type": "rosa", "uuid": "d"}]}}, ["d"]),
        ("breadcrumbs.values.*.category", {"breadcrumbs": [{"category": "c", "message": "m"}]}, ["c"]),
        ("$span.op", {"spans": [{"op": "db", "description": "d", "data": {"url.full": "u"}}]}, ["db"]),
        ("$span.data.'http.status'", {"spans": [{"data": {"http.status": 200, "b": "x"}}]}, [200]),
        ("spans.*.tags.a", {"spans": [{"tags": {"a": "x", "b": "y"}}]}, ["x"]),
        ("contexts.flags.values.*.flag", {"contexts": {"flags": {"values": [{"flag": "f", "result": True}]}}}, ["f"]),
        ("email", {"user": {"email": "e", "name": "n"}}, ["e"]),
    ],
)  # fmt: skip
def test_a_listed_leaf_stays(selector: str, document: dict[str, Any], kept: list[Any]) -> None:
    reduced = reduce([selector], document)
    reduced.pop("_meta", None)
    assert [leaf for leaf in leaves(reduced) if leaf != "[Filtered]"] == kept


def test_a_word_of_a_basic_type_is_a_key() -> None:
    """In rules `email` alone means every text; here that would open everything."""
    assert reduce(["email"], {"extra": {"note": "x"}})["extra"] is None


def test_a_selector_must_match_the_leaf_itself() -> None:
    assert reduce(["extra"], {"extra": {"a": "x"}})["extra"] is None


def test_old_names_of_interfaces_are_read() -> None:
    document = {"sentry.interfaces.User": {"id": "7", "email": "x"}, "message": "old", "logentry": {"formatted": "new"}}
    reduced = reduce(["$user.id", "$message"], document)
    assert reduced.pop("_meta") == {"user": {"email": filtered(1)}}
    assert reduced == {"user": {"id": "7", "email": "[Filtered]"}, "logentry": {"formatted": "new"}}


def test_remarks_that_came_along_stay_if_their_rule_is_known() -> None:
    """Otherwise `_meta` would be a way around the list: original values, error texts, rules by any name."""
    meta = {
        "": {"rem": [["@ip", "s", 0, 3]], "err": ["invalid_data"]},
        "extra": {
            "a": {"": {"rem": [["mine", "s", 0, 1], ["rosa@x.example", "x"], ["@ip", "rosa"], "rosa", ["@ip", "x", "rosa", 1]],
                       "len": 3, "val": "rosa", "err": [["invalid_data", {"reason": "rosa"}]]}},
            "b": {"": {"len": "rosa", "rem": "rosa"}},
            "c": {"": {"len": 99, "rem": [["@email", "s", 0, 1]]}},
            "d": {"": {"rem": [["@password", "x"]], "val": "rosa"}},
            "e": {"": {"rem": [["@ip", "x"]]}},
            "gone": {"x": {"": {"rem": [["@ip", "x"]]}}},
            "f": "rosa",
        },
        "rosa": {"": {"rem": [["@ip", "x"]]}},
    }  # fmt: skip
    document = {"extra": {"a": "x", "b": "y", "c": "z", "d": None, "e": 5, "f": 1, "gone": {"x": 1}}, "_meta": meta}
    listed = AllowList(Scrub(allow=("extra.a", "extra.b")), ["mine"])
    once = listed.reduce(json.dumps(document).encode(), "event")
    assert json.loads(once)["_meta"] == {
        "": {"rem": [["@ip", "s", 0, 3]]},
        "extra": {
            "a": {"": {"rem": [["mine", "s", 0, 1]], "len": 3}},
            "c": {"": {"rem": [["@allow", "s", 0, 10]], "len": 99}},
            "d": {"": {"rem": [["@password", "x"]]}},
            "e": {"": {"rem": [["@ip", "x"], ["@allow", "x"]]}},
            "f": GONE,
            "gone": GONE,
        },
    }
    assert listed.reduce(once, "event") == once


@pytest.mark.parametrize("meta", [[], "x", None, 5])
def test_remarks_of_another_kind_are_none(meta: Any) -> None:
    assert reduce(["extra.a"], {"extra": {"a": 1}, "_meta": meta}) == {"extra": {"a": 1}}


def test_a_list_of_pairs_stays_a_list() -> None:
    """A server that takes tags apart without looking fails at null, and the event is lost."""
    once = {
        "tags": [],
        "request": {"headers": [], "method": "GET"},
        "_meta": {"tags": GONE, "request": {"headers": GONE}},
    }
    document = {"tags": {"a": "b"}, "request": {"headers": [["a", "b"]], "method": "GET"}}
    assert reduce(["$http.method"], document) == once
    assert reduce(["$http.method"], once) == once


def test_a_shadowed_value_does_not_leave() -> None:
    assert reduce(["extra.a"], b'{"extra":{"a":"rosa","a":"x"}}') == {"extra": {"a": "x"}}


def test_a_log_keeps_what_is_listed_of_each_record() -> None:
    records = [
        {
            "timestamp": 1.5, "trace_id": "ab" * 16, "level": "info", "body": "Rosa came",
            "attributes": {
                "plan": {"type": "string", "value": "free"},
                "who": {"type": "string", "value": "rosa"},
                "odd": {"type": "rosa", "value": "x", "unit": "rosa"},
                "list": {"type": "array", "value": ["a", "b"]},
                "bare": "x",
            },
        }
    ]  # fmt: skip
    document = {"items": records, "version": 2, "ingest_settings": {"infer_ip": "never"}, "note": "rosa"}
    listed = ["attributes.plan", "attributes.odd.value", "attributes.bare", "attributes.list.value.1"]
    reduced = reduce(listed, document, "log_container")
    assert reduced["version"] == 2
    assert reduced["ingest_settings"] == {"infer_ip": "never"}
    assert reduced["note"] == "[Filtered]"
    (record,) = reduced["items"]
    meta = record.pop("_meta")
    assert record == {
        "timestamp": 1.5, "trace_id": "ab" * 16, "level": "info", "body": "[Filtered]",
        "attributes": {
            "plan": {"type": "string", "value": "free"},
            "who": None,
            "odd": {"type": "[Filtered]", "value": "x", "unit": "[Filtered]"},
            "list": {"type": "array", "value": ["[Filtered]", "b"]},
            "bare": "x",
        },
    }  # fmt: skip
    assert meta == {
        "body": filtered(9),
        "attributes": {
            "who": GONE,
            "odd": {"type": filtered(4), "unit": filtered(4)},
            "list": {"value": {"0": filtered(1)}},
        },
    }


def test_records_have_their_types() -> None:
    span = {"span_id": "a1", "status": "ok", "name": "GET /u/rosa", "end_timestamp": 2, "is_segment": True}
    (record,) = reduce(["$span.name"], {"items": [span]}, "span_container")["items"]
    assert record == {**span, "is_segment": None, "_meta": {"is_segment": GONE}}
    metric = {"timestamp": 1, "type": "counter", "name": "clicks", "value": 3}
    (record,) = reduce(["$trace_metric.value"], {"items": [metric]}, "trace_metric_container")["items"]
    assert record == {**metric, "name": "[Filtered]", "_meta": {"name": filtered(6)}}
    assert reduce(["$log.body"], {"items": [{"body": "x"}]}, "log_container") == {"items": [{"body": "x"}]}
    assert reduce(["$span.op"], {"op": "db", "span_id": "a1"}, "span") == {"op": "db", "span_id": "a1"}


@pytest.mark.parametrize("document", [{}, {"items": {}}, {"items": ["rosa"]}])
def test_a_container_without_records_cannot_be_read(document: Any) -> None:
    with pytest.raises(Unscrubbable):
        reduce([], document, "log_container")


def test_sessions_keep_their_counts() -> None:
    session = {
        "sid": "ab-cd",
        "did": "rosa",
        "init": True,
        "status": "exited",
        "errors": 0,
        "attrs": {"release": "a@1", "ip": "x"},
    }
    assert reduce(["attrs.release"], session, "session") == {
        **session, "did": "[Filtered]", "attrs": {"release": "a@1", "ip": "[Filtered]"}
    }  # fmt: skip
    aggregates = {
        "aggregates": [{"started": "2026-01-02T03:04:00Z", "exited": 3, "did": "rosa"}],
        "attrs": {"release": "a@1"},
    }
    reduced = reduce([], aggregates, "session")
    assert reduced == {
        "aggregates": [{"started": "2026-01-02T03:04:00Z", "exited": 3, "did": "[Filtered]"}],
        "attrs": None,
    }


def test_replay_events() -> None:
    document = {
        "replay_id": "ab" * 16,
        "segment_id": 0,
        "urls": ["https://h/rosa"],
        "tags": {"a": "b"},
        "user": {"id": "7"},
    }
    assert reduce(["urls.*", "$user.id"], document, "replay_event") == {
        **document, "tags": [], "_meta": {"tags": GONE}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"event_id": "ab" * 16, "name": "Rosa", "n": 1}, {"event_id": "ab" * 16, "name": "[Filtered]", "n": None}),
        ([{"name": "clicks", "tags": {"a": "b"}}], [{"name": "clicks", "tags": None}]),
        ("rosa", "[Filtered]"),
        (5, None),
        (None, None),
    ],
)
def test_untyped_json_has_no_remarks(document: Any, expected: Any) -> None:
    assert reduce(["*.name"], document, "generic") == expected


def test_a_selector_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match=r"scrub\.allow\[1\].*column 3"):
        allow_list("a", "b.")


@pytest.mark.parametrize(
    ("item_type", "listed", "fate"),
    [
        ("event", "", "reduce"),
        ("log", "log", "reduce"),
        ("session", "", "reduce"),
        ("user_report", "", "reduce"),
        ("replay_event", "", "drop"),
        ("replay_event", "replay_event", "reduce"),
        ("attachment", "profile", "drop"),
        ("attachment", "attachment", "whole"),
        ("replay_recording", "", "drop"),
        ("replay_video", "replay_video", "whole"),
        ("profile", "", "drop"),
        ("profile_chunk", "profile_chunk", "whole"),
        ("something_new", "", "drop"),
        ("something_new", "something_new", "whole"),
        ("form_data", "", "drop"),
        ("client_report", "", "whole"),
    ],
)
def test_items_without_leaves_to_list_are_dropped_unless_named(item_type: str, listed: str, fate: str) -> None:
    options = Scrub(mode="allow", allow_items=(listed,) if listed else ())
    assert AllowList(options).fate(make_item(item_type)) == fate


def test_types_that_leave_whole_are_told() -> None:
    assert AllowList(Scrub(mode="allow", allow_items=("profile", "replay_event", "attachment"))).whole == (
        "attachment",
        "profile",
    )


def test_what_is_taken_is_counted_and_traced() -> None:
    trace = Trace()
    document = {
        "extra": {"a": "rosa", "n": 5, "keep": "x"},
        "tags": {"b": "klein"},
        "contexts": {"os": {"type": "os", "name": "n"}},
    }
    allow_list("keep", "contexts.os.name").reduce(json.dumps(document).encode(), "event", trace)
    assert trace.rules == {"@allow": Count(3, 10, 3, 2)}
    taken = {touch.path: (touch.before, touch.after) for touch in trace.touches}
    assert taken == {
        ("extra", "a"): (b"rosa", None),
        ("extra", "n"): (b"5", None),
        ("tags", "0", "1"): (b"klein", None),
    }
    trace = Trace()
    allow_list().reduce(b'{"items":[{"body":"a"},{"body":"b"}]}', "log_container", trace)
    assert [touch.path for touch in trace.touches] == [("items", "0", "body"), ("items", "1", "body")]
