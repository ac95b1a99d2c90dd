"""What all subjects have in common, and the places that events, replays and spans share.

Owns the memory of what was asked, and the reading of tags, headers, times and states. Which names an object has is said beside it:
`events`, `spans`, `records`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Final

from msgspec import Raw

from scrubjay.core.conditions import CLIENT_IP, Subject, Value
from scrubjay.core.items.partial import Payload
from scrubjay.core.networks import Address
from scrubjay.core.subjects.document import Document, array, lenient, members, pairs, text

Reader = Callable[[Document], Value]


class Fields:
    """A subject that reads each field once. This one has no fields but the client's address; `document` is what it was made of."""

    __slots__ = ("_values", "document")

    _reads: ClassVar = False
    """Whether any field comes from the document."""

    def __init__(self, payload: Payload | Raw | None, client_ip: Address | None = None) -> None:
        self.document = Document(payload)
        self._values: dict[str, Value] = {CLIENT_IP: client_ip}

    @property
    def is_broken(self) -> bool:
        """Its fields stand in something that cannot be read."""
        return self._reads and self.document.is_broken

    def value(self, name: str) -> Value:
        values = self._values
        if name in values:
            return values[name]
        value = values[name] = self._read(name)
        return value

    def elements(self, name: str) -> Sequence[Subject] | None:
        return None

    def tell(self, name: str, value: Value) -> None:
        """What is known of the item from elsewhere than its document."""
        self._values[name] = value

    def _read(self, name: str) -> Value:
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.document}>"


def at(kind: Callable[[Document, str], Value], *path: str | tuple[str, ...]) -> Reader:
    """Reads the end of a path as a value of one kind. A step of several names is a member with older names."""
    *steps, name = path
    assert isinstance(name, str)
    parents = [(step,) if isinstance(step, str) else step for step in steps]

    def reader(document: Document) -> Value:
        for names in parents:
            document = document.child(*names)
        return kind(document, name)

    return reader


# Tags and headers


def read_tags(raw: Raw | None) -> dict[str, str | None]:
    """Tags by key, as an object or an array of pairs. Blanks in keys are hyphens; the first of a key counts."""
    tags: dict[str, str | None] = {}
    found = members(raw)
    entries = pairs(raw) if found is None else ((key, value) for key, value in found.items())
    for key, value in entries:
        name = key if isinstance(key, str) else lenient(key)
        if name is not None:
            content = lenient(value)
            tags.setdefault(_one_line(name).replace(" ", "-"), None if content is None else _one_line(content).strip())
    return tags


def _one_line(value: str) -> str:
    return value.replace("\n", "")


def read_headers(raw: Raw | None) -> list[tuple[str, str]]:
    """Headers as the protocol stores them: names with capitals, several values of one joined. Those without a value are left out."""
    found = members(raw)
    entries = pairs(raw) if found is None else sorted(found.items())
    headers = []
    for key, value in entries:
        name = key if isinstance(key, str) else text(key)
        content = _header_value(value)
        if name is not None and content is not None:
            headers.append((_capitals(name), content))
    return headers


def _header_value(raw: Raw) -> str | None:
    values = array(raw)
    return lenient(raw) if values is None else ",".join(filter(None, map(lenient, values)))


def _capitals(name: str) -> str:
    """The first letter and each after a hyphen are capitals, the rest stays."""
    return "-".join(part[:1].upper() + part[1:] for part in name.split("-"))


# Times and states


def duration_ms(document: Document) -> float | None:
    """From start to end; None if either is missing or the end comes first."""
    start, end = _unix(document, "start_timestamp"), _unix(document, "timestamp")
    return None if start is None or end is None or start > end else (end - start) * 1000


_LAST_UNIX: Final = 8_210_266_876_799
"""The last second that the reference can tell."""


def _unix(document: Document, name: str) -> float | None:
    value = document.scalar(name)
    if isinstance(value, bool) or value is None:
        return None
    if not isinstance(value, str):
        return float(value) if abs(value) <= _LAST_UNIX else None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    if "T" not in value:
        return None
    return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).timestamp()


_STATES: Final = (
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal_error",
    "unavailable",
    "data_loss",
    "unauthenticated",
)
_STATE_NAMES: Final[Mapping[str, str]] = {
    **{state: state for state in _STATES},
    "success": "ok",
    "unknown_error": "internal_error",
    "failure": "internal_error",
}


def state(document: Document, name: str) -> str | None:
    """How a span ended, by name or by number."""
    value = document.scalar(name)
    if isinstance(value, str):
        return _STATE_NAMES.get(value)
    return _STATES[value] if type(value) is int and 0 <= value < len(_STATES) else None
