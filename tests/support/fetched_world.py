"""An upstream in simulated time, and what is known of its projects on this side.

Owns the fakes of all that `runtime.managed.fetched` has to do with, but for who asks and who orders the compiling: those are the real ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from scrubjay.core.plan import ProjectPlan
from scrubjay.errors import ConfigError
from scrubjay.runtime.managed.compiling import CompileLane, Document, Sources
from scrubjay.runtime.managed.config_fetch import ConfigFetch, FetchOptions
from scrubjay.runtime.managed.fetched import FetchedPlans
from scrubjay.settings.global_config import NOTHING_SHARED
from scrubjay.settings.schema import Settings
from support.simulated_time import now_s, simulated

K1, K2 = "1" * 32, "2" * 32
SETTINGS = Settings()
Says = Callable[[str, str | None], object]
"""(key, revision) → document, None for `null`, "pending", "unchanged", or an error for the whole request."""


class World:
    """An upstream, and what this side makes of it. A plan's revision is the document's with what compiling saw."""

    def __init__(self, says: Says = lambda key, revision: {"rev": "r1"}, settings: Settings = SETTINGS) -> None:
        self.says = says
        self.asked: list[tuple[float, str, str | None]] = []
        self.known: list[tuple[float, str]] = []
        self.told: list[object] = []
        self.kept: dict[str, Document] = {}
        self.evicted = 0
        self.counts: tuple[int, int, int, float] = (0, 0, 0, 0.0)
        self.is_out = False
        self.awaited: set[str] = set()
        self.compiled: list[str] = []
        self.compile_s = 0.0
        self._fetch = ConfigFetch(FetchOptions(), self.ask, self, mono=now_s)
        self.lane = CompileLane(Sources(settings), self.compile, self, self.in_thread)
        self.plans = FetchedPlans(
            settings, self._fetch, self.lane, self, is_out=lambda: self.is_out, store=self, mono=now_s
        )
        self.plans.on_known = lambda key: self.known.append((round(now_s(), 3), key))
        self.plans.awaits = lambda key: key in self.awaited

    def run(self, work: Callable[[], Coroutine[Any, Any, None]], *, is_open: bool = True) -> None:
        async def whole() -> None:
            if is_open:
                await self.plans.share(NOTHING_SHARED, {})
            await work()
            await self.plans.stop()
            await self._fetch.stop()

        simulated(whole())

    async def learn(self, *keys: str) -> None:
        """Asks, and waits for the answer."""
        for key in keys:
            self.plans.find(key)
        await asyncio.sleep(0.5)

    async def at(self, time_s: float, key: str = K1) -> str:
        """What the plan is at this time, by the revision."""
        await asyncio.sleep(time_s - now_s())
        return self.plans.find(key).revision

    async def ask(self, route: str, path: str, body: Any) -> object:
        reply: dict[str, Any] = {"configs": {}, "pending": [], "unchanged": []}
        for key, revision in zip(body["publicKeys"], body["revisions"], strict=True):
            self.asked.append((round(now_s(), 3), key, revision))
            said = self.says(key, revision)
            if isinstance(said, Exception):
                raise said
            if isinstance(said, str):
                reply[said].append(key)
            else:
                reply["configs"][key] = said
        return reply

    async def in_thread(self, work: Callable[..., ProjectPlan], *args: Any) -> ProjectPlan:
        if self.compile_s:
            await asyncio.sleep(self.compile_s)
        return work(*args)

    def compile(self, sources: Sources, key: str, document: Document, predecessor: ProjectPlan | None) -> ProjectPlan:
        self.compiled.append(key)
        if "bad" in document:
            raise ConfigError("bad member", path="bad")
        if "bug" in document:
            raise RuntimeError("bug")
        revision = f"{document['rev']} {sources.settings.limits.bare_429} {sources.overlays.get(key, '')}".rstrip()
        if predecessor is not None and predecessor.revision == revision:
            return predecessor
        return ProjectPlan(revision=revision, project_id=1, upstream=document.get("upstream"))

    def keep(self, key: str, document: Document) -> None:
        self.kept[key] = document

    def forget(self, key: str) -> None:
        self.kept.pop(key, None)

    def config_query(self, result: str, seconds: float) -> None: ...

    def configs_failed(self, keys: int, detail: str, *, failing_s: float, is_outage: bool) -> None: ...

    def config_unreadable(self, key: str, problem: str) -> None:
        self.told.append((key, problem))

    def project_problem(self, project: str, problem: str, kind: str) -> None:
        self.told.append((project, problem))

    def internal_error(self, place: str, error: BaseException) -> None:
        self.told.append(str(error))

    def fetched_configs(self, fetched: int, disabled: int, pending: int, stale_s: float) -> None:
        self.counts = (fetched, disabled, pending, stale_s)

    def configs_evicted(self, count: int) -> None:
        self.evicted += count

    def mostly_disabled(self, disabled: int, known: int) -> None:
        self.told.append(f"{disabled} of {known}")


def cached(**changes: float | None) -> Settings:
    return replace(SETTINGS, cache=replace(SETTINGS.cache, **changes))
