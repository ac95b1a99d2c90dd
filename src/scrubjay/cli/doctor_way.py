"""The ways that `scrubjay doctor` looks at: the relay's own (`runtime.roads`), with the names, proxies, certificates and time limits of its configuration."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from scrubjay.cli.findings import Finding, Verdict, failed
from scrubjay.runtime.forwarding.dialing import Dialer
from scrubjay.runtime.forwarding.origin import Origin, Proxy
from scrubjay.runtime.forwarding.resolving import Resolver
from scrubjay.runtime.roads import Roads
from scrubjay.runtime.upstream import Upstream
from scrubjay.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Way:
    """One of the servers that are sent to, and how."""

    settings: Settings
    origin: Origin
    proxy: Proxy | None
    tls: ssl.SSLContext | None
    upstream: Upstream

    @property
    def near(self) -> Origin:
        """Who is connected to: the proxy, if there is one."""
        return self.origin if self.proxy is None else self.proxy.origin

    @property
    def name(self) -> str:
        return self.settings.http.tls_server_name or self.origin.host

    def dialer(self, tls: ssl.SSLContext | None) -> Dialer:
        return Dialer(
            self.origin,
            tls=tls,
            server_name=self.settings.http.tls_server_name,
            proxy=self.proxy,
            proxy_tls=self.tls,
            resolver=Resolver(remembers=False),
            timeout_s=self.settings.http.connection_timeout,
        )


def ways_of(roads: Roads, settings: Settings) -> list[Way]:
    tls = roads.trust.context if roads.trust else None
    return [
        Way(settings, origin, proxy, tls, upstream)
        for origin, proxy, upstream in zip(roads.origins, roads.proxies, roads.upstreams, strict=True)
    ]


def ends_way(finding: Finding) -> bool:
    """Whether nothing behind it can be looked at. A clock that is wrong stops nobody."""
    return finding.verdict is Verdict.FAILED and finding.check != "clock"


def proxy_wants_password() -> Finding:
    """Said while a connection is made through it, or in answer to a request."""
    return failed(
        "proxy",
        "it wants to know who we are (407)",
        "put user and password into `http.proxy`: http://USER:PASSWORD@HOST:PORT",
    )
