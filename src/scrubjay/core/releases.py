"""Releases: what they are made of and which comes first (`decisions.md` 6.4).

Owns the grammar `package@version` and the order of versions. A release that names a commit, or anything else that is no version,
has none, and is neither before nor after any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MAX_TEXT: Final = 250
"""Characters of a release, as in the reference; also keeps numbers small enough to be read."""

_FORBIDDEN: Final = re.compile(r"[/\\\r\n\t\f]")
"""Characters that no release holds."""

_COMMIT: Final = re.compile("|".join(f"[0-9A-Fa-f]{{{digits}}}" for digits in (12, 16, 20, 32, 40, 64)))

# After the numbers comes a pre-release behind a hyphen, which may be empty; behind two numbers or more also without one, if it begins
# with a small letter.
_VERSION: Final = re.compile(
    r"""
    (?P<numbers> [0-9]+ (?! [a-z] ) (?: \. [0-9]+ ){0,3} )
    (?: - | (?: - | (?=[a-z]) ) (?P<pre> [0-9A-Za-z-]+ (?: \. [0-9A-Za-z-]+ )* ) )?
    (?: \+ (?P<build> [0-9A-Za-z-]+ (?: \. [0-9A-Za-z-]+ )* ) )?
    """,
    re.VERBOSE,
)

Precedence = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


@dataclass(frozen=True, slots=True)
class Version:
    """`precedence` orders versions; the build has no say in it. `short`: the text without the build."""

    precedence: Precedence
    short: str
    build: str | None


@dataclass(frozen=True, slots=True)
class Release:
    """`commit`: the hash that stands in place of a version."""

    package: str | None = None
    version: Version | None = None
    commit: str | None = None


def parse_release(text: str) -> Release | None:
    """What a release is made of; None for a text that cannot be one."""
    text = text.strip()
    if not text or len(text) > _MAX_TEXT or _FORBIDDEN.search(text):
        return None
    package, separator, rest = text.partition("@")
    if not (package and separator and rest):
        package, rest = "", text
    if _COMMIT.fullmatch(rest):
        return Release(package or None, commit=rest)
    return Release(package or None, _parse_version(rest))


def _parse_version(text: str) -> Version | None:
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    pre = match["pre"].split(".") if match["pre"] else []
    if any(part.isdigit() and part[0] == "0" and part != "0" for part in pre):
        return None
    numbers = [int(number) for number in match["numbers"].split(".")]
    padded = (*numbers, *([0] * (4 - len(numbers))))
    build = match["build"]
    short = text if build is None else text[: -len(build) - 1]
    return Version((padded, not pre, tuple(map(_rank, pre))), short, build)


def _rank(part: str) -> tuple[bool, int, str]:
    """Numbers come before words and compare as numbers."""
    return (False, int(part), "") if part.isdigit() else (True, 0, part)
