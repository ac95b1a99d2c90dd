"""Detectors of `entropy`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import entropy
from support import detecting, scrubbing

TestExamples = detecting.contract(entropy)
TestFurther = detecting.further_contract(entropy)


def test_hashes_count_if_asked_for() -> None:
    text = "api_key=da39a3ee5e6b4b0d3255bfef95601890afd80709"
    for switches, left in (({}, text), ({"hashes": False}, text), ({"hashes": True}, "api_key=")):
        rules = {"r": {"type": "secret_entropy", **switches}}
        program = scrubbing.config_program({"rules": rules, "applications": {"$string": ["r"]}}, "strict")
        assert scrubbing.scrub(program, {"extra": {"x": text}})["extra"]["x"] == left
    for identifier in ("6f1d2c3b-4a59-4e6f-8c7d-0123456789ab", "https://a.example/b1c2d3e4f5a6b7c8d9"):
        assert not entropy.is_secret(identifier.encode(), hashes=True)
