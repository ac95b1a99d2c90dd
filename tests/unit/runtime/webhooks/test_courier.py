"""Three tries, pauses, and giving up; against a server that does as it is told."""

from __future__ import annotations

import asyncio
import socket
from base64 import b64decode
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from scrubjay.runtime.webhooks import courier as module
from scrubjay.runtime.webhooks.courier import Courier, Receiver
from scrubjay.runtime.webhooks.events import Event, signature
from scrubjay.settings.setting import Secret
from support.certificates import make_authority, server_context
from support.mini_upstream import Answer, MiniUpstream, mini_upstream

PATH = "/hooks/x"
EVENT = Event(type="quota.exhausted", at=1, project=42)


class Told:
    """What the metrics hear."""

    def __init__(self) -> None:
        self.results: list[tuple[str, str, str]] = []

    def webhook(self, event_type: str, result: str, detail: str = "") -> None:
        self.results.append((event_type, result, detail))


class Pauses:
    """Time that passes at once."""

    def __init__(self) -> None:
        self.taken_s: list[float] = []
        self.on: Callable[[float], Awaitable[None]] | None = None

    async def __call__(self, seconds: float) -> None:
        self.taken_s.append(seconds)
        if self.on is not None:
            await self.on(seconds)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


def receiver(server: MiniUpstream, path: str = PATH, secret: str | None = None) -> Receiver:
    return Receiver.parse(Secret(server.url + path), Secret(secret) if secret else None)


async def test_a_delivery(told: Told, pauses: Pauses) -> None:
    async with mini_upstream() as server:
        courier = Courier(receiver(server, f"{PATH}?to=ops", "s3cret"), told, pause=pauses)
        assert not courier.is_due
        courier.put(EVENT)
        courier.put(EVENT)
        assert courier.is_due
        await courier.run()
        first, second = server.arrivals
    assert (first.method, first.path) == ("POST", PATH)
    assert first.headers["Content-Type"] == "application/json"
    assert first.headers["Host"] == f"127.0.0.1:{server.port}"
    assert first.headers["User-Agent"].startswith("scrubjay/")
    assert first.headers["X-Scrubjay-Signature"] == signature("s3cret", first.body)
    assert first.body != second.body  # each event has a name of its own
    assert told.results == [("quota.exhausted", "delivered", "")] * 2
    assert (pauses.taken_s, server.connections, courier.is_due) == ([], 1, False)


async def test_without_a_secret_nothing_is_signed(told: Told) -> None:
    async with mini_upstream() as server:
        courier = Courier(receiver(server), told)
        courier.put(EVENT)
        await courier.run()
        assert "X-Scrubjay-Signature" not in server.arrivals[0].headers


@pytest.mark.parametrize("answer", [Answer(500), Answer(302, headers={"Location": "/elsewhere"}), Answer(404)])
async def test_what_is_not_taken_is_tried_three_times_with_the_same_body(
    told: Told, pauses: Pauses, answer: Answer
) -> None:
    async with mini_upstream() as server:
        server.by_path[PATH] = answer
        courier = Courier(receiver(server, secret="s"), told, pause=pauses)
        courier.put(EVENT)
        await courier.run()
        assert [arrival.path for arrival in server.arrivals] == [PATH] * 3
        assert len({arrival.body for arrival in server.arrivals}) == 1
    assert pauses.taken_s == [1.0, 4.0, 16.0]
    assert told.results == [("quota.exhausted", "failed", f"http://127.0.0.1:{server.port}: status {answer.status}")]


async def test_a_receiver_that_comes_back_gets_it(told: Told, pauses: Pauses) -> None:
    async with mini_upstream() as server:
        server.by_path[PATH] = Answer(503)

        async def recover(seconds: float) -> None:
            if seconds == 4.0:
                server.by_path.clear()

        pauses.on = recover
        courier = Courier(receiver(server), told, pause=pauses)
        courier.put(EVENT)
        await courier.run()
        assert len(server.arrivals) == 3
    assert (pauses.taken_s, told.results) == ([1.0, 4.0], [("quota.exhausted", "delivered", "")])


