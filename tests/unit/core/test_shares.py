"""Quotas that look at what an item says (`decisions.md` 9.1), counted in memory."""

import msgspec
import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Dropped, Thinned
from scrubjay.core.rulings import NOTHING, Excess, Ruling
from support.items import make_item
from support.spending import Spender, told

WINDOW = {"id": "q", "categories": ["error"], "limit": 1, "window": 60, "reasonCode": "r"}
BY_RELEASE = {"groupBy": {"maxCardinality": 10, "dimensions": ["release"]}}
DEBUG = {"condition": {"op": "eq", "name": "event.level", "value": "debug"}}
CRASH = {"attachment_type": "event.minidump"}
EVENT_IDS = [f"{number:032x}" for number in range(1, 201)]


def event(**members: object) -> Item:
    return make_item("event", members)


def logs(*records: dict[str, object]) -> Item:
    return make_item("log", {"items": list(records)}, item_count=len(records))


def log(release: str, **members: object) -> dict[str, object]:
    return {"attributes": {"sentry.release": {"value": release, "type": "string"}}, **members}


def left(ruling: Ruling) -> int | None:
    """Records that are left of a container; None: it is as it came."""
    if not ruling.cuts:
        return None
    last = ruling.cuts[-1].ruling
    return last.item_count if isinstance(last, Thinned) else 0


# Conditions


def test_only_what_matches_counts() -> None:
    spender = Spender([WINDOW | DEBUG])
    debug, info = event(level="debug"), event(level="info")
    rulings = [spender.spend(item) for item in (info, debug, info, debug, info)]
    assert [len(ruling.falls) for ruling in rulings] == [0, 0, 0, 1, 0]
    assert spender.consumed() == {"q": 1}


def test_a_refusal_is_for_the_item_alone() -> None:
    """Nothing that a client or the next request could learn: on the wire it would be a limit on all errors."""
    ruling = Spender([WINDOW | DEBUG | {"limit": 0}]).spend(event(level="debug"))
    assert [(fall.limit.reason, fall.limit.origin) for fall in ruling.falls] == [("r", "q")]
    assert ruling.limits == ()
    assert told(ruling) == ""


def test_what_rides_on_the_event_falls_with_it_and_is_not_charged() -> None:
    spender = Spender([WINDOW | DEBUG, WINDOW | {"id": "bytes", "categories": ["attachment"], "limit": 50}])
    items = event(level="debug"), make_item("attachment", b"x" * 10)
    assert spender.spend(*items) == NOTHING
    assert [fall.item for fall in spender.spend(*items).falls] == list(items)
    assert spender.consumed() == {"q": 1, "bytes": 10}
    spender = Spender([WINDOW | DEBUG | {"limit": 0}, WINDOW | {"id": "bytes", "categories": ["attachment"]}])
    assert len(spender.spend(*items).falls) == 2
    assert spender.charges == []


def test_quotas_that_take_all_alike_are_asked_first() -> None:
    spender = Spender([WINDOW | DEBUG | {"limit": 9}], own=[WINDOW | {"id": "all"}])
    first, second = spender.spend(event(level="debug")), spender.spend(event(level="debug"))
    assert first == NOTHING
    assert told(second) == "22:error:organization:r"
    assert spender.consumed() == {"q": 1, "all": 1}


def test_what_a_closed_quota_takes_is_charged_nowhere() -> None:
    """`decisions.md` 2.4: if any quota has limit 0, nothing is counted; of a batch, what it leaves is."""
    closed = WINDOW | DEBUG | {"id": "closed", "limit": 0}
    spender = Spender([closed], own=[WINDOW | {"id": "all", "limit": 9}])
    assert len(spender.spend(event(level="debug")).falls) == 1
    assert spender.charges == []
    assert spender.spend(event(level="info")) == NOTHING
    assert spender.consumed() == {"all": 1}

    noise = {"condition": {"op": "eq", "name": "log.body", "value": "noise"}}
    by_number = [
        closed | noise | {"categories": ["log_item"]},
        WINDOW | BY_RELEASE | {"id": "group", "categories": ["log_item"], "limit": 9},
    ]
    own = [WINDOW | {"id": name, "categories": [name], "limit": 9_999} for name in ("log_item", "log_byte")]
    spender = Spender(by_number, own=own)
    item = logs(log("a", body="noise"), log("a", body="news"), log("b", body="noise"))
    assert left(spender.spend(item)) == 1
    used = spender.consumed()
    assert (used["log_item"], used["group"]) == (1, 1)
    assert 0 < (used["log_byte"] or 0) < len(item.payload) / 2
    assert left(spender.spend(logs(log("a", body="noise")))) == 0
    assert spender.consumed() == used


