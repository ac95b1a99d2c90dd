"""All settings: names, types, defaults, units and what they mean.

Names, defaults and units of what the reference knows too are the reference's (`upstream-and-operations.md` 2.3); the rest is 2.4,
`decisions.md` 10 and `ingest.md` 7.3. Only what the program honours stands here: keys that are known but have no effect stand in
`inert`. Attribute path = dotted key. Durations are numbers in the unit that the field names.
"""

from __future__ import annotations

from typing import Final, Literal

from scrubjay.settings.capture import Capture
from scrubjay.settings.decisions import ClientReports, Compat, Filters, Outcomes, Quotas, Sampling, Webhooks
from scrubjay.settings.gateway import Auth, Gateway
from scrubjay.settings.http import Http
from scrubjay.settings.reporting import Metrics, Sentry, Tracing
from scrubjay.settings.scrub import Scrub
from scrubjay.settings.setting import GIB, KIB, MIB, Secret, Section, setting
from scrubjay.settings.tls import Tls

Mode = Literal["managed", "proxy", "static", "capture"]
Level = Literal["off", "error", "warn", "info", "debug", "trace"]
Format = Literal["auto", "pretty", "simplified", "json"]
Shed = Literal["replay", "profile", "attachment", "span", "log_item", "trace_metric", "transaction"]

MAX_WORKERS: Final = 100
"""As many as the spool has partitions."""


class Relay(Section, frozen=True):
    """Where it listens and where it forwards to."""

    mode: Mode = setting(
        "capture",
        "`proxy` forwards as it came, `static` scrubs by local project files, `capture` ends in the built-in page, `managed` "
        "fetches its projects (not yet available).",
        shown="managed with credentials, else static with an upstream, else capture",
    )
    upstream: str | tuple[str, ...] | None = setting(
        None,
        "Server to forward to: scheme, host and port, no path. Of a list the first that is there; the first of all has precedence.",
        unit="url",
        example="https://sentry.example/",
        shown="none; in `managed` and `proxy` `https://sentry.io/`",
    )
    host: str = setting("127.0.0.1", "Address to listen on.", unit="ip", shown="127.0.0.1; in a container 0.0.0.0")
    port: int = setting(3000, "Port to listen on; 0 takes a free one.", minimum=0, maximum=65535)
    internal_host: str | None = setting(
        None,
        "Address of a second listener, for health, metrics and administration: they answer there and nowhere else.",
        unit="ip",
        example="127.0.0.1",
        shown="none; `host`, if `internal_port` is set",
    )
    internal_port: int | None = setting(
        None,
        "Its port; 0 takes a free one.",
        minimum=0,
        maximum=65535,
        example="3001",
        shown="none; `port`, if `internal_host` is set",
    )
    unix_socket: str | None = setting(
        None,
        "Listen on this Unix socket too, in the clear and for its user and group alone; peers there are trusted proxies.",
        unit="path",
        example="/run/scrubjay/relay.sock",
    )
    workers: int | Literal["auto"] = setting(
        1,
        "Worker processes that share the port; `auto`: one per processor that may be used. Mode `capture` has one.",
        minimum=1,
        maximum=MAX_WORKERS,
    )
    profile: Literal["default", "sidecar"] = setting(
        "default",
        "`sidecar`: one worker, small windows and buffers, under 100 MiB at full load; what is set by itself stays.",
    )
    override_project_ids: bool = setting(
        False, "Accept a project id in the path that is not the plan's; the plan's is used.", reload=True
    )
    state_dir: str | None = setting(
        None,
        "Folder of the state files that `scrubjay status` and `scrubjay drops` read.",
        unit="path",
        example="/var/lib/scrubjay/run",
        shown="`run` in the spool's folder, else a private folder below the system's temporary one",
    )
    trusted_proxies: tuple[str, ...] | None = setting(
        None,
        "Peers whose address headers (`X-Forwarded-For` and its kin) count; addresses or networks.",
        unit="cidr",
        example="[10.0.0.0/8]",
        shown="every peer",
        reload=True,
    )
    shutdown_delay: float = setting(
        0,
        "After SIGTERM keep accepting for this long, while unready (Kubernetes: 5).",
        unit="s",
        minimum=0,
        reload=True,
    )
    config_reload_interval: float | None = setting(
        None,
        "Look for changes of the configuration this often; null: on SIGHUP only.",
        unit="s",
        minimum=0,
        example="30",
        reload=True,
    )

    @property
    def admin_host(self) -> str:
        """Address of the listener on which health, metrics and administration answer."""
        return self.host if self.internal_host is None else self.internal_host

    @property
    def upstreams(self) -> tuple[str, ...]:
        """All of them, the one with precedence first."""
        if self.upstream is None:
            return ()
        return (self.upstream,) if isinstance(self.upstream, str) else self.upstream


