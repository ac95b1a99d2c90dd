"""Batches, each taken once."""

from __future__ import annotations

import asyncio
import json

import pytest

from scrubjay import reasons
from scrubjay.core.batch_format import Batch, BatchReply, RecordError
from scrubjay.core.ports import Ingress, Ports, Verdict
from scrubjay.core.spool_format import Record
from scrubjay.errors import Unavailable
from scrubjay.runtime.endpoints.common import chain_reader
from scrubjay.runtime.forwarding.http_reply import MAX_KEPT_BYTES
from scrubjay.runtime.gateway.arrivals import Surroundings, own_name
from scrubjay.runtime.gateway.passage import Fate
from scrubjay.runtime.gateway.receiver import Receiver, fingerprint, reply_of
from scrubjay.runtime.gateway.senders import Sender
from support.path import KEY, Path
from unit.runtime.gateway.test_once import started
from unit.runtime.gateway.test_passage import Told

pytestmark = pytest.mark.asyncio
ID = bytes(range(16))


def records(*names: int) -> list[Record]:
    return [Record(json.dumps({"k": KEY, "p": "7", "d": f"{name:032x}"}).encode(), b"%d" % name) for name in names]


class Process:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, ingress: Ingress, ports: Ports) -> Verdict:
        self.bodies.append(ingress.body)
        await self.gate.wait()
        return Verdict()


def around(sender: str = "x") -> Surroundings:
    return Surroundings(Sender(sender, is_internal=True), "192.0.2.1", chain_reader(None), 10_000, 3600)


async def take(receiver: Receiver, *names: int, batch_id: bytes = ID, sender: str = "x") -> BatchReply:
    found = records(*names)
    return await receiver.take(Batch(batch_id, found, True), fingerprint(found), around(sender), Path().ports)


async def test_operations_101_the_same_batch_gets_the_same_reply() -> None:
    process = Process()
    receiver = Receiver(Told(), process=process)
    first = await take(receiver, 1, 2)
    assert await take(receiver, 1, 2) is first
    assert (first.acked, first.dropped, process.bodies) == ([True, True], [False, False], [b"1", b"2"])
    assert repr(receiver) == "<Receiver batches=<Once 1 done, 0 running> deliveries=<Once 2 done, 0 running>>"


async def test_of_another_sender_or_with_other_contents_it_is_another() -> None:
    process = Process()
    receiver = Receiver(Told(), process=process)
    await take(receiver, 1)
    assert (await take(receiver, 2)).acked == [True]
    assert (await take(receiver, 1, batch_id=bytes(16))).acked == [True]
    assert process.bodies == [b"1", b"2"]
    assert (await take(receiver, 1, sender="y")).acked == [True]
    assert process.bodies == [b"1", b"2", b"1"], "what one relay calls its deliveries says nothing of another's"


async def test_who_was_at_it_and_was_stopped() -> None:
    process = Process()
    process.gate.clear()
    receiver = Receiver(Told(), process=process)
    first, second = started(take(receiver, 1)), started(take(receiver, 1))
    for _ in range(10):
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(Unavailable):
        await second
    process.gate.set()
    assert (await take(receiver, 1)).acked == [True]


async def test_what_the_spool_holds_is_known() -> None:
    process = Process()
    receiver = Receiver(Told(), process=process)
    for name in (1, 2):
        kept = own_name(bytes.fromhex(f"{name:032x}"), "x")
        assert kept is not None
        receiver.found(b'{"d":"%s"}' % kept.hex().encode())
    for meta in (b"", b"[]", b"{}", b'{"d":7}'):
        receiver.found(meta)
    assert (await take(receiver, 1, 3)).acked == [True, True]
    assert process.bodies == [b"3"]


async def test_until_it_is_known_what_the_spool_holds_batches_wait_but_not_for_ever() -> None:
    now, is_ready, path = 0.0, False, Path()
    receiver = Receiver(Told(), lambda: is_ready, now_mono=lambda: now)
    with pytest.raises(Unavailable) as caught:
        receiver.check_room(path.ports)
    assert caught.value.retry_after_s == 1
    now = 11.0
    receiver.check_room(path.ports)
    now, is_ready = 0.0, True
    receiver.check_room(path.ports)
    path.shelf.room = False
    with pytest.raises(Unavailable) as caught:
        receiver.check_room(path.ports)
    assert caught.value.reason is reasons.QUEUE_FAILED


async def test_only_so_many_batches_are_worked_on() -> None:
    process = Process()
    process.gate.clear()
    receiver = Receiver(Told(), process=process)
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(take(receiver, number, batch_id=bytes([number]) * 16))
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(process.bodies) == 8
        process.gate.set()
    assert len(process.bodies) == 20


async def test_a_reply_names_what_was_not_taken() -> None:
    fates = [Fate("taken"), Fate("known"), Fate("dropped", 403, "project_id"), Fate("later", 503, "queue_failed", 5)]
    assert reply_of(ID, fates, {"k": "60::key"}) == BatchReply(
        ID,
        [True, True, False, False],
        [False, False, True, False],
        [RecordError(2, 403, "project_id"), RecordError(3, 503, "queue_failed", 5)],
        [("k", "60::key")],
    )


async def test_a_reply_with_a_thousand_limits_can_still_be_read() -> None:
    limits = {f"{number:032x}": "60:error:key:why, " * 20 for number in range(1000)}
    fates = [Fate("dropped", 403, "project_id", 30)] * 1000
    said = reply_of(ID, fates, limits)
    assert len(said.encode()) < MAX_KEPT_BYTES
    assert 100 < len(said.rate_limits) < 1000


async def test_contents_are_the_names_of_the_deliveries() -> None:
    moved = [Record(record.meta[:-1] + b',"a":2}', b"other") for record in records(1, 2)]
    assert fingerprint(records(1, 2)) == fingerprint(moved)
    assert fingerprint(records(1, 2)) != fingerprint(records(2, 1))
    assert fingerprint([Record(b"x", b"")]) != fingerprint([Record(b"y", b"")])
