"""What a change of rules would change, value by value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.scrubbing import SETTINGS

from scrubjay.core.scrub.comparison import Comparison, Side
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.core.scrub.trace import Trace
from scrubjay.settings.scrub import Scrub


def trace(config: dict[str, Any], document: Any, **options: Any) -> Side:
    program = compile_program(pii_config=config, settings=None, options=Scrub(profile="parity", **options))
    return side(program, document)


def side(program: ScrubProgram, document: Any, shape: str = "event") -> Side:
    made, raw = Trace(), json.dumps(document).encode()
    scrubbed = scrub_document(program, raw, shape, made)
    return Side(made.touches, raw if scrubbed is None else scrubbed)


def rows(old: dict[str, Any], new: dict[str, Any], document: Any) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Rule and path → newly removed, no longer removed, otherwise."""
    comparison = Comparison()
    comparison.add("event", trace(old, document), trace(new, document))
    return {(place.rule, place.path): (row.more, row.less, row.other) for place, row in comparison.places.items()}


CLEAN = Side((), b"{}")


def on(selector: str, *rules: str, **own: Any) -> dict[str, Any]:
    return {"applications": {selector: list(rules)}, "rules": own}


TEXT = {"extra": {"a": "rosa@lab.example at 192.0.2.1"}}
BOTH = on("$string", "@email", "@ip")


def test_the_same_rules_change_nothing() -> None:
    assert rows(BOTH, BOTH, TEXT) == {}


def test_a_new_rule_removes_more() -> None:
    assert rows(on("$string", "@email"), BOTH, TEXT) == {("@ip", "extra.a"): (1, 0, 0)}


def test_a_rule_that_went_removes_less() -> None:
    """Although the value is redacted still: that part of it leaves again is what counts."""
    assert rows(BOTH, on("$string", "@ip"), TEXT) == {("@email", "extra.a"): (0, 1, 0)}


def test_more_and_less_of_one_value() -> None:
    assert rows(on("$string", "@email"), on("$string", "@ip"), TEXT) == {
        ("@email", "extra.a"): (0, 1, 0),
        ("@ip", "extra.a"): (1, 0, 0),
    }


@pytest.mark.parametrize("other", ["@email:mask", "@email:hash", "@email:remove"])
def test_another_redaction_of_the_same(other: str) -> None:
    (row,) = rows(on("$string", "@email"), on("$string", other), TEXT).items()
    assert row == ((other, "extra.a"), (0, 0, 1))


def test_whole_values() -> None:
    whole = on("extra.a", "@anything:remove")
    assert rows(whole, on("$string", "@email"), TEXT) == {("@anything:remove", "extra.a"): (0, 1, 0)}
    assert rows(on("$string", "@email"), whole, TEXT) == {("@anything:remove", "extra.a"): (1, 0, 0)}
    assert rows(on("extra.a", "@anything:filter"), whole, TEXT) == {("@anything:remove", "extra.a"): (0, 0, 1)}


def test_a_container_stands_for_its_values() -> None:
    document = {"extra": {"a": {"b": "x", "c": [1, None, "y", True]}}}
    whole, single = on("extra.a", "@anything:remove"), on("extra.a.**", "@anything:remove")
    assert rows(whole, single, document) == {}
    assert rows(whole, on("extra.a.b", "@anything:remove"), document) == {
        ("@anything:remove", "extra.a.c.*"): (0, 2, 0)
    }
    assert rows({}, whole, document) == {
        ("@anything:remove", "extra.a.b"): (1, 0, 0), ("@anything:remove", "extra.a.c.*"): (2, 0, 0)
    }  # fmt: skip


def test_pairs_are_found_again_whatever_their_form() -> None:
    document = {"request": {"headers": {"b": "192.0.2.1", "a": "192.0.2.2"}}}
    whole = on("$http.headers", "@anything:remove")
    assert rows(on("$string", "@ip"), whole, document) == {("@anything:remove", "request.headers.*.*"): (0, 0, 2)}
    assert rows(whole, on("$http.headers.a", "@ip"), document) == {
        ("@anything:remove", "request.headers.*.*"): (0, 1, 0),
        ("@ip", "request.headers.*.*"): (0, 0, 1),
    }


def test_several_matches_and_steps() -> None:
    document = {"extra": {"a": "a@b.co 192.0.2.1 c@d.co 4242424242424242 ü e@f.co 192.0.2.2"}}
    rules = ("@email", "@ip:mask", "@creditcard:remove")
    assert rows(on("$string", *rules), on("$string", *reversed(rules)), document) == {}
    assert rows(on("$string", *rules), on("$string", "@email:mask", "@ip:mask"), document) == {
        ("@creditcard:remove", "extra.a"): (0, 1, 0)
    }


