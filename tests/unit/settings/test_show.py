"""Effective settings as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scrubjay.settings.fields import FIELDS, value_of
from scrubjay.settings.load import Loaded, load
from scrubjay.settings.show import as_json, as_yaml, effective

LoadText = Callable[..., Loaded]

RICH = """
relay: {mode: static, upstream: 'https://h:443', trusted_proxies: [10.0.0.0/8]}
limits: {max_event_size: 1048576, max_log_size: '1048576', max_span_size: 2 MB, max_profile_size: 1000, body_idle_timeout: 2m}
capture: {token: hunter2}
http: {upstream_path_prefix: /a, proxy: 'http://u:hunter2@p:1', host_header: 'off'}
"""


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("relay.upstream", "https://h/"),
        ("relay.trusted_proxies", "[10.0.0.0/8]"),
        ("limits.max_event_size", "1MiB"),
        ("limits.max_log_size", "1048576B"),
        ("limits.max_span_size", "2MB"),
        ("limits.max_profile_size", "1kB"),
        ("limits.max_container_size", "12MiB"),
        ("limits.body_idle_timeout", "120"),
        ("spool.envelopes.max_unspool_envelopes_per_second", "null"),
        ("capture.token", "***"),
        ("http.proxy", "***"),
        ("metrics.prometheus", "true"),
    ],
)
def test_operations_3_values_are_shown_as_written(load_text: LoadText, key: str, text: str) -> None:
    assert dict(effective(load_text(RICH)))[key] == text


def test_every_setting_is_shown(load_text: LoadText) -> None:
    assert [key for key, _ in effective(load_text(RICH))] == list(FIELDS)


def test_what_is_shown_means_the_same(load_text: LoadText, tmp_path: Path) -> None:
    loaded = load_text(RICH.replace("hunter2", "t"))
    text = as_yaml(loaded)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "scrubjay.yaml").write_text(text)
    again = load(tmp_path / "again", strict=True)
    secret = {"capture.token", "http.proxy"}
    for key in FIELDS:
        if key not in secret:
            assert value_of(again.settings, key) == value_of(loaded.settings, key), key
    assert "hunter2" not in text


def test_json_has_plain_values(load_text: LoadText) -> None:
    text = as_json(load_text(RICH))
    assert "hunter2" not in text
    document = json.loads(text)
    assert document["limits"]["max_event_size"] == 1048576
    assert document["relay"]["trusted_proxies"] == ["10.0.0.0/8"]
    assert document["capture"]["token"] == "***"
    assert document["spool"]["envelopes"]["fsync"] == "interval"
