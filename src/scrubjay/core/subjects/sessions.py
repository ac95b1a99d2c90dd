"""Sessions by the names that conditions use: an update, or aggregates, which share their attributes (`decisions.md` 6.3)."""

from __future__ import annotations

from typing import Final

from scrubjay.core.conditions import Value
from scrubjay.core.subjects.document import Document
from scrubjay.core.subjects.fields import Fields, Reader, at


class SessionSubject(Fields):
    __slots__ = ()

    _reads = True

    def _read(self, name: str) -> Value:
        read = _SESSION.get(name)
        return None if read is None else read(self.document)


_SESSION: Final[dict[str, Reader]] = {
    "event.release": at(Document.text, "attrs", "release"),
    "event.environment": at(Document.text, "attrs", "environment"),
}
SESSION_NAMES: Final = tuple(_SESSION)
