"""Detectors of `contact`: the golden vectors of scrubbing.md 10, their own examples, and hostile input against the clock."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.detectors import contact
from support import detecting, scrubbing

TestContact = detecting.contract(contact)


@pytest.mark.parametrize(("profile", "left"), [("parity", "[ip] ::2 [ip]"), ("strict", "[ip] [ip] [ip]")])
def test_addresses_that_share_a_character(profile: str, left: str) -> None:
    """scrubbing.md 14, G2: the second of two addresses with one character between them"""
    program = scrubbing.default_program(profile)
    assert scrubbing.scrub(program, {"extra": {"a": "::1 ::2 ::3"}})["extra"]["a"] == left
