"""The ways to the upstreams, put together from the settings: names, certificates, proxies, connections, and which upstream is used.

Owns watching the files of certificates and saying again and again that verification is off (`upstream-and-operations.md` 6.9, 6.10). What is
sent on these ways is `upstream`'s and the carriers'; a request that is only passed on goes its own way (`forward`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from scrubjay.core.ledger import Parcel
from scrubjay.core.limits import ActiveLimit
from scrubjay.core.signatures import Signer
from scrubjay.errors import ConfigError, Transient
from scrubjay.runtime.forwarding.batch_post import BatchOptions, BatchPost
from scrubjay.runtime.forwarding.failover import Choice, FailOver
from scrubjay.runtime.forwarding.http_client import HttpClient
from scrubjay.runtime.forwarding.origin import Origin, Proxy
from scrubjay.runtime.forwarding.own_address import leads_here
from scrubjay.runtime.forwarding.proxies import proxy_for
from scrubjay.runtime.forwarding.resolving import Resolver
from scrubjay.runtime.forwarding.shipment import Sender
from scrubjay.runtime.forwarding.trust import Trust, TrustOptions
from scrubjay.runtime.names import instance_name
from scrubjay.runtime.tasks import Tasks
from scrubjay.runtime.upstream import Observer as UpstreamObserver
from scrubjay.runtime.upstream import Upstream, UpstreamOptions
from scrubjay.settings.http import Http
from scrubjay.settings.schema import Settings

_LOOK_AT_FILES_S: Final = 5.0
_WARN_AGAIN_S: Final = 600.0


class Observer(UpstreamObserver, Protocol):
    """What is said and counted here; `runtime.telemetry` is the real one."""

    def upstream_chosen(self, upstream: str, instead_of: str) -> None: ...

    def certificates_renewed(self, problem: str = "") -> None: ...

    def unverified(self) -> None: ...

    def batch(self, envelopes: int, size_bytes: int) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


class Roads:
    """One way per upstream, in order of precedence. Raises `ConfigError` for certificates or proxies that cannot be used."""

    def __init__(
        self,
        settings: Settings,
        observer: Observer,
        *,
        on_limits: Callable[[Parcel, tuple[ActiveLimit, ...]], None],
        on_denied: Callable[[str, int], None],
        signer: Signer | None = None,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        http = settings.http
        self._observer = observer
        self._settings = settings
        self._on_limits, self._on_denied = on_limits, on_denied
        self._env = env
        self._side: dict[str, tuple[HttpClient, Upstream]] = {}
        """To upstreams that projects name."""
        self.signer = signer
        self._is_verified = not http.insecure_skip_verify
        self._resolver = Resolver(remembers=http.dns_cache)
        self.origins = [Origin.parse(url) for url in settings.relay.upstreams]
        self.proxies = [_proxy(origin, http, env) for origin in self.origins]
        spoken = {origin.scheme for origin in self.origins} | {proxy.origin.scheme for proxy in self.proxies if proxy}
        self.trust = trust_of(http, env) if "https" in spoken else None
        self._clients = [self._client(*road, http) for road in zip(self.origins, self.proxies, strict=True)]
        self.upstreams = [self._upstream(client) for client in self._clients]
        self.batches = [
            BatchPost(upstream, observer, batch_options(settings), signer=signer) for upstream in self.upstreams
        ]
        self.choice = Choice(
            [str(origin) for origin in self.origins], [upstream.probe for upstream in self.upstreams], observer
        )
        self._tasks = Tasks(observer.internal_error)

    def _upstream(self, client: HttpClient) -> Upstream:
        return Upstream(
            client,
            self._observer,
            upstream_options(self._settings),
            on_limits=self._on_limits,
            on_denied=self._on_denied,
            signer=self.signer,
        )

    def _client(self, origin: Origin, proxy: Proxy | None, http: Http) -> HttpClient:
        tls = self.trust.context if self.trust else None
        return HttpClient(
            origin,
            tls=tls,
            server_name=http.tls_server_name,
            proxy=proxy,
            proxy_tls=tls if proxy is not None and proxy.origin.scheme == "https" else None,
            resolver=self._resolver,
            connect_timeout_s=http.connection_timeout,
        )

    async def refuse_ourselves(self, host: str, port: int) -> None:
        """Raises `ConfigError` if an upstream's name leads to what is listened on here."""
        for origin, proxy in zip(self.origins, self.proxies, strict=True):
            if proxy is None and await leads_here(origin, host, port, self._resolver):
                problem = f"{origin} resolves to this relay's own address"
                raise ConfigError(problem, path="relay.upstream", accepted="another server")

    async def side(self, url: str) -> Upstream | None:
        """The way to an upstream that a project names; None: the common way leads there, or it leads here. Raises `Transient`."""
        origin, relay = Origin.parse(url), self._settings.relay
        if url not in self._side:
            if origin in self.origins or await leads_here(origin, relay.host, relay.port, self._resolver):
                return None
            try:
                proxy = _proxy(origin, self._settings.http, self._env)
                if self.trust is None and "https" in (origin.scheme, proxy.origin.scheme if proxy else ""):
                    self._begin_to_trust(trust_of(self._settings.http, self._env))
            except ConfigError as error:
                raise Transient(str(error), network=False) from error
            client = self._client(origin, proxy, self._settings.http)
            self._side.setdefault(url, (client, self._upstream(client)))
        return self._side[url][1]

    def start(self) -> None:
        if self.trust is not None:
            self._begin_to_trust(self.trust)

    def _begin_to_trust(self, trust: Trust) -> None:
        self.trust = trust
        self._tasks.start("certificates", self._watch(trust))
        if not self._is_verified:
            self._tasks.start("unverified", self._warn())

    def admit(self, *, is_admitted: bool) -> None:
        """Whether the upstreams may be asked what else they take: never before they know us."""
        for batches in self.batches:
            if is_admitted:
                batches.start()
            else:
                batches.close()

    @property
    def _ways(self) -> list[tuple[HttpClient, Upstream]]:
        return [*zip(self._clients, self.upstreams, strict=True), *self._side.values()]

    def sender(self, carrier: Callable[[Upstream, BatchPost], Sender]) -> Sender:
        """For one dispatcher: the only carrier there is, or one that falls over to others."""
        carriers = [carrier(*road) for road in zip(self.upstreams, self.batches, strict=True)]
        return carriers[0] if len(carriers) == 1 else FailOver(carriers, self.choice)

    def reconfigure(self, settings: Settings) -> None:
        """For requests from now on."""
        self._settings = settings
        self._resolver.remembers = settings.http.dns_cache
        for client, upstream in self._ways:
            client.be_patient(settings.http.connection_timeout)
            upstream.reconfigure(upstream_options(settings))
        for batches in self.batches:
            batches.reconfigure(batch_options(settings))

    async def _watch(self, trust: Trust) -> None:
        """Certificates are renewed while we run; a pair that does not fit yet is looked at again."""
        while True:
            await asyncio.sleep(_LOOK_AT_FILES_S)
            if not trust.has_changed:
                continue
            try:
                await asyncio.to_thread(trust.renew)
            except ConfigError as error:
                self._observer.certificates_renewed(str(error))
                continue
            for client, _ in self._ways:
                client.trust(trust.context)
            self._observer.certificates_renewed()

    async def _warn(self) -> None:
        while True:
            await asyncio.sleep(_WARN_AGAIN_S)
            self._observer.unverified()

    def close(self) -> None:
        """Closes all connections."""
        for batches in self.batches:
            batches.close()
        for _, upstream in self._ways:
            upstream.close()

    async def stop(self) -> None:
        """Closes, and ends what goes on beside."""
        self.close()
        await self.choice.close()
        await self._tasks.stop()

    def __repr__(self) -> str:
        return f"<Roads {self.choice!r} {self.upstreams!r}>"


