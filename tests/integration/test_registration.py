"""A managed relay and its place at the upstream: registering, being refused, being forgotten, and what that does to envelopes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scrubjay.runtime import worker as module
from scrubjay.runtime.managed.fetched import FetchedPlans
from scrubjay.runtime.managed.registration import Registration
from scrubjay.settings.credentials import generate, write_credentials
from support.authority import CHALLENGE, CONFIGS, ENVELOPE, RESPONSE, Answer, Authority, document, presiding
from support.managed_worker import ManagedWorker, managed_worker, until
from support.relay import K

EVENT = b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc"}\n{"type":"event"}\n{"message":"x"}\n'
STOP = Answer(403, {"detail": "go away", "relay": "stop"})
FAST: dict[str, dict[str, object]] = {
    "http": {"batch": "off", "auth_interval": 0.1, "retry_delay": 0.05, "max_retry_interval": 0.1}
}


@pytest.fixture(autouse=True)
def logging_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker must not replace the handlers that the tests read."""
    monkeypatch.setattr(module.log, "configure", lambda level, form, worker, backtraces: None)


@pytest.fixture
def sentry() -> Iterator[Authority]:
    with presiding() as authority:
        authority.projects[K] = document(K, 7)
        yield authority


async def ready(one: ManagedWorker) -> None:
    async with asyncio.timeout(20):
        while (await one.readiness())[0] != 200:  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.005)


async def unready(one: ManagedWorker) -> str:
    """What it says of it, once it has heard from the upstream."""
    async with asyncio.timeout(20):
        while (found := await one.readiness())[0] == 200 or found[1] == "registering":  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return found[1]


