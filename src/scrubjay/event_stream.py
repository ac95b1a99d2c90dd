"""Server-sent events, as they come from a sink or from Spotlight's sidecar (`capture.md` 5.3).

Owns framing, silence and ending. Who connects is `capture_client`'s. A stream ends quietly, whatever ends it: whoever reads decides whether
to connect again, from `last_id`.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

_SILENCE_S: Final = 45.0
"""A stream says something every 15 s; one that is silent for longer is dead."""
_CHUNK_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event."""

    id: str
    event: str
    data: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was sent, and its answer, as far as it is read."""

    socket: socket.socket
    response: http.client.HTTPResponse

    def close(self) -> None:
        self.response.close()
        self.socket.close()


class EventStream:
    """Messages as they come. To be closed, or used as a context."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rest: list[bytes] = []
        self.last_id = ""

    def messages(self, until_mono: float | None = None) -> Iterator[Message]:
        """Until the server ends it or falls silent, `stop` is called, or the time of the monotonic clock is reached."""
        fields: dict[str, list[str]] = {}
        for line in self._lines(until_mono):
            if line:
                name, _, value = line.decode("utf-8", "replace").partition(":")
                fields.setdefault(name, []).append(value.removeprefix(" "))
                continue
            if "id" in fields:
                self.last_id = fields["id"][-1]
            if "data" in fields:
                yield Message(self.last_id, fields.get("event", ["message"])[-1], "\n".join(fields["data"]))
            fields = {}

    def _lines(self, until_mono: float | None) -> Iterator[bytes]:
        while chunk := self._chunk(until_mono):
            *whole, rest = chunk.split(b"\n")
            if whole:
                whole[0] = b"".join((*self._rest, whole[0]))
                self._rest.clear()
            self._rest.append(rest)
            for line in whole:
                yield line.removesuffix(b"\r")

    def _chunk(self, until_mono: float | None) -> bytes:
        """What has come; nothing at the end."""
        wait_s = _SILENCE_S if until_mono is None else min(_SILENCE_S, until_mono - time.monotonic())
        if wait_s <= 0:
            return b""
        try:
            self._exchange.socket.settimeout(wait_s)
            return self._exchange.response.read1(_CHUNK_BYTES)
        except (OSError, http.client.HTTPException):
            return b""

    def stop(self) -> None:
        """Ends it, from any thread."""
        with suppress(OSError):
            self._exchange.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EventStream after {self.last_id or 'nothing'}>"
