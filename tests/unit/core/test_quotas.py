"""Quotas: form, validity, matching, windows (`decisions.md` 2.1 to 2.4)."""

import pytest

from scrubjay.core.limits import Scoping, format_rate_limits
from scrubjay.core.quotas import Counter, Quota, compile_quotas, counters_for, zero_limits
from scrubjay.reasons import DataCategory as C

NOW = 1_000.0
SCOPING = Scoping("a94ae32be2584e0bbd7a4cbb95971fee", 21, 42, 17)
ERRORS = {"id": "q", "categories": ["error"], "limit": 5, "window": 60}


def compiled(**members: object) -> Quota:
    (quota,), problems = compile_quotas([members])
    assert problems == []
    return quota


def problem_of(config: object) -> str:
    quotas, (problem,) = compile_quotas([config])
    assert quotas == ()
    return problem.removeprefix("quotas[0]: ").removesuffix("; this quota is not applied")


# Form and validity


def test_a_full_quota() -> None:
    quota = compiled(
        id="k17e",
        scope="key",
        scopeId="17",
        categories=["error"],
        limit=2000,
        window=3600,
        reasonCode="key_hourly",
        other=1,
    )
    assert quota == Quota("k17e", "key", frozenset({C.ERROR}), 2000, 3600, 17, "key_hourly")


def test_what_may_be_left_out() -> None:
    assert compiled(limit=0) == Quota("", "organization", frozenset(), 0)
    assert compiled(
        id=None, scope=None, scopeId=None, limit=0, reasonCode=None, namespace=None, groupBy=None
    ) == compiled(limit=0)
    assert compiled(**ERRORS | {"limit": None}).limit is None


def test_a_limit_beyond_counting_never_rejects() -> None:
    assert compiled(**ERRORS | {"limit": 2**63}).limit is None
    assert compiled(**ERRORS | {"limit": 2**63 - 1}).limit == 2**63 - 1


BROKEN = [
    ("no object", ["error"], "not an object"),
    (
        "decisions-11 units",
        ERRORS | {"categories": ["error", "attachment"]},
        "its categories are counted in different units",
    ),
    (
        "time is a unit",
        ERRORS | {"categories": ["error", "profile_duration"]},
        "its categories are counted in different units",
    ),
    ("decisions-14", {"categories": ["martian"], "limit": 0}, "no known category"),
    ("decisions-28", ERRORS | {"window": 0}, "`window` is missing or 0"),
    (
        "decisions-25 not yet",
        ERRORS | {"groupBy": {"maxCardinality": 2, "dimensions": ["checkInSlug"]}},
        "`groupBy` is not supported yet",
    ),
    ("other ways to count", ERRORS | {"algorithm": "sliding"}, "`algorithm` is not supported yet"),
    ("other actions", ERRORS | {"action": "observe"}, "`action` is not supported yet"),
    ("no window", {"id": "q", "categories": ["error"], "limit": 5}, "`window` is missing or 0"),
    ("no id", ERRORS | {"id": ""}, "`id` is missing"),
    ("no categories", ERRORS | {"categories": []}, "without categories only a limit of 0 makes sense, as units differ"),
    ("namespace", ERRORS | {"namespace": "ufo"}, "unknown namespace 'ufo'"),
    ("limit as text", ERRORS | {"limit": "5"}, "`limit` must be a whole number, not negative"),
    ("negative limit", ERRORS | {"limit": -1}, "`limit` must be a whole number, not negative"),
    ("fractional limit", ERRORS | {"limit": 1.5}, "`limit` must be a whole number, not negative"),
    ("limit as truth", ERRORS | {"limit": True}, "`limit` must be a whole number, not negative"),
    ("limit too long", ERRORS | {"limit": 2**64}, "`limit` must be a whole number, not negative"),
    ("numeric scope id", ERRORS | {"scopeId": 17}, "`scopeId` must be text"),
    ("categories null", ERRORS | {"categories": None}, "`categories` must be a list of names"),
    ("categories as text", ERRORS | {"categories": "error"}, "`categories` must be a list of names"),
    ("categories of numbers", ERRORS | {"categories": [1]}, "`categories` must be a list of names"),
    ("reason as number", ERRORS | {"reasonCode": 5}, "`reasonCode` must be text"),
]


