"""What was held raw, as a request again: all that decisions may ask for as it was said then, and how long ago that was.

It was read and counted before, and its facts are our own words: everything is believed.
"""

from __future__ import annotations

from contextlib import suppress

from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import Envelope, parse_envelope, shifted_sent_at
from scrubjay.core.ports import Ingress
from scrubjay.core.reopened import Counted
from scrubjay.runtime.forwarding.shipment import Waiting


def ingress_of_held(waiting: Waiting, counted: Counted, *, now_unix: float, now_mono: float) -> Ingress:
    """`waiting` holds a raw parcel. Decisions are made as of now, as for what waited at a relay before us."""
    parcel = waiting.parcel
    raw = parcel.raw
    assert raw is not None
    waited_s = max(0.0, now_mono - waiting.since_mono)

    def read(body: bytes, auth: Auth | None) -> Envelope:
        envelope = parse_envelope(body)
        if isinstance(sent_at := envelope.headers.get("sent_at"), str):
            with suppress(OverflowError):  # a time at the edge of the calendar stays
                envelope.headers["sent_at"] = shifted_sent_at(sent_at, waited_s)
        return envelope

    return Ingress(
        body=parcel.body,
        read=read,
        auth=Auth(parcel.key, parcel.version, raw.client, raw.no_cache, raw.source),
        path_project=parcel.project_id,
        received_unix=now_unix,
        now_mono=now_mono,
        origin=parcel.origin,
        client_ip=raw.client_ip,
        forwarded_for=parcel.forwarded_for,
        via=parcel.via,
        user_agent=parcel.user_agent,
        client_hints=dict(raw.client_hints),
        waited_s=waited_s,
        relay_id=raw.relay_id,
        signature=raw.signature,
        is_proven=raw.is_proven,
        delivery_id=parcel.id,
        counted=counted,
    )
