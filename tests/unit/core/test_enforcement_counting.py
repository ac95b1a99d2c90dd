"""What falls to counted quotas (`decisions.md` 2.4, 2.6): charges, their order, and what follows from refusals."""

from collections.abc import Sequence

from scrubjay.categories import DataCategory as C
from scrubjay.core.enforcement import Bill, draw_up, judge
from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Dropped, Thinned
from scrubjay.core.limits import LimitTable
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quota_set import QuotaSet
from scrubjay.core.quotas import Charge, Refusal
from scrubjay.core.rulings import NOTHING, Ruling
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from support import spending
from support.items import make_item
from support.limited import (
    ATTACHMENT,
    EVENT,
    LOG,
    MINIDUMP,
    NOW,
    SPAN_ATTACHMENT,
    TRANSACTION,
    items_of,
    positions,
    told,
)
from support.spending import SCOPING, Spender


def quotas_of(**limits: int | None) -> QuotaSet:
    """A quota per category, named after it."""
    quotas, problems = compile_quotas(
        [
            {"id": name, "categories": [name], "limit": limit, "window": 60, "reasonCode": name}
            for name, limit in limits.items()
        ]
    )
    assert problems == []
    return quotas


def bill_for(quotas: QuotaSet, items: Sequence[Item]) -> Bill:
    bill = draw_up(items, quotas, SCOPING)
    assert bill is not None
    return bill


def charged(bill: Bill) -> list[tuple[str, int, int | None]]:
    return [(charge.counters[0].quota.id, charge.amount, charge.after) for charge in bill.charges]


def settle(bill: Bill, *refused: str, left_s: int = 20) -> Ruling:
    """The ruling when the named quotas have no room."""

    def answer(charge: Charge) -> tuple[Refusal, ...]:
        return tuple(Refusal(counter.quota, left_s) for counter in charge.counters if counter.quota.id in refused)

    return bill.settle([answer(charge) for charge in bill.charges], NOW)


def test_no_quota_no_bill() -> None:
    quotas, _ = compile_quotas(
        [{"id": "q", "categories": ["error"], "limit": 1, "window": 60, "scope": "project", "scopeId": "99"}]
    )
    assert draw_up(items_of([EVENT]), quotas, SCOPING) is None
    assert draw_up(items_of([EVENT]), QuotaSet(), SCOPING) is None
    assert draw_up([], quotas_of(error=5), SCOPING) is None
    assert draw_up(items_of([LOG]), quotas_of(error=5), SCOPING) is None


def test_a_batch_is_one_charge_decisions_18() -> None:
    items = [make_item("log", b"x" * 30, item_count=5), make_item("log", b"x" * 12, item_count=2)]
    bill = bill_for(quotas_of(log_item=10, log_byte=100), items)
    assert charged(bill) == [("log_item", 7, None), ("log_byte", 42, 0)]
    assert settle(bill) == Ruling()
    assert len(settle(bill, "log_byte").falls) == 2


def test_a_refusal_is_a_limit_until_the_window_ends() -> None:
    bill = bill_for(quotas_of(error=5), items_of([EVENT, ATTACHMENT, LOG]))
    ruling = settle(bill, "error")
    assert [(fall.item.type, fall.limit.reason, fall.limit.origin) for fall in ruling.falls] == [
        ("event", "error", "error"),
        ("attachment", "error", "error"),
    ]
    assert told(ruling) == "20:error:organization:error"


def test_nobody_waits_longer_than_the_cap_decisions_23() -> None:
    bill = bill_for(quotas_of(error=5), items_of([EVENT]))
    assert told(settle(bill, "error", left_s=11_111)) == "300:error:organization:error"
    assert (
        told(bill.settle([(Refusal(quotas_of(error=5).quotas[0], 90),)], NOW, cap_s=60))
        == "60:error:organization:error"
    )


def test_what_falls_with_the_event_is_not_charged() -> None:
    bill = bill_for(
        quotas_of(error=5, attachment=100, profile=5, replay=9),
        items_of([EVENT, ATTACHMENT, ("profile", {}), ("replay_event", {})]),
    )
    assert charged(bill) == [("error", 1, None), ("attachment", 10, 0), ("profile", 1, 0), ("replay", 1, 0)]
    ruling = settle(bill, "error", "attachment")
    assert {fall.limit.reason for fall in ruling.falls} == {"error"}


