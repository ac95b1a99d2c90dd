"""Detectors of `network`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay.core.scrub.detectors import network
from scrubjay.errors import ConfigError
from support import detecting, scrubbing

TestExamples = detecting.contract(network)
TestFurther = detecting.further_contract(network)

TEXT = "198.51.100.77 10.1.2.3 127.0.0.1 ::1 2001:db9:1:2::3 fd00::1 fe80::1%eth0"


@pytest.mark.parametrize(
    ("switches", "left"),
    [
        ({}, "[ip] [ip] [ip] [ip] [ip] [ip] [ip]"),
        ({"keepPrivate": True}, "[ip] 10.1.2.3 [ip] [ip] [ip] fd00::1 fe80::1%eth0"),
        ({"keepLoopback": True}, "[ip] [ip] 127.0.0.1 ::1 [ip] [ip] [ip]"),
        ({"truncate": True}, "198.51.100.0 10.1.2.0 127.0.0.0 :: 2001:db9:1:: fd00:: fe80::"),
        (
            {"truncate": True, "keepPrivate": True, "keepLoopback": True},
            "198.51.100.0 10.1.2.3 127.0.0.1 ::1 2001:db9:1:: fd00::1 fe80::1%eth0",
        ),
    ],
)
def test_switches(switches: dict[str, Any], left: str) -> None:
    rules = {"r": {"type": "ip_strict", "redaction": {"method": "replace", "text": "[ip]"}, **switches}}
    program = scrubbing.config_program({"rules": rules, "applications": {"$string": ["r"]}}, "strict")
    once = scrubbing.scrub(program, {"extra": {"x": TEXT}})["extra"]["x"]
    assert once == left
    assert scrubbing.scrub(program, {"extra": {"x": once}})["extra"]["x"] == left


def test_a_switch_is_true_or_false() -> None:
    with pytest.raises(ConfigError, match="true or false"):
        scrubbing.config_program({"rules": {"r": {"type": "ip_strict", "truncate": 24}}}, "strict")
