"""All settings: the figures that the specification names."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from scrubjay.settings.fields import FIELDS
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import GIB, KIB, MIB

SOURCE = Path(__file__).parents[3] / "src" / "scrubjay"


@pytest.mark.parametrize(
    ("key", "default"),
    {
        "relay.port": 3000,
        "http.timeout": 5,
        "http.connection_timeout": 3,
        "http.max_retry_interval": 60,
        "http.outage_grace_period": 10,
        "http.retry_delay": 1,
        "http.encoding": "zstd",
        "http.min_upload_rate": 64 * KIB,
        "http.max_5xx_attempts": 5,
        "http.rate_limited_policy": "drop",
        "limits.max_concurrent_requests": 100,
        "limits.shutdown_timeout": 10,
        "limits.max_event_size": MIB,
        "limits.max_attachment_size": 200 * MIB,
        "limits.max_attachments_size": 200 * MIB,
        "limits.max_attachment_count": 30,
        "limits.max_client_reports_size": 100 * KIB,
        "limits.max_client_reports_count": 100,
        "limits.max_sessions_size": 10 * MIB,
        "limits.max_session_count": 100,
        "limits.max_check_in_size": 100 * KIB,
        "limits.max_profile_size": 50 * MIB,
        "limits.max_metric_buckets_size": MIB,
        "limits.max_envelope_size": 200 * MIB,
        "limits.max_log_size": 2 * MIB,
        "limits.max_trace_metric_size": MIB,
        "limits.max_span_size": 10 * MIB,
        "limits.max_container_size": 12 * MIB,
        "limits.max_standalone_span_count": 25,
        "limits.max_replay_compressed_size": 10 * MIB,
        "limits.body_idle_timeout": 30,
        "limits.max_retry_after": 300,
        "limits.upstream_max": 86400,
        "limits.bare_429": 60,
        "routing.tunnel_paths": ("/tunnel",),
        "spool.envelopes.max_disk_size": 500 * MIB,
        "spool.envelopes.segment_size": 16 * MIB,
        "spool.envelopes.fsync": "interval",
        "spool.envelopes.fsync_interval_ms": 100,
        "spool.envelopes.compression_level": 1,
        "spool.envelopes.max_envelope_delay_secs": 86400,
        "spool.envelopes.expiry_holdoff": 300,
        "health.max_memory_percent": 0.95,
        "outcomes.aggregator.initial_delay": 30,
        "capture.max_envelopes": 500,
        "capture.max_bytes": 64 * MIB,
        "cache.file_interval": 10,
        "cache.miss_expiry": 60,
    }.items(),
)
def test_defaults_of_the_specification(key: str, default: object) -> None:
    assert FIELDS[key].note.default == default


def test_bounds_of_the_specification() -> None:
    segment = FIELDS["spool.envelopes.segment_size"].note
    assert (segment.minimum, segment.maximum) == (MIB, GIB)
    level = FIELDS["spool.envelopes.compression_level"].note
    assert (level.minimum, level.maximum) == (-5, 19)


def test_every_setting_is_explained_in_a_sentence() -> None:
    for key, row in FIELDS.items():
        assert row.note.doc.endswith("."), key
        assert "|" not in row.note.doc, f"{key}: a bar would break the table"


def test_nullable_settings_say_what_null_means_by_an_example() -> None:
    for key, row in FIELDS.items():
        if type(None) in get_args(row.type) and row.note.default is None:
            assert row.note.example, key


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().relay.port = 1  # type: ignore[misc]
    assert msgspec.structs.replace(Settings().relay, port=1).port == 1
