"""The settings of what the relay tells of itself: numbers, its own errors, its own traces.

Names and defaults of `metrics` and `sentry` are the reference's (`upstream-and-operations.md` 2.3, 9.7, 9.9), `tracing` is ours. Maps of
tags are written as the reference does, as a mapping from names to values, or as texts `name=value`; the value is the texts, each name
once. In the environment each tag is a variable of its own, `SCRUBJAY__METRICS__DEFAULT_TAGS__ZONE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from scrubjay.settings.setting import Secret, Section, setting

OTLP_PATH: Final = "/v1/traces"
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-/]{0,199}", re.ASCII)
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.\-]*", re.ASCII)


class BadReporting(ValueError):
    """A text that cannot be used; `accepted` says what would do."""

    def __init__(self, problem: str, accepted: str) -> None:
        super().__init__(problem)
        self.accepted = accepted


class Metrics(Section, frozen=True):
    """Numbers: what `/metrics` shows, and what is sent to a statsd server (docs/watching.md)."""

    prometheus: bool = setting(True, "Serve `/metrics`.", reload=True)
    per_project: bool = setting(
        False, "Show the 50 busiest projects by their id as well; without it no project is ever a label.", reload=True
    )
    statsd: str | None = setting(
        None,
        "Send metrics to a DogStatsD server by UDP as well: `host:port`.",
        unit="host:port",
        example="127.0.0.1:8125",
    )
    prefix: str = setting("sentry.relay", "What the names of metrics sent to statsd begin with.", unit="dotted")
    default_tags: tuple[str, ...] = setting(
        (),
        "Tags of all metrics sent to statsd, by name. As texts: `name=value`.",
        unit="tag",
        example="{environment: production}",
    )
    hostname_tag: str | None = setting(
        None, "Name of a tag of all metrics sent to statsd that holds the host's name.", unit="word", example="pod_name"
    )
    periodic_secs: float = setting(
        5, "How often statsd is told of states (memory, spool, connections); 0: never.", unit="s", minimum=0
    )


class Sentry(Section, frozen=True):
    """The relay's own errors and warnings as events of a project; best one that is not behind this relay."""

    enabled: bool = setting(False, "Report errors and warnings of the relay itself to `dsn`.")
    dsn: Secret | None = setting(
        None,
        "The project that gets them; null: nobody does, for there is no default.",
        unit="dsn",
        example="${RELAY_SENTRY_DSN}",
    )
    environment: str | None = setting(None, "The environment of these events.", example="production")
    server_name: str | None = setting(
        None, "The server's name in these events.", example="relay-1", shown="the host's name"
    )
    default_tags: tuple[str, ...] = setting(
        (),
        "Tags of these events, by name. As texts: `name=value`.",
        unit="tag",
        example="{zone: a}",
    )


class Tracing(Section, frozen=True):
    """Traces of the relay's own work, by OTLP. Needs the extra `otel`."""

    endpoint: str | None = setting(
        None,
        "OTLP/HTTP receiver of the spans; without a path `/v1/traces` is meant. Null: no traces. Headers it wants: "
        "`OTEL_EXPORTER_OTLP_HEADERS` in the environment.",
        unit="otlp",
        example="http://127.0.0.1:4318",
    )
    sample_rate: float = setting(0.01, "Share of the requests that are traced.", minimum=0, maximum=1)
    service_name: str = setting("scrubjay", "`service.name` of the spans.")


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of a map."""

    name: str
    value: str


def tags_of(texts: Iterable[str]) -> tuple[Tag, ...]:
    """The tags that a map setting holds."""
    return tuple(Tag(name, value) for name, _, value in (text.partition("=") for text in texts))


def normal_tag(text: str) -> str:
    """`name=value`. Raises `BadReporting`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise BadReporting("no tag", "name=value")
    if not value.isprintable():
        raise BadReporting("a value with control characters", "printable text")
    return f"{word(name.strip())}={value.strip()}"


def word(text: str) -> str:
    """The name of a tag. Raises `BadReporting`."""
    if _TAG.fullmatch(text) is None:
        raise BadReporting(f"`{text}` is no name of a tag", "letters, digits and _ . - /, at most 200")
    return text


def dotted(text: str) -> str:
    """What names begin with, without the dot after it. Raises `BadReporting`."""
    if _PREFIX.fullmatch(text) is None:
        raise BadReporting("no prefix", "letters, digits and _ . -")
    return text.rstrip(".")


def host_and_port(text: str) -> str:
    """`host:port`, an IPv6 address in brackets. Raises `BadReporting`."""
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        port = None
    if not port or not parts.hostname or parts.netloc != text or "@" in text or not text.isascii():
        raise BadReporting("no address of a server", "host:port")
    return text


def otlp_url(text: str) -> str:
    """The whole address that spans are sent to. Raises `BadReporting`."""
    accepted = "http or https, a host, optionally a port and a path; no user and no query"
    parts = _web_address(text)
    if parts is None or parts.username is not None or parts.query or parts.fragment:
        raise BadReporting("no address of an OTLP receiver", accepted)
    return parts._replace(path=OTLP_PATH).geturl() if parts.path in ("", "/") else text


def checked_dsn(text: str) -> str:
    """A DSN, not looked into further than to see that it is one. Raises `BadReporting`."""
    parts = _web_address(text)
    if parts is None or not parts.username or not parts.path.rpartition("/")[2].isdigit():
        raise BadReporting("no DSN", "scheme://key@host[:port]/project")
    return text


def _web_address(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if is_whole and text.isascii() and text.isprintable() and " " not in text else None
