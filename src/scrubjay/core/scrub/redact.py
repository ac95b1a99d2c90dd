"""Redacting one text: chunks, matches, what is written in their place, and the remarks about it (scrubbing.md 8).

Works on UTF-8 bytes, because remark ranges count bytes of the text as it stands. Which rule applies where is decided elsewhere;
where remarks are stored is `remarks.py`. A redacted chunk is never searched again, except as one U+0000 in the search text.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from scrubjay.core.scrub.pseudonyms import USUAL_FORM, Form
from scrubjay.errors import Unscrubbable

Span: TypeAlias = tuple[int, int]
# Spans of the groups that a match redacts, in the order of the groups.
Finder: TypeAlias = Callable[[bytes], Sequence[list[Span]]]

_CONTINUATION = bytes(range(0x80, 0xC0))
FILTERED = "[Filtered]"
MAX_MATCHES: Final = 20_000
"""Of one rule in one text; each costs about 10 us, so that more would break the bound of time (scrubbing.md 15.7)."""

_CODES: Final = {"default": "x", "remove": "x", "replace": "s", "mask": "m", "hash": "p", "pseudonym": "p"}


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is written for a match. `method`: default, remove, replace, mask, hash, pseudonym; anything else deletes without a remark.

    `form`: how pseudonyms look; `name` gives them, once a rule has a key.
    """

    method: str = "default"
    text: str = FILTERED
    form: Form = USUAL_FORM
    name: Callable[[bytes], bytes] | None = None
    code: str = field(init=False, repr=False, compare=False)
    """Of its remarks; empty if it leaves none."""
    _text: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", _CODES.get(self.method, ""))
        object.__setattr__(self, "_text", self.text.encode("utf-8", "surrogatepass"))

    def written(self, match: bytes) -> bytes:
        """What stands in the place of a match."""
        if self.method == "replace":
            return self._text
        if self.method == "mask":
            return b"*" * characters(match)
        if self.method == "hash":
            return hmac.digest(b"", match, "sha1").hex().upper().encode()
        return b"" if self.name is None else self.name(match)

    @property
    def removes(self) -> bool:
        return self.method in {"default", "remove"}

    @property
    def writes(self) -> bool:
        return self.method in {"replace", "mask", "hash", "pseudonym"}

    @property
    def joins(self) -> bool:
        """Whether what stood around a match comes together as plain text, where later rules may find something new."""
        return not (self.writes or self.removes)


class Remark(NamedTuple):
    """One entry of `rem`: origin, code, and the range in bytes, absent for whole nodes."""

    origin: str
    code: str
    span: Span | None = None

    def to_json(self) -> list[object]:
        return [self.origin, self.code, *(self.span or ())]


class Text:
    """A text under scrubbing: its bytes, its remarks, its length in characters before the first change (None: never changed)."""

    __slots__ = ("changed", "length", "remarks", "value")

    def __init__(self, value: bytes, remarks: list[Remark] | None = None, length: int | None = None) -> None:
        self.value = value
        self.remarks: list[Remark] = [] if remarks is None else remarks
        self.length = length
        self.changed = False

    @property
    def is_spent(self) -> bool:
        """Whether all of it is one redacted piece, so that nothing more can be found."""
        return len(self.remarks) == 1 and self.remarks[0].span == (0, len(self.value))


class _Chunk(NamedTuple):
    """A stretch of text; redacted if it has an origin."""

    value: bytes
    origin: str = ""
    code: str = ""


def characters(value: bytes) -> int:
    """Code points in UTF-8 bytes."""
    return len(value) if value.isascii() else len(value.translate(None, _CONTINUATION))


def redact(text: Text, finder: Finder, origin: str, redaction: Redaction, *, skip_overlaps: bool) -> None:
    """Redact every match of `finder` in the plain stretches of `text`."""
    if text.remarks or 0 in text.value:
        if text.is_spent:
            return
        _redact_chunks(text, finder, origin, redaction, skip_overlaps=skip_overlaps)
        return
    search = text.value
    matches = finder(search)
    if not matches:
        return
    remarks: list[Remark] = []
    pieces: list[bytes] = []
    cut = at = 0
    for start, end in _places(matches, origin, skip_overlaps=skip_overlaps):
        new = redaction.written(search[start:end])
        at += start - cut
        pieces += (search[cut:start], new)
        if redaction.code:
            remarks.append(Remark(origin, redaction.code, (at, at + len(new))))
        at += len(new)
        cut = end
    pieces.append(search[cut:])
    _settle(text, b"".join(pieces), remarks)


def _places(matches: Sequence[list[Span]], origin: str, *, skip_overlaps: bool) -> list[Span]:
    """What of the matches is redacted, in order."""
    if len(matches) > MAX_MATCHES:
        raise Unscrubbable(f"rule {origin}: more matches than may be redacted")
    places: list[Span] = []
    cut = 0
    for groups in matches:
        for span in groups:
            if span[0] >= cut:
                places.append(span)
                cut = span[1]
            elif not skip_overlaps:
                raise Unscrubbable(f"rule {origin}: replaced groups overlap")
    return places


