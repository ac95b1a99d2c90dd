"""The pair of configurations in `config/chain`, as they stand, in one process: envelopes of a client travel on in batches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scrubjay.runtime import metrics
from scrubjay.runtime.worker import Worker
from scrubjay.settings.credentials import generate
from scrubjay.settings.load import load
from support.batch_client import event
from support.forwarding import until
from support.mini_upstream import mini_upstream
from support.raw_http import exchange, request
from support.relay import AUTH

CHAIN = Path(__file__).parents[3] / "config" / "chain"


@asynccontextmanager
async def running(name: str, folder: Path, upstream: str, **env: str) -> AsyncIterator[Worker]:
    variables = {
        "RELAY_UPSTREAM_URL": upstream,
        "SCRUBJAY__RELAY__PORT": "0",
        "SCRUBJAY__SPOOL__ENVELOPES__PATH": str(folder / name),
        "SCRUBJAY__LOGGING__LEVEL": "off",
        **env,
    }
    worker = Worker(load(CHAIN / name, variables))
    logger = logging.getLogger("scrubjay")
    before = logger.level
    try:
        await worker.start()
        yield worker
    finally:
        await worker.stop()
        logger.setLevel(before)


@pytest.mark.asyncio
async def test_a_sidecar_and_a_gateway_as_they_are_configured(tmp_path: Path) -> None:
    keys = generate()
    known = {"SIDECAR_ID": keys.id, "SIDECAR_PUBLIC_KEY": keys.public_key}
    own = {"RELAY_ID": keys.id, "RELAY_PUBLIC_KEY": keys.public_key, "RELAY_SECRET_KEY": keys.secret_key.reveal()}
    async with (
        mini_upstream() as server,
        running("gateway", tmp_path, server.url, **known) as gateway,
        running("sidecar", tmp_path, f"http://127.0.0.1:{gateway.port}/", **own) as sidecar,
    ):
        requests = sidecar.telemetry.values.series[metrics.UPSTREAM_REQUESTS.name]
        await until(lambda: any(labels[0] == "capabilities" for labels in requests))

        async def send(number: int) -> None:
            answer = await exchange(sidecar.port, request("POST", "/api/7/envelope/", event(number), AUTH))
            assert answer.status == 200

        await asyncio.gather(*map(send, range(100)))
        await server.until_delivered(100)
        taken = gateway.telemetry.values.series[metrics.BATCH_RECORDS.name]
        assert taken == {("taken",): 100}
        assert sum(amount for labels, amount in requests.items() if labels[:2] == ("batch", "ok")) < 50
        assert {arrival.header["event_id"] for arrival in server.delivered} == {f"{i:032x}" for i in range(100)}
