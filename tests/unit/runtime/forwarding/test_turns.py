"""Keys of the backlog take turns (upstream-and-operations 7.5); how it looks from outside is in test_lanes.py."""

from scrubjay.core.merging import MAX_ENTRIES, MergeTag
from scrubjay.runtime.forwarding.shipment import Waiting
from scrubjay.runtime.forwarding.turns import Turns
from support.forwarding import name_of, parcel


def turns(*names, size=16 * 1024):
    """`A1` is of key A; what ends with `+` may share an envelope with its like."""
    found = Turns()
    for name in names:
        each = Waiting(parcel(name, key=name[0], body=bytes(size)), 0, 0.0, True)
        if name.endswith("+"):
            each.tag = MergeTag(name[0], MAX_ENTRIES // 2)
        found.add(each)
    return found


def drained(found):
    return [name_of(found.pop().parcel) for _ in range(len(found))]


def test_looking_takes_nothing():
    found = turns("A1", "A2")
    assert name_of(found.next().parcel) == name_of(found.next().parcel) == "A1"
    assert drained(found) == ["A1", "A2"]
    assert not found


def test_after_so_many_bytes_it_is_another_keys_turn():
    found = turns(*[f"A{index}" for index in range(6)], "B0")
    assert [name[0] for name in drained(found)] == ["A", "A", "A", "A", "B", "A", "A"]


def test_who_was_alone_for_long_does_not_stand_back_for_as_long():
    found = turns(*[f"A{index}" for index in range(200)], size=64 * 1024)
    for _ in range(100):
        found.pop()
    for index in range(100):
        found.add(Waiting(parcel(f"B{index}", key="B", body=bytes(64 * 1024)), 0, 0.0, True))
    assert [name[0] for name in drained(found)][:6] == ["A", "B"] * 3


def test_company_is_found_behind_others_up_to_the_bounds_of_an_envelope():
    found = turns("A1+", "A2", "A3+", "A4+", "A5")
    company = found.pop_company(100)
    assert [name_of(each.parcel) for each in company.members] == ["A1+", "A3+"]
    assert drained(found) == ["A2", "A4+", "A5"]


def test_company_is_not_larger_than_asked():
    found = turns("A1+", "A3+", size=10)
    assert len(found.pop_company(1).members) == 1
    assert drained(found) == ["A3+"]


def test_a_company_that_empties_its_key_ends_its_turn():
    found = turns("A1+", "A2+", "B1")
    assert len(found.pop_company(100).members) == 2
    assert drained(found) == ["B1"]


def test_some_can_be_taken_out():
    found = turns("A1", "B1", "A2")
    assert [name_of(each.parcel) for each in found.take(lambda each: each.parcel.key == "A")] == ["A1", "A2"]
    assert drained(found) == ["B1"]
