"""What stands between the path and the central server, put together: spool, connection, outbox.

Owns turning settings into the options of these parts, and their order of opening and closing. What each does is its own business.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from scrubjay.core.ledger import Ledger, Parcel
from scrubjay.core.limits import ActiveLimit, LimitTable, Scoping
from scrubjay.errors import ConfigError, SpoolLocked
from scrubjay.reasons import DataCategory
from scrubjay.runtime.forwarding.dispatcher import DispatchOptions
from scrubjay.runtime.forwarding.http_client import HttpClient, Origin
from scrubjay.runtime.forwarding.proxies import proxy_for
from scrubjay.runtime.outbox import Outbox, OutboxOptions
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.types import Committed, Faulted, SpoolEvent, SpoolOptions, Synced
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.runtime.upstream import Upstream, UpstreamOptions
from scrubjay.settings.schema import Envelopes, Http, Settings


class Projects(Protocol):
    """What is known of projects; `runtime.projects` is the real one."""

    def scoping(self, key: str, project_id: int) -> Scoping: ...

    def is_disabled(self, key: str, project_id: int) -> bool: ...

    def deny(self, key: str) -> None: ...


_LOCKED_POLL_S: Final = 0.1
_ORPHANS_GRACE_S: Final = 5.0


class Delivery:
    """Open until `close`. `spool` None: parcels wait in memory alone."""

    def __init__(self, outbox: Outbox, spool: Partition | None, upstream: Upstream) -> None:
        self.outbox = outbox
        self.spool = spool
        self._upstream = upstream
        self._is_paused = False

    def reconfigure(self, settings: Settings) -> None:
        """Puts in force what can change while it runs: how requests are made, how many, and how often they are repeated."""
        self._upstream.reconfigure(upstream_options(settings))
        self.outbox.reconfigure(dispatch_options(settings))

    def toggle(self) -> bool:
        """Stops sending, or begins again; says whether it sends now."""
        self._is_paused = not self._is_paused
        if self._is_paused:
            self.outbox.pause()
        else:
            self.outbox.resume()
        return not self._is_paused

    async def drain(self, deadline_mono: float) -> int:
        """Ends sending. Returns how many parcels were lost because they were in memory alone. Until `close` the disk takes more."""
        lost = await self.outbox.drain(deadline_mono)
        self._upstream.close()
        return lost

    async def close(self, deadline_mono: float) -> int:
        """Drains, then closes. Returns what `drain` does, which may have been called before."""
        lost = await self.drain(deadline_mono)
        if self.spool is not None:
            await self.spool.close()
        return lost

    def __repr__(self) -> str:
        return f"<Delivery {self.outbox!r} {self.spool!r}>"


async def open_spool(
    options: Envelopes, on_event: Callable[[SpoolEvent], None], slot: int | None = None, *, at_least: int = 0
) -> Partition | None:
    """Partition `slot`, or the lowest free one from `at_least` on, recovered; None without a path. Raises `SpoolError`."""
    if options.path is None:
        return None
    return await Partition.open(
        Path(options.path),
        slot,
        at_least=at_least,
        options=SpoolOptions(
            fsync=options.fsync,
            fsync_interval_s=options.fsync_interval_ms / 1000,
            segment_bytes=options.segment_size,
            frame_bytes=options.batch_size_bytes,
            compression_level=options.compression_level,
            max_bytes=options.max_disk_size,
            when_full=options.when_full,
            max_age_s=options.max_envelope_delay_secs,
            expiry_holdoff_s=options.expiry_holdoff,
        ),
        on_event=on_event,
    )


async def await_spool(
    options: Envelopes,
    on_event: Callable[[SpoolEvent], None],
    slot: int,
    workers: int,
    orphans_end_s: float,
    is_over: Callable[[], bool],
) -> Partition | None:
    """Partition `slot`, for one of several workers. Who has it may be about to end, its supervisor having been killed, and is waited for.

    If it does not end within `orphans_end_s` and some grace, another instance works on the same folder, and there is room for both. Raises `SpoolError`.
    """
    give_up_mono = time.monotonic() + orphans_end_s + _ORPHANS_GRACE_S
    while not is_over() and time.monotonic() < give_up_mono:
        with suppress(SpoolLocked):
            return await open_spool(options, on_event, slot)
        await asyncio.sleep(_LOCKED_POLL_S)
    return await open_spool(options, on_event, at_least=workers)


async def open_delivery(
    settings: Settings,
    spool: Partition | None,
    ledger: Ledger,
    telemetry: Telemetry,
    limits: LimitTable,
    projects: Projects,
) -> Delivery:
    """Begins to send what the spool held. Raises `ConfigError` for certificates that cannot be used."""

    def scoping(parcel: Parcel) -> Scoping:
        return projects.scoping(parcel.key, parcel.project_id)

    upstream = Upstream(
        open_client(settings),
        telemetry,
        upstream_options(settings),
        on_limits=lambda parcel, learnt: limits.learn(scoping(parcel), learnt, time.monotonic()),
        on_denied=projects.deny,
    )
    outbox = Outbox(
        upstream,
        ledger,
        telemetry,
        outbox_options(settings),
        spool=spool,
        limit_of=lambda parcel: limit_of(parcel, limits.active(scoping(parcel), time.monotonic())),
        is_disabled=lambda parcel: projects.is_disabled(parcel.key, parcel.project_id),
    )
    await outbox.start()
    return Delivery(outbox, spool, upstream)


def open_client(settings: Settings) -> HttpClient:
    http = settings.http
    assert settings.relay.upstream is not None
    origin = Origin.parse(settings.relay.upstream)
    return HttpClient(
        origin,
        tls=tls_context(http) if origin.scheme == "https" else None,
        server_name=http.tls_server_name,
        proxy=proxy_for(origin, http.proxy.reveal() if http.proxy else None, os.environ),
        connect_timeout_s=http.connection_timeout,
    )


def tls_context(http: Http) -> ssl.SSLContext:
    """System roots, or the operator's (`upstream-and-operations.md` 6.9). Raises `ConfigError`."""
    try:
        context = ssl.create_default_context(cafile=http.ca_bundle)
        if http.client_cert is not None:
            context.load_cert_chain(http.client_cert, http.client_key)
    except (OSError, ssl.SSLError) as error:
        path = "http.client_cert" if http.client_cert is not None else "http.ca_bundle"
        raise ConfigError(f"the certificate cannot be used: {error}", path=path) from error
    if http.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def upstream_options(settings: Settings) -> UpstreamOptions:
    http = settings.http
    return UpstreamOptions(
        encoding=http.encoding,
        encoding_fallback=http.encoding_fallback,
        timeout_s=http.timeout,
        min_upload_bytes_per_s=http.min_upload_rate,
        host_header=http.host_header,
        path_prefix=http.upstream_path_prefix,
        retries_throttled=http.rate_limited_policy == "retry",
        bare_429_s=settings.limits.bare_429,
        longest_limit_s=settings.limits.upstream_max,
    )


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
        keeps_limited=http.rate_limited_policy == "retry",
    )


def limit_of(parcel: Parcel, active: Sequence[ActiveLimit]) -> ActiveLimit | None:
    """Of the limits in force one for everything in a parcel that waited; None if something in it may still be sent."""
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


def tell_spool_event(event: SpoolEvent, telemetry: Telemetry) -> None:
    """What the disk did, where no record is concerned."""
    if isinstance(event, Committed):
        telemetry.spool_append(event.records, event.duration_s)
    elif isinstance(event, Synced):
        telemetry.spool_synced(event.duration_s)
    elif isinstance(event, Faulted):
        telemetry.spool_fault(event.detail)
