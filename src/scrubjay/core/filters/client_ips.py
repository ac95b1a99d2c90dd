"""The address that an item was sent from (`decisions.md` 7.3)."""

from __future__ import annotations

from typing import Final

from scrubjay import reasons
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import ALL, Draft, Predicate, family
from scrubjay.core.networks import compile_networks


def _predicate(draft: Draft) -> Predicate | None:
    entries = draft.texts("blacklistedIps")
    if not entries:
        return None
    contains = compile_networks(entries, draft.problems)

    def matches(facts: Facts) -> bool:
        address = facts.client_ip
        return address is not None and contains(address)

    return matches


CLIENT_IPS: Final = family(
    "clientIps",
    reasons.IP_ADDRESS,
    ALL,
    _predicate,
    form="{blacklistedIps: [address or network, …]}",
    doc="Items sent from these addresses: the first of the forwarded chain, as far as `relay.trusted_proxies` trusts it, else the "
    "peer. Not `user.ip_address`.",
)
