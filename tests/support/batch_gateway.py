"""A gateway that takes batches from a relay it knows, and a client that is this relay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.batch_client import (
    BatchClient,
    event,
    gateway_options,
    identity,
)
from support.relay import Relay, relay

SENDER = identity()
BATCH_ID = bytes.fromhex("0192f3a4b5c67d8e9fa0b1c2d3e4f506")


def gateway(folder: Path, *, internal: bool = True, **options: Any) -> Any:
    return relay(folder, options={**gateway_options(SENDER, internal=internal), **options})


def client(running: Relay) -> BatchClient:
    return BatchClient(running.port, SENDER)


async def arrived(running: Relay, count: int) -> list[str]:
    """Event ids that the server took, in order of arrival; waits for so many."""
    return [each.header["event_id"] for each in await running.upstream.until_delivered(count)]


def number(event_id: str) -> int:
    return int(event_id, 16)


async def running_takes_nothing_more(running: Relay, count: int) -> bool:
    """Whether the server has taken so many and no more: a later envelope is the next one that it gets."""
    assert (await running.env(event(0xFFFF))).status == 200
    found = await arrived(running, count + 1)
    return len(found) == count + 1 and number(found[-1]) == 0xFFFF