class Limits(Section, frozen=True):
    """What a request, an item or a connection may take."""

    max_connections: int | None = setting(
        None, "Connections of clients at once; beyond it the next wait to be accepted.", minimum=1, example="1000"
    )
    idle_timeout: float | None = setting(
        None,
        "Idle time after which a client's connection is closed, so that few long-lived clients spread anew over workers.",
        unit="s",
        minimum=0.1,
        example="60",
        shown="`keepalive_timeout`",
    )
    max_bodies_size: int | None = setting(
        None,
        "Bodies of more than 64 KiB that are read or worked on at once; beyond it the next wait. One is always let in.",
        unit="bytes",
        minimum=1,
        example="64MiB",
        shown="an eighth of the memory limit, at most 256MiB",
    )
    max_thread_count: int | None = setting(
        None,
        "What `relay.workers: auto` stands for.",
        minimum=1,
        maximum=MAX_WORKERS,
        example="4",
        shown="one worker per processor that may be used",
    )
    max_concurrent_requests: int = setting(100, "Requests to the upstream in flight.", minimum=1, reload=True)
    shutdown_timeout: float = setting(10, "Time to finish after SIGTERM.", unit="s", minimum=0, reload=True)
    keepalive_timeout: float = setting(5, "Idle time after which a client's connection is closed.", unit="s", minimum=0)
    tcp_listen_backlog: int = setting(1024, "Connections that may wait to be accepted.", minimum=1)
    body_idle_timeout: float = setting(
        30, "A body that stops coming for this long ends with 408.", unit="s", minimum=0.1, reload=True
    )
    max_envelope_size: int = setting(200 * MIB, "An envelope, decoded.", unit="bytes", reload=True)
    max_api_payload_size: int = setting(
        20 * MIB, "A call that is passed on (`http.forward`).", unit="bytes", reload=True
    )
    max_api_file_upload_size: int = setting(40 * MIB, "The same with a release's file.", unit="bytes", reload=True)
    max_api_chunk_upload_size: int = setting(100 * MIB, "The same with chunks of files.", unit="bytes", reload=True)
    max_event_size: int = setting(
        MIB, "An event, transaction, security report, replay event or feedback.", unit="bytes", reload=True
    )
    max_attachment_size: int = setting(200 * MIB, "One attachment.", unit="bytes", reload=True)
    max_attachments_size: int = setting(200 * MIB, "All attachments of an envelope.", unit="bytes", reload=True)
    max_attachment_count: int = setting(30, "Attachments in an envelope.", reload=True)
    max_client_reports_size: int = setting(100 * KIB, "All client reports of an envelope.", unit="bytes", reload=True)
    max_client_reports_count: int = setting(100, "Client reports in an envelope.", reload=True)
    max_sessions_size: int = setting(10 * MIB, "All session items of an envelope.", unit="bytes", reload=True)
    max_session_count: int = setting(100, "Session items in an envelope.", reload=True)
    max_check_in_size: int = setting(100 * KIB, "A check-in.", unit="bytes", reload=True)
    max_profile_size: int = setting(50 * MIB, "A profile.", unit="bytes", reload=True)
    max_metric_buckets_size: int = setting(MIB, "An item of metric buckets.", unit="bytes", reload=True)
    max_replay_compressed_size: int = setting(10 * MIB, "A replay recording or video.", unit="bytes", reload=True)
    max_replay_uncompressed_size: int = setting(
        100 * MIB, "What a replay recording may inflate to where it is scrubbed.", unit="bytes", reload=True
    )
    max_log_size: int = setting(2 * MIB, "A log entry, in the mean of its container.", unit="bytes", reload=True)
    max_trace_metric_size: int = setting(
        MIB, "A trace metric, in the mean of its container.", unit="bytes", reload=True
    )
    max_span_size: int = setting(10 * MIB, "A span, in a container in the mean.", unit="bytes", reload=True)
    max_container_size: int = setting(12 * MIB, "A container of logs, spans or metrics.", unit="bytes", reload=True)
    max_standalone_span_count: int = setting(25, "Spans outside containers in an envelope.", reload=True)
    max_retry_after: int = setting(
        300, "Cap of the time that a limit of ours tells a client to wait.", unit="s", reload=True
    )
    upstream_max: int = setting(86400, "Cap of a limit learnt from the upstream.", unit="s", reload=True)
    bare_429: int = setting(
        60, "Length of a limit when the upstream answers 429 and names none.", unit="s", reload=True
    )
    advertise_on_200: bool = setting(True, "Name the limits in force in answers with status 200 too.", reload=True)


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


