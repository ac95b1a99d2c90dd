"""What a text may look like, by the unit of its field: addresses, paths, tags, keys.

Owns the form alone, and the one spelling of what can be written in several ways; whether anybody answers at an address, or a file is there, is
found out by whoever uses it. Pure.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from scrubjay.hosts import url_host
from scrubjay.settings.gateway import normal_relay
from scrubjay.settings.keys import BadKey
from scrubjay.settings.setting import Unit

_STORES: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
_KEY_BYTES: Final = 32
_URL_SAFE: Final = str.maketrans("-_", "+/")
_OTLP_PATH: Final = "/v1/traces"
_TAG_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-/]{0,199}", re.ASCII)
_NAME_PREFIX: Final = re.compile(r"[A-Za-z0-9_.\-]*", re.ASCII)
_VERSION: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:-[0-9A-Za-z.\-]+)?", re.ASCII)
_HIGHEST_OF_VERSION: Final = 255


class Unusable(ValueError):
    """A text that its field cannot take; `accepted` says what would do, `near` what was probably meant."""

    def __init__(self, problem: str, accepted: str = "", *, near: str = "") -> None:
        super().__init__(problem)
        self.accepted = accepted
        self.near = near


def parse_upstream(text: str) -> str:
    """`scheme://host[:port]/`, in lower case and without a default port."""
    accepted = "http or https, a host, optionally a port; no path and no query"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise Unusable(f"bad URL: {error}", accepted) from error
    if not parts.scheme or "//" not in text:
        raise Unusable("bad URL", accepted)
    if parts.scheme not in ("http", "https"):
        raise Unusable(f"unknown scheme `{parts.scheme}`", accepted)
    if not parts.hostname or any(c.isspace() for c in parts.netloc):
        raise Unusable("no host", accepted)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise Unusable("the upstream has a non-root path", accepted)
    if parts.username is not None:
        raise Unusable("the upstream has a user", accepted)
    host = url_host(parts.hostname)
    shown = "" if port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}/"


def upstream_of_dsn(text: str) -> str:
    """Scheme, host and port of a DSN, as an upstream."""
    parts = urlsplit(text)
    if not parts.username or not parts.path.strip("/"):
        raise Unusable("no DSN", "scheme://key@host[:port]/project")
    return parse_upstream(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise Unusable("no address", "an IPv4 or IPv6 address") from error


def _network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError as error:
        raise Unusable("no address or network", "an address, or a network such as 10.0.0.0/8") from error
    return text


def _prefix(text: str) -> str:
    if text and (not text.startswith("/") or "?" in text or "#" in text):
        raise Unusable("no path", "a path that starts with `/`")
    return text.rstrip("/")


def _path(text: str) -> str:
    if not text or "\0" in text:
        raise Unusable("no path", "a path of this machine")
    return text


def _relay(text: str) -> str:
    try:
        return normal_relay(text)
    except BadKey as error:
        raise Unusable(str(error), error.accepted) from error


def _proxy(text: str) -> str:
    parts = urlsplit(text if "://" in text else f"http://{text}")
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or not _has_port(parts)
    ):
        raise Unusable("no proxy", "http or https, a host, optionally a port")
    return text


def _redis(text: str) -> str:
    parts = urlsplit(text)
    is_whole = "+" not in parts.scheme or bool(parts.netloc.rpartition("@")[2])
    if parts.scheme not in _STORES or not is_whole:
        raise Unusable("no Redis", f"a URL that begins with {', '.join(f'{scheme}://' for scheme in _STORES)}")
    return text


def _has_port(parts: SplitResult) -> bool:
    """Whether the port, if there is one, is a number."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def _sealing_key(text: str) -> str:
    plain = text.strip().rstrip("=").translate(_URL_SAFE)
    try:
        size = len(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except ValueError:
        size = 0
    if size != _KEY_BYTES:
        raise Unusable("no key", f"{_KEY_BYTES} random bytes in base64, as `openssl rand -base64 32` prints them")
    return text


def _tag(text: str) -> str:
    """`name=value`. Raises `Unusable`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise Unusable("no tag", "name=value")
    if not value.isprintable():
        raise Unusable("a value with control characters", "printable text")
    return f"{_tag_name(name.strip())}={value.strip()}"


def _tag_name(text: str) -> str:
    """The name of a tag. Raises `Unusable`."""
    if _TAG_NAME.fullmatch(text) is None:
        raise Unusable(f"`{text}` is no name of a tag", "letters, digits and _ . - /, at most 200")
    return text


def _name_prefix(text: str) -> str:
    """What names begin with, without the dot after it. Raises `Unusable`."""
    if _NAME_PREFIX.fullmatch(text) is None:
        raise Unusable("no prefix", "letters, digits and _ . -")
    return text.rstrip(".")


def _host_and_port(text: str) -> str:
    """`host:port`, an IPv6 address in brackets. Raises `Unusable`."""
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        port = None
    if not port or not parts.hostname or parts.netloc != text or "@" in text or not text.isascii():
        raise Unusable("no address of a server", "host:port")
    return text


def _otlp_url(text: str) -> str:
    """The whole address that spans are sent to. Raises `Unusable`."""
    accepted = "http or https, a host, optionally a port and a path; no user and no query"
    parts = web_address(text)
    if parts is None or parts.username is not None or parts.query or parts.fragment:
        raise Unusable("no address of an OTLP receiver", accepted)
    return parts._replace(path=_OTLP_PATH).geturl() if parts.path in ("", "/") else text


def _dsn(text: str) -> str:
    """A DSN, not looked into further than to see that it is one. Raises `Unusable`."""
    parts = web_address(text)
    if parts is None or not parts.username or not parts.path.rpartition("/")[2].isdigit():
        raise Unusable("no DSN", "scheme://key@host[:port]/project")
    return text


def _version(text: str) -> str:
    """`major.minor.patch`, as relays tell each other theirs. Raises `Unusable`."""
    match = _VERSION.fullmatch(text)
    if match is None or any(int(number) > _HIGHEST_OF_VERSION for number in match.groups()):
        raise Unusable("no version", f"three numbers up to {_HIGHEST_OF_VERSION}, such as 26.10.0")
    return text


def web_address(text: str) -> SplitResult | None:
    """The parts of an HTTP address that a client can send to; None for what is none."""
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if is_whole and text.isascii() and text.isprintable() and " " not in text else None


FORMS: Final[Mapping[Unit, Callable[[str], str]]] = {
    "url": parse_upstream,
    "ip": _address,
    "cidr": _network,
    "prefix": _prefix,
    "path": _path,
    "relay": _relay,
    "host:port": _host_and_port,
    "dotted": _name_prefix,
    "word": _tag_name,
    "tag": _tag,
    "dsn": _dsn,
    "otlp": _otlp_url,
    "proxy": _proxy,
    "redis": _redis,
    "sealing key": _sealing_key,
    "version": _version,
}
"""Unit → the text as it is kept. Each raises `Unusable`."""
