"""A batch that comes again, whole or in parts, at once or after a restart: each envelope is taken once (upstream-and-operations 8.3)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from support.batch_client import (
    acked,
    batch,
    dropped,
    events,
    meta,
    record,
)
from support.batch_gateway import BATCH_ID, arrived, client, gateway, number, running_takes_nothing_more


async def test_operations_101_a_batch_that_comes_again_gets_the_same_reply(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        sender = client(running)
        first = await sender.send(batch([*events(1, 2), record(meta(3), b"x")], BATCH_ID))
        again = await sender.send(batch([*events(1, 2), record(meta(3), b"x")], BATCH_ID))
        assert first.body == again.body
        assert (acked(first), dropped(first)) == ([0, 1], [2])
        assert sorted(map(number, await arrived(running, 2))) == [1, 2]
        assert await running_takes_nothing_more(running, 2)


async def test_operations_101_while_the_first_is_in_work(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        sender = client(running)
        body = batch(events(*range(50)), BATCH_ID)
        answers = await asyncio.gather(*[sender.send(body) for _ in range(5)])
        assert len({answer.body for answer in answers}) == 1
        assert acked(answers[0]) == list(range(50))
        await arrived(running, 50)
        assert await running_takes_nothing_more(running, 50)


async def test_deliveries_that_come_again_in_other_batches(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        sender = client(running)
        bodies = [batch(events(*range(first, first + 20))) for first in range(0, 40, 10)]
        answers = await asyncio.gather(*[sender.send(body) for body in bodies])
        assert all(acked(answer) == list(range(20)) for answer in answers)
        assert sorted(map(number, await arrived(running, 50))) == list(range(50))
        assert await running_takes_nothing_more(running, 50)


async def test_the_same_id_with_other_contents_is_another_batch(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        sender = client(running)
        assert acked(await sender.send(batch(events(1, 2), BATCH_ID))) == [0, 1]
        assert acked(await sender.send(batch(events(2, 3), BATCH_ID))) == [0, 1]
        assert sorted(map(number, await arrived(running, 3))) == [1, 2, 3]


async def test_a_client_that_goes_away_stops_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        connection = await running.connect()
        await connection.send(client(running).request(batch(events(*range(30)), BATCH_ID)))
        await connection.close()
        await arrived(running, 30)
        assert acked(await client(running).send(batch(events(*range(30)), BATCH_ID))) == list(range(30))
        assert await running_takes_nothing_more(running, 30)


async def test_operations_101_after_a_restart(tmp_path: Path) -> None:
    """What the spool holds is known again, though the batch is not."""
    options: dict[str, Any] = {"spool": {"envelopes": {"path": str(tmp_path / "spool")}}}
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with gateway(tmp_path / "one", **options) as running:
        running.worker._toggle_sending()  # as SIGUSR1 does
        assert acked(await client(running).send(batch(events(1, 2, 3), BATCH_ID))) == [0, 1, 2]
    async with gateway(tmp_path / "two", **options) as running:
        again = batch(events(2, 3, 4))
        while (answer := await client(running).send(again)).status == 503:
            assert answer.headers["retry-after"] == "1", "until the spool has told what it holds"
        assert acked(answer) == [0, 1, 2]
        assert sorted(map(number, await arrived(running, 4))) == [1, 2, 3, 4]
        assert await running_takes_nothing_more(running, 4)
