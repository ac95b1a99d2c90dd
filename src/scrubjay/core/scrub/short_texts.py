"""Short texts are searched by the regular expressions of the standard library, which begin five times sooner than RE2.

That engine may backtrack, so only texts up to MAX_BYTES are searched by it, in which the worst detector costs some 20 us; and only those in ASCII, where
the two engines mean the same by every construct that is allowed here. Patterns with any other construct stay with RE2, as do
all patterns that users write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from scrubjay.core.scrub.detector import SPACE, WORD
from scrubjay.core.scrub.redact import Finder, Span

MAX_BYTES: Final = 80
# Classes as they are among ASCII characters.
_ASCII: Final = ((SPACE, r"\t-\r "), (WORD, "a-zA-Z0-9_"))
# What both engines know and read alike: escapes of punctuation and control characters, word boundaries, non-capturing groups, `(?i)`.
_OTHER_ESCAPE: Final = re.compile(r"\\[^\W_tnrfvbx]|\\x\{|\(\?(?![:is])|\(\?s")
_END: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\$)", re.DOTALL)


def short_texts(pattern: str, group: int, long: Finder) -> Finder:
    """A finder that finds what `long` finds: the spans of one group of `pattern`, which takes part in each match."""
    compiled = _compiled(pattern)
    if compiled is None:
        return long
    iterate = compiled.finditer

    def find(text: bytes) -> Sequence[list[Span]]:
        if len(text) > MAX_BYTES or not text.isascii():
            return long(text)
        return [[match.span(group)] for match in iterate(text)]

    return find


def short_occurs(pattern: str, long: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """Whether `pattern` is found anywhere, which is what `long` tells."""
    compiled = _compiled(pattern)
    if compiled is None:
        return long
    search = compiled.search

    def occurs(text: bytes) -> bool:
        if len(text) > MAX_BYTES or not text.isascii():
            return long(text)
        return search(text) is not None

    return occurs


def _compiled(pattern: str) -> re.Pattern[bytes] | None:
    """For ASCII texts; None if the engines may not agree."""
    for wide, ascii_only in _ASCII:
        pattern = pattern.replace(wide, ascii_only)
    if _OTHER_ESCAPE.search(pattern) is not None:
        return None
    # Here `$` would match before a last line break too.
    return re.compile(_END.sub(lambda found: r"\Z" if found[1] else found[0], pattern).encode())
