"""Reading server-sent events inside the test's own event loop, byte for byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse, ClientSession, ClientTimeout

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Event:
    """One message. `fields` in the order in which they came."""

    fields: dict[str, str]

    @property
    def name(self) -> str:
        return self.fields.get("event", "")

    @property
    def id(self) -> str:
        return self.fields.get("id", "")

    @property
    def data(self) -> Any:
        return json.loads(self.fields["data"])


class EventStream:
    """A stream that is open."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def raw(self) -> bytes:
        """Up to the next blank line; nothing at the end."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self.response.content.readuntil(b"\n\n")

    async def event(self, *names: str) -> Event:
        """The next message, comments and blank lines left out; of these names, if any are given."""
        while True:
            block = await self.raw()
            assert block, "the stream has ended"
            lines = [line for line in block.decode().split("\n") if line and not line.startswith(":")]
            found = Event(dict(line.split(": ", 1) for line in lines))
            if lines and (not names or found.name in names):
                return found

    async def ended(self) -> bool:
        async with asyncio.timeout(TIMEOUT_S):
            while await self.response.content.readany():
                pass
        return self.response.content.at_eof()


@asynccontextmanager
async def event_stream(port: int, target: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[EventStream]:
    timeout = ClientTimeout(total=None)
    url = f"http://127.0.0.1:{port}{target}"
    async with (
        ClientSession(timeout=timeout, read_bufsize=1 << 24) as session,
        session.get(url, headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        yield EventStream(response)
