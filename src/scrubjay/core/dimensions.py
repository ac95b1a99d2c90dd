"""By what quotas tell items apart: the values of `groupBy`, hashed (`decisions.md` 2.1, 9.1).

Owns the names of dimensions and where each type of items has them; reading fields is `subjects`' business. A value never leaves
this module: counters are told apart by a hash. Nothing here raises: what cannot be read has no values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from scrubjay.core.quotas import Grouping
from scrubjay.core.sampling.documents import exceptions_of
from scrubjay.core.sampling.fingerprint import fingerprint_of_event, fingerprint_of_log
from scrubjay.core.subjects import Fields

REFERENCE_DIMENSIONS: Final = frozenset({"checkInSlug", "checkInEnvironment"})
_OWN: Final = frozenset({"release", "environment", "transaction", "level", "fingerprint", "clientIp"})
_TAG: Final = "tag:"

_IN_ATTRIBUTES: Final = {
    "release": "sentry.release",
    "environment": "sentry.environment",
    "transaction": "sentry.segment.name",
}
"""Attributes of records that say what events say in members of their own."""
_IN_CHECK_INS: Final = {
    "checkInSlug": "monitor_slug",
    "checkInEnvironment": "environment",
    "environment": "environment",
}
_HASH_BYTES: Final = 16


def is_dimension(name: str) -> bool:
    return name in REFERENCE_DIMENSIONS or name in _OWN or (name.startswith(_TAG) and len(name) > len(_TAG))


@dataclass(frozen=True, slots=True)
class Counted:
    """What a quota looks at: an item, or a record of one that is a container. `groups` are those that were asked for."""

    item_type: str
    fields: Fields
    is_record: bool = False
    groups: dict[tuple[str, ...], tuple[str, bool]] = field(default_factory=dict)


def group_of(grouping: Grouping, counted: Counted) -> str | None:
    """Tells combinations of values apart. None: the quota is not about what lacks one of them, and this does."""
    found = counted.groups.get(grouping.dimensions)
    if found is None:
        found = counted.groups[grouping.dimensions] = _group(grouping.dimensions, counted)
    group, is_whole = found
    return group if is_whole or not grouping.needs_all else None


def _group(dimensions: Sequence[str], counted: Counted) -> tuple[str, bool]:
    """The hash of the values, and whether none of them is missing."""
    values = [_value(name, counted) for name in dimensions]
    parts = [(value or "").encode("utf-8", "surrogatepass") for value in values]
    text = b"".join([b"%d:%b" % (len(part), part) for part in parts])
    return blake2b(text, digest_size=_HASH_BYTES).hexdigest(), None not in values


def _value(name: str, counted: Counted) -> str | None:
    fields = counted.fields
    if name == "clientIp":
        return _field(fields, "envelope.client_ip")
    if counted.item_type == "check_in":
        member = _IN_CHECK_INS.get(name)
        return None if member is None else fields.document.text(member)
    if name == "fingerprint":
        return _fingerprint(counted)
    if counted.is_record:
        return _of_record(name, counted)
    if name.startswith(_TAG):
        bag = "span.tags" if counted.item_type == "span" else "event.tags"
        return _field(fields, f"{bag}.{name.removeprefix(_TAG)}")
    return _field(fields, f"event.{name}")


def _of_record(name: str, counted: Counted) -> str | None:
    if name == "level":
        return _field(counted.fields, f"{counted.item_type}.level")
    attribute = name.removeprefix(_TAG) if name.startswith(_TAG) else _IN_ATTRIBUTES.get(name)
    if attribute is None:
        return None
    return _field(counted.fields, f"{counted.item_type}.attributes.{attribute}.value")


def _fingerprint(counted: Counted) -> str | None:
    """Of what groups into issues, and of logs, whose message does."""
    members = counted.fields.document.members
    if counted.item_type in ("event", "feedback"):
        return fingerprint_of_event(members, exceptions_of(members) or ())
    return fingerprint_of_log(members) if counted.item_type == "log" else None


def _field(fields: Fields, name: str) -> str | None:
    value = fields.value(name)
    return None if value is None else str(value)
