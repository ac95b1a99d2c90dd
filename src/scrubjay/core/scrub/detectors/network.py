"""IP addresses that an address parser accepts, whole (scrubbing.md 15.4, gap G2). How they are found is `addresses.py`.

A rule may leave addresses of private networks or of the machine itself, and may write the network in place of the address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from scrubjay.core.scrub.addresses import find_addresses, parse
from scrubjay.core.scrub.detector import RAW_IPV6, Detector

IP_STRICT = Detector(
    name="ip_strict",
    family="ip_strict",
    replacement="[ip]",
    takes="IPv4 and IPv6 addresses, zone and embedded IPv4 included",
    verifies=(
        "an address from the first character to the last; `keepPrivate`, "
        "`keepLoopback` leave such addresses, `truncate` writes the /24 or /48"
    ),
    screen=(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", *RAW_IPV6, r"(?::[0-9a-f]{1,4}){4}:"),
    find=find_addresses,
    examples=(
        "192.0.2.44",
        "2001:db8::1",
        "fe80::1%eth0 up",
        "::ffff:192.0.2.1",
        "[2001:db8::1]:443",
        "1:2:3:4:5:6:7:8",
    ),
    counterexamples=("256.0.2.1", "1.2.3", "std::string", "12:34:56", "v1.2.3.4"),
)
# RFC 1918, RFC 3927, RFC 4193, RFC 4291; others that are not routed, such as those of documentation, tell where something is.
_PRIVATE: Final = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    )
)
# Bits of the network that are kept of a truncated address, by version.
_KEPT_BITS: Final = {4: 24, 6: 48}


def with_switches(switches: AbstractSet[str]) -> Detector:
    """The detector that leaves what `keepPrivate` and `keepLoopback` say."""

    def is_left(text: bytes) -> bool:
        address = parse(text)
        assert address is not None  # `find_addresses` promises
        if address.is_loopback:
            return "keepLoopback" in switches
        return "keepPrivate" in switches and any(address in network for network in _PRIVATE)

    def find(text: bytes) -> Sequence[list[tuple[int, int]]]:
        return [spans for spans in find_addresses(text) if not is_left(text[slice(*spans[0])])]

    return replace(IP_STRICT, find=find) if switches & {"keepPrivate", "keepLoopback"} else IP_STRICT


def truncated(text: bytes) -> bytes:
    """The first address of the /24 or /48 that an address is in."""
    address = parse(text)
    assert address is not None
    bits = _KEPT_BITS[address.version]
    bare = str(address).partition("%")[0]
    return str(ipaddress.ip_network(f"{bare}/{bits}", strict=False).network_address).encode()
