"""Legacy settings: the converted config equals the reference's, `sensitiveFields` ignore case in memory."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay.core.scrub.legacy import convert_settings
from scrubjay.core.scrub.program import compile_program
from scrubjay.errors import ConfigError
from scrubjay.settings.scrub import Scrub
from support import scrubbing


@pytest.mark.parametrize("vector", scrubbing.vectors()["settings"], ids=lambda vector: str(vector["settings"])[:50])
def test_golden_conversions(vector: dict[str, Any]) -> None:
    assert convert_settings(vector["settings"]) == vector["config"]


@pytest.mark.parametrize(
    "settings",
    [
        {"scrubData": True, "sensitiveFields": [" a.b ", "", "key|note", "with space", "é-~&#"]},
        {
            "scrubData": True,
            "scrubDefaults": True,
            "excludeFields": ["note", "bad sel", "!q", "$user && !email", "", "email"],
        },
        {"scrubIpAddresses": True, "scrubDefaults": True, "unknown": 5},
    ],
)
def test_conversion_equals_the_library(settings: dict[str, Any]) -> None:
    from sentry_relay.processing import convert_datascrubbing_config

    assert convert_settings(settings) == convert_datascrubbing_config(settings)


def test_sensitive_fields_ignore_case_in_memory() -> None:
    program = compile_program(
        pii_config=None, settings={"scrubData": True, "sensitiveFields": ["pass"]}, options=Scrub(profile="parity")
    )
    got = scrubbing.scrub(program, {"extra": {"Pass": "1", "pass_no": "2", "v": "my PASS"}})
    assert set(got["extra"].values()) == {"[Filtered]"}


def test_excluded_fields_shield_from_the_base_rules_only() -> None:
    settings = {**scrubbing.SETTINGS, "excludeFields": ["note", "ip_address"]}
    program = compile_program(pii_config=None, settings=settings, options=Scrub(profile="parity"))
    got = scrubbing.scrub(program, {"extra": {"note": "192.0.2.1"}, "user": {"ip_address": "192.0.2.1"}})
    assert got["extra"]["note"] == "192.0.2.1"
    assert got["user"]["ip_address"] is None


def test_settings_that_are_no_object() -> None:
    with pytest.raises(ConfigError):
        convert_settings(5)  # type: ignore[arg-type]
