"""Any quotas over any envelope: nothing raises, nothing is lost without a booking, and nothing falls twice."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scrubjay.categories import DataCategory
from scrubjay.core.enforcement import draw_up, judge
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.items import KINDS, classify
from scrubjay.core.limits import ActiveLimit, Scoping
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quotas import Refusal
from scrubjay.errors import TooLarge
from support.path import Path, Plans, envelope

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CATEGORIES = st.sampled_from([category.wire for category in DataCategory])
CONDITIONS = st.sampled_from(
    [
        {"op": "eq", "name": "event.level", "value": "debug"},
        {"op": "glob", "name": "log.body", "value": ["a*"]},
        {"op": "not", "inner": {"op": "eq", "name": "event.release", "value": None}},
        {"op": "and", "inner": []},
        {"op": "neq"},
    ]
)
DIMENSIONS = st.sampled_from(
    ["checkInSlug", "checkInEnvironment", "release", "level", "fingerprint", "clientIp", "tag:a", "moon"]
)
GROUPING = st.fixed_dictionaries(
    {"maxCardinality": st.integers(0, 3), "dimensions": st.lists(DIMENSIONS, max_size=3)},
    optional={"overflow": st.sampled_from(["reject", "shared", "spill"])},
)


def quotas(*, extended: bool) -> st.SearchStrategy[Any]:
    ours: dict[str, Any] = {
        "algorithm": st.sampled_from(["fixed", "sliding", "bucket"]),
        "burst": st.integers(0, 5),
        "condition": CONDITIONS,
        "action": st.sampled_from(["drop", "observe", "sample:0.5", "sample:2"]),
    }
    usual: dict[str, Any] = {
        "scope": st.sampled_from(["organization", "project", "key", "galaxy"]),
        "scopeId": st.sampled_from(["7", "42", "17", "x"]),
        "namespace": st.sampled_from(["spans", "sessions", "ufo"]),
        "reasonCode": st.text(max_size=4),
        "groupBy": GROUPING,
        **(ours if extended else {}),
    }
    needed = {
        "id": st.sampled_from(["a", "b", "c", ""]),
        "categories": st.lists(CATEGORIES, min_size=1, max_size=2),
        "limit": st.sampled_from([0, 0, 1, 2, 5, None]),
        "window": st.sampled_from([60, 1, 0, 10**30]),
    }
    quota = st.fixed_dictionaries(needed, optional=usual)
    return st.lists(quota | quota | quota | JSON, max_size=5)


RECORD = st.fixed_dictionaries({}, optional={"body": st.sampled_from(["a", "b", 5]), "level": JSON, "attributes": JSON})
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "attachment_type": st.sampled_from(["event.minidump", "x"]),
        "content_type": st.sampled_from(["application/vnd.sentry.trace-attachment", "text/plain"]),
        "span_id": st.just("ad54d9ad54d9ad54"),
        "rate_limited": st.booleans(),
        "platform": st.sampled_from(["cocoa", "python"]),
        "item_count": st.integers(0, 4),
        "span_count": st.integers(0, 4),
        "meta_length": st.integers(0, 40),
    },
)
TYPES = st.sampled_from([*KINDS, "galaxy"])
BUCKETS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["c:spans/a@none", "c:sessions/a@none", 5])}), max_size=4
)
CONTAINERS = st.tuples(st.sampled_from(["log", "span", "trace_metric"]), st.lists(RECORD, max_size=4)).map(
    lambda pair: (pair[0], {"item_count": len(pair[1])}, {"items": pair[1]})
)
ITEMS = st.lists(
    st.tuples(TYPES, HEADERS, JSON | RECORD | st.just({"spans": [{}, {}]}))
    | CONTAINERS
    | st.tuples(st.just("metric_buckets"), st.just({}), BUCKETS),
    max_size=6,
)


def framed(items: list[tuple[str, dict[str, object], object]]) -> bytes:
    return envelope(
        *(
            (json.dumps({"type": item_type} | headers)[1:-1], json.dumps(payload))
            for item_type, headers, payload in items
        )
    )


@given(JSON | st.lists(JSON, max_size=3), quotas(extended=True))
def test_any_configuration(anything: Any, lists: Any) -> None:
    for config in (anything, lists):
        listed = config if isinstance(config, list) else [config]
        for forms in ((listed, ()), ((), listed)):
            found, problems = compile_quotas(*forms)
            assert len(found) <= len(listed)
            assert len(problems) >= len(listed) - len(found)


@settings(deadline=None)
@given(quotas(extended=False), quotas(extended=True), st.lists(ITEMS, min_size=1, max_size=3), st.booleans())
def test_any_envelope_under_any_quotas(own: Any, ours: Any, envelopes: Any, quirks: bool) -> None:
    """Through the whole path without scrubbing; the ledger is strict, so that an account that does not close raises."""
    found, _ = compile_quotas(own, ours, quirks=quirks)
    plan = ProjectPlan("r", project_id=7, organization_id=42, quotas=found)
    path = Path(None)
    path.ports.plans = Plans({"*": plan})
    for items in envelopes:
        with suppress(TooLarge):
            answer = path.send(framed(items), forwarded_for="10.0.0.1")
            assert answer.status in (200, 429)
        assert path.closes()


@given(quotas(extended=True), ITEMS, st.lists(st.lists(CATEGORIES, max_size=2), max_size=3), st.booleans())
def test_nothing_falls_twice(ours: Any, items: Any, limited: Any, quirks: bool) -> None:
    read = parse_envelope(framed(items)).items
    for item in read:
        classify(item)
    limits = [ActiveLimit("key", frozenset(map(DataCategory.parse, names)), 60.0) for names in limited]
    found, _ = compile_quotas((), ours, quirks=quirks)
    rulings = [judge(read, limits, quirks=quirks)]
    bill = draw_up(read, found, Scoping("k", 7, 42, 17), event_id=None)
    if bill is not None:
        for position, charge in enumerate(bill.charges):
            assert charge.counters
            assert charge.after is None or charge.after < position
            assert all(counter.quota.limit != 0 for counter in charge.counters)
        everything = [tuple(Refusal(counter.quota, 5) for counter in charge.counters) for charge in bill.charges]
        rulings += [bill.settle(everything, 0.0), bill.settle([()] * len(bill.charges), 0.0)]
    for ruling in rulings:
        fallen = [id(fall.item) for fall in ruling.falls]
        assert len(fallen) == len(set(fallen))
        assert not {id(mark.item) for mark in ruling.marks} & set(fallen)
        assert not {id(cut.item) for cut in ruling.cuts} & set(fallen)
