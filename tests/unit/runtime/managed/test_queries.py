"""Signed questions to the upstream: who may ask when, what is sent, and what answers are worth."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from msgspec.structs import replace
from sentry_relay import auth

from scrubjay.core.signatures import Signer
from scrubjay.errors import Transient
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.managed.queries import Queries, QueryFailed
from scrubjay.settings.credentials import generate
from scrubjay.settings.schema import Settings

REFERENCE: Any = auth
CREDENTIALS = generate()
PATH = "/api/0/relays/projectconfigs/?version=3"


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): text for name, text in headers.items()}, body, reusable=True)


class Line:
    """One upstream: what it was asked, and what it answers next."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, str, bytes, int]] = []
        self.answers: list[Reply | Transient] = []

    async def call(
        self, route: str, method: str, path: str, headers: str = "", body: bytes = b"", *, keeps_bytes: int = 0
    ) -> tuple[Reply, float]:
        await asyncio.sleep(0)
        self.asked.append((route, method, path, headers, body, keeps_bytes))
        answer = self.answers.pop(0) if self.answers else reply()
        if isinstance(answer, Transient):
            raise answer
        return answer, 0.25


class Choice:
    def __init__(self) -> None:
        self.active = 0
        self.avoided: list[int | None] = []

    async def choose(self, avoided: int | None) -> bool:
        self.avoided.append(avoided)
        await asyncio.sleep(0)
        self.active = 1
        return True


class Observer:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None, str, str]] = []

    def upstream_request(
        self, result: str, status: int | None, seconds: float, *, route: str = "envelope", detail: str = ""
    ) -> None:
        self.seen.append((result, status, route, detail))


class Asking:
    def __init__(self, *, upstreams: int = 1, most_bytes: int = 1000) -> None:
        self.lines = [Line() for _ in range(upstreams)]
        self.line = self.lines[0]
        self.choice, self.observer = Choice(), Observer()
        self.now_mono = 0.0
        settings = Settings()
        settings = replace(settings, limits=replace(settings.limits, max_api_payload_size=most_bytes))
        signer = Signer(CREDENTIALS.id, CREDENTIALS.secret_key.reveal())
        self.queries = Queries(self.lines, self.choice, signer, settings, self.observer, now_mono=lambda: self.now_mono)
        self.refusals: list[QueryFailed] = []
        self.queries.on_refused = self.refusals.append

    async def ask(self, body: object = None) -> object:
        return await self.queries.ask("projectconfigs", PATH, body or {"publicKeys": []})

    async def fails(self, *answers: Reply | Transient) -> QueryFailed:
        self.line.answers += answers
        self.queries.admit()
        with pytest.raises(QueryFailed) as caught:
            await self.ask()
        return caught.value


async def test_operations_37_a_question_is_signed_over_its_body() -> None:
    one = Asking()
    one.queries.admit()
    one.line.answers.append(reply(200, b'{"configs": {}}'))
    assert await one.ask({"publicKeys": ["ä"]}) == {"configs": {}}
    ((route, method, path, headers, body, keeps_bytes),) = one.line.asked
    assert (route, method, path, keeps_bytes) == ("projectconfigs", "POST", PATH, 1001)
    lines = dict(line.split(": ", 1) for line in headers.split("\r\n") if line)
    assert lines["Content-Length"] == str(len(body))
    assert lines["Content-Type"] == "application/json"
    assert lines["X-Sentry-Relay-Id"] == CREDENTIALS.id
    assert json.loads(body) == {"publicKeys": ["ä"]}
    assert REFERENCE.PublicKey.parse(CREDENTIALS.public_key).verify(body, lines["X-Sentry-Relay-Signature"])
    assert one.observer.seen == [("ok", 200, "projectconfigs", "")]


async def test_nobody_asks_before_the_upstream_knows_us_but_the_registration() -> None:
    one = Asking()
    waiting = asyncio.get_running_loop().create_task(one.ask())
    await one.queries.register("/register/", {})
    assert [asked[0] for asked in one.line.asked] == ["register"]
    assert (waiting.done(), one.queries.is_admitted, repr(one.queries)) == (False, False, "<Queries waiting>")
    one.queries.admit()
    one.queries.withhold()  # before anybody who waits was woken up
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    one.queries.admit()
    assert await waiting == {}
    assert (one.queries.is_admitted, repr(one.queries)) == (True, "<Queries admitted>")


