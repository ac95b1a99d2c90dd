"""At how many addresses a capture answers."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientConnectorError, ClientSession, web

from scrubjay.errors import ConfigError
from scrubjay.runtime.bound_socket import bound_socket
from scrubjay.runtime.doors import Doors, open_doors
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.fronts import Fronts
from scrubjay.settings.load import build


class Book:
    def request(self, route: str, status: int, seconds: float) -> None: ...

    def rejected(self, reason: object, detail: str = "", **more: object) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None:
        raise AssertionError(place) from error


@asynccontextmanager
async def opened(**options: object) -> AsyncIterator[Doors]:
    async def answer(_: object) -> web.StreamResponse:
        return web.Response(text="x")

    settings = build({"relay.port": 0, **{key.replace("__", "."): value for key, value in options.items()}})
    routes = [Route("GET", "/", answer, "page"), Route("GET", "/healthz", answer, "health", internal=True)]
    is_split = settings.relay.internal_host is not None
    fronts = Fronts(routes, Book(), Bodies(1 << 20), is_split=is_split)
    doors = await open_doors(fronts, settings, None, Book())
    try:
        yield doors
    finally:
        await doors.close(0)


async def reaches(host: str, port: int | None) -> bool:
    async with ClientSession() as session:
        try:
            async with session.get(f"http://{host}:{port}/") as response:
                return response.status == 200
        except ClientConnectorError:
            return False


def has_ipv6() -> bool:
    try:
        bound_socket("::1", 0).close()
    except OSError:
        return False
    return True


async def test_a_capture_answers_on_both_loopback_addresses_and_where_sdks_look_for_spotlight() -> None:
    async with opened(relay__mode="capture", capture__spotlight_port=0) as doors:
        assert doors.spotlight not in (None, doors.number)
        for port in (doors.number, doors.spotlight):
            assert await reaches("127.0.0.1", port)
            assert await reaches("[::1]", port) == has_ipv6()
    assert not await reaches("127.0.0.1", doors.spotlight)


async def test_a_spotlight_port_that_is_taken_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    with bound_socket("127.0.0.1", 0) as other:
        other.listen()
        with caplog.at_level(logging.WARNING):
            async with opened(relay__mode="capture", capture__spotlight_port=other.getsockname()[1]) as doors:
                assert doors.spotlight is None
                assert await reaches("127.0.0.1", doors.number)
    assert "SDKs with the switch `spotlight` will not find this sink" in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        {"relay__mode": "capture", "capture__spotlight_port": None},
        {"relay__mode": "proxy", "relay__upstream": "http://127.0.0.1:1"},
        {"relay__mode": "capture", "relay__host": "0.0.0.0", "capture__spotlight_port": 0},
    ],
    ids=["unwanted", "forwarding", "not on loopback"],
)
async def test_there_is_one_port_where_no_other_is_meant(options: dict[str, object]) -> None:
    async with opened(**options) as doors:
        assert doors.spotlight is None
        assert await reaches("127.0.0.1", doors.number)


async def test_the_configured_address_has_to_be_had() -> None:
    with bound_socket("127.0.0.1", 0) as other:
        other.listen()
        with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1"):
            async with opened(relay__mode="capture", relay__port=other.getsockname()[1]):
                pass
