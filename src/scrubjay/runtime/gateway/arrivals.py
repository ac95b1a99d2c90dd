"""A record of a batch as a request to the envelope endpoint (`upstream-and-operations.md` 7.3, 8.3).

Owns what of a record's facts is believed. Of a relay whose word is taken: when it received the envelope, from whom, and how far the
client's clock was off. Of any other: what would be taken from a client who said it in headers. Invariant: whatever a record holds,
reading it ends in an `Ingress` or in `Rejected`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from scrubjay import reasons
from scrubjay.core.dsn import Auth, auth_of_relay, normal_origin, parse_project_id
from scrubjay.core.envelope import Envelope, decode_json, parse_envelope
from scrubjay.core.header_rules import normal_uuid
from scrubjay.core.hops import normal_hops
from scrubjay.core.inflate import too_large
from scrubjay.core.ports import Ingress
from scrubjay.core.spool_format import Record
from scrubjay.errors import BadRequest
from scrubjay.runtime.gateway.senders import Sender

_MAX_DRIFT_MS: Final = 1e14
_NAME_BYTES: Final = 16
Chain = Callable[[Mapping[str, str], str | None], str | None]
"""From headers and peer to the chain of addresses (`endpoints.common.chain_reader`)."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all records of a batch have in common. `max_wait_s`: nobody holds an envelope for longer than this."""

    sender: Sender
    peer: str | None
    chain: Chain
    max_envelope_bytes: int
    max_wait_s: float

    @property
    def whose(self) -> str:
        """Whose names the names in the batch are: the relay's, and of one that is not known those of where it is."""
        return self.sender.id or self.peer or ""


def facts_of(record: Record) -> dict[str, object]:
    """Raises `BadRequest` for what is no object."""
    try:
        facts = decode_json(record.meta)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise _bad("its facts are no JSON object")
    return facts


def delivery_of(facts: Mapping[str, object]) -> bytes | None:
    """The name that the relay gave to the delivery; None where there is none to be known by."""
    try:
        return bytes.fromhex(normal_uuid(facts.get("d")))
    except ValueError:
        return None


def own_name(delivery: bytes | None, whose: str) -> bytes | None:
    """By which a delivery is known here and further on. Who uses the names of another relay's deliveries cannot pass for it."""
    return None if delivery is None else blake2b(delivery + whose.encode(), digest_size=_NAME_BYTES).digest()


def ingress_of(
    facts: Mapping[str, object], body: bytes, around: Surroundings, *, now_unix: float, now_mono: float
) -> Ingress:
    """Raises `BadRequest`, `TooLarge`."""
    if len(body) > around.max_envelope_bytes:
        raise too_large(around.max_envelope_bytes)
    key, project = facts.get("k"), facts.get("p")
    if not isinstance(key, str) or not isinstance(project, str) or not project:
        raise _bad("it has no key or no project")
    given = facts.get("h")
    headers: dict[str, object] = given if isinstance(given, dict) else {}
    origin = normal_origin(_text(headers, "origin"))
    xff = _text(headers, "xff")
    delivery = own_name(delivery_of(facts), around.whose)
    if around.sender.is_internal:
        waited_s = _waited_s(facts.get("r"), now_unix, around.max_wait_s)
        drift_s = _seconds(facts.get("t"))
        client_ip, forwarded_for = None, xff
        told = {"origin": origin}
    else:
        waited_s, drift_s = 0.0, None
        client_ip, forwarded_for = (
            around.peer,
            around.chain({} if xff is None else {"X-Forwarded-For": xff}, around.peer),
        )
        told = {"origin": origin, "forwarded_for": forwarded_for}

    def read(body: bytes, auth: Auth | None) -> Envelope:
        envelope = parse_envelope(body)
        _correct(envelope.headers, told)
        if drift_s is not None:
            with suppress(OverflowError, ValueError):  # a clock that is off by millennia
                moment = datetime.fromtimestamp(now_unix - drift_s, UTC)
                envelope.headers["sent_at"] = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return envelope

    return Ingress(
        body=body,
        read=read,
        auth=auth_of_relay(key, headers.get("v"), headers.get("client")),
        path_project=parse_project_id(project),
        received_unix=now_unix,
        now_mono=now_mono,
        origin=origin,
        client_ip=client_ip,
        forwarded_for=forwarded_for,
        via=normal_hops(_text(headers, "via")),
        user_agent=_text(headers, "ua"),
        waited_s=waited_s,
        relay_id=around.sender.id or None,
        is_proven=bool(around.sender.id),
        delivery_id=None if delivery is None else delivery.hex(),
    )


def _correct(headers: dict[str, object], told: Mapping[str, str | None]) -> None:
    """Facts that stand in the record and in the envelope: what the record tells counts, or rather what we made of it."""
    for name, value in told.items():
        if name in headers:
            if value is None:
                del headers[name]
            else:
                headers[name] = value


def _waited_s(received_ms: object, now_unix: float, max_wait_s: float) -> float:
    """How long the relay had it. A time that cannot be, since some clock was wrong, says nothing."""
    received_s = _seconds(received_ms)
    waited_s = 0.0 if received_s is None else now_unix - received_s
    return waited_s if 0 < waited_s <= max_wait_s else 0.0


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_MAX_DRIFT_MS < value < _MAX_DRIFT_MS:
        return None
    return value / 1000


def _text(headers: Mapping[str, object], name: str) -> str | None:
    """What of a text can stand in a header."""
    value = headers.get(name)
    if not isinstance(value, str):
        return None
    if not value.isprintable():
        value = "".join(character for character in value if character.isprintable())
    return value.strip() or None


def _bad(cause: str) -> BadRequest:
    return BadRequest(reasons.INVALID_BODY, "a record cannot be used", cause)
