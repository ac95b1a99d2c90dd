"""Looking closer at one item: what scrubbing did to it, place by place, and what it left (`capture.md` 8.1).

The item is scrubbed once more, with somebody listening; what comes out is a `Report` that holds no more than its mode allows. Changes that
follow from settings, of which no rule speaks, are found by comparing what came with what leaves, so that no place changes
without a change in the report. Costs three times as much as scrubbing: it is not for the path. Raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scrubjay.core.capture.item import json_of
from scrubjay.core.capture.reading import Json
from scrubjay.core.capture.report import Mode, Report
from scrubjay.core.capture.residue import Place, differences, is_covered, value_at
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.scrub.documents import CONTAINERS, TYPED
from scrubjay.core.scrub.explain import CLASS_NAMES, Change, changes, explained, pointer
from scrubjay.core.scrub.headers import scrub_headers
from scrubjay.core.scrub.normalise import ALIASES
from scrubjay.core.scrub.payloads import Replaced, payload_of, scrub_item
from scrubjay.core.scrub.policies import Policies
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.suspects import Suspect
from scrubjay.core.scrub.trace import Trace
from scrubjay.outcomes import Reason

MAX_CHANGES: Final = 2_000
MAX_SUSPECTS: Final = 500
MAX_VALUES_CHARS: Final = 512 * 1024
"""Of all values in one report; a change beyond has its place and rule only."""

BY_SETTINGS: Final = "settings"
"""The rule of what follows from the settings and is no rule's work: addresses of clients, what an allow list leaves out."""
_MEDIUM: Final = frozenset({"email", "ip", "ip_strict", "ipv4", "ipv6"})
_LOW: Final = frozenset({"secret_entropy", "entropy", "token_key"})


@dataclass(slots=True)
class _Told:
    """What may be told of values in this mode, and how much has been."""

    mode: Mode
    room_chars: int = MAX_VALUES_CHARS

    def values(self, before: str, after: str | None, *, is_final: bool) -> dict[str, Any]:
        """`is_final`: `after` is what leaves; any other value in between holds what some later rule takes."""
        told: dict[str, Any] = {}
        if self.mode == "shape":
            told["shape_before"] = shape(before)
        if self.mode != "full" and not is_final:
            return told
        size = len(after or "") + (len(before) if self.mode == "full" else 0)
        if size > self.room_chars:
            return told | {"cut": True}
        self.room_chars -= size
        if self.mode == "full":
            told["before"] = before
        return told if after is None else told | {"after": after}


def examine(
    program: ScrubProgram,
    policies: Policies,
    came: Item,
    mode: Mode,
    heads: Json | None = None,
    *,
    clock: Callable[[], float] | None = None,
) -> Report:
    """Of an item as it came. `heads`: the headers of its envelope, where the report is to speak of them too.

    `clock` gives seconds, for the time that scrubbing takes.
    """
    trace = Trace()
    item = Item(dict(came.headers), came.payload)
    item.kind = came.kind
    began_s = 0.0 if clock is None else clock()
    result = scrub_item(program, policies, item, trace)
    time_ms = 0.0 if clock is None else round((clock() - began_s) * 1000, 3)
    told = _Told(mode)
    if isinstance(result, Reason):
        gone = {
            "path": "",
            "rule": result.code,
            "by": result.code,
            "origin": "default",
            "action": "item_dropped",
            "kind": "item",
            "ranges": [],
        }
        return Report(mode, (gone,), time_ms=time_ms, reason=result.doc)
    output = payload_of(result)
    if isinstance(result, Replaced):
        item.headers.update(result.headers)
    document = None if came.kind.codec == "binary" and came.kind.type else json_of(bytes(came.payload))
    leaves = document if output is None else json_of(output)
    if document is None or leaves is None or not isinstance(document, dict | list):
        base = f"/@attachment/{_escaped(_name(item))}" if came.kind.scope == "attachment" else ""
        found = explained(program, came.payload, output, trace, None)
        listed = [_change(one, told, base, None) for one in found.changes[:MAX_CHANGES]]
        suspected: list[dict[str, Any]] = []
    else:
        scope = came.kind.scope
        surveyed = scope if scope in TYPED or scope in CONTAINERS else "generic"
        found = explained(program, came.payload, output, trace, surveyed)
        listed = [_change(one, told, "", leaves) for one in found.changes[:MAX_CHANGES]]
        places = [one.path[:-1] if one.kind == "key" else one.path for one in found.changes]
        moved = _moved(document, leaves)
        untold = (one for one in differences(document, leaves) if not is_covered(one.path, places))
        rest = (one for one in untold if one.path[:1] not in moved)
        listed += [_rest(one, told) for one, _ in zip(rest, range(MAX_CHANGES - len(listed)), strict=False)]
        suspected = [_suspect(one, leaves) for one in found.suspects[:MAX_SUSPECTS]]
    listed += _headers(program, came, heads, told)
    cut = len(found.changes) > MAX_CHANGES or len(found.suspects) > MAX_SUSPECTS
    return Report(
        mode,
        listed,
        suspected,
        {rule: {"hits": count.hits, "bytes": count.bytes} for rule, count in trace.rules.items()},
        sum(count.bytes for count in trace.rules.values()),
        time_ms,
        reason="there are more than are listed" if cut else "",
    )


