"""Scrubbing as a library call."""

from __future__ import annotations

import pytest

import scrubjay
from scrubjay.core.scrub import library
from scrubjay.errors import ConfigError, Unscrubbable

CONFIG = {"applications": {"$string": ["@ip"]}}


def test_scrub_event() -> None:
    assert scrubjay.scrub_event(b'{"extra":{"x":"192.0.2.1"}}', CONFIG).startswith(b'{"extra":{"x":"[ip]"}')
    payload = b'{"extra": {"x": "y"}}'
    assert scrubjay.scrub_event(payload, CONFIG) is payload


def test_programs_are_cached_by_content() -> None:
    library._program.cache_clear()
    for _ in range(3):
        scrubjay.scrub_event(b"{}", {"applications": {"$string": ["@ip"]}})
    assert library._program.cache_info().misses == 1


def test_profile() -> None:
    payload = rb'{"extra":{"x":"\ud800"}}'
    assert scrubjay.scrub_event(payload, CONFIG, profile="strict") == rb'{"extra":{"x":"\ufffd"}}'
    with pytest.raises(Unscrubbable):
        scrubjay.scrub_event(payload, CONFIG)


@pytest.mark.parametrize("config", [[], 5, {"applications": {"$string": {5}}}, {"rules": object()}])
def test_unusable_configs(config: object) -> None:
    with pytest.raises(ConfigError):
        scrubjay.scrub_event(b"{}", config)  # type: ignore[arg-type]
