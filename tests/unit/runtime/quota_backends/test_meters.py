"""Counters as authorities know them: one name each, and the windows of the table (`decisions.md` 2.4)."""

import pytest

from scrubjay.core.limits import Scoping
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quotas import counter_of
from scrubjay.runtime.quota_backends.meters import meter_of
from scrubjay.runtime.quota_sharing.ledger import Meter

WINDOWS = [
    (42, 60, 1_700_000_000, 28_333_332, 1_700_000_022),
    (42, 60, 1_700_000_021, 28_333_332, 1_700_000_022),
    (42, 60, 1_700_000_022, 28_333_333, 1_700_000_082),
    (1, 60, 1_700_000_000, 28_333_333, 1_700_000_041),
    (4711, 86_400, 1_700_000_000, 19_675, 1_700_011_111),
]


def meter(window_s: int = 60, org: int | None = 42, group: str | None = None, **members: object) -> Meter:
    config = {"id": "q", "categories": ["error"], "limit": 5, "window": window_s} | members
    quotas, problems = compile_quotas((), [config])
    assert problems == []
    return meter_of(counter_of(quotas.quotas[0], Scoping("a" * 32, 21, org, 17), group))


@pytest.mark.parametrize(("org", "window_s", "now", "slot", "ends"), WINDOWS)
def test_windows(org: int, window_s: int, now: int, slot: int, ends: int) -> None:
    assert meter(window_s, org).window(now) == (slot, ends)


def test_no_two_counters_share_a_name() -> None:
    metrics = {"categories": ["metric_bucket"]}
    meters = [
        meter(),
        meter(org=43),
        meter(id="q:"),
        meter(id="p"),
        meter(scope="project"),
        meter(scope="key"),
        meter(**metrics, namespace="spans"),
        meter(groupBy={"maxCardinality": 2, "dimensions": ["release"]}, group="a"),
        meter(groupBy={"maxCardinality": 2, "dimensions": ["release"]}, group="b"),
    ]
    assert len({one.key for one in meters}) == len(meters)
