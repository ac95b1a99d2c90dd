"""Quotas are read as the reference reads them: what has no form is refused, and what has one means the same.

The package `sentry-relay` reads project configurations and writes what it understood; it does not judge what a quota may be (`decisions.md`
2.2), so that is computed here from its answer. Random quotas, mostly well formed, each member now and then of a wrong kind.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quotas import Quota
from support.requirements import require

try:
    from sentry_relay.processing import normalize_project_config
except ImportError:
    normalize_project_config = None

CASES = 3_000
FRESH_CASES = 100_000

CATEGORIES = ["error", "transaction", "attachment", "log_byte", "profile_duration", "feedback", "user_report_v2"]
STRANGE = ["martian", "Error", " error", "", "unknown"]
BYTES = {"attachment", "log_byte", "trace_metric_byte"}
MILLISECONDS = {"profile_duration", "profile_duration_ui"}
ODD: list[Any] = [None, 5, -1, 1.0, 1.5, True, "x", "5", "", [], {}, 2**64, 2**64 - 1, ["error"], [None], {"a": 1}]

USUAL: dict[str, list[Any]] = {
    "id": ["q", "long id", None],
    "scope": ["organization", "project", "key", "galaxy", "Organization"],
    "scopeId": ["17", "x", "018", None],
    "window": [60, 3600, 0, 2**40],
    "limit": [0, 1, 5, None, 2**63, 2**63 - 1],
    "namespace": ["sessions", "spans", "transactions", "outcomes", "custom", "ufo", None],
    "reasonCode": ["hourly", "", None],
}


def random_quota(rng: random.Random) -> Any:
    if rng.random() < 0.02:
        return rng.choice([5, "x", None, True])
    quota: dict[str, Any] = {"id": "q", "categories": ["error"], "limit": 5, "window": 60}
    for member, values in USUAL.items():
        if rng.random() < 0.3:
            quota[member] = rng.choice(values)
    if rng.random() < 0.5:
        quota["categories"] = [
            rng.choice(CATEGORIES if rng.random() < 0.9 else STRANGE) for _ in range(rng.randrange(4))
        ]
    if rng.random() < 0.3:
        names = ["checkInSlug", "checkInEnvironment", "release", "CheckInSlug"]
        grouping: dict[str, Any] = {
            "maxCardinality": rng.choice([0, 1, 100, 2**32 - 1]),
            "dimensions": [names[min(3, int(rng.expovariate(1)))] for _ in range(rng.randrange(4))],
        }
        if rng.random() < 0.2:
            grouping[rng.choice(["maxCardinality", "dimensions"])] = rng.choice([odd for odd in ODD if odd != 5])
        if rng.random() < 0.1:
            del grouping[rng.choice(list(grouping))]
        quota["groupBy"] = grouping
    if rng.random() < 0.2:
        member = rng.choice([*USUAL, "categories"])
        quota[member] = rng.choice(ODD)
    if rng.random() < 0.1:
        quota.pop(rng.choice(list(quota)))
    return quota


def may_be(quota: dict[str, Any]) -> bool:
    """Whether the reference would count by what it read (2.2); a window of 0 is ours to refuse."""
    categories = [name for name in quota["categories"] if name != "unknown"]
    grouping = quota.get("groupBy")
    if quota["namespace"] == "unsupported" or (quota["categories"] and not categories):
        return False
    if grouping is not None and (not grouping["dimensions"] or "unknown" in grouping["dimensions"]):
        return False
    if quota["limit"] == 0:
        return True
    units = {"bytes" if name in BYTES else "time" if name in MILLISECONDS else "items" for name in categories}
    return len(units) == 1 and bool(quota["id"]) and bool(quota.get("window"))


def agrees(read: dict[str, Any], ours: Quota) -> bool:
    grouping = read.get("groupBy")
    scope = read["scope"] if read["scope"] != "unknown" else "key"
    limit = read["limit"] if read["limit"] is None or read["limit"] < 2**63 else None
    dimensions = None if grouping is None else (set(grouping["dimensions"]), grouping["maxCardinality"])
    return (
        ours.scope == scope
        and {category.wire for category in ours.categories} == set(read["categories"])
        and (ours.id or None) == (read["id"] or None)
        and (ours.limit, ours.window_s, ours.namespace) == (limit, read.get("window", 0) or 0, read["namespace"])
        and (ours.reason or "") == read.get("reasonCode", "")
        and dimensions
        == (None if ours.grouping is None else (set(ours.grouping.dimensions), ours.grouping.max_cardinality))
    )


def compare(seed: int, cases: int) -> None:
    require(normalize_project_config is not None, "needs the package sentry-relay")
    rng = random.Random(seed)
    refused = applied = 0
    for _ in range(cases):
        quota = random_quota(rng)
        quotas, problems = compile_quotas([quota])
        try:
            (read,) = normalize_project_config({"quotas": [quota]})["quotas"]
        except ValueError:
            refused += 1
            assert (len(quotas), len(problems)) == (0, 1), quota
            continue
        assert (len(quotas) == 1) is may_be(read), (quota, read, problems)
        assert len(problems) == 1 - len(quotas), quota
        for ours in quotas:
            applied += 1
            assert agrees(read, ours), (quota, read, ours)
    assert refused > cases / 20
    assert applied > cases / 20


def test_quotas_are_read_alike() -> None:
    compare(1, CASES)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_fresh_quotas_are_read_alike() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    compare(seed, FRESH_CASES)
