"""What can be asked of a record: every filter of the capture API, what it reads, and how it compares (`capture.md` 9.2).

Owns the table `FILTERS` (the API's page is made from it) and the conditions made from it. The language of values is `values`', the
search box `search`'s, parameters as a whole `query`'s. Conditions that look into payloads cost a decoding for each record, so they
say so and are asked last. Nothing here raises on what clients sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.facts import VIAS
from scrubjay.core.capture.item import OUTCOMES
from scrubjay.core.capture.reading import as_list, get, parse_time, text
from scrubjay.core.capture.records import RECORD_TYPES
from scrubjay.core.capture.values import BadQuery, Style, Test, Value, nearest, read_value, text_of

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

Reader = Callable[["Found"], Iterable[str]]

AT_HAND, IN_PAYLOAD = 0, 1
LEVELS: Final = ("trace", "debug", "info", "warning", "error", "fatal")
SOURCES: Final = ("browser", "mobile", "server")
_MARKS_AT_HAND: Final = ("attachment", "changes", "suspects")
MARKS: Final = (*_MARKS_AT_HAND, "stacktrace")
_SAME_LEVEL: Final = {"warn": "warning", "critical": "fatal", "log": "info"}
_TRUTH: Final = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}
_UNITS_MS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0, "": 1.0}
_UNITS_BYTES: Final = {"b": 1.0, "kb": 1e3, "mb": 1e6, "kib": 1024.0, "mib": 1024.0**2, "": 1.0}
_AMOUNT: Final = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s?([a-z]{0,3})", re.ASCII)
_MAX_SEGMENTS: Final = 64
_MAX_PLACES: Final = 10_000
"""Values that a pointer with `*` may lead to."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that has to hold. `read` gives what a record has in its place, for those who want to know why it does not."""

    name: str
    shown: str
    test: Callable[[Found], bool]
    read: Reader
    cost: int = AT_HAND
    needs_reports: bool = False
    is_scope: bool = False
    """It says where to look (a project, a time), not what for."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A parameter that takes values: a record passes when one of what `read` gives is as one of the values says."""

    name: str
    says: str
    read: Reader
    style: Style = "whole"
    cost: int = AT_HAND
    words: tuple[str, ...] = ()
    """Nothing else can be meant; a value beside them is a typing error."""
    normal: Callable[[str], str] = str
    needs_reports: bool = False
    is_scope: bool = False
    amount: Callable[[str], float | None] | None = None
    """For those that know more and less: the number that a text stands for."""


def _word(name: str) -> Reader:
    def read(found: Found) -> tuple[str, ...]:
        value = found.record.value(name)
        return () if value is None or value == "" else (value if isinstance(value, str) else text_of(value),)

    return read


def _level(found: Found) -> tuple[str, ...]:
    level = text(found.record.value("level"))
    return (normal_level(level),) if level else ()


def normal_level(level: str) -> str:
    level = level.lower()
    return _SAME_LEVEL.get(level, level)


def _normal_id(value: str) -> str:
    return value.replace("-", "").lower()


def _truth(value: str) -> str:
    return _TRUTH.get(value.lower(), value)


def _rank(level: str) -> float | None:
    level = normal_level(level)
    return float(LEVELS.index(level)) if level in LEVELS else None


def _sdk(found: Found) -> tuple[str, ...]:
    """With and without the version."""
    sdk = text(found.record.value("sdk"))
    return (sdk, sdk.rpartition("/")[0]) if "/" in sdk else (sdk,) if sdk else ()


def _message(found: Found) -> tuple[str, ...]:
    return (found.record.message,)


def _exceptions(found: Found) -> Iterator[str]:
    if found.record.type == "error":
        yield from filter(None, (text(one.get("type")) for one in _chain(found.document())))


def _chain(document: object) -> Iterator[Mapping[str, object]]:
    chain = get(document, "exception")
    values = get(chain, "values") if isinstance(chain, Mapping) else chain
    return (one for one in as_list(values) if isinstance(one, Mapping))


def frames(found: Found) -> Iterator[Mapping[str, object]]:
    """Of every stack trace of a record: its exceptions, threads, and its own."""
    document = found.document()
    threads = get(document, "threads")
    bearers = (
        *_chain(document),
        *as_list(get(threads, "values") if isinstance(threads, Mapping) else threads),
        document,
    )
    for bearer in bearers:
        for frame in as_list(get(bearer, "stacktrace", "frames")):
            if isinstance(frame, Mapping):
                yield frame


def files(found: Found, in_app: bool | None = None) -> Iterator[str]:
    """Names of files in stack traces; `in_app`: only of frames of the application itself, or only of the others."""
    for frame in frames(found):
        if in_app is None or (frame.get("in_app") is True) is in_app:
            for name in ("filename", "abs_path"):
                if path := text(frame.get(name)):
                    yield path.replace("\\", "/")


