"""Detectors in tests: golden vectors, their own examples in every spelling, hostile texts."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from scrubjay.core.scrub import patterns
from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.finders import finder_of
from scrubjay.core.scrub.json_text import decode_any
from scrubjay.core.scrub.screen import ScreenBuilder
from support import scrubbing

# Rule of the vectors by detector.
FAMILIES = {"us_ssn": "usssn", "url_auth": "urlauth", "url_password": "urlauth:legacy", "password": "password value"}

HOSTILE_SECONDS = 2.0
"""For 100,000 characters, on a busy machine."""


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
    if detector.whole:
        return patterns.compile_pattern(detector.pattern).search(text) is not None
    if not detector.pattern and detector.find is None:
        return []
    return finder_of(detector)(text)


def taken(detector: Detector, text: str) -> list[str]:
    """The parts that are redacted."""
    raw = text.encode()
    return [raw[start:end].decode() for match in spans(detector, raw) for start, end in match]


def _in_ascii(value: Any) -> str:
    return json.dumps(value)


def _as_php_writes(value: Any) -> str:
    return scrubbing.spell(value, random.Random(1), slashes=True, gaps=True)


def _with_escapes(value: Any) -> str:
    return scrubbing.spell(value, random.Random(2), escapes=0.2, slashes=True)


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


SPELLINGS = (_plain, _in_ascii, _as_php_writes, _with_escapes)


def scrubbed(detector: Detector, member: dict[str, Any], spelling: Callable[[Any], str] = _plain) -> Any:
    """A member of an event under the detector's own rule."""
    rule = detector.name if detector.country else detector.family
    program = scrubbing.config_program({"applications": {"$string": [f"@{rule}"]}}, "strict")
    out = scrub_document(program, spelling({"event_id": "0" * 32, "extra": member}).encode(), "event")
    return member if out is None else decode_any(out)["extra"]


def is_flagged(detector: Detector, text: str) -> bool:
    """Whether the detector's own screen flags the text, as JSON."""
    builder = ScreenBuilder()
    bit = builder.detector_bit(detector)
    scan = builder.build().borrow()
    return bool(scan(scrubbing.spell(text, scrubbing.random.Random(0)).encode()) & bit)


def varied(text: str, turn: random.Random) -> str:
    """The text with other white space, separators, case and surroundings here and there."""
    out = []
    for character in text:
        choice = turn.random()
        if character in " \t\n" and choice < 0.3:
            character = turn.choice((" ", "\t", "\n", "  ", "\u00a0", "\u2009", "\r\n", ", "))
        elif character in " -./" and choice < 0.2:
            character = turn.choice((" ", "-", ".", "/", "", "\u2011"))
        elif character.isdigit() and choice < 0.05:
            character = turn.choice(
                (character + " ", character + "-", chr(0xFF10 + int(character)), chr(0x660 + int(character)))
            )
        elif choice < 0.03:
            character = character.swapcase()
        out.append(character)
    around = ("", "a ", "é", "\n", "<b>", "x=", '"', "'", "(", "\t", "/", "&amp;", "…")
    return turn.choice(around) + "".join(out) + turn.choice(around)


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

        @pytest.mark.no_cover  # which would be what is measured
        @each
        def test_hostile_input_takes_linear_time(self, detector: Detector) -> None:
            for hostile in hostile_texts(detector):
                # What is quadratic is so each time; a neighbour on the same processor is not.
                assert any(growth(detector, hostile) < 8 for _ in range(3)), hostile[:40]

    if not vectors_of(detectors):
        del Contract.test_golden_vectors  # the reference has no such detectors
    return Contract


def further_contract(module: ModuleType) -> type:
    """What each detector beyond the reference has to pass as well: its own rule, in every spelling, below keys, under attack."""
    detectors = detectors_of(module)
    each = pytest.mark.parametrize("detector", detectors, ids=lambda detector: detector.name)

    class FurtherContract:
        @each
        def test_own_rule_takes_examples_in_every_spelling(self, detector: Detector) -> None:
            for example in detector.examples:
                plain = scrubbed(detector, {"x": example})
                assert detector.replacement in plain["x"], example
                for spelling in SPELLINGS:
                    assert scrubbed(detector, {"x": example}, spelling) == plain, example
            left = {str(place): text for place, text in enumerate(detector.counterexamples)}
            assert scrubbed(detector, left) == left

        @each
        def test_scrubbing_twice_is_scrubbing_once(self, detector: Detector) -> None:
            once = scrubbed(detector, {"x": list(detector.examples)})
            assert scrubbed(detector, once) == once

        @each
        def test_what_counts_below_a_telling_key(self, detector: Detector) -> None:
            beside = detector.beside
            for key, text in beside.examples if beside else ():
                for member in ({key: text}, {"list": [[key, text], ["a", "b"]]}, {"o": {key: text}}):
                    for spelling in SPELLINGS:
                        assert detector.replacement in str(scrubbed(detector, member, spelling)), member
                nodes = {key: {"a": 1}, f"{key}_": 5}
                assert scrubbed(detector, nodes) == nodes
            for key, text in beside.counterexamples if beside else ():
                assert scrubbed(detector, {key: text}) == {key: text}

        @each
        def test_no_variation_that_is_taken_escapes_the_screen(self, detector: Detector) -> None:
            builder = ScreenBuilder()
            bit = builder.detector_bit(detector)
            scan = builder.build().borrow()
            turn, taken_ones = random.Random(3), 0
            for example in detector.examples:
                for _ in range(60):
                    text = varied(example, turn)
                    if not takes(detector, text):
                        continue
                    taken_ones += 1
                    for spelling in SPELLINGS:
                        assert scan(spelling({"x": text}).encode()) & bit, text
            assert taken_ones

        @pytest.mark.no_cover  # which would be what is measured
        @each
        def test_hostile_input_of_100_000_characters_is_bounded(self, detector: Detector) -> None:
            for hostile in hostile_texts(detector):
                text = (hostile * (100_000 // len(hostile) + 1))[:100_000].encode()
                started = time.thread_time()
                spans(detector, text)
                assert time.thread_time() - started < HOSTILE_SECONDS, hostile[:40]

        @each
        def test_is_described(self, detector: Detector) -> None:
            assert detector.family
            assert detector.takes
            assert detector.replacement
            assert detector.examples
            assert detector.counterexamples

    return FurtherContract
