"""What a managed worker has beside the others, put together: it registers, asks what it needs to know, and says whether it may send.

Owns the order of building, starting and stopping these parts, and what of them makes an instance unready (`upstream-and-operations.md` 4.4,
9.2). What each does is its own business; the requests go over the ways that envelopes take too.
"""

from __future__ import annotations

from typing import Protocol

from scrubjay.runtime.health import Check
from scrubjay.runtime.managed.queries import Queries, QueryFailed
from scrubjay.runtime.managed.registration import Registration, registration_options
from scrubjay.runtime.managed.relay_keys import RelayKeys, key_options
from scrubjay.runtime.roads import Roads
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings


class Delivery(Protocol):
    """What stands between the path and the upstream; `runtime.delivery` has the real one."""

    roads: Roads
    relay_keys: RelayKeys | None

    def admit(self, *, is_admitted: bool) -> None: ...


class Managed:
    """At work from its making on; nothing is sent until the upstream knows us. `delivery` ends it."""

    def __init__(self, loaded: Loaded, settings: Settings, delivery: Delivery, telemetry: Telemetry) -> None:
        credentials, roads = loaded.credentials, delivery.roads
        assert credentials is not None, "resolve() has seen to it"
        assert roads.signer is not None
        self._settings = settings
        self._delivery = delivery
        self.queries = Queries(roads.upstreams, roads.choice, roads.signer, settings, telemetry)
        self.registration = Registration(
            self.queries, credentials, registration_options(settings), telemetry, on_change=self._obey
        )
        delivery.relay_keys = RelayKeys(key_options(settings), self.queries.ask, telemetry.internal_error)
        for upstream in roads.upstreams:
            upstream.on_stop = self._told_to_stop
        roads.choice.on_use = lambda name: self.registration.start_anew(f"{name} is used now")
        self._obey()
        self.registration.start()

    async def reload(self, settings: Settings, loaded: Loaded) -> None:
        """Puts other settings, credentials and overlays in force."""
        self._settings = settings
        self.queries.reconfigure(settings)
        self.registration.reconfigure(registration_options(settings))
        if loaded.credentials is not None:
            self.registration.identify(loaded.credentials)

    def check(self) -> Check:
        """Whether the upstream lets us work, as far as that matters to somebody."""
        one = self.registration
        is_well = one.is_authenticated or self._settings.auth.ready == "always"
        return is_well, f"{one.state}{f': {one.detail}' if one.detail else ''}"

    def _obey(self) -> None:
        self._delivery.admit(is_admitted=self.registration.is_authenticated)

    def _told_to_stop(self, detail: str) -> None:
        self.queries.on_refused(QueryFailed(detail, status=403, is_stop=True))

    async def stop(self) -> None:
        """Asks nothing more. What is on its way to the upstream goes on."""
        await self.registration.stop()

    def __repr__(self) -> str:
        return f"<Managed {self.registration!r} {self.queries!r}>"
