"""What a pattern can match, as a tree that is true of every match or says "unknown" (scrubbing.md 3.5, 16).

Reads RE2's own words, as `patterns.translate` writes them. Case is ignored throughout and places between characters (`^`, `\\b`, …)
are nothing, so the tree may accept more than the pattern, never less. Whatever this reader does not know, it does not guess: in a
class it makes the symbol one that can be anything, outside it raises `UnknownSyntax`. Who asks is `literals.py`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, TypeAlias

import re2

_MAX_DEPTH: Final = 100
# Characters outside ASCII that a class may list before it counts as anything.
_MAX_OTHERS: Final = 20
_ASCII: Final = 0x80
_LAST_CASED: Final = 0x1FFFF

_CHARACTER_ESCAPES = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_BETWEEN = frozenset("AbBz")
_HEX = re.compile(r"\\x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")
_PROPERTY = re.compile(r"\\[pP](?:\{[^}]*\}|.)", re.DOTALL)
_REPEAT = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_GROUP = re.compile(r"\(\?(?:P?<\w+>|[a-zA-Z-]*:)")
_FLAGS = re.compile(r"\(\?[a-zA-Z-]*\)")
_DECIMALS = r"\p{Nd}"


class UnknownSyntax(ValueError):
    """The pattern holds something that this reader does not know."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One character: one of `characters` in either case, or, with `digits`, a decimal digit of any script. None: any at all."""

    characters: frozenset[str] | None
    digits: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """One node after the other; none: the empty text."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several nodes."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A node `low` to `high` times; None: without end."""

    node: Node
    low: int
    high: int | None


Node: TypeAlias = Symbol | Sequence | Choice | Repeat

ANYTHING: Final = Symbol(None)
_DIGITS: Final = Symbol(frozenset("0123456789"), digits=True)


def read_pattern(translated: str) -> Node:
    """The tree of a pattern that RE2 compiles. Raises UnknownSyntax."""
    reader = _Reader(translated)
    node = reader.choice(0)
    if reader.at < len(translated):
        raise UnknownSyntax("unexpected )")
    return node


@cache
def _cased_text() -> bytes:
    """Every character that can have a case."""
    return "".join(chr(point) for point in range(_LAST_CASED) if not 0xD800 <= point < 0xE000).encode()


@lru_cache(maxsize=4096)
def same_but_for_case(character: str) -> frozenset[str]:
    """A character outside ASCII and those that RE2 takes for it when case is ignored: RE2 itself is asked."""
    found = re2.findall(rb"(?i)\x{%x}" % ord(character), _cased_text())
    return frozenset((character, *(raw.decode() for raw in found)))


