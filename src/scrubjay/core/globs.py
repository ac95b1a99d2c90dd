"""Globs that users write, compiled once (`decisions.md` 6.5).

Owns the glob syntax in full. A pattern is translated to RE2, which runs in linear time whatever the pattern and the text; a list of
patterns becomes few programs, beside the plain words in it. Matching ignores case by simple lower-casing, character by character: the text is lower-cased, the
literals are at compile time, and classes take in every lower-case letter whose upper-case form they contain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Final

import re2

Matcher = Callable[[str], bool]

_MAX_PATTERN: Final = 1024
_MAX_COMBINATIONS: Final = 10_000
_MAX_PROGRAM: Final = 4096
"""Characters of patterns that are joined into one program; keeps each far below RE2's bound on memory."""

_MAX_PARTS: Final = 8
"""Texts that are looked for one after the other; a program looks for all at once."""
_SYNTAX: Final = re.compile(r"[*?\[\]{}\\]")
_SECOND_CAPITALS: Final = {"\u03f4": "θ", "\u1e9e": "ß", "\u2126": "ω", "\u212a": "k", "\u212b": "å"}
"""The sharp S, theta and the signs of Ohm, Kelvin and Ångström, each with its letter."""

_LETTER_OF: Final = str.maketrans(_SECOND_CAPITALS)
_STAYING: Final = re.compile(f"([İ{''.join(_SECOND_CAPITALS)}])")
_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")


def compile_glob(patterns: Iterable[str], problems: list[str] | None = None, *, quirks: bool = False) -> Matcher:
    """A predicate: does any pattern match the whole text? Broken patterns are skipped, and named in `problems`.

    `quirks`: an unclosed `{` ends the pattern before it, as in the reference (`decisions.md` 12, Q7).
    """
    plain, sources = _Plain(), list[str]()
    for pattern in patterns:
        try:
            source = _translate(pattern, quirks)
        except ValueError as error:
            if problems is not None:
                problems.append(f"pattern {pattern[:80]!r}: {error}; it is skipped")
            continue
        if source and not plain.takes(pattern):
            sources.append(source)
    programs = [_program(group) for group in _groups(sources)]
    if not programs:
        return plain.matcher()
    is_plain = plain.matcher()

    def any_matches(text: str) -> bool:
        return is_plain(text) or any(matches(_lower(text)) is not None for matches in programs)

    return any_matches


class _Plain:
    """Patterns that are a word with or without a `*` at its ends: Python finds those several times faster than a program does."""

    def __init__(self) -> None:
        self._whole: set[str] = set()
        self._starts: list[str] = []
        self._ends: list[str] = []
        self._parts: list[str] = []

    def takes(self, pattern: str) -> bool:
        """Whether the pattern is such a one; it then is among those that are looked for."""
        word = pattern.strip("*")
        if _SYNTAX.search(word):
            return False
        word = "".join(map(_letters, word))
        opens, closes = pattern.startswith("*"), pattern.endswith("*")
        if opens and closes:
            if len(self._parts) == _MAX_PARTS:
                return False
            self._parts.append(word)
        elif opens:
            self._ends.append(word)
        elif closes:
            self._starts.append(word)
        else:
            self._whole.add(word)
        return True

    def matcher(self) -> Matcher:
        whole, starts, ends, parts = self._whole, tuple(self._starts), tuple(self._ends), tuple(self._parts)
        if not (whole or starts or ends or parts):
            return _never

        def matches(text: str) -> bool:
            lowered = _letters(text)
            if lowered in whole or lowered.startswith(starts) or lowered.endswith(ends):
                return True
            return any(part in lowered for part in parts) if parts else False

        return matches


def _never(_text: str) -> bool:
    return False


def _groups(sources: list[str]) -> Iterator[list[str]]:
    group: list[str] = []
    length = 0
    for source in sources:
        if group and length + len(source) > _MAX_PROGRAM:
            yield group
            group, length = [], 0
        group.append(source)
        length += len(source)
    if group:
        yield group


def _program(sources: list[str]) -> Callable[[str], object | None]:
    options = re2.Options()
    options.never_capture = True
    options.dot_nl = True
    options.log_errors = False
    return re2.compile("|".join(f"(?:{source})" for source in sources), options).fullmatch  # type: ignore[no-any-return]


def _lower(text: str) -> str:
    """Lower case, one character for one.

    Python's differs in two letters: a sigma at the end of a word, and the dotted capital I, which becomes two characters and
    stays as it is here. Halves of surrogate pairs, which no pattern can name, become replacement characters.
    """
    if text.isascii():
        return text.lower()
    text = _HALF_PAIR.sub("\ufffd", text).replace("Σ", "σ")
    parts = _STAYING.split(text)
    parts[::2] = [part.lower() for part in parts[::2]]
    return "".join(parts)


