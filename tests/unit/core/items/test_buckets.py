"""Metric buckets: told apart by namespace, and left out one by one (`decisions.md` 1.2, 2.3)."""

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.items.buckets import Buckets
from scrubjay.core.items.partial import Dropped, Thinned
from scrubjay.reasons import rate_limited
from support.items import make_item

NAMES = [
    ("c:spans/duration@millisecond", "spans"),
    ("d:transactions/measurements.lcp@millisecond", "transactions"),
    ("spans/duration", "spans"),
    ("c:custom/endpoint:8080/hits@none", "custom"),
    ("c:hits@none", "custom"),
    ("hits", "custom"),
    ("", "custom"),
    (5, "custom"),
    (None, "custom"),
]


@pytest.mark.parametrize(("name", "namespace"), NAMES)
def test_namespaces(name: object, namespace: str) -> None:
    buckets = Buckets.open(make_item("metric_buckets", [{"name": name, "value": 1}]))
    assert buckets is not None
    assert buckets.by_namespace() == {namespace: [0]}


def test_what_is_no_bucket_has_no_namespace() -> None:
    buckets = Buckets.open(make_item("metric_buckets", [5, {}, {"name": "c:spans/a@none"}]))
    assert buckets is not None
    assert buckets.by_namespace() == {"custom": [0, 1], "spans": [2]}
    assert repr(buckets) == "<Buckets 3>"


@pytest.mark.parametrize("payload", [b"{}", b"", b"nonsense", b"[", b"null"])
def test_what_is_no_list_is_not_opened(payload: bytes) -> None:
    assert Buckets.open(make_item("metric_buckets", payload)) is None


def test_buckets_fall_by_cause_and_the_last_take_the_item() -> None:
    buckets = Buckets.open(make_item("metric_buckets", b'[ {"a":1}, {"b": 2},{"c":3} ]'))
    assert buckets is not None
    one, other = Dropped(rate_limited("one"), "q1"), Dropped(rate_limited("other"), "q2")
    assert buckets.let_fall([None, None, None]) == ()
    assert buckets.let_fall([None, one, None]) == (
        Thinned(one.reason, "q1", b'[{"a":1},{"c":3}]', 2, ((C.METRIC_BUCKET, 1),)),
    )
    assert buckets.let_fall([one, other, one]) == (
        Thinned(one.reason, "q1", b'[{"b": 2}]', 1, ((C.METRIC_BUCKET, 2),)),
        other,
    )
