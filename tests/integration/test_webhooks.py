"""Webhooks of a real worker, at a real receiver."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from scrubjay.runtime import worker as module
from support.mini_upstream import Answer, MiniUpstream, mini_upstream
from support.relay import E, K, Relay, relay

PROJECT = {
    "7.yaml": {
        "projectId": 7,
        "publicKeys": [{"publicKey": K}],
        "config": {
            "quotas": [
                {"id": "few", "scope": "project", "categories": ["error"], "limit": 5, "window": 3600},
                {"id": "short", "scope": "key", "categories": ["session"], "limit": 1, "window": 4},
            ],
            "scrubjay": {
                "sampling": [{"id": 3, "applies": ["log_item"], "rate": 0}],
                "spike_protection": {"enabled": True, "floor": 2},
            },
        },
    }
}
EVENT = b'{"event_id":"%b"}\n{"type":"event"}\n{"message":"ana@lab.example"}\n' % E.encode()
SESSION = b'{}\n{"type":"session"}\n{"sid":"%b","did":"ana"}\n' % E.encode()


@pytest.fixture(autouse=True)
def logging_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker must not replace the handlers that the tests read."""
    monkeypatch.setattr(module.log, "configure", lambda level, form, worker, backtraces: None)


@asynccontextmanager
async def watched(folder: Path, **webhooks: Any) -> AsyncIterator[tuple[Relay, MiniUpstream]]:
    """A worker and a receiver of its webhooks."""
    async with mini_upstream() as receiver:
        options = {"webhooks": {"url": f"{receiver.url}/hook", "secret": "s3cret", **webhooks}}
        async with relay(folder, mode="static", projects=PROJECT, options=options) as one:
            yield one, receiver


async def event(receiver: MiniUpstream, event_type: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        bodies = [json.loads(arrival.body) for arrival in receiver.arrivals]
        return [body for body in bodies if body["type"] == event_type]

    await receiver.until(found)
    return found()[0]


async def test_a_quota_that_is_used_up(tmp_path: Path) -> None:
    async with watched(tmp_path) as (one, receiver):
        for _ in range(4):
            assert (await one.env(EVENT)).status == 200
        warning = await event(receiver, "quota.warning")
        assert (warning["project"], warning["quota"], warning["consumed"], warning["limit"]) == (7, "few", 4, 5)
        assert [(await one.env(EVENT)).status for _ in range(3)] == [200, 429, 429]
        exhausted = await event(receiver, "quota.exhausted")
        assert list(exhausted) == (
            ["id", "type", "at", "project", "category", "quota", "limit", "consumed", "resetsAt", "dropped"]
        )
        assert (exhausted["consumed"], exhausted["category"]) == (5, "error")
        assert exhausted["resetsAt"] > exhausted["at"] >= warning["at"]
        assert len(receiver.arrivals) == 2
        for arrival in receiver.arrivals:
            expected = hmac.new(b"s3cret", arrival.body, hashlib.sha256).hexdigest()
            assert arrival.headers["X-Scrubjay-Signature"] == f"sha256={expected}"
            assert b"ana" not in arrival.body
        shown = one.worker.books.chronicle.metrics()
        assert 'scrubjay_webhooks_total{result="delivered",type="quota.exhausted"} 1.0' in shown


async def test_a_window_that_ends(tmp_path: Path) -> None:
    async with watched(tmp_path, events=["quota.exhausted", "quota.recovered"]) as (one, receiver):
        async with asyncio.timeout(60):
            while not receiver.arrivals:  # a window may have ended before somebody looked
                await one.env(SESSION)
                with suppress(TimeoutError):
                    await receiver.until(lambda: receiver.arrivals, 0.5)
        exhausted = await event(receiver, "quota.exhausted")
        assert exhausted["owner"] == f"key {K[:8]}"
        assert K not in json.dumps(exhausted)
        recovered = await event(receiver, "quota.recovered")
        assert (recovered["quota"], recovered["consumed"]) == ("short", 1)


async def test_limits_of_the_upstream_and_sampling(tmp_path: Path) -> None:
    async with watched(tmp_path) as (one, receiver):
        one.upstream.tell(Answer(429, {"X-Sentry-Rate-Limits": "600:error:project:slow_down"}))
        await one.env(EVENT)
        limited = await event(receiver, "upstream.rate_limited")
        assert (limited["project"], limited["category"], limited["quota"]) == (7, "error", None)
        assert 590 <= limited["resetsAt"] - limited["at"] <= 600
        log = b'{"items":[{"body":"x","level":"info","timestamp":1}]}'
        line = (
            b'{"type":"log","item_count":1,"content_type":"application/vnd.sentry.items.log+json","length":%d}'
            % len(log)
        )
        await one.env(b"{}\n" + line + b"\n" + log)
        sampled = await event(receiver, "sampling.active")
        assert (sampled["project"], sampled["dropped"]) == (7, 1)


async def test_a_spike(tmp_path: Path) -> None:
    now_unix = time.time()
    track = {
        "project": 7,
        "category": "transaction",
        "since": now_unix - 86_401,
        "hour": now_unix // 3600,
        "weekly": [],
    }
    known = {"version": 1, "tracks": [{**track, "seen": 0, "taken": 0, "urgent": 0, "fast": None}]}
    async with watched(tmp_path) as (one, receiver):
        one.worker.books.spikes.load(known, now_unix)
        transaction = b'{"event_id":"%b"}\n{"type":"transaction"}\n{"type":"transaction"}\n' % E.encode()
        assert [(await one.env(transaction)).status for _ in range(4)] == [200, 200, 429, 429]
        spike = await event(receiver, "spike.start")
        assert (spike["project"], spike["category"], spike["limit"], spike["consumed"]) == (7, "transaction", 2, 4)
        shown = json.loads((await one.send("GET", "/api/scrubjay/limits", headers={"Host": "localhost"})).body)
        assert [(row["project_id"], row["seen"]) for row in shown["spikes"]] == [(7, 4)]


async def test_an_address_that_a_reload_brings(tmp_path: Path) -> None:
    async with watched(tmp_path, url=None) as (one, receiver):
        path = tmp_path / "scrubjay.yaml"
        path.write_text(path.read_text().replace("url: null", f"url: {receiver.url}/later"))
        await one.worker.reload()
        async with asyncio.timeout(60):
            while not (told := [arrival.path for arrival in receiver.arrivals]):
                await one.env(EVENT)  # the first look takes things as they are
                one.upstream.tell(Answer(429, {"X-Sentry-Rate-Limits": "600:replay:project"}))
                with suppress(TimeoutError):
                    await receiver.until(lambda: receiver.arrivals, 0.5)
        assert told[0] == "/later"


@pytest.mark.parametrize("answer", [Answer(500), Answer(hangs=True), Answer(reset="after")])
async def test_a_bad_receiver_harms_nobody_and_ends_at_once(tmp_path: Path, answer: Answer) -> None:
    async with watched(tmp_path, events=["quota.exhausted"]) as (one, receiver):
        receiver.default = answer
        assert [(await one.env(EVENT)).status for _ in range(6)] == [200] * 5 + [429]
        await receiver.until(lambda: receiver.arrivals)
        begin = time.perf_counter()
        assert (await one.env(SESSION)).status == 200
        assert time.perf_counter() - begin < 5
        telemetry = one.worker.telemetry
        begin = time.perf_counter()
    assert time.perf_counter() - begin < 8
    assert telemetry.values.series["scrubjay_webhooks_total"][("quota.exhausted", "dropped")] == 1
