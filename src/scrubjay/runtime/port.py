"""Where a worker accepts: on an address of its own, or on a socket that it was given.

A socket that was given stays open elsewhere when the worker closes it: what arrives then waits for the next worker.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Final

from aiohttp import web

from scrubjay.errors import ConfigError
from scrubjay.settings.schema import Settings

_LOG: Final = logging.getLogger("scrubjay.worker")


async def open_port(server: web.Server, settings: Settings, given: socket.socket | None) -> asyncio.Server:
    """Begins to accept. Raises `ConfigError` if the address cannot be had."""
    relay, backlog = settings.relay, settings.limits.tcp_listen_backlog
    loop = asyncio.get_running_loop()
    if given is not None:
        return await loop.create_server(server, sock=given, backlog=backlog)
    try:
        listener = await loop.create_server(server, relay.host, relay.port, backlog=backlog)
    except OSError as error:
        problem = f"cannot listen on {relay.host}:{relay.port}: {error.strerror or error}"
        raise ConfigError(problem, path="relay.port") from error
    _LOG.info("listening on %s:%d in mode %s", relay.host, port_of(listener), relay.mode)
    return listener


def port_of(listener: asyncio.Server) -> int:
    """That of the settings, or the free one that the system chose."""
    return int(listener.sockets[0].getsockname()[1])
