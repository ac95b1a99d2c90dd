"""What falls to which limit (`decisions.md` 2.6), for known limits and for counted quotas."""

from collections.abc import Sequence

import pytest

from scrubjay.core.enforcement import Bill, draw_up, judge
from scrubjay.core.envelope import Item
from scrubjay.core.ledger import total
from scrubjay.core.limits import LimitTable, Scoping, format_rate_limits, limits_of_response, parse_rate_limits, widened
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.quota_set import QuotaSet
from scrubjay.core.quotas import Charge, Refusal
from scrubjay.core.rulings import Ruling
from scrubjay.reasons import DataCategory as C
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from support.items import make_item

NOW = 1_000.0
SCOPING = Scoping("a94ae32be2584e0bbd7a4cbb95971fee", 21, 42, 17)

EVENT = ("event", {})
TRANSACTION = ("transaction", {})
ATTACHMENT = ("attachment", {"filename": "a"})
MINIDUMP = ("attachment", {"attachment_type": "event.minidump"})
TRACE_ATTACHMENT = ("attachment", {"content_type": "application/vnd.sentry.trace-attachment", "meta_length": 4})
SPAN_ATTACHMENT = ("attachment", TRACE_ATTACHMENT[1] | {"span_id": "ad54d9ad54d9ad54"})
LOG = ("log", {"item_count": 1})

Kind = tuple[str, dict[str, object]]


def items_of(kinds: Sequence[Kind]) -> list[Item]:
    """Payloads of ten bytes, so that bytes can be told from counts."""
    return [make_item(item_type, b'{"a":1234}', **headers) for item_type, headers in kinds]


def by_known(header: str, *kinds: Kind) -> tuple[list[Item], Ruling]:
    items = items_of(kinds)
    return items, judge(items, [widened(limit) for limit in parse_rate_limits(header, NOW)])


def positions(items: list[Item], ruling: Ruling) -> set[int]:
    """Which items fall."""
    fallen = {id(fall.item) for fall in ruling.falls}
    return {position for position, item in enumerate(items) if id(item) in fallen}


def lost(ruling: Ruling) -> dict[str, int]:
    """What falls and is marked, by category."""
    fallen = {id(fall.item): fall for fall in ruling.falls}.values()
    parts = [part for fall in fallen for part in (fall.item.kind.quantities(fall.item), fall.uncounted)]
    return {category.wire: amount for category, amount in total([*parts, *(mark.lost for mark in ruling.marks)])}


def told(ruling: Ruling) -> str:
    answer = format_rate_limits(ruling.limits, NOW)
    return answer[1] if answer else ""


ALL_GONE = {0, 1}