def _redact_chunks(text: Text, finder: Finder, origin: str, redaction: Redaction, *, skip_overlaps: bool) -> None:
    """The same in a text of which something is redacted already."""
    chunks = _split(text)
    search = text.value if chunks is None else _search_text(chunks)
    matches = finder(search) if search is not None else ()
    if search is None or not matches:
        return
    old = iter([chunk for chunk in chunks or () if chunk.origin])
    out: list[_Chunk] = []
    cut = 0
    for start, end in _places(matches, origin, skip_overlaps=skip_overlaps):
        _plain(out, search[cut:start], old)
        out.append(_redacted(search[start:end], origin, redaction))
        cut = end
    if not out:
        return
    _plain(out, search[cut:], old)
    _join(text, out)


def spans_in(text: Text, finder: Finder) -> list[Span]:
    """Where `redact` would redact something, as ranges of the text as it stands; for explanations, not for the way of every text."""
    chunks = _split(text)
    search = text.value if chunks is None else _search_text(chunks)
    if search is None:
        return []
    # Of each byte of the search text, and of its end, the place in the text.
    places: list[int] = []
    at = 0
    for chunk in chunks or [_Chunk(text.value)]:
        if chunk.origin:
            places.append(at)
        else:
            places += [at + offset for offset, byte in enumerate(chunk.value) if byte]
        at += len(chunk.value)
    places.append(at)
    out: list[Span] = []
    cut = 0
    for start, end in [span for groups in finder(search) for span in groups]:
        if start >= cut:
            out.append((places[start], places[end]))
            cut = end
    return out


def redact_whole(text: Text, occurs: Callable[[bytes], bool], origin: str, redaction: Redaction) -> None:
    """Take the whole text as one match if `occurs` says so of the search text."""
    if text.is_spent:
        return
    chunks = _split(text) if text.remarks or 0 in text.value else None
    search = text.value if chunks is None else _search_text(chunks)
    if search is not None and occurs(search):
        _join(text, [_redacted(search, origin, redaction)])


def lines(search: bytes) -> list[list[Span]]:
    """The finder of `anything`: every piece between line breaks, empty ones included."""
    out = []
    start = 0
    for piece in search.split(b"\n"):
        out.append([(start, start + len(piece))])
        start += len(piece) + 1
    return out


def _search_text(chunks: list[_Chunk]) -> bytes | None:
    """What rules look at: plain stretches, and one U+0000 for each redacted chunk; None if nothing is plain."""
    if all(chunk.origin for chunk in chunks):
        return None
    return b"".join([b"\0" if chunk.origin else chunk.value.replace(b"\0", b"") for chunk in chunks])


def _split(text: Text) -> list[_Chunk] | None:
    """Chunks by the remarks that have ranges; None if the whole text is one plain chunk without U+0000."""
    value, chunks, at = text.value, [], 0
    for remark in text.remarks:
        if remark.span is None:
            continue
        start, end = remark.span
        if start < at or end < start or end > len(value) or _cuts(value, start) or _cuts(value, end):
            break
        if start > at:
            chunks.append(_Chunk(value[at:start]))
        chunks.append(_Chunk(value[start:end], remark.origin, remark.code))
        at = end
    if at < len(value):
        if not chunks and 0 not in value:
            return None
        chunks.append(_Chunk(value[at:]))
    return chunks


def _cuts(value: bytes, at: int) -> bool:
    return at < len(value) and value[at] & 0xC0 == 0x80


def _plain(out: list[_Chunk], piece: bytes, old: Iterator[_Chunk]) -> None:
    """Append a plain stretch of the search text, its U+0000 replaced by the next unused old chunks."""
    while piece:
        at = piece.find(b"\0")
        if at < 0:
            out.append(_Chunk(piece))
            return
        if at:
            out.append(_Chunk(piece[:at]))
        out.append(next(old))  # there is one: the search text has a U+0000 for each old chunk, and no other
        piece = piece[at + 1 :]


def _redacted(match: bytes, origin: str, redaction: Redaction) -> _Chunk:
    return _Chunk(redaction.written(match), origin if redaction.code else "", redaction.code)


def _join(text: Text, chunks: list[_Chunk]) -> None:
    """Make `chunks` the text."""
    remarks = []
    at = 0
    for chunk in chunks:
        end = at + len(chunk.value)
        if chunk.origin:
            remarks.append(Remark(chunk.origin, chunk.code, (at, end)))
        at = end
    _settle(text, b"".join([chunk.value for chunk in chunks]), remarks)


def _settle(text: Text, value: bytes, remarks: list[Remark]) -> None:
    """Give the text its new value. One that stays as it was keeps its old remarks."""
    if value == text.value:
        return
    if text.length is None:
        text.length = characters(text.value)
    text.value, text.remarks, text.changed = value, remarks, True
