"""Binding: one socket per slot on one address that is nobody else's."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.runtime.supervision import sockets
from scrubjay.runtime.supervision.orders import Orders
from scrubjay.runtime.supervision.sockets import bind, bind_beside, claim, leaving, port_of, shown


def close(made: list[socket.socket]) -> None:
    for each in set(made):
        each.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_each_slot_has_its_own_on_the_same_port(host: str) -> None:
    made = bind(host, 0, 3)
    try:
        assert len({each.fileno() for each in made}) == 3
        assert len({port_of(each) for each in made}) == 1
        assert port_of(made[0])
        assert not any(each.get_inheritable() for each in made), "a worker is given its own alone"
    finally:
        close(made)


def test_what_cannot_be_shared_is_had_once() -> None:
    made = bind("127.0.0.1", 0, 3, share=False)
    try:
        assert len(made) == 3
        assert len({each.fileno() for each in made}) == 1
    finally:
        close(made)


def test_a_port_on_which_somebody_listens_is_refused_although_it_could_be_shared() -> None:
    waits: list[float] = []
    (taken,) = bind("127.0.0.1", 0, 1)
    try:
        taken.listen()
        with pytest.raises(
            ConfigError, match=r"relay\.port: cannot listen on 127\.0\.0\.1:\d+: Address already in use"
        ):
            bind("127.0.0.1", port_of(taken), 2, sleep=waits.append)
        assert sum(waits) == pytest.approx(3)
    finally:
        taken.close()


def test_whoever_is_ending_is_waited_for() -> None:
    (taken,) = bind("127.0.0.1", 0, 1)
    taken.listen()
    port = port_of(taken)
    made = bind("127.0.0.1", port, 2, sleep=lambda seconds: taken.close())
    try:
        assert {port_of(each) for each in made} == {port}
    finally:
        close(made)


@pytest.mark.parametrize("port", [0, 3000])
def test_an_address_that_is_not_ours_is_refused(port: int) -> None:
    with pytest.raises(ConfigError, match="cannot listen on 192"):
        bind("192.0.2.1", port, 2, sleep=lambda seconds: pytest.fail("waiting does not help"))


def test_sockets_that_are_bound_already_are_closed_where_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    class Counted(socket.socket):
        def __init__(self, *arguments: int) -> None:
            super().__init__(*arguments)
            made.append(self)

        def bind(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            if len(made) == 3:
                raise OSError(24, "Too many open files")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Counted)
    with pytest.raises(ConfigError, match="Too many open files"):
        bind("127.0.0.1", 0, 4)
    assert [each.fileno() for each in made] == [-1] * 3


ORDERS = Orders("static", "127.0.0.1", 0, 3, "/the/state")


def test_there_is_nothing_beside_unless_it_is_ordered() -> None:
    assert bind_beside(ORDERS) == [{}, {}, {}]
    leaving(ORDERS)()


def test_each_slot_has_its_own_internal_socket_and_all_share_the_unix_one(tmp_path: Path) -> None:
    path = tmp_path / "s"
    orders = replace(ORDERS, internal_host="127.0.0.1", internal_port=0, unix_socket=str(path))
    slots = bind_beside(orders)
    leave = leaving(orders)
    try:
        assert len({slot["internal"].fileno() for slot in slots}) == 3
        assert len({port_of(slot["internal"]) for slot in slots}) == 1
        assert len({slot["unix"].fileno() for slot in slots}) == 1
        assert shown(slots[0]["unix"]) == str(path)
        assert shown(slots[0]["internal"]) == f"127.0.0.1:{port_of(slots[0]['internal'])}"
        assert path.is_socket()
    finally:
        for slot in slots:
            close(list(slot.values()))
    leave()
    assert not path.exists()


def test_what_cannot_be_had_beside_is_named_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"relay\.unix_socket: cannot listen on .*no socket"):
        bind_beside(replace(ORDERS, unix_socket=str(tmp_path / "file")))
    (taken,) = bind("127.0.0.1", 0, 1)
    with taken:
        taken.listen()
        orders = replace(ORDERS, internal_host="127.0.0.1", internal_port=port_of(taken))
        with pytest.raises(ConfigError, match=r"relay\.internal_port: cannot listen on"):
            bind_beside(orders, sleep=lambda seconds: None)


def test_a_port_is_claimed_before_anybody_listens_on_it() -> None:
    """Sockets that may share a port may do so with those of another instance, until one of them listens."""
    made = bind("127.0.0.1", 0, 1)
    orders = replace(ORDERS, port=port_of(made[0]))
    inside = replace(ORDERS, internal_host="127.0.0.1", internal_port=orders.port)
    waits: list[float] = []
    try:
        with claim(orders):
            claim(replace(orders, port=0)).close()
            for second in (orders, inside):
                with pytest.raises(ConfigError, match=r"port: cannot listen on 127\.0\.0\.1:\d+: another instance"):
                    claim(second, sleep=waits.append)
        assert sum(waits) == pytest.approx(6)
        claim(orders).close()
    finally:
        close(made)


def test_where_ports_cannot_be_claimed_it_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> socket.socket:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(sockets, "_named", refuse)
    claim(replace(ORDERS, port=3000)).close()
    monkeypatch.setattr(sockets, "_CAN_CLAIM", False)
    claim(replace(ORDERS, port=3000)).close()
