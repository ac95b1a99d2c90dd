"""The order of sending (upstream-and-operations 6.7, 7.5)."""

from collections import Counter

from scrubjay.core.merging import MergeTag
from scrubjay.runtime.forwarding.lanes import Lanes
from scrubjay.runtime.forwarding.shipment import SINGLE, Grouping, Shipment, Waiting
from support.forwarding import name_of, parcel

NEVER = float("inf")


def waiting(name, *, key="k", size=None, from_backlog=False):
    body = {} if size is None else {"body": bytes(size)}
    return Waiting(parcel(name, key=key, **body), 0, 0.0, from_backlog)


def one(name):
    return Shipment([waiting(name)])


def drain(lanes, now=0.0, blocked_from=0.0, backlog_from=0.0):
    names = []
    while (each := lanes.pop(now, blocked_from, backlog_from)) is not None:
        (member,) = each.members
        names.append(name_of(member.parcel))
    return names


def packed(lanes, now=0.0, grouping=SINGLE, **bounds):
    """What goes together, with the kind of each shipment."""
    found = []
    while (each := lanes.pop(now, NEVER, grouping=grouping, **bounds)) is not None:
        found.append((each.kind, "".join(name_of(member.parcel) for member in each.members)))
    return found


def test_live_parcels_go_in_the_order_of_arrival():
    lanes = Lanes()
    for name in "abc":
        lanes.add_live(waiting(name))
    assert drain(lanes) == ["a", "b", "c"]
    assert not lanes.count


def test_retries_that_are_due_go_before_what_is_new():
    lanes = Lanes()
    lanes.add_live(waiting("new"))
    lanes.add_timed(one("timed"), due_mono=5.0)
    lanes.add_blocked(one("blocked"))
    assert drain(lanes, now=5.0, blocked_from=5.0) == ["blocked", "timed", "new"]


def test_retries_that_are_not_due_stay():
    lanes = Lanes()
    lanes.add_timed(one("timed"), due_mono=5.0)
    lanes.add_blocked(one("blocked"))
    assert drain(lanes, now=4.9, blocked_from=5.0) == []
    assert lanes.count


def test_timed_retries_go_by_their_time_and_then_in_order():
    lanes = Lanes()
    for name, due in (("late", 3.0), ("early", 1.0), ("early-too", 1.0)):
        lanes.add_timed(one(name), due)
    assert drain(lanes, now=9.0) == ["early", "early-too", "late"]


def test_the_backlog_gets_a_quarter_while_there_is_fresh_work_and_all_of_it_else():
    lanes = Lanes()
    for index in range(30):
        lanes.add_live(waiting(f"live{index}"))
        lanes.add_backlog(waiting(f"back{index}", from_backlog=True))
    names = drain(lanes)
    assert Counter(name[:4] for name in names[:40]) == {"live": 30, "back": 10}
    assert all(name.startswith("back") for name in names[40:])


def test_the_backlog_of_a_key_is_first_in_first_out():
    lanes = Lanes()
    for index in range(100):
        lanes.add_backlog(waiting(str(index)))
    assert drain(lanes) == [str(index) for index in range(100)]


def test_keys_of_the_backlog_take_turns_by_bytes():
    lanes = Lanes()
    for index in range(40):
        lanes.add_backlog(waiting(f"A{index}", key="A", size=16 * 1024))
    for index in range(4):
        lanes.add_backlog(waiting(f"B{index}", key="B", size=16 * 1024))
    names = drain(lanes)
    assert {name[0] for name in names[4:8]} == {"B"}
    assert len(names) == 44


def test_a_huge_parcel_does_not_hold_up_the_other_key():
    lanes = Lanes()
    lanes.add_backlog(waiting("huge", key="A", size=1024 * 1024))
    lanes.add_backlog(waiting("after-huge", key="A", size=10))
    for index in range(10):
        lanes.add_backlog(waiting(f"B{index}", key="B", size=64 * 1024))
    names = drain(lanes)
    assert names.index("after-huge") > names.index("B9")


def test_the_pace_holds_back_the_backlog_alone():
    lanes = Lanes()
    lanes.add_backlog(waiting("back"))
    lanes.add_live(waiting("live"))
    assert drain(lanes, now=1.0, backlog_from=2.0) == ["live"]
    assert lanes.next_due_mono(0.0, 2.0) == 2.0


def test_tells_when_something_will_be_due():
    lanes = Lanes()
    assert lanes.next_due_mono(7.0) == NEVER
    lanes.add_blocked(one("a"))
    assert lanes.next_due_mono(7.0) == 7.0
    lanes.add_timed(one("b"), 6.0)
    assert lanes.next_due_mono(7.0) == 6.0


BATCHES = Grouping("batch", live_records=3, backlog_records=5, most_bytes=1_000, linger_s=0.05)