async def test_nothing_is_sent_before_what_was_kept_is_in_force_and_books_are_kept(
    tmp_path: Path, sentry: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    restore, start = FetchedPlans.restore, Registration.start

    async def restored(plans: FetchedPlans, documents: Mapping[str, Mapping[str, Any]]) -> None:
        await restore(plans, documents)
        order.append("restored")

    def started(registration: Registration) -> None:
        order.append("registers")
        start(registration)

    monkeypatch.setattr(FetchedPlans, "restore", restored)
    monkeypatch.setattr(Registration, "start", started)
    async with managed_worker(tmp_path, sentry) as one:
        await ready(one)
    assert order == ["restored", "registers"]


async def test_operations_37_it_registers_and_then_sends(tmp_path: Path, sentry: Authority) -> None:
    async with managed_worker(tmp_path, sentry) as one:
        assert (await one.env(EVENT)).status == 200
        await until(lambda: sentry.deliveries, "the event")
        assert await one.readiness() == (200, "registered")
    (asked,), (answered,) = sentry.of(CHALLENGE), sentry.of(RESPONSE)
    ours = one.credentials
    assert asked.json == {"relay_id": ours.id, "public_key": ours.public_key, "version": "26.10.0"}
    assert (asked.is_signed, answered.is_signed, answered.status) == (True, True, 200)
    assert set(answered.json) == {"relay_id", "token", "version"}
    for request in (asked, answered, sentry.of(ENVELOPE)[0]):
        assert request.headers["x-sentry-relay-id"] == ours.id
        assert request.is_signed
    assert all(asked.is_signed for asked in sentry.of(CONFIGS))
    assert [asked.at_mono for asked in sentry.of(ENVELOPE)] > [answered.at_mono]


async def test_operations_38_until_it_is_registered_it_asks_nothing_else(tmp_path: Path, sentry: Authority) -> None:
    sentry.next(CHALLENGE, Answer(400, {"detail": "not yet"}), Answer(400, {"detail": "not yet"}))
    async with managed_worker(tmp_path, sentry, options=FAST) as one:
        assert (await one.env(EVENT)).status == 200
        await until(lambda: sentry.deliveries, "the event")
        await ready(one)
    names = [asked.name for asked in sentry.asked]
    assert names[:2] == [CHALLENGE, CHALLENGE]
    assert set(names[: names.index(RESPONSE)]) == {CHALLENGE}


async def test_operations_39_told_to_stop_it_holds_everything_and_says_why(tmp_path: Path, sentry: Authority) -> None:
    sentry.always(CHALLENGE, STOP)
    async with managed_worker(
        tmp_path, sentry, options={"spool": {"envelopes": {"path": str(tmp_path / "spool")}}}
    ) as one:
        await until(lambda: sentry.of(CHALLENGE), "a challenge")
        assert (await unready(one)).startswith("denied")
        assert (await one.env(EVENT)).status == 200
        status, detail = await one.readiness()
        assert (status, detail) == (503, "denied: 403 go away")
    assert {asked.name for asked in sentry.asked} == {CHALLENGE}
    assert len(sentry.of(CHALLENGE)) == 1


async def test_operations_40_a_renewal_that_nobody_answers_leaves_it_sending(tmp_path: Path, sentry: Authority) -> None:
    async with managed_worker(tmp_path, sentry, options=FAST) as one:
        await ready(one)
        sentry.always(CHALLENGE, Answer(reset=True))
        seen = len(sentry.of(CHALLENGE))
        await until(lambda: len(sentry.of(CHALLENGE)) > seen + 2, "renewals that fail")
        status, detail = await one.readiness()
        assert (status, detail.partition(":")[0]) == (200, "renewing")
        assert (await one.env(EVENT)).status == 200
        await until(lambda: sentry.deliveries, "the event")


async def test_operations_40_a_renewal_that_is_refused_stops_sending_until_it_is_not(
    tmp_path: Path, sentry: Authority
) -> None:
    async with managed_worker(tmp_path, sentry, options=FAST) as one:
        assert (await one.env(EVENT)).status == 200
        await until(lambda: sentry.deliveries, "the event")
        sentry.always(CHALLENGE, Answer(400, {"detail": "no longer"}))
        assert await unready(one) == "registering: 400 no longer"
        assert (await one.env(EVENT)).status == 200
        delivery = one.worker._delivery
        assert delivery is not None
        delivery.toggle()
        delivery.toggle()  # who lets sending go on again does not let it go on past the upstream
        seen = len(sentry.of(CHALLENGE))
        await until(lambda: len(sentry.of(CHALLENGE)) > seen + 1, "tries")
        assert len(sentry.deliveries) == 1
        sentry.always(CHALLENGE, None)
        await until(lambda: len(sentry.deliveries) == 2, "the event that was held")


async def test_what_the_operator_paused_stays_paused_when_it_is_registered(tmp_path: Path, sentry: Authority) -> None:
    sentry.next(CHALLENGE, Answer(400), Answer(400))
    async with managed_worker(tmp_path, sentry, options=FAST) as one:
        delivery = one.worker._delivery
        assert delivery is not None
        assert not delivery.toggle()
        assert (await one.env(EVENT)).status == 200
        await ready(one)
        await until(lambda: sentry.of(CONFIGS), "the configuration")
        await until(lambda: not len(delivery.outbox.withheld), "the envelope, taken up")
        assert sentry.deliveries == []
        assert delivery.toggle()
        await until(lambda: sentry.deliveries, "the event")


@pytest.mark.parametrize(("how", "status"), [("authenticated", 503), ("always", 200)])
async def test_operations_107_readiness_waits_for_the_upstream_unless_told_otherwise(
    tmp_path: Path, sentry: Authority, how: str, status: int
) -> None:
    sentry.always(CHALLENGE, Answer(400, {"detail": "no"}))
    async with managed_worker(tmp_path, sentry, options={**FAST, "auth": {"ready": how}}) as one:
        await until(lambda: len(sentry.of(CHALLENGE)) > 1, "tries")
        found, detail = await one.readiness()
        assert (found, detail) == (status, "registering: 400 no")


async def test_other_credentials_register_anew_at_a_reload(tmp_path: Path, sentry: Authority) -> None:
    async with managed_worker(tmp_path, sentry) as one:
        await ready(one)
        other = generate()
        write_credentials(tmp_path, other)
        await one.worker.reload()
        await ready(one)
        assert (await one.env(EVENT)).status == 200
        await until(lambda: sentry.deliveries, "the event")
    assert list(sentry.relays) == [one.credentials.id, other.id]
    assert sentry.deliveries[0].headers["x-sentry-relay-id"] == other.id
    assert sentry.of(ENVELOPE)[0].is_signed


async def test_to_stop_may_be_said_to_an_envelope_which_is_kept(tmp_path: Path, sentry: Authority) -> None:
    async with managed_worker(
        tmp_path, sentry, options={"spool": {"envelopes": {"path": str(tmp_path / "spool")}}}
    ) as one:
        await ready(one)
        sentry.next(ENVELOPE, STOP)
        assert (await one.env(EVENT)).status == 200
        assert (await unready(one)).startswith("denied")
        account = one.worker.telemetry.account(one.worker._held())
        assert {name: balance.held for name, balance in account.items()} == {"error": 1}


async def test_where_there_are_several_upstreams_the_one_in_use_has_to_know_it(
    tmp_path: Path, sentry: Authority
) -> None:
    with presiding() as second:
        second.projects[K] = document(K, 7)
        sentry.is_away = True
        options = {"http": {"batch": "off", "retry_delay": 0.05, "max_retry_interval": 0.1, "outage_grace_period": 0}}
        async with managed_worker(tmp_path, [sentry.url, second.url], options=options) as one:
            await ready(one)
            assert (await one.env(EVENT)).status == 200
            await until(lambda: second.deliveries, "the event")
        assert (sentry.relays, list(second.relays)) == ({}, [one.credentials.id])


async def test_operations_51_what_a_configuration_names_is_where_the_project_s_items_go(
    tmp_path: Path, sentry: Authority
) -> None:
    with presiding() as other:
        sentry.projects[K] = {**document(K, 7), "upstream": other.url}
        async with managed_worker(tmp_path, sentry) as one:
            assert (await one.env(EVENT)).status == 200
            await until(lambda: other.deliveries, "the event, elsewhere")
        assert sentry.deliveries == []
        assert {asked.name for asked in other.asked} == {ENVELOPE}
        assert other.deliveries[0].headers["x-sentry-relay-id"] == one.credentials.id
