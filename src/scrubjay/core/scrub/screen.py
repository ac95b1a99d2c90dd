"""The screen: one multi-pattern automaton per program that says which detectors and keys may occur in raw JSON bytes.

It may over-report, it must never under-report (scrubbing.md 16). The answer is a bit set: ALWAYS, and one bit for each detector,
word or key that may be there; every bit if the bytes are spelled in a way that the patterns do not cover. Without hyperscan every
answer is every bit, which is correct and slow. What the bits mean is up to `program.py`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec

from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.literals import CAPITALS, CONVERTED, NUMBERS, Literals
from scrubjay.core.scrub.matching import ALWAYS

hyperscan: Any = None
with suppress(ImportError):  # platforms without it take the full walk
    import hyperscan

EVERY: Final = -1
# The place of a value whose bytes are not those of the scanned document.
NOWHERE: Final = -1
PLACE: Final = 16
PATTERN: Final = (1 << PLACE) - 1
BEYOND: Final = 1 << 62
# Of one document; a text made of digits alone matches at every byte.
_MOST_MATCHES: Final = 20_000

# Signs that concern a payload as a whole.
HUGE_NUMBER: Final = 2
META: Final = 4
SURROGATE: Final = 8
GRAPHQL: Final = 16
ADDRESS: Final = 32
_FIRST_BIT: Final = 6

# Spellings that no pattern covers: escaped ASCII (but for `< > & '` and control characters, which serialisers write so and no
# detector has inside), U+0000, and the two letters outside ASCII that equal `s` and `k` when case is ignored.
_UNCOVERED = (
    r"\\u00(?:00|2[0-5]|2[89a-f]|3[0-9abdf]|[4-7])",
    r"\xc5\xbf|\\u017f",
    r"\xe2\x84\xaa|\\u212a",
)
# What decoding takes for another character: `%41`, and in forms a plus that stands for a space.
_PERCENT = r"%[0-9a-f]{2}|[0-9a-z),.:;=-]\+[0-9a-z(-]"
_EXPONENT = r"[0-9.]e\+?[0-9]{1,2}[,}\]\s]"
# A number that may be out of range: three digits of exponent. Digits of hashes look alike, so a closer look follows.
_HUGE = r"[0-9.]e\+?[0-9]{3}"
_NUMBER_END = re.compile(rb"[0-9]*\s*(?:[,}\]]|\Z)")
_SIGN_PATTERNS = (
    (_HUGE, False, HUGE_NUMBER),
    ('"_meta"', False, META),
    (r"\\u(?:d[89ab]|d[c-f])", False, SURROGATE),
    ("api_target", False, GRAPHQL),
    (r"\{\{auto|infer_ip|javascript|cocoa|objc", False, ADDRESS),
    *((pattern, False, EVERY & ~(HUGE_NUMBER | SURROGATE)) for pattern in _UNCOVERED),
)
_HUGE_PATTERN: Final = 0
# The first of each ten decimal digits outside ASCII (Unicode 16, general category Nd).
_DECIMALS = """
660 6f0 7c0 966 9e6 a66 ae6 b66 be6 c66 ce6 d66 de6 e50 ed0 f20 1040 1090 17e0 1810 1946 19d0 1a80 1a90 1b50 1bb0 1c40 1c50 a620
a8d0 a900 a9d0 a9f0 aa50 abf0 ff10 104a0 10d30 10d40 11066 110f0 11136 111d0 112f0 11450 114d0 11650 116c0 116d0 116da 11730 118e0
11950 11bf0 11c50 11d50 11da0 11de0 11f50 16130 16a60 16ac0 16b50 16d70 1ccf0 1d7ce 1d7d8 1d7e2 1d7ec 1d7f6 1e140 1e2f0 1e4f0
1e5f1 1e950 1fbf0
"""


@cache
def _decimal_patterns() -> tuple[str, ...]:
    """Decimal digits outside ASCII, as UTF-8 and as escapes: each pattern a fixed beginning and a class for either of the last two units.

    Many short patterns compile and run faster than few long ones, and these are as few as can be without taking other characters.
    """
    digits = [chr(int(start, 16) + offset) for start in _DECIMALS.split() for offset in range(10)]
    encoded = {(raw[:-2], raw[-2], raw[-1]) for raw in (digit.encode() for digit in digits)}
    escaped = {(escape[:-2], escape[-2], escape[-1]) for escape in map(_escape_pattern, digits)}
    return (
        *(f"{_hex(start)}[{_hex(bytes(middle))}][{_hex(bytes(last))}]" for start, middle, last in _classes(encoded)),
        *(f"{start}[{''.join(middle)}][{''.join(last)}]" for start, middle, last in _classes(escaped)),
    )


def _classes(spellings: set[tuple[Any, Any, Any]]) -> list[tuple[Any, list[Any], list[Any]]]:
    """Beginning, units before the last, last units, such that every combination of them is one of the spellings."""
    before: dict[tuple[Any, Any], set[Any]] = {}
    for start, middle, last in spellings:
        before.setdefault((start, last), set()).add(middle)
    lasts: dict[tuple[Any, tuple[Any, ...]], list[Any]] = {}
    for (start, last), middles in sorted(before.items()):
        lasts.setdefault((start, tuple(sorted(middles))), []).append(last)
    return [(start, list(middles), last) for (start, middles), last in lasts.items()]


def _hex(raw: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in raw)


def _escape_pattern(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(rf"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


@dataclass(slots=True)
class ScreenBuilder:
    """Collects what the rules of a program look for; hands out bits."""

    _patterns: list[tuple[str, bool, int]] = field(default_factory=list)
    _bits: dict[object, int] = field(default_factory=dict)
    # Patterns that count for many bits.
    _shared: defaultdict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))
    _next: int = _FIRST_BIT
    _is_built: bool = False
    key_patterns: list[tuple[Any, int]] = field(default_factory=list)
    percent: int = 0
    exponent: int = 0

    def __post_init__(self) -> None:
        self._patterns += _SIGN_PATTERNS
        self.percent = self._add(_PERCENT)
        self.exponent = self._add(_EXPONENT)

    def _add(self, *patterns: str, exact_case: bool = False) -> int:
        bit = 1 << self._next
        self._next += 1
        for pattern in patterns:
            self._patterns.append((pattern, exact_case, bit))
        return bit

    def detector_bit(self, detector: Detector) -> int:
        bit = self._bits.get(detector.name)
        if bit is None:
            bit = self._bits[detector.name] = self._add(*detector.screen, exact_case=detector.exact_case)
            if detector.unicode_digits:
                self._shared[_decimal_patterns()] |= bit
        return bit

    def literal_bit(self, literals: Literals, *, in_keys: bool) -> int:
        """The bit of what a user's pattern must hold. `in_keys`: keys are looked at too."""
        bit = self._bits.get(("literals", literals))
        if bit is None:
            bit = self._bits["literals", literals] = self._add(*literals.patterns)
            self._shared[CONVERTED,] |= bit
        if literals.unicode_digits:
            self._shared[_decimal_patterns()] |= bit
        if literals.numbers:
            self._shared[NUMBERS] |= bit
        if in_keys:
            self._shared[CAPITALS,] |= bit
        return bit

    def key_bit(self, key: str) -> int:
        """The bit of a key in any JSON spelling; ALWAYS if it can arise without its bytes, or the screen is built already."""
        if key.isdecimal() or any(ord(character) < 0x20 or character in '"\\%' for character in key) or not key:
            return ALWAYS
        bit = self._bits.get(("key", key))
        if bit is None and self._is_built:
            return ALWAYS
        if bit is None:
            bit = self._bits["key", key] = self._add("".join(map(_key_character, key)))
        return bit

    def field_bit(self, name: str) -> int:
        """The bit of a field that the protocol names: it stands in quotes, and in no other form; ALWAYS as with other keys."""
        bit = self._bits.get(("field", name))
        if bit is None and self._is_built:
            return ALWAYS
        if bit is None:
            bit = self._bits["field", name] = self._add(re.escape(name) + '"')
        return bit

    def key_pattern_bit(self, pattern: Any) -> int:
        """The bit, in a key's verdict, of a pattern over keys."""
        for known, bit in self.key_patterns:
            if known.pattern == pattern.pattern and known.options.case_sensitive == pattern.options.case_sensitive:
                return bit
        bit = 1 << len(self.key_patterns)
        self.key_patterns.append((pattern, bit))
        return bit

    def build(self) -> Screen:
        self._is_built = True
        shared = [(pattern, False, bits) for patterns, bits in self._shared.items() for pattern in patterns]
        return _shared_screen([*self._patterns, *shared])