def examine_left(program: ScrubProgram, shown: Item) -> Report:
    """Of an item of which only the scrubbed form is there: what it still holds."""
    document = json_of(bytes(shown.payload))
    if not isinstance(document, dict):
        return Report("none", reason="what came is gone")
    scope = shown.kind.scope
    surveyed = scope if scope in TYPED or scope in CONTAINERS else "generic"
    found = explained(program, shown.payload, None, Trace(), surveyed)
    suspected = [_suspect(one, document) for one in found.suspects[:MAX_SUSPECTS]]
    return Report("none", (), suspected, reason="what came is gone")


def shape(value: str) -> dict[str, Any]:
    """What a value was like, without the value."""
    kinds = {_kind(character) for character in value}
    return {"length": len(value), "classes": sorted(kinds), "first": value[:1], "last": value[-1:]}


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    if character.isalpha():
        return "lower" if character.islower() else "upper" if character.isupper() else "letter"
    return "space" if character.isspace() else "punctuation"


def _change(change: Change, told: _Told, base: str, leaves: object) -> dict[str, Any]:
    public = change.public()
    path = public.pop("path")
    if base:
        path = f"{base}@{change.ranges[0][0] if change.ranges else 0}"
    is_final = leaves is not None and change.after is not None and value_at(leaves, change.path) == change.after
    entry = public | {"path": path, "rule": change.remark, "by": change.rule, "origin": change.origin}
    if change.after is None and leaves is not None and value_at(leaves, change.path, absent="") is None:
        entry["left"] = "null"
    return entry | told.values(change.before, change.after, is_final=is_final)


def _rest(place: Place, told: _Told) -> dict[str, Any]:
    """A place that no rule speaks of."""
    entry: dict[str, Any] = {
        "path": pointer(place.path),
        "rule": BY_SETTINGS,
        "by": BY_SETTINGS,
        "origin": "default",
        "action": "removed" if place.after is None else "replaced",
        "kind": place.kind,
        "ranges": [(0, len(place.before))],
        "len_before": len(place.before),
        "len_after": len(place.after or ""),
    }
    return entry | told.values(place.before, place.after, is_final=True)


def _moved(came: object, leaves: object) -> set[tuple[str, ...]]:
    """Interfaces that came under an old name, and leave under the new one: their values are told of there."""
    if not isinstance(came, dict) or not isinstance(leaves, dict):
        return set()
    return {(old,) for old, new in ALIASES.items() if old in came and old not in leaves and new in leaves}


def _suspect(suspect: Suspect, leaves: object) -> dict[str, Any]:
    value = suspect.path[-1] if suspect.kind == "key" and suspect.path else value_at(leaves, suspect.path)
    text = value if isinstance(value, str) else str(value)
    start, end = suspect.spans[0] if suspect.spans else (0, len(text))
    return {
        "path": pointer(suspect.path),
        "detector": suspect.detector,
        "reason": suspect.reason,
        "kind": suspect.kind,
        "class": CLASS_NAMES[suspect.node_class],
        "ranges": suspect.spans,
        "length": suspect.length,
        "confidence": "low" if suspect.detector in _LOW else "medium" if suspect.detector in _MEDIUM else "high",
        "excerpt": excerpt(text[start:end]),
    }


def excerpt(value: str) -> str:
    """A value with its middle hidden."""
    ends = 2 if len(value) >= 8 else 1 if len(value) >= 3 else 0
    return f"{value[:ends]}…{value[len(value) - ends :]}"


def _headers(program: ScrubProgram, came: Item, heads: Json | None, told: _Told) -> Iterable[dict[str, Any]]:
    """Each header by itself, since a trace of them all does not say where."""
    trace = None if heads is None else heads.get("trace")
    for name, value in trace.items() if isinstance(trace, Mapping) else ():
        copy = {**value} if isinstance(value, dict) else value
        yield from _header(program, Envelope({"trace": {name: copy}}, []), f"/@header/trace/{_escaped(name)}", told)
    if "filename" in came.headers:
        named = Item({"type": came.type, "filename": came.headers["filename"]}, b"")
        yield from _header(program, Envelope({}, [named]), "/@header/filename", told)


def _header(program: ScrubProgram, alone: Envelope, path: str, told: _Told) -> Iterator[dict[str, Any]]:
    trace = Trace()
    scrub_headers(program, alone, trace)
    for change in changes(trace.touches):
        yield _change(change, told, "", None) | {"path": path}


def _name(item: Item) -> str:
    name = item.headers.get("filename")
    return name if isinstance(name, str) else ""


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
