"""The way from a worker to the authority of its host: the Unix socket of `quota_sharing.service`.

The service lives as long as the supervisor, so that it is away only if something is badly wrong. Then this worker grants itself its part
of what was left (`quota_sharing.outage`); what it took so is not told to a service that comes back, as that one has begun to count anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scrubjay.runtime.quota_sharing.ledger import Answer, Ask, Meter
from scrubjay.runtime.quota_sharing.outage import Outage, Policy
from scrubjay.runtime.quota_sharing.service import LENGTH, MAX_MESSAGE_BYTES, answer_of, pack

_TIMEOUT_S: Final = 1.0
"""The service may wait for its store, which is given up long before."""
_SHUT_S: Final = 2.0
_MAX_KNOWN: Final = 100_000
_LOG: Final = logging.getLogger("scrubjay.quotas")


class HostLine:
    def __init__(
        self,
        path: Path,
        *,
        policy: Policy = "local",
        mono: Callable[[], float] = time.monotonic,
        now_unix: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._policy = policy
        self._mono = mono
        self._offset_s = now_unix() - mono()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._known: dict[str, tuple[int, int]] = {}
        """By key: the slot last heard of, and what was left in it."""
        self._holders = 1
        self._outage: Outage | None = None
        self._shut_until_mono = 0.0

    async def lease(self, ask: Ask) -> Answer:
        """Never fails."""
        message = pack(ask)
        for _ in range(2 if self._mono() >= self._shut_until_mono else 0):
            sent_mono = self._mono()
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    answer = answer_of(await self._call(message))
            except (OSError, EOFError, TimeoutError, ValueError, TypeError) as error:
                self._hang_up()
                self._away(error)
            else:
                self._outage, self._shut_until_mono = None, 0.0
                self._offset_s = answer.now_unix - sent_mono
                self._note(ask, answer)
                return answer
        assert self._outage is not None
        answer = self._outage.answer(ask, self._holders, self._mono() + self._offset_s)
        return answer._replace(problem=f"the quota service is away; `{self._policy}` decides")

    async def _call(self, message: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(str(self._path), limit=MAX_MESSAGE_BYTES)
        reader, writer = self._streams
        writer.write(message)
        await writer.drain()
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        return await reader.readexactly(length)

    def _away(self, error: Exception) -> None:
        self._shut_until_mono = self._mono() + _SHUT_S
        if self._outage is None:
            self._outage = Outage(self._policy, self._left)
            _LOG.warning(
                "the quota service cannot be asked, `%s` decides: %s", self._policy, error or type(error).__name__
            )

    def _note(self, ask: Ask, answer: Answer) -> None:
        self._holders = answer.holders
        if len(self._known) > _MAX_KNOWN:
            self._known.clear()
        for meter, grant in zip(ask.meters, answer.grants, strict=True):
            self._known[meter.key] = grant.slot, grant.left

    def _left(self, meter: Meter, slot: int) -> int | None:
        known = self._known.get(meter.key)
        return known[1] if known is not None and known[0] == slot else None

    def _hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def close(self) -> None:
        self._hang_up()