def _letters(text: str) -> str:
    """Lower case, with the letter in place of each of its capitals: what literals are compared by."""
    return text.lower() if text.isascii() else _lower(text).translate(_LETTER_OF)


# Translating


def _translate(pattern: str, quirks: bool) -> str:
    """The RE2 source of a glob, empty for a pattern that matches nothing. Raises `ValueError` on a broken one."""
    if len(pattern) > _MAX_PATTERN:
        raise ValueError(f"longer than {_MAX_PATTERN} characters")
    if _HALF_PAIR.search(pattern):
        raise ValueError("holds half a surrogate pair")
    return _Translator(pattern, quirks).translate()


class _Translator:
    def __init__(self, pattern: str, quirks: bool) -> None:
        self._rest = iter(pattern)
        self._quirks = quirks
        self._combinations = 1

    def translate(self) -> str:
        out: list[str] = []
        for character in self._rest:
            if character == "{":
                out.append(self._alternatives())
            elif character == "}":
                raise ValueError("`}` without `{`")
            else:
                out.append(self._token(character))
        return "".join(out)

    def _token(self, character: str) -> str:
        """What means the same inside and outside of braces."""
        if character == "*":
            return ".*"
        if character == "?":
            return "."
        if character == "[":
            return self._class()
        if character == "]":
            raise ValueError("`]` without `[`")
        return _literal(self._escaped() if character == "\\" else character)

    def _escaped(self) -> str:
        for character in self._rest:
            return character
        raise ValueError("ends with a backslash")

    def _alternatives(self) -> str:
        alternatives = [""]
        for character in self._rest:
            if character == "}":
                self._combinations *= len(alternatives)
                if self._combinations > _MAX_COMBINATIONS:
                    raise ValueError(f"more than {_MAX_COMBINATIONS} combinations of alternatives")
                return f"(?:{'|'.join(alternatives)})" if alternatives != [""] else ""
            if character == "{":
                raise ValueError("`{` inside `{`")
            if character == ",":
                alternatives.append("")
            else:
                alternatives[-1] += self._token(character)
        if self._quirks:
            return ""
        raise ValueError("`{` without `}`")

    def _class(self) -> str:
        members = list(self._class_members())
        negated = members[:1] == [("!", False)]
        ranges = _ranges(members[1:] if negated else members)
        if not ranges:
            return ""
        return f"[{'^' if negated else ''}{''.join(_range_source(low, high) for low, high in ranges)}]"

    def _class_members(self) -> Iterator[tuple[str, bool]]:
        """The characters up to the closing bracket, each with whether it was escaped."""
        for character in self._rest:
            if character == "]":
                return
            if character == "[":
                raise ValueError("`[` inside `[`")
            yield (self._escaped(), True) if character == "\\" else (character, False)
        raise ValueError("`[` without `]`")


def _ranges(members: list[tuple[str, bool]]) -> list[tuple[str, str]]:
    """Pairs of first and last character. A hyphen in the middle stretches the range before it: `a-c-e` is a to e."""
    ranges: list[tuple[str, str]] = []
    last = len(members) - 1
    stretches = False
    for position, (character, escaped) in enumerate(members):
        if character == "-" and not escaped and 0 < position < last and not stretches:
            stretches = True
        elif stretches:
            low, _ = ranges.pop()
            if character < low:
                raise ValueError(f"the range {low}-{character} is reversed")
            ranges.append((low, character))
            stretches = False
        else:
            ranges.append((character, character))

    def holds(character: str) -> bool:
        return any(low <= character <= high for low, high in ranges)

    more = [letter for letter, upper in _cased() if holds(upper)]
    more += (capital for capital, letter in _SECOND_CAPITALS.items() if holds(letter))
    return ranges + [(character, character) for character in more] if ranges else []


@cache
def _cased() -> tuple[tuple[str, str], ...]:
    """Every character that has a single upper-case form other than itself, with that form. None is above U+1FFFF."""
    pairs = ((chr(code), chr(code).upper()) for code in range(0x20000))
    return tuple((letter, upper) for letter, upper in pairs if upper != letter and len(upper) == 1)


def _range_source(low: str, high: str) -> str:
    return _code(low) if low == high else f"{_code(low)}-{_code(high)}"


def _literal(character: str) -> str:
    letter = _letters(character)
    capitals = "".join(_code(capital) for capital, its_letter in _SECOND_CAPITALS.items() if its_letter == letter)
    if capitals:
        return f"[{letter}{capitals}]"
    return letter if letter.isalnum() else _code(letter)


def _code(character: str) -> str:
    return f"\\x{{{ord(character):x}}}"
