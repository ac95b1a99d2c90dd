"""The relays that an envelope came through, as `X-Scrubjay-Via` names them: whoever finds itself among them stands in a loop (6.1).

A name is random and tells nothing but that it is the same instance again.
"""

from __future__ import annotations

from typing import Final

HEADER: Final = "X-Scrubjay-Via"
_MAX_HOPS: Final = 8
_MAX_NAME: Final = 64
"""Longer ones are no relay's. Cutting the whole at some length instead would let a client push our own name out of it."""


def normal_hops(value: str | None) -> str | None:
    """The header's names, one comma and one space between two; None if there are none."""
    if not value:
        return None
    return ", ".join([hop for part in value.split(",") if _is_name(hop := part.strip())][:_MAX_HOPS]) or None


def _is_name(hop: str) -> bool:
    return 0 < len(hop) <= _MAX_NAME and hop.isascii() and hop.isprintable()


def comes_round(hops: str, own: str) -> bool:
    """Whether it was here before, or has come further than any chain of relays is long."""
    names = hops.split(", ")
    return own in names or len(names) >= _MAX_HOPS


def extended(hops: str | None, own: str) -> str:
    """With our own name, if we have one, behind theirs."""
    return f"{hops}, {own}" if hops and own else hops or own