KNOWN = [
    (
        "decisions-29",
        "60:error:key:e",
        [EVENT, ATTACHMENT],
        {0, 1},
        {"error": 1, "attachment": 10, "attachment_item": 1},
    ),
    ("decisions-30", "60:attachment:key:a", [EVENT, ATTACHMENT], {1}, {"attachment": 10, "attachment_item": 1}),
    (
        "decisions-30 by number",
        "60:attachment_item:key:a",
        [EVENT, ATTACHMENT],
        {1},
        {"attachment": 10, "attachment_item": 1},
    ),
    ("decisions-35", "60:session:key", [EVENT, ("session", {})], {1}, {"session": 1}),
    ("aggregates go like single sessions", "60:session:key", [EVENT, ("sessions", {})], {1}, {"session": 1}),
    (
        "decisions-36",
        "60:transaction:key",
        [TRANSACTION, ("profile", {})],
        {0, 1},
        {"transaction": 1, "transaction_indexed": 1, "span": 1, "span_indexed": 1, "profile": 1, "profile_indexed": 1},
    ),
    ("decisions-37", "60:transaction:key", [("profile", {})], {0}, {"profile": 1, "profile_indexed": 1}),
    (
        "a profile with an error obeys no limit on transactions",
        "60:transaction:key",
        [EVENT, ("profile", {})],
        set(),
        {},
    ),
    ("decisions-38", "60:transaction_indexed:key", [TRANSACTION], set(), {}),
    ("decisions-39", "60:transaction:key", [("span", {}), ("span", {})], {0, 1}, {"span": 2, "span_indexed": 2}),
    ("spans take transactions along", "60:span:key", [TRANSACTION], {0}, None),
    (
        "decisions-40",
        "60:profile_chunk_ui:key",
        [("profile_chunk", {"platform": "python"}), ("profile_chunk", {"platform": "javascript"})],
        {1},
        {"profile_chunk_ui": 1},
    ),
    ("a chunk without a platform is never limited", "60::key", [("profile_chunk", {})], set(), {}),
    ("decisions-41", "60:log_byte:key", [LOG, LOG], {0, 1}, {"log_item": 2, "log_byte": 20}),
    ("logs by number", "60:log_item:key", [LOG, LOG], {0, 1}, {"log_item": 2, "log_byte": 20}),
    ("decisions-42", "60:feedback:key", [("user_report", {})], {0}, {"feedback": 1}),
    ("feedback is an event", "60:feedback:key", [("feedback", {}), ATTACHMENT], {0, 1}, None),
    ("security reports", "60:security:key", [("raw_security", {})], {0}, {"security": 1}),
    ("decisions-43", "60::key", [("galaxy", {})], set(), {}),
    ("decisions-9", "60::key", [("client_report", {})], set(), {}),
    (
        "trace metrics by bytes",
        "60:trace_metric_byte:key",
        [("trace_metric", {"item_count": 3})],
        {0},
        {"trace_metric": 3, "trace_metric_byte": 10},
    ),
    ("replays fall together", "60:replay:key", [("replay_event", {}), ("replay_recording", {})], {0, 1}, {"replay": 2}),
    ("check-ins", "60:monitor:key", [("check_in", {})], {0}, {"monitor": 1}),
    (
        "backend profiles alone",
        "60:profile_backend:key",
        [("profile", {"platform": "python"}), ("profile", {"platform": "cocoa"})],
        {0},
        None,
    ),
    (
        "interface profiles alone",
        "60:profile_ui:key",
        [("profile", {"platform": "python"}), ("profile", {"platform": "cocoa"})],
        {1},
        None,
    ),
    (
        "the dependent ones of an event",
        "60:error:key",
        [EVENT, ("user_report", {}), ("form_data", {}), ("session", {})],
        {0, 1, 2},
        {"error": 1, "feedback": 1},
    ),
    ("an envelope is never dropped whole", "60:error:key", [EVENT, ("session", {}), LOG], {0}, {"error": 1}),
    ("crash reports are errors", "60:error:key", [MINIDUMP, ATTACHMENT], {0, 1}, None),
    ("trace attachments", "60:attachment:key", [TRACE_ATTACHMENT], {0}, {"attachment": 6, "attachment_item": 1}),
    ("attachments of spans fall with spans", "60:span:key", [SPAN_ATTACHMENT, TRACE_ATTACHMENT], {0}, None),
    ("attachments of spans fall as attachments", "60:attachment_item:key", [("span", {}), SPAN_ATTACHMENT], {1}, None),
    ("another category", "60:replay:key", [EVENT], set(), {}),
    ("metric namespaces", "60::key::spans", [EVENT], set(), {}),
]


@pytest.mark.parametrize(
    ("header", "kinds", "fallen", "counted"), [case[1:] for case in KNOWN], ids=[case[0] for case in KNOWN]
)
def test_known_limits(header: str, kinds: list[Kind], fallen: set[int], counted: dict[str, int] | None) -> None:
    items, ruling = by_known(header, *kinds)
    assert positions(items, ruling) == fallen
    assert bool(ruling.limits) is bool(fallen)
    if counted is not None:
        assert lost(ruling) == counted


def test_nothing_to_judge() -> None:
    assert judge([], parse_rate_limits("60::key", NOW)) == Ruling()
    assert judge(items_of([EVENT]), []) == Ruling()


