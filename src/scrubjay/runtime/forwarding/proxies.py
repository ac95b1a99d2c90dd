"""Which forward proxy leads to the upstream: `http.proxy`, else the customary variables (`upstream-and-operations.md` 6.9)."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Final

from scrubjay.runtime.forwarding.origin import Origin, Proxy

_CLUSTER_SUFFIXES: Final = (".local", ".internal", ".svc")


def proxy_for(origin: Origin, configured: str | None, env: Mapping[str, str]) -> Proxy | None:
    """`configured` always wins; the environment's proxies leave out loopback, names inside a cluster, and `NO_PROXY`."""
    if configured is not None:
        return Proxy.parse(configured)
    names = (f"{origin.scheme}_proxy", "all_proxy")
    url = next((value for name in names if (value := env.get(name) or env.get(name.upper()))), None)
    if url is None or _is_near(origin.host) or _is_excepted(origin, env.get("no_proxy") or env.get("NO_PROXY") or ""):
        return None
    return Proxy.parse(url)


def _is_near(host: str) -> bool:
    if host == "localhost" or host.endswith(_CLUSTER_SUFFIXES):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_excepted(origin: Origin, no_proxy: str) -> bool:
    return any(_covers(pattern.strip(), origin) for pattern in no_proxy.lower().split(","))


def _covers(pattern: str, origin: Origin) -> bool:
    """A name with all below it, an address, a network, or `*`; a name or a bracketed address may have a port."""
    host, name, port = origin.host.lower(), pattern, ""
    if pattern.startswith("["):
        name, _, port = pattern[1:].partition("]")
        port = port.removeprefix(":")
    elif pattern.count(":") == 1:
        name, _, port = pattern.partition(":")
    if port and port != str(origin.port):
        return False
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:
        name = name.lstrip(".")
        return name == "*" or (bool(name) and (host == name or host.endswith(f".{name}")))
