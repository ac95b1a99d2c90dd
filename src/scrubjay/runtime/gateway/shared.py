"""What other workers and replicas took already, where Redis or Valkey is configured (`quotas.redis`; `upstream-and-operations.md` 8.3).

A batch is claimed before it is worked on, so that two workers that got it at once do not both take it; its reply and the names of its
deliveries stand there once all is held. Invariants: a name stands there only after its record was taken; a claim of who died lapses;
a store that is away costs one short wait every few seconds, and then every worker remembers for itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, Final, NamedTuple, TypeVar

from scrubjay.runtime.gateway.once import KEEP_S
from scrubjay.settings.schema import Settings

Answer = TypeVar("Answer")

_CLAIM_S: Final = 15
"""Longer than a batch is worked on, and no longer than its sender may wait if the worker that was at it is dead."""
_SHUT_S: Final = 2.0
_CLIENT: Final = "scrubjay.runtime.quota_sharing.client"
_CLAIMED: Final = b""
_LOG: Final = logging.getLogger("scrubjay.gateway")


class Known(NamedTuple):
    """`reply`: the batch was taken. `is_claimed`: another is at it. `taken`: those of its deliveries that were taken."""

    reply: bytes | None = None
    is_claimed: bool = False
    taken: frozenset[bytes] = frozenset()


class Shared:
    """`client` is a `quota_sharing.client.Client`; it blocks, so a thread of its own talks to it. `away`: what it raises then."""

    def __init__(
        self, client: Any, away: tuple[type[Exception], ...], now_mono: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._away = away
        self._now_mono = now_mono
        self._shut_until_mono = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gateway")

    async def claim(self, batch: bytes, deliveries: Sequence[bytes]) -> Known:
        """What is known; what is not is ours to take, until `settle` or `release`."""

        def work(redis: Any) -> Known:
            name = _batch(batch)
            is_ours = redis.set(name, _CLAIMED, nx=True, ex=_CLAIM_S)
            reply = None if is_ours else redis.get(name)
            if reply:
                return Known(reply)
            if not is_ours and reply == _CLAIMED:
                return Known(is_claimed=True)
            return Known(taken=_taken(redis, deliveries))

        return await self._ask(work, Known())

    async def settle(self, batch: bytes, reply: bytes, taken: Sequence[bytes]) -> None:
        """All that was taken is held."""

        def work(redis: Any) -> None:
            line = redis.pipeline(transaction=False)
            for delivery in taken:
                line.set(_delivery(delivery), 1, ex=int(KEEP_S))
            line.set(_batch(batch), reply, ex=int(KEEP_S))
            line.execute()

        await self._ask(work, None)

    async def release(self, batch: bytes) -> None:
        """It was not taken, and may come again."""

        def work(redis: Any) -> None:
            redis.delete(_batch(batch))

        await self._ask(work, None)

    async def _ask(self, work: Callable[[Any], Answer], otherwise: Answer) -> Answer:
        if self._now_mono() < self._shut_until_mono:
            return otherwise
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._client.ask, work)
        except self._away as error:
            self._shut_until_mono = self._now_mono() + _SHUT_S
            _LOG.warning("what other workers took is not known now: %s", error)
            return otherwise

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._client.close()


def shared_of(settings: Settings) -> Shared | None:
    """None where no store is configured, or none that quotas could use, which their own opening refuses."""
    url = settings.quotas.redis
    if url is None:
        return None
    try:
        client = import_module(_CLIENT)
        return Shared(client.connect(url.reveal(), settings.quotas.redis_timeout_ms / 1000), client.AWAY)
    except (ImportError, ValueError):
        return None


def _taken(redis: Any, deliveries: Sequence[bytes]) -> frozenset[bytes]:
    line = redis.pipeline(transaction=False)
    for delivery in deliveries:
        line.exists(_delivery(delivery))
    return frozenset(delivery for delivery, is_there in zip(deliveries, line.execute(), strict=True) if is_there)


def _batch(name: bytes) -> str:
    return f"sj:b:{name.hex()}"


def _delivery(name: bytes) -> str:
    return f"sj:d:{name.hex()}"
