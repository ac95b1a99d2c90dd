"""The service of a host and a worker's way to it: a real socket, a real thread."""

import asyncio
import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrubjay.runtime.quota_backends.host import HostLine
from scrubjay.runtime.quota_sharing.authority import OwnAuthority, SharedAuthority
from scrubjay.runtime.quota_sharing.ledger import Answer, Ask, Claim, Meter
from scrubjay.runtime.quota_sharing.service import (
    LENGTH,
    MAX_MESSAGE_BYTES,
    QuotaService,
    Sharing,
    answer_of,
    ask_of,
    open_authority,
    open_store,
    pack,
)
from support.counting import Clock, T
from support.processes import wait_for

START = T - T % 60
MINUTE = Meter("{0}:q::", 100, 60)


class Authority(OwnAuthority):
    """As a host's own, but it says how often it was called."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.beats = 0
        self.holders: list[int] = []
        self.closed = False

    def lease(self, ask: Ask, holders: int) -> Answer:
        self.holders.append(holders)
        return super().lease(ask, holders)

    def beat(self) -> None:
        self.beats += 1
        raise RuntimeError("a beat that fails ends nothing")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def authority(clock: Clock) -> Authority:
    return Authority(clock)


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sj") as folder:
        yield Path(folder) / "q.sock"


@pytest.fixture
def service(authority: Authority, path: Path) -> Iterator[QuotaService]:
    service = QuotaService(authority, path)
    service.start()
    yield service
    service.stop()


def ask(need: int, want: int = 0, meter: Meter = MINUTE) -> Ask:
    return Ask([meter], [Claim([(0, need)])], [want])


async def take(line: HostLine, need: int = 1) -> int:
    return (await line.lease(ask(need))).grants[0].tokens


async def take_all(line: HostLine) -> int:
    granted = 0
    while await take(line):
        granted += 1
    return granted


def test_messages_come_out_as_they_went_in() -> None:
    asked = Ask([MINUTE, MINUTE._replace(group="a")], [Claim([(0, 1), (1, 2)], -1)], [3, 4], [(5, 6), (7, 8)])
    again = ask_of(pack(asked)[LENGTH.size :])
    assert again.meters == asked.meters
    assert json.dumps(again) == json.dumps(asked)
    answer = Authority(Clock()).lease(ask(1), 3)
    assert answer_of(pack(answer)[LENGTH.size :]) == answer


async def test_workers_count_together(service: QuotaService, path: Path, authority: Authority) -> None:
    one, two = HostLine(path), HostLine(path)
    assert [await take(one, 60), await take(two, 60), await take(two, 40), await take(one)] == [60, 0, 40, 0]
    assert authority.holders == [1, 2, 2, 2]
    await one.close()
    await two.close()
    assert repr(service).endswith(f"at {path}>")


def test_the_socket_is_the_users_alone(service: QuotaService, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_socket_that_was_left_behind_is_no_obstacle(authority: Authority, path: Path) -> None:
    path.touch()
    service = QuotaService(authority, path)
    service.start()
    wait_for(lambda: authority.beats, "a beat at once")
    service.stop()
    assert authority.closed
    assert not path.exists()


def test_the_socket_of_another_one_is_left_alone(path: Path) -> None:
    """An instance that ends while its successor has begun must not take the successor's socket away."""
    ending, successor = QuotaService(OwnAuthority(), path), QuotaService(OwnAuthority(), path)
    ending.start()
    successor.start()
    ending.stop()
    assert path.exists()
    successor.stop()
    assert not path.exists()


def test_a_service_that_cannot_start_can_be_stopped(authority: Authority, path: Path) -> None:
    service = QuotaService(authority, path.parent / "none" / "q.sock")
    with pytest.raises(OSError, match="o such file"):
        service.start()
    service.stop()


@pytest.mark.parametrize(
    "message",
    [
        LENGTH.pack(MAX_MESSAGE_BYTES + 1),
        LENGTH.pack(3) + b"{}x",
        LENGTH.pack(2) + b"[]",
        LENGTH.pack(14) + b"[[[1]],[],[0]]",
        pack(Ask([MINUTE], [Claim([(1, 1)])], [0])),
        pack(Ask([MINUTE], [Claim([(0, 1)])], [])),
        pack(Ask([MINUTE._replace(window_s=0)], [Claim([(0, 1)])], [0])),
        LENGTH.pack(100_000) + b"[" * 100_000,
        b"\0",
    ],
)
async def test_who_talks_nonsense_is_hung_up_on_alone(service: QuotaService, path: Path, message: bytes) -> None:
    line = HostLine(path)
    assert await take(line) == 1
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(message)
        client.shutdown(socket.SHUT_WR)
        assert await asyncio.to_thread(client.recv, 1) == b""
    assert await take(line) == 1
    await line.close()


async def test_a_message_may_come_in_pieces(service: QuotaService, path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    message = pack(ask(1)) + pack(ask(2))
    for at in range(0, len(message), 7):
        writer.write(message[at : at + 7])
        await writer.drain()
    tokens = []
    for _ in range(2):
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        tokens.append(answer_of(await reader.readexactly(length)).grants[0].tokens)
    assert tokens == [1, 2]
    writer.close()


async def test_without_its_service_a_worker_takes_its_part(
    service: QuotaService, path: Path, authority: Authority, clock: Clock
) -> None:
    one, two = (HostLine(path, mono=clock, now_unix=clock) for _ in range(2))
    assert [await take(one, 20), await take(two, 20), await take(one, 10)] == [20, 20, 10]
    service.stop()
    answer = await one.lease(ask(1))
    assert answer.problem == "the quota service is away; `local` decides"
    assert await take_all(one) == 24
    assert await take_all(two) == 30, "it does not know of the other's 10"
    clock.now_unix += 60
    assert await take_all(one) == 50
    again = QuotaService(authority, path)
    again.start()
    clock.now_unix += 2
    answer = await one.lease(ask(1))
    assert answer.problem == ""
    again.stop()
    await one.close()
    await two.close()


async def test_a_service_that_hangs_is_given_up(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrubjay.runtime.quota_backends.host._TIMEOUT_S", 0.01)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        line = HostLine(path, mono=clock, now_unix=clock)
        assert await take_all(line) == 100
        await line.close()


async def test_what_is_known_of_counters_is_bounded(
    service: QuotaService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrubjay.runtime.quota_backends.host._MAX_KNOWN", 3)
    line = HostLine(path)
    for number in range(9):
        await line.lease(ask(1, meter=MINUTE._replace(name=f"q{number}")))
        assert len(line._known) <= 4
    await line.close()


def test_who_decides_follows_the_settings() -> None:
    assert isinstance(open_authority(Sharing()), OwnAuthority)
    shared = open_authority(Sharing(redis="unix:///nowhere.sock", mode="sync", policy="closed", replicas=3))
    assert isinstance(shared, SharedAuthority)
    assert open_store(Sharing(redis="unix:///nowhere.sock")).problem == ""
    with pytest.raises(ValueError, match="unknown scheme"):
        open_authority(Sharing(redis="ftp://x"))
