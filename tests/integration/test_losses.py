"""What the server learns of losses, what clients say of theirs, and what outlives the process: a worker inside the test's own loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from scrubjay.runtime import worker as module
from scrubjay.runtime.worker import Worker
from scrubjay.settings.load import load
from support.mini_upstream import Answer
from support.relay import AUTH, ENVELOPE, Relay, relay

EVENT = b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc"}\n{"type":"event"}\n{"message":"x"}\n'
LOG = b'{}\n{"type":"log","item_count":1,"content_type":"application/vnd.sentry.items.log+json"}\n{"items":[{"body":"x"}]}\n'
DROP_ALL = {"config": {"scrubjay": {"sampling": [{"id": 3100, "applies": ["error"], "rate": 0, "protect": False}]}}}
SOON = {"outcomes": {"aggregator": {"initial_delay": 0.05}}}


@pytest.fixture(autouse=True)
def logging_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker must not replace the handlers that the tests read."""
    monkeypatch.setattr(module.log, "configure", lambda level, form, worker, backtraces: None)


def metrics(one: Relay) -> dict[str, float]:
    lines = one.worker.books.chronicle.metrics().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def closed(one: Relay) -> bool:
    balances = one.worker.telemetry.account(one.worker._held())
    return all(balance.open == 0 for balance in balances.values())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.005)


async def next_report(one: Relay) -> dict[str, Any]:
    _, (item,) = (await one.forwarded()).envelope()
    assert item.headers["type"] == "client_report"
    report = json.loads(item.payload)
    assert isinstance(report, dict)
    return report


def change(folder: Path, **sections: dict[str, Any]) -> None:
    path = folder / "scrubjay.yaml"
    config = yaml.safe_load(path.read_text())
    for section, values in sections.items():
        config[section] = {**config.get(section, {}), **values}
    path.write_text(yaml.safe_dump(config))


@asynccontextmanager
async def again(one: Relay, folder: Path) -> AsyncIterator[Relay]:
    """The next process over the same folder, in front of the same server."""
    worker = Worker(load(folder))
    await worker.start()
    try:
        yield Relay(worker.port, one.upstream, worker)
    finally:
        await worker.stop()


async def test_what_was_dropped_here_is_reported_to_the_server(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode="static", options=SOON, projects={"default.yaml": DROP_ALL}) as one:
        assert (await one.env(EVENT)).status == 200
        report = await next_report(one)
        assert report["discarded_events"] == [{"reason": "sample_rate", "category": "error", "quantity": 1}]
        assert report["timestamp"] % 10 == 0
        assert closed(one)
        change(tmp_path / "r", outcomes={"emit_outcomes": False})
        await one.worker.reload()
        assert (await one.env(EVENT)).status == 200
        await until(lambda: not len(one.worker._reports))
        assert not one.upstream.deliveries


async def test_what_is_left_to_report_goes_out_at_the_end(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode="static", projects={"default.yaml": DROP_ALL}) as one:
        assert (await one.env(EVENT)).status == 200
        assert not one.upstream.deliveries
        await one.worker.stop()
        assert (await next_report(one))["discarded_events"]


async def test_a_report_that_finds_no_room_is_booked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with relay(tmp_path / "r", mode="static", projects={"default.yaml": DROP_ALL}) as one:
        assert (await one.env(EVENT)).status == 200
        outbox = one.worker._delivery.outbox  # type: ignore[union-attr]
        monkeypatch.setattr(outbox, "_has_room", lambda parcel: False)
        await one.worker._reporter.send()
        assert closed(one)
        assert metrics(one)['scrubjay_outcomes_total{category="unknown",outcome="lost",reason="queue_failed"}'] == 1


async def test_a_429_for_a_report_does_not_lose_it(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode="static", options=SOON, projects={"default.yaml": DROP_ALL}) as one:
        one.upstream.tell(Answer(429, {"Retry-After": "1"}))
        assert (await one.env(EVENT)).status == 200
        refused, told = await next_report(one), await next_report(one)
        assert refused == told
        await until(lambda: not one.worker._held()["memory"])
        assert metrics(one)['scrubjay_outcomes_total{category="unknown",outcome="forwarded",reason="forwarded"}'] == 1
        assert closed(one)


