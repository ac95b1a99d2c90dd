"""What leaves: the envelope with the facts of its request, packed as a parcel (`ingest.md` 7.3); and what must wait, as it came.

Owns which facts of the HTTP request travel on, under the plan's and the operator's privacy switches. When and how it is sent is
the outbox's and the upstream's.
"""

from __future__ import annotations

from contextlib import suppress

from scrubjay.core.dsn import Auth, client_name
from scrubjay.core.envelope import Envelope
from scrubjay.core.header_rules import shifted_sent_at
from scrubjay.core.hops import extended
from scrubjay.core.ledger import Parcel, Raw, Tally
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.ports import Ingress, Ports

FACTS = ("client", "version", "origin", "remote_addr", "forwarded_for", "user_agent", "client_hints", "no_cache")
"""Envelope headers that say what the HTTP request said; relays hand them on (`ingest.md` 7.3)."""


def pack(tally: Tally, plan: ProjectPlan, auth: Auth, ingress: Ingress, ports: Ports) -> Parcel:
    """The envelope with the facts of its request, ready to wait and to travel."""
    envelope = tally.envelope
    facts = outgoing_facts(envelope.headers, plan, auth, ingress, trusted=ports.trusts_facts)
    forwarded_for, origin, user_agent = (facts.get(name) for name in ("forwarded_for", "origin", "user_agent"))
    assert tally.account.project_id is not None
    facts |= _sent_at(envelope, ingress)
    return Parcel(
        id=ingress.delivery_id or ports.new_id(),
        key=auth.key,
        project_id=tally.account.project_id,
        body=envelope.serialize(facts),
        quantities=tally.kept(),
        received_unix=ingress.received_unix - ingress.waited_s,
        received_mono=ingress.now_mono - ingress.waited_s,
        event_id=envelope.event_id,
        item_types=tuple(sorted({item.shown_type for item in tally.items})),
        revision=plan.revision,
        client=client_name(facts["client"]),
        version=auth.version,
        origin=origin if isinstance(origin, str) else None,
        user_agent=user_agent if isinstance(user_agent, str) else None,
        forwarded_for=forwarded_for if isinstance(forwarded_for, str) else None,
        via=extended(ingress.via, ports.instance) or None,
    )


def pack_raw(tally: Tally, awaits: str, auth: Auth, ingress: Ingress, ports: Ports) -> Parcel:
    """The envelope and all of its request that decisions may ask for, as they came: to wait for the configuration of a key."""
    envelope, project_id = tally.envelope, tally.account.project_id
    assert project_id is not None
    return Parcel(
        id=ingress.delivery_id or ports.new_id(),
        key=auth.key,
        project_id=project_id,
        body=envelope.serialize(_sent_at(envelope, ingress)),
        quantities=tally.kept(),
        received_unix=ingress.received_unix - ingress.waited_s,
        received_mono=ingress.now_mono - ingress.waited_s,
        event_id=envelope.event_id,
        item_types=tuple(sorted({item.shown_type for item in tally.items})),
        revision=tally.account.revision,
        version=auth.version,
        origin=ingress.origin,
        user_agent=ingress.user_agent,
        forwarded_for=ingress.forwarded_for,
        via=ingress.via,
        raw=Raw(
            awaits=awaits,
            source=auth.source,
            client=auth.client,
            client_ip=ingress.client_ip,
            client_hints=ingress.client_hints,
            no_cache=auth.no_cache,
            relay_id=ingress.relay_id,
            signature=ingress.signature,
            is_proven=ingress.is_proven,
        ),
    )


def _sent_at(envelope: Envelope, ingress: Ingress) -> dict[str, object]:
    """Of an envelope that waited at a relay before us: the header was right for now; from here on the whole wait is added again."""
    if ingress.waited_s and isinstance(sent_at := envelope.headers.get("sent_at"), str):
        with suppress(OverflowError):  # a time at the edge of the calendar stays
            return {"sent_at": shifted_sent_at(sent_at, -ingress.waited_s)}
    return {}


def outgoing_facts(
    headers: dict[str, object], plan: ProjectPlan, auth: Auth, ingress: Ingress, *, trusted: bool
) -> dict[str, object]:
    """The eight facts as they go out; None removes one. What a relay before us wrote wins over what HTTP said."""
    origin = ingress.origin
    if origin is not None and plan.scrub is not None:
        origin = origin.split("?", 1)[0].split("#", 1)[0]
    facts: dict[str, object] = {
        "client": auth.client,
        "version": auth.version,
        "origin": origin,
        "remote_addr": ingress.client_ip,
        "forwarded_for": ingress.forwarded_for,
        "user_agent": ingress.user_agent,
        "client_hints": ingress.client_hints or None,
        "no_cache": auth.no_cache or None,
    }
    if trusted:
        for name in FACTS:
            given = headers.get(name)
            if given is not None and not (name == "version" and given == 7):
                facts[name] = given
    if not plan.sends_client_ip:
        facts["remote_addr"] = facts["forwarded_for"] = None
    if not plan.sends_user_agent:
        facts["user_agent"] = facts["client_hints"] = None
    if not plan.sends_origin:
        facts["origin"] = None
    return facts
