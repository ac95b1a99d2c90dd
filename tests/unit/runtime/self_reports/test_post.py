"""One request for each report, and whoever says that it is too much."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.runtime.forwarding.http_client import Origin
from scrubjay.runtime.self_reports.post import Address, Post
from scrubjay.settings.setting import Secret
from support.mini_upstream import Answer, MiniUpstream, mini_upstream

ENVELOPE = b'{}\n{"type":"event","length":2}\n{}\n'


def test_a_dsn_is_an_address() -> None:
    address = Address.parse(Secret("https://key:secret@errors.example:9000/sentry/42"))
    assert address == Address(Origin("https", "errors.example", 9000), "/sentry/api/42/envelope/", "key")


@asynccontextmanager
async def posting(now: list[float]) -> AsyncIterator[tuple[Post, MiniUpstream]]:
    async with mini_upstream() as server:
        dsn = Secret(server.url.replace("://", "://key@") + "/42")
        post = Post(Address.parse(dsn), now_mono=lambda: now[0])
        yield post, server
        post.close()
        post.close()


async def test_a_report_arrives() -> None:
    async with posting([0.0]) as (post, server):
        assert await post.send(ENVELOPE) == ""
        (arrival,) = server.arrivals
        assert (arrival.method, arrival.path, arrival.body) == ("POST", "/api/42/envelope/", ENVELOPE)
        assert arrival.headers["X-Sentry-Auth"].endswith("sentry_key=key")
        assert repr(post) == f"<Post to {server.url}>"


async def test_what_is_refused_or_gets_no_answer() -> None:
    async with posting([0.0]) as (post, server):
        server.tell(Answer(status=403), Answer(reset="after"), Answer(reset="after"))
        assert await post.send(ENVELOPE) == f"{server.url}: status 403"
        assert (await post.send(ENVELOPE)).startswith(f"{server.url}: ")


@pytest.mark.parametrize(("headers", "pause_s"), [({"Retry-After": "120"}, 120.0), ({}, 60.0)])
async def test_too_much_is_left_alone_for_as_long_as_it_says(headers: dict[str, str], pause_s: float) -> None:
    now = [0.0]
    async with posting(now) as (post, server):
        server.tell(Answer(status=429, headers=headers))
        assert await post.send(ENVELOPE) == f"{server.url}: status 429"
        now[0] = pause_s - 1
        assert await post.send(ENVELOPE) == "throttled"
        now[0] = pause_s
        assert await post.send(ENVELOPE) == ""
        assert len(server.arrivals) == 2


async def test_certificates_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    post = Post(Address.parse(Secret("https://key@127.0.0.1:1/42")), str(tmp_path / "ca.pem"))
    with pytest.raises(ConfigError):
        await post.send(ENVELOPE)
