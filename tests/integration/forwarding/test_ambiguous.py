"""What becomes of what may have arrived: the request was written whole, and no answer came (upstream-and-operations 6.6)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from support.mini_upstream import Answer
from support.relay import Relay, relay

REPORT = b'{}\n{"type":"client_report"}\n{"discarded_events":[{"reason":"x","category":"error","quantity":1}]}\n'
EVENT = b'{}\n{"type":"event"}\n{"message":"x"}\n'
FAST = {"retry_delay": 0, "outage_grace_period": 60}


async def settled(one: Relay) -> None:
    async with asyncio.timeout(60):
        while any(one.worker._held().values()):  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.005)


def lost(one: Relay) -> list[str]:
    return [drop.reason for drop in one.worker.telemetry._drops]


@pytest.mark.parametrize(
    ("policy", "body", "came", "reasons"),
    [
        ("retry", REPORT, 2, []),
        ("drop", REPORT, 1, ["ambiguous"]),
        ("drop", EVENT, 2, []),
        ("drop", REPORT.rstrip() + b"\n" + EVENT.partition(b"\n")[2], 2, []),
    ],
    ids=["operations-62-sent again", "counters", "events are known by their id", "mixed"],
)
async def test_counters_may_be_kept_from_counting_twice(
    tmp_path: Path, policy: str, body: bytes, came: int, reasons: list[str]
) -> None:
    http: dict[str, Any] = {**FAST, "ambiguous_counters": policy}
    async with relay(tmp_path, options={"http": http}) as one:
        one.upstream.tell(Answer(reset="after"))
        assert (await one.env(body)).status == 200
        await settled(one)
        assert len(one.upstream.envelopes) == came
        assert lost(one) == reasons
        assert all(balance.open == 0 for balance in one.worker.telemetry.account(one.worker._held()).values())


async def test_what_cannot_have_arrived_is_sent_again(tmp_path: Path) -> None:
    async with relay(tmp_path, options={"http": {**FAST, "ambiguous_counters": "drop"}}) as one:
        await one.upstream.stop()
        assert (await one.env(REPORT)).status == 200
        await asyncio.sleep(0)
        await one.upstream.start()
        await one.upstream.until_delivered(1)
        await settled(one)
        assert lost(one) == []
