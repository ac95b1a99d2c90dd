"""What the client is told of limits (`decisions.md` 3.5): of those that took something, and ahead of time of those in force."""

from __future__ import annotations

from typing import Final

from scrubjay.categories import DataCategory
from scrubjay.core.envelope import Envelope
from scrubjay.core.limits import ActiveLimit, Scoping, format_rate_limits
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.ports import Ingress, Ports, Verdict

_ATTACHMENTS: Final = (DataCategory.ATTACHMENT, DataCategory.ATTACHMENT_ITEM)
MAX_ADVERTISED: Final = 20
"""Limits named in a 200."""


def verdict(
    envelope: Envelope,
    limits: tuple[ActiveLimit, ...],
    plan: ProjectPlan,
    scoping: Scoping,
    ingress: Ingress,
    ports: Ports,
) -> Verdict:
    """429 if a limit took or touched anything, even if the rest was kept: SDKs learn limits so (`decisions.md` 3.5)."""
    if ingress.hides_limits:
        return Verdict(200, envelope.event_id)
    told = format_rate_limits(limits, ingress.now_mono)
    if told is not None:
        return Verdict(429, envelope.event_id, *told)
    if ports.bounds.advertise_on_200:
        known = ports.limits.active(scoping, ingress.now_mono)
        known += plan.quotas.zero_limits(scoping, ingress.now_mono, most=MAX_ADVERTISED)
        if any(item.headers.get("rate_limited") is True for item in envelope.items):
            # A crash report that was taken as an event only: the next one must come too (`decisions.md` 2.6).
            known = tuple(one for one in known if not any(map(one.takes, _ATTACHMENTS)))
        told = format_rate_limits(known, ingress.now_mono, most=MAX_ADVERTISED) if known else None
    return Verdict(200, envelope.event_id, None, told[1] if told else None)
