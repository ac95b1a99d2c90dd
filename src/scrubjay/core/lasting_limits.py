"""Limits that the server named, as they outlive a process (`decisions.md` 3.3).

Owns their form on disk: plain data that ends by the wall clock, since the monotonic one begins anew. Files are `runtime.limits_file`'s.
Refusals of our own quotas are left out: their counters and their configuration may be others after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from scrubjay.categories import DataCategory
from scrubjay.core.limits import KEY, ORGANIZATION, PROJECT, UPSTREAM, ActiveLimit, LimitTable

LEAST_LEFT_S: Final = 30
"""What ends sooner is learnt again sooner."""


class LastingLimit(msgspec.Struct, frozen=True, omit_defaults=True):
    """`owner` is a key, or the id of a project or organisation; `binds` says which of them."""

    binds: str
    owner: str | int
    scope: str
    until_unix: int
    categories: tuple[str, ...] = ()
    reason: str | None = None
    namespaces: tuple[str, ...] = ()


_DECODER: Final = msgspec.json.Decoder(list[LastingLimit])


def encode_limits(table: LimitTable, *, now_mono: float, now_unix: float) -> bytes:
    """What is worth keeping of a table; equal content as long as nothing was learnt and nothing has ended."""
    lasting = [
        LastingLimit(
            binds,
            owner,
            limit.scope,
            round(now_unix + limit.until_mono - now_mono),
            tuple(category.wire for category in sorted(limit.categories)),
            limit.reason,
            tuple(sorted(limit.namespaces)),
        )
        for (binds, owner), limit in table.entries()
        if limit.origin == UPSTREAM and limit.until_mono - now_mono > LEAST_LEFT_S
    ]
    return msgspec.json.encode(lasting)


def adopt_limits(data: bytes, table: LimitTable, *, now_mono: float, now_unix: float, cap_s: float) -> int:
    """Puts kept limits in force that have not ended, none for longer than `cap_s`. Returns how many there were; 0 for other data."""
    try:
        lasting = _DECODER.decode(data)
    except msgspec.DecodeError:
        return 0
    return sum(1 for one in lasting if _adopt(one, table, now_mono, one.until_unix - now_unix, cap_s))


def _adopt(one: LastingLimit, table: LimitTable, now_mono: float, left_s: float, cap_s: float) -> bool:
    is_owner = isinstance(one.owner, str) if one.binds == KEY else one.binds in (PROJECT, ORGANIZATION)
    if left_s <= 0 or not is_owner:
        return False
    limit = ActiveLimit(
        one.scope,
        _categories(one.categories),
        now_mono + min(left_s, cap_s),
        one.reason,
        namespaces=frozenset(one.namespaces),
    )
    table.adopt((one.binds, one.owner), limit, now_mono)
    return True


def _categories(names: Iterable[str]) -> frozenset[DataCategory]:
    return frozenset(DataCategory.parse(name) for name in names)
