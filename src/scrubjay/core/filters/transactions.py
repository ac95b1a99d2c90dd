"""Transactions by their names (`decisions.md` 7.9)."""

from __future__ import annotations

from typing import Final

from scrubjay import reasons
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import RECORDS, Draft, Predicate, Unusable, family

PRESETS: Final = {
    "healthchecks": (
        "*healthcheck*",
        "*heartbeat*",
        "*/health{/,}",
        "*/healthz",
        "*/livez",
        "*/readyz",
        "*/ping",
        "*/up",
        "*/actuator/health{/*,}",
    )
}


def _predicate(draft: Draft) -> Predicate | None:
    preset = draft.get("preset")
    if preset is not None and (not isinstance(preset, str) or preset not in PRESETS):
        raise Unusable(f"`preset` must be one of {', '.join(PRESETS)}")
    more = () if preset is None else PRESETS[preset]
    patterns = (*draft.texts("patterns", default=None if preset is None else ()), *more)
    if not (draft.is_enabled(default=False) and patterns):
        return None
    is_listed = draft.globs(patterns)

    def matches(facts: Facts) -> bool:
        name = facts.transaction()
        return name is not None and is_listed(name)

    return matches


IGNORE_TRANSACTIONS: Final = family(
    "ignoreTransactions",
    reasons.FILTERED_TRANSACTION,
    frozenset({"event", "transaction"}) | RECORDS,
    _predicate,
    form="{isEnabled (false), patterns: [glob, …], preset}",
    doc="The name of a transaction; of records the attribute `sentry.segment.name`. `preset: healthchecks` adds the patterns "
    + ", ".join(f"`{pattern}`" for pattern in PRESETS["healthchecks"])
    + ".",
)
