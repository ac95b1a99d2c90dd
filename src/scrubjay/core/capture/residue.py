"""Where two JSON documents differ, leaf by leaf, and whether somebody has spoken of the place already.

Remarks (`_meta`) are no part of what is compared. Documents may have any shape; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scrubjay.core.envelope import encode_json

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """`before` and `after` as text; texts as they are, all else as JSON. `after` None: nothing is left."""

    path: Path
    kind: str
    before: str
    after: str | None


def differences(came: object, leaves: object) -> Iterator[Place]:
    """In the order of the document. What is only in `leaves` is not told: scrubbing adds nothing but remarks.

    What is equal as a whole is not walked through.
    """
    ahead: list[tuple[Path, object, object]] = [((), came, leaves)]
    while ahead:
        path, mine, theirs = ahead.pop()
        if isinstance(mine, dict) and isinstance(theirs, dict):
            members = [(name, value, theirs.get(name)) for name, value in mine.items() if name != "_meta"]
            ahead += [((*path, name), one, other) for name, one, other in reversed(members) if one != other]
        elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
            both = list(enumerate(zip(mine, theirs, strict=True)))
            ahead += [((*path, str(place)), one, other) for place, (one, other) in reversed(both) if one != other]
        elif mine != theirs:
            yield Place(path, kind_of(mine), text_of(mine), None if theirs is None else text_of(theirs))


def is_covered(path: Path, others: Iterable[Path]) -> bool:
    """Whether one of the others is this place, above it or below it. A list of pairs may be spoken of by its keys."""
    return any(_is_near(path, other) for other in others)


def _is_near(path: Path, other: Path) -> bool:
    for mine, theirs in zip(path, other, strict=False):
        if mine != theirs:
            return mine.isdigit() and not theirs.isdigit()
    return True


def value_at(document: object, path: Path, absent: object = None) -> object:
    """`absent` where the path leads nowhere."""
    for name in path:
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return absent
    return document


def kind_of(value: object) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"


def text_of(value: object) -> str:
    return value if isinstance(value, str) else encode_json(value).decode()
