"""Settings as options of the forwarding parts, and these parts put together."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from scrubjay.categories import DataCategory
from scrubjay.core.ledger import Ledger, Parcel
from scrubjay.core.limits import ActiveLimit, LimitTable, Scoping
from scrubjay.runtime.delivery import (
    Delivery,
    dispatch_options,
    limit_of,
    open_delivery,
    outbox_options,
)
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.credentials import Credentials, generate, write_credentials
from scrubjay.settings.load import build, load
from scrubjay.settings.schema import Settings
from support.forwarding import until

KEY = "a" * 32


def settings(**values: Any) -> Settings:
    """By dotted key, with two underscores for each dot."""
    given = {name.replace("__", "."): value for name, value in values.items()}
    return build({"relay.upstream": "http://127.0.0.1:9/", **given})


def parcel(*quantities: tuple[DataCategory, int]) -> Parcel:
    return Parcel("id", KEY, 7, b"{}\n", quantities, time.time())


# Options


def test_parcels_wait_and_are_repeated_as_configured() -> None:
    chosen = settings(
        limits__max_concurrent_requests=3,
        http__retry_delay=0.5,
        http__outage_grace_period=2.0,
        http__max_retry_interval=9.0,
        http__max_5xx_attempts=2,
        http__rate_limited_policy="retry",
        spool__envelopes__max_envelope_delay_secs=60.0,
        spool__envelopes__expiry_holdoff=1.0,
        spool__envelopes__max_unspool_envelopes_per_second=4,
        spool__envelopes__max_memory_size=100_000,
        spool__envelopes__ephemeral=True,
        spool__envelopes__when_full="drop_oldest",
    )
    got = dispatch_options(chosen)
    assert (got.max_concurrent_requests, got.retry_delay_s, got.outage_grace_s) == (3, 0.5, 2.0)
    assert (got.max_retry_interval_s, got.max_5xx_attempts, got.keeps_limited) == (9.0, 2, True)
    assert (got.max_age_s, got.expiry_holdoff_s, got.max_unspool_per_s) == (60.0, 1.0, 4)
    box = outbox_options(chosen)
    assert (box.max_memory_bytes, box.ephemeral, box.spool_evicts, box.dispatch) == (100_000, True, True, got)


# The parts together


class Projects:
    """Nobody is disabled, and no ids are known."""

    diverts = False

    def scoping(self, key: str, project_id: int) -> Scoping:
        return Scoping(key, project_id)

    def is_disabled(self, key: str, project_id: int) -> bool:
        return False

    def passes(self, key: str | None) -> bool:
        return True

    def deny(self, key: str, project_id: int) -> None:
        raise AssertionError("no server answers here")


async def opened(
    limits: LimitTable | None = None, *, credentials: Credentials | None = None, **values: Any
) -> tuple[Delivery, Telemetry]:
    telemetry = Telemetry()
    delivery = await open_delivery(
        settings(**values),
        None,
        Ledger(telemetry),
        telemetry,
        limits or LimitTable(),
        Projects(),
        lambda slot, held: None,
        lambda: True,
        credentials,
    )
    return delivery, telemetry


async def test_what_is_in_memory_alone_is_lost_when_nobody_takes_it() -> None:
    delivery, telemetry = await opened()
    await delivery.outbox.put(parcel((DataCategory.ERROR, 1)))
    assert delivery.outbox.held()["memory"] == ((DataCategory.ERROR, 1),)
    assert await delivery.close(time.monotonic()) == 1
    assert telemetry.values.series["scrubjay_outcomes_total"] == {("lost", "drain_timeout", "error"): 1}
    assert repr(delivery).startswith("<Delivery <Outbox")


async def test_sending_can_be_paused_and_goes_on() -> None:
    delivery, telemetry = await opened()
    assert not delivery.toggle()
    await delivery.outbox.put(parcel((DataCategory.ERROR, 1)))
    assert telemetry.values.series["scrubjay_upstream_inflight"] == {}
    assert delivery.toggle()
    await delivery.close(time.monotonic())


async def test_it_sends_only_if_neither_the_operator_nor_the_upstream_is_against_it() -> None:
    delivery, telemetry = await opened()
    inflight = telemetry.values.series["scrubjay_upstream_inflight"]
    delivery.admit(is_admitted=False)
    await delivery.outbox.put(parcel((DataCategory.ERROR, 1)))
    assert not delivery.toggle()
    delivery.admit(is_admitted=True)
    delivery.admit(is_admitted=False)
    assert delivery.toggle()
    await asyncio.sleep(0)
    assert inflight == {}
    delivery.admit(is_admitted=True)
    await asyncio.sleep(0)
    assert inflight == {(): 1}
    await delivery.close(time.monotonic())


async def test_what_would_be_lost_waits_at_the_end_for_the_upstream_to_know_us() -> None:
    delivery, telemetry = await opened()
    requests = telemetry.values.series["scrubjay_upstream_requests_total"]
    delivery.admit(is_admitted=False)
    await delivery.outbox.put(parcel((DataCategory.ERROR, 1)))
    draining = asyncio.get_running_loop().create_task(delivery.drain(time.monotonic() + 60), name="draining")
    done, _ = await asyncio.wait({draining}, timeout=0.1)
    assert not done
    assert not any(labels[0] == "envelope" for labels in requests)
    delivery.admit(is_admitted=True)
    await until(lambda: any(labels[0] == "envelope" for labels in requests))
    draining.cancel()
    assert await delivery.close(time.monotonic()) == 1


async def test_nobody_waits_at_the_end_for_what_was_paused_or_is_not_there() -> None:
    delivery, _ = await opened()
    delivery.admit(is_admitted=False)
    assert await delivery.drain(time.monotonic() + 3600) == 0
    await delivery.close(time.monotonic())
    delivery, _ = await opened()
    delivery.admit(is_admitted=False)
    assert not delivery.toggle()
    await delivery.outbox.put(parcel((DataCategory.ERROR, 1)))
    assert await delivery.drain(time.monotonic() + 3600) == 1
    await delivery.close(time.monotonic())


async def test_the_upstream_is_asked_for_batches_only_if_it_knows_us() -> None:
    def asks() -> bool:
        return any(task.get_name() == "upstream-capabilities" for task in asyncio.all_tasks())

    delivery, _ = await opened(relay__mode="managed", credentials=generate())
    assert not asks()
    delivery.admit(is_admitted=False)
    delivery.reconfigure(settings(relay__mode="managed", http__encoding="gzip"))
    assert not asks()
    delivery.admit(is_admitted=True)
    assert asks()
    delivery.admit(is_admitted=False)
    await asyncio.sleep(0)
    assert not asks()
    await delivery.close(time.monotonic())


async def test_it_signs_as_whoever_it_is_after_a_reload(tmp_path: Path) -> None:
    before, after = generate(), generate()
    delivery, _ = await opened(credentials=before)
    signer = delivery.roads.signer
    assert signer is not None
    (tmp_path / "scrubjay.yaml").write_text("relay: {mode: proxy}")
    await delivery.reload(settings(), load(tmp_path))
    assert signer.relay_id == before.id
    write_credentials(tmp_path, after)
    await delivery.reload(settings(), load(tmp_path))
    assert (signer.relay_id, signer.secret_key) == (after.id, after.secret_key.reveal())
    await delivery.close(time.monotonic())


async def test_other_settings_are_in_force_at_once() -> None:
    delivery, _ = await opened(limits__max_concurrent_requests=7)
    assert "<Permits 7 of 7>" in repr(delivery)
    delivery.reconfigure(settings(limits__max_concurrent_requests=3, http__encoding="gzip"))
    assert "<Permits 3 of 3>" in repr(delivery)
    assert "gzip" in repr(delivery.roads)
    await delivery.close(time.monotonic())


# Limits that take all of a parcel


def limits(*categories: DataCategory, until_s: float = 60) -> LimitTable:
    table = LimitTable()
    now_mono = time.monotonic()
    table.learn(
        Scoping(KEY, 7),
        [ActiveLimit("key", frozenset({category}), now_mono + until_s, category.wire) for category in categories],
        now_mono,
    )
    return table


ERROR, ATTACHMENT, UNKNOWN = DataCategory.ERROR, DataCategory.ATTACHMENT, DataCategory.UNKNOWN
TRANSACTION = DataCategory.TRANSACTION
INDEXED = DataCategory.TRANSACTION_INDEXED


@pytest.mark.parametrize(
    ("limited", "quantities", "takes"),
    [
        ((), [ERROR], None),
        ((ERROR,), [ERROR], "error"),
        ((ERROR,), [ATTACHMENT], None),
        ((ERROR,), [ERROR, ATTACHMENT], None),
        ((ERROR,), [UNKNOWN], None),
        ((ERROR,), [ERROR, UNKNOWN], None),
        ((TRANSACTION,), [TRANSACTION, INDEXED], "transaction"),
        ((ERROR,), [], None),
    ],
)
def test_decisions_0_a_limit_counts_only_if_it_leaves_nothing(
    limited: tuple[DataCategory, ...], quantities: list[DataCategory], takes: str | None
) -> None:
    active = limits(*limited).active(Scoping(KEY, 7), time.monotonic())
    found = limit_of(parcel(*[(category, 1) for category in quantities]), active)
    assert (found and found.reason) == takes


def test_the_limit_that_lasts_longest_is_named() -> None:
    table = limits(ERROR)
    now_mono = time.monotonic()
    longer = ActiveLimit("key", frozenset({ATTACHMENT}), now_mono + 600, "longer")
    table.learn(Scoping(KEY, 7), [longer], now_mono)
    found = limit_of(parcel((ERROR, 1), (ATTACHMENT, 5)), table.active(Scoping(KEY, 7), now_mono))
    assert found is not None
    assert found.reason == "longer"


# What the disk did
