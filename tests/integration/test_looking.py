"""Limits, drops and explanations as a running relay shows them (`decisions.md` 9.5)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from scrubjay.runtime import worker as module
from support.relay import AUTH, E, K, Relay, relay

PROJECT = {
    "7.yaml": {
        "projectId": 7,
        "publicKeys": [{"publicKey": K}],
        "config": {
            "filterSettings": {"releases": {"releases": ["0.*"]}},
            "quotas": [
                {"id": "few", "scope": "project", "categories": ["error"], "limit": 2, "window": 3600},
                {"id": "none", "scope": "key", "categories": ["session"], "limit": 0, "reasonCode": "no_sessions"},
            ],
        },
    }
}
EVENT = b'{"event_id":"%b"}\n{"type":"event"}\n{"release":"1.0","message":"ana@lab.example"}\n' % E.encode()
OLD = EVENT.replace(b'"1.0"', b'"0.9"')
TOKEN = {"Authorization": "Bearer t0ken"}


@pytest.fixture(autouse=True)
def logging_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker must not replace the handlers that the tests read."""
    monkeypatch.setattr(module.log, "configure", lambda level, form, worker, backtraces: None)


async def get(one: Relay, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    answer = await one.send("GET", path, headers={"Host": "localhost", **(headers or {})})
    return answer.status, json.loads(answer.body)


async def explain(one: Relay, body: bytes, query: str = "") -> tuple[int, Any]:
    answer = await one.send("POST", f"/api/scrubjay/explain{query}", body, {"Host": "localhost"})
    return answer.status, json.loads(answer.body)


async def test_windows_and_limits(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="static", projects=PROJECT) as one:
        assert [(await one.env(EVENT)).status for _ in range(3)] == [200, 200, 429]
        one.worker.books.chronicle.standings._next_mono = 0.0
        status, shown = await get(one, "/api/scrubjay/limits")
        (window,) = shown["windows"]
        assert status == 200
        assert (window["quota"], window["owner"], window["consumed"], window["limit"]) == ("few", "project 7", 2, 2)
        assert window["categories"] == ["error"]
        (limit,) = shown["limits"]
        assert (limit["owner"], limit["origin"], limit["categories"]) == ("project 7", "few", ["error"])
        nothing = {"windows": [], "limits": [], "spikes": []}
        assert await get(one, "/api/scrubjay/limits?owner=key") == (200, nothing)
        _, of_key = await get(one, f"/api/scrubjay/limits?key={K}")
        assert [row["owner"] for row in (*of_key["windows"], *of_key["limits"])] == ["project 7", "project 7"]
        assert await get(one, f"/api/scrubjay/limits?key={'f' * 32}") == (200, nothing)


async def test_drops(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="static", projects=PROJECT) as one:
        await one.env(OLD)
        await one.env(b'{}\n{"type":"session"}\n{}')
        _, shown = await get(one, "/api/scrubjay/decisions")
        told = [(drop["reason"], drop["origin"], drop["project_id"]) for drop in shown["drops"]]
        assert told == [("no_sessions", "none", 7), ("release-version", "releases", 7)]
        assert "ana@lab" not in json.dumps(shown)
        _, shown = await get(one, "/api/scrubjay/decisions?reason=no_sessions&project=7")
        assert len(shown["drops"]) == 1
        assert await get(one, "/api/scrubjay/decisions?project=8") == (200, {"drops": []})
        for project in ("x", "-7", "7" * 5_000):
            assert (await get(one, f"/api/scrubjay/decisions?project={project}"))[0] == 400


async def test_an_explanation_changes_nothing(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="static", projects=PROJECT) as one:
        for _ in range(4):
            status, told = await explain(one, EVENT, f"?key={K}&project=7")
            assert (status, told["answer"]["status"]) == (200, 200)
        assert told["leaves"]["quantities"] == {"error": 1}
        assert any("0 used" in step["text"] for step in told["steps"])
        status, told = await explain(one, OLD, f"?key={K}&project=7")
        assert [(step["stage"], step["reason"]) for step in told["steps"] if step["outcome"]] == [
            ("filter", "release-version")
        ]
        assert (await explain(one, EVENT, f"?key={K}&project=x"))[0] == 400
        assert (await explain(one, EVENT))[1]["answer"] == {
            "status": 401,
            "reason": "auth_envelope",
            "retry_after": None,
            "rate_limits": None,
        }
        assert (await one.env(EVENT)).status == 200
        assert (await one.forwarded()).body
        _, shown = await get(one, "/api/scrubjay/limits")
        assert one.worker.telemetry.account({})["error"].received == 1
        assert not shown["limits"]


async def test_a_body_that_cannot_be_read_has_a_clear_answer(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="static", projects=PROJECT) as one:
        headers = {"Host": "localhost", "Content-Encoding": "gzip"}
        answer = await one.send("POST", f"/api/scrubjay/explain?key={K}", b"no gzip", headers)
        assert answer.status == 400
        assert b"invalid_body" in answer.body


async def test_other_pages_and_names_are_refused(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="static", projects=PROJECT) as one:
        answer = await one.send("GET", "/api/scrubjay/limits", headers={"Host": "evil.example"})
        assert answer.status == 403
        answer = await one.send(
            "GET", "/api/scrubjay/limits", headers={"Host": "localhost", "Origin": "https://evil.example"}
        )
        assert answer.status == 403


async def test_on_other_addresses_the_token_is_needed(tmp_path: Path) -> None:
    options = {"relay": {"host": "0.0.0.0"}, "admin": {"token": "t0ken"}}
    async with relay(tmp_path, mode="static", projects=PROJECT, options=options) as one:
        assert (await get(one, "/api/scrubjay/limits"))[0] == 401
        assert (await get(one, "/api/scrubjay/limits", {"Authorization": "Bearer t\udcfften"}))[0] == 401
        assert (await get(one, "/api/scrubjay/limits", TOKEN))[0] == 200


async def test_without_a_token_nobody_looks_from_elsewhere(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="static", projects=PROJECT, options={"relay": {"host": "0.0.0.0"}}) as one:
        assert (await get(one, "/api/scrubjay/limits", TOKEN))[0] == 401
        assert (await one.send("POST", "/api/7/envelope/", EVENT, AUTH)).status == 200
        await asyncio.sleep(0)
