"""All addresses of one worker: the configured one, and those at which developers' SDKs look for it (`capture.md` 2).

A capture on this machine is reached by the name `localhost`, which may mean 127.0.0.1 or ::1, and by the port that SDKs have built in
for Spotlight. Only the configured address has to be had: of the others, what cannot be is done without.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.runtime.endpoints.front import Front
from scrubjay.runtime.port import Observer, Port, open_port
from scrubjay.settings.schema import Settings

_LOOPBACK: Final = {"127.0.0.1": "::1", "::1": "127.0.0.1"}
_LOG: Final = logging.getLogger("scrubjay.worker")


class Doors:
    """Open from `open_doors` until `close`. `spotlight` is the number of that port, if it could be had."""

    def __init__(self, main: Port) -> None:
        self._main = main
        self._others: list[Port] = []
        self.spotlight: int | None = None

    @property
    def number(self) -> int:
        """The port that was configured, or taken for 0."""
        return self._main.number

    def add(self, port: Port) -> None:
        self._others.append(port)

    async def close(self, wait_s: float) -> None:
        """Takes nobody new, and answers what was begun, if it ends in time."""
        await asyncio.gather(*(port.close(wait_s) for port in (self._main, *self._others)))

    def __repr__(self) -> str:
        return f"<Doors {[self._main, *self._others]}>"


async def open_doors(front: Front, settings: Settings, given: socket.socket | None, observer: Observer) -> Doors:
    """Begins to accept. Raises `ConfigError` if the configured address cannot be had."""
    host = settings.relay.host
    doors = Doors(await open_port(front, settings, given, observer))
    if settings.relay.mode != "capture" or host not in _LOOPBACK:
        return doors
    await _beside(doors, front, settings, observer, doors.number)
    wanted = settings.capture.spotlight_port
    if wanted is None or wanted == doors.number:
        return doors
    try:
        port = await open_port(front, settings, None, observer, at=(host, wanted))
    except ConfigError as error:
        _LOG.warning("%s; SDKs with the switch `spotlight` will not find this sink", error.problem)
        return doors
    doors.add(port)
    doors.spotlight = port.number
    await _beside(doors, front, settings, observer, port.number)
    return doors


async def _beside(doors: Doors, front: Front, settings: Settings, observer: Observer, number: int) -> None:
    """The same port on the other loopback address, where there is one."""
    try:
        doors.add(await open_port(front, settings, None, observer, at=(_LOOPBACK[settings.relay.host], number)))
    except ConfigError as error:
        _LOG.debug("%s", error.problem)
