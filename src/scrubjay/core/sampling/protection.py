"""What is never sampled away: fatal errors, crashes, and errors of which nobody can tell (`decisions.md` 5.9).

What is protected is kept with certainty, so it counts as one: its weight is 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.items.partial import read
from scrubjay.core.sampling.documents import ErrorException
from scrubjay.core.subjects import subject_of

_CRASH_TYPES: Final = frozenset({"attachment", "unreal_report"})


class _Mechanism(Struct):
    handled: Raw = Raw()


class _Leveled(Struct):
    level: Raw = Raw()


_MECHANISM: Final = msgspec.json.Decoder(_Mechanism | None)
_LEVELED: Final = msgspec.json.Decoder(_Leveled)


def is_crash(error: Item, exceptions: Sequence[ErrorException] | None, envelope: Envelope) -> bool:
    """Fatal, caught by nobody, or with the report of a crash beside it. `exceptions` None: they cannot be read."""
    if exceptions is None or any(_is_unhandled(exception.mechanism) for exception in exceptions):
        return True
    if subject_of(error).value("event.level") == "fatal":
        return True
    return len(envelope.items) > 1 and any(
        other.type in _CRASH_TYPES and other.creates_event for other in envelope.items
    )


def is_fatal(record: Raw) -> bool:
    """Of logs; spans have no level."""
    document = read(_LEVELED, record)
    return document is not None and bytes(document.level) == b'"fatal"'


def _is_unhandled(raw: Raw) -> bool:
    if b"false" not in bytes(raw):
        return False
    mechanism = read(_MECHANISM, raw)
    return mechanism is not None and bytes(mechanism.handled) == b"false"
