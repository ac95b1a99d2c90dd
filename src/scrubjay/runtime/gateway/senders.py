"""Which relay sent a request, and what that entitles it to (`upstream-and-operations.md` 4.2, 4.6, 8.3).

Known are the relays of `auth.static_relays`. A name alone counts for nothing: whoever says that it is one of them has to prove it by
its signature. How signatures work is `core.signatures`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay import reasons
from scrubjay.core.signatures import ID_HEADER, SIGNATURE_HEADER, verify
from scrubjay.errors import BadSignature, Denied
from scrubjay.settings.gateway import StaticRelay, relays_of
from scrubjay.settings.keys import BadKey, read_relay_id
from scrubjay.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent it. `id` is empty for one that is not known; `is_internal`: its word is believed."""

    id: str = ""
    is_internal: bool = False


ANYBODY: Final = Sender()


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom a request says that it comes from, not proven yet; no relay: it does not say."""

    relay: StaticRelay | None
    signature: str = ""


class Senders:
    """Those who may send, under these settings."""

    def __init__(self, settings: Settings, *, requires_auth: bool | None = None) -> None:
        """`requires_auth`: whether anybody else may send too, as it is for batches unless it is said here."""
        self._relays = relays_of(settings.auth.static_relays)
        self._requires_auth = settings.gateway.batch_require_auth if requires_auth is None else requires_auth
        self._max_age_s = settings.auth.signature_max_age

    @property
    def are_any(self) -> bool:
        """Whether anybody at all could be let in."""
        return bool(self._relays) or not self._requires_auth

    @property
    def need_proof(self) -> bool:
        return self._requires_auth

    def claim(self, headers: Mapping[str, str]) -> Claim:
        """Looks at the headers alone, before anything is read. Raises `Denied` for what could never be proven."""
        try:
            relay = self._relays.get(relay_named(headers))
            if relay is None:
                raise not_known()
        except Denied:
            if self._requires_auth:
                raise
            return Claim(None)
        return Claim(relay, signature_of(headers))

    def prove(self, claim: Claim, data: bytes, now_unix: float) -> Sender:
        """Raises `Denied` unless the claim holds for `data`."""
        relay = claim.relay
        if relay is None:
            return ANYBODY
        try:
            verify(relay.public_key, claim.signature, data, now_unix=now_unix, max_age_s=self._max_age_s)
        except BadSignature as error:
            raise bad_signature(error) from None
        return Sender(relay.id, relay.is_internal)

    def __repr__(self) -> str:
        return f"<Senders {len(self._relays)} known>"


def takes_batches(settings: Settings) -> bool:
    """Whether anybody could send a batch that is taken."""
    return settings.gateway.batch_enabled and Senders(settings).are_any


def relay_named(headers: Mapping[str, str]) -> str:
    """The id of the relay that the headers name. Raises `Denied`."""
    identity = headers.get(ID_HEADER)
    if identity is None:
        raise _denied("no relay id in the headers")
    try:
        return read_relay_id(identity)
    except BadKey:
        raise _denied("the relay id is malformed") from None


def signature_of(headers: Mapping[str, str]) -> str:
    """Raises `Denied`."""
    signature = headers.get(SIGNATURE_HEADER)
    if signature is None:
        raise _denied("no signature in the headers")
    return signature


def not_known() -> Denied:
    return _denied("the relay id is not known here")


def bad_signature(error: BadSignature) -> Denied:
    return _denied(f"bad signature: {error}")


def _denied(detail: str) -> Denied:
    return Denied(reasons.RELAY_AUTH, detail)
