"""Whether a relay that is trusted vouches for an envelope, where a project demands it (`upstream-and-operations.md` 4.6).

Owns whose signature counts: that of any key which the project trusts, and that of a relay of `auth.static_relays` that is `internal`. A
name alone counts for nothing. How signatures work is `core.signatures`'s; which projects demand one, `core.plan`'s. Invariant: what anybody
can show costs a bounded number of checks, and of those that take milliseconds a few.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from scrubjay.core.signatures import Signature, read_signature
from scrubjay.errors import BadSignature
from scrubjay.settings.gateway import StaticRelay
from scrubjay.settings.keys import BadKey, read_public_key, read_relay_id
from scrubjay.settings.project import ProjectOptions

MAX_SIGNERS: Final = 64
"""Keys of a project whose signatures count; each may have to be tried for each envelope."""
_MAX_SLOW: Final = 4
"""Keys that are tried for a signature over a hash: such a check takes so much time that nobody may ask for many."""


def signers_of(options: ProjectOptions) -> tuple[bytes, ...] | None:
    """The keys whose signature a project demands; None if it demands none. A text that is no key is nobody's."""
    if options.trusted_relay_settings.verify_signature != "enabled":
        return None
    keys = []
    for text in options.trusted_relays[:MAX_SIGNERS]:
        with suppress(BadKey):
            keys.append(read_public_key(text))
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class Voucher:
    """What a request shows of the relay that sent it. `is_proven`: it has shown already that it is this relay, as for a batch."""

    relay_id: str | None
    signature: str | None
    is_proven: bool = False

    @property
    def is_missing(self) -> bool:
        return self.signature is None and not self.is_proven


@dataclass(frozen=True, slots=True)
class Vouchers:
    """The relays that the operator named, by id, and how old a signature may be."""

    relays: Mapping[str, StaticRelay] = field(default_factory=dict)
    max_age_s: float = 300.0

    def accepts(self, voucher: Voucher, trusted: tuple[bytes, ...], at_unix: float) -> bool:
        """Whether it is good for a project that trusts these keys, for what came at `at_unix`. Envelopes are signed over nothing."""
        relay = self._named(voucher.relay_id)
        if voucher.is_proven:
            return relay is not None and (relay.is_internal or relay.public_key in trusted)
        try:
            shown = read_signature(voucher.signature or "")
            shown.check_age(at_unix, self.max_age_s)
        except BadSignature:
            return False
        keys = (relay.public_key, *trusted) if relay is not None and relay.is_internal else trusted
        return any(_made(shown, key) for key in keys[: _MAX_SLOW if shown.is_prehashed else None])

    def _named(self, relay_id: str | None) -> StaticRelay | None:
        if relay_id is None or not self.relays:
            return None
        try:
            return self.relays.get(read_relay_id(relay_id))
        except BadKey:
            return None


@lru_cache(maxsize=1024)
def _made(shown: Signature, key: bytes) -> bool:
    """A relay signs once for all that it sends within a second."""
    return shown.is_of(key, b"")
