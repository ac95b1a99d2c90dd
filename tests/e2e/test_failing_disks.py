"""Disks that are full, fail, or may only be read: a clear 503, never a false 200, what was promised arrives, and it recovers by itself.

`upstream-and-operations.md` 7.4, 7.9 and 7.12, I4 and I11, with the program as a process. File systems are real ones of a few MiB
(`support/small_disks.py`), errors that no device here gives are the C library's (`support/faulty_system.py`).
"""

from __future__ import annotations

import errno
import json
import random
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.daemon import LIVE, READY, Daemon
from support.faulty_system import FaultySystem
from support.http_client import Answer, post
from support.processes import answers, get, wait_for
from support.promises import Arrivals, judge
from support.recorder import Recorder, recording
from support.small_disks import loop_name, small_disk, thin_disk
from support.steady_load import TARGET

Daemons = Callable[..., Daemon]
NOISE = random.Random(8).randbytes(200_000)


def envelope(event_id: str, size_bytes: int) -> bytes:
    """An event with an attachment that does not get smaller."""
    payload = json.dumps({"event_id": event_id, "message": "with a picture"}).encode()
    items = b'{"type":"event","length":%d}\n%b\n{"type":"attachment","filename":"a.png","length":%d}\n%b\n'
    return b'{"event_id":"%b"}\n' % event_id.encode() + items % (len(payload), payload, size_bytes, NOISE[:size_bytes])


class Client:
    """Sends one after the other, and keeps book."""

    def __init__(self, relay: Daemon) -> None:
        self.acknowledged: list[str] = []
        self._relay = relay

    def send(self, size_bytes: int = 1000) -> Answer:
        """What was answered: 200, or a 503 that says when to come again. All else were a fault here."""
        event_id = uuid.uuid4().hex
        answer = post(self._relay.port, TARGET, envelope(event_id, size_bytes))
        if answer.status == 200:
            self.acknowledged.append(event_id)
        else:
            assert answer.status == 503, answer
            assert 0 < int(answer.headers["retry-after"]) <= 60
        return answer

    def send_until_refused(self, size_bytes: int) -> None:
        wait_for(lambda: self.send(size_bytes).status == 503, "there is no room for more")


@pytest.fixture(name="upstream")
def _upstream() -> Iterator[Recorder]:
    with recording() as upstream:
        upstream.is_away = True
        yield upstream


def finish(relay: Daemon, client: Client, upstream: Recorder, deaths_mono: list[float] | None = None) -> None:
    """The server is back: everything that was promised arrives, the account closes, new envelopes are taken, by the same process."""
    upstream.is_away = False
    arrivals = Arrivals(upstream)
    arrivals.wait_for(client.acknowledged)
    wait_for(lambda: client.send().status == 200, "it takes new ones", timeout_s=90)
    arrivals.wait_for(client.acknowledged)
    verdict = judge(client.acknowledged, arrivals.times, deaths_mono or [])
    assert not verdict.lost, verdict
    assert not verdict.astray, verdict
    account = relay.wait_until_empty()
    assert account.closed, account
    assert account.unaccounted == 0
    wait_for(lambda: answers(relay.port, READY), "ready again")


@pytest.mark.parametrize("kind", ["ext4", pytest.param("tmpfs", marks=pytest.mark.deep)])
def test_operations_81_106_a_full_disk_is_drained_and_taken_again(
    kind: str, tmp_path: Path, daemons: Daemons, upstream: Recorder
) -> None:
    """The relay's own files are on the same disk, as they often are."""
    with small_disk(kind, tmp_path, size_mib=4) as disk:
        folders = {"relay": {"state_dir": str(disk / "run")}, "spool": {"envelopes": {"path": str(disk / "spool")}}}
        relay = daemons(upstream=upstream.url, options=folders)
        relay.start()
        client = Client(relay)
        for size_bytes in (60_000, 1000):
            client.send_until_refused(size_bytes)
        assert len(client.acknowledged) > 20
        assert answers(relay.port, LIVE)
        assert relay.account().held["error"] >= len(client.acknowledged)
        relay.kill()
        relay.start_unready()
        assert answers(relay.port, LIVE)
        assert client.send(60_000).status == 503
        finish(relay, client, upstream)
        assert relay.stop() == 0, relay.log


@pytest.fixture(name="machine")
def _machine(tmp_path: Path) -> FaultySystem:
    return FaultySystem(tmp_path)