class _Reader:
    """Recursive descent over one pattern; `at` is the offset of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def choice(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise UnknownSyntax("nested too deeply")
        options = [self._sequence(depth)]
        while self._next() == "|":
            self.at += 1
            options.append(self._sequence(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while (character := self._next()) and character not in "|)":
            parts.append(self._repeated(self._atom(character, depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, node: Node) -> Node:
        character = self._next()
        if character in ("*", "+", "?"):
            self.at += 1
            node = Repeat(node, int(character == "+"), 1 if character == "?" else None)
        elif bounds := _REPEAT.match(self.text, self.at):
            self.at = bounds.end()
            low = int(bounds[1])
            node = Repeat(node, low, low if bounds[2] is None else int(bounds[3]) if bounds[3] else None)
        else:
            return node
        if self._next() == "?":  # lazy: the same texts
            self.at += 1
        if self._next() in ("*", "+", "?") or _REPEAT.match(self.text, self.at):
            raise UnknownSyntax("repeated repetition")
        return node

    def _atom(self, character: str, depth: int) -> Node:
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if character in "*+?" or self.text.startswith("{,", self.at):
            raise UnknownSyntax("nothing to repeat")
        self.at += 1
        if character == ".":
            return ANYTHING
        return Sequence() if character in "^$" else _symbol(character)

    def _group(self, depth: int) -> Node:
        if flags := _FLAGS.match(self.text, self.at):
            self.at = flags.end()
            return Sequence()
        if opening := _GROUP.match(self.text, self.at):
            self.at = opening.end()
        elif self.text.startswith("(?", self.at):
            raise UnknownSyntax("unknown group")
        else:
            self.at += 1
        node = self.choice(depth + 1)
        if self._next() != ")":
            raise UnknownSyntax("unclosed group")
        self.at += 1
        return node

    def _escape(self) -> Node:
        """An escape outside a class."""
        letter = self.text[self.at + 1 : self.at + 2]
        if letter in _BETWEEN and letter:
            self.at += 2
            return Sequence()
        if self.text.startswith(_DECIMALS, self.at):
            self.at += len(_DECIMALS)
            return _DIGITS
        if other := _PROPERTY.match(self.text, self.at):
            self.at = other.end()
            return ANYTHING
        character = self._escaped_character()
        if character is None:
            raise UnknownSyntax(f"unknown escape \\{letter}")
        return _symbol(character)

    def _escaped_character(self) -> str | None:
        """The character of an escape that means one."""
        if hexadecimal := _HEX.match(self.text, self.at):
            point = int(hexadecimal[1] or hexadecimal[2], 16)
            if point > sys.maxunicode or 0xD800 <= point < 0xE000:
                return None
            self.at = hexadecimal.end()
            return chr(point)
        letter = self.text[self.at + 1 : self.at + 2]
        if letter.isascii() and not letter.isalnum() and letter and letter != "_":
            self.at += 2
            return letter
        if letter in _CHARACTER_ESCAPES:
            self.at += 2
            return _CHARACTER_ESCAPES[letter]
        return None

    def _class(self) -> Symbol:
        """A class. One that is negated, or holds what is not known here, can be anything."""
        self.at += 1
        known = self._next() != "^"
        if not known:
            self.at += 1
        characters: set[str] = set()
        digits = False
        first = self.at
        while (character := self._next()) != "]" or self.at == first:
            if not character:
                raise UnknownSyntax("unclosed class")
            if self.text.startswith("[:", self.at) and (end := self.text.find(":]", self.at)) > 0:
                known, self.at = False, end + 2
            elif self.text.startswith(_DECIMALS, self.at):
                digits = True
                self.at += len(_DECIMALS)
                known = known and not self._is_range()
            elif other := _PROPERTY.match(self.text, self.at):
                known, self.at = False, other.end()
            else:
                known = self._range(characters) and known
        self.at += 1
        if not known or sum(not character.isascii() for character in characters) > _MAX_OTHERS:
            return ANYTHING
        return _fold(characters | _DIGITS.characters if digits and _DIGITS.characters else characters, digits=digits)

    def _is_range(self) -> bool:
        return self._next() == "-" and self.text[self.at + 1 : self.at + 2] != "]"

    def _range(self, characters: set[str]) -> bool:
        """Read one character or range of a class; whether it is understood."""
        low = self._class_character()
        if low is None:
            return False
        if not self._is_range():
            characters.add(low)
            return True
        self.at += 1
        if self.text.startswith("[:", self.at) or _PROPERTY.match(self.text, self.at):
            return False
        high = self._class_character()
        if high is None or ord(high) - ord(low) > _ASCII:
            return False
        characters.update(map(chr, range(ord(low), ord(high) + 1)))
        return True

    def _class_character(self) -> str | None:
        """One character of a class; None for an escape that is not known here."""
        character = self._next()
        if not character:
            raise UnknownSyntax("unclosed class")
        if character != "\\":
            self.at += 1
            return character
        escaped = self._escaped_character()
        if escaped is None:
            self.at += 2
        return escaped


@lru_cache(maxsize=4096)
def _symbol(character: str) -> Symbol:
    return _fold({character}, digits=False)


def _fold(characters: set[str] | frozenset[str], *, digits: bool) -> Symbol:
    folded: set[str] = set()
    for character in characters:
        folded |= {character.lower(), character.upper()} if character.isascii() else same_but_for_case(character)
    return Symbol(frozenset(folded), digits)
