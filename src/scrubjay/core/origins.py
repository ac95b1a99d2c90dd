"""Places on the web that users allow or disallow: a scheme, a host and a port, each of which may be open (`decisions.md` 7.5).

One form for `allowedDomains` and for the sources of CSP reports. Patterns and URLs are taken apart in the same way, so that a report's
`blocked_uri` may be a bare word. A default port is not inferred; a star opens a host only at its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

OriginRule = Callable[[str], bool]

_END_OF_AUTHORITY: Final = re.compile("[/?#]")


class _Place(NamedTuple):
    """None is open in a pattern, and absent in a URL."""

    scheme: str | None
    host: str | None
    port: str | None


def compile_origins(patterns: Iterable[str]) -> OriginRule | None:
    """A predicate over URLs; None: everything matches, even a URL that is missing."""
    rules = [_pattern(pattern) for pattern in patterns]
    if _Place(None, None, None) in rules:
        return None

    def matches(url: str) -> bool:
        scheme, host, port = _split(url)
        return any(
            rule.scheme in (None, scheme)
            and rule.port in (None, port)
            and (rule.host is None or _host_matches(rule.host, host or ""))
            for rule in rules
        )

    return matches


def _pattern(text: str) -> _Place:
    return _Place(*(None if part == "*" else part for part in _split(text)))


def _split(text: str) -> _Place:
    scheme, separator, rest = text.lower().partition("://")
    if not separator:
        scheme, rest = "", scheme
    host = _END_OF_AUTHORITY.split(rest, maxsplit=1)[0].rpartition("@")[2]
    port = ""
    if not host.endswith("]"):
        before, colon, after = host.rpartition(":")
        if colon:
            host, port = before, after
    return _Place(scheme or None, host.strip("[]"), port or None)


def _host_matches(pattern: str, host: str) -> bool:
    if pattern.startswith("*"):
        return host.endswith(pattern[1:]) or host == pattern[2:]
    return host == pattern