async def test_who_is_denied_is_told_at_once() -> None:
    one = Asking()
    waiting = asyncio.get_running_loop().create_task(one.ask())
    await asyncio.sleep(0)
    one.queries.deny("403 go away")
    for asking in (waiting, one.ask()):
        with pytest.raises(QueryFailed, match="403 go away") as caught:
            await asking
        assert (caught.value.is_stop, caught.value.network) == (True, False)
    assert (one.line.asked, one.refusals, repr(one.queries)) == ([], [], "<Queries denied>")


@pytest.mark.parametrize(
    ("answer", "status", "network", "is_stop", "result"),
    [
        (reply(400, b'{"detail": "no"}'), 400, False, False, "refused"),
        (reply(401, b'{"detail": "who?"}'), 401, False, False, "refused"),
        (reply(403, b'{"relay": "go"}'), 403, False, False, "refused"),
        (reply(403, b"nonsense"), 403, False, False, "refused"),
        (reply(403, b'{"relay": "stop"}'), 403, False, True, "refused"),
        (reply(403, gzip.compress(b'{"relay": "stop"}'), content_encoding="gzip"), 403, False, True, "refused"),
        (reply(404), 404, False, False, "refused"),
        (reply(302, location="/x"), 302, False, False, "refused"),
        (reply(500), 500, False, False, "error"),
        (reply(502), 502, True, False, "unavailable"),
        (reply(503), 503, True, False, "unavailable"),
        (reply(200, b"<html>"), 200, False, False, "error"),
        (reply(200, b"1" * 1001), 200, False, False, "error"),
        (reply(200, gzip.compress(b" " * 1001), content_encoding="gzip"), 200, False, False, "error"),
    ],
)
async def test_answers_that_are_none(answer: Reply, status: int, network: bool, is_stop: bool, result: str) -> None:
    one = Asking()
    error = await one.fails(answer)
    assert (error.status, error.network, error.is_stop) == (status, network, is_stop)
    assert one.observer.seen == [(result, status, "projectconfigs", str(error))]
    assert one.refusals == ([error] if is_stop or status == 401 else [])


async def test_what_the_registration_is_answered_is_its_own_business() -> None:
    one = Asking()
    one.line.answers.append(reply(403, b'{"relay": "stop"}'))
    with pytest.raises(QueryFailed):
        await one.queries.register("/register/", {})
    assert one.refusals == []


async def test_a_large_answer_is_unpacked() -> None:
    one = Asking(most_bytes=300_000)
    one.queries.admit()
    one.line.answers.append(reply(200, gzip.compress(json.dumps(["x" * 299_000]).encode()), content_encoding="gzip"))
    assert await one.ask() == ["x" * 299_000]


async def test_an_outage_is_what_nobody_answers_for_the_grace_period() -> None:
    one = Asking()
    error = await one.fails(Transient("reset"))
    assert (error.network, one.queries.is_out) == (True, False)
    one.now_mono = 9.9
    await one.fails(reply(504))
    assert not one.queries.is_out
    one.now_mono = 10.0
    assert one.queries.is_out
    assert repr(one.queries) == "<Queries admitted out>"
    await one.fails(reply(400))
    assert not one.queries.is_out
    assert one.choice.avoided == []


async def test_in_an_outage_another_upstream_is_looked_for_once_at_a_time() -> None:
    one = Asking(upstreams=2)
    await one.fails(Transient("connect"))
    assert one.choice.avoided == []
    one.now_mono = 10.0
    one.line.answers += [Transient("connect")] * 2
    first, second = await asyncio.gather(one.ask(), one.ask(), return_exceptions=True)
    assert isinstance(first, QueryFailed)
    assert isinstance(second, QueryFailed)
    assert one.choice.avoided == [0]
    assert await one.ask() == {}
    assert len(one.lines[1].asked) == 1
    assert not one.queries.is_out


async def test_other_bounds_hold_for_the_next_question() -> None:
    one = Asking()
    settings = Settings()
    one.queries.reconfigure(replace(settings, http=replace(settings.http, outage_grace_period=0)))
    await one.fails(Transient("reset"))
    assert one.queries.is_out
    assert one.line.asked[0][-1] == settings.limits.max_api_payload_size + 1
