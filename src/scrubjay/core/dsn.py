"""Who is asking: public keys, project ids, DSNs, and the five places of a request where a key may stand.

Pure text in, `Auth` out; the sixth place, the envelope header, is read by `auth_from_envelope` once somebody has decoded that line.
Follows `ingest.md` 3. Invariant: whatever `Auth` holds is safe to write into an HTTP header of our own (no line breaks, no
separators), so that a client cannot smuggle a second key past the plan of its first.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from scrubjay import reasons
from scrubjay.errors import BadRequest, Denied
from scrubjay.hosts import url_host

KEY_LENGTH: Final = 32
DEFAULT_VERSION: Final = 7
MAX_VERSION: Final = 7
_MAX_U64: Final = 2**64 - 1
_MAX_URL_CHARS: Final = 8_192
_MAX_KEPT_CHARS: Final = 512
"""Longer authentication headers are no SDK's, and read anew each time."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_KEY = re.compile(r"[!-+\--<>-~]{32}")
"""32 visible ASCII characters other than the separators of the authentication header, comma and equals sign."""
_NOT_CLIENT = re.compile(r"[,=\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_AUTHORITY = re.compile(
    r"(?P<scheme>https?)://(?P<key>[^:@/?#]+)(?::[^@/?#]*)?@(?P<host>\[[0-9A-Fa-f:.]+\]|[^:@/?#\[\]\s]+)(?::(?P<port>\d{1,5}))?(?P<rest>/.*)",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Auth:
    """A key and how it was presented. `source`: header, authorization, basic, query, path or envelope."""

    key: str
    version: int = DEFAULT_VERSION
    client: str | None = None
    no_cache: bool = False
    source: str = "header"


@dataclass(frozen=True, slots=True)
class Dsn:
    """`scheme://key@host[:port][/path]/project`. A secret is dropped on reading."""

    scheme: str
    key: str
    host: str
    port: int | None
    path: str
    project_id: int

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.key}@{self.host}{port}{self.path}/{self.project_id}"


def parse_dsn(text: str) -> Dsn:
    """Raises `ValueError` naming what is wrong."""
    match = _AUTHORITY.fullmatch(text) if len(text) <= _MAX_URL_CHARS else None
    if match is None:
        raise ValueError("not of the form scheme://key@host/project")
    if not _KEY.fullmatch(match["key"]):
        raise ValueError("the key has not 32 characters")
    path, _, project = match["rest"].rpartition("/")
    project_id = _u64(project)
    if project_id is None:
        raise ValueError("the last part of the path is no project id")
    port = None if match["port"] is None else int(match["port"])
    return Dsn(match["scheme"].lower(), match["key"], match["host"], port, path, project_id)


def parse_project_id(text: str) -> int:
    """The project id of a path."""
    project_id = _u64(text)
    if project_id is None:
        raise BadRequest(reasons.BAD_PROJECT, "invalid project id", "not an unsigned 64-bit number")
    return project_id


def read_auth(headers: Mapping[str, str], query_string: str, path_key: str | None = None) -> Auth | None:
    """The key of a request from sources 1 to 5 (`ingest.md` 3.1), `None` without any.

    `headers` must ignore letter case; `query_string` is the raw one, because a percent-encoded `sentry_` does not count.
    Raises `Denied` (several sources, unreadable) or `BadRequest` (version, length of the key).
    """
    found: list[tuple[str, str]] = []
    for name, source in (("X-Sentry-Auth", "header"), ("Authorization", "authorization")):
        value = headers.get(name)
        if value is None:
            continue
        scheme = value[:7].lower()
        if scheme == "sentry " and value.isascii() and value.isprintable():
            found.append((source, value[7:]))
        elif scheme[:6] == "basic " and source == "authorization" and (user := _basic_user(value[6:])):
            found.append(("basic", user))
    if "sentry_" in query_string:
        found.append(("query", query_string))
    if path_key is not None:
        found.append(("path", path_key))
    if len(found) > 1:
        raise Denied(reasons.AUTH_MULTIPLE, "the key is given in more than one place")
    if not found:
        return None
    source, text = found[0]
    if source in ("header", "authorization"):
        return (_known_header if len(text) <= _MAX_KEPT_CHARS else _read_header)(text, source)
    if source == "query":
        return _from_fields(dict(parse_qsl(text, keep_blank_values=True, errors="replace")), source)
    return _from_fields({"sentry_key": text}, source)


