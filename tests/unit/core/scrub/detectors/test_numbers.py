"""Detectors of `numbers`: the golden vectors of scrubbing.md 10, their own examples, and hostile input against the clock."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.detectors import numbers
from support import detecting

DETECTORS = detecting.detectors_of(numbers)


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
