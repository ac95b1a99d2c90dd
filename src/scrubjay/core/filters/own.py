"""Filters of our own: `config.scrubjay.filters`, by what people know of an event without writing a condition.

A filter matches what all of its members match; a member matches if any of its values does. Each member is put into the form of a
condition, so that there is one way to look at an item. They are asked after the filters of the reference, whose reasons therefore stay
as they are there.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scrubjay import reasons
from scrubjay.core.filters.family import ALL, Draft, Family, Rule, Source, Unusable
from scrubjay.core.filters.generic import compile_predicate

_PATH: Final = "config.scrubjay.filters"
_MAX_ID_BYTES: Final = 200
"""The server ignores longer reasons (`decisions.md` 8.6)."""

_LEVELS: Final = ("fatal", "error", "warning", "info", "debug", "trace")

Condition = dict[str, object]


@dataclass(frozen=True, slots=True)
class Member:
    """`form` and `doc`: for the page. `condition`: of the member's value; raises `Unusable`."""

    form: str
    doc: str
    condition: Callable[[Draft, str], Condition]


def _attribute(name: str) -> tuple[str, ...]:
    """An attribute of records, as conditions name it."""
    return tuple(f"{kind}.attributes.{name}.value" for kind in ("span", "log", "trace_metric"))


def _values(draft: Draft, member: str) -> Sequence[str]:
    values = draft.texts(member)
    if not values:
        raise Unusable(f"`{member}` is empty, so that nothing could match")
    return values


def _any_of(names: Sequence[str], patterns: Sequence[str]) -> Condition:
    return _or([{"op": "glob", "name": name, "value": list(patterns)} for name in names])


def _or(conditions: list[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else {"op": "or", "inner": conditions}


def _globs(*names: str) -> Callable[[Draft, str], Condition]:
    return lambda draft, member: _any_of(names, _values(draft, member))


def _exceptions(name: str) -> Callable[[Draft, str], Condition]:
    return lambda draft, member: {
        "op": "any",
        "name": "event.exception.values",
        "inner": _any_of((name,), _values(draft, member)),
    }


def _level(draft: Draft, member: str) -> Condition:
    levels = _values(draft, member)
    for level in levels:
        if level not in _LEVELS:
            raise Unusable(f"`{member}`: {level[:80]!r} is none of {', '.join(_LEVELS)}")
    of_logs = [*levels, "warn"] if "warning" in levels else list(levels)
    return _or(
        [
            {"op": "eq", "name": "event.level", "value": list(levels)},
            {"op": "eq", "name": "log.level", "value": of_logs},
        ]
    )


def _tags(draft: Draft, member: str) -> Condition:
    tags = draft.get(member)
    if not isinstance(tags, Mapping) or not tags or not all(isinstance(name, str) for name in tags):
        raise Unusable(f"`{member}` must name tags, each with a list of globs")
    inner = Draft(tags, quirks=False)
    return {
        "op": "and",
        "inner": [_any_of((f"event.tags.{name}", *_attribute(name)), _values(inner, name)) for name in tags],
    }


def _client_ips(draft: Draft, member: str) -> Condition:
    return {"op": "cidr", "name": "envelope.client_ip", "value": list(_values(draft, member))}


def _written(draft: Draft, member: str) -> Condition:
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
        _globs("event.environment", *_attribute("sentry.environment")),
    ),
    "levels": Member("[level, …]", f"`level` of events and logs: {', '.join(_LEVELS)}.", _level),
    "exception_types": Member("[glob, …]", "`type` of any exception.", _exceptions("ty")),
    "exception_modules": Member("[glob, …]", "`module` of any exception.", _exceptions("module")),
    "server_names": Member(
        "[glob, …]",
        "`server_name`; of records `server.address`.",
        _globs("event.server_name", *_attribute("server.address")),
    ),
    "releases": Member(
        "[glob, …]",
        "The whole release; of records `sentry.release`.",
        _globs("event.release", *_attribute("sentry.release")),
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
            condition = _condition(draft)
            if not draft.is_enabled("enabled", default=True):
                continue
            predicate = compile_predicate(condition, where, source)
        except Unusable as error:
            source.disable(where, error)
            continue
        yield Rule(filter_id, reasons.filtered(filter_id), ALL, predicate)


def _id(draft: Draft) -> str:
    value = draft.get("id")
    if not isinstance(value, str) or not value:
        raise Unusable("`id` must be text")
    if len(value.encode(errors="replace")) > _MAX_ID_BYTES:
        raise Unusable(f"`id` is longer than {_MAX_ID_BYTES} bytes")
    return value


def _condition(draft: Draft) -> Condition:
    inner: list[Condition] = []
    for name in draft.members():
        if name in MEMBERS:
            inner.append(MEMBERS[name].condition(draft, name))
        elif name not in _OTHERS:
            close = difflib.get_close_matches(name, (*MEMBERS, *_OTHERS), n=1)
            raise Unusable(f"unknown member `{name[:80]}`" + (f"; did you mean `{close[0]}`?" if close else ""))
    if not inner:
        raise Unusable("it does not say what to match")
    return {"op": "and", "inner": inner}


OWN: Final = Family(
    _PATH, "[{id, enabled (true), …}, …]", "Filters of this program's own, described below.", ALL, None, _compile
)
