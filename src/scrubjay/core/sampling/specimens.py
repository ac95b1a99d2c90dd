"""What rules of plain sampling ask of whatever they decide on: an item as a whole, or a record of a container (`decisions.md` 5.9).

A specimen reads its payload when it is asked, and once. Recordings and videos of a replay answer as the replay's event that stands
beside them, so that a replay leaves or falls whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from msgspec import Raw

from scrubjay.core.conditions import Subject
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.sampling.documents import ErrorException, Members, exceptions_of, open_document
from scrubjay.core.sampling.fingerprint import fingerprint_of_event, fingerprint_of_log
from scrubjay.core.sampling.protection import is_crash, is_fatal
from scrubjay.core.sampling.seeds import seed_of_item, seed_of_log, seed_of_span
from scrubjay.core.subjects import subject_of, subject_of_record

_EVENTS: Final = frozenset({"event", "transaction", "feedback"})
_OF_A_KIND: Final = frozenset({"event", "feedback"})
_FEEDBACK: Final = frozenset({"feedback", "user_report"})
_OF_A_REPLAY: Final = frozenset({"replay_recording", "replay_video"})


class Specimen(Protocol):
    """`fingerprint` is empty for what is of no kind. `shows_kind`: it is written beside the weight, even where nobody counts by it."""

    @property
    def shows_kind(self) -> bool: ...

    def subject(self) -> Subject: ...

    def seed(self) -> str: ...

    def is_protected(self) -> bool: ...

    def fingerprint(self) -> str: ...


class WholeItem:
    """An item that is decided as one."""

    __slots__ = ("_envelope", "_exceptions", "_item", "_speaker", "shows_kind")

    def __init__(self, item: Item, envelope: Envelope) -> None:
        self.shows_kind = item.type in _OF_A_KIND
        self._item = item
        self._envelope = envelope
        self._speaker = _speaker(item, envelope)
        self._exceptions: tuple[list[ErrorException] | None] | None = None

    @property
    def document(self) -> Members | None:
        """An event, opened; None for other items, and if it cannot be read."""
        if self._item.type not in _EVENTS:
            return None
        document = subject_of(self._item).document
        members = document.members
        return None if document.is_broken else members

    @property
    def exceptions(self) -> list[ErrorException] | None:
        """Of an event; None if that cannot be read."""
        if self._exceptions is None:
            document = self.document
            self._exceptions = (None if document is None else exceptions_of(document),)
        return self._exceptions[0]

    def subject(self) -> Subject:
        return subject_of(self._speaker)

    def seed(self) -> str:
        return seed_of_item(self._speaker, self._envelope.headers)

    def is_protected(self) -> bool:
        if self._item.type == "event":
            return is_crash(self._item, self.exceptions, self._envelope)
        return self._item.type in _FEEDBACK

    def fingerprint(self) -> str:
        return fingerprint_of_event(self.document or {}, self.exceptions or ()) if self.shows_kind else ""


class Record:
    """A record of a container; `headers` are the envelope's."""

    __slots__ = ("_headers", "_raw", "_type")

    shows_kind: Final = False

    def __init__(self, item_type: str, raw: Raw, headers: Mapping[str, object]) -> None:
        self._type = item_type
        self._raw = raw
        self._headers = headers

    def subject(self) -> Subject:
        return subject_of_record(self._type, self._raw)

    def seed(self) -> str:
        return seed_of_log(self._raw) if self._type == "log" else seed_of_span(self._raw, self._headers)

    def is_protected(self) -> bool:
        return is_fatal(self._raw)

    def fingerprint(self) -> str:
        return fingerprint_of_log(open_document(self._raw) or {}) if self._type == "log" else ""


def _speaker(item: Item, envelope: Envelope) -> Item:
    if item.type not in _OF_A_REPLAY:
        return item
    return next((other for other in envelope.items if other.type == "replay_event"), item)
