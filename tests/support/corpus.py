"""The recorded requests of `corpus/`, one `Recorded` per line of its index."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as a client sent it; `body` has its content encoding undone, `headers` are as they were on the wire."""

    file: str
    client: str
    kind: str
    format: str
    method: str
    target: str
    items: tuple[str, ...]
    content_encoding: str | None
    headers: tuple[tuple[str, str], ...]

    @property
    def body(self) -> bytes:
        return (FOLDER / self.file).read_bytes()

    def __str__(self) -> str:
        return self.file


@cache
def recorded(*wanted: str) -> tuple[Recorded, ...]:
    """All requests, or those of the given formats and kinds (`envelope`, `store`, `csp`, …), in order."""
    found = []
    for line in (FOLDER / "index.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if not wanted or entry["format"] in wanted or entry["kind"] in wanted:
            fields = {name: entry[name] for name in ("file", "client", "kind", "format", "method", "target")}
            headers = tuple((name, value) for name, value in entry["headers"])
            found.append(
                Recorded(
                    **fields, items=tuple(entry["items"]), content_encoding=entry["content_encoding"], headers=headers
                )
            )
    return tuple(found)