def test_what_stands_alone_is_charged_whatever_becomes_of_the_event() -> None:
    bill = bill_for(
        quotas_of(error=5, replay=9, session=9),
        items_of([EVENT, ("replay_event", {}), ("replay_recording", {}), ("session", {})]),
    )
    assert charged(bill) == [("error", 1, None), ("session", 1, None), ("replay", 2, None)]


def test_the_number_of_attachments_is_charged_after_their_bytes() -> None:
    bill = bill_for(quotas_of(attachment=100, attachment_item=5), items_of([EVENT, ATTACHMENT, ATTACHMENT, MINIDUMP]))
    assert charged(bill) == [("attachment", 30, None), ("attachment_item", 3, 0)]
    ruling = settle(bill, "attachment_item")
    assert len(ruling.falls) == 2
    assert len(ruling.marks) == 1
    assert told(ruling) == "20:attachment_item:organization:attachment_item"


def test_a_check_without_a_quota_hands_its_condition_on() -> None:
    """The profile's own check has no quota: the probe of transactions comes after nothing, the last one after the probe."""
    bill = bill_for(quotas_of(transaction=5, profile_ui=5), items_of([("profile", {"platform": "cocoa"})]))
    assert charged(bill) == [("transaction", 0, None), ("profile_ui", 1, 0)]
    assert len(settle(bill, "transaction").falls) == 1


def test_indexed_categories_are_counted_too() -> None:
    items = items_of([TRANSACTION, ("span", {}), ("profile", {})])
    bill = bill_for(quotas_of(transaction_indexed=5, span_indexed=5, profile_indexed=5), items)
    assert charged(bill) == [("transaction_indexed", 1, None), ("span_indexed", 1, None), ("profile_indexed", 1, 0)]
    ruling = settle(bill, "transaction_indexed")
    assert positions(items, ruling) == {0, 2}
    assert positions(items, settle(bill, "span_indexed")) == {1}


def test_attachments_of_spans_probe_the_spans() -> None:
    bill = bill_for(quotas_of(span=5), items_of([SPAN_ATTACHMENT]))
    assert charged(bill) == [("span", 0, None)]


def test_a_zero_quota_refuses_without_counting_decisions_20() -> None:
    """Zero quotas on what the gate does not look at; nothing that comes after is charged."""
    quotas, _ = compile_quotas(
        [
            {"categories": ["transaction_indexed"], "limit": 0, "reasonCode": "off"},
            *(
                {"id": name, "categories": [name], "limit": 5, "window": 60}
                for name in ("profile", "profile_indexed", "error")
            ),
        ]
    )
    items = items_of([TRANSACTION, ("profile", {}), ("session", {})])
    bill = bill_for(quotas, items)
    assert bill.charges == []
    ruling = bill.settle([], NOW)
    assert positions(items, ruling) == {0, 1}
    assert told(ruling) == "60:transaction_indexed:organization:off"


def test_several_quotas_are_one_charge_decisions_19() -> None:
    quotas, _ = compile_quotas(
        [
            {"id": name, "categories": ["error"], "limit": 5, "window": 60, "reasonCode": name, "scope": scope}
            for name, scope in (("a", "key"), ("b", "project"))
        ]
    )
    bill = bill_for(quotas, items_of([EVENT]))
    assert [counter.quota.id for counter in bill.charges[0].counters] == ["a", "b"]
    assert told(settle(bill, "b")) == "20:error:project:b"


async def test_a_refusal_is_remembered_until_its_window_ends_decisions_31() -> None:
    """As the path does it: count, learn, and ask the table at the next request."""
    quotas, table, backend = quotas_of(error=2), LimitTable(), MemoryBackend()
    unix = 1_700_000_000

    async def refused(after_s: float) -> str:
        (item,) = items_of([EVENT])
        gate = judge([item], table.active(SCOPING, NOW + after_s))
        if gate.falls:
            return "gate"
        bill = bill_for(quotas, [item])
        ruling = bill.settle(await backend.consume(bill.charges, unix + after_s), NOW + after_s)
        table.learn(SCOPING, ruling.limits, NOW + after_s)
        return "count" if ruling.falls else ""

    # Organisation 42: the window ends after 22 seconds.
    assert [await refused(second) for second in (0, 1, 2, 3, 21, 22, 23)] == ["", "", "count", "gate", "gate", "", ""]


