"""The disk buffer: the section `spool` (`upstream-and-operations.md` 2.3, 2.4, 7)."""

from __future__ import annotations

from typing import Literal

from scrubjay.settings.setting import GIB, KIB, MIB, Secret, Section, setting

Shed = Literal["replay", "profile", "attachment", "span", "log_item", "trace_metric", "transaction"]


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
        "Share of `max_disk_size` above which a key gets 429, so that one cannot fill the spool; also of `pending_max_bytes` (503). 1 disables.",
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
    pending: Literal["memory", "disk", "reject"] = setting(
        "memory",
        "Where an envelope waits whose project's configuration is not known yet, in mode `managed`. It is unscrubbed: `disk` writes it as "
        "it came; `reject` answers 503.",
    )
    pending_max_bytes: int = setting(
        32 * MIB,
        "Space for such envelopes; beyond it they are answered 503.",
        unit="bytes",
        minimum=64 * KIB,
        reload=True,
    )
    ephemeral: bool = setting(False, "Send what is left at shutdown instead of keeping it.", reload=True)


class Spool(Section, frozen=True):
    """The disk buffer."""

    envelopes: Envelopes = Envelopes()
