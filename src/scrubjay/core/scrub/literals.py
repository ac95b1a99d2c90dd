"""What the screen looks for on behalf of a user's pattern: bytes that occur, in some spelling, wherever the pattern matches.

RE2's required-literal analysis, a little further (scrubbing.md 16): of a pattern's tree the best stretch is taken that each match
must hold, a text or short classes such as digits, and written as patterns over raw JSON bytes that accept every spelling of it. At
least three bytes, and rare enough to be worth a look. Whatever could have come to stand together in a text only by conversion
(quotes, commas, brackets, backslashes, control characters) ends a stretch. No such stretch: the pattern is unscreened.

Proved by `fuzz/test_scrub_literals.py`. The screen ignores case, so this does too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import log2
from typing import Final, TypeAlias

from scrubjay.core.scrub.pattern_tree import Node, Repeat, Sequence, Symbol, UnknownSyntax, read_pattern
from scrubjay.core.scrub.patterns import translate

_MIN_BYTES: Final = 3
# What a character says, in bits: one that is certain, the same outside ASCII, one of the ten digits, which come in runs, any other.
_CERTAIN: Final = 5.0
_CERTAIN_OTHER: Final = 8.0
_DIGIT: Final = 2.5
_LEAST: Final = 0.6
# Below this a stretch is everywhere: four digits are, five are not.
_MIN_WEIGHT: Final = 12.0
# Above this a stretch is rare, and the cheaper is the better; above the second it is not made longer.
_RARE_WEIGHT: Final = 30.0
_ENOUGH_WEIGHT: Final = 40.0
_MAX_SYMBOLS: Final = 48
_MAX_ALTERNATIVES: Final = 128
_MAX_STRETCH_ITEMS: Final = 256

_CONTROLS = frozenset(map(chr, (*range(0x20), 0x7F)))
# In a text these may stem from conversion: JSON in a text (5.6), its white space gone; header arrays joined by `,`.
_SEAMS = _CONTROLS | frozenset('"\\,[]{}')
_SPACES = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | frozenset(
    map(chr, range(0x2000, 0x200B))
)
_DIGITS = frozenset("0123456789")
_SIGNS = frozenset("+-")
_IN_NUMBERS = _DIGITS | _SIGNS | frozenset(".e")
_ESCAPED_OFTEN = frozenset("<>&'")
# JSON within JSON doubles the backslashes.
_BACKSLASHES = r"\\+"
# White space other than a space. As bytes themselves only in text that is no JSON.
_RAW_SPACE = rf"{_BACKSLASHES}(?:[tnrf]|u[0-9a-f]{{4}})|[\x09-\x0d]|[\xc2\xe1-\xe3][\x80-\xbf]{{1,2}}"
# What takes part on behalf of all user patterns at once. A control character that is a letter in JSON within a text, spelled as a number,
CONVERTED: Final = r"\\u000[89acd]"
# and how a number may be spelled that has other digits as a text: exponents, small ones, more than a double or 64 bits hold.
NUMBERS: Final = (
    "[0-9.]e[+-]?[0-9]", r"0\.0000", "[0-9]{20}", *(rf"[0-9]{{{whole}}}\.[0-9]{{{17 - whole}}}" for whole in range(1, 17)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Literals:
    """Patterns over raw JSON bytes, caseless, of which one occurs wherever the rule's pattern matches.

    `unicode_digits`: a decimal digit of another script counts as an occurrence. `numbers`: so does a number that may be spelled with
    other digits as a text.
    """

    patterns: tuple[str, ...]
    unicode_digits: bool = False
    numbers: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    """A part of a stretch: how it is spelled, what it says at least, and how many symbols that takes at least and at most.

    `colon`: it may begin with a colon, which after a quotation mark is a seam. `number`: all of it may be part of a number; with
    `sign` only as the sign, which is the first of a number or follows an `exponent`. `dear`: how much more it costs than a character.
    `ways`: the alternatives that it consists of.
    """

    spelling: str
    weight: float
    low: int
    size: int
    digits: bool = False
    colon: bool = False
    number: bool = False
    dear: int = 0
    sign: bool = False
    exponent: bool = False
    ways: tuple[_Item, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """Alternatives of which one must occur."""

    items: tuple[_Item, ...]

    @property
    def score(self) -> float:
        weight = min(item.weight for item in self.items) - log2(len(self.items))
        return _score(weight, sum(item.size for item in self.items), max(item.dear for item in self.items))


# None: a place where anything may stand.
_Stretch: TypeAlias = "list[_Item | _Found | None]"


@lru_cache(maxsize=4096)
def required_literals(pattern: str) -> Literals | None:
    """What the screen must look for; None if nothing is known that would do. The pattern must compile."""
    try:
        found = _best(_stretch(read_pattern(translate(pattern))))
    except UnknownSyntax:
        return None
    if found is None:
        return None
    spellings = dict.fromkeys(item.spelling for item in found.items)
    return Literals(
        tuple(spellings), any(item.digits for item in found.items), any(item.number for item in found.items)
    )


def _best(stretch: _Stretch) -> _Found | None:
    """The most telling alternatives among all that a stretch offers."""
    offers = [entry for entry in stretch if isinstance(entry, _Found)]
    for run in _runs(stretch):
        if window := max(_windows(run), key=lambda offer: offer[0], default=None):
            _, start, end = window
            whole = _joined(run[start:end])
            offers.append(_Found(whole.ways or (whole,)))
    return max(offers, key=lambda found: found.score, default=None)


def _runs(stretch: _Stretch) -> Iterator[list[_Item]]:
    """The pieces between places where anything may stand."""
    run: list[_Item] = []
    for entry in [*stretch, None]:
        if isinstance(entry, _Item):
            run.append(entry)
        else:
            yield run
            run = []


def _windows(run: list[_Item]) -> Iterator[tuple[float, int, int]]:
    """From each place on, the parts that say enough, or as many as may be taken: how good they are, where they begin and end."""
    run = run[:_MAX_STRETCH_ITEMS]
    for start, first in enumerate(run):
        if first.colon or not first.low:
            continue
        weight, low, size, dear, end = 0.0, 0, 0, 0, start
        for place, item in enumerate(run[start:], start + 1):
            if size + item.size > _MAX_SYMBOLS or weight >= _ENOUGH_WEIGHT:
                break
            if item.dear and not dear and low >= _MIN_BYTES and weight >= _MIN_WEIGHT:
                yield _score(weight, size, 0), start, end
            weight, low, size, dear = weight + item.weight, low + item.low, size + item.size, dear + item.dear
            if item.low:
                end = place
        if low >= _MIN_BYTES and weight >= _MIN_WEIGHT:
            yield _score(weight, size, dear), start, end


def _score(weight: float, size: int, dear: int) -> float:
    """A text is compiled and found for next to nothing, whatever else is in a pattern is dear; rare enough is rare enough."""
    return min(weight, _RARE_WEIGHT) + max(weight - _RARE_WEIGHT, 0) / 100 - size / 1000 - dear - bool(dear)


def _stretch(node: Node) -> _Stretch:
    """A node as parts that stand side by side."""
    if isinstance(node, Symbol):
        return [_item(node)]
    if isinstance(node, Sequence):
        return [entry for part in node.parts for entry in _stretch(part)]
    if isinstance(node, Repeat):
        return _repeated(node)
    return _chosen([_stretch(option) for option in node.options])


def _known(stretch: _Stretch) -> list[_Item] | None:
    """The parts of a stretch that is known throughout."""
    items = [entry for entry in stretch if isinstance(entry, _Item)]
    return items if len(items) == len(stretch) else None


def _repeated(node: Repeat) -> _Stretch:
    inner = _stretch(node.node)
    if not inner:
        return []
    items = _known(inner)
    once = _joined(items) if items else None
    if once is not None and node.high is not None and once.size * node.high <= _MAX_SYMBOLS:
        return [_times(once, node.low, node.high)] if node.high else []
    if not node.low:
        return [None]
    if once is None or once.size > _MAX_SYMBOLS:
        return [*inner, None]
    # A match begins with so many of them and ends with so many, which may be the same ones.
    low = min(node.low, _MAX_SYMBOLS // once.size)
    some = _times(once, low, low)
    return [some, None, some]


def _chosen(options: list[_Stretch]) -> _Stretch:
    known = [items for option in options if (items := _known(option)) is not None]
    if len(known) == len(options) and sum(item.size for items in known for item in items) <= _MAX_SYMBOLS:
        ways = tuple(_joined(items) for items in known)
        return [
            _Item(
                f"(?:{'|'.join(way.spelling for way in ways)})",
                min(way.weight for way in ways),
                min(way.low for way in ways),
                sum(way.size for way in ways),
                any(way.digits for way in ways),
                any(way.colon for way in ways),
                any(way.number for way in ways),
                max(way.dear for way in ways) + 2,
                exponent=any(way.exponent for way in ways),
                ways=ways,
            )
        ]
    found = [best for option in options if (best := _best(option)) is not None]
    alternatives = dict.fromkeys(item for best in found for item in best.items)
    if len(found) < len(options) or len(alternatives) > _MAX_ALTERNATIVES:
        return [None]
    return [_Found(tuple(alternatives))]


def _joined(items: list[_Item]) -> _Item:
    """Parts that follow each other, as one; there may be none."""
    if len(items) == 1:
        return items[0]
    begins = next((place for place, item in enumerate(items) if item.low), len(items)) + 1
    return _Item(
        "".join(item.spelling for item in items),
        sum(item.weight for item in items),
        sum(item.low for item in items),
        sum(item.size for item in items),
        any(item.digits for item in items),
        any(item.colon for item in items[:begins]),
        _in_number(items),
        sum(item.dear for item in items),
        exponent=any(item.exponent for item in items),
    )


def _in_number(items: list[_Item]) -> bool:
    """Whether all of these may stand in one number, as a text."""
    if any(item.sign and item.low and not before.exponent for before, item in pairwise(items)):
        return False
    return all(item.number or not item.low for item in items)


def _times(item: _Item, low: int, high: int) -> _Item:
    if low == high == 1:
        return item
    once = item.spelling if item.size == 1 else f"(?:{item.spelling})"
    bounds = f"{{{low}}}" if low == high else "?" if (low, high) == (0, 1) else f"{{{low},{high}}}"
    return replace(
        item,
        spelling=once + bounds,
        weight=item.weight * low,
        low=item.low * low,
        size=item.size * high,
        dear=item.dear + (0 if low == high else 5),
        ways=(),
    )


@lru_cache(maxsize=4096)
def _item(symbol: Symbol) -> _Item | None:
    """One character in any spelling; None if it can be anything, or a seam."""
    if symbol.characters is None or (symbol.characters - _SPACES) & _SEAMS:
        return None
    letters = {character.lower() if character.isascii() else character for character in symbol.characters}
    low = min(len(letter.encode()) for letter in letters)
    certain = _CERTAIN if low == 1 else _CERTAIN_OTHER
    weight = _DIGIT if len(letters) > 1 and letters <= _DIGITS else max(certain - log2(len(letters)), _LEAST)
    in_number = letters & _IN_NUMBERS
    spelling = _spelling(letters)
    return _Item(
        spelling,
        weight,
        low,
        1,
        symbol.digits,
        ":" in letters,
        number=bool(in_number),
        dear=0 if len(spelling) == 1 or (len(spelling) == 2 and spelling[0] == "\\") else spelling.count("|") + 1,
        sign=bool(in_number) and in_number <= _SIGNS,
        exponent="e" in letters,
    )


def _spelling(letters: set[str]) -> str:
    """A pattern for one of some characters, in lower case, as raw JSON bytes."""
    plain = {letter for letter in letters if letter.isascii() and letter not in _CONTROLS and letter != "/"}
    ways = []
    if letters & {" ", "-"}:
        plain |= set(" +-")  # names of tags turn spaces into dashes, forms have `+` for a space
    if plain:
        ways.append(_class(plain))
    if "/" in letters:
        ways.append(r"\\*/")
    if letters & _SPACES - {" "}:
        ways.append(_RAW_SPACE)
    ways += [rf"{_BACKSLASHES}u00{ord(letter):02x}" for letter in sorted(letters & _ESCAPED_OFTEN)]
    for letter in sorted(letters - _SPACES):
        if not letter.isascii():
            ways += ["".join(f"\\x{byte:02x}" for byte in letter.encode()), _escapes(letter)]
    return ways[0] if len(ways) == 1 and len(plain) else f"(?:{'|'.join(ways)})"


def _class(plain: set[str]) -> str:
    if len(plain) == 1:
        return re.escape(*plain)
    codes = sorted(map(ord, plain))
    starts = [code for code in codes if code - 1 not in codes]
    ends = [code for code in codes if code + 1 not in codes]
    ranges = [
        rf"\x{low:02x}-\x{high:02x}" if low < high else rf"\x{low:02x}" for low, high in zip(starts, ends, strict=True)
    ]
    return f"[{''.join(ranges)}]"


def _escapes(letter: str) -> str:
    units = letter.encode("utf-16-be")
    return "".join(rf"{_BACKSLASHES}u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


# For patterns over keys: letters whose capitals, with which the parts of header names begin, hold letters of ASCII.
CAPITALS: Final = '[-"]' + _spelling(set("ßıŉǰẖẗẘẙẚﬀﬁﬂﬃﬄﬅﬆ"))