def test_what_one_rule_wrote_and_another_took_counts_once() -> None:
    """The second rule takes the text that the first one wrote, and what stood around it."""
    over = on("$string", "@ip", "z", z={"type": "pattern", "pattern": ".+", "redaction": {"method": "mask"}})
    assert rows(over, on("$string", "@ip"), {"extra": {"a": "x 192.0.2.1 y"}}) == {("z", "extra.a"): (0, 1, 0)}


def test_rules_that_are_only_tried_change_nothing() -> None:
    tried = {
        "applications": {"$string": ["e"]},
        "rules": {"e": {"type": "email", "redaction": {"method": "mask"}, "dry_run": True}},
    }
    assert rows({}, tried, TEXT) == {}


def test_keys_that_look_like_no_names_are_hidden() -> None:
    document = {"extra": {"rosa@lab.example": "192.0.2.1", "0": "192.0.2.1", "x y": "192.0.2.1", "ok": ["192.0.2.1"]}}
    assert set(rows({}, on("$string", "@ip"), document)) == {
        ("@ip", "extra.~"), ("@ip", "extra.*"), ("@ip", "extra.ok.*")
    }  # fmt: skip


def test_the_list_of_what_may_leave_counts_as_a_rule() -> None:
    old = trace({}, TEXT)
    new = trace({}, TEXT, mode="allow", allow=("extra.b",))
    comparison = Comparison()
    comparison.add("event", old, new)
    (place,) = comparison.places
    assert place == ("event", "@allow", "extra.a")


def test_items_that_are_dropped() -> None:
    comparison = Comparison()
    comparison.add("event", None, None)
    assert not comparison.removes_less
    comparison.add("log", CLEAN, None)
    comparison.add("log", CLEAN, None)
    assert not comparison.removes_less
    comparison.add("profile", None, CLEAN)
    assert comparison.removes_less
    assert (comparison.items, comparison.newly_dropped, comparison.no_longer_dropped) == (4, {"log": 2}, {"profile": 1})


def test_the_sum() -> None:
    comparison = Comparison()
    for _ in range(3):
        comparison.add("event", trace(on("$string", "@email"), TEXT), trace(on("$string", "@ip"), TEXT))
    total = comparison.total()
    assert (total.more, total.less, total.other) == (3, 3, 0)
    assert comparison.removes_less


def test_default_rules_of_both_profiles() -> None:
    """`strict` never removes less than `parity`."""
    document = {
        "request": {"url": "https://u:pw@h/?a=rosa@lab.example"},
        "user": {"ip_address": "192.0.2.1"},
        "extra": TEXT,
    }
    comparison = Comparison()
    both = []
    for profile in ("parity", "strict"):
        program = compile_program(pii_config=None, settings=SETTINGS, options=Scrub(profile=profile))
        both.append(side(program, document))
    comparison.add("event", *both)
    assert not comparison.removes_less
    assert comparison.total().more > 0


def test_many_matches_in_one_text_take_no_square_of_time() -> None:
    """Ten thousand addresses: quadratic work would be a hundred million steps here, and minutes."""
    document = {"extra": {"a": " ".join(["a@b.co 192.0.2.1"] * 10_000)}}
    assert rows(on("$string", "@ip:mask", "@email"), on("$string", "@ip"), document) == {
        ("@email", "extra.a"): (0, 1, 0)
    }


def test_what_settings_do_without_a_rule_counts_too() -> None:
    """The address of a session is left out by a setting."""
    document = {"sid": "a", "attrs": {"ip_address": "192.0.2.1"}}
    programs = [
        compile_program(pii_config=None, settings={"scrubIpAddresses": on}, options=Scrub(profile="parity"))
        for on in (True, False)
    ]
    comparison = Comparison()
    comparison.add("session", *(side(program, document, "session") for program in programs))
    assert {place: row.less for place, row in comparison.places.items()} == {
        ("session", "(settings)", "(somewhere)"): 1
    }
    assert comparison.removes_less


def test_payloads_that_are_spelled_otherwise_are_the_same() -> None:
    comparison = Comparison()
    comparison.add("event", Side((), b'{"a":[1,null]}'), Side((), b'{"a": [1, null], "_meta": {"a": {}}}'))
    comparison.add("metric_buckets", Side((), b"[1, 2]"), Side((), b"[1,2]"))
    assert comparison.places == {}
    comparison.add("attachment", Side((), b"\xff a"), Side((), b"\xff b"))
    assert comparison.total().more == comparison.total().less == 1
