"""What a managed worker has beside the others, put together: it registers, asks what it needs to know, and says whether it may send.

Owns the order of building, starting and stopping these parts, and what of them makes an instance unready (`upstream-and-operations.md` 4.4,
5, 9.2). What each does is its own business; the requests go over the ways that envelopes take too.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Protocol

from scrubjay.runtime.health import Check
from scrubjay.runtime.managed.compiling import CompileLane, PlanCompiler, Sources
from scrubjay.runtime.managed.config_fetch import ConfigFetch, fetch_options
from scrubjay.runtime.managed.config_store import GLOBAL, open_store
from scrubjay.runtime.managed.fetched import FetchedPlans
from scrubjay.runtime.managed.global_config import GlobalPoll, Shared
from scrubjay.runtime.managed.queries import Queries, QueryFailed
from scrubjay.runtime.managed.registration import Registration, registration_options
from scrubjay.runtime.managed.relay_keys import RelayKeys, key_options
from scrubjay.runtime.pulse import Pulse
from scrubjay.runtime.roads import Roads
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.global_config import GlobalConfig
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings

_SWEEP_S: Final = 1.0


class Waiting(Protocol):
    """Where envelopes wait for a configuration; `runtime.waiting_room` is the real one."""

    def known(self, key: str) -> None: ...

    def awaits(self, key: str) -> bool: ...


class Projects(Protocol):
    """Local projects; `runtime.projects` is the real one."""

    async def share(self, shared: GlobalConfig) -> None: ...


class Delivery(Protocol):
    """What stands between the path and the upstream; `runtime.delivery` has the real one."""

    roads: Roads
    relay_keys: RelayKeys | None

    @property
    def projects(self) -> Projects: ...

    @property
    def waiting(self) -> Waiting: ...

    def admit(self, *, is_admitted: bool) -> None: ...


class Managed:
    """At work between `start` and `stop`. Until the upstream knows us nothing is sent."""

    def __init__(self, loaded: Loaded, settings: Settings, delivery: Delivery, telemetry: Telemetry) -> None:
        credentials, roads = loaded.credentials, delivery.roads
        assert credentials is not None, "resolve() has seen to it"
        assert roads.signer is not None
        self._settings = settings
        self._delivery = delivery
        self._queries = Queries(roads.upstreams, roads.choice, roads.signer, settings, telemetry)
        ask = self._queries.ask
        self._registration = Registration(
            self._queries, credentials, registration_options(settings), telemetry, on_change=self._obey
        )
        self._fetch = ConfigFetch(fetch_options(settings), ask, telemetry)
        lane = CompileLane(Sources(settings, loaded.projects.overlays), PlanCompiler(), telemetry)
        spool = settings.spool.envelopes.path
        folder = None if spool is None else Path(spool)
        self._store = open_store(folder, telemetry.spool_error, persist=settings.cache.persist)
        self.fetched = FetchedPlans(settings, self._fetch, lane, telemetry, is_out=self._is_out, store=self._store)
        self.fetched.on_known, self.fetched.awaits = delivery.waiting.known, delivery.waiting.awaits
        self._shared = GlobalPoll(settings, ask, telemetry, self._share)
        self._pulse = Pulse(telemetry)
        delivery.relay_keys = RelayKeys(key_options(settings), ask, telemetry.internal_error)
        for upstream in roads.upstreams:
            upstream.on_stop = self._told_to_stop
        roads.choice.on_use = lambda name: self._registration.start_anew(f"{name} is used now")
        self._obey()

    async def start(self) -> None:
        """What an earlier process kept is in force when this returns, and nothing is sent before: where a project's items go is part of it, and
        what is sent needs its books, which are kept as soon as this has returned.
        """
        kept = {} if self._store is None else await asyncio.to_thread(self._store.load)
        shared = kept.pop(GLOBAL, None)
        await self.fetched.restore({key: each.document for key, each in kept.items()})
        await self._shared.start(None if shared is None else shared.document)
        self._pulse.every(_SWEEP_S, self.fetched.sweep, "project-configs")
        self._registration.start()

    async def reload(self, settings: Settings, loaded: Loaded) -> None:
        """Puts other settings, credentials and overlays in force."""
        self._settings = settings
        self._queries.reconfigure(settings)
        self._registration.reconfigure(registration_options(settings))
        if loaded.credentials is not None:
            self._registration.identify(loaded.credentials)
        self._fetch.reconfigure(fetch_options(settings))
        self._shared.reconfigure(settings)
        await self.fetched.recompile(settings, loaded.projects.overlays)

    def check(self) -> Check:
        """Whether the upstream lets us work, as far as that matters to somebody."""
        one = self._registration
        is_well = one.is_authenticated or self._settings.auth.ready == "always"
        return is_well, f"{one.state}{f': {one.detail}' if one.detail else ''}"

    def _is_out(self) -> bool:
        """Whether nothing can be known of projects now."""
        return self._queries.is_out or not self._registration.is_authenticated

    async def _share(self, shared: Shared) -> None:
        if shared.document is not None:
            if self._store is not None:
                self._store.keep(GLOBAL, shared.document)
            await self._delivery.projects.share(shared.config)
        await self.fetched.share(shared.config, shared.document)

    def _obey(self) -> None:
        self._delivery.admit(is_admitted=self._registration.is_authenticated)

    def _told_to_stop(self, detail: str) -> None:
        self._queries.on_refused(QueryFailed(detail, status=403, is_stop=True))

    async def stop(self) -> None:
        """Asks nothing more. What is on its way to the upstream goes on."""
        await self._pulse.stop()
        await self._shared.stop()
        await self._fetch.stop()
        await self.fetched.stop()
        await self._registration.stop()
        if self._store is not None:
            await asyncio.to_thread(self._store.close)

    def __repr__(self) -> str:
        return f"<Managed {self._registration!r} {self._queries!r} {self.fetched!r}>"
