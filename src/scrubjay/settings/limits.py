"""What a request, an item, a connection and the whole process may take: the section `limits`.

Sizes and counts are the reference's (`upstream-and-operations.md` 2.3); the rest is 2.4, `decisions.md` 10 and `ingest.md` 7.3.
"""

from __future__ import annotations

from scrubjay.settings.relay import MAX_WORKERS
from scrubjay.settings.setting import KIB, MIB, Section, setting


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
    max_concurrent_queries: int = setting(5, "Requests for configurations of projects at once.", minimum=1, reload=True)
    query_timeout: float = setting(
        30,
        "Time for fetching a project's configuration, tries included; after it the key is queued anew.",
        unit="s",
        minimum=0.1,
        reload=True,
    )
    shutdown_timeout: float = setting(10, "Time to finish after SIGTERM.", unit="s", minimum=0, reload=True)
    keepalive_timeout: float = setting(5, "Idle time after which a client's connection is closed.", unit="s", minimum=0)
    tcp_listen_backlog: int = setting(1024, "Connections that may wait to be accepted.", minimum=1)
    body_idle_timeout: float = setting(
        30, "A body that stops coming for this long ends with 408.", unit="s", minimum=0.1, reload=True
    )
    max_envelope_size: int = setting(200 * MIB, "An envelope, decoded.", unit="bytes", reload=True)
    max_api_payload_size: int = setting(
        20 * MIB,
        "A call that is passed on (`http.forward`), and an answer to a question of ours (mode `managed`).",
        unit="bytes",
        reload=True,
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
