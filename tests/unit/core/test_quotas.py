"""Quotas: matching, and what is counted for whom (`decisions.md` 2.3, 2.4)."""

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.limits import Scoping
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quotas import Counter, Quota, bit, counter_of, mask_of

NOW = 1_000.0
SCOPING = Scoping("a94ae32be2584e0bbd7a4cbb95971fee", 21, 42, 17)
ERRORS = {"id": "q", "categories": ["error"], "limit": 5, "window": 60}


def compiled(**members: object) -> Quota:
    quotas, problems = compile_quotas([members])
    assert problems == []
    return quotas.quotas[0]


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


def test_categories() -> None:
    assert compiled(**ERRORS).counts(C.ERROR)
    assert not compiled(**ERRORS).counts(C.TRANSACTION)
    assert compiled(limit=0).counts(C.TRANSACTION)


def test_a_namespace_is_about_metric_buckets_alone_decisions_27() -> None:
    quota = compiled(**ERRORS | {"categories": ["metric_bucket"], "namespace": "spans"})
    assert not quota.counts(C.ERROR)
    assert not quota.counts(C.METRIC_BUCKET)
    assert quota.counts(C.METRIC_BUCKET, "spans")
    assert not quota.counts(C.METRIC_BUCKET, "sessions")
    assert not quota.counts(C.ERROR, "spans")
    assert quota.refusal(NOW).namespaces == {"spans"}


# Counters


def test_counters() -> None:
    quotas = [compiled(**ERRORS | {"id": scope, "scope": scope}) for scope in ("organization", "project", "key")]
    assert [counter_of(quota, SCOPING) for quota in quotas] == [
        Counter(quotas[0], 42, None),
        Counter(quotas[1], 42, 21),
        Counter(quotas[2], 42, 17),
    ]
    assert counter_of(quotas[0], SCOPING, "prod") == Counter(quotas[0], 42, None, "prod")


def test_counters_without_ids_use_the_key_and_organisation_0() -> None:
    quota = compiled(**ERRORS | {"scope": "key"})
    assert counter_of(quota, Scoping("abc")) == Counter(quota, 0, "abc")


def test_masks() -> None:
    assert mask_of([]) == 0
    assert mask_of([C.ERROR, C.UNKNOWN]) == bit(C.ERROR) | bit(C.UNKNOWN)
    assert len({bit(category) for category in C}) == len(C)


def test_of_a_key_only_the_beginning_is_shown() -> None:
    by_scope = {scope: compiled(**ERRORS | {"scope": scope}) for scope in ("organization", "project", "key")}
    assert counter_of(by_scope["organization"], Scoping(SCOPING.key)).owner == "organization"
    assert counter_of(by_scope["organization"], SCOPING).owner == "organization 42"
    assert counter_of(by_scope["project"], Scoping(SCOPING.key)).owner == "project"
    assert counter_of(by_scope["project"], SCOPING).owner == "project 21"
    assert counter_of(by_scope["project"], Scoping(SCOPING.key, 4507312345678901)).owner == "project 4507312345678901"
    assert counter_of(by_scope["key"], SCOPING).owner == "key 17"
    shown = counter_of(by_scope["key"], Scoping(SCOPING.key)).owner
    assert shown.startswith("key a94ae32b")
    assert SCOPING.key not in shown
