"""By what quotas tell items apart (`decisions.md` 2.1, 9.1)."""

from ipaddress import ip_address

import pytest
from msgspec import Raw

from scrubjay.core.dimensions import Counted, group_of, is_dimension
from scrubjay.core.quotas import Grouping
from scrubjay.core.subjects import subject_of, subject_of_record
from support.items import make_item

EVENT = {
    "release": "shop@1.2.0",
    "environment": "prod",
    "transaction": "/pay",
    "level": "warning",
    "tags": {"shop": "berlin", "paid": "true"},
    "exception": {"values": [{"type": "ValueError", "value": "no"}]},
}
RECORD = b"""{"level":"warn","body":"disk full","attributes":{"sentry.release":{"value":"shop@1.2.0","type":"string"},
"sentry.environment":{"value":"prod","type":"string"},"sentry.segment.name":{"value":"/pay","type":"string"},
"shop":{"value":"berlin","type":"string"},"paid":{"value":true,"type":"boolean"}}}"""
CHECK_IN = {"monitor_slug": "nightly", "environment": "prod", "status": "ok"}


def of_item(item_type: str, payload: object, ip: str | None = None) -> Counted:
    item = make_item(item_type, payload)
    return Counted(item.kind.type, subject_of(item, None if ip is None else ip_address(ip)))


def of_record(item_type: str, record: bytes) -> Counted:
    return Counted(item_type, subject_of_record(item_type, Raw(record)), is_record=True)


def group(counted: Counted, *dimensions: str, needs_all: bool = False) -> str | None:
    return group_of(Grouping(dimensions, 10, needs_all=needs_all), counted)


def has(counted: Counted, dimension: str) -> bool:
    """Whether it has a value there."""
    return group(counted, dimension, needs_all=True) is not None


@pytest.mark.parametrize("dimension", ["release", "environment", "transaction", "level", "fingerprint", "tag:shop"])
def test_events_and_logs_have_all_but_the_client_s_address(dimension: str) -> None:
    assert has(of_item("event", EVENT), dimension)
    assert has(of_record("log", RECORD), dimension)
    assert not has(of_item("event", EVENT), "checkInSlug")
    assert not has(of_item("event", EVENT), "clientIp")


def test_the_same_value_is_the_same_group_wherever_it_stands() -> None:
    for dimension in ("release", "environment", "transaction", "tag:shop"):
        groups = {
            group(counted, dimension)
            for counted in (
                of_item("event", EVENT),
                of_item("transaction", EVENT),
                of_record("log", RECORD),
                of_record("span", RECORD),
                of_record("trace_metric", RECORD),
            )
        }
        assert len(groups) == 1
    assert group(of_item("session", {"attrs": {"release": "shop@1.2.0"}}), "release") == group(
        of_item("replay_event", EVENT), "release"
    )
    single = {"data": {"sentry.release": "shop@1.2.0"}, "tags": {"shop": "berlin"}}
    assert group(of_item("span", single), "release") == group(of_item("event", EVENT), "release")
    assert group(of_item("span", single), "tag:shop") == group(of_item("event", EVENT), "tag:shop")


def test_values_are_hashed_and_told_apart() -> None:
    one = group(of_item("event", EVENT), "release", "environment")
    assert one is not None
    assert len(one) == 32
    others = [
        EVENT | {"release": "shop@1.2.1"},
        EVENT | {"environment": "dev"},
        EVENT | {"release": "shop@1.2.0p", "environment": "rod"},
        EVENT | {"release": "prod", "environment": "shop@1.2.0"},
        EVENT | {"release": None},
    ]
    assert len({one, *(group(of_item("event", other), "release", "environment") for other in others)}) == 6


def test_a_missing_value_is_an_empty_one_unless_all_are_needed() -> None:
    without = of_item("event", {"environment": "prod"})
    empty = of_item("event", {"environment": "prod", "release": ""})
    assert group(without, "release") == group(empty, "release")
    assert group(without, "release", "environment", needs_all=True) is None
    assert group(of_item("attachment", b"\0\1"), "release", "tag:shop") is not None


def test_check_ins() -> None:
    check_in = of_item("check_in", CHECK_IN)
    assert has(check_in, "checkInSlug")
    assert group(check_in, "checkInEnvironment") == group(of_item("event", EVENT), "environment")
    assert group(check_in, "environment") == group(check_in, "checkInEnvironment")
    assert not has(check_in, "release")
    assert not has(of_item("check_in", {"monitor_slug": 5}), "checkInSlug")
    assert not has(of_item("check_in", b"nonsense"), "checkInSlug")


def test_the_client_s_address() -> None:
    assert has(of_item("attachment", b"x", ip="10.0.0.1"), "clientIp")
    assert group(of_item("event", EVENT, ip="10.0.0.1"), "clientIp") != group(
        of_item("event", EVENT, ip="10.0.0.2"), "clientIp"
    )


def test_what_has_no_such_value() -> None:
    assert not has(of_record("span", RECORD), "level")
    assert not has(of_record("trace_metric", RECORD), "fingerprint")
    assert not has(of_record("log", RECORD), "checkInSlug")
    assert not has(of_item("transaction", EVENT), "fingerprint")
    assert not has(of_item("event", b"nonsense"), "release")
    assert not has(of_record("log", b"5"), "level")


def test_fingerprints_tell_kinds_of_errors_apart() -> None:
    same = EVENT | {"exception": {"values": [{"type": "ValueError", "value": "yes"}]}}
    other = EVENT | {"exception": {"values": [{"type": "KeyError", "value": "no"}]}}
    assert group(of_item("event", same), "fingerprint") == group(of_item("event", EVENT), "fingerprint")
    assert group(of_item("event", other), "fingerprint") != group(of_item("event", EVENT), "fingerprint")


def test_names() -> None:
    names = ("checkInSlug", "checkInEnvironment", "release", "clientIp", "tag:a", "tag:a.b")
    assert all(map(is_dimension, names))
    assert not any(map(is_dimension, ("tag:", "tag", "Release", "moon", "")))