@pytest.mark.parametrize(("config", "problem"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_quota_is_left_out_and_named(config: object, problem: str) -> None:
    assert problem_of(config) == problem


def test_a_broken_quota_disables_no_other() -> None:
    quotas, problems = compile_quotas([ERRORS | {"limit": "5"}, ERRORS])
    assert [quota.id for quota in quotas] == ["q"]
    assert problems == ["quotas[0]: `limit` must be a whole number, not negative; this quota is not applied"]


def test_a_zero_quota_may_mix_units_decisions_11() -> None:
    assert compiled(categories=["error", "attachment"], limit=0).categories == {C.ERROR, C.ATTACHMENT}


def test_an_unknown_category_beside_a_known_one_is_fine() -> None:
    assert compiled(**ERRORS | {"categories": ["martian", "attachment"]}).counts(C.ATTACHMENT)


def test_a_reason_code_is_made_fit_for_a_header() -> None:
    assert compiled(limit=0, reasonCode="a:b,c\nd").reason == "a_b_c_d"
    assert compiled(limit=0, reasonCode=" ").reason is None


def test_what_is_plain_in_the_extended_form_is_accepted() -> None:
    assert compiled(**ERRORS | {"algorithm": "fixed", "action": "drop", "burst": None}) == compiled(**ERRORS)


# Matching


SCOPES = [
    ("decisions-15 key", "key", "17", True),
    ("decisions-15 leading zero", "key", "018", False),
    ("leading zero of the right number", "key", "017", True),
    ("decisions-15 no number", "key", "x", False),
    ("sign", "key", "+17", False),
    ("longer than any id", "key", "0" * 19 + "17", False),
    ("other digits", "key", "١٧", False),
    ("project", "project", "21", True),
    ("other project", "project", "17", False),
    ("organization", "organization", "42", True),
    ("other organization", "organization", "21", False),
    ("decisions-16 unknown scope", "galaxy", "17", False),
    ("case counts", "Organization", "42", False),
    ("decisions-16 unknown scope for all", "galaxy", None, True),
    ("all", "key", None, True),
]


@pytest.mark.parametrize(
    ("scope", "scope_id", "expected"), [case[1:] for case in SCOPES], ids=[case[0] for case in SCOPES]
)
def test_binds(scope: str, scope_id: str | None, expected: bool) -> None:
    quota = compiled(**ERRORS | {"scope": scope, "scopeId": scope_id})
    assert quota.binds(SCOPING) is expected


def test_ids_that_are_not_known_never_match_decisions_15() -> None:
    nobody = Scoping(SCOPING.key)
    for scope in ("key", "project", "organization"):
        assert not compiled(**ERRORS | {"scope": scope, "scopeId": "17"}).binds(nobody)
        assert compiled(**ERRORS | {"scope": scope}).binds(nobody)


def test_unknown_scope_is_reported_as_key_decisions_16() -> None:
    quota = compiled(scope="galaxy", limit=0, reasonCode="far")
    assert format_rate_limits(zero_limits([quota], SCOPING, NOW), NOW) == (60, "60::key:far")


def test_categories() -> None:
    assert compiled(**ERRORS).counts(C.ERROR)
    assert not compiled(**ERRORS).counts(C.TRANSACTION)
    assert compiled(limit=0).counts(C.TRANSACTION)


def test_a_namespace_is_about_metric_buckets_alone_decisions_27() -> None:
    quota = compiled(**ERRORS | {"categories": ["metric_bucket"], "namespace": "spans"})
    assert not quota.counts(C.ERROR)
    assert not quota.counts(C.METRIC_BUCKET)
    assert quota.refusal(NOW).namespaces == {"spans"}


# Zero quotas


def test_a_zero_quota_for_everything_decisions_10() -> None:
    limits = zero_limits([compiled(limit=0, reasonCode="off")], SCOPING, NOW)
    assert format_rate_limits(limits, NOW) == (60, "60::organization:off")
    assert limits[0].takes(C.ERROR)
    assert limits[0].takes(C.LOG_BYTE)


def test_zero_quotas_are_widened_as_limits_of_the_server() -> None:
    limits = zero_limits([compiled(categories=["transaction"], limit=0)], SCOPING, NOW)
    assert format_rate_limits(limits, NOW) == (60, "60:transaction;span:organization")


def test_zero_quotas_of_others_do_not_count() -> None:
    quotas = [compiled(limit=0, scope="project", scopeId="99"), compiled(**ERRORS)]
    assert zero_limits(quotas, SCOPING, NOW) == ()


# Windows and counters


WINDOWS = [
    (42, 60, 1_700_000_000, 28_333_332, 1_700_000_022),
    (42, 60, 1_700_000_021, 28_333_332, 1_700_000_022),
    (42, 60, 1_700_000_022, 28_333_333, 1_700_000_082),
    (1, 60, 1_700_000_000, 28_333_333, 1_700_000_041),
    (4711, 86_400, 1_700_000_000, 19_675, 1_700_011_111),
]


@pytest.mark.parametrize(("org", "window_s", "now", "slot", "ends"), WINDOWS)
def test_windows(org: int, window_s: int, now: int, slot: int, ends: int) -> None:
    quota = compiled(**ERRORS | {"window": window_s})
    assert quota.window(org, now) == (slot, ends)
    assert quota.window(org, now + 0.999) == (slot, ends)


def test_counters() -> None:
    quotas = tuple(compiled(**ERRORS | {"id": scope, "scope": scope}) for scope in ("organization", "project", "key"))
    for_all, for_project, for_key = quotas
    assert counters_for((*quotas, compiled(limit=0)), C.ERROR, SCOPING) == (
        Counter(for_all, 42, None),
        Counter(for_project, 42, 21),
        Counter(for_key, 42, 17),
    )
    assert counters_for(quotas, C.TRANSACTION, SCOPING) == ()


def test_counters_without_ids_use_the_key_and_organisation_0() -> None:
    quota = compiled(**ERRORS | {"scope": "key"})
    assert counters_for([quota], C.ERROR, Scoping("abc")) == (Counter(quota, 0, "abc"),)
