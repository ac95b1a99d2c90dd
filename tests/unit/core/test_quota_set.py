"""The quotas of a plan together: what refuses without counting, and what an envelope pays for (`decisions.md` 2.5, 12)."""

from scrubjay.categories import DataCategory as C
from scrubjay.core.limits import ActiveLimit, Scoping, format_rate_limits
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quota_set import NO_QUOTAS, QuotaSet
from scrubjay.core.quotas import bit, mask_of

NOW = 1_000.0
SCOPING = Scoping("a94ae32be2584e0bbd7a4cbb95971fee", 21, 42, 17)
ERRORS = {"id": "q", "categories": ["error"], "limit": 5, "window": 60}


def compiled(
    *own: object, extended: tuple[object, ...] = (), shared: tuple[object, ...] = (), quirks: bool = False
) -> QuotaSet:
    quotas, problems = compile_quotas(own, extended, shared, quirks=quirks)
    assert problems == []
    return quotas


def told(limits: tuple[ActiveLimit, ...]) -> str:
    answer = format_rate_limits(limits, NOW)
    return "" if answer is None else answer[1]


def test_a_zero_quota_for_everything_decisions_10() -> None:
    limits = compiled({"limit": 0, "reasonCode": "off"}).zero_limits(SCOPING, NOW)
    assert told(limits) == "60::organization:off"
    assert limits[0].takes(C.ERROR)
    assert limits[0].takes(C.LOG_BYTE)


def test_unknown_scope_is_reported_as_key_decisions_16() -> None:
    quotas = compiled({"scope": "galaxy", "limit": 0, "reasonCode": "far"})
    assert told(quotas.zero_limits(SCOPING, NOW)) == "60::key:far"


def test_zero_quotas_are_widened_as_limits_of_the_server() -> None:
    """Q10; the reference does not."""
    quota = {"categories": ["transaction"], "limit": 0}
    assert told(compiled(quota).zero_limits(SCOPING, NOW)) == "60:transaction;span:organization"
    assert told(compiled(quota, quirks=True).zero_limits(SCOPING, NOW)) == "60:transaction:organization"
    span = bit(C.SPAN)
    assert compiled(quota).zero_limits(SCOPING, NOW, span)
    assert compiled(quota).bound_to(SCOPING).of(C.SPAN).zero
    assert not compiled(quota, quirks=True).zero_limits(SCOPING, NOW, span)
    assert not compiled(quota, quirks=True).bound_to(SCOPING).of(C.SPAN).zero


def test_zero_quotas_of_others_do_not_count() -> None:
    quotas = compiled({"limit": 0, "scope": "project", "scopeId": "99"}, ERRORS)
    assert quotas.zero_limits(SCOPING, NOW) == ()


def test_zero_quotas_of_other_categories_cost_nothing() -> None:
    quotas = compiled({"categories": ["replay"], "limit": 0}, {"categories": ["error"], "limit": 0, "scopeId": "99"})
    assert quotas.zero_limits(SCOPING, NOW, bit(C.LOG_ITEM)) == ()
    assert quotas.zero_limits(SCOPING, NOW, bit(C.ERROR)) == ()
    assert len(quotas.zero_limits(SCOPING, NOW, mask_of([C.ERROR, C.REPLAY]))) == 1


def test_not_more_than_asked_for_are_named() -> None:
    quotas = compiled(*({"categories": ["error"], "limit": 0, "reasonCode": str(number)} for number in range(30)))
    assert [limit.reason for limit in quotas.zero_limits(SCOPING, NOW, most=3)] == ["0", "1", "2"]
    assert len(quotas.zero_limits(SCOPING, NOW)) == 30


def test_global_zero_quotas_are_not_known_at_the_gate() -> None:
    quotas = compiled(shared=({"categories": ["error"], "limit": 0, "reasonCode": "all"},))
    assert quotas.zero_limits(SCOPING, NOW) == ()
    assert [quota.reason for quota in quotas.bound_to(SCOPING).of(C.ERROR).zero] == ["all"]


def test_zero_quotas_that_look_at_items_are_not_known_at_the_gate() -> None:
    condition = {"op": "eq", "name": "event.level", "value": "debug"}
    quotas = compiled(extended=({"categories": ["error"], "limit": 0, "condition": condition},))
    assert quotas.zero_limits(SCOPING, NOW) == ()
    about = quotas.bound_to(SCOPING).of(C.ERROR)
    assert about.zero == ()
    assert about.closed == quotas.quotas
    assert about.hard == ()
    assert quotas.looks_into == bit(C.ERROR)


def test_quotas_are_sorted_by_category() -> None:
    quotas = compiled(
        ERRORS,
        ERRORS | {"id": "k", "categories": ["error", "log_item"], "scope": "key"},
        ERRORS | {"id": "other", "scope": "key", "scopeId": "18"},
        extended=(
            ERRORS | {"id": "watch", "action": "observe"},
            ERRORS | {"id": "by", "groupBy": {"maxCardinality": 2, "dimensions": ["release"]}},
        ),
    )
    about = quotas.bound_to(SCOPING).of(C.ERROR)
    assert [(counter.quota.id, counter.organization_id, counter.subscope) for counter in about.counters] == [
        ("q", 42, None),
        ("k", 42, 17),
    ]
    assert [quota.id for quota in about.hard] == ["by"]
    assert [quota.id for quota in about.soft] == ["watch"]
    assert [counter.quota.id for counter in quotas.bound_to(SCOPING).of(C.LOG_ITEM).counters] == ["k"]
    assert quotas.touches == mask_of([C.ERROR, C.LOG_ITEM])


def test_namespaces_are_about_buckets_alone_decisions_27() -> None:
    spans = {"id": "s", "categories": ["metric_bucket", "error"], "namespace": "spans", "limit": 5, "window": 60}
    quotas = compiled(spans, spans | {"id": "z", "namespace": "sessions", "limit": 0, "reasonCode": "z"})
    bound = quotas.bound_to(SCOPING)
    assert quotas.touches == bit(C.METRIC_BUCKET)
    assert bound.of(C.ERROR).counters == bound.of(C.ERROR).zero == bound.of(C.METRIC_BUCKET).counters == ()
    assert [counter.quota.id for counter in bound.of_buckets("spans").counters] == ["s"]
    assert [quota.id for quota in bound.of_buckets("sessions").zero] == ["z"]
    assert bound.of_buckets("custom").counters == bound.of_buckets("custom").zero == ()


def test_what_binds_a_key_is_remembered_within_bounds() -> None:
    quotas = compiled(ERRORS)
    first = quotas.bound_to(SCOPING)
    assert quotas.bound_to(SCOPING) is first
    assert quotas.bound_to(Scoping(*(SCOPING.key, 21, 42, 17))) is first
    for number in range(2_000):
        quotas.bound_to(Scoping(str(number)))
    assert quotas.bound_to(SCOPING) is not first
    assert quotas.bound_to(SCOPING).of(C.ERROR) is quotas.bound_to(SCOPING).of(C.ERROR)


def test_a_set_is_a_sequence_of_its_quotas() -> None:
    quotas = compiled(ERRORS, shared=(ERRORS | {"id": "first"},))
    assert [quota.id for quota in quotas] == ["first", "q"]
    assert len(quotas) == 2
    assert not NO_QUOTAS
    assert NO_QUOTAS.zero_limits(SCOPING, NOW) == ()
    assert repr(quotas) == "<QuotaSet ['first', 'q']>"
    assert repr(quotas.bound_to(SCOPING)) == f"<BoundQuotas 2 of {SCOPING.key}>"
