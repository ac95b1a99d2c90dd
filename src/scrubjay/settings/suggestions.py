"""What an operator probably meant: the nearest key, and a spelling of a value that its field would take.

Owns how what was written is shown in a message: on one line, not too long, without passwords. Guesses are only ever offered, never taken.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

_MOST_SHOWN: Final = 80
_USER: Final = re.compile(r"(?<=://)[^/@\s]+@")
"""The part of a URL that may hold a password."""

_YES: Final = frozenset({"yes", "y", "1", "enabled", "enable"})
_NO: Final = frozenset({"no", "n", "0", "disabled", "disable"})
_NAMED: Final = {"localhost": "127.0.0.1", "*": "0.0.0.0"}  # noqa: S104 - a word for another
_AMOUNT: Final = re.compile(r"([\d.]+)\s*([A-Za-z]+)")
_UNITS: Final = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("msec", "millis", "milliseconds"), "ms"),
    **{letter: f"{letter.upper()}B" for letter in "kmgt"},
    **{f"{letter}b": f"{letter.upper()}B" for letter in "kmgt"},
    **{f"{letter}ib": f"{letter.upper()}iB" for letter in "kmgt"},
}
"""Units as people write them, in lower case."""


def shown(text: str) -> str:
    """A value in a message."""
    masked = _USER.sub("***@", text)[: 2 * _MOST_SHOWN]
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in masked)
    return f"`{line[:_MOST_SHOWN]}…`" if len(line) > _MOST_SHOWN else f"`{line}`"


def nearest_key(key: str, known: Collection[str]) -> str:
    """The dotted key that was probably meant: of the same name elsewhere, or of a similar one; empty if there is none."""
    name = key.rpartition(".")[2]
    namesakes = [other for other in known if other.rpartition(".")[2] == name]
    close = difflib.get_close_matches(key, namesakes or known, n=1, cutoff=0.0 if len(namesakes) == 1 else 0.6)
    return close[0] if close else ""


def nearest_word(word: str, known: Collection[str], *, cutoff: float = 0.5) -> str:
    """One of a few words; empty if none is near. `cutoff`: more for words that could mean anything."""
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[close[0]] if close else ""


def nearest_value(text: str, words: Collection[str], takes: Callable[[str], bool]) -> str:
    """A spelling that `takes` likes; empty if nobody would guess one. `words`: what is accepted word by word."""
    return next((guess for guess in _spellings(text, words) if guess != text and takes(guess)), "")


def _spellings(text: str, words: Collection[str]) -> Iterator[str]:
    bare = text.strip().strip("\"'").strip()
    lower = bare.lower()
    yield from (bare, lower)
    if lower in _YES:
        yield "true"
    if lower in _NO:
        yield "false"
    near = nearest_word(bare, words)
    if near:
        yield near
    if amount := _AMOUNT.fullmatch(bare):
        yield f"{amount[1]}{_UNITS.get(amount[2].lower(), amount[2])}"
    yield bare.replace("_", "").replace(",", "")
    if lower in _NAMED:
        yield _NAMED[lower]
    if "://" not in bare and "." in bare:
        yield f"https://{bare}"
    if "://" in bare:
        scheme, _, rest = bare.partition("://")
        yield f"{scheme}://{rest.rpartition('@')[2].partition('/')[0]}"
    if bare and not bare.startswith("/"):
        yield f"/{bare}"
