"""What a family of inbound filters is: one member of `filterSettings`, compiled to rules (`decisions.md` 7.1).

A `Family` knows its member's form and to which types of items it applies; the registry is the package itself. A `Rule` is what is run:
a predicate over the facts of an item. A family judges its own members: whatever is wrong with them disables that filter alone, and is
said in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from scrubjay.core.filters.facts import Facts
from scrubjay.core.globs import Matcher, compile_glob
from scrubjay.outcomes import Reason

EVENTS: Final = frozenset({"event", "transaction", "feedback", "security", "raw_security"})
REPLAYS: Final = frozenset({"replay_event", "replay_video"})
SESSIONS: Final = frozenset({"session", "sessions"})
RECORDS: Final = frozenset({"span", "log", "trace_metric"})
PROFILES: Final = frozenset({"profile", "profile_chunk"})
VISITS: Final = EVENTS | REPLAYS | SESSIONS | RECORDS
"""Items that may tell of a browser and a page."""
ALL: Final = VISITS | PROFILES
"""Check-ins, user reports, attachments, client reports and metric buckets are never filtered."""

_MAX_REMEMBERED: Final = 1024

Predicate = Callable[[Facts], bool]
Options = Mapping[str, object]


class Unusable(ValueError):
    """A filter cannot be run as it is written; the text says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One filter. `origin`: how it is named to people; `item_types`: what it is asked about."""

    origin: str
    reason: Reason
    item_types: frozenset[str]
    matches: Predicate


@dataclass(slots=True)
class Source:
    """What rules are compiled from, and what is to be said of it.

    `own`: `config.scrubjay.filters`; `everywhere`: the member `filters` of the global configuration; `quirks`: as the reference does
    it, even where that is a mistake (`decisions.md` 12).
    """

    settings: Options
    own: Sequence[object] = ()
    everywhere: object = None
    quirks: bool = False
    problems: list[str] = field(default_factory=list)

    def disable(self, where: str, why: object) -> None:
        self.problems.append(f"{where} is disabled: {why}")

    def tell(self, where: str, problems: Iterable[str]) -> None:
        self.problems += (f"{where}: {problem}" for problem in problems)


@dataclass(frozen=True, slots=True)
class Family:
    """`name`: the member of `filterSettings`; `form` and `doc`: for the page; `reason` None: each rule has its own."""

    name: str
    form: str
    doc: str
    item_types: frozenset[str]
    reason: Reason | None
    compile: Callable[[Source], Iterable[Rule]]


class Draft:
    """A filter as it is written. Members that cannot be used raise `Unusable`; parts that are skipped go to `problems`."""

    def __init__(self, options: object, *, quirks: bool) -> None:
        if not isinstance(options, Mapping):
            raise Unusable("it must be an object")
        self._options = options
        self._quirks = quirks
        self.problems: list[str] = []

    def is_enabled(self, member: str = "isEnabled", *, default: bool | None = None) -> bool:
        """The switch, which is required unless there is a default."""
        value = self._options.get(member, default)
        if not isinstance(value, bool):
            raise Unusable(f"`{member}` must be true or false")
        return value

    def texts(self, member: str, *, default: Sequence[str] | None = None) -> Sequence[str]:
        values = self._options.get(member, default)
        if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
            raise Unusable(f"`{member}` must be a list of texts")
        return values

    def globs(self, patterns: Sequence[str]) -> Matcher:
        matcher, problems = _compile_globs(tuple(patterns), self._quirks)
        self.problems += problems
        return matcher

    def get(self, member: str) -> object:
        return self._options.get(member)

    def members(self) -> list[str]:
        return [str(name) for name in self._options]


@lru_cache(_MAX_REMEMBERED)
def _compile_globs(patterns: tuple[str, ...], quirks: bool) -> tuple[Matcher, list[str]]:
    """Projects with equal lists share what is compiled of them."""
    problems: list[str] = []
    return compile_glob(patterns, problems, quirks=quirks), problems


def family(
    name: str,
    reason: Reason,
    item_types: frozenset[str],
    predicate: Callable[[Draft], Predicate | None],
    *,
    form: str,
    doc: str,
) -> Family:
    """A family of one rule. `predicate` None: it is switched off, or there is nothing to look for."""

    def rules(source: Source) -> Iterable[Rule]:
        options, where = source.settings.get(name), f"filterSettings.{name}"
        if options is None:
            return
        try:
            draft = Draft(options, quirks=source.quirks)
            matches = predicate(draft)
        except Unusable as error:
            source.disable(where, error)
            return
        source.tell(where, draft.problems)
        if matches is not None:
            yield Rule(name, reason, item_types, matches)

    return Family(name, form, doc, item_types, reason, rules)
