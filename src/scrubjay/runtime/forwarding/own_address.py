"""Whether a way leads back to ourselves: the upstream's name resolves to the address that is listened on (2.6).

Only what this host can know: behind a balancer or a proxy a ring shows in `X-Scrubjay-Via` (`core.hops`).
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv6Address, ip_address
from typing import Final

from scrubjay.runtime.forwarding.origin import Origin
from scrubjay.runtime.forwarding.resolving import AddressInfo, Resolver

_LOOPBACK: Final = {4: ip_address("127.0.0.1"), 6: ip_address("::1")}
"""Where a connection to no address in particular ends."""
_PATIENCE_S: Final = 1.0
"""A name service that is away delays no start."""


async def leads_here(origin: Origin, host: str, port: int, resolver: Resolver) -> bool:
    """`host` and `port` are what is listened on. False if nobody can tell."""
    if origin.port != port:
        return False
    try:
        async with asyncio.timeout(_PATIENCE_S):
            addresses = await resolver.addresses(origin.host, origin.port)
    except OSError:  # TimeoutError is one
        return False
    return any(_is_ours(info, host) for info in addresses)


def _is_ours(info: AddressInfo, host: str) -> bool:
    family, *_, place = info
    address, listening = ip_address(str(place[0]).partition("%")[0]), ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if mapped is not None:  # the same as IPv4
        family, address, place = socket.AF_INET, mapped, (str(mapped), 0)
    if not listening.is_unspecified:
        return listening == (_LOOPBACK[address.version] if address.is_unspecified else address)
    return address.version <= listening.version and _is_of_this_host(family, (place[0], 0, *place[2:]))


def _is_of_this_host(family: int, place: tuple[str | int, ...]) -> bool:
    """Nobody but its owner may bind an address."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(place)
        except OSError:
            return False
    return True
