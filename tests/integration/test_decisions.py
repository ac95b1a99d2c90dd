"""Limits as clients meet them over HTTP: statuses, headers, and what the server behind gets (`decisions.md` 2.6, 3.5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scrubjay.runtime import worker as module
from support.raw_http import Answer
from support.relay import E, K, Relay, relay

ERROR = b'{"type":"event"}\n{}\n'
SESSION = b'{"type":"session"}\n{}\n'
FILE = b'{"type":"attachment","length":10,"filename":"a"}\n0123456789\n'
MINIDUMP = b'{"type":"attachment","length":10,"attachment_type":"event.minidump"}\n0123456789\n'


@pytest.fixture(autouse=True)
def logging_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that reloads sets up logging for its process, which is the tests' here."""
    monkeypatch.setattr(module.log, "configure", lambda level, form, worker, backtraces: None)


def body(*items: bytes) -> bytes:
    return b'{"event_id":"%b"}\n%b' % (E.encode(), b"".join(items))


def project(**config: Any) -> dict[str, Any]:
    return {
        "projectId": 7,
        "organizationId": 42,
        "publicKeys": [{"publicKey": K, "numericId": 17}],
        "config": {"scrubjay": {"scrub": {"opaque": "forward", "attachments": "keep", "binary_attachments": "keep"}}}
        | config,
    }


def quota(category: str, limit: int, **more: Any) -> dict[str, Any]:
    return {"id": category, "categories": [category], "limit": limit, "window": 3600, "reasonCode": category} | more


def told(answer: Answer) -> tuple[int, str | None, str | None]:
    return answer.status, answer.headers.get("x-sentry-rate-limits"), answer.headers.get("retry-after")


async def types_of(one: Relay) -> list[str]:
    """Of the items that arrive next at the server."""
    lines = (await one.forwarded()).body.split(b"\n")
    return [json.loads(line)["type"] for line in lines if line.startswith(b"{") and b'"type"' in line]


async def test_a_quota_that_allows_nothing_decisions_10(tmp_path: Path) -> None:
    config = project(quotas=[{"limit": 0, "reasonCode": "off"}])
    async with relay(tmp_path, mode="static", projects={"7.yaml": config}) as one:
        assert told(await one.env(body(ERROR))) == (429, "60::organization:off", "60")


@pytest.mark.parametrize(
    ("category", "items", "left"),
    [
        pytest.param("error", (ERROR, FILE), [], id="decisions-29"),
        pytest.param("attachment", (ERROR, FILE), ["event"], id="decisions-30"),
        pytest.param("attachment", (MINIDUMP, FILE), ["attachment"], id="decisions-34"),
        pytest.param("session", (ERROR, SESSION), ["event"], id="decisions-35"),
    ],
)
async def test_what_a_limit_takes(tmp_path: Path, category: str, items: tuple[bytes, ...], left: list[str]) -> None:
    """The rest leaves although the answer is 429."""
    config = project(quotas=[quota(category, 0)])
    async with relay(tmp_path, mode="static", projects={"7.yaml": config}) as one:
        answer = await one.env(body(*items))
        assert told(answer) == (429, f"60:{category}:organization:{category}", "60")
        assert "x-sentry-rate-limits" in answer.headers["access-control-expose-headers"].lower()
        if left:
            assert await types_of(one) == left


async def test_a_crash_report_alone_is_taken_with_200_decisions_32(tmp_path: Path) -> None:
    config = project(quotas=[quota("attachment", 0)])
    async with relay(tmp_path, mode="static", projects={"7.yaml": config}) as one:
        assert told(await one.env(body(MINIDUMP))) == (200, None, None)
        assert b'"rate_limited":true' in (await one.forwarded()).body


async def test_the_request_that_trips_a_quota_is_told_decisions_31(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="static", projects={"7.yaml": project(quotas=[quota("error", 1)])}) as one:
        answers = [await one.env(body(ERROR, SESSION)) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 429, 429]
        for answer in answers[1:]:
            seconds = answer.headers["retry-after"]
            assert 0 < int(seconds) <= 300
            assert answer.headers["x-sentry-rate-limits"] == f"{seconds}:error:organization:error"
        assert await types_of(one) == ["event", "session"]
        assert await types_of(one) == ["session"]


async def test_groups_are_refused_in_silence_decisions_25(tmp_path: Path) -> None:
    grouping = {"maxCardinality": 2, "dimensions": ["checkInSlug"]}
    config = project(quotas=[quota("monitor", 9, groupBy=grouping)])
    async with relay(tmp_path, mode="static", projects={"7.yaml": config}) as one:
        for slug in ("a", "b", "c", "a"):
            item = b'{"type":"check_in"}\n{"monitor_slug":"%b"}\n' % slug.encode()
            assert told(await one.env(body(item))) == (200, None, None)
        slugs = [(await one.forwarded()).body.partition(b"monitor_slug")[2][3:4] for _ in range(3)]
        assert slugs == [b"a", b"b", b"a"]


async def test_quotas_by_release_share_what_is_beyond_decisions_121(tmp_path: Path) -> None:
    grouping = {"maxCardinality": 2, "dimensions": ["release"], "overflow": "shared"}
    config = project()
    config["config"]["scrubjay"]["quotas"] = [quota("error", 1, groupBy=grouping)]
    async with relay(tmp_path, mode="static", projects={"7.yaml": config}) as one:
        for release in ("r1", "r2", "r3", "r4", "r5"):
            item = b'{"type":"event"}\n{"release":"%b"}\n' % release.encode()
            assert told(await one.env(body(item))) == (200, None, None)
        arrived = b"".join([(await one.forwarded()).body for _ in range(3)])
        assert [b'"%b"' % release in arrived for release in (b"r1", b"r2", b"r3", b"r4", b"r5")] == [True] * 3 + [
            False
        ] * 2
        assert await one.forwards_nothing()


@pytest.mark.parametrize(
    "quotas", [[], [quota("error", 3)], [quota("error", 9, window=60)]], ids=["none", "more", "window"]
)
async def test_a_quota_that_a_reload_eases_refuses_no_longer(tmp_path: Path, quotas: list[dict[str, Any]]) -> None:
    """Nobody waits for the end of a window that no quota has any more."""
    async with relay(tmp_path, mode="static", projects={"7.yaml": project(quotas=[quota("error", 1)])}) as one:
        assert [(await one.env(body(ERROR))).status for _ in range(3)] == [200, 429, 429]
        (tmp_path / "projects" / "7.yaml").write_text(json.dumps(project(quotas=quotas)))
        await one.worker.reload()
        assert (await one.env(body(ERROR))).status == 200


async def test_what_is_still_too_much_after_a_reload_is_refused_again(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="static", projects={"7.yaml": project(quotas=[quota("error", 1)])}) as one:
        assert [(await one.env(body(ERROR))).status for _ in range(2)] == [200, 429]
        await one.worker.reload()
        assert [(await one.env(body(ERROR))).status for _ in range(2)] == [429, 429]
