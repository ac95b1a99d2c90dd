"""Filters of our own: `config.scrubjay.filters`, by what people know of an event without writing a condition.

A filter matches what all of its members match; a member matches if any of its values does. Each member is put into the form of a
condition, so that there is one way to look at an item. They are asked after the filters of the reference, whose reasons therefore stay
as they are there.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from scrubjay import reasons
from scrubjay.core.filters.family import ALL, RECORDS, Draft, Family, Rule, Source, Unusable
from scrubjay.core.filters.generic import compile_predicate

_PATH: Final = "config.scrubjay.filters"
_MAX_ID_BYTES: Final = 200
"""The server ignores longer reasons (`decisions.md` 8.6)."""

_LEVELS: Final = ("fatal", "error", "warning", "info", "debug", "trace")

Condition = dict[str, object]
Kind = Literal["event", "span", "log", "trace_metric"]
"""As conditions call what they look at: records are known by their type, all else by the names of events."""

_KINDS: Final[Mapping[Kind, frozenset[str]]] = {
    "event": ALL - RECORDS,
    "span": frozenset({"span"}),
    "log": frozenset({"log"}),
    "trace_metric": frozenset({"trace_metric"}),
}


@dataclass(frozen=True, slots=True)
class Member:
    """`form` and `doc`: for the page. `condition`: of the member's value for one kind; None: that kind has nothing of the sort."""

    form: str
    doc: str
    condition: Callable[[Draft, str, Kind], Condition | None]


def _values(draft: Draft, member: str) -> Sequence[str]:
    values = draft.texts(member)
    if not values:
        raise Unusable(f"`{member}` is empty, so that nothing could match")
    return values


def _glob(name: str, patterns: Sequence[str]) -> Condition:
    return {"op": "glob", "name": name, "value": list(patterns)}


def _globs(field: str, attribute: str | None = None) -> Callable[[Draft, str, Kind], Condition | None]:
    """A field of events, and the attribute of records that says the same. A span of the first version has fields of its event."""

    def condition(draft: Draft, member: str, kind: Kind) -> Condition | None:
        patterns = _values(draft, member)
        if kind == "event":
            return _glob(field, patterns)
        if attribute is None:
            return None
        of_record = _glob(f"{kind}.attributes.{attribute}.value", patterns)
        return {"op": "or", "inner": [of_record, _glob(field, patterns)]} if kind == "span" else of_record

    return condition


def _exceptions(name: str) -> Callable[[Draft, str, Kind], Condition | None]:
    def condition(draft: Draft, member: str, kind: Kind) -> Condition | None:
        inner = _glob(name, _values(draft, member))
        return {"op": "any", "name": "event.exception.values", "inner": inner} if kind == "event" else None

    return condition


def _level(draft: Draft, member: str, kind: Kind) -> Condition | None:
    levels = _values(draft, member)
    for level in levels:
        if level not in _LEVELS:
            raise Unusable(f"`{member}`: {level[:80]!r} is none of {', '.join(_LEVELS)}")
    if kind not in ("event", "log"):
        return None
    names = [*levels, "warn"] if kind == "log" and "warning" in levels else list(levels)
    return {"op": "eq", "name": f"{kind}.level", "value": names}


def _tags(draft: Draft, member: str, kind: Kind) -> Condition:
    tags = draft.get(member)
    if not isinstance(tags, Mapping) or not tags or not all(isinstance(name, str) for name in tags):
        raise Unusable(f"`{member}` must name tags, each with a list of globs")
    values = Draft(tags, quirks=False)
    bags = ["event.tags.{}"] if kind == "event" else [f"{kind}.attributes.{{}}.value"]
    if kind == "span":
        bags.append("span.tags.{}")
    return {
        "op": "and",
        "inner": [
            {"op": "or", "inner": [_glob(bag.format(name), _values(values, name)) for bag in bags]} for name in tags
        ],
    }


