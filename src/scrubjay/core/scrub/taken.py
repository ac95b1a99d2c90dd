"""Words take whole texts, but not where they only name what was taken already (scrubbing.md 15.6).

So the rest of a URL, or of JSON inside a text, stays readable once the values below telling names are gone; also when it comes by again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from scrubjay.core.scrub.redact import FILTERED

_WRITTEN: Final = re.escape(FILTERED).encode()
_IN_QUERY: Final = f"={FILTERED}".encode()
# U+0000 stands for what is redacted.
_PARAMETER: Final = re.compile(rb"(?:^|(?<=[?&;#]))[^=&?#;\s/@]+=(?:\0|" + _WRITTEN + rb")(?=[&#;]|$)")
_WHITE_SPACE: Final = re.compile(rb"\s")
_IN_JSON: Final = f'"{FILTERED}'.encode()
# Quotes of JSON inside of JSON have backslashes before them.
_MEMBER: Final = re.compile(rb'\\*"[^"\\]*\\*"\s*:\s*\\*"' + _WRITTEN + rb'\\*"')


def beside_parameters(occurs: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """A test of a query or a URL that passes over names of parameters whose value was taken."""

    def occurs_beside(text: bytes) -> bool:
        if (b"=\0" in text or _IN_QUERY in text) and _WHITE_SPACE.search(text) is None:
            text = _PARAMETER.sub(b"", text)
        return occurs(text)

    return occurs_beside


def beside_members(occurs: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    """A test of a text that, where it is JSON, passes over keys whose value was taken."""

    def occurs_beside(text: bytes) -> bool:
        if _IN_JSON in text and text.lstrip()[:1] in (b"{", b"["):
            text = _MEMBER.sub(b"", text)
        return occurs(text)

    return occurs_beside
