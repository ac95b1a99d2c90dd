"""Pseudonyms: names that are always the same for a value, which nobody without the key can trace back (scrubbing.md 15.3).

Owns the keys and their rotation, what is put under the HMAC, and the form of the name. Which text gets one is for the rules; reading
a key's file or variable is the settings' business. Project and day change from item to item while programs are shared, so whoever
scrubs says them with `occasion`; a name that needs what nobody said is refused, never made without it.

Invariants: no key is ever part of a text form or an error; a key is none of `piiConfig`'s members; equal values under equal key,
family and scope give equal names.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import Final, Literal, NamedTuple

from scrubjay.errors import ConfigError, Unscrubbable
from scrubjay.settings.scrub import Scrub
from scrubjay.settings.setting import Secret

Scope = Literal["deployment", "project", "day"]
SCOPES: Final[tuple[Scope, ...]] = ("deployment", "project", "day")
LENGTHS: Final = range(10, 53)
KEY_BYTES: Final = 32
_LEAST_DISTINCT: Final = 8
"""Bytes that differ in a key; a random one practically never has fewer, a row of zeros or of one letter always."""

_HEX: Final = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,16}", re.ASCII)
_ID_MARK: Final = "{key}"


@dataclass(frozen=True, slots=True)
class Form:
    """How a rule wants its pseudonyms. `{key}` in the prefix stands for the id of the key."""

    prefix: str = ""
    length: int = 16
    scope: Scope = "deployment"


USUAL_FORM: Final = Form()
HASH_FORM: Final = Form(length=40)
"""What `hash` becomes where it is to be keyed (gap G16)."""


@dataclass(frozen=True, slots=True)
class Key:
    """`id` may be shown, and stands in the audit log."""

    id: str
    secret: bytes = field(repr=False)


class Occasion(NamedTuple):
    """When and for whom is scrubbed. `day`: the date in UTC as `2026-11-22`."""

    project_id: int
    day: str


@dataclass(frozen=True, slots=True)
class Keyring:
    """The key in force, and during a rotation the one that takes over at the beginning of the day `since`."""

    current: Key
    following: Key | None = None
    since: str = ""

    def on(self, day: str) -> Key:
        """The key in force on a day, by its date in UTC."""
        return self.following if self.following is not None and day >= self.since else self.current


_OCCASION: Final[ContextVar[Occasion | None]] = ContextVar("occasion", default=None)


@contextmanager
def occasion(project_id: int, day: str) -> Iterator[None]:
    """What is scrubbed inside, in threads that inherit the context too, is scrubbed for this project on this day."""
    token = _OCCASION.set(Occasion(project_id, day))
    try:
        yield
    finally:
        _OCCASION.reset(token)


def utc_day(unix: float) -> str:
    """The date in UTC, as `2026-11-22`."""
    return datetime.fromtimestamp(unix, UTC).date().isoformat()


def read_keys(options: Scrub) -> Keyring | None:
    """The keys that the settings give; None without any. Raises ConfigError, which never shows one."""
    current = _read_key(options.pseudonym_key, "scrub.pseudonym_key")
    following = _read_key(options.pseudonym_key_next, "scrub.pseudonym_key_next")
    since = options.pseudonym_key_since
    if (following is None) != (since is None):
        raise ConfigError("goes with `scrub.pseudonym_key_since`", path="scrub.pseudonym_key_next")
    if current is None:
        if following is not None:
            raise ConfigError("needs a `scrub.pseudonym_key` that it follows", path="scrub.pseudonym_key_next")
        return None
    if following is None or since is None:
        return Keyring(current)
    if following.id == current.id:
        raise ConfigError("has the id of the key that it follows", path="scrub.pseudonym_key_next")
    return Keyring(current, following, _read_day(since))


def _read_key(secret: Secret | None, path: str) -> Key | None:
    """`ID:KEY` or the key alone, whose id is then a fingerprint."""
    if secret is None:
        return None
    key_id, separator, text = secret.reveal().strip().rpartition(":")
    if separator and _ID.fullmatch(key_id) is None:
        raise ConfigError("bad key id", path=path, accepted="1 to 16 letters, digits, `-` or `_` before the colon")
    key = _decode(text)
    if key is None or len(key) != KEY_BYTES:
        raise ConfigError("no key", path=path, accepted="32 random bytes as 64 hex digits or as base64")
    if len(set(key)) < _LEAST_DISTINCT:
        raise ConfigError("a key that anybody can guess", path=path, accepted="32 random bytes")
    return Key(key_id or sha256(b"scrubjay pseudonym key id\0" + key).hexdigest()[:8], key)


def _decode(text: str) -> bytes | None:
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    try:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _read_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ConfigError("no date", path="scrub.pseudonym_key_since", accepted="a day in UTC, as 2026-11-22") from None


def pseudonymiser(keys: Keyring, form: Form, family: str) -> Callable[[bytes], bytes]:
    """What gives a match of rules of `family` its pseudonym. It raises Unscrubbable where project or day are needed and not said."""
    normalise = _NORMALISERS.get(family, _as_it_is)
    domain = family.encode("utf-8", "surrogatepass") + b"\0"

    def name(match: bytes) -> bytes:
        now = _OCCASION.get()
        key = keys.current
        scope = b""
        if form.scope != "deployment" or keys.following is not None:
            if now is None:
                raise Unscrubbable("a pseudonym needs to know project and day")
            key = keys.on(now.day)
            scope = _scope_value(form.scope, now)
        digest = hmac.digest(key.secret, domain + scope + b"\0" + normalise(match), "sha256")
        text = base64.b32encode(digest).decode().rstrip("=").lower()[: form.length]
        return (form.prefix.replace(_ID_MARK, key.id) + text).encode("utf-8", "surrogatepass")

    return name


def identify(keys: Keyring, value: str) -> str:
    """The pseudonym of a person's id of unknown kind: what `@email`, `@ip` or else `@anything` with `:pseudonym` give for it."""
    match = value.encode("utf-8", "surrogatepass")
    return pseudonymiser(keys, USUAL_FORM, family_of(value))(match).decode()


def family_of(value: str) -> str:
    """The family that a person's id of unknown kind is of."""
    return "email" if "@" in value else "ip" if _is_address(value) else "anything"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _scope_value(scope: Scope, now: Occasion) -> bytes:
    if scope == "deployment":
        return b""
    return (str(now.project_id) if scope == "project" else now.day).encode()


def _as_it_is(match: bytes) -> bytes:
    return match


def _lower_case(match: bytes) -> bytes:
    return match.decode("utf-8", "replace").lower().encode()


def _letters_and_digits(match: bytes) -> bytes:
    """Without what only groups them; letters of one case, which IBANs may be written in either of."""
    text = match.decode("utf-8", "replace").upper()
    return "".join([character for character in text if character.isalnum()]).encode()


def _canonical_address(match: bytes) -> bytes:
    """An IPv4 address mapped into IPv6 is the IPv4 address; what is no address stays as it is."""
    try:
        address = ip_address(match.decode())
    except ValueError:
        return match
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address).encode()


_NORMALISERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "email": _lower_case,
    "ip": _canonical_address,
    "ip_strict": _canonical_address,
    **dict.fromkeys(
        ("creditcard", "card", "iban", "iban_strict", "phone", "phone_national", "national_id"), _letters_and_digits
    ),
}