def test_a_transaction_is_looked_at_for_each_of_its_categories() -> None:
    env = {"condition": {"op": "eq", "name": "event.environment", "value": "dev"}}
    spender = Spender(
        [WINDOW | env | {"id": name, "categories": [name]} for name in ("transaction", "transaction_indexed")]
    )
    item = make_item("transaction", {"environment": "dev"})
    assert spender.spend(item) == NOTHING
    assert [(charge.counters[0].quota.id, charge.after) for charge in spender.charges] == [
        ("transaction", None),
        ("transaction_indexed", 0),
    ]
    assert [fall.limit.origin for fall in spender.spend(item).falls] == ["transaction"]


def test_the_client_s_address_may_be_asked_for() -> None:
    lan = {"condition": {"op": "cidr", "name": "envelope.client_ip", "value": ["10.0.0.0/8"]}}
    spender = Spender([WINDOW | lan | {"limit": 0}])
    assert len(spender.spend(event(), client_ip="10.9.9.9").falls) == 1
    assert spender.spend(event(), client_ip="11.9.9.9") == NOTHING
    assert spender.spend(event()) == NOTHING


def test_what_no_quota_is_about_is_not_looked_into() -> None:
    spender = Spender([WINDOW | DEBUG | {"categories": ["replay"]}])
    item = event(level="debug")
    assert spender.spend(item) == NOTHING
    assert item.subject is None


def test_items_without_an_amount_are_not_asked() -> None:
    """The probe of transactions by a profile that came alone; a chunk without its platform."""
    spender = Spender([WINDOW | {"categories": ["transaction", "profile_chunk"], "limit": 0} | BY_RELEASE])
    assert spender.spend(make_item("profile"), make_item("profile_chunk")) == NOTHING


def test_crash_reports_are_marked_and_plain_files_fall() -> None:
    by_address = {"groupBy": {"maxCardinality": 10, "dimensions": ["clientIp"]}}
    spender = Spender([WINDOW | {"categories": ["attachment"], "limit": 12} | by_address])
    crash, plain = make_item("attachment", b"x" * 10, **CRASH), make_item("attachment", b"x" * 10)
    assert [fall.item for fall in spender.spend(plain, crash).falls] == []
    assert [mark.item for mark in spender.spend(plain, crash, client_ip="10.0.0.1").marks] == [crash]
    ruling = spender.spend(plain, crash)
    assert [fall.item for fall in ruling.falls] == [plain]
    assert [mark.item for mark in ruling.marks] == [crash]


# Dimensions


def test_each_group_has_a_counter_of_its_own() -> None:
    spender = Spender([WINDOW | BY_RELEASE])
    releases = ["a", "b", "a", "b", "c", "c"]
    assert [len(spender.spend(event(release=release)).falls) for release in releases] == [0, 0, 1, 1, 0, 1]


def test_further_releases_share_one_counter_decisions_121() -> None:
    grouping = {"groupBy": {"maxCardinality": 2, "dimensions": ["release"], "overflow": "shared"}}
    spender = Spender([WINDOW | grouping | {"limit": 2}])
    rulings = [spender.spend(event(release=release)) for release in ("r1", "r2", "r3", "r4", "r3", "r4", "r1", "r1")]
    assert [len(ruling.falls) for ruling in rulings] == [0, 0, 0, 0, 1, 1, 0, 1]


