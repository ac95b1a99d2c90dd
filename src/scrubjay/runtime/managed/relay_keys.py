"""The public keys of relays behind this one that the operator did not name, as the upstream knows them (`upstream-and-operations.md` 5.5).

Owns what is remembered of them, and when the upstream is asked: relays that are wanted within a moment are asked for together, in one request at
a time. What is asked and answered is `core.relays.public_keys`'s, sending `queries`'.

Anybody can show the name of a relay, so that everything here has a bound: what is remembered, who waits, for how long, and what the upstream
is asked at once. A relay that cannot be asked for is not one that is unknown: that is `Unavailable`, and nothing of it is remembered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from cachetools import TTLCache

from scrubjay import reasons
from scrubjay.core.relays.public_keys import MAX_RELAYS, PATH, ROUTE, KnownRelay, question, read_reply
from scrubjay.errors import ScrubjayError, Unavailable
from scrubjay.runtime.tasks import Tasks
from scrubjay.settings.schema import Settings

Ask = Callable[[str, str, object], Awaitable[object]]
"""(route, path, body) → answer. Raises `ScrubjayError` where there is none."""

MAX_WAITING: Final = 4 * MAX_RELAYS
_MAX_REMEMBERED: Final = 10_000
_UNASKED: Final = KnownRelay(b"")
"""In place of one that could not be asked for."""
_PAUSE_S: Final = 5


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """The settings that matter here, in their units. `timeout_s`: for so long a relay waits to be known."""

    expiry_s: float = 3600.0
    miss_expiry_s: float = 60.0
    interval_s: float = 0.1
    timeout_s: float = 5.0


def key_options(settings: Settings) -> KeyOptions:
    cache = settings.cache
    return KeyOptions(
        expiry_s=cache.relay_expiry,
        miss_expiry_s=cache.miss_expiry,
        interval_s=cache.downstream_relays_batch_interval / 1000,
        timeout_s=settings.http.timeout,
    )


class RelayKeys:
    """Lives as long as the process: what it remembers outlasts reloads."""

    def __init__(
        self,
        options: KeyOptions,
        ask: Ask,
        on_error: Callable[[str, BaseException], None],
        *,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._now_mono = now_mono
        self._tasks = Tasks(on_error)
        self._wanted: dict[str, asyncio.Future[KnownRelay | None]] = {}
        self._is_asking = False
        self._remember(options)

    def reconfigure(self, options: KeyOptions) -> None:
        """From now on; what is remembered is forgotten where it would be remembered for another time."""
        if options != self._options:
            self._remember(options)

    def _remember(self, options: KeyOptions) -> None:
        self._options = options
        self._known: TTLCache[str, KnownRelay] = TTLCache(_MAX_REMEMBERED, options.expiry_s, self._now_mono)
        self._missing: TTLCache[str, None] = TTLCache(_MAX_REMEMBERED, options.miss_expiry_s, self._now_mono)

    async def find(self, relay_ids: Iterable[str]) -> dict[str, KnownRelay | None]:
        """Of each what is known; None: the upstream does not know it. Raises `Unavailable`."""
        found: dict[str, KnownRelay | None] = {}
        waited: dict[str, asyncio.Future[KnownRelay | None]] = {}
        for relay_id in relay_ids:
            if (known := self._known.get(relay_id)) is not None or relay_id in self._missing:
                found[relay_id] = known
            else:
                waited[relay_id] = self._want(relay_id)
        if waited:
            await asyncio.wait(waited.values(), timeout=self._options.timeout_s)
            for relay_id, future in waited.items():
                if not future.done() or future.result() is _UNASKED:
                    raise _unknown()
                found[relay_id] = future.result()
        return found

    async def stop(self) -> None:
        await self._tasks.stop()
        self._settle(dict.fromkeys(self._wanted, _UNASKED))

    def _want(self, relay_id: str) -> asyncio.Future[KnownRelay | None]:
        future = self._wanted.get(relay_id)
        if future is None:
            if len(self._wanted) >= MAX_WAITING:
                raise _unknown()
            future = self._wanted[relay_id] = asyncio.get_running_loop().create_future()
            if not self._is_asking:
                self._is_asking = True
                self._tasks.start("relay-keys", self._ask_for_all())
        return future

    async def _ask_for_all(self) -> None:
        try:
            while self._wanted:
                await asyncio.sleep(self._options.interval_s)
                await self._ask_for(tuple(islice(self._wanted, MAX_RELAYS)))
        finally:
            self._is_asking = False

    async def _ask_for(self, relay_ids: tuple[str, ...]) -> None:
        try:
            found = read_reply(await self._ask(ROUTE, PATH, question(relay_ids)), relay_ids)
        except ScrubjayError:  # told and counted where it was asked
            self._settle(dict.fromkeys(relay_ids, _UNASKED))
            return
        for relay_id, known in found.items():
            if known is None:
                self._missing[relay_id] = None
            else:
                self._known[relay_id] = known
        self._settle(found)

    def _settle(self, found: Mapping[str, KnownRelay | None]) -> None:
        for relay_id, known in found.items():
            self._wanted.pop(relay_id).set_result(known)

    def __repr__(self) -> str:
        return f"<RelayKeys {len(self._known)} known, {len(self._wanted)} wanted>"


def _unknown() -> Unavailable:
    return Unavailable(reasons.RELAY_UNASKED, retry_after_s=_PAUSE_S)
