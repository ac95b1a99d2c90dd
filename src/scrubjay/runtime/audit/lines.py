"""The lines of the audit log, and how they hang together (scrubbing.md 15.8).

Each line is one JSON object with its number and the SHA-256 of the bytes of the line before, over all files of a slot. Owns their
form and reading them back; writing files is `chain.py`'s, judging them `verify.py`'s.

Invariant: nothing that came with a payload stands in a line but ids: the project's, the event's, and in paths what `places.py` lets through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

START: Final = "0" * 64
"""What the first line of all has in place of a hash."""

_NAME: Final = re.compile(r"audit-(\d+)\.(\d{6,})\.jsonl", re.ASCII)


class Line(msgspec.Struct, tag_field="kind", kw_only=True):
    """`n` counts from 1, without a gap."""

    n: int = 0
    prev: str = ""


class Opened(Line, tag="open"):
    """A process began to write this file, or went on with it."""

    time: str
    slot: int
    file: int
    version: str


class Figures(Line, tag="rule"):
    """What one rule did in one project on one day since the last such line: the sum of all lines of a day is that of the day.

    `tried`: what a rule on trial would have done.
    """

    day: str
    project: int | None
    rule: str
    tried: bool = False
    hits: int = 0
    bytes: int = 0
    nodes: int = 0
    whole: int = 0
    items: int = 0


class Items(Line, tag="items"):
    """How many items of one project ended how on one day since the last such line.

    `unscrubbed`: they left although they could not be scrubbed.
    """

    day: str
    project: int | None
    clean: int = 0
    scrubbed: int = 0
    dropped: int = 0
    unscrubbed: int = 0


class ItemLine(Line, tag="item"):
    """One item. `rules`: hits and bytes by rule; `places`: path, rule, code of the remark."""

    time: str
    project: int | None
    type: str
    id: str | None
    revision: str
    key: str | None
    outcome: str
    rules: dict[str, tuple[int, int]]
    places: list[tuple[str, str, str]]


class Torn(Line, tag="torn"):
    """What stands between the line whose hash is `after` and this one was cut off by a kill or a full disk."""

    after: str


class Lost(Line, tag="lost"):
    """So many lines could not be written and are given up."""

    lines: int


AnyLine = Opened | Figures | Items | ItemLine | Torn | Lost

_DECODER: Final[msgspec.json.Decoder[AnyLine]] = msgspec.json.Decoder(AnyLine)


def encode(line: Line) -> bytes:
    """Without the line break."""
    return msgspec.json.encode(line)


def decode(raw: bytes) -> AnyLine | None:
    """None if it is no line of ours."""
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def hash_of(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def file_name(slot: int, number: int) -> str:
    return f"audit-{slot}.{number:06d}.jsonl"


def files_by_slot(folder: Path) -> dict[int, list[tuple[int, Path]]]:
    """The files of each slot with their numbers, in order."""
    found: dict[int, list[tuple[int, Path]]] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match is not None:
            found.setdefault(int(match[1]), []).append((int(match[2]), path))
    return {slot: sorted(files) for slot, files in sorted(found.items())}


def read_lines(path: Path) -> Iterator[AnyLine]:
    """What can be read of a file, whole or not."""
    with path.open("rb") as file:
        for raw in file:
            line = decode(raw.rstrip(b"\n"))
            if line is not None:
                yield line
