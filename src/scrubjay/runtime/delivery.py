"""What stands between the path and the central server, put together: spool, roads, outbox.

Owns turning settings into the options of these parts, and their order of opening and closing. What each does is its own business; the slot's
partition is opened before, by `spool_opening`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.ledger import Ledger, Parcel
from scrubjay.core.limits import UPSTREAM, ActiveLimit, LimitTable, Scoping
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.relays.config_reply import State
from scrubjay.runtime.adoption import Adoption, Inherit
from scrubjay.runtime.forwarding.carrier import Carrier
from scrubjay.runtime.forwarding.dispatcher import DispatchOptions
from scrubjay.runtime.forwarding.junction import Junction
from scrubjay.runtime.forwarding.timed_signer import TimedSigner
from scrubjay.runtime.gateway.receiver import Receiver
from scrubjay.runtime.gateway.senders import takes_batches
from scrubjay.runtime.gateway.shared import shared_of
from scrubjay.runtime.managed.opening import Managed
from scrubjay.runtime.managed.relay_keys import RelayKeys, key_options
from scrubjay.runtime.outbox import Outbox, OutboxOptions
from scrubjay.runtime.roads import Roads
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool_opening import open_spool, spool_options
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.runtime.waiting_room import WaitingRoom, room_options
from scrubjay.settings.credentials import Credentials
from scrubjay.settings.global_config import GlobalConfig
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings


class Projects(Protocol):
    """What is known of projects; `runtime.projects` is the real one."""

    def find(self, key: str) -> ProjectPlan | None: ...

    def scoping(self, key: str, project_id: int) -> Scoping: ...

    def is_disabled(self, key: str, project_id: int) -> bool: ...

    def key_of(self, project_id: int, key_id: int | None) -> str | None: ...

    def passes(self, key: str | None) -> bool: ...

    @property
    def diverts(self) -> bool: ...

    def upstream_of(self, key: str) -> str | None: ...

    def document_of(self, key: str) -> State: ...

    def global_document(self) -> Mapping[str, Any] | None: ...

    def deny(self, key: str, project_id: int) -> None: ...

    async def share(self, shared: GlobalConfig) -> None: ...


class Delivery:
    """Open until `close`. `spool` None: parcels wait in memory alone, and there is nothing to adopt."""

    def __init__(
        self,
        outbox: Outbox,
        receiver: Receiver,
        spool: Partition | None,
        roads: Roads,
        projects: Projects,
        waiting: WaitingRoom,
        adoption: Adoption | None = None,
    ) -> None:
        self.outbox = outbox
        self.receiver = receiver
        self.spool = spool
        self.roads = roads
        self.projects = projects
        self.waiting = waiting
        self._adoption = adoption
        self._is_paused = False
        self._admitted = asyncio.Event()
        self._admitted.set()
        self.managed: Managed | None = None
        """What a managed relay has beside; None in other modes."""
        self.relay_keys: RelayKeys | None = None
        """Who knows the relays behind this one that the settings do not name; None: nobody."""
        self.config_dir: Path | None = None

    def reconfigure(self, settings: Settings) -> None:
        """Puts in force what can change while it runs: how requests are made, how many, and how often they are repeated."""
        self.roads.reconfigure(settings)
        if self.relay_keys is not None:
            self.relay_keys.reconfigure(key_options(settings))
        self.outbox.reconfigure(outbox_options(settings))
        self.waiting.reconfigure(room_options(settings))
        if self.spool is not None:
            self.spool.reconfigure(spool_options(settings.spool.envelopes))
        if self._adoption is not None:
            self._adoption.reconfigure(ward_options(settings))

    async def reload(self, settings: Settings, loaded: Loaded) -> None:
        """Puts all in force that a reload may change."""
        self.reconfigure(settings)
        signer, credentials = self.roads.signer, loaded.credentials
        if signer is not None and credentials is not None:
            signer.become(credentials.id, credentials.secret_key.reveal())
        if self.managed is not None:
            await self.managed.reload(settings, loaded)

    @property
    def partitions(self) -> list[Partition]:
        """The slot's own, then those that were adopted."""
        return [*([self.spool] if self.spool else []), *(self._adoption.partitions if self._adoption else [])]

    def held(self) -> Mapping[str, Quantities]:
        """What was accepted here and has not ended, by where it is: `memory` (alone) or `spool`."""
        return self.outbox.held()

    def adopted(self) -> Mapping[int, Quantities]:
        """What has not ended of adopted partitions, by slot."""
        return self._adoption.held() if self._adoption is not None else {}

    async def adopt(self) -> None:
        """Looks for partitions that nobody serves; to be called every second or so."""
        if self._adoption is not None:
            await self._adoption.look()

    def toggle(self) -> bool:
        """Stops sending, or begins again, as far as the upstream lets us; says whether anything is to be sent now."""
        self._is_paused = not self._is_paused
        self._obey()
        return not self._is_paused

    def admit(self, *, is_admitted: bool) -> None:
        """Whether the upstream lets us send; whatever it says, what comes is taken and held."""
        if is_admitted == self._admitted.is_set():
            return
        if is_admitted:
            self._admitted.set()
        else:
            self._admitted.clear()
        self.roads.admit(is_admitted=is_admitted)
        self._obey()

    def _obey(self) -> None:
        sends = self._admitted.is_set() and not self._is_paused
        for each in (self.outbox, self._adoption):
            if each is None:
                continue
            if sends:
                each.resume()
            else:
                each.pause()

    async def drain(self, deadline_mono: float) -> int:
        """Ends sending. Returns how many parcels were lost because they were in memory alone. Until `close` the disk takes more."""
        now_mono = time.monotonic()
        lost = await self.waiting.drain(now_mono + (deadline_mono - now_mono) / 2)
        if self.outbox.must_be_sent and not self._is_paused:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, deadline_mono - time.monotonic())):
                    await self._admitted.wait()
        if self.managed is not None:
            await self.managed.stop()  # who would be known now would begin to send
        lost += await self.outbox.drain(deadline_mono)
        if self._adoption is not None:
            await self._adoption.drain(deadline_mono)
        self.roads.close()
        return lost

    async def close(self, deadline_mono: float) -> int:
        """Drains, then closes. Returns what `drain` does, which may have been called before."""
        lost = await self.drain(deadline_mono)
        if self.relay_keys is not None:
            await self.relay_keys.stop()
        await self.roads.stop()
        self.receiver.close()
        if self._adoption is not None:
            await self._adoption.close()
        if self.spool is not None:
            await self.spool.close()
        return lost

    def __repr__(self) -> str:
        return f"<Delivery {self.outbox!r} {self.spool!r}>"