def buckets(*names: str) -> Item:
    return make_item("metric_buckets", [{"name": name, "value": 1} for name in names])


def test_metric_buckets_are_counted_by_namespace_decisions_27() -> None:
    """A quota with a namespace takes buckets of it alone, and no item of another category."""
    spans = {"id": "s", "categories": ["metric_bucket", "error"], "namespace": "spans", "limit": 3, "window": 60}
    spender = Spender(own=[spans, {"id": "all", "categories": ["metric_bucket"], "limit": 9, "window": 60}])
    item = buckets("c:spans/a@none", "c:sessions/b@none", "c:spans/c@none")
    assert spender.spend(item, *items_of([EVENT])) == NOTHING
    assert spender.consumed() == {"s": 2, "all": 3}
    ruling = spender.spend(item)
    (cut,) = ruling.cuts
    assert isinstance(cut.ruling, Thinned)
    assert cut.ruling.payload == b'[{"name": "c:sessions/b@none", "value": 1}]'
    assert cut.uncounted == cut.ruling.dropped == ((C.METRIC_BUCKET, 2),)
    assert spending.told(ruling) == "22:error;metric_bucket:organization::spans"
    assert spender.consumed() == {"s": 2, "all": 4}


def test_metric_buckets_of_a_zero_quota_leave_without_counting() -> None:
    off = {"categories": ["metric_bucket"], "namespace": "spans", "limit": 0, "reasonCode": "off"}
    spender = Spender(own=[off])
    ruling = spender.spend(buckets("c:spans/a@none"))
    (cut,) = ruling.cuts
    assert isinstance(cut.ruling, Dropped)
    assert (cut.ruling.reason.code, cut.uncounted) == ("off", ((C.METRIC_BUCKET, 1),))
    assert spending.told(ruling) == "60:metric_bucket:organization:off:spans"
    assert spender.charges == []
    for harmless in (buckets("c:sessions/a@none"), buckets(), make_item("metric_buckets", b"{}")):
        assert spender.spend(harmless) == NOTHING


def test_a_quota_that_only_counts_takes_no_buckets() -> None:
    spender = Spender(own=[{"id": "n", "categories": ["metric_bucket"], "limit": None, "window": 60}])
    assert spender.spend(buckets("c:spans/a@none", "x")) == NOTHING
    assert spender.consumed() == {"n": 2}


# Global quotas


def test_global_quotas_are_asked_first_and_after_the_gate() -> None:
    """A zero quota of the global configuration refuses what the gate let pass; nothing is counted then (`decisions.md` 2.5)."""
    off = {"categories": ["error"], "limit": 0, "reasonCode": "everywhere"}
    spender = Spender(own=[{"id": "own", "categories": ["error"], "limit": 9, "window": 60}], shared=[off])
    items = items_of([EVENT, LOG])
    assert judge(items, spender.quotas.zero_limits(SCOPING, NOW)) == NOTHING
    ruling = spender.spend(*items)
    assert [(fall.item.type, fall.limit.reason) for fall in ruling.falls] == [("event", "everywhere")]
    assert spending.told(ruling) == "60:error:organization:everywhere"
    assert spender.consumed() == {}


# By the table of windows (2.4)


def test_one_by_one_until_the_window_ends_decisions_22() -> None:
    spender = Spender(own=[{"id": "q", "categories": ["error"], "limit": 5, "window": 60}])
    (item,) = items_of([EVENT])
    assert [len(spender.spend(item).falls) for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert spending.told(spender.spend(item)) == "22:error:organization"
    assert spender.spend(item, after_s=22) == NOTHING


def test_a_probe_asks_and_adds_nothing_decisions_24() -> None:
    """A profile alone asks whether there is room for a transaction."""
    spender = Spender(own=[{"id": "q", "categories": ["transaction"], "limit": 1, "window": 60}])
    (profile,) = items_of([("profile", {})])
    assert spender.spend(profile) == NOTHING
    assert spender.consumed() == {}
    assert spender.spend(*items_of([TRANSACTION])) == NOTHING
    assert [fall.item for fall in spender.spend(profile).falls] == [profile]
    assert spender.consumed() == {"q": 1}
