"""The way from the only worker of a host to Redis or Valkey (`quota_sharing.store`).

The store's client blocks, so one thread of its own talks to it: about once a second for each counter in use. The same code serves the
workers of a host behind `quota_sharing.service`.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from scrubjay.runtime.quota_sharing.authority import Store
from scrubjay.runtime.quota_sharing.ledger import Answer, Ask

_BEAT_S = 1.0


class StoreLine:
    """Beats from the first call on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="quotas")
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Shows at once that this replica is there, so that others know how many share a limit. Needs a running loop."""
        if self._beating is None:
            self._beating = asyncio.get_running_loop().create_task(self._beat(), name="quota-beat")

    async def lease(self, ask: Ask) -> Answer:
        """Never fails, as the store does not."""
        self.start()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._store.lease, ask)

    async def _beat(self) -> None:
        while True:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._store.beat)
            await asyncio.sleep(_BEAT_S)

    async def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        self._thread.shutdown()
