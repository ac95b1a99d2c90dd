"""Scrubbing as a library call."""

from __future__ import annotations

import doctest
import json
from typing import Any

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


def test_the_examples_of_the_documentation() -> None:
    assert doctest.testmod(scrubjay) == (0, 3)


@pytest.mark.parametrize(
    "event", [b'{"extra":{"x":"192.0.2.1"}}', '{"extra":{"x":"192.0.2.1"}}', {"extra": {"x": "192.0.2.1"}}]
)
def test_the_same_kind_comes_back(event: bytes | str | dict[str, Any]) -> None:
    scrubbed = scrubjay.scrub_event(event, CONFIG)
    assert type(scrubbed) is type(event)
    assert (scrubbed if isinstance(scrubbed, dict) else json.loads(scrubbed))["extra"] == {"x": "[ip]"}
    assert scrubjay.scrub_event(event, {}) is event


def test_an_event_is_not_changed_in_place() -> None:
    event = {"extra": {"x": "192.0.2.1"}}
    scrubjay.scrub_event(event, CONFIG)
    assert event == {"extra": {"x": "192.0.2.1"}}


def test_settings_and_the_default_rules() -> None:
    event = {"extra": {"password": "x", "note": "192.0.2.1"}}
    assert scrubjay.scrub_event(event)["extra"] == {"password": "[Filtered]", "note": "[ip]"}
    assert scrubjay.scrub_event(event, settings={"scrubIpAddresses": True})["extra"] == {
        "password": "x",
        "note": "[ip]",
    }
    both = scrubjay.scrub_event(
        event, {"applications": {"extra.password": ["@anything:mask"]}}, settings={"scrubIpAddresses": True}
    )
    assert both["extra"] == {"password": "*", "note": "[ip]"}


@pytest.mark.parametrize("event", [{"extra": object()}, {1j: 2}, '{"a":"\ud800"}', [1], "[]", b"nonsense"])
def test_what_cannot_be_scrubbed(event: object) -> None:
    with pytest.raises(Unscrubbable):
        scrubjay.scrub_event(event, CONFIG)  # type: ignore[type-var]


def test_nesting_without_end() -> None:
    event: dict[str, Any] = {}
    event["extra"] = event
    with pytest.raises(Unscrubbable):
        scrubjay.scrub_event(event, CONFIG)


@pytest.mark.parametrize("settings", [[], 5, {"scrubData": 1}, {"scrubData": object()}])
def test_unusable_settings(settings: object) -> None:
    with pytest.raises(ConfigError):
        scrubjay.scrub_event(b"{}", settings=settings)  # type: ignore[arg-type]