class Envelopes(Section, frozen=True):
    """What was accepted is on disk before the client gets its 200, and stays until the upstream has answered."""

    path: str | None = setting(
        None,
        "Folder of the spool. Null: envelopes wait in memory and are lost with the process.",
        unit="path",
        example="/var/lib/scrubjay/spool",
    )
    max_disk_size: int = setting(
        500 * MIB, "Disk space the instance may use for envelopes that wait.", unit="bytes", minimum=MIB, reload=True
    )
    max_memory_size: int = setting(
        64 * MIB,
        "Memory for envelopes that wait: a window of the spool, or all there is without one.",
        unit="bytes",
        minimum=64 * KIB,
        reload=True,
    )
    fsync: Literal["always", "interval", "never"] = setting(
        "interval",
        "When written data is forced to the disk. A killed process loses nothing in either; a power cut may.",
    )
    fsync_interval_ms: int = setting(
        100, "Longest time between two of `fsync: interval`.", unit="ms", minimum=1, reload=True
    )
    segment_size: int = setting(
        16 * MIB, "Size at which a file is closed.", unit="bytes", minimum=MIB, maximum=GIB, reload=True
    )
    batch_size_bytes: int = setting(
        MIB,
        "Target for one compressed frame, before compression.",
        unit="bytes",
        minimum=1,
        maximum=64 * MIB,
        reload=True,
    )
    compression_level: int = setting(1, "zstd level of the frames.", minimum=-5, maximum=19)
    encryption_key: Secret | None = setting(
        None,
        "Encrypts what is on disk with AES-256-GCM: 32 random bytes in base64, best `${file:PATH}`. To change it, empty the spool first.",
        unit="sealing key",
        example="${SPOOL_KEY}",
    )
    when_full: Literal["reject", "drop_oldest"] = setting("reject", "Answer 503 to what is new, or drop the oldest.")
    max_envelope_delay_secs: float = setting(
        86400, "Age at which an envelope is dropped.", unit="s", minimum=1, reload=True
    )
    expiry_holdoff: float = setting(
        300, "Nothing is dropped for its age so soon after a start.", unit="s", minimum=0, reload=True
    )
    max_project_share: float = setting(
        0.5,
        "Share of `max_disk_size` above which a key gets 429, so that one cannot fill the spool; 1 disables.",
        minimum=0.01,
        maximum=1,
        reload=True,
    )
    shed_order: tuple[Shed, ...] = setting(
        ("replay", "profile", "attachment", "span", "log_item", "transaction"),
        "What gets 429 as the spool or memory fills up: the first from 80 % on, one more for each further 3 %.",
        reload=True,
    )
    max_backpressure_memory_percent: float = setting(
        0.8,
        "Share of the memory limit above which waiting envelopes stay on disk and garbage is collected.",
        minimum=0.01,
        maximum=1,
        reload=True,
    )
    max_unspool_envelopes_per_second: int | None = setting(
        None, "Rate at which the backlog is sent.", minimum=1, example="100", reload=True
    )
    ephemeral: bool = setting(False, "Send what is left at shutdown instead of keeping it.", reload=True)


class Spool(Section, frozen=True):
    """The disk buffer."""

    envelopes: Envelopes = Envelopes()


class Logging(Section, frozen=True):
    """Log lines, on standard error."""

    level: Level = setting("info", "Least level that is written.", reload=True)
    format: Format = setting("auto", "`auto` is `pretty` on a terminal, else `simplified`.", reload=True)
    enable_backtraces: bool = setting(
        False, "Of an error in this program name every place on its way, not the last alone.", reload=True
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


class Cache(Section, frozen=True):
    """How long things are remembered."""

    file_interval: float = setting(
        10, "Look for changed project files this often.", unit="s", minimum=0.01, reload=True
    )
    miss_expiry: float = setting(
        60, "Time for which a key that the upstream denied is refused here.", unit="s", minimum=0, reload=True
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
