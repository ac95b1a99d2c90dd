"""A trace keeps each change with the values between (scrubbing-15.2), and counts as a record does."""

from __future__ import annotations

import dataclasses

import pytest
from tests.support.scrubbing import default_program

from scrubjay.core.scrub.record import Count, Record
from scrubjay.core.scrub.redact import Remark, Text
from scrubjay.core.scrub.rule_spec import read_config
from scrubjay.core.scrub.rules import DryRule, Rule, RuleSet
from scrubjay.core.scrub.screen import EVERY, ScreenBuilder
from scrubjay.core.scrub.trace import Touch, Trace

KEYS = {"rules": {"k": {"type": "redact_pair", "keyPattern": "pin", "redaction": {"method": "replace", "text": "-"}}}}


def rules(*ids: str) -> tuple[Rule, ...]:
    made = RuleSet(read_config(KEYS).rules, ScreenBuilder(), closed=frozenset())
    return tuple(made.resolve([rule_id], "test")[0] for rule_id in ids)


def run(trace: Record, text: Text, *ids: str, verdict: int = 0) -> None:
    for rule in rules(*ids):
        if trace.apply(rule, text, verdict, EVERY, ("extra", "x")):
            return


def brief(touch: Touch) -> tuple[object, ...]:
    after = None if touch.after is None else touch.after.decode()
    return (touch.rule.id, touch.detector, touch.by_key, touch.before.decode(), after, touch.spans)


def test_middle_values_in_the_order_applied() -> None:
    trace = Trace()
    run(trace, Text(b"1.2.3.4 ::1 a@b.com"), "@ip:replace", "@email:mask")
    assert [brief(touch) for touch in trace.touches] == [
        ("@ip:replace", "ipv4", False, "1.2.3.4 ::1 a@b.com", "[ip] ::1 a@b.com", ((0, 7),)),
        ("@ip:replace", "ipv6", False, "[ip] ::1 a@b.com", "[ip] [ip] a@b.com", ((5, 8),)),
        ("@email:mask", "email", False, "[ip] [ip] a@b.com", "[ip] [ip] *******", ((10, 17),)),
    ]
    assert {touch.path for touch in trace.touches} == {("extra", "x")}


@pytest.mark.parametrize(
    "rule_id", ["@ip:replace", "@password:filter", "@password:remove", "@anything:replace", "@cookies:filter"]
)
@pytest.mark.parametrize("value", [b"1.2.3.4, ::1 and password=x; a=b\nBearer abcdefghijkl", b"", b"plain"])
@pytest.mark.parametrize("verdict", [0, EVERY])
def test_counts_and_texts_equal_those_of_a_record(rule_id: str, value: bytes, verdict: int) -> None:
    trace, record = Trace(), Record()
    traced, recorded = Text(value), Text(value)
    run(trace, traced, rule_id, verdict=verdict)
    run(record, recorded, rule_id, verdict=verdict)
    assert (traced.value, traced.remarks, traced.length) == (recorded.value, recorded.remarks, recorded.length)
    assert sum(count.bytes for count in trace.rules.values()) == sum(count.bytes for count in record.rules.values())
    assert bool(trace.touches) == bool(record.rules)


def test_lines_are_spans_where_anything_is_replaced() -> None:
    trace = Trace()
    run(trace, Text(b"a\nbc"), "@anything:mask")
    assert [brief(touch) for touch in trace.touches] == [
        ("@anything:mask", "anything", False, "a\nbc", "*\n**", ((0, 1), (2, 4)))
    ]


def test_a_text_that_goes_ends_the_work() -> None:
    trace = Trace()
    run(trace, Text(b"secret=1"), "@anything:remove", "@password:filter")
    assert [brief(touch) for touch in trace.touches] == [
        ("@anything:remove", "anything", False, "secret=1", None, ((0, 8),))
    ]


def test_a_key_that_decides_is_told_apart() -> None:
    trace = Trace()
    run(trace, Text(b"1234"), "k", verdict=EVERY)
    run(trace, Text(b"the pin is 1234"), "k")
    assert [brief(touch) for touch in trace.touches] == [
        ("k", "redact_pair", True, "1234", "-", ((0, 4),)),
        ("k", "redact_pair", False, "the pin is 1234", "-", ((0, 15),)),
    ]


@pytest.mark.parametrize(("data", "kind"), [(b"{}", "object"), (b"[1]", "array"), (b"-1", "number")])
def test_nodes(data: bytes, kind: str) -> None:
    trace = Trace()
    (rule,) = rules("@anything:remove")
    assert trace.removes_node(rule, 0, data, ("a",))
    assert [(touch.kind, touch.before, touch.after) for touch in trace.touches] == [(kind, data, None)]
    assert trace.rules == {"@anything:remove": Count(1, len(data), 1, 0)}


def test_a_node_goes_by_the_step_whose_key_matched_or_stays() -> None:
    trace = Trace()
    (rule,) = rules("@password:filter")
    assert not trace.removes_node(rule, 0, b"{}", ("a",))
    assert trace.removes_node(rule, rule.steps[2].key_bit, b"{}", ("a",))
    assert [(touch.detector, touch.by_key) for touch in trace.touches] == [("password", True)]


def test_dry_rules_run_on_a_copy_step_by_step() -> None:
    (rule,) = rules("@ip:replace")
    tried = DryRule(**{field.name: getattr(rule, field.name) for field in dataclasses.fields(Rule)})
    trace, text = Trace(), Text(b"1.2.3.4 ::1", [Remark("q", "a")])
    assert not trace.apply(tried, text, 0, EVERY, ())
    assert (text.value, text.remarks) == (b"1.2.3.4 ::1", [Remark("q", "a")])
    assert [touch.after for touch in trace.touches] == [b"[ip] ::1", b"[ip] [ip]"]
    assert all(touch.dry for touch in trace.touches)
    assert trace.tried == {"@ip:replace": Count(2, 10, 0, 0)}
    (rule,) = rules("@anything:remove")
    tried = DryRule(**{field.name: getattr(rule, field.name) for field in dataclasses.fields(Rule)})
    assert not trace.removes_node(tried, 0, b"[]", ())
    assert not trace.apply(tried, text, 0, EVERY, ())
    assert len(trace.touches) == 4


def test_places_below_a_record_of_a_container() -> None:
    trace = Trace()
    (one,) = default_program("parity").passes
    trace.begin(one)
    trace.enter(("items", "3"))
    run(trace, Text(b"a@b.com"), "@email")
    trace.begin(one)
    run(trace, Text(b"a@b.com"), "@email")
    assert [touch.path for touch in trace.touches] == [("items", "3", "extra", "x"), ("extra", "x")]
    assert all(touch.one is one for touch in trace.touches)


def test_an_attempt_stands_at_the_same_place_and_is_kept_when_merged() -> None:
    trace = Trace()
    trace.enter(("items", "3"))
    attempt = trace.attempt()
    run(attempt, Text(b"a@b.com"), "@email")
    assert not trace.touches
    trace.merge(attempt)
    trace.merge(Record({"other": Count(1)}))
    assert [touch.path for touch in trace.touches] == [("items", "3", "extra", "x")]
    assert trace.rules.keys() == {"@email", "other"}
