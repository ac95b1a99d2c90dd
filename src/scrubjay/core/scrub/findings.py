"""What looks personal whatever the rules are: the detectors of suspects, what they find, and where in a payload that is (scrubbing.md 15.2).

The detectors are a fixed list: those with a check digit or a form of their own, so that few innocent values are named. `findings` asks them
about one text. `places` asks the screen about a payload as a whole, and them only about what it flags, so that whoever surveys
a document for suspects need not look at the rest; it may name too many places, never too few.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from scrubjay.core.scrub.closures import closed_gaps
from scrubjay.core.scrub.json_text import (
    BRACE,
    BRACKET,
    QUOTE,
    WORDS,
    Raw,
    as_text,
    encode,
    text_bytes,
)
from scrubjay.core.scrub.key_verdicts import KeyVerdicts
from scrubjay.core.scrub.literals import Literals
from scrubjay.core.scrub.opening import open_array, open_object
from scrubjay.core.scrub.redact import Finder, Span, Text
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.rules import Rule, RuleSet
from scrubjay.core.scrub.screen import BEYOND, EVERY, NOWHERE, PATTERN, Scan, Screen, ScreenBuilder
from scrubjay.core.scrub.trace import Trace
from scrubjay.settings.scrub import Scrub

RULES: Final = ("@card", "@email", "@iban_strict", "@ip_strict", "@jwt", "@private_key", "@secret_entropy")
# A number with an exponent, which as a text has other digits. What follows it tells it from the digits of hashes.
_EXPONENT: Final = r"[0-9.]e[+-]?[0-9]+[,}\]\s]"
_WHITE: Final = b" \t\r\n"


class Finding(NamedTuple):
    """What a detector found in a text; `spans` are bytes of it."""

    detector: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Detectors:
    """The rules that look for suspects, compiled. `finders` are all of theirs, with the screen's bits of each rule.

    `numbers`: the bit of numbers that are spelled with other digits. `bits`: all that is of interest in a payload.
    """

    rules: tuple[Rule, ...]
    screen: Screen
    verdict: KeyVerdicts
    finders: tuple[tuple[int, Finder], ...]
    numbers: int
    bits: int


@cache
def _detectors() -> _Detectors:
    builder = ScreenBuilder()
    closed = closed_gaps(Scrub(profile="strict"))
    rules = RuleSet({}, builder, closed=closed, further=True).resolve(RULES, "suspects")
    numbers = bits = builder.literal_bit(Literals((_EXPONENT,)), in_keys=False)
    for rule in rules:
        bits |= rule.bits
    finders = tuple((rule.bits, step.find) for rule in rules for step in rule.steps if step.find is not None)
    return _Detectors(rules, builder.build(), KeyVerdicts(builder.key_patterns), finders, numbers, bits)


def findings(value: bytes, key: str | None) -> list[Finding]:
    """What the detectors find in a text below this key."""
    known = _detectors()
    scan = known.screen.borrow()
    hits = scan(encode(value.decode("utf-8", "replace")))
    known.screen.give_back(scan)
    verdict = known.verdict(key) if key is not None else 0
    out = []
    for rule in known.rules:
        if rule.bits & hits or rule.key_bits & verdict:
            trace = Trace()
            trace.apply(rule, Text(value), verdict, hits, ())
            out += [Finding(touch.detector, touch.spans) for touch in trace.touches]
    return out


def may_hold(names: Sequence[str]) -> bool:
    """Whether `findings` may find something in one of these names: most paths are told clean by one look."""
    known = _detectors()
    scan = known.screen.borrow()
    hits = scan(encode([name.encode("utf-8", "replace").decode() for name in names]))
    known.screen.give_back(scan)
    return bool(hits & known.bits)


def places(payload: bytes) -> AbstractSet[NodePath] | None:
    """Where something may be found in a JSON payload: in a text, a number, a key. With each place all that are above it.

    None: anywhere, as the payload is none that can be screened. Whether a key is telling is taken for granted where it may be.
    """
    known = _detectors()
    data = payload.lstrip(_WHITE)
    scan = known.screen.borrow()
    try:
        seen, at = scan.document(data)
        if at != NOWHERE and not seen & known.bits:
            return frozenset()
        # What else was seen would only lead to places where nothing is.
        scan.matches = [match for match in scan.matches if scan.bits[match & PATTERN] & known.bits or match == BEYOND]
        look = _Look(known, scan)
        look.value(data, seen, at, ())
        return look.places if look.is_sure else None
    finally:
        known.screen.give_back(scan)


class _Look:
    """One look into a payload that was scanned."""

    def __init__(self, known: _Detectors, scan: Scan) -> None:
        self.places: set[NodePath] = set()
        self.is_sure = True
        self._known = known
        self._scan = scan
        self._asked: dict[tuple[bytes, int], bool] = {}

    def value(self, data: bytes, hits: int, at: int, path: NodePath) -> None:
        """A value; `hits` is what the screen saw in it and its key, `at` its place."""
        first = data[0]
        if at == NOWHERE:
            self.is_sure = False
        elif first == BRACE:
            self._object(data, at, path)
        elif first == BRACKET:
            self._array(data, at, path)
        elif first == QUOTE:
            self._text(text_bytes(data), hits, path)
        elif first not in WORDS:
            self._text(as_text(data).encode(), EVERY if hits & self._known.numbers else hits, path)

    def _object(self, data: bytes, at: int, path: NodePath) -> None:
        _, _, members = open_object(self._scan, data, at, every=False)
        for key, child, hits, place in members:
            below = (*path, key)
            self._text(key.encode("utf-8", "replace"), hits, below)
            self.value(bytes(child), hits, place, below)

    def _array(self, data: bytes, at: int, path: NodePath) -> None:
        elements, flagged = open_array(self._scan, data, at, every=False)
        for index, child, hits, place in flagged:
            self.value(bytes(child), hits, place, (*path, str(index)))
        if len(elements) == 2 and flagged and flagged[0][0] == 0:
            self._pair(elements, flagged[0][2], path)

    def _pair(self, elements: list[Raw], hits: int, path: NodePath) -> None:
        """The first may be the key of the second."""
        key, child = map(bytes, elements)
        if key[0] == QUOTE:
            below = (*path, "1")
            self._text(text_bytes(key), hits, below)
            if child[0] not in (BRACE, BRACKET):
                self.value(child, hits, 0, below)

    def _text(self, text: bytes, hits: int, path: NodePath) -> None:
        """The same text stands in many places of a document, such as the name of a thread in each of its spans."""
        holds = self._asked.get((text, hits))
        if holds is None:
            search = text.replace(b"\0", b"")
            holds = any(bits & hits and find(search) for bits, find in self._known.finders)
            self._asked[text, hits] = holds
        if holds:
            self.places.update(path[:length] for length in range(1, len(path) + 1))
