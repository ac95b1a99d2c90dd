"""What sampling reads of a payload: single members, each taken for missing when it is not what it should be.

Owns the shallow look into events and records that fingerprint, protection and weight share, so that a payload is opened once. Nothing
here raises, whatever the payload.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from scrubjay.core.items.partial import Payload, read

Members = Mapping[str, Raw]
"""A document opened one level."""

_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_TEXT: Final = msgspec.json.Decoder(str)


class ErrorException(Struct):
    """One exception of an error, with members of any type; what is missing is empty."""

    type: Any = None
    mechanism: Raw = Raw()
    stacktrace: Raw = Raw()


class _Exceptions(Struct):
    """A list of exceptions under `values`, or a single exception in its place."""

    values: list[ErrorException | None] | None = None
    type: Any = None
    mechanism: Raw = Raw()
    stacktrace: Raw = Raw()


_EXCEPTIONS: Final = msgspec.json.Decoder(_Exceptions | list[ErrorException | None] | None)


def open_document(payload: Payload) -> dict[str, Raw] | None:
    """None if the payload is no JSON object."""
    return read(_OBJECT, payload)


def text_of(raw: Raw | None) -> str:
    """A text; empty for anything else."""
    return (read(_TEXT, raw) or "") if raw else ""


def exceptions_of(document: Members) -> list[ErrorException] | None:
    """An error's exceptions in their order, innermost cause first; None if that cannot be read."""
    raw = document.get("exception")
    if raw is None or bytes(raw) == b"null":
        return []
    found = read(_EXCEPTIONS, raw)
    if found is None:
        return None
    if isinstance(found, list):
        return _present(found)
    if found.values is None:
        return [ErrorException(found.type, found.mechanism, found.stacktrace)]
    return _present(found.values)


def _present(exceptions: Iterable[ErrorException | None]) -> list[ErrorException]:
    return [exception for exception in exceptions if exception is not None]
