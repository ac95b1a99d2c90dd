"""The records of one batch, each by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from scrubjay import reasons
from scrubjay.core.ports import Ingress, Ports, Verdict
from scrubjay.core.spool_format import Record
from scrubjay.errors import BadRequest, Unavailable
from scrubjay.runtime.endpoints.common import chain_reader
from scrubjay.runtime.gateway.arrivals import Surroundings
from scrubjay.runtime.gateway.once import Once
from scrubjay.runtime.gateway.passage import Fate, Passage, refusal
from scrubjay.runtime.gateway.senders import Sender
from support.path import KEY, Path
from unit.runtime.gateway.test_once import started

pytestmark = pytest.mark.asyncio
AROUND = Surroundings(Sender("x", is_internal=True), "192.0.2.1", chain_reader(None), 10_000, 3600)


class Told:
    """What was counted."""

    def __init__(self) -> None:
        self.fates: list[str] = []
        self.errors: list[BaseException] = []

    def batch_record(self, fate: str) -> None:
        self.fates.append(fate)

    def internal_error(self, place: str, error: BaseException) -> None:
        self.errors.append(error)


def records(*names: int) -> list[Record]:
    return [Record(json.dumps({"k": KEY, "p": "7", "d": f"{name:032x}"}).encode(), b"%d" % name) for name in names]


async def words(
    process: Callable[[Ingress, Ports], Awaitable[Verdict]],
    *names: int,
    ports: Ports | None = None,
    deliveries: Once[bytes, Fate] | None = None,
    told: Told | None = None,
) -> list[str]:
    passage = Passage(
        Once(100, keeps=lambda fate: fate.word == "taken") if deliveries is None else deliveries,
        AROUND,
        ports or Path().ports,
        told or Told(),
        process=process,
    )
    await passage.take(records(*names))
    return [fate.word for fate in passage.fates]


async def takes(ingress: Ingress, ports: Ports) -> Verdict:
    await asyncio.sleep(0)
    return Verdict()


async def test_all_is_well() -> None:
    told = Told()
    assert await words(takes, 1, 2, 3, told=told) == ["taken"] * 3
    assert told.fates == ["taken"] * 3


async def test_each_gets_its_own_word() -> None:
    async def process(ingress: Ingress, ports: Ports) -> Verdict:
        if ingress.body == b"2":
            raise BadRequest(reasons.INVALID_ENVELOPE)
        if ingress.body == b"3":
            raise ZeroDivisionError
        if ingress.body == b"4":
            raise Unavailable(reasons.UNAUDITED, retry_after_s=9)
        return Verdict(429, None, 5, "60:error:key:x")

    told = Told()
    passage = Passage(Once(9), AROUND, Path().ports, told, process=process)
    await passage.take([*records(1, 2, 3, 4, 5), Record(b"", b"")])
    assert passage.fates == [
        Fate("taken"),
        Fate("dropped", 400, "invalid_envelope"),
        Fate("later", 500, "internal"),
        Fate("later", 503, "unaudited", 9),
        Fate("taken"),
        Fate("dropped", 400, "invalid_body"),
    ]
    assert passage.limits == {KEY: "60:error:key:x"}
    assert isinstance(told.errors[0], ZeroDivisionError)


async def test_what_finds_no_room_stops_those_behind_it() -> None:
    """503 in the middle: nothing more is tried, what is known already is told so all the same."""
    tried: list[bytes] = []

    async def process(ingress: Ingress, ports: Ports) -> Verdict:
        tried.append(ingress.body)
        if ingress.body == b"3":
            raise Unavailable(reasons.QUEUE_FAILED, retry_after_s=7)
        return Verdict()

    deliveries: Once[bytes, Fate] = Once(100, keeps=lambda fate: fate.word == "taken")
    assert await words(process, 9, deliveries=deliveries) == ["taken"]
    assert await words(process, 1, 2, 3, 4, 9, 5, deliveries=deliveries) == [
        *("taken", "taken", "later", "later", "known", "later")
    ]
    assert tried == [b"9", b"1", b"2", b"3"]
    assert await words(takes, 1, 2, 3, 4, 5, deliveries=deliveries) == ["known", "known", "taken", "taken", "taken"]


async def test_room_is_asked_for_before_each() -> None:
    path = Path()

    async def process(ingress: Ingress, ports: Ports) -> Verdict:
        path.shelf.room = ingress.body != b"2"
        return Verdict()

    assert await words(process, 1, 2, 3, 4, ports=path.ports) == ["taken", "taken", "later", "later"]
    found = refusal(path.ports)
    assert found is not None
    assert (found.status, found.reason, found.retry_after_s) == (503, reasons.QUEUE_FAILED, 17)
    path.ports.has_memory = lambda: False
    found = refusal(path.ports)
    assert found is not None
    assert found.reason is reasons.OUT_OF_MEMORY
    assert refusal(Path(outbox=None).ports) is None


async def test_a_delivery_that_is_under_way_elsewhere_is_waited_for() -> None:
    deliveries: Once[bytes, Fate] = Once(100, keeps=lambda fate: fate.word == "taken")
    gate, times = asyncio.Event(), []

    async def process(ingress: Ingress, ports: Ports) -> Verdict:
        times.append(ingress.body)
        await gate.wait()
        return Verdict()

    async with asyncio.TaskGroup() as group:
        one = group.create_task(words(process, 1, 2, deliveries=deliveries))
        other = group.create_task(words(process, 2, 3, deliveries=deliveries))
        for _ in range(20):
            await asyncio.sleep(0)
        gate.set()
    assert sorted(one.result() + other.result()) == ["known", "taken", "taken", "taken"]
    assert sorted(times) == [b"1", b"2", b"3"]


async def test_who_was_at_it_and_was_stopped_leaves_it_to_be_sent_again() -> None:
    deliveries: Once[bytes, Fate] = Once(100)
    gate = asyncio.Event()

    async def process(ingress: Ingress, ports: Ports) -> Verdict:
        await gate.wait()
        return Verdict()

    one = started(words(process, 1, deliveries=deliveries))
    other = started(words(process, 1, deliveries=deliveries))
    for _ in range(20):
        await asyncio.sleep(0)
    one.cancel()
    assert await other == ["later"]
    gate.set()
    assert await words(process, 1, deliveries=deliveries) == ["taken"]


async def test_the_same_twice_in_one_batch_is_taken_once() -> None:
    assert sorted(await words(takes, 1, 1, 1)) == ["known", "known", "taken"]


async def test_only_so_many_wait_together() -> None:
    waiting: list[bytes] = []
    gate = asyncio.Event()

    async def process(ingress: Ingress, ports: Ports) -> Verdict:
        waiting.append(ingress.body)
        await gate.wait()
        return Verdict()

    running = started(words(process, *range(300)))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert len(waiting) == 256
    gate.set()
    assert await running == ["taken"] * 300


async def test_what_comes_round_does_not_come_again() -> None:
    async def process(ingress: Ingress, ports: Ports) -> Verdict:
        raise BadRequest(reasons.LOOP)

    assert await words(process, 1) == ["dropped"]
