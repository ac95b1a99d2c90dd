"""How long an answer of the name service is used (upstream-and-operations 6.9)."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from scrubjay.runtime.forwarding.resolving import Resolver

ONE = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]
TWO = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.2", 443))]


class Names:
    """The loop's name service and clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self.now_mono = 1_000.0
        self.answer: Any = ONE
        self.asked = 0
        monkeypatch.setattr(loop, "getaddrinfo", self.getaddrinfo)
        monkeypatch.setattr(loop, "time", lambda: self.now_mono)

    async def getaddrinfo(self, *place: Any, **options: Any) -> Any:
        assert (place, options) == (("sentry.example", 443), {"type": socket.SOCK_STREAM})
        self.asked += 1
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


async def test_an_answer_is_used_for_a_second(names: Names) -> None:
    resolver = Resolver()
    assert await resolver.addresses("sentry.example", 443) is ONE
    names.answer, names.now_mono = TWO, 1_000.9
    assert await resolver.addresses("sentry.example", 443) is ONE
    names.now_mono = 1_001.0
    assert await resolver.addresses("sentry.example", 443) is TWO
    assert names.asked == 2
    assert repr(resolver) == "<Resolver [('sentry.example', 443)]>"


async def test_without_the_cache_each_connection_asks(names: Names) -> None:
    resolver = Resolver(remembers=False)
    await resolver.addresses("sentry.example", 443)
    await resolver.addresses("sentry.example", 443)
    assert names.asked == 2


async def test_when_the_name_service_fails_the_last_answer_stands_in_for_a_minute(names: Names) -> None:
    resolver = Resolver()
    await resolver.addresses("sentry.example", 443)
    names.answer, names.now_mono = OSError("no name service"), 1_059.0
    assert await resolver.addresses("sentry.example", 443) is ONE
    names.now_mono = 1_060.0
    with pytest.raises(OSError, match="no name service"):
        await resolver.addresses("sentry.example", 443)
