"""Events and breadcrumbs in msgpack (ingest.md 2.6)."""

from __future__ import annotations

import datetime
import random
from typing import Any

import msgspec
import pytest

from scrubjay.core.scrub.packed import scrub_packed_breadcrumbs, scrub_packed_event
from scrubjay.errors import Unscrubbable
from support import scrubbing

STRICT = scrubbing.default_program("strict")
pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


def test_events_are_events() -> None:
    assert scrub_packed_event(STRICT, pack({"release": "x", "n": 1})) is None
    new = scrub_packed_event(
        STRICT, pack({"user": {"email": "ana@lab.example"}, "level": "fatal", "extra": {"n": 1.5}})
    )
    assert new is not None
    event = unpack(new)
    assert (event["user"], event["level"], event["extra"]) == ({"email": "[email]"}, "fatal", {"n": 1.5})


def test_breadcrumbs_stand_one_behind_the_other() -> None:
    crumbs: list[dict[str, Any]] = [
        {"message": "from ana@lab.example", "level": "info"},
        {
            "message": "clean",
            "data": {"list": list(range(20)), "deep": {"a": [1, -1, 2**40, -(2**40), 1.5, None, True]}},
        },
        {"message": "x" * 300, "data": {str(number): "y" * 40 for number in range(20)}},
        {"message": "x" * 70_000, "data": {"bin": "z" * 31}},
    ]
    new = scrub_packed_breadcrumbs(STRICT, b"".join(map(pack, crumbs)))
    crumbs[0]["message"] = "from [email]"
    assert new == b"".join(map(pack, crumbs))
    assert scrub_packed_breadcrumbs(STRICT, b"".join(map(pack, crumbs))) is None
    assert scrub_packed_breadcrumbs(STRICT, b"") is None


def test_bytes_and_times_are_stepped_over() -> None:
    crumbs = [
        {"timestamp": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "message": "ana@lab.example"},
        {"a": b"\x80" * 10, "b": b"\x80" * 300, "c": b"\x80" * 70_000, "message": "clean"},
    ]
    new = scrub_packed_breadcrumbs(STRICT, b"".join(map(pack, crumbs)))
    assert new is not None
    assert b"ana@" not in new
    assert b"2026-01-02" in new


@pytest.mark.parametrize(
    "payload",
    [
        b"\x01",
        b"\x81",
        b"\xdf\xff\xff\xff\xff",
        b"\xc4",
        b"\xc4\xff",
        b"\xc1",
        b"\x81\xa1a\xc7\x03\x05abc",
        b"\x91" * 5_000 + b"\x01",
        pack({1: {2: 3}}) + b"\xd9",
        b"\x80" * 10_001,
    ],
)
def test_what_cannot_be_read_is_refused(payload: bytes) -> None:
    with pytest.raises(Unscrubbable):
        scrub_packed_breadcrumbs(STRICT, payload)


def test_broken_events_are_refused() -> None:
    for payload in (b"", b"\x93", pack([1]), pack({"a": {(1, 2): 3}}), b"\x81\xa1a\xa1\xff"):
        with pytest.raises(Unscrubbable):
            scrub_packed_event(STRICT, payload)


@pytest.mark.parametrize("seed", range(20))
def test_hostile_bytes_never_crash(seed: int) -> None:
    turn = random.Random(seed)
    data = bytearray(pack({"message": "x", "data": {"a": [1, 2, {"b": b"c"}]}}) * 3)
    for _ in range(3):
        data[turn.randrange(len(data))] = turn.randrange(256)
    for scrubber in (scrub_packed_event, scrub_packed_breadcrumbs):
        try:
            scrubber(STRICT, bytes(data))
        except Unscrubbable:
            continue