def _key_character(character: str) -> str:
    """One character of a key in any JSON spelling. Names of tags turn spaces into dashes; form data has `+` for a space."""
    if character in " -":
        return "[ +-]"
    if character == "/":
        return r"\\*/"
    if character in "<>&'":
        return f"(?:{re.escape(character)}|{_escape_pattern(character)})"
    if character.isascii():
        return re.escape(character)
    return f"(?:{_hex(character.encode('utf-8', 'surrogatepass'))}|{_escape_pattern(character)})"


class Screen:
    """The compiled automaton. Scratch space is not shared, so that documents may be scanned in several threads at once."""

    def __init__(self, patterns: list[tuple[str, bool, int]]) -> None:
        self._bits = [bits for _, _, bits in patterns]
        self._spare: list[Scan] = []
        self._database: Any = None
        if hyperscan is not None:
            caseless = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_CASELESS
            self._database = _database(
                [(pattern, hyperscan.HS_FLAG_DOTALL if exact_case else caseless) for pattern, exact_case, _ in patterns]
            )

    def borrow(self) -> Scan:
        """A scan for one document; give it back afterwards."""
        try:
            return self._spare.pop()
        except IndexError:
            return Scan(self._database, self._bits)

    def give_back(self, scan: Scan) -> None:
        self._spare.append(scan)


