"""Where a worker accepts."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from scrubjay.errors import ConfigError
from scrubjay.runtime.port import open_port, port_of
from scrubjay.settings.load import build


def server() -> web.Server:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="x")

    return web.Server(answer)


async def reach(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_alone_it_has_an_address_of_its_own() -> None:
    made = server()
    listener = await open_port(made, build({"relay.port": 0}), None)
    assert await reach(port_of(listener))
    with pytest.raises(ConfigError, match=r"relay\.port: cannot listen on 127\.0\.0\.1"):
        await open_port(made, build({"relay.port": port_of(listener)}), None)
    listener.close()
    await made.shutdown()


async def test_a_socket_that_was_given_outlives_it_and_keeps_what_arrives() -> None:
    kept = socket.socket()
    kept.bind(("127.0.0.1", 0))
    made = server()
    listener = await open_port(made, build({"relay.port": 1}), kept.dup())
    port = port_of(listener)
    assert port == kept.getsockname()[1]
    assert await reach(port)
    listener.close()
    await made.shutdown()
    assert await reach(port), "the kernel holds it for whoever comes next"
    kept.close()
    assert not await reach(port)
