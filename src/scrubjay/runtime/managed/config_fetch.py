"""When the upstream is asked for which projects (`upstream-and-operations.md` 5.3).

Owns gathering keys into requests, trying again, and giving up. Sending is `queries`', reading an answer `core.relays.config_reply`'s, what is
known of a key and when it is asked for anew `fetched`'s.

Keys that are wanted within a moment travel together. A cycle is what leaves at once; no more requests are under way than allowed. A cycle
without any success lengthens the pause before the next, one success ends it. Invariants: each future ends, with `WAITING` for a key that
the upstream does not know yet or that could not be asked for in time, and never with an exception; a key is in one request at a time for
each revision; nothing but `stop` cancels.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from scrubjay.core.relays.config_reply import PATH, ROUTE, WAITING, ConfigReply, State, question, read_reply
from scrubjay.errors import ScrubjayError
from scrubjay.runtime.forwarding.outage import back_off_s
from scrubjay.runtime.tasks import Tasks
from scrubjay.settings.schema import Settings

Ask = Callable[[str, str, object], Awaitable[object]]
"""(route, path, body) → answer. Raises `ScrubjayError` where there is none."""
_LOGGED_FROM: Final = 2


def without_chance() -> float:
    """The whole of each pause: who asks first is chance enough."""
    return 1.0


class Observer(Protocol):
    """What is counted and said here; `runtime.telemetry` is the real one."""

    def config_query(self, result: str, seconds: float) -> None: ...

    def configs_failed(self, keys: int, detail: str, *, failing_s: float, is_outage: bool) -> None: ...

    def config_unreadable(self, key: str, problem: str) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """The settings that matter here, in their units."""

    batch_interval_s: float = 0.1
    batch_size: int = 500
    max_queries: int = 5
    timeout_s: float = 30.0
    longest_pause_s: float = 60.0
    failure_interval_s: float = 90.0
    wants_full: bool = False


def fetch_options(settings: Settings) -> FetchOptions:
    return FetchOptions(
        batch_interval_s=settings.cache.batch_interval / 1000,
        batch_size=settings.cache.batch_size,
        max_queries=settings.limits.max_concurrent_queries,
        timeout_s=settings.limits.query_timeout,
        longest_pause_s=settings.http.max_retry_interval,
        failure_interval_s=settings.http.project_failure_interval,
        wants_full=settings.cache.project_request_full_config,
    )


@dataclass(slots=True)
class _Wanted:
    """One key, and all who wait for what the upstream says of it."""

    key: str
    revision: str | None
    no_cache: bool
    queued_mono: float
    futures: list[asyncio.Future[State]] = field(default_factory=list)

    def settle(self, state: State) -> None:
        for future in self.futures:
            if not future.done():
                future.set_result(state)


class ConfigFetch:
    """Asks from the first `want` on, until `stop`."""

    def __init__(
        self, options: FetchOptions, ask: Ask, observer: Observer, mono: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._ask = ask
        self._observer = observer
        self._mono = mono
        self._queue: dict[str, _Wanted] = {}
        self._asked: dict[str, _Wanted] = {}
        self._in_flight = 0
        self._is_armed = False
        self._failures = 0
        self._failing_since_mono: float | None = None
        self._tasks = Tasks(observer.internal_error)

    def reconfigure(self, options: FetchOptions) -> None:
        """For requests from now on."""
        self._options = options

    def want(self, key: str, revision: str | None, *, no_cache: bool = False) -> asyncio.Future[State]:
        """What the upstream says of `key` in its next answer about it. `revision`: what is held; `no_cache`: it is to work the answer out anew."""
        future: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        wanted = self._queue.get(key)
        if wanted is None:
            wanted = self._asked.get(key)
            if wanted is None or wanted.revision != revision or (no_cache and not wanted.no_cache):
                wanted = self._queue[key] = _Wanted(key, revision, no_cache, self._mono())
                self._arm()
        elif wanted.revision != revision:
            wanted.revision = None
        wanted.no_cache = wanted.no_cache or no_cache
        wanted.futures.append(future)
        return future

    async def stop(self) -> None:
        """Asks no more; whoever waits is cancelled."""
        waiting = (*self._queue.values(), *self._asked.values())
        await self._tasks.stop()
        for wanted in waiting:
            for future in wanted.futures:
                future.cancel()

    def _arm(self) -> None:
        if not self._is_armed and self._queue and self._in_flight < self._options.max_queries:
            self._is_armed = True
            self._tasks.start("config-cycle", self._cycle())

    async def _cycle(self) -> None:
        pause_s = back_off_s(self._failures, self._options.longest_pause_s, without_chance) if self._failures else 0.0
        await asyncio.sleep(self._options.batch_interval_s + pause_s)
        self._is_armed = False
        failures = self._failures
        chunks = self._take()
        details = await asyncio.gather(*(self._chunk(chunk) for chunk in chunks))
        failed = [(chunk, detail) for chunk, detail in zip(chunks, details, strict=True) if detail is not None]
        if failed and len(failed) == len(chunks):
            # Of cycles that overlap one counts: what fails at the same time fails for one reason.
            self._failures = max(self._failures, failures + 1)
            self._tell(sum(len(chunk) for chunk, _ in failed), failed[-1][1])
        for chunk, _ in failed:
            self._queue_again(chunk)
        self._arm()

    def _take(self) -> list[list[_Wanted]]:
        """The next requests, in the order in which their keys were wanted; what is asked for past the cache travels apart."""
        chunks: list[list[_Wanted]] = []
        open_chunks: dict[bool, list[_Wanted]] = {}
        room = self._options.max_queries - self._in_flight
        for wanted in tuple(self._queue.values()):
            chunk = open_chunks.get(wanted.no_cache)
            if chunk is None or len(chunk) >= self._options.batch_size:
                if len(chunks) >= room:
                    continue
                chunk = open_chunks[wanted.no_cache] = []
                chunks.append(chunk)
            chunk.append(wanted)
            self._asked[wanted.key] = self._queue.pop(wanted.key)
        self._in_flight += len(chunks)
        return chunks

    async def _chunk(self, chunk: Sequence[_Wanted]) -> str | None:
        """One request. Returns why it failed, if it did; its keys are the caller's then."""
        started_mono = self._mono()
        failure: str | None = None
        try:
            reply = await self._query(chunk)
        except ScrubjayError as error:
            failure = str(error) or type(error).__name__
        except Exception as error:  # noqa: BLE001  no answer may end the fetching for all
            self._observer.internal_error("config-query", error)
            failure = type(error).__name__
        finally:
            self._in_flight -= 1
            for wanted in chunk:
                if self._asked.get(wanted.key) is wanted:
                    del self._asked[wanted.key]
        self._observer.config_query("ok" if failure is None else "failed", self._mono() - started_mono)
        if failure is not None:
            return failure
        self._failures, self._failing_since_mono = 0, None
        for key, problem in reply.problems:
            self._observer.config_unreadable(key, problem)
        for wanted in chunk:
            wanted.settle(reply.states[wanted.key])
        self._arm()
        return None

    async def _query(self, chunk: Sequence[_Wanted]) -> ConfigReply:
        revisions = {wanted.key: wanted.revision for wanted in chunk}
        options = self._options
        body = question(revisions.items(), full=options.wants_full, no_cache=chunk[0].no_cache)
        return read_reply(await self._ask(ROUTE, PATH, body), revisions)

    def _queue_again(self, chunk: Sequence[_Wanted]) -> None:
        """After a failure: all that may still be tried."""
        now_mono = self._mono()
        for wanted in chunk:
            if now_mono - wanted.queued_mono >= self._options.timeout_s:
                wanted.settle(WAITING)
                continue
            later = self._queue.setdefault(wanted.key, wanted)
            if later is not wanted:  # somebody asked for it with another revision meanwhile
                later.revision = None
                later.queued_mono = wanted.queued_mono
                later.no_cache = later.no_cache or wanted.no_cache
                later.futures += wanted.futures

    def _tell(self, keys: int, detail: str) -> None:
        now_mono = self._mono()
        if self._failing_since_mono is None:
            self._failing_since_mono = now_mono
        failing_s = now_mono - self._failing_since_mono
        if self._failures >= _LOGGED_FROM:
            is_outage = failing_s >= self._options.failure_interval_s
            self._observer.configs_failed(keys, detail, failing_s=failing_s, is_outage=is_outage)

    def __repr__(self) -> str:
        return (
            f"<ConfigFetch {len(self._queue)} keys wait, {len(self._asked)} are asked for, {self._failures} failures>"
        )