async def test_reports_of_a_server_that_is_away_at_the_end_are_on_disk(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "spool": {"envelopes": {"path": str(tmp_path / "spool")}},
        "http": {"outage_grace_period": 0},
    }
    folder = tmp_path / "r"
    async with relay(folder, mode="static", options=options, projects={"default.yaml": DROP_ALL}) as one:
        await one.upstream.stop()
        assert (await one.env(EVENT)).status == 200
        assert (await one.env(LOG)).status == 200
        await until(lambda: one.worker._delivery.outbox.is_out)  # type: ignore[union-attr]
        await one.worker._reporter.send()
        assert len(one.worker._reports) == 1, "in memory while it is away"
        await one.worker.stop()
        await one.upstream.start()
        async with again(one, folder) as second:
            await one.upstream.until_delivered(2)
            found = {item.headers["type"] for each in one.upstream.delivered for item in each.envelope[1]}
            assert found == {"log", "client_report"}
            assert closed(second)


# Reports of clients


async def test_reports_of_clients_are_merged_where_that_is_asked_for(tmp_path: Path) -> None:
    """decisions-114"""
    options = {**SOON, "client_reports": {"mode": "merge"}}
    line = {"reason": "before_send", "category": "error", "quantity": 3}
    body = b'{}\n{"type":"client_report"}\n' + json.dumps({"discarded_events": [line]}).encode()
    async with relay(tmp_path / "r", mode="static", options=options, projects={"default.yaml": DROP_ALL}) as one:
        one.worker._reporter.is_on = False  # nothing is told until both are there
        assert (await one.env(body)).status == 200
        assert (await one.env(EVENT)).status == 200
        one.worker._reporter.is_on = True
        reports = [await next_report(one)]
        lines = [line for report in reports for line in report["discarded_events"]]
        assert lines == [line, {"reason": "sample_rate", "category": "error", "quantity": 1}]
        assert metrics(one)['scrubjay_outcomes_total{category="unknown",outcome="forwarded",reason="merged"}'] == 1
        assert closed(one)
        change(tmp_path / "r", client_reports={"mode": "passthrough"})
        await one.worker.reload()
        assert (await one.env(body)).status == 200
        assert (await one.forwarded()).body.endswith(json.dumps({"discarded_events": [line]}).encode() + b"\n")


async def test_where_nothing_is_reported_reports_of_clients_travel_on(tmp_path: Path) -> None:
    options = {"outcomes": {"emit_outcomes": False}, "client_reports": {"mode": "merge"}}
    async with relay(tmp_path / "r", options=options) as one:
        assert (await one.env(b'{}\n{"type":"client_report"}\n{"discarded_events":[]}')).status == 200
        assert b"discarded_events" in (await one.forwarded()).body


# What outlives the process


async def test_a_limit_that_lasts_is_in_force_after_a_restart(tmp_path: Path) -> None:
    """decisions-65"""
    folder = tmp_path / "r"
    async with relay(folder) as one:
        one.upstream.tell(Answer(200, {"X-Sentry-Rate-Limits": "600:error:key:busy, 20:log_item:key"}))
        assert (await one.env(EVENT)).status == 200
        await until(lambda: len(one.worker._limits))
        assert (await one.env(EVENT)).status == 429
        await one.worker.stop()
        async with again(one, folder) as second:
            refused = await second.env(EVENT)
            assert refused.status == 429
            assert refused.headers["x-sentry-rate-limits"].endswith(":error:key:busy")
            assert (await second.env(LOG)).status == 200


async def test_what_waited_for_a_project_disabled_meanwhile_is_dropped(tmp_path: Path) -> None:
    """decisions-51"""
    folder = tmp_path / "r"
    options: dict[str, Any] = {
        "spool": {"envelopes": {"path": str(tmp_path / "spool")}},
        "http": {"outage_grace_period": 0},
    }
    async with relay(folder, mode="static", options=options, projects={"default.yaml": {"config": {}}}) as one:
        await one.upstream.stop()
        assert (await one.env(EVENT)).status == 200
        assert (await one.send("POST", ENVELOPE, LOG, AUTH)).status == 200
        await until(lambda: one.worker._delivery.outbox.is_out)  # type: ignore[union-attr]
        await one.worker.stop()
        (folder / "projects" / "default.yaml").write_text("disabled: true\nconfig: {}\n")
        await one.upstream.start()
        async with again(one, folder) as second:
            name = 'scrubjay_outcomes_total{category="error",outcome="invalid",reason="project_id"}'
            await until(lambda: metrics(second).get(name))
            await second.worker._reporter.send()
            told = await next_report(second)
            assert {line["reason"] for line in told["discarded_events"]} == {"send_error"}
            assert {line["category"] for line in told["discarded_events"]} >= {"error", "log_item"}
            assert closed(second)


