"""Counts by rule (scrubbing-15.1): remarks, bytes, nodes; dry rules; the bound on rule ids."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from typing import Any

import pytest

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.record import OTHER, Count, Record
from scrubjay.core.scrub.redact import Remark, Text
from scrubjay.core.scrub.rule_spec import read_config
from scrubjay.core.scrub.rules import DryRule, Rule, RuleSet
from scrubjay.core.scrub.screen import EVERY, ScreenBuilder
from support import scrubbing


def rule(rule_id: str, config: dict[str, object] | None = None) -> Rule:
    rules = RuleSet(read_config(config or {}).rules, ScreenBuilder(), closed=frozenset())
    return rules.resolve([rule_id], "test")[0]


def dry(made: Rule) -> DryRule:
    return DryRule(**{field.name: getattr(made, field.name) for field in dataclasses.fields(Rule)})


def test_each_match_is_a_hit_and_its_bytes_are_counted() -> None:
    record, text = Record(), Text(b"write to a@b.com or c@example.org")
    assert not record.apply(rule("@email:replace"), text, 0, EVERY, ())
    assert text.value == b"write to [email] or [email]"
    assert record.rules == {"@email:replace": Count(hits=2, bytes=len("a@b.comc@example.org"))}


def test_what_came_with_the_text_is_no_hit() -> None:
    record = Record()
    text = Text(b"[email] or c@example.org", [Remark("@email:replace", "s", (0, 7))], 30)
    record.apply(rule("@email:replace"), text, 0, EVERY, ())
    assert record.rules == {"@email:replace": Count(hits=1, bytes=len("c@example.org"))}


def test_a_text_of_which_nothing_is_left_is_a_whole_hit() -> None:
    record = Record()
    record.apply(rule("@email:replace"), Text(b"c@example.org"), 0, EVERY, ())
    assert record.rules["@email:replace"] == Count(1, 13, 0, 1)


def test_a_whole_redaction_over_older_remarks_of_the_same_rule_is_one_hit() -> None:
    config = {
        "rules": {"r": {"type": "redact_pair", "keyPattern": "x", "redaction": {"method": "replace", "text": "-"}}}
    }
    record, text = Record(), Text(b"a--x", [Remark("r", "s", (1, 2)), Remark("r", "s", (2, 3))], 9)
    record.apply(rule("r", config), text, 0, EVERY, ())
    assert (text.value, text.remarks) == (b"-", [Remark("r", "s", (0, 1))])
    assert record.rules == {"r": Count(1, 2, 0, 1)}


def test_a_text_that_goes_is_a_node_and_whole() -> None:
    record = Record()
    assert record.apply(rule("@anything:remove"), Text("zwölf".encode()), 0, EVERY, ())
    assert record.rules == {"@anything:remove": Count(1, 6, 1, 1)}


def test_a_rule_without_a_match_is_not_counted() -> None:
    record = Record()
    record.apply(rule("@email:replace"), Text(b"nothing"), 0, EVERY, ())
    assert not record.removes_node(rule("@email:replace"), 0, b"12", ())
    assert record == Record()


def test_a_node_that_goes_counts_its_json() -> None:
    record = Record()
    assert record.removes_node(rule("@anything:remove"), 0, b"[1,2]", ())
    assert record.rules == {"@anything:remove": Count(1, 5, 1, 0)}


@pytest.mark.parametrize(
    ("rule_id", "expected"), [("@email:replace", Count(1, 7)), ("@anything:remove", Count(1, 10, 1, 1))]
)
def test_a_dry_rule_counts_apart_and_writes_nothing(rule_id: str, expected: Count) -> None:
    record, text, tried = Record(), Text(b"at a@b.com"), dry(rule(rule_id))
    assert not record.apply(tried, text, 0, EVERY, ())
    assert (text.value, text.remarks, text.length, text.changed) == (b"at a@b.com", [], None, False)
    assert (record.rules, record.tried) == ({}, {rule_id: expected})


def test_a_dry_rule_alone_does_nothing() -> None:
    tried, text = dry(rule("@anything:remove")), Text(b"a")
    assert not tried.apply(text, 0, EVERY)
    assert not tried.removes_node(0)
    record = Record()
    assert not record.removes_node(tried, 0, b"{}", ())
    assert record.tried == {"@anything:remove": Count(1, 2, 1, 0)}


def test_records_are_merged() -> None:
    total = Record({"a": Count(1, 2, 3, 4)})
    total.merge(Record({"a": Count(1, 1, 1, 1), "b": Count(5)}, {"c": Count(6)}))
    assert total == Record({"a": Count(2, 3, 4, 5), "b": Count(5)}, {"c": Count(6)})


def test_rule_ids_are_bounded_in_length_and_number() -> None:
    total = Record()
    total.merge(Record({"x" * 70 + "1": Count(1), "x" * 70 + "2": Count(1)}))
    assert total.rules == {"x" * 64: Count(2)}
    for number in range(1_010):
        total.merge(Record({f"r{number}": Count(1)}))
    assert len(total.rules) == 1_001
    assert total.rules[OTHER] == Count(11)


def test_the_hooks_of_the_walk_need_nothing() -> None:
    record = Record()
    record.enter(("items", "0"))
    assert record == Record()


def test_an_attempt_counts_only_when_it_is_merged() -> None:
    record = Record({"a": Count(1)})
    attempt = record.attempt()
    attempt.apply(rule("@email:replace"), Text(b"a@b.com"), 0, EVERY, ())
    assert record.rules == {"a": Count(1)}
    record.merge(attempt)
    assert record.rules == {"a": Count(1), "@email:replace": Count(1, 7, 0, 1)}


def remarks(meta: Any) -> list[str]:
    """Origins of all remarks below a node of `_meta`."""
    if not isinstance(meta, dict):
        return []
    own = [entry[0] for entry in meta.get("", {}).get("rem", ())]
    return own + [origin for key, below in meta.items() if key for origin in remarks(below)]


@pytest.mark.parametrize("profile", ["parity", "strict"])
def test_hits_are_the_remarks_that_are_written(profile: str) -> None:
    """scrubbing-15.1; on events without a text that two rules take from, and without cookies that are read and not sent."""
    found = 0
    for _, event in scrubbing.corpus_events()[::3]:
        record = Record()
        scrubbed = scrub_document(scrubbing.default_program(profile), event, "event", record)
        written = Counter(remarks(json.loads(scrubbed).get("_meta"))) if scrubbed is not None else Counter()
        written -= Counter(remarks(json.loads(event).get("_meta")))
        assert {origin: count.hits for origin, count in record.rules.items()} == written
        found += sum(written.values())
    assert found
