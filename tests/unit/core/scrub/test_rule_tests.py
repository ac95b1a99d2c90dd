"""Judging what left against what a case expects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from scrubjay.core.scrub.rule_tests import Outcome, judge, look_up, place_text
from scrubjay.errors import ConfigError
from scrubjay.settings.rule_tests import RuleTest


def outcome(before: Any, after: Any, hits: Mapping[str, int] | None = None) -> Outcome:
    raw = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in (before, after)]
    return Outcome((raw[0],), (raw[1],), ("",), raw[1], hits or {})


def problems(before: Any, after: Any, hits: Mapping[str, int] | None = None, **expected: Any) -> list[str]:
    test = RuleTest(name="a case", **{"input": before, **expected})
    return [f"{failure.expectation}: {failure.problem}" for failure in judge(test, outcome(before, after, hits))]


BEFORE = {
    "user": {"email": "rosa@lab.example", "id": "7"},
    "tags": [["plan", "free"], ["who", "rosa"]],
    "extra": {"list": ["a", {"b": 1}], "n": 4242424242424242},
}
AFTER = {
    "user": {"email": "[email]", "id": "7"},
    "tags": [["plan", "free"], ["who", "[Filtered]"]],
    "extra": {"list": ["a", None], "n": None},
    "_meta": {"user": {}},
}


@pytest.mark.parametrize(
    "expected",
    [
        {"expect": {"user": {"email": "[email]"}}},
        {"expect": {"extra": {"list": ["a", None]}, "gone": None}},
        {"expect_whole": {key: value for key, value in AFTER.items() if key != "_meta"}},
        {"expect_whole": AFTER},
        {"removed": ("user.email", "tags.who", "extra.list.1", "extra.list.1.b", "extra.n")},
        {"kept": ("user.id", "tags.plan", "extra.list.0", "USER.ID")},
        {"must_contain": ("free", "[email]")},
        {"must_not_contain": ("rosa@lab.example", 4242424242424242)},
    ],
)
def test_what_holds(expected: dict[str, Any]) -> None:
    assert problems(BEFORE, AFTER, **expected) == []


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        ({"expect": {"user": {"email": "x"}}}, "expect: something else leaves"),
        ({"expect": {"extra": {"list": ["a"]}}}, "expect: something else leaves"),
        ({"expect": {"extra": "x"}}, "expect: something else leaves"),
        ({"expect": {"user": {"id": 7}}}, "expect: something else leaves"),
        ({"expect_whole": {"user": {"email": "[email]", "id": "7"}}}, "expect_whole: something else leaves"),
        ({"removed": ("user.id",)}, "removed: user.id is still there: '7'"),
        ({"removed": ("user",)}, 'removed: user is still there: \'{"email":"[email]","id":"7"}\''),
        ({"removed": ("extra.list",)}, "removed: extra.list is still there: '[\"a\",null]'"),
        ({"removed": ("user.name",)}, "removed: user.name: the input has no such value"),
        ({"removed": ("extra.list.7",)}, "removed: extra.list.7: the input has no such value"),
        ({"removed": ("user.id.more",)}, "removed: user.id.more: the input has no such value"),
        ({"kept": ("tags.who",)}, "kept: tags.who does not leave as it came"),
        ({"removed": ("extra.list.1.b.c",)}, "removed: extra.list.1.b.c: the input has no such value"),
        ({"removed": ("user.0",)}, "removed: user.0: the input has no such value"),
        ({"kept": ("tags.none",)}, "kept: tags.none: the input has no such value"),
        ({"must_contain": ("rosa",)}, "must_contain: 'rosa' is not in what leaves"),
        ({"must_not_contain": ("free",)}, "must_not_contain: 'free' is in what leaves, as it is"),
        ({"rules": ("@ip",)}, "rules: @ip found nothing; rules that did: none"),
        ({"unchanged": True}, "unchanged: something was changed"),
        ({"dropped": True}, "dropped: nothing was dropped"),
    ],
)
def test_what_does_not_hold(expected: dict[str, Any], problem: str) -> None:
    assert problems(BEFORE, AFTER, **expected)[0] == problem


def test_unchanged() -> None:
    assert problems(BEFORE, BEFORE, unchanged=True) == []


def test_a_rule_stands_for_its_variants() -> None:
    hits = {"@creditcard:filter": 1, "mine": 2}
    assert problems({}, {}, hits, rules=("@creditcard", "@creditcard:filter", "mine")) == []
    assert problems({}, {}, hits, rules=("@credit",)) == [
        "rules: @credit found nothing; rules that did: @creditcard:filter, mine"
    ]


def test_a_text_that_stands_in_a_longer_one_is_not_removed() -> None:
    assert problems({"a": "rosa"}, {"a": "x rosa"}, removed=("a",)) == ["removed: a is still there: 'x rosa'"]
    assert problems({"a": 1}, {"a": True}, removed=("a",)) == ["removed: a is still there: 'true'"]
    assert problems({"a": 1}, {"a": 2}, removed=("a",)) == []


def test_a_removed_container_may_be_there_with_other_content() -> None:
    assert problems({"a": {"b": "x", "c": ["y"]}}, {"a": {"b": "[Filtered]", "c": [None]}}, removed=("a",)) == []


def test_a_number_is_no_boolean() -> None:
    assert problems({}, {"a": True}, expect={"a": 1}) == ["expect: something else leaves"]


def test_a_text_is_judged_where_it_was_put() -> None:
    raw = place_text("call 192.0.2.1", "logentry.formatted")
    assert json.loads(raw) == {"logentry": {"formatted": "call 192.0.2.1"}}
    test = RuleTest(name="a", text="call 192.0.2.1", at="logentry.formatted", expect="call [ip]")
    assert judge(test, outcome(raw, {"logentry": {"formatted": "call [ip]"}})) == []
    (failure,) = judge(test, outcome(raw, {"logentry": {}}))
    assert failure.diff[-2:] == ('-"call [ip]"', "+null")


def test_text_in_a_list() -> None:
    assert json.loads(place_text("x", "exception.values.1.value")) == {"exception": {"values": [{}, {"value": "x"}]}}
    with pytest.raises(ConfigError, match="must begin with a key"):
        place_text("x", "0.a")


def test_diffs_show_what_was_expected_and_only_that() -> None:
    test = RuleTest(name="a", input={}, expect={"user": {"email": "x"}})
    (failure,) = judge(test, outcome({}, {"user": {"email": "[email]", "id": "7"}, "more": 1}))
    assert failure.diff == (
        "--- expected", "+++ found", "@@ -1,5 +1,5 @@", " {", '   "user": {', '-    "email": "x"', '+    "email": "[email]"',
        "   }", " }",
    )  # fmt: skip


def test_payloads_that_are_no_json_are_text() -> None:
    assert problems(b"peer 192.0.2.1", b"peer [ip]", input="x", expect="peer [ip]") == []
    assert problems(b"a\xff", b"a\xff", input="x", expect="a\ufffd") == []


def test_what_was_dropped() -> None:
    dropped = Outcome((b"{}",), (None,), ("unscrubbable",))
    assert judge(RuleTest(name="a", input={}, dropped=True), dropped) == []
    assert judge(RuleTest(name="a", input={}, dropped="unscrubbable"), dropped) == []
    (failure,) = judge(RuleTest(name="a", input={}, dropped="opaque_dropped"), dropped)
    assert failure.problem == "dropped as unscrubbable, not as opaque_dropped"
    (failure,) = judge(RuleTest(name="a", input={}, expect={}), dropped)
    assert failure.problem == "dropped as unscrubbable, which no expectation names"


def test_other_items_of_an_envelope() -> None:
    two = Outcome((b'{"a":1}', b"x"), (b'{"a":1}', None), ("", "not_allowed"), b'{"a":1}')
    test = RuleTest(name="a", envelope="e", dropped="not_allowed", kept=("a",), must_not_contain=("x",))
    assert judge(test, two) == []
    with pytest.raises(ConfigError, match="there are 2 items"):
        judge(RuleTest(name="a", envelope="e", item=2, kept=("a",)), two)


@pytest.mark.parametrize("path", ["a.*", "$user.id", "a || b", "a.", ""])
def test_a_path_is_no_selector_of_many(path: str) -> None:
    with pytest.raises(ConfigError, match="no path"):
        problems({}, {}, kept=(path,))


def test_look_up_prefers_the_exact_key() -> None:
    from scrubjay.core.scrub.selectors import KeyItem

    assert look_up({"A": 1, "a": 2}, (KeyItem("a"),)) == 2
    assert look_up([["A", 1], 5], (KeyItem("a"),)) == 1


def test_long_values_are_cut_in_messages() -> None:
    (problem,) = problems({}, {}, must_contain=("x" * 100,))
    assert problem == f"must_contain: '{'x' * 60}…' is not in what leaves"


def test_what_should_be_kept_and_is_gone() -> None:
    test = RuleTest(name="a", input={}, kept=("a",))
    (failure,) = judge(test, outcome({"a": 1}, {}))
    assert failure.diff == ("--- expected", "+++ found", "@@ -1 +0,0 @@", "-1")