def test_crash_reports_stay_and_are_marked_decisions_32() -> None:
    items, ruling = by_known("60:attachment:key", MINIDUMP)
    assert ruling.falls == ()
    assert [mark.item for mark in ruling.marks] == items
    assert lost(ruling) == {"attachment": 10, "attachment_item": 1}
    assert told(ruling) == ""


def test_a_marked_crash_report_is_not_counted_again_decisions_33() -> None:
    marked = ("attachment", MINIDUMP[1] | {"rate_limited": True})
    items, ruling = by_known("60:attachment;attachment_item;session:key", marked)
    assert ruling == Ruling()
    _, ruling = by_known("60:error:key", marked)
    assert len(ruling.falls) == 1
    assert items[0].creates_event


def test_crash_reports_stay_where_plain_files_go_decisions_34() -> None:
    items, ruling = by_known("60:attachment:key", MINIDUMP, ATTACHMENT)
    assert positions(items, ruling) == {1}
    assert [mark.item for mark in ruling.marks] == items[:1]
    assert lost(ruling) == {"attachment": 20, "attachment_item": 2}
    assert told(ruling) == "60:attachment:key"


def test_the_longest_limit_gives_the_reason_decisions_44() -> None:
    _, ruling = by_known("10:error:key:a, 50:error:project:b", EVENT)
    assert [fall.limit.reason for fall in ruling.falls] == ["b"]
    assert told(ruling) == "50:error:project:b, 10:error:key:a"


def test_metric_buckets_stay_but_the_client_is_told() -> None:
    items, ruling = by_known("60::key", ("metric_buckets", {}))
    assert positions(items, ruling) == set()
    assert told(ruling) == "60::key"


def test_spans_of_a_limited_transaction_are_counted_decisions_12() -> None:
    quotas, _ = compile_quotas([{"categories": ["transaction"], "limit": 0, "reasonCode": "r"}])
    item = make_item("transaction", {"spans": [{}, {}]})
    ruling = judge([item], quotas.zero_limits(SCOPING, NOW))
    assert lost(ruling) == {"transaction": 1, "transaction_indexed": 1, "span": 3, "span_indexed": 3}
    assert told(ruling) == "60:transaction;span:organization:r"


def test_an_announced_number_of_spans_is_trusted_decisions_13() -> None:
    item = make_item("transaction", {"spans": []}, span_count=666)
    ruling = judge([item], parse_rate_limits("60:transaction:key", NOW))
    assert lost(ruling)["span"] == 667


def test_the_announced_number_of_logs_counts_decisions_4() -> None:
    item = make_item("log", b"x" * 900, item_count=5)
    ruling = judge([item], parse_rate_limits("60:log_item:key", NOW))
    assert lost(ruling) == {"log_item": 5, "log_byte": 900}


# Counted quotas


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
    assert told(bill.settle([(Refusal(quotas_of(error=5).quotas[0], 90),)], NOW, cap_s=60)) == "60:error:organization:error"


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


def test_the_server_s_word_on_a_200_refuses_the_next_decisions_65() -> None:
    table = LimitTable()
    learnt = limits_of_response(200, ["60:replay:project"], None, now_mono=NOW, now_unix=0)
    table.learn(SCOPING, learnt, NOW)
    items = items_of([EVENT, ("replay_recording", {})])
    assert positions(items, judge(items, table.active(SCOPING, NOW))) == {1}


def test_metric_buckets_are_not_counted() -> None:
    assert draw_up(items_of([("metric_buckets", {})]), quotas_of(metric_bucket=5), SCOPING) is None


def test_one_pair_of_categories_with_one_bound() -> None:
    """Dropping once is enough, even where two checks could take the same item."""
    items, ruling = by_known("60::key", TRANSACTION, ("profile", {"platform": "cocoa"}))
    assert positions(items, ruling) == ALL_GONE
    assert len(ruling.falls) == 2
    assert C.SPAN not in dict(ruling.falls[1].uncounted)
