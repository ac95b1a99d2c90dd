"""The worker's side of the channel."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrubjay.runtime.seat import Seat
from scrubjay.runtime.supervision.slot import REFUSED, RETIRE, STOPPING
from scrubjay.settings.load import build

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


def test_further_listeners_are_held_by_name_and_decide_what_there_is(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    internal, unix = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    number, path = internal.getsockname()[1], str(tmp_path / "s")
    unix.bind(path)
    said = build({"relay.internal_host": "10.0.0.1", "relay.internal_port": 1, "relay.unix_socket": "/elsewhere"})
    beside = {"internal": internal.detach(), "unix": unix.detach()}
    seat = Seat.take(0, 2, socket.socket().detach(), theirs.detach(), beside=beside)
    with ours, seat.listener, seat.channel, seat.beside["internal"], seat.beside["unix"]:
        assert not any(os.get_inheritable(each.fileno()) for each in seat.beside.values())
        relay = seat.held_to(said).relay
        assert (relay.internal_host, relay.internal_port, relay.unix_socket) == ("127.0.0.1", number, path)


def test_what_is_not_held_is_not_there_whatever_the_sources_say(place: Place) -> None:
    said = build({"relay.internal_host": "10.0.0.1", "relay.internal_port": 1, "relay.unix_socket": "/elsewhere"})
    relay = place[0].held_to(said).relay
    assert (relay.internal_host, relay.internal_port, relay.unix_socket) == (None, None, None)


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
    await asyncio.wait_for(ended.wait(), 30)
