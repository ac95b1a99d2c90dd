"""All settings, and the small sections; each large one has a file of its own, named after it or after what it is about.

Names, defaults and units of what the reference knows too are the reference's (`upstream-and-operations.md` 2.3); the rest is 2.4,
`decisions.md` 10 and `ingest.md` 7.3. Only what the program honours stands here: keys that are known but have no effect stand in
`inert`. Attribute path = dotted key. Durations are numbers in the unit that the field names.
"""

from __future__ import annotations

from typing import Literal

from scrubjay.settings.cache import Cache
from scrubjay.settings.capture import Capture
from scrubjay.settings.decisions import ClientReports, Compat, Filters, Outcomes, Quotas, Sampling, Webhooks
from scrubjay.settings.gateway import Auth, Gateway
from scrubjay.settings.http import Http
from scrubjay.settings.limits import Limits
from scrubjay.settings.relay import Relay
from scrubjay.settings.reporting import Logging, Metrics, Sentry, Tracing
from scrubjay.settings.scrub import Scrub
from scrubjay.settings.setting import Secret, Section, setting
from scrubjay.settings.spool import Spool
from scrubjay.settings.tls import Tls


class Routing(Section, frozen=True):
    """What is accepted where."""

    accept_unknown_items: bool = setting(
        True, "Keep items of types that this version does not know; false drops them.", reload=True
    )
    tunnel_paths: tuple[str, ...] = setting(
        ("/tunnel",),
        "Paths that take envelopes whose own header names the DSN; they start with `/`.",
        unit="prefix",
        reload=True,
    )


class Health(Section, frozen=True):
    """When the instance calls itself ready."""

    max_memory_percent: float = setting(
        0.95, "Share of the memory limit above which envelopes are refused.", minimum=0.01, maximum=1, reload=True
    )
    max_memory_bytes: int | None = setting(
        None, "The same in bytes; the lower one counts.", unit="bytes", minimum=1, reload=True, example="400MiB"
    )
    memory_stat_refresh_frequency_ms: float = setting(
        500,
        "How often memory is measured; before a large body is taken, in any case.",
        unit="ms",
        minimum=10,
        reload=True,
    )


class Privacy(Section, frozen=True):
    """What the upstream learns of the client beside the payload."""

    send_client_ip: Literal["auto", "none", "chain"] = setting(
        "auto", "Pass on the chain of client addresses. `auto`: not where the project scrubs addresses.", reload=True
    )
    send_user_agent: bool = setting(True, "Pass on the client's `User-Agent`.", reload=True)
    send_origin: bool = setting(True, "Pass on the client's origin.", reload=True)
    trust_envelope_facts: bool = setting(
        True, "Believe address, origin and user agent in an incoming envelope's header (chains of relays).", reload=True
    )


class Admin(Section, frozen=True):
    """Looking at limits, drops and explanations over HTTP."""

    token: Secret | None = setting(
        None, "Bearer token for `/api/scrubjay/…`; demanded on any address but loopback.", example="${ADMIN_TOKEN}"
    )


class Projects(Section, frozen=True):
    """Keys without a project file."""

    unknown: Literal["auto", "reject", "forward"] = setting(
        "auto",
        "A key without a plan, where no plan `default` exists: 403, or forward unscrubbed. `auto`: `forward` in `proxy`, else "
        "`reject`.",
        reload=True,
    )


class Settings(Section, frozen=True):
    """Everything. The defaults run a capture on this machine."""

    relay: Relay = Relay()
    tls: Tls = Tls()
    http: Http = Http()
    limits: Limits = Limits()
    routing: Routing = Routing()
    spool: Spool = Spool()
    logging: Logging = Logging()
    metrics: Metrics = Metrics()
    sentry: Sentry = Sentry()
    tracing: Tracing = Tracing()
    outcomes: Outcomes = Outcomes()
    client_reports: ClientReports = ClientReports()
    health: Health = Health()
    privacy: Privacy = Privacy()
    scrub: Scrub = Scrub()
    sampling: Sampling = Sampling()
    filters: Filters = Filters()
    quotas: Quotas = Quotas()
    compat: Compat = Compat()
    capture: Capture = Capture()
    admin: Admin = Admin()
    auth: Auth = Auth()
    gateway: Gateway = Gateway()
    webhooks: Webhooks = Webhooks()
    projects: Projects = Projects()
    cache: Cache = Cache()