def _in_app(found: Found) -> Iterator[str]:
    return ("true" if frame.get("in_app") is True else "false" for frame in frames(found))


def _marks(found: Found) -> list[str]:
    record = found.record
    held = (record.attachments or record.type == "attachment", record.changes, record.suspects)
    return [mark for mark, is_held in zip(_MARKS_AT_HAND, held, strict=True) if is_held]


def _marks_inside(found: Found) -> list[str]:
    return _marks(found) + ["stacktrace" for _ in islice(frames(found), 1)]


def _rules(found: Found) -> Iterator[str]:
    """The name of each rule that fired, and the detector it begins with."""
    for rule in found.record.rules:
        yield from dict.fromkeys((rule, rule.partition(":")[0]))


def _duration(found: Found) -> tuple[str, ...]:
    """Milliseconds, where a record has a beginning and an end, or says how long something took."""
    if found.record.type in ("error", "log", "attachment", "metric", "client_report"):
        return ()
    document = found.document()
    begins = parse_time(get(document, "start_timestamp"))
    ends = parse_time(get(document, "timestamp")) or parse_time(get(document, "end_timestamp"))
    took = get(document, "duration")
    if begins is not None and ends is not None:
        return (f"{(ends - begins) * 1000:.3f}",)
    if isinstance(took, int | float) and not isinstance(took, bool):
        return (f"{took * 1000:.3f}",)
    return ()


def _amount(units: Mapping[str, float], value: str) -> float | None:
    match = _AMOUNT.fullmatch(value.strip().lower())
    return float(match[1]) * units[match[2]] if match and match[2] in units else None


FILTERS: Final = {
    one.name: one
    for one in (
        Filter("type", "kind of record", _word("type"), words=RECORD_TYPES, normal=str.lower),
        Filter("project", "project number, or `local`", _word("project"), is_scope=True),
        Filter("key", "public key it was sent with", _word("public_key"), is_scope=True),
        Filter("level", "level; knows `>`, `>=`, `<`, `<=`", _level, words=LEVELS, normal=normal_level, amount=_rank),
        Filter("outcome", "what the path decided", _word("outcome"), words=OUTCOMES, normal=str.lower),
        Filter("reason", "why it was not accepted", _word("outcome_reason")),
        Filter("environment", "environment", _word("environment")),
        Filter("release", "release", _word("release")),
        Filter("platform", "platform", _word("platform")),
        Filter("sdk", "SDK, with or without its version", _sdk),
        Filter("transaction", "name of the transaction", _word("transaction")),
        Filter("logger", "name of the logger", _word("logger")),
        Filter("trace_id", "trace", _word("trace_id"), normal=_normal_id),
        Filter("span_id", "span", _word("span_id"), normal=_normal_id),
        Filter("event_id", "event", _word("event_id"), normal=_normal_id),
        Filter("exception", "type of an exception in the chain", _exceptions, cost=IN_PAYLOAD),
        Filter("message", "part of the message, whatever its letter case", _message, "part"),
        Filter("file", "end of the name of a file in a stack trace", files, "end", cost=IN_PAYLOAD),
        Filter("in_app", "a frame is the application's own; with `file`: that one", _in_app, cost=IN_PAYLOAD,
               words=("true", "false"), normal=_truth),
        Filter("via", "way in", _word("via"), words=VIAS, normal=str.lower),
        Filter("source", "what kind of program sent it", _word("source"), words=SOURCES, normal=str.lower),
        Filter("has", "what it has", _marks_inside, cost=IN_PAYLOAD, words=MARKS, normal=str.lower, needs_reports=True),
        Filter("rule", "scrub rule that fired, whole or its first part", _rules, needs_reports=True),
        Filter("duration", "how long it took; knows `>`, `<`; units `us ms s m h`", _duration, cost=IN_PAYLOAD,
               amount=partial(_amount, _UNITS_MS)),
        Filter("size", "bytes; knows `>`, `<`; units `kB KiB MB MiB`", _word("bytes"),
               amount=partial(_amount, _UNITS_BYTES)),
    )
}  # fmt: skip
USER_FIELDS: Final = ("id", "email", "username", "ip_address", "name")
OPEN_NAMES: Final = {
    **{f"user.{name}": f"the user's {name}" for name in USER_FIELDS},
    "tag.NAME": "value of a tag",
    "path:/POINTER": "value in the payload, by JSON Pointer; a step `*` stands for any",
}


def condition(name: str, raws: Sequence[str], read: Reader | None = None) -> list[Condition]:
    """What a parameter with these values demands: one of the plain ones, and none of the negated. `read`: in place of the filter's own.

    Raises `BadQuery`.
    """
    one = filter_named(name)
    one = one if read is None else replace(one, read=read)
    values = [_checked(one, read_value(raw, name)) for raw in raws]
    found = [
        _condition(one, f"{name}=!{value.text}", [value], negated=True)
        for value in dict.fromkeys(values)
        if value.negated
    ]
    wanted = [value for value in values if not value.negated]
    if wanted:
        shown = f"{name}={' or '.join(_spelled(value) for value in wanted)}"
        found.append(_condition(one, shown, wanted, negated=False))
    return found


