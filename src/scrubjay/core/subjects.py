"""What conditions see of an item: fields by name, read when asked for (`decisions.md` 6.3).

One subject per item, kept on the item, so that filters, sampling and quotas parse a document once.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

from msgspec import Raw

from scrubjay.core.conditions import Subject
from scrubjay.core.envelope import Item


def subject_of(item: Item, client_ip: IPv4Address | IPv6Address | None = None) -> Subject:
    """The item as conditions see it. Of a container it has no fields but the client's address: ask its records."""
    raise NotImplementedError


def subject_of_record(item_type: str, record: Raw, client_ip: IPv4Address | IPv6Address | None = None) -> Subject:
    """A record of a container of logs, spans or trace metrics; an update or aggregate of a session item."""
    raise NotImplementedError


def subject_of_trace(context: Mapping[str, object]) -> Subject:
    """A dynamic sampling context."""
    raise NotImplementedError
