"""How one value of a query is compared: as it stands, as a wildcard, as a regular expression, negated (`capture.md` 9.2).

Owns the little language of values: `!` before it turns it round, `~` makes it a regular expression, `*` stands for any text, and a
backslash in front takes the rest literally. Regular expressions are RE2's, so no text takes longer than its length deserves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Literal

from scrubjay.core.envelope import encode_json
from scrubjay.core.scrub.patterns import PatternError, compile_pattern

Test = Callable[[str], bool]
Style = Literal["whole", "part", "end"]
"""What a plain value is compared with: the whole text, any part of it (letter case does not count then), or its end."""

MAX_VALUE_CHARS: Final = 2_000
_PATTERN_BYTES: Final = 8 << 20
_MAX_PROGRAM: Final = 40_000
"""Instructions of a compiled pattern: with these two an e-mail address in Unicode is possible, and no pattern needs more than a second for
the text below."""
MAX_SEARCHED_CHARS: Final = 1 << 20
"""How much of one value a pattern looks at."""
_META: Final = frozenset("\\.+*?()|[]{}^$")


class BadQuery(ValueError):
    """The text says which parameter, and what would do."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value as it was written: what it says, and whether it says it must not be so."""

    text: str
    negated: bool
    form: Literal["plain", "wildcard", "regex"]

    def test(self, style: Style, name: str) -> Test:
        """The predicate without the negation. Raises `BadQuery`."""
        if self.form == "regex":
            return searcher(self.text, name)
        if self.form == "wildcard":
            return _wildcard(self.text, style, name)
        return _plain(self.text, style)


def read_value(raw: str, name: str) -> Value:
    """Raises `BadQuery` for a value that nobody can mean."""
    if len(raw) > MAX_VALUE_CHARS:
        raise BadQuery(f"{name}: a value has at most {MAX_VALUE_CHARS} characters")
    negated = raw.startswith("!")
    text = raw[1:] if negated else raw
    if text.startswith("\\"):
        return Value(text[1:], negated, "plain")
    if text.startswith("~"):
        return Value(text[1:], negated, "regex")
    return Value(text, negated, "wildcard" if "*" in text else "plain")


def searcher(pattern: str, name: str) -> Test:
    """Whether a text holds what a regular expression describes. Raises `BadQuery`."""
    program = compiled(pattern, name)
    return lambda text: program.search(searchable(text)) is not None


def searchable(text: str) -> bytes:
    """As a compiled pattern takes it fastest; halves of surrogate pairs become question marks."""
    return text[:MAX_SEARCHED_CHARS].encode("utf-8", "replace")


def compiled(pattern: str, name: str) -> Any:
    """A pattern that the user wrote. Raises `BadQuery`."""
    if len(pattern) > MAX_VALUE_CHARS:
        raise BadQuery(f"{name}: a regular expression has at most {MAX_VALUE_CHARS} characters")
    try:
        program = compile_pattern(pattern, max_bytes=_PATTERN_BYTES)
    except PatternError as error:
        raise BadQuery(f"{name}: no regular expression of RE2: {error}") from None
    if program.programsize > _MAX_PROGRAM:
        raise BadQuery(f"{name}: this regular expression repeats too much")
    return program


def _plain(wanted: str, style: Style) -> Test:
    if style == "part":
        lowered = wanted.lower()
        return lambda text: lowered in text.lower()
    if style == "end":
        return lambda text: text.endswith(wanted)
    return lambda text: text == wanted


def _wildcard(wanted: str, style: Style, name: str) -> Test:
    body = ".*".join("".join(f"\\{c}" if c in _META else c for c in part) for part in wanted.split("*"))
    opening = {"whole": "(?s)^(?:", "part": "(?is)(?:", "end": "(?s)(?:"}[style]
    return searcher(f"{opening}{body}){'' if style == 'part' else '$'}", name)


def text_of(value: object) -> str:
    """A JSON value as it is compared: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return encode_json(value).decode()
    except (ValueError, TypeError):
        return str(value)


def nearest(name: str, accepted: Iterable[str]) -> str:
    """The end of a sentence about a word that is not `accepted`."""
    accepted = tuple(accepted)
    near = get_close_matches(name, accepted, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; accepted: {', '.join(accepted)}"