def comparison(name: str, operator: str, raw: str) -> Condition:
    """`level>=warning`, `duration<500ms`. Raises `BadQuery`."""
    one = filter_named(name)
    if one.amount is None:
        able = ", ".join(each.name for each in FILTERS.values() if each.amount)
        raise BadQuery(f"{name}: only {able} know more and less")
    bound = one.amount(raw)
    if bound is None:
        words = f"; one of {', '.join(one.words)}" if one.words else ""
        raise BadQuery(f"{name}: {raw[:80]!r} cannot be compared with{words}")
    limit, number, read = bound, one.amount, one.read

    def holds(given: str) -> bool:
        value = number(given)
        if value is None:
            return False
        if operator.startswith(">"):
            return value > limit or (value == limit and operator == ">=")
        return value < limit or (value == limit and operator == "<=")

    return Condition(
        name, f"{name}{operator}{raw}", lambda found: any(map(holds, read(found))), read, one.cost, one.needs_reports
    )


def filter_named(name: str) -> Filter:
    """Also of the open names: tags, user fields, pointers. Raises `BadQuery`."""
    if name in FILTERS:
        return FILTERS[name]
    kind, _, rest = name.partition(".")
    if kind == "tag" and rest:
        return Filter(name, "", lambda found: _member(found.record.value("tags"), rest))
    if kind == "user" and rest in USER_FIELDS:
        return Filter(name, "", lambda found: _member(found.record.value("user"), rest))
    if name.startswith("path:/"):
        segments = segments_of(name.removeprefix("path:"))
        return Filter(name, "", lambda found: map(text_of, places(found.document(), segments)), cost=IN_PAYLOAD)
    raise BadQuery(f"unknown parameter {name[:80]!r}{nearest(name, (*FILTERS, *OPEN_NAMES))}")


def places(document: object, segments: Sequence[str]) -> list[object]:
    """The values that a pointer leads to: none, one, or several where a step is `*`."""
    found = [document]
    for segment in segments:
        found = [child for node in found for child in _children(node, segment)][:_MAX_PLACES]
    return found


def _children(node: object, segment: str) -> Iterable[object]:
    if isinstance(node, Mapping):
        return node.values() if segment == "*" else (node[segment],) if segment in node else ()
    if isinstance(node, list):
        if segment == "*":
            return node
        if segment.isascii() and segment.isdigit() and len(segment) <= 9 and int(segment) < len(node):
            return (node[int(segment)],)
    return ()


def segments_of(pointer: str) -> list[str]:
    """Raises `BadQuery`."""
    segments = pointer.removeprefix("/").split("/")
    if len(segments) > _MAX_SEGMENTS:
        raise BadQuery(f"a pointer has at most {_MAX_SEGMENTS} steps")
    return [segment.replace("~1", "/").replace("~0", "~") for segment in segments]


def _member(node: object, name: str) -> Iterable[str]:
    return (text_of(node[name]),) if isinstance(node, Mapping) and name in node else ()


def _checked(one: Filter, value: Value) -> Value:
    if value.form != "plain":
        return value
    normal = one.normal(value.text)
    if one.words and normal not in one.words:
        raise BadQuery(f"{one.name}: unknown {one.name} {value.text[:80]!r}{nearest(normal, one.words)}")
    return Value(normal, value.negated, "plain")


def _spelled(value: Value) -> str:
    return f"~{value.text}" if value.form == "regex" else value.text


def _condition(one: Filter, shown: str, values: list[Value], *, negated: bool) -> Condition:
    read, cost, needs_reports = one.read, one.cost, one.needs_reports
    if one.name == "has" and all(value.form == "plain" for value in values):
        asked = {value.text for value in values}
        needs_reports = not asked.isdisjoint(("changes", "suspects"))
        if "stacktrace" not in asked:
            read, cost = _marks, AT_HAND
    passes = _one_of(one, values)
    test = _test(read, passes, negated=negated)
    return Condition(one.name, shown, test, read, cost, needs_reports, one.is_scope)


def _one_of(one: Filter, values: list[Value]) -> Test:
    if one.style == "whole" and all(value.form == "plain" for value in values):
        return frozenset(value.text for value in values).__contains__
    tests = [value.test(one.style, one.name) for value in values]
    return tests[0] if len(tests) == 1 else lambda given: any(test(given) for test in tests)


def _test(read: Reader, passes: Test, *, negated: bool) -> Callable[[Found], bool]:
    if negated:
        return lambda found: not any(map(passes, read(found)))
    return lambda found: any(map(passes, read(found)))
