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


def test_they_belong_to_their_slots_and_are_closed_at_the_end() -> None:
    main = [socket.socket() for _ in range(2)]
    beside = [{"internal": socket.socket()} for _ in range(2)]
    one = Supervisor(ORDERS, main, Launches(), NoCheck, lambda sharing: None, beside=beside)
    assert [slot.beside for slot in one.slots] == beside
    one.stop(0)
    assert all(each["internal"].fileno() < 0 for each in beside)
    one._selector.close()
