"""Stack traces of scripts that came over HTTP: which lines to look for, where a map stands, and what was found, frame by frame.

Owns `original` of a frame (`capture.md` 6.4): file, place and lines as somebody wrote them, and what the function was called where it was
called. Looking into maps is `source_maps`', fetching the caller's. Invariants: nothing raises on hostile traces; frames and all their other
keys stay as they came.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from scrubjay.core.capture.context_lines import MAX_FRAMES, Frame, lines_around, place_of
from scrubjay.core.capture.source_maps import Original, Place

_SCHEMES: Final = ("http://", "https://")
_MAX_URL_CHARS: Final = 2048
_MAX_SHOWN_CHARS: Final = 500
_MARK: Final = b"sourceMappingURL="
_COMMENT: Final = re.compile(rb"/[/*][#@][ \t]+\Z")
_LONGEST_COMMENT: Final = 8
_REFERENCE: Final = re.compile(rb"[^\s'\"`*]+")
_ENDS: Final = re.compile(r"\r\n?|\n")

Found = Mapping[tuple[str, Place], Original]
"""By the script's address and the place in it."""


def url_of(frame: Frame) -> str | None:
    """The address of a frame's script, without its fragment."""
    for name in ("abs_path", "filename"):
        named = frame.get(name)
        if isinstance(named, str) and named.lower().startswith(_SCHEMES) and len(named) <= _MAX_URL_CHARS:
            return named.partition("#")[0]
    return None


def scripts_of(trace: Mapping[str, object]) -> dict[str, set[Place]]:
    """Which places of which scripts a trace asks about; those nearest to the error first."""
    scripts: dict[str, set[Place]] = {}
    for frame in reversed(_frames(trace)[-MAX_FRAMES:]):
        at = _at(frame)
        if at is not None:
            scripts.setdefault(at[0], set()).add(at[1])
    return scripts


def map_reference(script: bytes, header: str | None) -> str | None:
    """Where the map of a script is, as its server or the last comment says."""
    if header:
        return header.strip()
    before, mark, after = script.rpartition(_MARK)
    found = _REFERENCE.match(after) if mark and _COMMENT.search(before[-_LONGEST_COMMENT:]) else None
    return None if found is None else found[0].decode("utf-8", "replace")


def inline_map(reference: str) -> bytes:
    """What a `data:` address holds. Raises `ValueError`."""
    kind, comma, data = reference.partition(",")
    if not comma:
        raise ValueError("no data")
    raw = unquote_to_bytes(data)
    try:
        return base64.b64decode(raw) if kind.endswith(";base64") else raw
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def lines_of(text: str) -> list[str]:
    """As compilers count them."""
    return _ENDS.split(text)


def with_originals(trace: Mapping[str, object], found: Found) -> dict[str, object]:
    """The trace with `original` in each frame whose place is known."""
    frames = list(_frames(trace))
    texts: dict[str, list[str]] = {}
    called: str | None = None
    for number, frame in enumerate(frames):
        at = _at(frame)
        original = None if at is None else found.get(at)
        if isinstance(frame, Mapping) and original is not None:
            frames[number] = {**frame, "original": _told(original, called, texts)}
        # A call is written with the name of what it calls: of the frame that follows, if none that we know nothing of is in between.
        called = None if original is None else original.name
    return {**trace, "frames": frames} if frames else dict(trace)


def _told(original: Original, called: str | None, texts: dict[str, list[str]]) -> dict[str, object]:
    told: dict[str, object] = {
        "filename": original.source[-_MAX_SHOWN_CHARS:],
        "lineno": original.place.line,
        "colno": original.place.column,
    }
    if called is not None:
        told["function"] = called[:_MAX_SHOWN_CHARS]
    if original.content is None:
        return told
    if original.source not in texts:
        texts[original.source] = lines_of(original.content)
    return told | lines_around(texts[original.source], *original.place)


def _at(frame: object) -> tuple[str, Place] | None:
    if not isinstance(frame, Mapping):
        return None
    url, place = url_of(frame), place_of(frame)
    return None if url is None or place is None or min(place) < 1 else (url, Place(*place))


def _frames(trace: Mapping[str, object]) -> Sequence[object]:
    frames = trace.get("frames")
    return frames if isinstance(frames, Sequence) and not isinstance(frames, str) else ()
