"""Regular expressions: the reference's dialect on RE2 (scrubbing.md 3.5), searched leftmost-first over UTF-8 bytes.

Differences that are bridged here: `\\d \\w \\s` are Unicode, `(?x)` is unfolded, `\\u{…}` is understood, an empty match right
after a match is skipped. Left: `\\b` is ASCII and so finds more beside non-ASCII letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import re2

from scrubjay.core.scrub.detector import SPACE, WORD
from scrubjay.core.scrub.redact import MAX_MATCHES, Finder, Span

# The complement of SPACE, written out because a class cannot hold a negated class.
NO_SPACE = (
    r"\x{0}-\x{8}\x{e}-\x{1f}!-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}"
    r"\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}"
)
_INSIDE = {
    "d": r"\p{Nd}",
    "D": r"\P{Nd}",
    "s": SPACE,
    "w": WORD,
    "S": NO_SPACE,
}
_OUTSIDE = {"d": r"\p{Nd}", "D": r"\P{Nd}", "s": f"[{SPACE}]", "S": f"[^{SPACE}]", "w": f"[{WORD}]", "W": f"[^{WORD}]"}
_ESCAPE_U = re.compile(r"\\[uU](?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{4}))")
# What RE2 reads otherwise than the reference, or not at all, inside a class.
_SET_OPERATION = re.compile(r"&&|--|~~")
_FLAGS = re.compile(r"\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])")
OWN_BYTES: Final = 8 << 20
USERS_BYTES: Final = 2 << 20
"""Of a pattern in a config: several times what the reference allows, and some 50 ms to compile at worst."""


class PatternError(ValueError):
    """The text is no usable pattern; the message says why."""


def compile_pattern(pattern: str, *, ignore_case: bool = False, max_bytes: int = OWN_BYTES) -> Any:
    """A compiled RE2 pattern in our dialect. `max_bytes` bounds the engine's memory for it. Raises PatternError."""
    options = re2.Options()
    options.max_mem = max_bytes
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(translate(pattern), options=options)
    except re2.error as error:
        detail = error.args[0]
        raise PatternError(detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)) from None
    except UnicodeEncodeError:
        raise PatternError("lone surrogate") from None


def translate(pattern: str) -> str:
    """The pattern in RE2's own words."""
    out: list[str] = []
    at, in_class, class_start, verbose = 0, False, 0, False
    groups: list[bool] = []  # the verbose flag outside of each open group
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            if unicode_escape := _ESCAPE_U.match(pattern, at):
                out.append(rf"\x{{{unicode_escape[1] or unicode_escape[2]}}}")
                at = unicode_escape.end()
                continue
            escaped = pattern[at + 1 : at + 2]
            out.append((_INSIDE if in_class else _OUTSIDE).get(escaped, character + escaped))
            at += 2
            continue
        if in_class:
            if _SET_OPERATION.match(pattern, at):
                raise PatternError("set operations in a class are not supported")
            if pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0:
                out.append(pattern[at : end + 2])
                at = end + 2
                continue
            if character == "]" and at > class_start:
                in_class = False
            if not (verbose and character.isspace()):
                out.append(character)
            at += 1
            continue
        if character == "[":
            in_class = True
            skip = 2 if pattern.startswith("[^", at) else 1
            out.append(pattern[at : at + skip])
            at += skip
            class_start = at
            continue
        if verbose and character.isspace():
            at += 1
            continue
        if verbose and character == "#":
            at = (pattern.find("\n", at) + 1) or len(pattern)
            continue
        if character == "(" and (flags := _FLAGS.match(pattern, at)):
            on, off, close = flags[1], flags[2] or "", flags[3]
            if close == ":":
                groups.append(verbose)
            verbose = (verbose or "x" in on) and "x" not in off
            out.append(_kept_flags(on, off, close))
            at = flags.end()
            continue
        if character == "(":
            groups.append(verbose)
        elif character == ")" and groups:
            verbose = groups.pop()
        out.append(character)
        at += 1
    return "".join(out)


def _kept_flags(on: str, off: str, close: str) -> str:
    """Flags without `x`, which is unfolded, and `u`, which is always on."""
    if "u" in off:
        raise PatternError("patterns are always Unicode")
    on, off = on.translate({ord("x"): None, ord("u"): None}), off.replace("x", "")
    if not on and not off:
        return "(?:" if close == ":" else "(?:)"
    return f"(?{on}{'-' + off if off else ''}{close}"


def finder(pattern: Any, groups: tuple[int, ...], *, context_shared: bool = False) -> Finder:
    """Matches of `pattern` in UTF-8 bytes, as the spans of those `groups` that took part.

    `context_shared`: what follows the first group ends one match and may begin the next. More than may be redacted are not looked for:
    each search is linear, but there may be as many as there are characters.
    """
    wanted = tuple(group for group in groups if group <= pattern.groups)
    search = pattern.search

    def find(text: bytes) -> Sequence[list[Span]]:
        match = search(text)
        if match is None:
            return ()
        found: list[list[Span]] = []
        at, last_end, size = 0, -1, len(text)
        while match is not None and len(found) <= MAX_MATCHES:
            start, end = match.span()
            if start < end or start != last_end:
                found.append([span for group in wanted if (span := match.span(group))[0] >= 0])
                last_end = end
            at = match.end(groups[0]) if context_shared else end
            if start == end:
                at += 1
                while at < size and text[at] & 0xC0 == 0x80:
                    at += 1
            match = search(text, at) if at <= size else None
        return found

    return find
