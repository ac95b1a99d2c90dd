"""What falls to limits that are known (`decisions.md` 2.6), and what the reference does otherwise; counting is beside it."""

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.enforcement import judge
from scrubjay.core.envelope import Item
from scrubjay.core.limits import LimitTable, limits_of_response, parse_rate_limits, widened
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.rulings import NOTHING, Ruling
from support.items import make_item
from support.limited import (
    ATTACHMENT,
    EVENT,
    LOG,
    MINIDUMP,
    NOW,
    SPAN_ATTACHMENT,
    TRACE_ATTACHMENT,
    TRANSACTION,
    Kind,
    items_of,
    lost,
    positions,
    told,
)
from support.spending import SCOPING, Spender


def by_known(header: str, *kinds: Kind) -> tuple[list[Item], Ruling]:
    items = items_of(kinds)
    return items, judge(items, [widened(limit) for limit in parse_rate_limits(header, NOW)])


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


def test_limits_on_other_categories_cost_no_look() -> None:
    items = items_of([EVENT])
    assert judge(items, parse_rate_limits("60:replay;session:key", NOW)) is NOTHING
    assert judge(items_of([("client_report", {})]), parse_rate_limits("60::key", NOW)) is NOTHING


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


def test_the_server_s_word_on_a_200_refuses_the_next_decisions_65() -> None:
    table = LimitTable()
    learnt = limits_of_response(200, ["60:replay:project"], None, now_mono=NOW, now_unix=0)
    table.learn(SCOPING, learnt, NOW)
    items = items_of([EVENT, ("replay_recording", {})])
    assert positions(items, judge(items, table.active(SCOPING, NOW))) == {1}


def test_one_pair_of_categories_with_one_bound() -> None:
    """Dropping once is enough, even where two checks could take the same item."""
    items, ruling = by_known("60::key", TRANSACTION, ("profile", {"platform": "cocoa"}))
    assert positions(items, ruling) == ALL_GONE
    assert len(ruling.falls) == 2
    assert C.SPAN not in dict(ruling.falls[1].uncounted)


# What the reference does otherwise (`decisions.md` 12)


def test_aggregates_of_sessions_survive_in_the_reference() -> None:
    """Q1: 429, and they stay."""
    items = items_of([("sessions", {}), ("session", {})])
    limits = parse_rate_limits("60:session:key", NOW)
    assert positions(items, judge(items, limits)) == {0, 1}
    ruling = judge(items, limits, quirks=True)
    assert positions(items, ruling) == {1}
    ruling = judge(items[:1], limits, quirks=True)
    assert ruling.falls == ()
    assert told(ruling) == "60:session:key"


def test_what_falls_with_an_event_is_told_by_us_alone() -> None:
    """Q11: reports of users and replays fall with the event's reason; the reference tells nobody."""
    items = items_of([EVENT, ATTACHMENT, ("user_report", {}), ("replay_event", {})])
    limits = parse_rate_limits("60:error:key:e", NOW)
    assert [(fall.item.type, fall.is_reported) for fall in judge(items, limits).falls] == [
        ("event", True),
        ("attachment", True),
        ("user_report", True),
        ("replay_event", True),
    ]
    silent = [("user_report", False), ("replay_event", False), ("event", True), ("attachment", True)]
    assert [(fall.item.type, fall.is_reported) for fall in judge(items, limits, quirks=True).falls] == silent
    spender = Spender(own=[{"id": "q", "categories": ["error"], "limit": 1, "window": 60}], quirks=True)
    spender.spend(*items)
    assert [(fall.item.type, fall.is_reported) for fall in spender.spend(*items).falls] == silent


def test_zero_quotas_are_as_wide_as_limits_of_the_server() -> None:
    """Q10: one on transactions stops spans that came alone, and the other way round."""
    for category, item_type in (("transaction", "span"), ("span", "transaction")):
        items = items_of([(item_type, {})])
        for quirks, gone in ((False, {0}), (True, set[int]())):
            quotas = Spender(own=[{"categories": [category], "limit": 0}], quirks=quirks).quotas
            known = quotas.zero_limits(SCOPING, NOW)
            assert positions(items, judge(items, known, quirks=quirks)) == gone
            shared = Spender(shared=[{"categories": [category], "limit": 0}], quirks=quirks)
            assert positions(items, shared.spend(*items)) == gone
