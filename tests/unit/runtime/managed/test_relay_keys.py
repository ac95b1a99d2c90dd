"""Keys of other relays: asked for together, remembered, and never mistaken for unknown."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from scrubjay.core.relays.public_keys import PATH, ROUTE, KnownRelay
from scrubjay.errors import Unavailable, UpstreamError
from scrubjay.runtime.managed import relay_keys as module
from scrubjay.runtime.managed.relay_keys import KeyOptions, RelayKeys, key_options
from scrubjay.settings.keys import encode
from scrubjay.settings.schema import Settings

A, B = (str(uuid.UUID(int=number)) for number in (1, 2))
KEY = KnownRelay(bytes(32))


class Upstream:
    """Knows `A`; `answers` come first, of which an exception is raised."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.called = asyncio.Event()

    async def ask(self, route: str, path: str, body: Any) -> object:
        assert (route, path) == (ROUTE, PATH)
        self.asked.append(body["relay_ids"])
        self.called.set()
        await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else {"relays": {A: {"publicKey": encode(bytes(32))}}}
        if isinstance(answer, Exception):
            raise answer
        return answer


class Errors:
    def __init__(self) -> None:
        self.seen: list[BaseException] = []

    def __call__(self, place: str, error: BaseException) -> None:
        self.seen.append(error)


def keys(upstream: Upstream, now: list[float] | None = None, **options: float) -> RelayKeys:
    clock = now or [0.0]
    return RelayKeys(
        KeyOptions(**{"interval_s": 0.0, "timeout_s": 20.0, **options}),
        upstream.ask,
        Errors(),
        now_mono=lambda: clock[0],
    )


async def test_who_is_wanted_together_is_asked_for_together() -> None:
    upstream = Upstream()
    relays = keys(upstream)
    found = await asyncio.gather(relays.find([A]), relays.find([B, A]), relays.find([]))
    assert found == [{A: KEY}, {B: None, A: KEY}, {}]
    assert upstream.asked == [[A, B]]
    await relays.stop()


async def test_what_is_known_is_remembered_for_its_time() -> None:
    upstream, now = Upstream(), [0.0]
    relays = keys(upstream, now)
    for moment, times in ((0.0, 1), (59.0, 1), (61.0, 2), (3599.0, 3), (3601.0, 4)):
        now[0] = moment
        assert await relays.find([A, B]) == {A: KEY, B: None}
        assert len(upstream.asked) == times
    assert upstream.asked == [[A, B], [B], [B], [A]]
    await relays.stop()


async def test_nothing_is_remembered_where_that_is_not_wanted() -> None:
    upstream = Upstream()
    relays = keys(upstream, expiry_s=0, miss_expiry_s=0)
    for _ in range(2):
        assert await relays.find([A, B]) == {A: KEY, B: None}
    assert len(upstream.asked) == 2
    relays.reconfigure(KeyOptions(interval_s=0))
    for _ in range(2):
        assert await relays.find([A]) == {A: KEY}
    relays.reconfigure(KeyOptions(interval_s=0))
    assert await relays.find([A]) == {A: KEY}
    assert len(upstream.asked) == 3
    await relays.stop()


@pytest.mark.parametrize("answer", [UpstreamError("away"), []], ids=["away", "nonsense"])
async def test_who_could_not_be_asked_for_is_not_unknown(answer: object) -> None:
    upstream = Upstream(answer)
    relays = keys(upstream)
    with pytest.raises(Unavailable) as caught:
        await relays.find([A])
    assert (caught.value.status, caught.value.retry_after_s) == (503, 5)
    assert await relays.find([A]) == {A: KEY}
    await relays.stop()


async def test_nobody_waits_for_long_and_the_answer_is_kept_all_the_same() -> None:
    upstream = Upstream()
    upstream.gate.clear()
    relays = keys(upstream, timeout_s=0.01)
    with pytest.raises(Unavailable):
        await relays.find([A])
    relays.reconfigure(KeyOptions(interval_s=0, timeout_s=20))
    upstream.gate.set()
    assert await relays.find([A]) == {A: KEY}
    assert upstream.asked == [[A]]
    await relays.stop()


async def test_who_gives_up_takes_nobody_along() -> None:
    upstream = Upstream()
    upstream.gate.clear()
    relays = keys(upstream)
    tasks = [asyncio.get_running_loop().create_task(relays.find([A]), name=str(number)) for number in range(2)]
    await upstream.called.wait()
    tasks[0].cancel()
    upstream.gate.set()
    assert await tasks[1] == {A: KEY}
    await relays.stop()


async def test_a_crowd_of_strangers_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    monkeypatch.setattr(module, "MAX_RELAYS", 2)
    upstream = Upstream()
    upstream.gate.clear()
    relays = keys(upstream)
    names = [str(uuid.UUID(int=number)) for number in range(10, 14)]
    waiting = asyncio.get_running_loop().create_task(relays.find(names[:3]), name="three")
    await upstream.called.wait()
    with pytest.raises(Unavailable):
        await relays.find(names[3:])
    upstream.gate.set()
    assert await waiting == dict.fromkeys(names[:3])
    assert upstream.asked == [names[:2], names[2:3]]
    assert repr(relays) == "<RelayKeys 0 known, 0 wanted>"
    await relays.stop()


async def test_stopping_ends_who_waits() -> None:
    upstream = Upstream()
    upstream.gate.clear()
    relays = keys(upstream)
    waiting = asyncio.get_running_loop().create_task(relays.find([A]), name="waits")
    await upstream.called.wait()
    await relays.stop()
    with pytest.raises(Unavailable):
        await waiting


def test_the_settings_in_their_units() -> None:
    assert key_options(Settings()) == KeyOptions(3600, 60, 0.1, 5)