async def test_a_receiver_that_hangs(told: Told, pauses: Pauses) -> None:
    async with mini_upstream() as server:
        server.by_path[PATH] = Answer(hangs=True)
        courier = Courier(receiver(server), told, pause=pauses, timeout_s=0.05)
        courier.put(EVENT)
        await courier.run()
    assert pauses.taken_s == [1.0, 4.0, 16.0]
    assert "no reply within" in told.results[0][2]


async def test_a_receiver_that_refuses_connections(told: Told, pauses: Pauses) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://user:w0rd@127.0.0.1:{free.getsockname()[1]}/hooks/t0ken"
    courier = Courier(Receiver.parse(Secret(url)), told, pause=pauses)
    courier.put(EVENT)
    await courier.run()
    ((_, result, detail),) = told.results
    assert (result, pauses.taken_s) == ("failed", [1.0, 4.0, 16.0])
    assert "t0ken" not in detail + repr(courier)
    assert "w0rd" not in detail + repr(courier)


async def test_certificates_are_verified(
    told: Told, pauses: Pauses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, certificate = make_authority(tmp_path)
    async with mini_upstream(ssl_context=server_context(certificate)) as server:
        courier = Courier(receiver(server), told, pause=pauses)
        courier.put(EVENT)
        await courier.run()
        assert server.arrivals == []
        assert told.results.pop()[1:2] == ("failed",)
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        courier.put(EVENT)
        await courier.run()
        assert len(server.arrivals) == 1


async def test_giving_up_happens_at_once(told: Told, pauses: Pauses) -> None:
    """In the middle of a request, a pause, or before the connection: what waits is counted as dropped, each once."""
    async with mini_upstream() as server:
        server.by_path[PATH] = Answer(hangs=True)
        courier = Courier(receiver(server), told, pause=pauses)
        for _ in range(3):
            courier.put(EVENT)
        task = asyncio.get_running_loop().create_task(courier.run(), name="courier")
        await server.until(lambda: server.arrivals)
        assert not courier.is_due
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
    assert told.results == [("quota.exhausted", "dropped", "the relay stops")] * 3


async def test_what_failed_already_is_not_dropped_too(told: Told, pauses: Pauses) -> None:
    async with mini_upstream() as server:
        server.by_path[PATH] = Answer(500)
        courier = Courier(receiver(server), told, pause=pauses)
        courier.put(EVENT)

        async def end(seconds: float) -> None:
            if seconds == 16.0:
                raise asyncio.CancelledError

        pauses.on = end
        with pytest.raises(asyncio.CancelledError):
            await courier.run()
    assert [result for _, result, _ in told.results] == ["failed"]


async def test_the_queue_is_bounded(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    async with mini_upstream() as server:
        courier = Courier(receiver(server), told)
        for _ in range(3):
            courier.put(EVENT)
        assert told.results == [("quota.exhausted", "dropped", "too many wait")]
        assert "2 wait" in repr(courier)
        await courier.run()
        assert len(server.arrivals) == 2


@pytest.mark.parametrize(
    ("url", "path", "user"),
    [
        ("http://h", "/", None),
        ("http://h/a?b=c", "/a?b=c", None),
        ("http://h?b", "/?b", None),
        ("https://us%40er:p%3Aw@h:8443/a", "/a", b"us@er:p:w"),
        ("https://us@h/a#part", "/a", b"us:"),
    ],
)
def test_addresses(url: str, path: str, user: bytes | None) -> None:
    found = Receiver.parse(Secret(url))
    assert found.path == path
    assert found.secret is None
    if user is None:
        assert found.authorization is None
    else:
        assert found.authorization is not None
        assert b64decode(found.authorization.removeprefix("Basic ")) == user


async def test_a_user_in_the_address_is_sent_as_such(told: Told) -> None:
    async with mini_upstream() as server:
        url = server.url.replace("http://", "http://user:word@") + PATH
        courier = Courier(Receiver.parse(Secret(url)), told)
        courier.put(EVENT)
        await courier.run()
        assert server.arrivals[0].headers["Authorization"] == "Basic dXNlcjp3b3Jk"