def _client_ips(draft: Draft, member: str, _kind: Kind) -> Condition:
    return {"op": "cidr", "name": "envelope.client_ip", "value": list(_values(draft, member))}


def _written(draft: Draft, member: str, _kind: Kind) -> Condition:
    condition = draft.get(member)
    if not isinstance(condition, Mapping):
        raise Unusable(f"`{member}` must be an object")
    return dict(condition)


MEMBERS: Final[Mapping[str, Member]] = {
    "tags": Member("{name: [glob, …]}", "Tags, all of them; of records attributes of the same name.", _tags),
    "loggers": Member("[glob, …]", "`logger`.", _globs("event.logger")),
    "environments": Member(
        "[glob, …]",
        "`environment`; of records `sentry.environment`.",
        _globs("event.environment", "sentry.environment"),
    ),
    "levels": Member("[level, …]", f"`level` of events and logs: {', '.join(_LEVELS)}.", _level),
    "exception_types": Member("[glob, …]", "`type` of any exception.", _exceptions("ty")),
    "exception_modules": Member("[glob, …]", "`module` of any exception.", _exceptions("module")),
    "server_names": Member(
        "[glob, …]",
        "`server_name`; of records `server.address`.",
        _globs("event.server_name", "server.address"),
    ),
    "releases": Member(
        "[glob, …]",
        "The whole release; of records `sentry.release`.",
        _globs("event.release", "sentry.release"),
    ),
    "client_ips": Member("[address or network, …]", "As in `clientIps`.", _client_ips),
    "condition": Member("{op, name, value, …}", "A condition, for whatever the others cannot say.", _written),
}
_OTHERS: Final = ("id", "enabled")


def _compile(source: Source) -> Iterator[Rule]:
    seen: set[str] = set()
    for position, options in enumerate(source.own):
        where = f"{_PATH}[{position}]"
        try:
            draft = Draft(options, quirks=False)
            filter_id = _id(draft)
            if filter_id in seen:
                raise Unusable(f"there is another one with the id {filter_id!r}")
            seen.add(filter_id)
            rules = list(_rules(draft, filter_id, where, source))
            is_enabled = draft.is_enabled("enabled", default=True)
        except Unusable as error:
            source.disable(where, error)
            continue
        if is_enabled:
            yield from rules


def _rules(draft: Draft, filter_id: str, where: str, source: Source) -> Iterator[Rule]:
    """One for each kind that has all of what the members ask for."""
    told: list[str] = []
    for kind, item_types in _KINDS.items():
        conditions = [MEMBERS[name].condition(draft, name, kind) for name in _members(draft)]
        if None not in conditions:
            each = Source({}, quirks=source.quirks)
            predicate = compile_predicate({"op": "and", "inner": conditions}, where, each)
            told += each.problems
            yield Rule(filter_id, reasons.filtered(filter_id), item_types, predicate)
    source.problems += dict.fromkeys(told)


def _id(draft: Draft) -> str:
    value = draft.get("id")
    if not isinstance(value, str) or not value:
        raise Unusable("`id` must be text")
    if len(value.encode(errors="replace")) > _MAX_ID_BYTES:
        raise Unusable(f"`id` is longer than {_MAX_ID_BYTES} bytes")
    return value


def _members(draft: Draft) -> list[str]:
    """What the filter asks for."""
    asked = []
    for name in draft.members():
        if name in MEMBERS:
            asked.append(name)
        elif name not in _OTHERS:
            close = difflib.get_close_matches(name, (*MEMBERS, *_OTHERS), n=1)
            raise Unusable(f"unknown member `{name[:80]}`" + (f"; did you mean `{close[0]}`?" if close else ""))
    if not asked:
        raise Unusable("it does not say what to match")
    return asked


OWN: Final = Family(
    _PATH, "[{id, enabled (true), …}, …]", "Filters of this program's own, described below.", ALL, None, _compile
)
