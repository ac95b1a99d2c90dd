"""Releases that are not of interest any more (`decisions.md` 7.3)."""

from __future__ import annotations

from typing import Final

from scrubjay import reasons
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import ALL, Draft, Predicate, family


def _predicate(draft: Draft) -> Predicate | None:
    patterns = draft.texts("releases")
    if not patterns:
        return None
    is_listed = draft.globs(patterns)

    def matches(facts: Facts) -> bool:
        release = facts.release()
        return release is not None and is_listed(release)

    return matches


RELEASES: Final = family(
    "releases",
    reasons.RELEASE_VERSION,
    ALL,
    _predicate,
    form="{releases: [glob, …]}",
    doc="The whole release: `1.*` does not match `shop@1.2.3`. Of records the attribute `sentry.release`, of sessions `attrs.release`.",
)
