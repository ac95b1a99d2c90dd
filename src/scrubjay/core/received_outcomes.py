"""Outcomes that other relays report one by one, read so that their counts can join ours (`decisions.md` 8.1, 8.3).

Owns the form of such a report, and what of each outcome a client report can say. Who may report is the endpoint's business, how counts are
summed `client_reports`'. Invariants: nothing of an outcome goes on but numbers and a reason in the form of a code; each outcome of a report is
in the answer, and for one that cannot be told it says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from scrubjay.categories import DataCategory
from scrubjay.core.client_reports import MAX_QUANTITY, Count
from scrubjay.core.header_rules import parse_time
from scrubjay.core.received_reports import MAX_AHEAD_S, RETENTION_S
from scrubjay.core.sampling.reason import PREFIX, normal_reason
from scrubjay.outcomes import Section

MAX_OUTCOMES: Final = 10_000
"""In one report; those who send them stop at 1000."""
_MAX_ID: Final = 2**63 - 1

_OURS: Final = "internal_sdk_error"
_SIGNATURE: Final = frozenset({"missing_signature", "invalid_signature"})
_CODE: Final = re.compile(r"[\w.:,/*+-]{1,200}", re.ASCII)
"""Reason codes and ids of filters, and no room for a sentence or an address."""

# By the number of the outcome. 0 is what servers say of what they stored, which no client report can.
_FILTERED: Final = 1
_INVALID: Final = 3
_SECTIONS: Final = {
    _FILTERED: Section.FILTERED,
    2: Section.RATE_LIMITED,
    _INVALID: Section.DISCARDED,
    4: Section.DISCARDED,
    5: Section.DISCARDED,
    6: Section.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One outcome, by the numbers of project and key. `count` None: it cannot be told, and `why` says why."""

    project_id: int | None = None
    key_id: int | None = None
    at_unix: float = 0.0
    count: Count | None = None
    why: str = ""


class _Outcome(Struct):
    timestamp: str
    project_id: Annotated[int, Meta(gt=0, le=_MAX_ID)]
    outcome: Annotated[int, Meta(ge=0, le=255)]
    key_id: Annotated[int, Meta(ge=0, le=_MAX_ID)] | None = None
    reason: str | None = None
    category: int | None = None
    quantity: Annotated[int, Meta(ge=0, le=MAX_QUANTITY)] | None = None


class _Report(Struct):
    outcomes: Annotated[list[Raw], Meta(max_length=MAX_OUTCOMES)]


class _Told(NamedTuple):
    section: Section
    reason: str


_REPORT: Final = msgspec.json.Decoder(_Report)
_OUTCOME: Final = msgspec.json.Decoder(_Outcome)


def read_outcomes(body: bytes, *, received_unix: float) -> list[Heard]:
    """All outcomes of a report, in order. Raises `ValueError` if it is none."""
    try:
        report = _REPORT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    return [_heard(outcome, received_unix) for outcome in report.outcomes]


def _heard(written: Raw, received_unix: float) -> Heard:
    try:
        outcome = _OUTCOME.decode(written)
        at_unix = parse_time(outcome.timestamp).timestamp()
    except (ValueError, OverflowError, RecursionError):
        return Heard(why="an outcome that cannot be read")
    category, told = _category(outcome.category), _told(outcome)
    if told is None:
        return Heard(outcome.project_id, why=f"outcome {outcome.outcome} has no place in a client report")
    if category is None:
        return Heard(outcome.project_id, why="an outcome of no category that is known here")
    if not received_unix - RETENTION_S <= at_unix <= received_unix + MAX_AHEAD_S:
        return Heard(outcome.project_id, why="an outcome of another time: too old, or of the future")
    quantity = 1 if outcome.quantity is None else outcome.quantity
    return Heard(outcome.project_id, outcome.key_id or None, at_unix, Count(*told, category, quantity))


def _told(outcome: _Outcome) -> _Told | None:
    """Servers keep no reason of what is invalid but that of signatures (8.2), and what is no code may be anything."""
    section = _SECTIONS.get(outcome.outcome)
    if section is None:
        return None
    code = outcome.reason if outcome.reason is not None and _CODE.fullmatch(outcome.reason) else ""
    if section is Section.DISCARDED:
        is_told = code and (outcome.outcome != _INVALID or code in _SIGNATURE)
        return _Told(section, code if is_told else _OURS)
    if outcome.outcome == _FILTERED and code.startswith(PREFIX):
        sampled = normal_reason(code)
        return _Told(section, "") if sampled is None else _Told(Section.SAMPLING, sampled)
    return _Told(section, code)


def _category(number: int | None) -> DataCategory | None:
    try:
        category = DataCategory(number) if number is not None else DataCategory.UNKNOWN
    except ValueError:
        return None
    return None if category is DataCategory.UNKNOWN else category
