"""The order of sending (upstream-and-operations 6.7, 7.5)."""

from collections import Counter

from scrubjay.runtime.forwarding.lanes import Lanes, Waiting
from support.forwarding import name_of, parcel

NEVER = float("inf")


def waiting(name, *, key="k", size=None, from_backlog=False):
    body = {} if size is None else {"body": bytes(size)}
    return Waiting(parcel(name, key=key, **body), 0, 0.0, from_backlog)


def drain(lanes, now=0.0, blocked_from=0.0, backlog_from=0.0):
    names = []
    while (each := lanes.pop(now, blocked_from, backlog_from)) is not None:
        names.append(name_of(each.parcel))
    return names


def test_live_parcels_go_in_the_order_of_arrival():
    lanes = Lanes()
    for name in "abc":
        lanes.add_live(waiting(name))
    assert drain(lanes) == ["a", "b", "c"]
    assert lanes.is_empty


def test_retries_that_are_due_go_before_what_is_new():
    lanes = Lanes()
    lanes.add_live(waiting("new"))
    lanes.add_timed(waiting("timed"), due_mono=5.0)
    lanes.add_blocked(waiting("blocked"))
    assert drain(lanes, now=5.0, blocked_from=5.0) == ["blocked", "timed", "new"]


def test_retries_that_are_not_due_stay():
    lanes = Lanes()
    lanes.add_timed(waiting("timed"), due_mono=5.0)
    lanes.add_blocked(waiting("blocked"))
    assert drain(lanes, now=4.9, blocked_from=5.0) == []
    assert not lanes.is_empty


def test_timed_retries_go_by_their_time_and_then_in_order():
    lanes = Lanes()
    for name, due in (("late", 3.0), ("early", 1.0), ("early-too", 1.0)):
        lanes.add_timed(waiting(name), due)
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
    lanes.add_blocked(waiting("a"))
    assert lanes.next_due_mono(7.0) == 7.0
    lanes.add_timed(waiting("b"), 6.0)
    assert lanes.next_due_mono(7.0) == 6.0


def test_all_can_be_taken_at_once():
    lanes = Lanes()
    lanes.add_live(waiting("a"))
    lanes.add_backlog(waiting("b"))
    lanes.add_blocked(waiting("c"))
    lanes.add_timed(waiting("d"), 3.0)
    assert repr(lanes) == "<Lanes live=1 retries=2 backlog=1>"
    assert sorted(name_of(each.parcel) for each in lanes.take_all()) == ["a", "b", "c", "d"]
    assert lanes.is_empty
