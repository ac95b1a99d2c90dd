"""Datagrams: how much fits into one, and servers that are not there."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from scrubjay.runtime.statsd import wire as module
from scrubjay.runtime.statsd.wire import MOST_BYTES, Wire


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(30)
        yield made


def test_lines_share_a_datagram_as_far_as_it_goes(server: socket.socket) -> None:
    wire = Wire(f"127.0.0.1:{server.getsockname()[1]}")
    lines = [f"a.counter.{number}:1|c" for number in range(100)]
    assert wire.send(lines) == ""
    packets = []
    while len(b"\n".join(packets).split(b"\n")) < 100:
        packets.append(server.recv(65_536))
    assert len(packets) == wire.sent == 2
    assert all(len(packet) <= MOST_BYTES for packet in packets)
    assert b"\n".join(packets).decode().split("\n") == lines
    wire.close()
    assert "sent=2" in repr(wire)


def test_a_line_that_is_longer_goes_alone(server: socket.socket) -> None:
    wire = Wire(f"127.0.0.1:{server.getsockname()[1]}")
    wire.send(["a:1|c", f"b:1|c|#t:{'x' * 2000}", "c:1|c"])
    assert [server.recv(65_536)[:1] for _ in range(3)] == [b"a", b"b", b"c"]
    wire.close()


def test_nobody_is_there_and_later_somebody_is(server: socket.socket) -> None:
    port = server.getsockname()[1]
    server.close()
    wire = Wire(f"127.0.0.1:{port}")
    problems = [wire.send(["a:1|c"]) for _ in range(3)]
    assert "refused" in "".join(problems)  # the system tells with the next datagram
    again = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    again.bind(("127.0.0.1", port))
    again.settimeout(30)
    wire.send(["b:1|c"])
    wire.send(["b:1|c"])
    assert again.recv(100) == b"b:1|c"
    wire.close()
    again.close()


def test_a_name_is_asked_for_once_a_minute_whether_it_is_found_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    clock = Clock()

    def answer(host: str, port: int, **options: object) -> object:
        asked.append(clock.now)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(module.socket, "getaddrinfo", answer)
    wire = Wire("statsd.invalid:8125", now_mono=clock)
    for now in (0.0, 1.0, 59.0, 61.0):
        clock.now = now
        assert wire.send([f"{'x' * 1000}:1|c", f"{'y' * 1000}:1|c"]) == "Name or service not known"
    assert asked == [0.0, 61.0]
    assert (wire.sent, wire.failed) == (0, 8)


def test_while_the_name_service_is_away_the_address_of_before_serves(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    wire = Wire(f"localhost:{server.getsockname()[1]}", now_mono=clock)
    place = (socket.AF_INET, socket.SOCK_DGRAM, 17, "", server.getsockname())
    answers: list[object] = [[place], socket.gaierror(-3, "try again"), [place]]

    def answer(host: str, port: int, **options: object) -> object:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(module.socket, "getaddrinfo", answer)
    for now in (0.0, 61.0, 122.0):
        clock.now = now
        assert wire.send(["a:1|c"]) == ""
        assert server.recv(100) == b"a:1|c"
    assert not answers
    wire.close()


def test_an_address_that_cannot_be_reached_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    place = (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("255.255.255.255", 8125))
    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *_, **__: [place])
    wire = Wire("broadcast:8125")
    assert wire.send(["a:1|c"]) == "Permission denied"