async def open_delivery(
    settings: Settings,
    spool: Partition | None,
    ledger: Ledger,
    telemetry: Telemetry,
    limits: LimitTable,
    projects: Projects,
    inherit: Inherit,
    may_read: Callable[[], bool],
    credentials: Credentials | None = None,
) -> Delivery:
    """Begins to send what the spool held, while it `may_read`. `inherit` takes over the books of adopted partitions.

    Raises `ConfigError` for certificates that cannot be used.
    """

    def scoping(parcel: Parcel) -> Scoping:
        return projects.scoping(parcel.key, parcel.project_id)

    roads = Roads(
        settings,
        telemetry,
        on_limits=lambda parcel, learnt: limits.learn(scoping(parcel), learnt, time.monotonic()),
        on_denied=projects.deny,
        signer=None if credentials is None else TimedSigner(credentials.id, credentials.secret_key.reveal(), telemetry),
    )
    await roads.refuse_ourselves(settings.relay.host, settings.relay.port)
    roads.start()
    roads.admit(is_admitted=settings.relay.mode != "managed")

    async def way_to(place: str) -> Carrier | None:
        upstream = await roads.side(place)
        return None if upstream is None else Carrier(upstream, telemetry)

    def outbox_on(partition: Partition | None, options: OutboxOptions) -> Outbox:
        common = roads.sender(lambda upstream, batches: Carrier(upstream, telemetry, batches=batches))
        return Outbox(
            Junction(common, projects, way_to),
            ledger,
            telemetry,
            options,
            spool=partition,
            limit_of=lambda parcel: limit_of(parcel, limits.active(scoping(parcel), time.monotonic())),
            is_disabled=lambda parcel: projects.is_disabled(parcel.key, parcel.project_id),
            may_read=may_read,
        )

    outbox = outbox_on(spool, outbox_options(settings))
    receiver = Receiver(telemetry, lambda: outbox.is_surveyed, shared_of(settings) if takes_batches(settings) else None)
    outbox.start(telemetry.close_account, receiver.found if takes_batches(settings) else None)
    envelopes, adoption = settings.spool.envelopes, None
    if spool is not None and envelopes.path is not None:
        adoption = Adoption(
            Path(envelopes.path),
            _own_slots(spool.slot, settings),
            lambda slot, on_event: open_spool(envelopes, on_event, slot, adopt=True),
            lambda partition: outbox_on(partition, ward_options(settings)),
            inherit,
            telemetry,
        )
    waiting = WaitingRoom(
        projects, outbox, lambda: adoption.outboxes if adoption is not None else (), telemetry, room_options(settings)
    )
    return Delivery(outbox, receiver, spool, roads, projects, waiting, adoption)


