"""The settings of what the relay tells of itself: log lines, numbers, its own errors, its own traces.

Names and defaults of `logging`, `metrics` and `sentry` are the reference's (`upstream-and-operations.md` 2.3, 9.7, 9.9), `tracing` is ours. Maps of
tags are written as the reference does, as a mapping from names to values, or as texts `name=value`; the value is the texts, each name
once. In the environment each tag is a variable of its own, `SCRUBJAY__METRICS__DEFAULT_TAGS__ZONE`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scrubjay.settings.setting import Secret, Section, setting

Level = Literal["off", "error", "warn", "info", "debug", "trace"]
Format = Literal["auto", "pretty", "simplified", "json"]


class Logging(Section, frozen=True):
    """Log lines, on standard error."""

    level: Level = setting("info", "Least level that is written.", reload=True)
    format: Format = setting("auto", "`auto` is `pretty` on a terminal, else `simplified`.", reload=True)
    enable_backtraces: bool = setting(
        False, "Of an error in this program name every place on its way, not the last alone.", reload=True
    )


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
