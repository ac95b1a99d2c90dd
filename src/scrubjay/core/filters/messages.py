"""Messages of events and of their exceptions (`decisions.md` 7.3)."""

from __future__ import annotations

from typing import Final

from scrubjay import reasons
from scrubjay.core.filters.family import EVENTS, Draft, Predicate, family


def _predicate(draft: Draft) -> Predicate | None:
    patterns = draft.texts("patterns")
    if not patterns:
        return None
    is_listed = draft.globs(patterns)
    return lambda facts: any(map(is_listed, facts.messages()))


ERROR_MESSAGES: Final = family(
    "errorMessages",
    reasons.ERROR_MESSAGE,
    EVENTS,
    _predicate,
    form="{patterns: [glob, …]}",
    doc="The event's message (`logentry.formatted`, else `logentry.message`), and `type: value` of every exception.",
)
