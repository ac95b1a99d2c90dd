"""Who sent it: the signature of one relay, made and checked (`upstream-and-operations.md` 4.2, 4.3).

Bytes and times in, texts and `BadSignature` out. Which relays are known, and what a signature entitles to, is decided by those who
ask; keys as text are `settings.keys`'s. Invariants: the signature is checked before the time, over the header bytes as they came;
nothing but `BadSignature` is raised, whatever is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from scrubjay.core import ed25519ph
from scrubjay.core.envelope import decode_json
from scrubjay.core.header_rules import parse_time
from scrubjay.errors import BadSignature
from scrubjay.settings.keys import BadKey, decode, encode, read_secret_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ID_HEADER: Final = "X-Sentry-Relay-Id"
SIGNATURE_HEADER: Final = "X-Sentry-Relay-Signature"

MAX_AHEAD_S: Final = 15.0
"""How far the sender's clock may be ahead of ours."""
_SIGNATURE_BYTES: Final = 64
_MAX_TEXT: Final = 4096
"""A header with what anybody may add to it; longer ones have no honest use."""
_KEPT_S: Final = 1.0
"""How long a signature over nothing is used again: within it the time in it is right to the second."""


def sign(secret_key: str, data: bytes, now_unix: float) -> str:
    """The value of `X-Sentry-Relay-Signature` for `data`. `secret_key`: text, as in the credentials."""
    moment = datetime.fromtimestamp(now_unix, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    header = b'{"t":"%b"}' % moment.encode()
    return f"{encode(_key(secret_key).sign(header + bytes(1) + data))}.{encode(header)}"


def verify(public_key: bytes, signature: str, data: bytes, *, now_unix: float, max_age_s: float) -> None:
    """Returns if the holder of `public_key` (32 bytes) signed `data` not long ago. Raises `BadSignature`."""
    shown = read_signature(signature)
    if not shown.is_of(public_key, data):
        raise BadSignature("unverifiable")
    shown.check_age(now_unix, max_age_s)


@dataclass(frozen=True, slots=True)
class Signature:
    """One that was shown, taken apart. `is_prehashed`: over a hash, which takes milliseconds to check (`ed25519ph`)."""

    signed: bytes
    header: bytes
    moment_unix: float
    is_prehashed: bool

    def is_of(self, public_key: bytes, data: bytes) -> bool:
        """Whether the holder of `public_key` (32 bytes) made it for `data`."""
        check = ed25519ph.verify if self.is_prehashed else _verify_plain
        return check(public_key, self.signed, self.header + bytes(1) + data)

    def check_age(self, now_unix: float, max_age_s: float) -> None:
        """Raises `BadSignature`."""
        if now_unix - self.moment_unix > max_age_s:
            raise BadSignature("too old")
        if self.moment_unix - now_unix > MAX_AHEAD_S:
            raise BadSignature("too new")


def read_signature(text: str) -> Signature:
    """What the header holds. Raises `BadSignature` for what is none, whoever may have made it."""
    first, dot, second = text.partition(".")
    if not dot or len(text) > _MAX_TEXT:
        raise BadSignature("invalid")
    try:
        signed, header = decode(first), decode(second)
        moment_unix, is_prehashed = _read(header)
    except (BadKey, ValueError):
        raise BadSignature("invalid") from None
    if len(signed) != _SIGNATURE_BYTES:
        raise BadSignature("invalid")
    return Signature(signed, header, moment_unix, is_prehashed)


@dataclass(slots=True)
class Signer:
    """One relay's identity. Envelopes are signed over nothing (6.1), so that one signature serves for all of a second."""

    relay_id: str
    secret_key: str
    _until_unix: float = 0.0
    _from_unix: float = 0.0
    _lines: str = ""

    def become(self, relay_id: str, secret_key: str) -> None:
        """Another identity from now on."""
        self.relay_id, self.secret_key = relay_id, secret_key
        self._until_unix = self._from_unix

    def lines(self, data: bytes, now_unix: float) -> str:
        """The two header lines of a request whose signed part is `data`, each with its end."""
        return f"{ID_HEADER}: {self.relay_id}\r\n{SIGNATURE_HEADER}: {sign(self.secret_key, data, now_unix)}\r\n"

    def envelope_lines(self, now_unix: float) -> str:
        """The same for an envelope."""
        if not self._from_unix <= now_unix < self._until_unix:
            self._from_unix, self._until_unix = now_unix, now_unix + _KEPT_S
            self._lines = self.lines(b"", now_unix)
        return self._lines

    def __repr__(self) -> str:
        return f"<Signer {self.relay_id}>"


@lru_cache(maxsize=4)
def _key(secret_key: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - slow to import

    return Ed25519PrivateKey.from_private_bytes(read_secret_key(secret_key))


def _read(header: bytes) -> tuple[float, bool]:
    """When it was signed, and whether over a hash. Raises `ValueError`."""
    fields = decode_json(header)
    if not isinstance(fields, dict):
        raise ValueError("no object")
    variant = fields.get("a")
    if variant not in (None, "v0", "v1"):
        raise ValueError("unknown variant")
    return parse_time(fields.get("t")).timestamp(), variant == "v1"


def _verify_plain(public_key: bytes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - slow to import
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
