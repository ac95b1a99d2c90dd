"""How quantities end: the vocabulary of the account. What is counted is in `categories`, why something ends in `reasons`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a quantity ended. Each accepted quantity ends exactly once."""

    FORWARDED = "forwarded"
    CAPTURED = "captured"
    FILTERED = "filtered"
    SAMPLED = "sampled"
    RATE_LIMITED = "rate_limited"
    INVALID = "invalid"
    LOST = "lost"


class Section(StrEnum):
    """The lists of a client report (`decisions.md` 8.3)."""

    DISCARDED = "discarded_events"
    RATE_LIMITED = "rate_limited_events"
    FILTERED = "filtered_events"
    SAMPLING = "filtered_sampling_events"


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of the table.

    `status` is the HTTP status that the client sees, `None` where the answer was given before. `section` and `report_as` say
    how the loss is told to the server; no section: the client counts it itself, or the server did.
    """

    code: str
    outcome: Outcome
    doc: str
    remedy: str
    status: int | None = None
    intended: bool = False
    section: Section | None = None
    report_as: str | None = None
    pattern: str | None = None
    """For reasons with a variable part: how the row is shown in the docs."""

    @property
    def reported_reason(self) -> str:
        return self.code if self.report_as is None else self.report_as


def invalid(code: str, status: int, doc: str, remedy: str, *, section: Section | None = None) -> Reason:
    """What a client sent cannot be taken, and it is told so by `status`."""
    return Reason(code, Outcome.INVALID, doc, remedy, status=status, section=section)


def lost(code: str, doc: str, remedy: str, *, status: int | None = None, report_as: str | None = None) -> Reason:
    """What was to be kept is lost, which the server learns under `report_as`, if anything."""
    section = Section.DISCARDED if report_as else None
    return Reason(code, Outcome.LOST, doc, remedy, status=status, section=section, report_as=report_as)


def filtering(code: str, doc: str) -> Reason:
    """What a project never wants to see."""
    remedy = "expected; `scrubjay explain` shows the rule"
    return Reason(code, Outcome.FILTERED, doc, remedy, status=200, intended=True, section=Section.FILTERED)