def test_further_releases_may_be_refused() -> None:
    grouping = {"groupBy": {"maxCardinality": 2, "dimensions": ["release"], "overflow": "reject"}}
    spender = Spender([WINDOW | grouping | {"limit": 9}])
    assert [len(spender.spend(event(release=release)).falls) for release in ("r1", "r2", "r3", "r1", "r4")] == [
        0,
        0,
        1,
        0,
        1,
    ]


def check_in(slug: str | None) -> Item:
    return make_item("check_in", {"status": "ok"} | ({} if slug is None else {"monitor_slug": slug}))


def test_the_reference_s_dimensions_decisions_25() -> None:
    """Beyond the cardinality all are refused; no limit is told or learnt; what has no slug is not its business."""
    grouping = {"groupBy": {"maxCardinality": 2, "dimensions": ["checkInSlug"]}}
    spender = Spender(own=[WINDOW | grouping | {"categories": ["monitor"], "limit": 5}])
    rulings = [spender.spend(check_in(slug)) for slug in ("a", "b", "c", "a", None)]
    assert [len(ruling.falls) for ruling in rulings] == [0, 0, 1, 0, 0]
    assert all(ruling.limits == () for ruling in rulings)
    assert spender.consumed() == {"q": 3}


def test_in_our_form_a_missing_value_is_a_group_too() -> None:
    grouping = {"groupBy": {"maxCardinality": 9, "dimensions": ["checkInSlug"]}}
    spender = Spender([WINDOW | grouping | {"categories": ["monitor"]}])
    assert [len(spender.spend(check_in(slug)).falls) for slug in (None, "a", None)] == [0, 0, 1]


# Records of containers


def test_records_are_counted_by_group() -> None:
    spender = Spender([WINDOW | BY_RELEASE | {"categories": ["log_item"], "limit": 2}])
    ruling = spender.spend(logs(log("a"), log("b"), log("a"), log("a"), log("b")))
    assert left(ruling) == 2
    (cut,) = ruling.cuts
    assert isinstance(cut.ruling, Thinned)
    assert [amount for category, amount in cut.ruling.dropped if category is C.LOG_ITEM] == [3]
    assert spender.consumed() == {"q": 2}
    assert msgspec.json.decode(cut.ruling.payload) == {"items": [log("b"), log("b")]}


def test_only_records_that_match_leave() -> None:
    errors = {"condition": {"op": "eq", "name": "log.body", "value": "noise"}}
    spender = Spender([WINDOW | errors | {"categories": ["log_item"], "limit": 0}])
    assert left(spender.spend(logs(log("a", body="noise"), log("a", body="news")))) == 1
    assert spender.spend(logs(log("a", body="news"))) == NOTHING
    (cut,) = spender.spend(logs(log("a", body="noise"))).cuts
    assert isinstance(cut.ruling, Dropped)


def test_the_bytes_of_records_are_charged_where_only_some_count() -> None:
    spender = Spender([WINDOW | BY_RELEASE | {"categories": ["log_byte"], "limit": 10_000}])
    item = logs(log("a"), log("b", body="longer"))
    spender.spend(item)
    one, other = (charge.amount for charge in spender.charges)
    assert one < other
    assert one + other <= len(item.payload)
    alike = logs(log("a"), log("a"))
    spender.spend(alike)
    assert [charge.amount for charge in spender.charges] == [len(alike.payload)]


def test_what_fell_by_number_is_not_charged_by_bytes() -> None:
    two = [
        WINDOW | BY_RELEASE | {"id": name, "categories": [name], "limit": limit}
        for name, limit in (("log_item", 1), ("log_byte", 9_999))
    ]
    spender = Spender(two)
    spender.spend(logs(log("a")))
    used = spender.consumed()
    assert left(spender.spend(logs(log("a")))) == 0
    assert spender.consumed() == used
    spender = Spender([two[0] | {"limit": 0}, two[1]])
    assert left(spender.spend(logs(log("a")))) == 0
    assert spender.charges == []


