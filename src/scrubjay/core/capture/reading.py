"""Reading JSON that some client sent, without trusting its shape.

Every function takes any JSON whatsoever and raises nothing: what is not as expected is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

Json = Mapping[str, object]

MAX_TITLE: Final = 200
_LAST_UNIX: Final = 253_402_300_799
"""The last second of the year 9999, the latest that ISO 8601 can write."""


def get(node: object, *path: str) -> object:
    """The value at `path`, None where the path leads nowhere."""
    for name in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(name)
    return node


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def pairs(value: object) -> list[tuple[str, object]]:
    """Members of an object, or of a list of pairs: SDKs send both."""
    if isinstance(value, Mapping):
        return list(value.items())
    return [
        (pair[0], pair[1]) for pair in as_list(value) if isinstance(pair, list) and len(pair) == 2 and text(pair[0])
    ]


def first_line(value: str) -> str:
    stripped = value.strip()
    return stripped.splitlines()[0][:MAX_TITLE] if stripped else ""


def iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(value: object) -> float | None:
    """Seconds since 1970 of a number, of numeric text, or of ISO 8601 (without a zone: UTC); None for anything else."""
    if isinstance(value, str):
        value = _parse_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _LAST_UNIX else None


def _parse_text(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
