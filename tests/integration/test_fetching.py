"""Configurations over HTTP: known, refused, old, many at once, and not before what goes for all is known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scrubjay.runtime import worker as module
from support.authority import CONFIGS, GLOBAL, WAITING, Answer, Authority, document, presiding
from support.managed_worker import ManagedWorker, managed_worker, until
from support.relay import K

EVENT = b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc"}\n{"type":"event"}\n{"message":"x","extra":{"password":"p"}}\n'
SOON = {"project_expiry": 0.05, "batch_interval": 1}


@pytest.fixture(autouse=True)
def logging_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker must not replace the handlers that the tests read."""
    monkeypatch.setattr(module.log, "configure", lambda level, form, worker, backtraces: None)


@pytest.fixture
def sentry() -> Iterator[Authority]:
    with presiding() as authority:
        authority.projects[K] = document(K, 7)
        yield authority


async def until_answered(one: ManagedWorker, status: int) -> None:
    """Sends until that is the answer."""
    async with asyncio.timeout(20):
        while (await one.env(EVENT)).status != status:  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.005)


async def always_answered(one: ManagedWorker, status: int, until_this: Callable[[], object]) -> None:
    """Sends until something has happened; each time that is the answer."""
    async with asyncio.timeout(20):
        while not until_this():
            assert (await one.env(EVENT)).status == status
            await asyncio.sleep(0.005)


async def test_operations_52_53_a_refusal_holds_until_it_is_known_better(tmp_path: Path, sentry: Authority) -> None:
    del sentry.projects[K]
    async with managed_worker(tmp_path, sentry, options={"cache": {**SOON, "project_grace_period": 60}}) as one:
        assert (await one.env(EVENT)).status == 200
        await until_answered(one, 403)
        await always_answered(one, 403, lambda: len(sentry.asked_for(K)) >= 3)
        sentry.projects[K] = document(K, 7)
        await until_answered(one, 200)
        await until(lambda: sentry.deliveries, "the event")


async def test_operations_53_without_grace_a_refusal_ends(tmp_path: Path, sentry: Authority) -> None:
    del sentry.projects[K]
    options = {"cache": {"project_expiry": 1, "project_grace_period": 0, "batch_interval": 1}}
    async with managed_worker(tmp_path, sentry, options=options) as one:
        await until_answered(one, 403)
        sentry.always(CONFIGS, Answer(hang=True))
        await until_answered(one, 200)
        assert (await one.env(EVENT)).status == 200, "it waits again"


async def test_decisions_50_an_old_configuration_is_used_while_asking_fails(tmp_path: Path, sentry: Authority) -> None:
    async with managed_worker(tmp_path, sentry, options={"cache": {**SOON, "project_grace_period": 60}}) as one:
        assert (await one.env(EVENT)).status == 200
        await until(lambda: sentry.deliveries, "the first event")
        sentry.always(CONFIGS, Answer(500))
        sentry.projects[K] = None
        before = len(sentry.asked_for(K))
        await always_answered(one, 200, lambda: len(sentry.asked_for(K)) > before)
        assert (await one.env(EVENT)).status == 200
        await until(lambda: len(sentry.deliveries) >= 3, "all events")
    assert all(b'"p"' not in delivery.body for delivery in sentry.deliveries)


async def test_an_answer_that_is_worked_out_is_waited_for(tmp_path: Path, sentry: Authority) -> None:
    sentry.projects[K] = [WAITING, WAITING, document(K, 7)]
    async with managed_worker(tmp_path, sentry) as one:
        assert (await one.env(EVENT)).status == 200
        await until(lambda: sentry.deliveries, "the event")
    assert len(sentry.asked_for(K)) == 3


async def test_what_is_unchanged_is_not_sent_again(tmp_path: Path, sentry: Authority) -> None:
    async with managed_worker(tmp_path, sentry, options={"cache": {**SOON, "project_grace_period": 60}}) as one:
        await one.env(EVENT)
        await until(lambda: sentry.deliveries, "the event")
        await always_answered(one, 200, lambda: any(asked.json["revisions"] == ["r1"] for asked in sentry.asked_for(K)))
        assert (await one.env(EVENT)).status == 200


async def test_operations_56_many_keys_are_asked_for_in_few_requests(tmp_path: Path, sentry: Authority) -> None:
    keys = [f"{number:032x}" for number in range(1200)]
    options = {"cache": {"batch_interval": 50}}
    async with managed_worker(tmp_path, sentry, options=options) as one:
        plans = one.worker.ports.plans
        for key in keys:
            plans.find(key)
        await until(
            lambda: all(plan is not None and plan.revision == "disabled" for plan in map(plans.find, keys)), "all"
        )
    assert sorted(len(asked.json["publicKeys"]) for asked in sentry.of(CONFIGS)) == [200, 500, 500]


async def test_operations_58_nothing_is_processed_before_what_goes_for_all_is_known(
    tmp_path: Path, sentry: Authority
) -> None:
    sentry.global_status = "pending"
    sentry.global_config = {"filters": {"version": 1, "filters": []}, "options": {"relay.unknown": 1}}
    options = {"cache": {"global_config_fetch_interval": 0.02, "batch_interval": 1}}
    async with managed_worker(tmp_path, sentry, options=options) as one:
        assert (await one.env(EVENT)).status == 200
        await until(lambda: sentry.asked_for(K) and len(sentry.of(GLOBAL)) > 3, "it is asked for again and again")
        assert sentry.deliveries == []
        sentry.global_status = "ready"
        await until(lambda: sentry.deliveries, "the event")
    (delivery,) = sentry.deliveries
    assert json.loads(delivery.envelope()[1][0].payload)["extra"]["password"] == "[Filtered]"


async def test_what_goes_for_all_goes_for_local_projects_too(tmp_path: Path, sentry: Authority) -> None:
    sentry.global_config = {"quotas": [{"id": "theirs", "limit": 9, "window": 60, "categories": ["error"]}]}
    (tmp_path / "global_config.json").write_text(
        '{"quotas":[{"id":"ours","limit":9,"window":60,"categories":["error"]}]}'
    )
    local = {"7.yaml": {"publicKeys": [{"publicKey": K}]}}
    async with managed_worker(tmp_path, sentry, projects=local) as one:

        def quotas() -> list[str | None]:
            plan = one.worker.ports.plans.find(K)
            return [] if plan is None else [quota.id for quota in plan.quotas.quotas]

        await until(lambda: quotas() == ["theirs"], "the upstream's word")
        await one.worker.reload()
        assert quotas() == ["theirs"]
    assert not sentry.asked_for(K)