def test_a_container_that_lies_about_its_count_is_taken_as_a_whole() -> None:
    spender = Spender([WINDOW | BY_RELEASE | {"categories": ["log_item"], "limit": 6}])
    lying = make_item("log", {"items": [log("a")]}, item_count=5)
    assert spender.spend(lying) == NOTHING
    assert [fall.item for fall in spender.spend(lying).falls] == [lying]


# Excess that is not simply refused


def test_observing_counts_and_refuses_nothing() -> None:
    spender = Spender([WINDOW | {"action": "observe"}])
    rulings = [spender.spend(event(), make_item("attachment", b"x")) for _ in range(3)]
    assert [ruling.falls for ruling in rulings] == [(), (), ()]
    assert [ruling.excess for ruling in rulings] == [(), (Excess("q", C.ERROR, 1, 1),), (Excess("q", C.ERROR, 1, 1),)]
    assert all(ruling.limits == () for ruling in rulings)


def test_a_watched_quota_keeps_no_other_from_counting() -> None:
    spender = Spender([WINDOW | {"id": "watched", "action": "observe"}, WINDOW | DEBUG | {"limit": 3}])
    for _ in range(3):
        assert not spender.spend(event(level="debug")).falls
    assert len(spender.spend(event(level="debug")).falls) == 1
    assert spender.consumed() == {"watched": 1, "q": 3}


def test_what_is_within_a_watched_quota_is_no_excess() -> None:
    spender = Spender(
        [WINDOW | {"action": "observe"}], own=[WINDOW | {"id": "no", "categories": ["session"], "limit": 0}]
    )
    ruling = spender.spend(event(), make_item("session"))
    assert [fall.item.type for fall in ruling.falls] == ["session"]
    assert ruling.excess == ()


def test_what_is_refused_anyway_is_not_watched() -> None:
    spender = Spender([WINDOW | DEBUG | {"limit": 0}, WINDOW | {"id": "watched", "action": "observe"}])
    assert len(spender.spend(event(level="debug")).falls) == 1
    assert spender.consumed() == {}


def test_a_share_of_the_excess_is_kept() -> None:
    spender = Spender([WINDOW | {"action": "sample:0.25"}])
    rulings = [spender.spend(event(), event_id=event_id) for event_id in EVENT_IDS]
    kept = [event_id for event_id, ruling in zip(EVENT_IDS, rulings, strict=True) if not ruling.falls]
    assert kept[0] == EVENT_IDS[0]
    assert 30 < len(kept) < 70
    assert sum(excess.kept for ruling in rulings for excess in ruling.excess) == len(kept) - 1
    again = Spender([WINDOW | {"action": "sample:0.25", "limit": 0}])
    assert [one for one in EVENT_IDS[1:] if not again.spend(event(), event_id=one).falls] == kept[1:]
    other = Spender([WINDOW | {"id": "other", "action": "sample:0.25", "limit": 0}])
    assert [one for one in EVENT_IDS if not other.spend(event(), event_id=one).falls] != kept


def test_without_an_event_the_payload_decides() -> None:
    spender = Spender([WINDOW | {"action": "sample:0.5", "limit": 0}])
    items = [event(number=number) for number in range(40)]
    fates = [len(spender.spend(item).falls) for item in items]
    assert 5 < sum(fates) < 35
    assert [len(spender.spend(item).falls) for item in items] == fates


def test_records_of_the_excess_are_kept_one_by_one() -> None:
    spender = Spender([WINDOW | BY_RELEASE | {"categories": ["log_item"], "limit": 0, "action": "sample:0.5"}])
    item = logs(*(log("a", body=str(number)) for number in range(60)))
    ruling = spender.spend(item)
    kept = left(ruling)
    assert kept is not None
    assert 10 < kept < 50
    assert ruling.excess == (Excess("q", C.LOG_ITEM, 60, kept),)


@pytest.mark.parametrize("action", ["drop", "observe", "sample:0.5"])
def test_count_only_quotas_never_take_anything_decisions_21(action: str) -> None:
    spender = Spender([WINDOW | BY_RELEASE | {"limit": None, "action": action}])
    for _ in range(5):
        assert spender.spend(event(release="a")) == NOTHING
    assert spender.consumed() == {"q": 5}
