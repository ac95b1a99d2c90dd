"""Reports on the content security policy, by the places they name (`decisions.md` 7.5)."""

from __future__ import annotations

from typing import Final

from scrubjay import reasons
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import EVENTS, Draft, Predicate, family
from scrubjay.core.origins import compile_origins


def _predicate(draft: Draft) -> Predicate | None:
    sources = draft.texts("disallowedSources")
    if not sources:
        return None
    is_disallowed = compile_origins(sources)

    def matches(facts: Facts) -> bool:
        urls = facts.csp_urls()
        return urls is not None and (
            is_disallowed is None or any(url is not None and is_disallowed(url) for url in urls)
        )

    return matches


CSP: Final = family(
    "csp",
    reasons.INVALID_CSP,
    EVENTS,
    _predicate,
    form="{disallowedSources: [place, …]}",
    doc="Reports on the content security policy whose `blocked_uri`, `source_file` or `document_uri` is one of these places. A place "
    "is `[scheme://]host[:port]`; `*` opens a part, `*.shop.example` also stands for `shop.example`.",
)