async def test_keys_of_an_organisation_share_its_limits(tmp_path: Path) -> None:
    keys = ["0a1b2c3d4e5f60718293a4b5c6d7e8f9", "f" * 32]
    projects = {
        f"{number}.yaml": {"projectId": 7, "organizationId": 42, "publicKeys": [{"publicKey": key}], "config": {}}
        for number, key in enumerate(keys)
    }
    async with relay(tmp_path / "r", mode="static", projects=projects) as one:
        one.upstream.tell(Answer(200, {"X-Sentry-Rate-Limits": "60:error:organization, 60:log_item:key"}))
        assert (await one.env(EVENT)).status == 200
        await until(lambda: len(one.worker._limits) == 2)
        other = {"X-Sentry-Auth": f"Sentry sentry_key={keys[1]}, sentry_version=7"}
        assert (await one.send("POST", ENVELOPE, EVENT, other)).status == 429
        assert (await one.send("POST", ENVELOPE, LOG, other)).status == 200


# Limits of the server


async def test_without_any_project_a_limit_of_the_server_is_obeyed_for_what_it_names(tmp_path: Path) -> None:
    """decisions-48"""
    async with relay(tmp_path / "r") as one:
        one.upstream.tell(Answer(429, {"X-Sentry-Rate-Limits": "60:error:key"}))
        assert (await one.env(EVENT)).status == 200
        await until(lambda: len(one.worker._limits))
        assert (await one.env(EVENT)).status == 429
        assert (await one.env(LOG)).status == 200


async def test_what_the_server_refused_for_a_limit_it_has_counted(tmp_path: Path) -> None:
    """decisions-66"""
    async with relay(tmp_path / "r", options=SOON) as one:
        one.upstream.tell(Answer(429, {"X-Sentry-Rate-Limits": "60:error:key:why"}))
        assert (await one.env(EVENT)).status == 200
        name = 'scrubjay_outcomes_total{category="error",outcome="rate_limited",reason="why"}'
        await until(lambda: metrics(one).get(name))
        assert len(one.worker._reports) == 0
        assert (await one.env(LOG)).status == 200
        await one.upstream.until_delivered(1)
        assert len(one.upstream.envelopes) == 2, "not tried again"
        assert closed(one)


async def test_workers_of_one_host_tell_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    options = {"spool": {"envelopes": {"path": str(tmp_path / "spool")}}}
    async with relay(folder, options=options) as one, again(one, folder) as two:
        one.upstream.tell(Answer(200, {"X-Sentry-Rate-Limits": "600:error:key:busy"}))
        assert (await one.env(EVENT)).status == 200
        await until(lambda: len(one.worker._limits))
        for each in (one, two):
            each.worker.books.limits_file.exchange()
        assert (await two.env(EVENT)).status == 429


async def test_what_used_up_a_quota_is_not_refused_by_it(tmp_path: Path) -> None:
    """Events that wait for the server were charged when they came; the quota that they filled must not take them."""
    quota = {"id": "few", "scope": "project", "categories": ["error"], "limit": 3, "window": 3600}
    options = {"spool": {"envelopes": {"path": str(tmp_path / "spool")}}}
    projects = {"default.yaml": {"config": {"quotas": [quota]}}}
    async with relay(tmp_path / "r", mode="static", options=options, projects=projects) as one:
        one.upstream.answers += [Answer(503)] * 3
        assert [(await one.env(EVENT)).status for _ in range(5)] == [200, 200, 200, 429, 429]
        await until(lambda: not one.worker.telemetry.account(one.worker._held())["error"].held)
        account = one.worker.telemetry.account(one.worker._held())["error"]
        assert (account.received, account.forwarded, account.dropped) == (5, 3, 2)
