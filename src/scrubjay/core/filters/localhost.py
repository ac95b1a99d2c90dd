"""What comes from a developer's own machine (`decisions.md` 7.4)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from scrubjay import reasons
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import VISITS, Draft, Predicate, family

_ADDRESSES: Final = frozenset({"127.0.0.1", "::1"})
_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_SUBDOMAINS: Final = (".127.0.0.1", ".localhost")


def _predicate(draft: Draft) -> Predicate | None:
    return _is_local if draft.is_enabled() else None


def _is_local(facts: Facts) -> bool:
    if facts.address() in _ADDRESSES:
        return True
    url = facts.url()
    if url is not None and _is_local_url(url):
        return True
    return any(host.partition(":")[0] in _HOSTS for host in facts.hosts())


def _is_local_url(url: str) -> bool:
    lowered = url.lower()
    if not ("localhost" in lowered or "127.0.0.1" in lowered or "file:" in lowered):
        return False
    try:
        parts = urlsplit(lowered)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme == "file" or (host is not None and (host in _HOSTS or host.endswith(_SUBDOMAINS)))


LOCALHOST: Final = family(
    "localhost",
    reasons.LOCALHOST,
    VISITS,
    _predicate,
    form="{isEnabled}",
    doc="`user.ip_address` is `127.0.0.1` or `::1`, the page is a file or of `localhost`, `127.0.0.1` or below them, or the recorded "
    "request was sent to one of them.",
)
