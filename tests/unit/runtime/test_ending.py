"""What ends a worker."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

import pytest

from scrubjay.runtime.ending import Ending
from scrubjay.runtime.seat import Seat
from scrubjay.runtime.supervision.slot import REFUSED, RETIRE


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []
    monkeypatch.setattr(os, "_exit", found.append)
    return found


def test_alone_the_second_signal_waits_for_nothing(exits: list[int]) -> None:
    ending = Ending(None)
    ending.on_signal(signal.SIGTERM)
    assert ending.begun.is_set()
    assert exits == []
    ending.on_signal(signal.SIGINT)
    assert exits == [130]
    assert "begun" in repr(ending)


async def test_with_a_supervisor_only_sigquit_does(exits: list[int]) -> None:
    """A service manager may tell all processes, of which the supervisor tells the workers once more."""
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket() as listener:
        theirs.setblocking(False)
        ending, refused = Ending(Seat(0, 2, listener, theirs)), asyncio.Event()
        ending.listen(refused.set)
        os.kill(os.getpid(), signal.SIGINT)
        ours.send(REFUSED)
        await refused.wait()
        assert not ending.begun.is_set()
        ours.send(RETIRE)
        await ending.begun.wait()
        assert ending.is_awaited
        for _ in range(2):
            ending.on_signal(signal.SIGTERM)
        assert exits == []
        ending.on_signal(signal.SIGQUIT)
        assert exits == [131]
        loop = asyncio.get_running_loop()
        loop.remove_reader(theirs)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            loop.remove_signal_handler(number)
