"""Addresses and networks: lists that users write, and the address of a client (`decisions.md` 6.1, 7.3).

An entry may have host bits (`10.1.2.3/8` is `10.0.0.0/8`). IPv4 and IPv4 written as IPv6 are different addresses. However long a list,
an address is looked up once per length of prefix that occurs in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address


def compile_networks(entries: Iterable[str], problems: list[str] | None = None) -> Callable[[Address], bool]:
    """A predicate: is the address in any of these networks? Entries that are none are skipped, and named in `problems`."""
    by_prefix: dict[tuple[int, int], set[int]] = {}
    for entry in entries:
        try:
            network = ip_network(entry, strict=False)
        except ValueError:
            if problems is not None:
                problems.append(f"{entry[:80]!r} is no address and no network; it is skipped")
            continue
        shift = network.max_prefixlen - network.prefixlen
        by_prefix.setdefault((network.version, shift), set()).add(int(network.network_address) >> shift)
    tables = tuple((version, shift, frozenset(starts)) for (version, shift), starts in by_prefix.items())

    def contains(address: Address) -> bool:
        number, its_version = int(address), address.version
        return any(version == its_version and number >> shift in starts for version, shift, starts in tables)

    return contains


def parse_address(text: str) -> Address | None:
    """The address that a text holds, if it holds one."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def first_address(chain: str | None) -> Address | None:
    """The client's address: the first of a chain as proxies write it, whose last is the peer itself."""
    return None if chain is None else parse_address(chain.partition(",")[0].strip())
