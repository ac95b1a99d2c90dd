"""The exceptions of an event, as conditions and other rules see them (`decisions.md` 6.3, array `exception.values`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from scrubjay.core.conditions import Subject, Value
from scrubjay.core.items.partial import read
from scrubjay.core.subjects.document import Document, array, json_text

EXCEPTION: Final = ("exception", "sentry.interfaces.Exception")


class ExceptionSubject:
    """One exception. Its fields have no prefix: `ty`, `value`, `module`."""

    __slots__ = ("_frames", "document")

    is_broken = False

    def __init__(self, document: Document) -> None:
        self.document = document
        self._frames: tuple[Document, ...] | None = None

    @property
    def ty(self) -> str | None:
        return self.document.text("type")

    @property
    def text(self) -> str | None:
        """What it says; of what is no text the JSON."""
        return json_text(self.document.raw("value"))

    @property
    def module(self) -> str | None:
        return self.document.text("module")

    @property
    def is_unhandled(self) -> bool:
        """Nobody caught it."""
        return self.document.child("mechanism").truth("handled") is False

    @property
    def frames(self) -> tuple[Document, ...]:
        """Its stack, the innermost call last."""
        if self._frames is None:
            frames = self.document.child("stacktrace").items("frames") or ()
            self._frames = tuple(map(Document, frames))
        return self._frames

    def value(self, name: str) -> Value:
        read = _FIELDS.get(name)
        return None if read is None else read(self)

    def elements(self, name: str) -> Sequence[Subject] | None:
        return None

    def __repr__(self) -> str:
        return f"<ExceptionSubject {self.document}>"


_FIELDS: Final[dict[str, Callable[[ExceptionSubject], Value]]] = {
    "ty": lambda exception: exception.ty,
    "value": lambda exception: exception.text,
    "module": lambda exception: exception.module,
}
EXCEPTION_NAMES: Final = tuple(_FIELDS)


class _Values(Struct):
    values: list[dict[str, Raw] | None]


_VALUES: Final = msgspec.json.Decoder(_Values)


def read_exceptions(raw: Raw | None) -> tuple[ExceptionSubject, ...] | None:
    """An array, an object that holds one under `values`, or a single exception; None if there is nothing of the kind."""
    if raw is None:
        return None
    usual = read(_VALUES, raw)
    if usual is not None:  # what clients send, read in one pass
        return tuple(ExceptionSubject(Document.of(members)) for members in usual.values if members)
    values = array(raw)
    if values is None:
        document = Document(raw)
        if "values" not in document.members:
            return (ExceptionSubject(document),) if document.members else None
        values = document.items("values")
    if values is None:
        return None
    documents = map(Document, values)
    return tuple(ExceptionSubject(document) for document in documents if document.members)
