"""What a test expects of what was captured, and whether it came so (`capture.md` 9.4).

Owns the form of an assertion and the judgement; the words for people are `verdicts`'. Each expectation is a query with a number of
matches, conditions that each match or any match has to meet, and texts that may not occur in what would leave. A `Trial` is shown
records in the order of their arrival, as they arrive, each once. An unknown member is an error that names the nearest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeGuard

from scrubjay.core.capture.filters import Condition
from scrubjay.core.capture.near import actual
from scrubjay.core.capture.query import Query, parse_query
from scrubjay.core.capture.texts import Forbidden, forbidden, occurrences
from scrubjay.core.capture.values import BadQuery, nearest, text_of

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

MAX_EXPECTATIONS: Final = 100
MAX_WITHIN_MS: Final = 60_000
MAX_SETTLE_MS: Final = 10_000
MAX_PROBLEMS: Final = 10
"""That are told of one expectation; all are counted."""
_MANY: Final = 1_000_000
_MEMBERS: Final = ("since", "within_ms", "settle_ms", "expect")
_EXPECTED: Final = ("name", "match", "count", "each", "any", "absent")


@dataclass(frozen=True, slots=True)
class Expectation:
    """`most` None: any number. `absent` is looked for in payloads of all matches."""

    name: str
    query: Query
    least: int
    most: int | None
    each: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    absent: Forbidden | None = None

    @property
    def wanted(self) -> str:
        if self.most is None:
            return f"at least {self.least}" if self.least else "any number"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Assertion:
    """Everything that one request expects."""

    expectations: tuple[Expectation, ...]
    within_s: float = 0.0
    settle_s: float = 0.0

    @property
    def needs_reports(self) -> bool:
        return any(
            one.query.needs_reports or any(part.needs_reports for part in (*one.each, *one.any))
            for one in self.expectations
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one matching record is not as expected."""

    record_id: str
    type: str
    title: str
    text: str

    def document(self) -> dict[str, object]:
        return {"id": self.record_id, "type": self.type, "title": self.title, "problem": self.text}


class Trial:
    """One expectation, while records arrive."""

    __slots__ = ("_any_held", "expectation", "matched", "problem_count", "problems")

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self.restart()

    def restart(self) -> None:
        """What was captured is gone."""
        self.matched = self.problem_count = 0
        self.problems: list[Problem] = []
        self._any_held = False

    def look(self, founds: Sequence[Found]) -> None:
        for found in founds:
            if self.expectation.query.matches(found):
                self.matched += 1
                if self._is_excess:
                    self._note(found, "is one too many" if self.expectation.most else "should not be there")
                self._judge(found)

    @property
    def passed(self) -> bool:
        return not self.doomed and self.matched >= self.expectation.least and self.any_held

    @property
    def any_held(self) -> bool:
        return self._any_held or not self.expectation.any

    @property
    def doomed(self) -> bool:
        """Whatever still comes makes it no better."""
        return self.problem_count > 0

    @property
    def _is_excess(self) -> bool:
        most = self.expectation.most
        return most is not None and self.matched > most

    def _judge(self, found: Found) -> None:
        expected = self.expectation
        for one in expected.each:
            if not one.test(found):
                self._note(found, f"expected {one.shown}, got {', '.join(actual(found, one)) or 'nothing'}")
        if expected.any and not self._any_held:
            self._any_held = all(one.test(found) for one in expected.any)
        if expected.absent is not None:
            for place, excerpt in occurrences(found, expected.absent, MAX_PROBLEMS):
                self._note(found, f"{place} holds {excerpt}")

    def _note(self, found: Found, text: str) -> None:
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            record = found.record
            self.problems.append(Problem(record.id, record.type, record.title, text))


def parse_assertion(document: object, *, now_unix: float) -> Assertion:
    """Raises `BadQuery`."""
    if not isinstance(document, Mapping):
        raise BadQuery("an assertion is an object with `expect`")
    _check_members(document, _MEMBERS, "assertion")
    listed = document.get("expect")
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_EXPECTATIONS:
        raise BadQuery(f"expect: a list of 1 to {MAX_EXPECTATIONS} expectations")
    since = document.get("since", "")
    if not isinstance(since, str):
        raise BadQuery("since: a mark, a time or a duration")
    return Assertion(
        tuple(_expectation(one, place, since, now_unix) for place, one in enumerate(listed)),
        within_s=_milliseconds(document, "within_ms", MAX_WITHIN_MS) / 1000,
        settle_s=_milliseconds(document, "settle_ms", MAX_SETTLE_MS) / 1000,
    )


def _expectation(document: object, place: int, since: str, now_unix: float) -> Expectation:
    if not isinstance(document, Mapping):
        raise BadQuery(f"expect[{place}]: not an object")
    _check_members(document, _EXPECTED, f"expect[{place}]")
    name = document.get("name", f"expectation {place + 1}")
    if not isinstance(name, str):
        raise BadQuery(f"expect[{place}].name: not a text")
    try:
        return _read(document, name, since, now_unix)
    except BadQuery as error:
        raise BadQuery(f"expect[{place}]: {error}") from None


def _read(document: Mapping[str, object], name: str, since: str, now_unix: float) -> Expectation:
    match = _parameters(document.get("match", {}), "match")
    if since and not any(parameter == "since" for parameter, _ in match):
        match.append(("since", since))
    query = parse_query(match, now_unix=now_unix)
    each, any_ = (
        parse_query(_parameters(document.get(key, {}), key), now_unix=now_unix).conditions for key in ("each", "any")
    )
    absent = forbidden(document["absent"]) if "absent" in document else None
    least, most = _count(document["count"]) if "count" in document else _usual(each, any_, absent)
    return Expectation(name, query, least, most, each, any_, absent)


def _usual(each: Sequence[Condition], any_: Sequence[Condition], absent: Forbidden | None) -> tuple[int, None]:
    """Without a `count` something has to match, unless all that is asked is what must not be there."""
    return (0 if absent is not None and not each and not any_ else 1), None


def _count(value: object) -> tuple[int, int | None]:
    if _is_count(value):
        return value, value
    if isinstance(value, Mapping) and value:
        _check_members(value, ("min", "max"), "count")
        least, most = value.get("min", 0), value.get("max")
        if _is_count(least) and (most is None or (_is_count(most) and most >= least)):
            return least, most
    raise BadQuery('count: a number, or {"min", "max"}')


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MANY


def _parameters(document: object, name: str) -> list[tuple[str, str]]:
    """Filters as an object: a value, or a list of alternatives."""
    if not isinstance(document, Mapping):
        raise BadQuery(f"{name}: an object of filters and values")
    return [(key, text_of(value)) for key, values in document.items() for value in _alternatives(values)]


def _alternatives(values: object) -> Iterable[object]:
    return values if isinstance(values, list) else (values,)


def _check_members(document: Mapping[str, object], accepted: tuple[str, ...], where: str) -> None:
    for member in document:
        if member not in accepted:
            raise BadQuery(f"{where}: unknown member {member[:80]!r}{nearest(member, accepted)}")


def _milliseconds(document: Mapping[str, object], name: str, most: int) -> float:
    value = document.get(name, 0)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
        return float(value)
    raise BadQuery(f"{name}: a number from 0 to {most}")
