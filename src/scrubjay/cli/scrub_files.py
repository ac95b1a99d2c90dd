"""Files that `scrubjay scrub` reads and writes: one JSON document, JSON lines or an envelope, compressed or not.

What a file holds is told by its content, what it is compressed with by its first bytes. A file is written in the form it was read in.
"""

from __future__ import annotations

import gzip
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import zstandard

from scrubjay.core.envelope import Envelope, Item, TooDeep, decode_json, parse_envelope
from scrubjay.core.inflate import inflate
from scrubjay.core.items import classify
from scrubjay.errors import BadRequest, Rejected, ScrubjayError

STDIN: Final = "-"
_MAX_BYTES: Final = 4 * 1024**3
_ENCODINGS: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_SUFFIXES: Final = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
# Members of an envelope's first line; a line of JSON lines that has no others is no event worth sending.
_ENVELOPE_MEMBERS: Final = frozenset(("event_id", "dsn", "sdk", "sent_at", "trace"))


class UnreadableFile(ScrubjayError):
    """A file that cannot be opened, or that holds nothing of what can be scrubbed."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where payloads come from. `name` is for messages, `path` None for standard input, `relative` its place in a folder of output."""

    name: str
    path: Path | None
    relative: Path

    @property
    def size_bytes(self) -> int:
        """On the disk; 0 for what has no size yet."""
        try:
            return self.path.stat().st_size if self.path is not None else 0
        except OSError:
            return 0


@dataclass(slots=True)
class Part:
    """One payload of a file, under the name that messages give it. `dropped`: it may not leave."""

    name: str
    item: Item
    dropped: bool = False


@dataclass(slots=True)
class PayloadFile(ABC):
    """The payloads of one file. `problems` names what is left out of it."""

    source: Source
    parts: list[Part] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @abstractmethod
    def written(self) -> bytes:
        """What is left of it, in the form it came in."""

    @property
    def size_bytes(self) -> int:
        return sum(len(part.item.payload) for part in self.parts)


@dataclass(slots=True)
class Document(PayloadFile):
    """One JSON document."""

    def written(self) -> bytes:
        return b"".join(bytes(part.item.payload) for part in self.parts if not part.dropped)


@dataclass(slots=True)
class Lines(PayloadFile):
    """A JSON document on each line."""

    def written(self) -> bytes:
        return b"".join(bytes(part.item.payload) + b"\n" for part in self.parts if not part.dropped)


@dataclass(slots=True)
class EnvelopeFile(PayloadFile):
    """Items and headers."""

    envelope: Envelope = field(default_factory=lambda: Envelope({}, []))

    def written(self) -> bytes:
        kept = [part.item for part in self.parts if not part.dropped]
        self.envelope.items = kept
        return self.envelope.serialize() if kept else b""


def expand(files: Iterable[str]) -> list[Source]:
    """The sources that a command line names; a folder stands for the files in and below it."""
    sources = []
    for file in files:
        path = Path(file)
        if file == STDIN:
            sources.append(Source("standard input", None, Path("stdin")))
        elif path.is_dir():
            sources += [
                Source(str(one), one, one.relative_to(path)) for one in sorted(path.rglob("*")) if one.is_file()
            ]
        else:
            sources.append(Source(file, path, Path(path.name)))
    return sources


def read_file(source: Source, item_type: str) -> PayloadFile:
    """`item_type`: what JSON that is in no envelope is. Raises: UnreadableFile."""
    name = source.name
    data = _decompressed(_bytes(source.path), name)
    if is_envelope(data):
        return _read_envelope(data, source)
    if _is_json(data):
        return Document(source, [Part(name, _item(data, item_type))])
    lines = Lines(source)
    for number, line in enumerate(data.split(b"\n"), 1):
        if _is_json(line):
            lines.parts.append(Part(f"{name}:{number}", _item(line.strip(), item_type)))
        elif line.strip():
            lines.problems.append(f"{name}:{number}: no JSON")
    if not lines.parts:
        raise UnreadableFile(f"{name}: neither JSON, JSON lines nor an envelope")
    return lines


def read_bytes(name: str) -> bytes:
    """What a file holds, or standard input for `-`, decompressed. Raises: UnreadableFile."""
    return _decompressed(_bytes(None if name == STDIN else Path(name)), name)


def write_file(target: Path, data: bytes) -> None:
    """Compressed as the target's name says. Raises: UnreadableFile."""
    compress = _SUFFIXES.get(target.suffix, bytes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compress(data))
    except OSError as error:
        raise UnreadableFile(f"{target}: cannot be written: {error.strerror or error}") from None


def _bytes(path: Path | None) -> bytes:
    try:
        return sys.stdin.buffer.read() if path is None else path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be opened: {error.strerror or error}") from None


def _decompressed(data: bytes, name: str) -> bytes:
    encoding = next((known for magic, known in _ENCODINGS.items() if data.startswith(magic)), None)
    if encoding is None:
        return data
    try:
        return inflate(encoding, data, _MAX_BYTES)
    except Rejected as error:
        raise UnreadableFile(f"{name}: {'; '.join((error.detail, *error.causes))}") from None


def is_envelope(data: bytes) -> bool:
    """Whether its first two lines are those of an envelope; anything else that holds JSON is a document, or several."""
    first, _, rest = data.lstrip().partition(b"\n")
    header, item = _object(first), _object(rest.lstrip().partition(b"\n")[0])
    return (
        header is not None
        and header.keys() <= _ENVELOPE_MEMBERS
        and item is not None
        and isinstance(item.get("type"), str)
    )


def _object(line: bytes) -> dict[str, object] | None:
    try:
        value = decode_json(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _is_json(data: bytes) -> bool:
    try:
        decode_json(data)
    except TooDeep:
        return True
    except ValueError:
        return False
    return True


def _item(payload: bytes, item_type: str) -> Item:
    item = Item({"type": item_type}, payload)
    classify(item)
    return item


def _read_envelope(data: bytes, source: Source) -> PayloadFile:
    try:
        envelope = parse_envelope(data)
        for item in envelope.items:
            classify(item)
    except BadRequest as error:
        raise UnreadableFile(f"{source.name}: {'; '.join((error.detail, *error.causes))}") from None
    return EnvelopeFile(source, list(_named(envelope, source.name)), envelope=envelope)


def _named(envelope: Envelope, name: str) -> Iterator[Part]:
    for number, item in enumerate(envelope.items, 1):
        yield Part(f"{name}: item {number} ({item.type})", item)