_screens: WeakValueDictionary[tuple[bool, bytes], Screen] = WeakValueDictionary()


def _shared_screen(patterns: list[tuple[str, bool, int]]) -> Screen:
    """The screen of these patterns, one for all programs that look for the same: compiling it is the dearest part of a program."""
    content = (hyperscan is not None, sha256(repr(patterns).encode()).digest())
    screen = _screens.get(content)
    if screen is None:
        screen = _screens[content] = Screen(patterns)
    return screen


class Scan:
    """One look at a document that serves every value in it.

    `matches`: where in the document each match ends, ascending, and in the low bits which pattern it is; the last one lies beyond
    every document. `bits` is what the patterns stand for.
    """

    __slots__ = ("_look", "_seen", "bits", "matches")

    def __init__(self, database: Any, bits: list[int]) -> None:
        self.bits = bits
        self.matches: list[int] = []
        self._seen: list[int] = []
        self._look = _never if database is None else _looker(database, self._seen)

    def document(self, data: bytes) -> tuple[int, int]:
        """What a document shows, and its place for `opening`: 0, or NOWHERE where each value has to be looked at by itself."""
        if not self._look(data):
            return EVERY, NOWHERE
        self._seen.sort()
        self.matches = [*self._seen, BEYOND]
        found = self._found()
        if found & HUGE_NUMBER and not any(
            match & PATTERN == _HUGE_PATTERN and _NUMBER_END.match(data, match >> PLACE) for match in self._seen
        ):
            found &= ~HUGE_NUMBER
        return found, 0

    def __call__(self, value: bytes | msgspec.Raw) -> int:
        """What a value shows."""
        return self._found() if self._look(value) else EVERY

    def _found(self) -> int:
        found, bits = ALWAYS, self.bits
        for match in self._seen:
            found |= bits[match & PATTERN]
        return found


def _never(_data: bytes | msgspec.Raw) -> bool:
    """The look of the full walk: nothing is known of any value."""
    return False


def _looker(database: Any, seen: list[int]) -> Callable[[bytes | msgspec.Raw], bool]:
    """A function that fills `seen`; False if there is too much to see."""
    scratch, scan, add = hyperscan.Scratch(database), database.scan, seen.append

    def on_match(pattern: int, _start: int, end: int, _flags: int, _context: object) -> bool:
        add(end << PLACE | pattern)
        return len(seen) > _MOST_MATCHES

    def look(data: bytes | msgspec.Raw) -> bool:
        seen.clear()
        try:
            scan(data, on_match, 0, None, scratch)
        except hyperscan.ScanTerminated:
            return False
        return True

    return look


@cache
def _signs() -> Screen:
    return Screen(list(_SIGN_PATTERNS))


def signs(data: bytes) -> int:
    """What a payload shows that concerns it as a whole, whatever its rules."""
    screen = _signs()
    scan = screen.borrow()
    found, _ = scan.document(data)
    screen.give_back(scan)
    return found


def _database(patterns: list[tuple[str, int]]) -> Any:
    """Patterns with their flags, compiled; a match reports the place of its pattern."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[pattern.encode() for pattern, _ in patterns],
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[flags for _, flags in patterns],
    )
    return database
