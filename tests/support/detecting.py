"""Detectors in tests: golden vectors, their own examples, hostile texts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from scrubjay.core.scrub import boundaries, patterns
from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.screen import ScreenBuilder
from support import scrubbing

# Rule of the vectors by detector.
FAMILIES = {"us_ssn": "usssn", "url_auth": "urlauth", "url_password": "urlauth:legacy", "password": "password value"}


def detectors_of(module: ModuleType) -> list[Detector]:
    return [value for value in vars(module).values() if isinstance(value, Detector)]


def vectors_of(detectors: list[Detector]) -> list[tuple[str, str, str, object]]:
    """Rule, text, what is left of it, remarks."""
    described = scrubbing.vectors()["detectors"]
    out = []
    for detector in detectors:
        for family, vectors in described.items():
            if family == FAMILIES.get(detector.name, detector.name):
                out += [(vectors["rule"], v["in"], v["out"], v["meta"]) for v in vectors["positive"]]
                negative = [v["in"] if isinstance(v, dict) else v for v in vectors.get("negative", ())]
                out += [(vectors["rule"], text, text, None) for text in negative]
    return out


def redacted(rule: str, text: str) -> tuple[str, object]:
    """A text under a rule, and its remarks."""
    program = scrubbing.config_program({"applications": {"$string": [rule]}})
    got = scrubbing.scrub(program, {"extra": {"x": text}})
    return got["extra"]["x"], got.get("_meta", {}).get("extra", {}).get("x", {}).get("")


def takes(detector: Detector, text: str) -> bool:
    return bool(spans(detector, text.encode()))


def spans(detector: Detector, text: bytes) -> Any:
    if detector.find is not None:
        return detector.find(text)
    if not detector.pattern:
        return []
    compiled = patterns.compile_pattern(detector.pattern)
    if detector.whole:
        return compiled.search(text) is not None
    find = patterns.finder(compiled, detector.groups)
    if detector.run:
        find = boundaries.checked(compiled, detector.groups, frozenset(detector.run.encode()), find)
    elif detector.stand_in or detector.unicode_digits:
        find = boundaries.shadowed(find, detector.stand_in, digits=detector.unicode_digits, caseless=False)
    return find(text)


def is_flagged(detector: Detector, text: str) -> bool:
    """Whether the detector's own screen flags the text, as JSON."""
    builder = ScreenBuilder()
    bit = builder.detector_bit(detector)
    scan = builder.build().borrow()
    return bool(scan(scrubbing.spell(text, scrubbing.random.Random(0)).encode()) & bit)


def hostile_texts(detector: Detector) -> Iterator[str]:
    """Texts that begin a match at each place and never end one."""
    for example in (*detector.examples, *detector.counterexamples):
        yield example[:-1]
        yield example[: len(example) // 2]
        yield f"{example[:-1]}é"
    yield from ("a.", "a@", "1-", "0:", "é.", "aé", "/", "-----BEGIN A PRIVATE KEY-----", "a" * 20, "::", "1.2.3.")


def growth(detector: Detector, piece: str) -> float:
    """How much longer four times the text takes; 4 is linear."""

    def seconds(text: bytes) -> float:
        best = 1.0
        for _ in range(3):
            started = time.thread_time()
            spans(detector, text)
            best = min(best, time.thread_time() - started)
        return max(best, 2e-4)

    size = 4_000 // len(piece.encode()) + 1
    return seconds((piece * size * 4).encode()) / seconds((piece * size).encode())


def contract(module: ModuleType) -> type:
    """The tests that each detector of a module has to pass: golden vectors, its own examples, hostile input against the clock."""
    detectors = detectors_of(module)
    each = pytest.mark.parametrize("detector", detectors, ids=lambda detector: detector.name)

    class Contract:
        @pytest.mark.parametrize("vector", vectors_of(detectors), ids=lambda vector: f"{vector[0]}-{vector[1]!a:.40}")
        def test_golden_vectors(self, vector: tuple[str, str, str, object]) -> None:
            rule, text, out, meta = vector
            assert redacted(rule, text) == (out, meta)

        @each
        def test_examples(self, detector: Detector) -> None:
            for example in detector.examples:
                assert takes(detector, example), example
                assert is_flagged(detector, example), example
            for example in detector.counterexamples:
                assert not takes(detector, example), example

        @each
        def test_hostile_input_takes_linear_time(self, detector: Detector) -> None:
            for hostile in hostile_texts(detector):
                assert growth(detector, hostile) < 8, hostile[:40]

    if not vectors_of(detectors):
        del Contract.test_golden_vectors  # the reference has no such detectors
    return Contract
