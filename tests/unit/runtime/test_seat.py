"""The worker's side of the channel."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator

import pytest

from scrubjay.runtime.seat import Seat
from scrubjay.runtime.supervision.slot import REFUSED, RETIRE, STOPPING

Place = tuple[Seat, socket.socket]


@pytest.fixture
def place() -> Iterator[Place]:
    """A seat, and the supervisor's end."""
    ours, theirs = socket.socketpair()
    listener = socket.socket()
    for each in (listener, theirs):
        each.set_inheritable(True)
    seat = Seat.take(2, 4, listener.detach(), theirs.detach(), ledger="/l", follows_a_death=True)
    with ours, seat.listener, seat.channel:
        yield seat, ours


def test_what_was_inherited_goes_no_further(place: Place) -> None:
    seat, _ = place
    assert not os.get_inheritable(seat.listener.fileno())
    assert not os.get_inheritable(seat.channel.fileno())
    assert (seat.slot, seat.workers, seat.ledger, seat.follows_a_death) == (2, 4, "/l", True)


def test_signs_of_life_are_bytes(place: Place) -> None:
    seat, ours = place
    seat.say(2)
    seat.say_stopping()
    assert ours.recv(10) == bytes([2, STOPPING])


def test_nobody_who_listens_stops_nobody(place: Place) -> None:
    seat, ours = place
    for _ in range(100_000):
        seat.say(2)
    ours.close()
    seat.say(2)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([REFUSED], ["refused"]),
        ([RETIRE], ["end"]),
        ([REFUSED + RETIRE], ["refused", "end"]),
        ([REFUSED] * 2, ["refused"] * 2),
    ],
)
async def test_what_the_supervisor_says_is_heard(place: Place, words: list[bytes], expected: list[str]) -> None:
    seat, ours = place
    heard: list[str] = []
    seat.listen(lambda: heard.append("end"), lambda: heard.append("refused"))
    for word in words:
        ours.send(word)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert heard == expected
    asyncio.get_running_loop().remove_reader(seat.channel)


async def test_its_end_is_heard_once(place: Place) -> None:
    seat, ours = place
    heard: list[str] = []
    seat.listen(lambda: heard.append("end"), lambda: heard.append("refused"))
    ours.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert heard == ["end"]


async def test_however_it_ends(place: Place) -> None:
    """With something unread the other side resets the line."""
    seat, ours = place
    ended = asyncio.Event()
    seat.say(1)
    seat.listen(ended.set, ended.set)
    ours.close()
    await asyncio.wait_for(ended.wait(), 5)