def on(machine: FaultySystem, daemons: Daemons, upstream: Recorder, mode: str) -> tuple[Daemon, Client]:
    options = {"spool": {"envelopes": {"fsync": mode}}}
    relay = daemons(upstream=upstream.url, options=options, env=machine.env)
    relay.start()
    client = Client(relay)
    for _ in range(5):
        assert client.send().status == 200
    return relay, client


def test_operations_88_a_sync_that_fails_once_is_a_503_and_no_more(
    machine: FaultySystem, daemons: Daemons, upstream: Recorder
) -> None:
    relay, client = on(machine, daemons, upstream, "always")
    machine.fail_sync(errno.EIO, times=1)
    assert client.send().status == 503
    for _ in range(5):
        assert client.send().status == 200
    assert "the disk failed" in relay.log or "spool" in relay.log
    finish(relay, client, upstream)
    assert relay.stop() == 0, relay.log


@pytest.mark.parametrize(
    "number",
    [errno.EROFS, *(pytest.param(each, marks=pytest.mark.deep) for each in (errno.ENOSPC, errno.EDQUOT))],
    ids=lambda number: errno.errorcode[number],
)
def test_a_disk_that_takes_nothing_is_told_and_tried_again(
    number: int, machine: FaultySystem, daemons: Daemons, upstream: Recorder
) -> None:
    relay, client = on(machine, daemons, upstream, "interval")
    machine.fail_write(number)
    assert [client.send().status for _ in range(5)] == [503] * 5
    assert answers(relay.port, LIVE)
    upstream.is_away = False
    Arrivals(upstream).wait_for(client.acknowledged)
    relay.wait_until_empty()  # what waits is sent without writing
    machine.heal()
    finish(relay, client, upstream)
    assert relay.stop() == 0, relay.log


@pytest.mark.deep
@pytest.mark.parametrize("mode", ["always", "interval", "never"])
@pytest.mark.parametrize("operation", ["sync", "write"])
def test_operations_88_a_disk_that_fails_for_long_makes_no_false_promise(
    operation: str, mode: str, machine: FaultySystem, daemons: Daemons, upstream: Recorder
) -> None:
    relay, client = on(machine, daemons, upstream, mode)
    (machine.fail_sync if operation == "sync" else machine.fail_write)(errno.EIO)
    statuses = Counter(client.send().status for _ in range(50))
    if operation == "write" or mode == "always":
        assert statuses == {503: 50}
    assert answers(relay.port, LIVE)
    machine.heal()
    finish(relay, client, upstream)
    assert relay.stop() == 0, relay.log


@pytest.mark.deep
def test_a_device_with_less_room_than_its_file_system_believes(
    tmp_path: Path, daemons: Daemons, upstream: Recorder
) -> None:
    with thin_disk(tmp_path) as (disk, ballast):
        options = {"spool": {"envelopes": {"path": str(disk / "spool"), "fsync": "always"}}}
        relay = daemons(upstream=upstream.url, options=options)
        relay.start()
        client = Client(relay)
        client.send_until_refused(60_000)
        assert len(client.acknowledged) > 10
        assert answers(relay.port, LIVE)
        ballast.unlink()
        finish(relay, client, upstream)
        assert relay.stop() == 0, relay.log


@pytest.mark.deep
def test_a_file_system_that_turns_read_only_is_still_sent_from(
    tmp_path: Path, daemons: Daemons, upstream: Recorder
) -> None:
    """As ext4 does when its device fails. Writable again it is after a repair only."""
    with small_disk("ext4", tmp_path) as disk:
        subprocess.run(["mount", "-o", "remount,errors=remount-ro", str(disk)], check=True)
        options = {"spool": {"envelopes": {"path": str(disk / "spool"), "fsync": "always"}}}
        relay = daemons(upstream=upstream.url, options=options)
        relay.start()
        client = Client(relay)
        for _ in range(20):
            assert client.send().status == 200
        (Path("/sys/fs/ext4") / loop_name(disk) / "trigger_fs_error").write_text("1")
        assert [client.send().status for _ in range(5)] == [503] * 5
        assert answers(relay.port, LIVE)
        assert get(relay.port, READY)[0] == 503
        upstream.is_away = False
        arrivals = Arrivals(upstream)
        arrivals.wait_for(client.acknowledged)
        assert judge(client.acknowledged, arrivals.times, []).duplicates == 0
        assert relay.wait_until_empty().closed
        assert relay.stop() == 0, relay.log
        relay.start_unready()
        assert client.send().status == 503
        assert relay.stop() == 0, relay.log
