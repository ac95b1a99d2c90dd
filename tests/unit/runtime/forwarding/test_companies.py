"""Who shares an envelope, and for how long it is waited (upstream-and-operations 8.2)."""

from scrubjay.core.merging import MAX_BYTES, MAX_ENTRIES, MAX_MEMBERS, MergeTag
from scrubjay.runtime.forwarding.companies import Companies
from scrubjay.runtime.forwarding.shipment import Waiting
from support.forwarding import name_of, parcel


def waiting(name, *, tag="k", entries=1, size=10, since=0.0):
    each = Waiting(parcel(name, body=bytes(size)), 0, since)
    each.tag = MergeTag(tag, entries)
    return each


def names(shipment):
    return shipment.kind, "".join(name_of(each.parcel) for each in shipment.members)


def test_equal_tags_leave_together_a_second_after_the_first():
    companies = Companies()
    for each in (waiting("a", since=3.0), waiting("b", tag="other", since=3.5), waiting("c", since=3.9)):
        companies.add(each)
    assert companies.due_mono(hurried=False) == 4.0
    assert names(companies.pop()) == ("merged", "ac")
    assert companies.due_mono(hurried=False) == 4.5
    assert names(companies.pop()) == ("envelope", "b")
    assert not companies


def test_in_a_hurry_they_leave_at_once():
    companies = Companies()
    assert companies.due_mono(hurried=True) == float("inf")
    companies.add(waiting("a"))
    assert companies.due_mono(hurried=True) == 0.0


def full(limit):
    """(parcels that fill an envelope, one more)."""
    return {
        "members": ([waiting("a") for _ in range(MAX_MEMBERS)], waiting("b")),
        "entries": ([waiting("a", entries=MAX_ENTRIES)], waiting("b")),
        "bytes": ([waiting("a", size=MAX_BYTES)], waiting("b", size=1)),
    }[limit]


def test_a_full_envelope_leaves_at_once_and_the_next_begins():
    for limit in ("members", "entries", "bytes"):
        companies = Companies()
        first, more = full(limit)
        for each in first:
            companies.add(each)
        assert companies.due_mono(hurried=False) == 1.0
        companies.add(more)
        assert len(companies) == len(first) + 1
        assert companies.due_mono(hurried=False) == 0.0
        assert len(companies.pop().members) == len(first)
        assert names(companies.pop()) == ("envelope", "b")


def test_some_can_be_taken_out_and_the_others_wait_as_long_as_before():
    companies = Companies()
    for each in (waiting("a", since=1.0), waiting("b", since=1.2), waiting("c", tag="other", since=1.4)):
        companies.add(each)
    taken = companies.take(lambda each: name_of(each.parcel) in "ac")
    assert [name_of(each.parcel) for each in taken] == ["a", "c"]
    assert companies.due_mono(hurried=False) == 2.2
    assert names(companies.pop()) == ("envelope", "b")
