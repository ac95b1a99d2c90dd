"""Security reports and check-ins: section 9.9 of ingest.md as far as it is about them, against a real worker in mode `proxy`."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.relay import AUTH, K, Relay, relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

CSP = b'{"csp-report": {"violated-directive": "img-src" , "blocked-uri":"self"}}'
JSON = {"Content_Type": "application/json"}
CONTENT = {"Content-Type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    async with relay(tmp_path_factory.mktemp("pass")) as found:
        yield found


async def report(relay: Relay, body: bytes, query: str = "", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await relay.send("POST", f"/api/1/security/{query}", body, {**({} if query else AUTH), **named})
    assert answer.body == b"" or answer.status not in (200, 415)
    return answer.status


@pytest.mark.parametrize("name", ["security", "csp-report"])
async def test_each_report_of_an_array_is_an_envelope(passing: Relay, name: str) -> None:
    """ingest-92"""
    body = b"[%b, %b]" % (CSP, b'{"type":"csp-violation"}')
    headers = {**AUTH, "Content-Type": "application/reports+json; charset=utf-8"}
    answer = await passing.send("POST", f"/api/1/{name}/", body, headers)
    assert (answer.status, answer.body) == (200, b"")
    sent = [await passing.forwarded() for _ in range(2)]
    assert {one.envelope()[1][0].payload for one in sent} == {CSP, b'{"type":"csp-violation"}'}
    assert len({one.envelope()[0]["event_id"] for one in sent}) == 2
    assert {one.envelope()[1][0].headers["type"] for one in sent} == {"raw_security"}


async def test_release_and_environment_come_from_the_query(passing: Relay) -> None:
    """ingest-93"""
    query = f"?sentry_key={K}&sentry_release=r1&sentry_environment=prod"
    assert await report(passing, CSP, query, Content_Type="application/csp-report") == 200
    (item,) = (await passing.forwarded()).envelope()[1]
    assert (item.headers["sentry_release"], item.headers["sentry_environment"]) == ("r1", "prod")


async def test_no_reports_are_no_envelope(passing: Relay) -> None:
    """ingest-94"""
    assert await report(passing, b"[]", **JSON) == 200
    assert await passing.forwards_nothing()


async def test_media_types_of_reports(passing: Relay) -> None:
    """ingest-95"""
    assert await report(passing, CSP) == 400
    assert await report(passing, CSP, Content_Type="text") == 400
    assert await report(passing, CSP, Content_Type="text/plain") == 415
    assert (await passing.send("POST", "/api/1/security/", CSP, {"Content-Type": "text/plain"})).status == 401
    assert await report(passing, b"", **JSON) == 400
    assert await report(passing, b"[" + b"1," * 500 + b"1]", **JSON) == 400
    assert await passing.forwards_nothing()


async def test_a_report_that_is_no_json_is_the_servers_business(passing: Relay) -> None:
    """ingest-96"""
    assert await report(passing, b"not json", **JSON) == 200
    assert (await passing.forwarded()).envelope()[1][0].payload == b"not json"


async def test_a_limit_ends_the_rest_of_an_array(tmp_path: Path) -> None:
    quota = {"id": "q", "scope": "key", "categories": ["security"], "limit": 1, "window": 3600, "reasonCode": "few"}
    projects = {"default.yaml": {"config": {"quotas": [quota]}}}
    async with relay(tmp_path, mode="static", projects=projects) as limited:
        answer = await limited.send("POST", "/api/1/security/", b"[%b,%b,%b]" % (CSP, CSP, CSP), {**AUTH, **CONTENT})
        assert answer.status == 429
        assert "few" in answer.headers["x-sentry-rate-limits"]


async def check_in(relay: Relay, target: str, body: bytes | None = None, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await relay.send("GET" if body is None else "POST", target, body, named)
    assert answer.status != 202 or answer.body == b""
    return answer.status


async def arrived(relay: Relay) -> dict[str, object]:
    """The check-in that the server got."""
    (item,) = (await relay.forwarded()).envelope()[1]
    assert item.headers["type"] == "check_in"
    return json.loads(item.payload)  # type: ignore[no-any-return]


async def test_a_check_in_by_address_alone(passing: Relay) -> None:
    """ingest-107"""
    assert await check_in(passing, f"/api/7/cron/nightly/{K}?status=ok") == 202
    sent = await passing.forwarded()
    assert json.loads(sent.envelope()[1][0].payload) == {
        "check_in_id": "0" * 32,
        "monitor_slug": "nightly",
        "status": "ok",
    }
    assert "sentry_client=relay-http" in sent.headers["x-sentry-auth"]
    assert len(sent.envelope()[0]["event_id"]) == 32


async def test_more_of_a_check_in_in_the_query(passing: Relay) -> None:
    """ingest-108"""
    query = "status=weird&check_in_id=5D2C7A5E-1B8F-4C0E-9A3D-6F7081920ABC&environment=prod&duration=1.5"
    assert await check_in(passing, f"/api/7/cron/nightly/{K}/?{query}", b"") == 202
    assert await arrived(passing) == {
        "check_in_id": "5d2c7a5e1b8f4c0e9a3d6f7081920abc",
        "monitor_slug": "nightly",
        "status": "unknown",
        "environment": "prod",
        "duration": 1.5,
    }


@pytest.mark.parametrize(
    "query", ["", "?status=ok&check_in_id=x", "?status=ok&duration=soon", "?status=ok&duration=nan"]
)
async def test_a_query_that_is_no_check_in(passing: Relay, query: str) -> None:
    """ingest-109"""
    assert await check_in(passing, f"/api/7/cron/nightly/{K}{query}") == 400


@pytest.mark.parametrize(("body", "status"), [(b"{}", 422), (b"[]", 422), (b'{"status":1}', 422), (b"{", 400)])
async def test_json_that_is_no_check_in(passing: Relay, body: bytes, status: int) -> None:
    """ingest-110"""
    assert await check_in(passing, f"/api/7/cron/nightly/{K}", body, **JSON) == status


async def test_the_slug_is_that_of_the_path(passing: Relay) -> None:
    """ingest-111"""
    body = (
        b'{"monitor_slug":"other","status":"ok","monitor_config":{"schedule":{"type":"crontab","value":"* * * * *"}}}'
    )
    assert await check_in(passing, f"/api/7/cron/nightly/{K}", body, **JSON) == 202
    sent = await arrived(passing)
    assert sent["monitor_slug"] == "nightly"
    assert sent["monitor_config"] == {"schedule": {"type": "crontab", "value": "* * * * *"}}


async def test_the_key_may_stand_elsewhere_but_not_twice(passing: Relay) -> None:
    """ingest-112"""
    assert await check_in(passing, "/api/7/cron/nightly/?status=ok", **AUTH) == 202
    await arrived(passing)
    assert await check_in(passing, f"/api/7/cron/nightly/{K}?status=ok", **AUTH) == 401
    assert await check_in(passing, "/api/7/cron/nightly/?status=ok") == 401


async def test_a_check_in_is_never_told_of_limits(tmp_path: Path) -> None:
    quota = {"id": "q", "scope": "key", "categories": ["monitor"], "limit": 0, "reasonCode": "none"}
    projects = {"default.yaml": {"config": {"quotas": [quota]}}}
    async with relay(tmp_path, mode="static", projects=projects) as limited:
        answer = await limited.send("GET", f"/api/7/cron/nightly/{K}?status=ok")
        assert (answer.status, answer.headers.get("x-sentry-rate-limits")) == (202, None)