def auth_of_relay(key: str, version: object, client: object) -> Auth:
    """The key with which a relay before us was asked. Raises `BadRequest` for what it should not have taken."""
    if not _KEY.fullmatch(key):
        raise BadRequest(reasons.AUTH_KEY, "invalid key", "a key has 32 ASCII characters")
    if version is None:
        version = DEFAULT_VERSION
    if not isinstance(version, int) or not 0 <= version <= MAX_VERSION:
        raise BadRequest(reasons.AUTH_VERSION, "no protocol version up to 7")
    return Auth(key, version, client_name(client))


def auth_from_envelope(headers: Mapping[str, object]) -> tuple[Auth, int]:
    """Key and project of the `dsn` in an envelope header: source 6, asked only when there was no other."""
    dsn = headers.get("dsn")
    if dsn is None:
        raise Denied(reasons.AUTH_ENVELOPE, "no key in the request", "the envelope header has no dsn")
    try:
        parsed = parse_dsn(dsn if isinstance(dsn, str) else "")
    except ValueError as error:
        raise Denied(reasons.AUTH_ENVELOPE, "no key in the request", f"bad dsn: {error}") from None
    return Auth(parsed.key, source="envelope"), parsed.project_id


def check_envelope(auth: Auth, project_id: int | None, headers: Mapping[str, object], origin: str | None) -> None:
    """Whether the envelope header contradicts the request (`ingest.md` 3.3).

    `origin` is the request's, as `normal_origin` gives it. Raises `BadRequest`.
    """
    by_request = auth.source != "envelope"
    dsn = headers.get("dsn")
    if dsn is not None and by_request:
        try:
            parsed = parse_dsn(dsn if isinstance(dsn, str) else "")
        except ValueError as error:
            raise _contradiction(f"bad dsn: {error}") from None
        if parsed.key != auth.key:
            raise _contradiction("the dsn has another key than the request")
        if project_id is not None and parsed.project_id != project_id:
            raise _contradiction("the dsn has another project than the request")
    claimed = headers.get("origin")
    if claimed is None or (origin is None and not by_request):
        return
    if not isinstance(claimed, str) or normal_origin(claimed) != origin:
        raise _contradiction("the origin is not the request's")


def normal_origin(text: str | None) -> str | None:
    """An `Origin` or `Referer` as one spelling of its URL, `None` for anything but http and https (`ingest.md` 7.3)."""
    if not text or len(text) > _MAX_URL_CHARS or not text.isascii() or not text.isprintable():
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    host = url_host(parts.hostname)
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{port}"
    return urlunsplit((parts.scheme, host, parts.path or "/", parts.query, parts.fragment))


def client_name(text: object) -> str | None:
    """A `sentry_client` that can be sent on: cut at the first character that would end or break the header field."""
    if not isinstance(text, str):
        return None
    return _NOT_CLIENT.split(text, maxsplit=1)[0].strip() or None


def _contradiction(cause: str) -> BadRequest:
    return BadRequest(reasons.INVALID_ENVELOPE, "invalid envelope", cause)


def _u64(text: str) -> int | None:
    digits = text.lstrip("0") or text[-1:]
    if not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        return None
    number = int(digits)
    return number if number <= _MAX_U64 else None


def _basic_user(encoded: str) -> str | None:
    try:
        user, colon, _ = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return user if colon else None


def _read_header(text: str, source: str) -> Auth:
    return _from_fields(_header_fields(text), source)


_known_header = lru_cache(maxsize=256)(_read_header)
"""An SDK sends the same header with each of its envelopes."""


def _header_fields(text: str) -> dict[str, str]:
    fields = {}
    for piece in text.split(","):
        name, equals, rest = piece.partition("=")
        if equals:
            fields[name.strip()] = rest.partition("=")[0].strip()
    return fields


def _from_fields(fields: Mapping[str, str], source: str) -> Auth:
    key, *flags = fields.get("sentry_key", "").split(".")
    if not fields.get("sentry_key"):
        raise Denied(reasons.AUTH_HEADER, "unreadable authentication", "no sentry_key")
    version = _version(fields.get("sentry_version"))
    if not _KEY.fullmatch(key):
        raise BadRequest(reasons.AUTH_KEY, "invalid key", "a key has 32 ASCII characters")
    return Auth(key, version, client_name(fields.get("sentry_client")), "no-cache" in flags, source)


def _version(text: str | None) -> int:
    if text is None:
        return DEFAULT_VERSION
    version = _u64(text.partition(".")[0])
    if version is None:
        raise Denied(reasons.AUTH_HEADER, "unreadable authentication", "sentry_version is no number")
    if version > MAX_VERSION:
        raise BadRequest(reasons.AUTH_VERSION, "the protocol version is newer than 7")
    return version
