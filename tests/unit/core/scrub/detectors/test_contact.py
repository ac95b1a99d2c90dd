"""Detectors of `contact`: the golden vectors of scrubbing.md 10, their own examples, and hostile input against the clock."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.detectors import contact
from support import detecting, scrubbing

DETECTORS = detecting.detectors_of(contact)


@pytest.mark.parametrize("vector", detecting.vectors_of(DETECTORS), ids=lambda vector: f"{vector[0]}-{vector[1]!a:.40}")
def test_golden_vectors(vector: tuple[str, str, str, object]) -> None:
    rule, text, out, meta = vector
    assert detecting.redacted(rule, text) == (out, meta)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_examples(detector: detecting.Detector) -> None:
    for example in detector.examples:
        assert detecting.takes(detector, example), example
        assert detecting.is_flagged(detector, example), example
    for example in detector.counterexamples:
        assert not detecting.takes(detector, example), example


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_hostile_input_takes_linear_time(detector: detecting.Detector) -> None:
    for hostile in detecting.hostile_texts(detector):
        assert detecting.growth(detector, hostile) < 8, hostile[:40]


@pytest.mark.parametrize(("profile", "left"), [("parity", "[ip] ::2 [ip]"), ("strict", "[ip] [ip] [ip]")])
def test_addresses_that_share_a_character(profile: str, left: str) -> None:
    """scrubbing.md 14, G2: the second of two addresses with one character between them"""
    program = scrubbing.default_program(profile)
    assert scrubbing.scrub(program, {"extra": {"a": "::1 ::2 ::3"}})["extra"]["a"] == left
