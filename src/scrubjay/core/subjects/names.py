"""Which names mean something in which objects (`decisions.md` 6.3), by the subjects' own tables.

Owns the kinds of objects that conditions look at, and what is said of a rule that asks for what none of them has: a slip of the pen, or
a field of something that the rule never sees. Such a field is missing wherever the rule looks. That is no error of the grammar, so these
sentences change nothing of what matches.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from scrubjay.core.conditions import CLIENT_IP, Asked
from scrubjay.core.subjects.events import EVENT_NAMES, EXCEPTIONS, REPLAY_NAMES
from scrubjay.core.subjects.exceptions import EXCEPTION_NAMES
from scrubjay.core.subjects.sessions import SESSION_NAMES
from scrubjay.core.subjects.spans import RECORD_NAMES, SPAN_NAMES
from scrubjay.core.subjects.traces import TraceSubject

_MAX_TOLD: Final = 80
"""So many characters of a name are repeated."""
_MAX_REMEMBERED: Final = 1024
_KEY: Final = re.compile("<[^>]*>")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Objects with the same fields. In `names` angle brackets stand for any key. `lists`: arrays, with the fields of their elements."""

    title: str
    names: tuple[str, ...]
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


EVENTS: Final = Kind("Errors, transactions, security reports, feedback", EVENT_NAMES, {EXCEPTIONS: EXCEPTION_NAMES})
REPLAYS: Final = Kind("Replays", REPLAY_NAMES)
SESSIONS: Final = Kind("Sessions", SESSION_NAMES)
SPANS: Final = Kind("Spans of the first version, which came alone", SPAN_NAMES)
SPAN_RECORDS: Final = Kind("Spans of the second version", RECORD_NAMES["span"])
LOGS: Final = Kind("Logs", RECORD_NAMES["log"])
TRACE_METRICS: Final = Kind("Trace metrics", RECORD_NAMES["trace_metric"])
SENDERS: Final = Kind("Every item", (CLIENT_IP,))
TRACE: Final = Kind("Traces", TraceSubject({}).names)

ITEMS: Final = (EVENTS, REPLAYS, SESSIONS, SPANS, SPAN_RECORDS, LOGS, TRACE_METRICS, SENDERS)
"""What rules see that look at items and know where they come from."""

KINDS_OF: Final[Mapping[str, tuple[Kind, ...]]] = {
    **dict.fromkeys(("event", "transaction", "feedback", "security", "raw_security"), (EVENTS,)),
    **dict.fromkeys(("replay_event", "replay_recording", "replay_video"), (REPLAYS,)),
    **dict.fromkeys(("session", "sessions"), (SESSIONS,)),
    "span": (SPANS, SPAN_RECORDS),
    "log": (LOGS,),
    "trace_metric": (TRACE_METRICS,),
}
"""By item type. The parts of a replay are judged by its event; what is not named has no fields of its own."""


def missing_fields(asked: Iterable[Asked], kinds: tuple[Kind, ...], seen: str) -> Iterator[str]:
    """A sentence on each name that nothing of these kinds has. `seen`: what the rule looks at, in words."""
    vocabulary = _vocabulary(kinds)
    for each in asked:
        if each.within is None:
            sentence = vocabulary.judge(each, seen)
        elif each.within in vocabulary.lists:
            sentence = vocabulary.lists[each.within].judge(each, f"the elements of `{each.within}`")
        else:
            continue  # the list is missing, which is said already
        if sentence is not None:
            yield sentence


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    names: tuple[str, ...]
    lists: Mapping[str, _Vocabulary]
    pattern: re.Pattern[str]

    def judge(self, asked: Asked, seen: str) -> str | None:
        """What is wrong with a name; None: something has it."""
        name, is_list = asked.name, asked.name in self.lists
        is_known = is_list if asked.is_list else self.pattern.fullmatch(name) is not None
        if is_known:
            return None
        told = f"`{name[:_MAX_TOLD]}`"
        if is_list:
            return f"{told} is a list, into which only `any` and `all` look, so it is always missing"
        what, known = ("list", tuple(self.lists)) if asked.is_list else ("field", self.names)
        close = _nearest(name[:_MAX_TOLD], known)
        hint = f"; did you mean `{close}`?" if close else ""
        return f"{told} is no {what} of {seen}, so it is always missing{hint}"


@lru_cache(_MAX_REMEMBERED)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    """What may have been meant. A name that others have is no slip of the pen: here it may begin otherwise.

    Remembered, since it takes about a millisecond, and projects are loaded again and again.
    """
    if _vocabulary((*ITEMS, TRACE)).pattern.fullmatch(name):
        _, _, end = name.partition(".")
        return next((other for other in known if other.partition(".")[2] == end), None)
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


@lru_cache
def _vocabulary(kinds: tuple[Kind, ...]) -> _Vocabulary:
    names = tuple(dict.fromkeys(name for kind in kinds for name in kind.names))
    lists = {name: _words(elements, {}) for kind in kinds for name, elements in kind.lists.items()}
    return _words(names, lists)


def _words(names: tuple[str, ...], lists: Mapping[str, _Vocabulary]) -> _Vocabulary:
    forms = (".+".join(map(re.escape, _KEY.split(name))) for name in names)
    return _Vocabulary(names, lists, re.compile("|".join(forms), re.DOTALL))
