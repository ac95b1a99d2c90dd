"""How the relay talks to its upstreams: the section `http` of the settings (`upstream-and-operations.md` 2.3, 2.4, 6)."""

from __future__ import annotations

from typing import Literal

from scrubjay.settings.setting import KIB, Secret, Section, setting

Encoding = Literal["identity", "deflate", "gzip", "br", "zstd"]


class Http(Section, frozen=True):
    """How it talks to the upstream."""

    timeout: float = setting(
        5, "Time for an answer, beyond the time that the upload takes.", unit="s", minimum=0.1, reload=True
    )
    connection_timeout: float = setting(3, "Time to connect, TLS included.", unit="s", minimum=0.1, reload=True)
    min_upload_rate: int = setting(
        64 * KIB, "Bytes per second below which an upload counts as hung.", unit="bytes", minimum=1, reload=True
    )
    retry_delay: float = setting(
        1, "Pause between tries while there is no outage yet.", unit="s", minimum=0, reload=True
    )
    max_retry_interval: float = setting(60, "Cap of every growing back-off.", unit="s", minimum=0.1, reload=True)
    auth_interval: float | None = setting(
        600, "Register anew this often, in mode `managed`; null or 0: once.", unit="s", minimum=0, reload=True
    )
    project_failure_interval: float = setting(
        90,
        "Time without any configuration of a project from the upstream, beyond which each failure is an error in the log.",
        unit="s",
        minimum=0,
        reload=True,
    )
    max_5xx_attempts: int = setting(
        5, "Tries of an envelope that the server answers 500 or its like.", minimum=1, reload=True
    )
    outage_grace_period: float = setting(
        10, "Network errors for this long are an outage: only probes are sent.", unit="s", minimum=0, reload=True
    )
    rate_limited_policy: Literal["drop", "retry"] = setting(
        "drop", "What becomes of an envelope that the server answers 429.", reload=True
    )
    ambiguous_counters: Literal["retry", "drop"] = setting(
        "retry",
        "What becomes of client reports, session aggregates and metrics that may have arrived: the request was sent, no answer "
        "came. Sent again they may count twice.",
        reload=True,
    )
    encoding: Encoding = setting("zstd", "Compression of what is sent.", reload=True)
    encoding_fallback: bool = setting(
        True, "Step down to gzip, then to identity, where the server refuses the encoding.", reload=True
    )
    batch: Literal["auto", "off", "require"] = setting(
        "auto",
        "Many envelopes in one request, where the upstream is a scrubjay that takes them; `require` holds everything until it does.",
        reload=True,
    )
    batch_dict: bool = setting(
        False, "Compress batches of less than 8 envelopes with a dictionary that the upstream offers.", reload=True
    )
    merge_containers: bool = setting(
        True,
        "Envelopes that wait and hold nothing but sessions, client reports, logs, spans of one trace or metrics share one where "
        "servers read them alike.",
        reload=True,
    )
    host_header: str | None = setting(
        None, "`Host` header towards the upstream instead of its name.", example="sentry.internal", reload=True
    )
    upstream_path_prefix: str = setting(
        "", "Put before every upstream path.", unit="prefix", example="/relay", reload=True
    )
    forward: bool = setting(
        False,
        "Pass other API calls on to the upstream; in `static` only those below `forward_paths`.",
        shown="true in `proxy`, else false",
        reload=True,
    )
    forward_paths: tuple[str, ...] = setting(
        (),
        "Paths whose calls `forward` passes on, unscrubbed, in mode `static`; never those of a project's envelopes.",
        unit="prefix",
        example="[/api/0/organizations]",
        reload=True,
    )
    proxy: Secret | None = setting(
        None, "Forward proxy; overrides `HTTPS_PROXY` and its kin.", unit="proxy", example="http://proxy.internal:3128"
    )
    ca_bundle: str | None = setting(
        None,
        "File of authorities that are trusted beside the system's; read again when it changes, as the two below.",
        unit="path",
        example="/etc/ssl/internal-ca.pem",
    )
    client_cert: str | None = setting(
        None, "Client certificate towards the upstream.", unit="path", example="/etc/scrubjay/tls.crt"
    )
    client_key: str | None = setting(None, "Its key.", unit="path", example="/etc/scrubjay/tls.key")
    dns_cache: bool = setting(
        True, "Use an answer of the name service for a second; false asks for each connection.", reload=True
    )
    tls_server_name: str | None = setting(
        None, "Name in the upstream's certificate, where it is not the host's.", example="sentry.internal"
    )
    insecure_skip_verify: bool = setting(False, "Do not verify the upstream's certificate. For tests only.")