def _own_slots(slot: int, settings: Settings) -> frozenset[int]:
    """The partitions of this instance, which its supervisor looks after."""
    workers = settings.relay.workers
    assert isinstance(workers, int), "resolve() has counted them"
    return frozenset({slot, *(range(workers) if slot < workers else ())})


def ward_options(settings: Settings) -> OutboxOptions:
    """For an adopted partition: it is sent beside what is new, with a quarter of the requests at once."""
    options = outbox_options(settings)
    most = max(1, options.dispatch.max_concurrent_requests // 4)
    return replace(options, spool_evicts=False, dispatch=replace(options.dispatch, max_concurrent_requests=most))


def outbox_options(settings: Settings) -> OutboxOptions:
    envelopes = settings.spool.envelopes
    return OutboxOptions(
        max_memory_bytes=envelopes.max_memory_size,
        ephemeral=envelopes.ephemeral,
        spool_evicts=envelopes.when_full == "drop_oldest",
        dispatch=dispatch_options(settings),
    )


def dispatch_options(settings: Settings) -> DispatchOptions:
    http, envelopes = settings.http, settings.spool.envelopes
    return DispatchOptions(
        max_concurrent_requests=settings.limits.max_concurrent_requests,
        retry_delay_s=http.retry_delay,
        outage_grace_s=http.outage_grace_period,
        max_retry_interval_s=http.max_retry_interval,
        max_5xx_attempts=http.max_5xx_attempts,
        max_age_s=envelopes.max_envelope_delay_secs,
        expiry_holdoff_s=envelopes.expiry_holdoff,
        max_unspool_per_s=envelopes.max_unspool_envelopes_per_second,
        drops_ambiguous_counters=http.ambiguous_counters == "drop",
        keeps_limited=http.rate_limited_policy == "retry",
    )


def limit_of(parcel: Parcel, active: Sequence[ActiveLimit]) -> ActiveLimit | None:
    """Of the limits in force one for everything in a parcel that waited; None if something in it may still be sent.

    Only those of the server: a parcel is charged to our own quotas already, and their refusals are about what comes after it.
    """
    active = [limit for limit in active if limit.origin == UPSTREAM]
    counted = [category for category, _ in parcel.quantities if category is not DataCategory.UNKNOWN]
    if not active or not counted or len(counted) < len(parcel.quantities):
        return None
    found = None
    for category in counted:
        taking = [limit for limit in active if limit.takes(category)]
        if not taking and not category.wire.endswith("_indexed"):
            return None
        found = max((*taking, *([found] if found else [])), key=lambda limit: limit.until_mono, default=None)
    return found
