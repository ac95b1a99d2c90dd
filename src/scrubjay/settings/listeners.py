"""What follows from the settings of our listeners together: the second one's address, and what of them does not go together.

The keys are `relay.host`, `port`, `internal_host`, `internal_port`, `unix_socket` and `tls.*` (`upstream-and-operations.md` 2.3, 2.4). Files and
ports are not looked at: whoever opens them does that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from msgspec.structs import replace

from scrubjay.errors import ConfigError
from scrubjay.hosts import url_host
from scrubjay.settings.relay import Relay
from scrubjay.settings.schema import Settings
from scrubjay.settings.tls import Tls

_MAX_SOCKET_PATH_BYTES: Final = 107
"""What the kernel's address of a Unix socket has room for."""

Refuse = Callable[[str, str, str], ConfigError]
"""(dotted key, problem, accepted) → an error that knows where the key was set."""


def with_internal(relay: Relay) -> tuple[Relay, dict[str, str]]:
    """If half of the internal listener's address is set, the other half is the main one's; and why, by key."""
    if relay.internal_port is None and relay.internal_host is not None:
        return replace(relay, internal_port=relay.port), {"relay.internal_port": "`relay.port`"}
    if relay.internal_host is None and relay.internal_port is not None:
        return replace(relay, internal_host=relay.host), {"relay.internal_host": "`relay.host`"}
    return relay, {}


def check_listeners(settings: Settings, refuse: Refuse) -> None:
    """Raises `ConfigError` for listeners of which one could not be, or would not be what it seems."""
    relay = settings.relay
    if relay.internal_host is not None and relay.internal_port is not None:
        main, internal = (relay.host, relay.port), (relay.internal_host, relay.internal_port)
        if main[1] == internal[1] and main[1] and _overlap(main[0], internal[0]):
            problem = f"the internal listener has the address of the main one, {url_host(relay.host)}:{relay.port}"
            raise refuse("relay.internal_port", problem, "another port, or an address of another interface")
    if relay.unix_socket is not None and len(os.fsencode(relay.unix_socket)) > _MAX_SOCKET_PATH_BYTES:
        problem = f"the path is longer than a socket's may be, {_MAX_SOCKET_PATH_BYTES} bytes"
        raise refuse("relay.unix_socket", problem, "a shorter path")
    _check_tls(settings.tls, refuse)


def _check_tls(tls: Tls, refuse: Refuse) -> None:
    if (tls.cert is None) != (tls.key is None):
        missing = "tls.key" if tls.key is None else "tls.cert"
        raise refuse(missing, "TLS needs both `tls.cert` and `tls.key`", "a file")
    if tls.cert is None and (tls.client_ca is not None or tls.internal):
        asked = "tls.client_ca" if tls.client_ca is not None else "tls.internal"
        raise refuse(asked, "it needs TLS, and there is no `tls.cert`", "with `tls.cert` and `tls.key`")


def _overlap(host: str, other: str) -> bool:
    """Whether two sockets on these addresses could not both have one port; IPv6 is kept apart from IPv4."""
    one, two = ip_address(host), ip_address(other)
    return one.version == two.version and (one == two or one.is_unspecified or two.is_unspecified)
