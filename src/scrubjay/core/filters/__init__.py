"""Inbound filters: what a project never wants to see (`decisions.md` 7). The registry, in the order in which they are asked (7.1)."""

from __future__ import annotations

from typing import Final

from scrubjay.core.filters.browsers import LEGACY_BROWSERS
from scrubjay.core.filters.client_ips import CLIENT_IPS
from scrubjay.core.filters.crawlers import WEB_CRAWLERS
from scrubjay.core.filters.csp import CSP
from scrubjay.core.filters.extensions import BROWSER_EXTENSIONS
from scrubjay.core.filters.family import Family
from scrubjay.core.filters.generic import GENERIC
from scrubjay.core.filters.localhost import LOCALHOST
from scrubjay.core.filters.messages import ERROR_MESSAGES
from scrubjay.core.filters.own import OWN
from scrubjay.core.filters.releases import RELEASES
from scrubjay.core.filters.transactions import IGNORE_TRANSACTIONS

FAMILIES: Final[tuple[Family, ...]] = (
    GENERIC,
    CSP,
    CLIENT_IPS,
    RELEASES,
    ERROR_MESSAGES,
    LOCALHOST,
    BROWSER_EXTENSIONS,
    LEGACY_BROWSERS,
    WEB_CRAWLERS,
    IGNORE_TRANSACTIONS,
    OWN,
)
