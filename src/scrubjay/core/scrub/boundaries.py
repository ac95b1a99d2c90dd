"""Word boundaries beside letters outside ASCII, which RE2 does not know (scrubbing.md 1, 3.5).

Two ways: the text is searched with a stand-in, an ASCII word character that the pattern cannot match, in place of each such
letter; or, where a pattern can match every ASCII word character, its matches are checked and moved afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from scrubjay.core.scrub.redact import Finder, Span

_OTHER = re.compile(r"[^\x00-\x7f]")
_WORD_CATEGORIES = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"))
_MORE_WORDS = (
    (0x200C, 0x200D), (0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189),
)  # fmt: skip
# Equal to `s` and `k` when case is ignored, so a caseless pattern must see them.
_FOLDS_TO_ASCII = "\u017f\u212a"
_ASCII_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def is_word(character: str) -> bool:
    """Whether a character outside ASCII is a word character."""
    if unicodedata.category(character) in _WORD_CATEGORIES:
        return True
    point = ord(character)
    return any(low <= point <= high for low, high in _MORE_WORDS)


def shadow(text: bytes, stand_in: str, *, digits: bool, caseless: bool) -> tuple[bytes, list[int]]:
    """The text to search in place of `text`, and for each byte offset in it the offset in `text`.

    `digits`: decimal digits of other scripts are shown as ASCII digits. `caseless`: letters that equal ASCII ones are kept.
    """
    out: list[bytes] = []
    offsets: list[int] = []
    at = 0
    for character in text.decode("utf-8", "surrogatepass"):
        raw = character.encode("utf-8", "surrogatepass")
        shown = raw
        if len(raw) > 1 and not (caseless and character in _FOLDS_TO_ASCII):
            if digits and character.isdecimal():
                shown = b"%d" % int(character)
            elif stand_in and is_word(character):
                shown = stand_in.encode()
        out.append(shown)
        offsets.extend(range(at, at + len(shown)))
        at += len(raw)
    return b"".join(out), [*offsets, at]


def shadowed(find: Finder, stand_in: str, *, digits: bool, caseless: bool) -> Finder:
    """A finder that searches the shadow of texts outside ASCII."""

    def find_shadowed(text: bytes) -> Sequence[list[Span]]:
        if text.isascii():
            return find(text)
        shown, offsets = shadow(text, stand_in, digits=digits, caseless=caseless)
        return [[(offsets[start], offsets[end]) for start, end in spans] for spans in find(shown)]

    return find_shadowed


def checked(pattern: Any, groups: tuple[int, ...], run: frozenset[int], find: Finder) -> Finder:
    """A finder whose matches begin, and end if they do so in a word, at real boundaries. `find` serves ASCII texts.

    `run`: the bytes that the pattern's beginning can match. A match may have to begin earlier in such a run, after a letter that
    RE2 takes for punctuation.
    """
    search = pattern.search

    def find_checked(text: bytes) -> Sequence[list[Span]]:
        if text.isascii():
            return find(text)
        found = []
        at = last_end = 0
        while (match := search(text, at)) is not None:
            start, end = match.span()
            if text[start] in _ASCII_WORD and _word_ends(text, start):
                at = start + 1
                continue
            if text[end - 1] in _ASCII_WORD and _word_starts(text, end):
                shorter = search(text, start, end - 1)
                if shorter is None or shorter.start() != start:
                    at = end
                    continue
                match = shorter
            first = start
            while first > last_end and text[first - 1] in run:
                first -= 1
            moved = first < start and text[first] not in _ASCII_WORD and _word_ends(text, first)
            at = last_end = match.end()
            found.append(
                [
                    (first if moved and group == 0 else match.start(group), match.end(group))
                    for group in groups
                    if match.start(group) >= 0
                ]
            )
        return found

    return find_checked


def _word_ends(text: bytes, at: int) -> bool:
    """Whether a word character outside ASCII ends at this offset."""
    if not at or text[at - 1] < 0x80:
        return False
    start = at - 1
    while text[start] & 0xC0 == 0x80:
        start -= 1
    return is_word(text[start:at].decode())


def _word_starts(text: bytes, at: int) -> bool:
    """Whether a word character outside ASCII starts at this offset."""
    if at >= len(text) or text[at] < 0x80:
        return False
    end = at + 1
    while end < len(text) and text[end] & 0xC0 == 0x80:
        end += 1
    return is_word(text[at:end].decode())
