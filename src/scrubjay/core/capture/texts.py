"""Every text in what would leave of a record, with its place: what a test says may not occur is looked for here (`capture.md` 9.4).

Names and values of JSON are looked at one by one, decoded, so that no escape hides anything; a recording is unpacked first, and anything
else is read as text. Scrubbing's own remarks (`_meta`) are no part of what somebody said. Nothing here raises on what clients sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.near import printable
from scrubjay.core.capture.values import MAX_SEARCHED_CHARS, BadQuery, compiled, nearest, searchable
from scrubjay.core.envelope import decode_json
from scrubjay.core.inflate import inflate
from scrubjay.errors import Rejected

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

_KINDS: Final = ("regex", "text")
_OVERLAP_CHARS: Final = 4096
_MAX_UNPACKED_BYTES: Final = 32 << 20
_EXCERPT_CHARS: Final = 80
_NO_POINTER: Final = ""

Search = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Forbidden:
    """What may not occur. `search` gives the first occurrence in a text."""

    shown: str
    search: Search


def forbidden(document: object) -> Forbidden:
    """`{"regex": …}`, or `{"text": …}`, which is looked for whatever its letter case. Raises `BadQuery`."""
    if not isinstance(document, Mapping) or len(document) != 1:
        raise BadQuery('absent: {"regex": …} or {"text": …}')
    ((kind, pattern),) = document.items()
    if kind not in _KINDS:
        raise BadQuery(f"absent: unknown member {str(kind)[:80]!r}{nearest(str(kind), _KINDS)}")
    if not isinstance(pattern, str) or not pattern:
        raise BadQuery(f"absent.{kind}: not a text, or an empty one")
    return Forbidden(f"{kind} {pattern}", _by_pattern(pattern) if kind == "regex" else _by_text(pattern))


def occurrences(found: Found, unwanted: Forbidden, most: int) -> list[tuple[str, str]]:
    """Place and excerpt of what should not be there, at most so many."""
    hits: list[tuple[str, str]] = []
    for place, text in texts(found):
        for piece in _pieces(text):
            hit = unwanted.search(piece)
            if hit is not None:
                hits.append((place or "the payload", f'"{printable(hit[:_EXCERPT_CHARS])}"'))
                break
        if len(hits) == most:
            break
    return hits


def texts(found: Found) -> Iterator[tuple[str, str]]:
    """The item's headers, and its payload."""
    yield from _inside(found.item.headers, "/@header")
    document = found.document()
    if document is not None:
        yield from _inside(document, _NO_POINTER, hidden="_meta")
        return
    payload = found.item.payload()
    if payload is None:
        return
    if found.item.type == "replay_recording":
        recording = _unpacked(payload)
        if recording is not None:
            yield from _inside(recording, _NO_POINTER)
            return
    yield _NO_POINTER, payload.decode("utf-8", "replace")


def _inside(document: object, root: str, *, hidden: str = "") -> Iterator[tuple[str, str]]:
    """Names and scalars of a JSON document, in its order, with their pointers."""
    ahead: list[tuple[str, object]] = [(root, document)]
    while ahead:
        place, node = ahead.pop()
        if isinstance(node, Mapping):
            children: list[tuple[str, object]] = []
            for name, child in node.items():
                if name == hidden and place == root:
                    continue
                pointer = f"{place}/{name.replace('~', '~0').replace('/', '~1')}"
                yield pointer, name
                children.append((pointer, child))
            ahead += reversed(children)
        elif isinstance(node, list):
            ahead += reversed([(f"{place}/{index}", child) for index, child in enumerate(node)])
        elif isinstance(node, str):
            yield place, node
        elif isinstance(node, int | float) and not isinstance(node, bool):
            yield place, str(node)


def _unpacked(payload: bytes) -> object:
    """The events of a recording: a line of headers, then JSON, as it is or in zlib."""
    _, _, body = payload.partition(b"\n")
    try:
        return decode_json(body if body[:1] in (b"[", b"{") else inflate("deflate", body, _MAX_UNPACKED_BYTES))
    except (ValueError, Rejected):
        return None


def _by_pattern(pattern: str) -> Search:
    program = compiled(pattern, "absent.regex")

    def search(text: str) -> str | None:
        match = program.search(searchable(text))
        return None if match is None else match[0].decode("utf-8", "replace")

    return search


def _by_text(wanted: str) -> Search:
    lowered = wanted.lower()
    return lambda text: wanted if lowered in text.lower() else None


def _pieces(text: str) -> Iterator[str]:
    """A long text in portions that overlap."""
    if len(text) <= MAX_SEARCHED_CHARS:
        yield text
        return
    step = MAX_SEARCHED_CHARS - _OVERLAP_CHARS
    yield from (text[at : at + MAX_SEARCHED_CHARS] for at in range(0, len(text), step))
