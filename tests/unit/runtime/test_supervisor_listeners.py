"""Listeners beside the main one, in the hands of a supervisor."""

from __future__ import annotations

import socket

from scrubjay.runtime.supervision.orders import Orders
from scrubjay.runtime.supervisor import Supervisor
from support.fake_workers import Launches

ORDERS = Orders("static", "127.0.0.1", 3000, 2, "/run")


class NoCheck:
    def result(self) -> None: ...

    def end(self) -> None: ...


def test_whoever_waits_for_a_listener_hears_when_there_is_one() -> None:
    heard: list[bool] = []
    launches, main = Launches(), [socket.socket() for _ in range(2)]
    one = Supervisor(ORDERS, main, launches, NoCheck, lambda sharing: None, on_ready=lambda: heard.append(True))
    one.step()
    assert not heard
    launches.started[1].say(1)
    one._on_word(one.slots[1])
    assert heard
    one.stop(0)
    launches.close()
    one._selector.close()


def test_they_belong_to_their_slots_and_are_closed_at_the_end() -> None:
    main = [socket.socket() for _ in range(2)]
    beside = [{"internal": socket.socket()} for _ in range(2)]
    one = Supervisor(ORDERS, main, Launches(), NoCheck, lambda sharing: None, beside=beside)
    assert [slot.beside for slot in one.slots] == beside
    one.stop(0)
    assert all(each["internal"].fileno() < 0 for each in beside)
    one._selector.close()
