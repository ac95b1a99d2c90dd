"""Which relay asks us something, with a signature over what it asks (`upstream-and-operations.md` 4.6).

Known are the relays of `auth.static_relays`, and in mode `managed` those that the upstream knows. Only the former can be `internal`: that is the
operator's own word. Owns the order of the checks, from what costs nothing to what costs most: the upstream is asked for a relay only if its
signature could be good. Keys of other relays are `managed.relay_keys`', signatures `core.signatures`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from scrubjay.core.relays.public_keys import KnownRelay
from scrubjay.core.signatures import Signature, read_signature
from scrubjay.errors import BadSignature
from scrubjay.runtime.gateway.senders import bad_signature, not_known, relay_named, signature_of
from scrubjay.settings.gateway import relays_of
from scrubjay.settings.schema import Settings

_PROVEN_AT_ONCE: Final = 2
"""Some checks take milliseconds, and who has proven nothing yet may not take all threads for them."""


class Keys(Protocol):
    """Who knows of other relays; `runtime.managed.relay_keys` is the real one."""

    async def find(self, relay_ids: Iterable[str]) -> dict[str, KnownRelay | None]: ...


@dataclass(frozen=True, slots=True)
class Request:
    """Whom a request says that it comes from, not proven yet. `is_internal`: one of the operator's own."""

    public_key: bytes
    is_internal: bool
    signature: Signature


class Callers:
    """`keys` None: nobody is known but who is named in the settings."""

    def __init__(self, settings: Settings, keys: Keys | None) -> None:
        self._named = relays_of(settings.auth.static_relays)
        self._keys = keys
        self._max_age_s = settings.auth.signature_max_age
        self._proving = asyncio.Semaphore(_PROVEN_AT_ONCE)

    async def claim(self, headers: Mapping[str, str], now_unix: float) -> Request:
        """Looks at the headers alone, before anything is read. Raises `Denied`, `Unavailable`."""
        relay_id = relay_named(headers)
        named = self._named.get(relay_id)
        if named is None and self._keys is None:
            raise not_known()
        try:
            signature = read_signature(signature_of(headers))
            signature.check_age(now_unix, self._max_age_s)
        except BadSignature as error:
            raise bad_signature(error) from None
        if named is not None:
            return Request(named.public_key, named.is_internal, signature)
        known = (await self.find([relay_id]))[relay_id]
        if known is None:
            raise not_known()
        return Request(known.public_key, False, signature)

    async def prove(self, request: Request, body: bytes) -> None:
        """Raises `Denied` unless the relay signed `body`."""
        async with self._proving:
            if not await asyncio.to_thread(request.signature.is_of, request.public_key, body):
                raise bad_signature(BadSignature("unverifiable"))

    async def find(self, relay_ids: Iterable[str]) -> dict[str, KnownRelay | None]:
        """What is known of these relays, whoever knows it. Raises `Unavailable`."""
        asked = list(relay_ids)
        named = {relay_id: self._named[relay_id] for relay_id in asked if relay_id in self._named}
        rest = [relay_id for relay_id in asked if relay_id not in named]
        found = await self._keys.find(rest) if self._keys is not None and rest else {}
        return {
            relay_id: KnownRelay(named[relay_id].public_key, named[relay_id].is_internal)
            if relay_id in named
            else found.get(relay_id)
            for relay_id in asked
        }

    def __repr__(self) -> str:
        return f"<Callers {len(self._named)} named, {self._keys!r}>"
