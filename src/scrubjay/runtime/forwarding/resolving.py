"""Names to addresses, remembered for as short a time as makes sense (`upstream-and-operations.md` 6.9).

The system's resolver says nothing of how long an answer holds, so one is used for a second, the least time there is; whatever caches
on the host or beside it knows better. An older one, up to a minute, stands in when the resolver itself fails.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final

AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]

_FRESH_S: Final = 1.0
_LONGEST_S: Final = 60.0


class Resolver:
    """The addresses of a few names. `remembers`: `http.dns_cache`; without it each connection asks anew."""

    def __init__(self, *, remembers: bool = True) -> None:
        self.remembers = remembers
        self._known: dict[tuple[str, int], tuple[float, Sequence[AddressInfo]]] = {}

    async def addresses(self, host: str, port: int) -> Sequence[AddressInfo]:
        """All of them, in the system's order of preference. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        place = (host, port)
        at_mono, known = self._known.get(place, (float("-inf"), ()))
        if not self.remembers:
            return await self._ask(loop, place)
        if loop.time() - at_mono < _FRESH_S:
            return known
        try:
            known = await self._ask(loop, place)
        except OSError:
            if loop.time() - at_mono < _LONGEST_S:
                return known
            raise
        self._known[place] = (loop.time(), known)
        return known

    async def _ask(self, loop: asyncio.AbstractEventLoop, place: tuple[str, int]) -> Sequence[AddressInfo]:
        return await loop.getaddrinfo(*place, type=socket.SOCK_STREAM)

    def __repr__(self) -> str:
        return f"<Resolver {sorted(self._known)}>"
