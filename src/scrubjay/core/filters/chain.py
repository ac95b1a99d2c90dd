"""The filters of a project in their order, and the asking (`decisions.md` 7.1).

Of several filters that match, the first gives the reason. Containers are judged record by record: each falls for its own reason, and a
container of which nothing is left falls whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from scrubjay.core.envelope import Item
from scrubjay.core.filters.event_facts import EventFacts, ReportFacts, VisitFacts
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import ALL, RECORDS, Rule
from scrubjay.core.filters.record_facts import ProfileFacts, RecordFacts, SessionFacts, SpanFacts
from scrubjay.core.items.partial import Container, Dropped, Thinned
from scrubjay.core.networks import Address
from scrubjay.core.subjects import (
    EventSubject,
    Fields,
    RecordSubject,
    ReplaySubject,
    SessionSubject,
    SpanSubject,
    subject_of,
)

_FACTS: Final[Mapping[type[Fields], type[Facts]]] = {
    EventSubject: EventFacts,
    ReplaySubject: VisitFacts,
    SessionSubject: SessionFacts,
    SpanSubject: SpanFacts,
}
_FACTS_BY_TYPE: Final[Mapping[str, type[Facts]]] = {
    "raw_security": ReportFacts,
    "profile": ProfileFacts,
    "profile_chunk": ProfileFacts,
}


def facts_of(item: Item, client_ip: Address | None = None) -> Facts:
    """The item as filters see it; of a container, or of what cannot be opened, only where it came from is known."""
    subject = subject_of(item, client_ip)
    kind = _FACTS_BY_TYPE.get(item.type) or _FACTS.get(type(subject), Facts)
    return kind(item, subject, client_ip)


class Filters:
    """A project's filters, compiled."""

    __slots__ = ("_by_type", "_rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._by_type = {
            item_type: tuple(rule for rule in self._rules if item_type in rule.item_types) for item_type in ALL
        }

    def match(self, item: Item, client_ip: Address | None = None) -> tuple[Dropped | Thinned, ...]:
        """What the filters say of an item, to be done one after another; empty: nothing."""
        rules = self._by_type.get(item.type)
        if not rules:
            return ()
        container = Container.open(item) if item.type in RECORDS else None
        if container is None:
            fall = _first(rules, facts_of(item, client_ip))
            return () if fall is None else (fall,)
        subjects = (RecordSubject(record, item.type, client_ip) for record in container.records)
        return container.let_fall([_first(rules, RecordFacts(item, subject, client_ip)) for subject in subjects])

    def __repr__(self) -> str:
        return f"<Filters {', '.join(dict.fromkeys(rule.origin for rule in self._rules))}>"


def _first(rules: Iterable[Rule], facts: Facts) -> Dropped | None:
    for rule in rules:
        if rule.matches(facts):
            return Dropped(rule.reason, rule.origin)
    return None
