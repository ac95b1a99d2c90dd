"""What is known of the projects that the upstream configures: which plan a key has now (`upstream-and-operations.md` 5.4).

Owns the states of keys, how long they are good for, and their number. Asking is `config_fetch`'s, compiling `compiling`'s, keeping them on disk
`config_store`'s.

A state is fresh for `project_expiry`, then stale: it stays in use while it is asked for anew, for as long as that takes or fails. One that
nobody used until the grace period ended is forgotten, unless the upstream is away. Invariants: `find` is one look-up and one clock reading
while nothing is due; an answer that says nothing, or that cannot be used, never takes a plan away; a project that was seen enabled within
the hour is disabled by the second answer that says so; no more than `MAX_WAITING` keys wait and `MAX_DISABLED` are remembered as
refused: beyond the former a new key gets 503, beyond the latter the oldest is forgotten and would be asked for again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from scrubjay.core.plan import PENDING, ProjectPlan
from scrubjay.core.relays.config_reply import DISABLED, UNCHANGED, WAITING, Enabled, State
from scrubjay.core.relays.limited import revised
from scrubjay.runtime.forwarding.outage import back_off_s
from scrubjay.runtime.managed.compiling import CompileLane, Document, Sources
from scrubjay.runtime.managed.config_fetch import without_chance
from scrubjay.settings.global_config import GlobalConfig
from scrubjay.settings.schema import Settings

DISABLED_PLAN: Final = ProjectPlan(revision="disabled", disabled=True)
"""The upstream serves nothing for the key."""
MAX_WAITING: Final = 10_000
"""So many keys are asked for at once; further ones are pending too, and asked for when others are known."""
MAX_DISABLED: Final = 10_000
_SEEN_ENABLED_S: Final = 3_600.0
_LEAST_LIFE_S: Final = 1.0
"""A state that ended as it came would never be seen by whoever waited for it."""


class Fetch(Protocol):
    """Who asks; `runtime.managed.config_fetch` has the real one."""

    def want(self, key: str, revision: str | None) -> asyncio.Future[State]: ...


class Store(Protocol):
    """Where documents outlive the process; `runtime.managed.config_store` has the real one."""

    def keep(self, key: str, document: Document) -> None:
        """Neither waits nor raises; also said of what is kept already, since what nobody confirms is forgotten some day."""

    def forget(self, key: str) -> None: ...


class Observer(Protocol):
    """What is counted and said here; `runtime.telemetry` is the real one."""

    def fetched_configs(self, fetched: int, disabled: int, pending: int, stale_s: float) -> None: ...

    def configs_evicted(self, count: int) -> None: ...

    def mostly_disabled(self, disabled: int, known: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Times:
    """The settings that matter here, in their units. `refresh_s`: age at which what nobody uses is fetched anew, too. `doubt_s`: pause before
    the question whether a project is really disabled.
    """

    expiry_s: float
    grace_s: float
    refresh_s: float
    doubt_s: float
    longest_pause_s: float

    @property
    def life_s(self) -> float:
        return max(self.expiry_s + self.grace_s, _LEAST_LIFE_S)


def times_of(settings: Settings) -> Times:
    cache = settings.cache
    expiry_s, grace_s, refresh_s = cache.project_expiry, cache.project_grace_period, cache.project_refresh_interval
    counts = refresh_s is not None and expiry_s < refresh_s < expiry_s + grace_s
    return Times(
        expiry_s,
        grace_s,
        refresh_s if refresh_s is not None and counts else math.inf,
        min(cache.miss_expiry, expiry_s),
        settings.http.max_retry_interval,
    )


@dataclass(slots=True, eq=False)
class _Entry:
    """One key. While `is_asked`, an answer is under way or will be asked for again, and nothing is due."""

    used_mono: float
    due_mono: float
    plan: ProjectPlan = PENDING
    document: Document | None = None
    revision: str | None = None
    known_mono: float = -math.inf
    enabled_mono: float = -math.inf
    tries: int = 0
    is_asked: bool = False
    is_doubted: bool = False
    is_refresh: bool = False
    is_refreshed: bool = False


class FetchedPlans:
    """`is_out`: whether the upstream is away. `on_known` hears of a key whose `find` says something else than before; `awaits` says whether something
    waits for a key. Both may be set later.
    """

    def __init__(
        self,
        settings: Settings,
        fetch: Fetch,
        lane: CompileLane,
        observer: Observer,
        *,
        is_out: Callable[[], bool],
        store: Store | None = None,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._times = times_of(settings)
        self._fetch = fetch
        self._lane = lane
        self._observer = observer
        self._is_out = is_out
        self._store = store
        self._mono = mono
        self._entries: dict[str, _Entry] = {}
        self._disabled: dict[str, None] = {}
        self._elsewhere: dict[str, str] = {}
        self._pending = 0
        self._is_open = False
        self._is_stopped = False
        self.shared_document: Document | None = None
        """What goes for all projects, as the upstream sent it; None: not known yet."""
        self.on_known: Callable[[str], None] = lambda key: None
        self.awaits: Callable[[str], bool] = lambda key: False

    # Looking up

    def find(self, key: str) -> ProjectPlan:
        """The plan of `key`, `DISABLED_PLAN` or `PENDING`; asks for it if that is due."""
        return self._shown(self._used(key).plan)

    def peek(self, key: str) -> ProjectPlan:
        """The same, as it is now, and nothing is begun."""
        entry = self._entries.get(key)
        return PENDING if entry is None else self._shown(entry.plan)

    def plans(self) -> Iterator[tuple[str, ProjectPlan]]:
        """Of all keys that have one, as they are now."""
        return ((key, entry.plan) for key, entry in self._entries.items() if entry.document is not None)

    def upstream_of(self, key: str) -> str | None:
        """Where its project said last that its items go. This outlives the plan: what waits must not go another way for want of one."""
        return self._elsewhere.get(key)

    def document_of(self, key: str) -> State:
        """As `find`: the document with what lies over it, `DISABLED` or `WAITING`. Raises `ConfigError`."""
        entry = self._used(key)
        if entry.plan is DISABLED_PLAN:
            return DISABLED
        if entry.document is None:
            return WAITING
        whole = self._lane.sources.whole(key, entry.document)
        return Enabled(whole if whole is entry.document else revised(whole))

    def _shown(self, plan: ProjectPlan) -> ProjectPlan:
        return plan if self._is_open or plan is DISABLED_PLAN else PENDING

    def _used(self, key: str) -> _Entry:
        now_mono = self._mono()
        entry = self._entries.get(key)
        if entry is None:
            if self._pending >= MAX_WAITING:
                return _Entry(used_mono=now_mono, due_mono=math.inf)
            entry = self._added(key, now_mono)
        entry.used_mono, entry.is_refresh = now_mono, False
        if now_mono >= entry.due_mono:
            if self._has_ended(entry, now_mono) and not self._is_out():
                self._put(key, entry, PENDING)
                self._observer.configs_evicted(1)
            self._ask(key, entry)
        return entry

    def _added(self, key: str, now_mono: float) -> _Entry:
        entry = self._entries[key] = _Entry(used_mono=now_mono, due_mono=now_mono)
        self._pending += 1
        return entry

    def _has_ended(self, entry: _Entry, now_mono: float) -> bool:
        return entry.plan is not PENDING and now_mono - entry.known_mono >= self._times.life_s

    # Answers

    def _ask(self, key: str, entry: _Entry) -> None:
        entry.is_asked, entry.due_mono = True, math.inf
        self._fetch.want(key, entry.revision).add_done_callback(partial(self._answered, key, entry))

    def _answered(self, key: str, entry: _Entry, answer: asyncio.Future[State]) -> None:
        if answer.cancelled() or self._entries.get(key) is not entry:  # it was forgotten meanwhile
            return
        state, now_mono = answer.result(), self._mono()
        if isinstance(state, Enabled):
            predecessor = None if entry.plan in (PENDING, DISABLED_PLAN) else entry.plan
            done = partial(self._compiled, key, entry, state)
            self._lane.submit(key, state.document, predecessor, done)
        elif state is UNCHANGED:
            if entry.document is not None:
                self._keep(key, entry.document)
            self._confirm(entry, now_mono)
        elif state is DISABLED:
            self._denied(key, entry, now_mono)
        else:
            self._later(key, entry)

    def _compiled(self, key: str, entry: _Entry, state: Enabled, plan: ProjectPlan | None) -> None:
        if self._entries.get(key) is not entry:
            return
        if plan is None:
            self._later(key, entry)
            return
        self._keep(key, state.document)
        is_other = plan is not entry.plan
        self._put(key, entry, plan, state)
        self._confirm(entry, self._mono())  # compiling may take longer than a short life
        if is_other:
            self._announce(key)

    def _keep(self, key: str, document: Document) -> None:
        """Also what is kept already: whoever keeps it learns that it is still in use."""
        if self._store is not None:
            self._store.keep(key, document)

    def _confirm(self, entry: _Entry, known_mono: float) -> None:
        """This is the present state, and counts as such from `known_mono` on."""
        if entry.is_refresh:  # keeps what it is, and not how long it is kept
            entry.is_refreshed = True
        else:
            entry.known_mono, entry.is_refreshed = known_mono, False
        if entry.plan is not DISABLED_PLAN:
            entry.enabled_mono = known_mono
        entry.tries, entry.is_asked, entry.is_doubted, entry.is_refresh = 0, False, False, False
        entry.due_mono = entry.known_mono + self._times.expiry_s

    def _denied(self, key: str, entry: _Entry, now_mono: float) -> None:
        seen_enabled = entry.document is not None and now_mono - entry.enabled_mono < _SEEN_ENABLED_S
        if seen_enabled and not entry.is_doubted:
            # It may be a hiccup, and what is refused now is lost (`decisions.md` 4).
            entry.is_doubted, entry.is_asked, entry.is_refresh, entry.tries = True, False, False, 0
            entry.due_mono = now_mono + self._times.doubt_s
            return
        is_other = entry.plan is not DISABLED_PLAN
        self._put(key, entry, DISABLED_PLAN)
        self._confirm(entry, now_mono)
        if self._store is not None:
            self._store.forget(key)
        while len(self._disabled) > MAX_DISABLED:
            self._drop(next(iter(self._disabled)))
        if is_other:
            self.on_known(key)

    def _later(self, key: str, entry: _Entry) -> None:
        """There was no answer that says anything."""
        entry.tries += 1
        pause_s = 0.0
        if entry.tries > 1:
            pause_s = back_off_s(entry.tries - 1, self._times.longest_pause_s, without_chance)
        asyncio.get_running_loop().call_later(pause_s, self._again, key, entry)

    def _again(self, key: str, entry: _Entry) -> None:
        if self._is_stopped or self._entries.get(key) is not entry:
            return
        is_unused = self._mono() - entry.used_mono >= self._times.life_s
        if entry.plan is PENDING and is_unused and not self.awaits(key):
            self._drop(key)
            self._observer.configs_evicted(1)
        else:  # what is held stays as long as asking fails
            self._ask(key, entry)

    def _put(self, key: str, entry: _Entry, plan: ProjectPlan, state: Enabled | None = None) -> None:
        self._pending += (plan is PENDING) - (entry.plan is PENDING)
        self._disabled.pop(key, None)
        if plan is DISABLED_PLAN:
            self._disabled[key] = None
        if plan.upstream is not None:
            self._elsewhere[key] = plan.upstream
        elif not plan.disabled:
            self._elsewhere.pop(key, None)
        entry.plan = plan
        entry.document = None if state is None else state.document
        entry.revision = None if state is None else state.revision

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key)
        self._pending -= entry.plan is PENDING
        self._disabled.pop(key, None)

    def _announce(self, key: str) -> None:
        if self._is_open:
            self.on_known(key)

    # What changes for all

    async def restore(self, documents: Mapping[str, Document]) -> None:
        """Takes what an earlier process kept, as stale: it is used, and its first use asks."""
        for key, document in documents.items():
            if self._pending >= MAX_WAITING:
                await self._lane.idle()
            if key in self._entries or self._pending >= MAX_WAITING:
                continue  # somebody asked meanwhile, and the upstream's word is newer
            entry = self._added(key, self._mono())
            entry.is_asked, entry.due_mono = True, math.inf
            done = partial(self._restored, key, entry, Enabled(document))
            self._lane.submit(key, document, None, done)
        await self._lane.idle()

    def _restored(self, key: str, entry: _Entry, state: Enabled, plan: ProjectPlan | None) -> None:
        if plan is None:
            self._drop(key)
            return
        self._put(key, entry, plan, state)
        self._confirm(entry, self._mono() - self._times.expiry_s)
        self._announce(key)

    async def share(self, shared: GlobalConfig, document: Document | None) -> None:
        """What goes for all projects, from now on. Before the first call no key has a plan but those that are refused."""
        self.shared_document = document
        sources = self._lane.sources
        await self._recompile(Sources(sources.settings, sources.overlays, shared))
        if not self._is_open:
            self._is_open = True
            for key in [key for key, entry in self._entries.items() if entry.document is not None]:
                self.on_known(key)

    async def recompile(self, settings: Settings, overlays: Mapping[str, Document]) -> None:
        """Puts other settings and overlays in force; a plan that does not compile any more leaves its predecessor in force."""
        self._times = times_of(settings)
        await self._recompile(Sources(settings, overlays, self._lane.sources.shared))

    async def _recompile(self, sources: Sources) -> None:
        if sources == self._lane.sources:
            return
        self._lane.sources = sources
        for key, entry in self._entries.items():
            if entry.document is not None and not self._lane.has(key):
                done = partial(self._recompiled, key, entry, entry.document)
                self._lane.submit(key, entry.document, entry.plan, done)
        await self._lane.idle()

    def _recompiled(self, key: str, entry: _Entry, document: Document, plan: ProjectPlan | None) -> None:
        if plan is not None and plan is not entry.plan and entry.document is document:
            self._put(key, entry, plan, Enabled(document))
            self._announce(key)

    def sweep(self) -> None:
        """To be called every few seconds: forgets what nobody asked for, asks for what is to be refreshed, counts."""
        now_mono, is_out, times = self._mono(), self._is_out(), self._times
        evicted, stale_s = 0, 0.0
        for key, entry in tuple(self._entries.items()):
            age_s = now_mono - entry.known_mono
            if entry.is_asked:
                if entry.document is not None:
                    stale_s = max(stale_s, age_s - times.expiry_s)
            elif age_s >= times.life_s and not is_out:
                self._drop(key)
                evicted += 1
            elif age_s >= times.refresh_s and not entry.is_refreshed:
                entry.is_refresh = True
                self._ask(key, entry)
        if evicted:
            self._observer.configs_evicted(evicted)
        disabled = len(self._disabled)
        fetched = len(self._entries) - self._pending - disabled
        self._observer.fetched_configs(fetched, disabled, self._pending, stale_s)
        if disabled > 9 * fetched:
            self._observer.mostly_disabled(disabled, disabled + fetched)

    async def stop(self) -> None:
        self._is_stopped = True
        await self._lane.stop()

    def __repr__(self) -> str:
        return f"<FetchedPlans {len(self._entries)} keys, {self._pending} pending, {len(self._disabled)} refused>"
