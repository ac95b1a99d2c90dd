"""The grammar of rate limits both ways, and the table of what is in force (`decisions.md` 3)."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.categories import DataCategory as C
from scrubjay.core.limits import (
    ActiveLimit,
    LimitTable,
    Scoping,
    format_rate_limits,
    limits_of_response,
    merge,
    parse_rate_limits,
    parse_retry_after,
    widened,
)

NOW = 1_000.0
KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
SCOPING = Scoping(KEY, 21, 42, 17)

Told = tuple[float, str, tuple[str, ...], str | None]


def said(header: str | list[str]) -> list[Told]:
    """Seconds left, scope, names of categories, reason."""
    return [
        (limit.until_mono - NOW, limit.scope, tuple(c.wire for c in sorted(limit.categories)), limit.reason)
        for limit in parse_rate_limits(header, NOW)
    ]


def limit(text: str) -> ActiveLimit:
    (parsed,) = parse_rate_limits(text, NOW)
    return parsed


# Reading


PARSED = [
    (
        "decisions-52",
        "42::organization:slow, junk, 90:ufo;transaction:project",
        [(42, "organization", (), "slow"), (90, "project", ("unknown", "transaction"), None)],
    ),
    ("decisions-53 fractions round up", "17.1:error:key", [(18, "key", ("error",), None)]),
    ("decisions-53 negative has expired", "-2:error:key", []),
    ("decisions-53 infinity has expired", "inf:error:key", []),
    ("decisions-53 no number has expired", "NaN:error:key", []),
    ("decisions-53 overflow has expired", "1e999:error:key", []),
    ("decisions-53 underscores are no number", "1_0:error:key", []),
    ("inner blanks are no number", "1 0:error:key", []),
    ("other digits are no number", "٣:error:key", []),
    ("exponents are a number", "1e2:error:key", [(100, "key", ("error",), None)]),
    ("a leading dot is a number", ".5:error:key", [(1, "key", ("error",), None)]),
    ("a closing dot is a number", "+2.:error:key", [(2, "key", ("error",), None)]),
    ("decisions-54 seconds alone", "60", [(60, "key", (), None)]),
    ("decisions-54 no scope", "60:error", [(60, "key", ("error",), None)]),
    ("decisions-55 empty reason", "60:error:key:", [(60, "key", ("error",), None)]),
    (
        "decisions-56",
        ["10:error:key", "20:log_item:key"],
        [(10, "key", ("error",), None), (20, "key", ("log_item",), None)],
    ),
    ("unknown scope is the key", "60:error:galaxy", [(60, "key", ("error",), None)]),
    ("empty names are ignored", "60:;error;;", [(60, "key", ("error",), None)]),
    ("only unknown names are kept and limit nothing", "60:ufo:key", [(60, "key", ("unknown",), None)]),
    (
        "white space around every token",
        " 60 : error ; log_item : project : why ",
        [(60, "project", ("error", "log_item"), "why")],
    ),
    ("more parts are ignored", "60:error:key:why::more:and:more", [(60, "key", ("error",), "why")]),
    (
        "equal ones merge, the later end wins",
        "10:error:key:a,60:error:key:b,5:error:key:c",
        [(60, "key", ("error",), "b")],
    ),
    (
        "order of names does not matter",
        "10:error;log_item:key,20:log_item;error:key",
        [(20, "key", ("error", "log_item"), None)],
    ),
    ("no end beyond a day", "1e9:error:key", [(86_400, "key", ("error",), None)]),
    ("reasons cannot carry anything but text", "60:error:key:a\udcffb\tc", [(60, "key", ("error",), "a_b_c")]),
    ("nothing", "", []),
]


@pytest.mark.parametrize(("header", "expected"), [case[1:] for case in PARSED], ids=[case[0] for case in PARSED])
def test_parse(header: str | list[str], expected: list[Told]) -> None:
    assert said(header) == expected


def test_namespaces_decisions_55() -> None:
    found = limit("60:metric_bucket:organization::spans")
    assert found.namespaces == {"spans"}
    assert found.reason is None
    assert not found.takes(C.METRIC_BUCKET)
    assert limit("60:metric_bucket:organization::").takes(C.METRIC_BUCKET)


def test_unknown_namespaces_match_nothing() -> None:
    found = limit("60::organization::ufo;spans")
    assert found.namespaces == {"unsupported", "spans"}
    assert not found.takes(C.ERROR)


def test_long_reasons_are_cut() -> None:
    assert limit("60:error:key:" + "x" * 300).reason == "x" * 200


def test_takes() -> None:
    assert limit("60::key").takes(C.ERROR)
    assert limit("60:error:key").takes(C.ERROR)
    assert not limit("60:error:key").takes(C.TRANSACTION)
    assert not limit("60:ufo:key").takes(C.ERROR)


RETRY_AFTER = [
    ("5", 5),
    (" 2.1 ", 3),
    ("0", 0),
    ("-7", 0),
    ("inf", 0),
    ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
    ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
    ("Sun Nov  6 08:49:37 1994", 37),
    ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
    ("Sun, 06 Nov 1994 08:49:60 GMT", 59),
    ("Sun, 06 Foo 1994 08:49:37 GMT", None),
    ("Sun, 31 Feb 1994 08:49:37 GMT", None),
    ("soon", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER)
def test_retry_after(text: str, seconds: int | None) -> None:
    now = 784_111_740.0
    if "-94" in text:
        # A year of two digits is one of this century.
        assert parse_retry_after(text, now) > 3_000_000_000
    else:
        assert parse_retry_after(text, now) == seconds


def of_response(status: int, headers: list[str], retry_after: str | None = None) -> str | None:
    limits = limits_of_response(status, headers, retry_after, now_mono=NOW, now_unix=784_111_740.0)
    told = format_rate_limits(limits, NOW)
    return told[1] if told else None


RESPONSES = [
    ("decisions-60", 429, [], "2", "2::key:generic"),
    ("decisions-61", 429, ["0:error:key,-1::key"], "30", "30::key:generic"),
    ("decisions-62", 429, [], None, "60::key:generic"),
    ("unreadable Retry-After counts as none", 429, [], "soon", "60::key:generic"),
    ("no time at all is no limit", 429, [], "0", None),
    ("HTTP date", 429, [], "Sun, 06 Nov 1994 08:49:37 GMT", "37::key:generic"),
    ("no end beyond a day", 429, [], "1e9", "86400::key:generic"),
    ("the header outranks Retry-After", 429, ["60:error:key"], "5", "60:error:key"),
    ("decisions-65", 200, ["60:replay:project"], None, "60:replay:project"),
    ("a 200 without the header says nothing", 200, [], "30", None),
    ("other answers say nothing", 503, ["60:replay:project"], "30", None),
    ("other refusals say nothing", 400, ["60:replay:project"], None, None),
]


@pytest.mark.parametrize(
    ("status", "headers", "retry_after", "expected"),
    [case[1:] for case in RESPONSES],
    ids=[case[0] for case in RESPONSES],
)
def test_limits_of_response(status: int, headers: list[str], retry_after: str | None, expected: str | None) -> None:
    assert of_response(status, headers, retry_after) == expected


# Telling


def test_seconds_round_up_decisions_63() -> None:
    assert format_rate_limits([limit("59.2:error:key")], NOW) == (60, "60:error:key")
    assert format_rate_limits([limit("60:error:key")], NOW + 0.8) == (60, "60:error:key")
    assert format_rate_limits([limit("60:error:key")], NOW + 1) == (59, "59:error:key")
    assert format_rate_limits([limit("60:error:key")], NOW + 60) is None
    assert format_rate_limits([], NOW) is None


def test_of_limits_for_the_same_the_last_to_end_is_told() -> None:
    """A client that takes the newest piece for its own would wait too short."""
    found = [limit("20:error:key:a"), limit("60:error:key:b"), limit("30:error:project:c"), limit("10:error:key")]
    assert format_rate_limits(found, NOW) == (60, "60:error:key:b, 30:error:project:c")


def test_a_clock_with_a_fraction_adds_no_second_decisions_63() -> None:
    for step in range(1_000):
        now = 12_345.678 + step / 7
        (found,) = parse_rate_limits("59:error:key", now)
        assert format_rate_limits([found], now) == (59, "59:error:key")


def test_categories_in_the_order_of_their_ids_decisions_63() -> None:
    assert format_rate_limits([limit("60:security;transaction:key")], NOW) == (60, "60:transaction;security:key")


def test_namespaces_without_a_reason_decisions_64() -> None:
    told = limit("60:metric_bucket:organization::spans")
    assert format_rate_limits([told], NOW) == (60, "60:metric_bucket:organization::spans")
    told = limit("60:metric_bucket:organization:cut:transactions;spans")
    assert format_rate_limits([told], NOW) == (60, "60:metric_bucket:organization:cut:spans;transactions")


def test_longest_first_and_both_told_decisions_44() -> None:
    limits = [limit("10:error:key:a"), limit("50:error:project:b")]
    assert format_rate_limits(limits, NOW) == (50, "50:error:project:b, 10:error:key:a")
    assert format_rate_limits(limits, NOW, most=1) == (50, "50:error:project:b")
    assert format_rate_limits([*limits, *limits], NOW) == (50, "50:error:project:b, 10:error:key:a")


def test_categories_that_nobody_knows_are_not_passed_on() -> None:
    assert format_rate_limits([limit("60:ufo:key")], NOW) is None
    assert format_rate_limits([limit("60:ufo;error:key")], NOW) == (60, "60:error:key")


NAMES = st.sampled_from(["error", "transaction", "log_item", "metric_bucket", "ufo", ""])
PIECES = st.builds(
    lambda seconds, names, scope, tail: f"{seconds}:{';'.join(names)}:{scope}{tail}",
    st.integers(1, 100_000),
    st.lists(NAMES, max_size=3),
    st.sampled_from(["organization", "project", "key"]),
    st.sampled_from(["", ":why", ":why:spans", "::spans"]),
)


@given(st.lists(PIECES, max_size=4))
def test_what_is_told_is_read_back(pieces: list[str]) -> None:
    limits = parse_rate_limits(pieces, NOW)
    told = format_rate_limits(limits, NOW)
    again = parse_rate_limits(told[1] if told else "", NOW)
    expected = merge(
        ActiveLimit(
            found.scope, found.categories - {C.UNKNOWN}, found.until_mono, found.reason, namespaces=found.namespaces
        )
        for found in limits
        if not found.categories or found.categories - {C.UNKNOWN}
    )
    assert {found.until_mono for found in again} == {found.until_mono for found in expected}
    assert {(f.scope, f.categories, f.namespaces) for f in again} == {
        (f.scope, f.categories, f.namespaces) for f in expected
    }


@given(st.text())
def test_any_header_is_read_without_complaint(text: str) -> None:
    for found in parse_rate_limits(text, NOW):
        assert math.isfinite(found.until_mono)
    format_rate_limits(parse_rate_limits(text, NOW), NOW)


# In force


@pytest.fixture
def table() -> LimitTable:
    return LimitTable()


def in_force(table: LimitTable, scoping: Scoping = SCOPING, now: float = NOW) -> str:
    told = format_rate_limits(table.active(scoping, now), now)
    return told[1] if told else ""


def test_nothing_in_force(table: LimitTable) -> None:
    assert table.active(SCOPING, NOW) == ()
    assert len(table) == 0


def test_the_later_end_wins_with_its_reason_decisions_57(table: LimitTable) -> None:
    for header in ("10:error:key:a", "60:error:key:b", "5:error:key:c", "60:error:key:d"):
        table.learn(SCOPING, parse_rate_limits(header, NOW), NOW)
    assert in_force(table) == "60:error:key:b"


def test_other_sets_of_categories_stand_beside_decisions_58(table: LimitTable) -> None:
    table.learn(SCOPING, parse_rate_limits("60:error:key,30:error;security:key", NOW), NOW)
    assert in_force(table) == "60:error:key, 30:error;security:key"
    assert len(table) == 2


def test_transactions_and_spans_are_widened_decisions_59(table: LimitTable) -> None:
    table.learn(SCOPING, [limit("60:transaction:key:t")], NOW)
    assert in_force(table) == "60:transaction;span:key:t"
    assert widened(limit("9:span:key")).categories == {C.TRANSACTION, C.SPAN}
    assert widened(limit("9:span;transaction:key")).categories == {C.TRANSACTION, C.SPAN}
    assert widened(limit("9:error:key")).categories == {C.ERROR}
    assert widened(limit("9::key")).categories == frozenset()


def test_limits_of_a_project_bind_all_its_keys(table: LimitTable) -> None:
    table.learn(SCOPING, parse_rate_limits("60:error:project, 50:log_item:organization, 40:replay:key", NOW), NOW)
    assert in_force(table, Scoping("other", 21)) == "60:error:project"
    assert in_force(table, Scoping("other", 22, 42)) == "50:log_item:organization"
    assert in_force(table, Scoping(KEY)) == "40:replay:key"
    assert in_force(table) == "60:error:project, 50:log_item:organization, 40:replay:key"


def test_without_ids_a_limit_binds_the_key_that_learnt_it(table: LimitTable) -> None:
    table.learn(Scoping(KEY), parse_rate_limits("60:error:project, 50:log_item:organization", NOW), NOW)
    assert in_force(table, Scoping(KEY, 21)) == "60:error:project, 50:log_item:organization"
    assert in_force(table, Scoping("other", 21, 42)) == ""


def test_expired_limits_go_when_they_are_read(table: LimitTable) -> None:
    table.learn(SCOPING, parse_rate_limits("60:error:key,30:replay:key,10:error:project", NOW), NOW)
    assert in_force(table, now=NOW + 30) == "30:error:key"
    assert len(table) == 1
    assert in_force(table, now=NOW + 60) == ""
    assert len(table) == 0


def test_expire(table: LimitTable) -> None:
    table.learn(SCOPING, parse_rate_limits("60:error:key,30:replay:project", NOW), NOW)
    table.expire(NOW + 30)
    assert repr(table) == "<LimitTable 1 limits of 1 owners>"


def test_refusals_of_quotas_are_forgotten_and_what_the_server_named_is_not(table: LimitTable) -> None:
    (own,) = parse_rate_limits("60:error:key:a", NOW)
    table.learn(SCOPING, [replace(own, origin="quota")], NOW)
    table.learn(SCOPING, parse_rate_limits("50:replay:key:b", NOW), NOW)
    table.learn(Scoping("other"), [replace(own, origin="quota")], NOW)
    table.forget_own()
    assert in_force(table) == "50:replay:key:b"
    assert len(table) == 1
    assert repr(table) == "<LimitTable 1 limits of 1 owners>"


def test_of_too_many_owners_those_that_end_first_go() -> None:
    table = LimitTable(max_owners=3)
    for seconds, key in ((50, "a"), (20, "b"), (90, "c"), (70, "d")):
        table.learn(Scoping(key), parse_rate_limits(str(seconds), NOW), NOW)
    assert [key for key in "abcd" if table.active(Scoping(key), NOW)] == ["a", "c", "d"]


def test_a_full_table_first_lets_go_of_what_has_ended() -> None:
    table = LimitTable(max_owners=2)
    table.learn(Scoping("a"), parse_rate_limits("5", NOW), NOW)
    table.learn(Scoping("b"), parse_rate_limits("90", NOW), NOW)
    table.learn(Scoping("c"), parse_rate_limits("60", NOW), NOW + 10)
    assert [key for key in "abc" if table.active(Scoping(key), NOW + 10)] == ["b", "c"]


def test_what_others_learnt_is_adopted_if_it_ends_later() -> None:
    table = LimitTable(max_owners=1)
    for header in ("60:error:key:a", "60.9:error:key:b", "90:error:key:c"):
        (learnt,) = parse_rate_limits(header, NOW)
        table.adopt(("key", KEY), learnt, NOW)
        assert in_force(table) == ("90:error:key:c" if ":c" in header else "60:error:key:a")
    assert [(owner, limit.reason) for owner, limit in table.entries()] == [(("key", KEY), "c")]
    table.adopt(("project", 21), limit("95:replay:project"), NOW)
    assert in_force(table) == "95:replay:project"