def upstream_options(settings: Settings) -> UpstreamOptions:
    http = settings.http
    return UpstreamOptions(
        encoding=http.encoding,
        encoding_fallback=http.encoding_fallback,
        timeout_s=http.timeout,
        min_upload_bytes_per_s=http.min_upload_rate,
        host_header=http.host_header,
        path_prefix=http.upstream_path_prefix,
        merges_containers=http.merge_containers,
        retries_throttled=http.rate_limited_policy == "retry",
        drops_ambiguous_counters=http.ambiguous_counters == "drop",
        instance=instance_name(settings.relay.state_dir),
        bare_429_s=settings.limits.bare_429,
        longest_limit_s=settings.limits.upstream_max,
    )


def batch_options(settings: Settings) -> BatchOptions:
    http = settings.http
    return BatchOptions(
        mode=http.batch,
        encoding=http.encoding,
        uses_dictionary=http.batch_dict,
        scrubs=settings.relay.mode != "proxy",
        frugal=settings.relay.profile == "sidecar",
    )


def trust_of(http: Http, env: Mapping[str, str] = os.environ) -> Trust:
    """Raises `ConfigError` for certificates that cannot be used."""
    return Trust(TrustOptions(http.ca_bundle, http.client_cert, http.client_key, http.insecure_skip_verify), env)


def _proxy(origin: Origin, http: Http, env: Mapping[str, str]) -> Proxy | None:
    try:
        return proxy_for(origin, http.proxy.reveal() if http.proxy else None, env)
    except ValueError as error:
        where = "http.proxy" if http.proxy else "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY"
        raise ConfigError("no proxy that can be used", path=where, accepted="http or https, a host, a port") from error