class TestBatches:
    def test_what_arrives_waits_for_company_until_the_first_has_waited_long_enough(self):
        lanes = Lanes()
        for name in "ab":
            lanes.add_live(waiting(name, size=10))
        assert packed(lanes, 0.04, BATCHES) == []
        assert lanes.next_due_mono(NEVER, grouping=BATCHES) == 0.05
        assert packed(lanes, 0.05, BATCHES) == [("batch", "ab")]
        assert not lanes.count

    def test_a_full_batch_waits_for_nobody(self):
        lanes = Lanes()
        for name in "abcd":
            lanes.add_live(waiting(name, size=10))
        assert packed(lanes, 0.0, BATCHES) == [("batch", "abc")]

    def test_nor_one_that_is_full_by_its_bytes(self):
        lanes = Lanes()
        for name in "ab":
            lanes.add_live(waiting(name, size=600))
        assert packed(lanes, 0.0, BATCHES) == [("batch", "a")]

    def test_in_a_hurry_nobody_waits(self):
        lanes = Lanes()
        lanes.add_live(waiting("a", size=10))
        lanes.is_hurried = True
        assert packed(lanes, 0.0, BATCHES) == [("batch", "a")]

    def test_what_is_too_large_goes_as_an_envelope(self):
        lanes = Lanes()
        lanes.add_live(waiting("a", size=1_001))
        lanes.add_backlog(waiting("b", size=1_001, from_backlog=True))
        assert packed(lanes, 0.0, BATCHES) == [("envelope", "a"), ("envelope", "b")]

    def test_the_backlog_waits_for_nobody_and_keys_share_a_batch(self):
        lanes = Lanes()
        for name, key in ("aA", "bB", "cA", "dB", "eA", "fA"):
            lanes.add_backlog(waiting(name, key=key, size=10, from_backlog=True))
        assert packed(lanes, 0.0, BATCHES) == [("batch", "acefb"), ("batch", "d")]

    def test_its_batch_ends_before_the_parcel_that_does_not_fit(self):
        lanes = Lanes()
        for name in "abc":
            lanes.add_backlog(waiting(name, size=400, from_backlog=True))
        assert packed(lanes, 0.0, BATCHES) == [("batch", "ab"), ("batch", "c")]

    def test_and_takes_no_more_along_than_the_pace_allows(self):
        lanes = Lanes()
        for name in "abc":
            lanes.add_backlog(waiting(name, size=10, from_backlog=True))
        assert packed(lanes, 0.0, BATCHES, most_backlog=2) == [("batch", "ab"), ("batch", "c")]

    def test_a_retry_stays_as_it_was(self):
        lanes = Lanes()
        again = Shipment([waiting("a"), waiting("b")], "batch", b"id")
        lanes.add_blocked(again)
        lanes.add_live(waiting("c"))
        assert lanes.pop(0.0, 0.0, grouping=BATCHES) is again


def by_first_letter(parcel):
    """Upper case may share envelopes with its like."""
    name = name_of(parcel)
    return MergeTag(name[0], 1) if name[0].isupper() else None


class TestCompany:
    def test_what_can_share_an_envelope_waits_a_second_and_the_rest_does_not(self):
        lanes = Lanes(by_first_letter)
        for name in ("A1", "b", "A2", "C"):
            lanes.add_live(waiting(name))
        assert packed(lanes, 0.9) == [("envelope", "b")]
        assert lanes.next_due_mono(NEVER) == 1.0
        assert packed(lanes, 1.0) == [("merged", "A1A2"), ("envelope", "C")]

    def test_in_the_backlog_it_takes_along_who_waits_behind_it(self):
        lanes = Lanes(by_first_letter)
        for name in ("A1", "b", "A2", "C", "A3"):
            lanes.add_backlog(waiting(name, from_backlog=True))
        assert packed(lanes, most_backlog=2) == [
            ("merged", "A1A2"),
            ("envelope", "b"),
            ("envelope", "C"),
            ("envelope", "A3"),
        ]

    def test_batches_need_no_envelope_to_share(self):
        lanes = Lanes(by_first_letter)
        for name in ("A1", "b", "A2"):
            lanes.add_backlog(waiting(name, size=1, from_backlog=True))
        assert packed(lanes, 0.0, BATCHES) == [("batch", "A1bA2")]


def stored(name):
    each = waiting(name)
    each.sequence = 7
    return each


def test_in_an_outage_what_is_on_disk_is_taken_and_the_rest_keeps_its_place():
    lanes = Lanes(by_first_letter)
    for each in (waiting("a"), stored("b"), waiting("C"), stored("C2"), waiting("C3")):
        lanes.add_live(each)
    for each in (waiting("d"), stored("e")):
        lanes.add_backlog(each)
    lanes.add_blocked(Shipment([stored("f"), waiting("g")], "batch", b"id"))
    lanes.add_timed(Shipment([stored("h")]), 3.0)
    assert lanes.count == 10
    assert sorted(name_of(each.parcel) for each in lanes.take_stored()) == ["C2", "b", "e", "f", "h"]
    assert lanes.count == 5
    assert packed(lanes, 1.0) == [("envelope", "a"), ("merged", "CC3"), ("envelope", "d")]
    assert lanes.count == 1
    (left,) = lanes.take_all()
    assert name_of(left.parcel) == "g"


def test_all_can_be_taken_at_once():
    lanes = Lanes()
    lanes.add_live(waiting("a"))
    lanes.add_backlog(waiting("b"))
    lanes.add_blocked(one("c"))
    lanes.add_timed(one("d"), 3.0)
    assert repr(lanes) == "<Lanes live=1 retries=2 backlog=1>"
    assert sorted(name_of(each.parcel) for each in lanes.take_all()) == ["a", "b", "c", "d"]
    assert not lanes.count
