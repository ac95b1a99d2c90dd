"""A gateway whose disk fills up in the middle of a batch: each record gets a true word, and in the end each has arrived once."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.batch_client import (
    BatchClient,
    acked,
    batch,
    dropped,
    errors,
    event,
    gateway_options,
    identity,
    meta,
    record,
)
from support.forwarding import until
from support.relay import relay

pytestmark = pytest.mark.asyncio
SENDER = identity()


def large(number: int) -> bytes:
    text = random.Random(number).randbytes(30_000).hex()
    return record(meta(number), event(number, payload=b'{"message":"%b"}' % text.encode()))


async def test_room_that_ends_in_the_middle_of_a_batch(tmp_path: Path) -> None:
    spool = {"path": str(tmp_path / "spool"), "max_disk_size": "4MiB", "segment_size": "1MiB", "max_project_share": 1.0}
    spool["batch_size_bytes"] = "64KiB"
    options: dict[str, Any] = {**gateway_options(SENDER), "spool": {"envelopes": spool}}
    async with relay(tmp_path, options=options) as running:
        sender = BatchClient(running.port, SENDER)
        while (first := await sender.send(batch([large(0)]))).status == 503:
            pass
        assert acked(first) == [0]
        running.worker._toggle_sending()
        waiting, refused, is_back = list(range(1, 201)), 0, False
        assert running.worker._delivery is not None
        outbox = running.worker._delivery.outbox
        for _ in range(100):
            answer = await sender.send(batch([large(number) for number in waiting]))
            if answer.status == 503:
                assert int(answer.headers["retry-after"]) >= 5
                refused += 1
            else:
                taken = acked(answer)
                assert dropped(answer) == []
                later = errors(answer)
                assert set(taken).isdisjoint(later)
                assert len(taken) + len(later) == len(waiting)
                assert set(later.values()) <= {(503, "queue_failed")}
                refused += len(later)
                waiting = [number for index, number in enumerate(waiting) if index in later]
            if refused and not is_back:
                running.worker._toggle_sending()
                is_back = True
            if not waiting:
                break
            if is_back:
                await until(outbox.has_capacity)
        assert not waiting
        assert refused, "it was full for a while"
        arrived = await running.upstream.until_delivered(201)
        assert Counter(int(each.header["event_id"], 16) for each in arrived) == Counter(range(201))
