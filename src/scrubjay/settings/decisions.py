"""The settings of what is decided about each envelope: limits are in `limits`, sampling, filters, quotas and outcomes here.

Follows `decisions.md` 10.
"""

from __future__ import annotations

from typing import Literal, get_args

from scrubjay.settings.setting import Secret, Section, setting


class Aggregator(Section, frozen=True):
    """How losses are summed before they are reported."""

    bucket_interval: int = setting(10, "Length of the time slots that losses are summed by.", unit="s", minimum=1)
    initial_delay: float = setting(30, "Time from the first loss of a slot to its report.", unit="s", minimum=0)


class Outcomes(Section, frozen=True):
    """What the server is told of what was dropped here."""

    emit_outcomes: bool | Literal["as_client_reports"] = setting(
        "as_client_reports", "Report losses to the server as client reports; true means the same.", reload=True
    )
    aggregator: Aggregator = Aggregator()


class ClientReports(Section, frozen=True):
    """What clients say they dropped themselves."""

    mode: Literal["passthrough", "merge"] = setting(
        "passthrough",
        "`passthrough`: as they came, and held as safely as all else; `merge`: their counts travel in reports of ours, and wait in memory.",
        reload=True,
    )


class Sampling(Section, frozen=True):
    """Sampling, by the rules of the projects."""

    dynamic: bool = setting(True, "Obey the projects' rules of trace sampling (`config.sampling`).", reload=True)
    fold_rates: bool = setting(
        False,
        "Write the rate of sampled traces into their context, for servers that extrapolate from it; at one relay of a chain.",
        reload=True,
    )


class Filters(Section, frozen=True):
    """Inbound filters, by the rules of the projects."""

    enabled: bool = setting(True, "Obey the projects' filters, `filterSettings` and ours.", reload=True)


class Compat(Section, frozen=True):
    """What is done as the reference does it although we know better."""

    reference_quirks: bool = setting(
        False,
        "Do what the reference does by mistake too: aggregates of sessions survive their limit, what falls with an event is not "
        "reported, a quota of 0 on transactions lets single spans pass, unclosed groups in globs are cut off.",
        reload=True,
    )
    outcomes_endpoint: bool = setting(
        False,
        "Take outcomes one by one (`POST /api/0/relays/outcomes/`), as relays of an older protocol report them, from those under "
        "`auth.static_relays` that are internal; they go on in client reports.",
        reload=True,
    )


class Quotas(Section, frozen=True):
    """Counted limits, and sharing them between hosts. Workers of one host always share."""

    redis: Secret | None = setting(
        None,
        "Redis or Valkey that hosts count in together: `redis://`, `rediss://` or `unix://`; `redis+sentinel://host:port,…/name` and "
        "`redis+cluster://host:port,…`, with `rediss` for TLS. Needs the extra `redis`.",
        unit="redis",
        example="rediss://redis.example:6379/0",
    )
    redis_timeout_ms: int = setting(
        50,
        "How long it may take to answer, once more after a failure; then it is left alone for 2 s.",
        unit="ms",
        minimum=1,
    )
    on_redis_error: Literal["local", "open", "closed"] = setting(
        "local",
        "While it does not: `local` takes this instance's part of what was left, `open` lets everything through, `closed` nothing "
        "that is counted.",
    )
    replicas: int = setting(
        1, "Instances that share limits, at least; more are counted as they show themselves.", minimum=1
    )
    mode: Literal["lease", "sync"] = setting(
        "lease",
        "`lease` takes blocks in advance, about one call a second for each counter; `sync` asks for each envelope. Limits are never "
        "exceeded by either, so that there is no `postpaid`.",
    )


WebhookEvent = Literal[
    "quota.warning",
    "quota.exhausted",
    "quota.recovered",
    "spike.start",
    "spike.end",
    "upstream.rate_limited",
    "sampling.active",
]


class Webhooks(Section, frozen=True):
    """Telling somebody over HTTP when limits are reached, and when they are over (docs/webhooks.md)."""

    url: Secret | None = setting(
        None,
        "Where events are sent, as POST requests; null: nowhere. It is not shown, since it may hold credentials.",
        example="https://alerts.example/hooks/scrubjay",
        reload=True,
    )
    secret: Secret | None = setting(
        None,
        "Key of the signature in `X-Scrubjay-Signature`; null: bodies are not signed.",
        example="${WEBHOOK_SECRET}",
        reload=True,
    )
    events: tuple[WebhookEvent, ...] = setting(get_args(WebhookEvent), "The events that are sent.", reload=True)
