"""What a change of rules would change: two scrubbings of the same payloads, compared value by value (`scrubjay test --against`).

Owns which characters of a value each side took, and the counts by rule and path. Counts and names only: no value is kept. A key that
looks like no name is shown as `~`, since it may be somebody's (scrubbing.md 15.8).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec

from scrubjay.core.scrub import normalise
from scrubjay.core.scrub.json_text import BRACE, BRACKET, QUOTE, decode_any, decode_array, decode_object, text_bytes
from scrubjay.core.scrub.redact import Span, characters
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.trace import Touch

_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_PAIRS: Final = frozenset(("tags", "headers", "cookies", "query_string"))


class Place(NamedTuple):
    """Where something changes: item type, rule, path."""

    item: str
    rule: str
    path: str


@dataclass(frozen=True, slots=True)
class Side:
    """What one side's rules did to an item, and what leaves of it."""

    touches: Iterable[Touch]
    payload: bytes


@dataclass(slots=True)
class Difference:
    """Values at one place. `less`: of which something is no longer removed."""

    more: int = 0
    less: int = 0
    other: int = 0


@dataclass(slots=True)
class Comparison:
    """Differences by place, and items that only one side drops, by type."""

    items: int = 0
    places: dict[Place, Difference] = field(default_factory=dict)
    newly_dropped: dict[str, int] = field(default_factory=dict)
    no_longer_dropped: dict[str, int] = field(default_factory=dict)

    def total(self) -> Difference:
        rows = self.places.values()
        return Difference(sum(row.more for row in rows), sum(row.less for row in rows), sum(row.other for row in rows))

    @property
    def removes_less(self) -> bool:
        return bool(self.no_longer_dropped) or any(row.less for row in self.places.values())

    def add(self, item: str, old: Side | None, new: Side | None) -> None:
        """One item under both rules; None: dropped."""
        self.items += 1
        if old is None or new is None:
            if old is not new:
                table = self.newly_dropped if new is None else self.no_longer_dropped
                table[item] = table.get(item, 0) + 1
            return
        before, after = _values(old.touches), _values(new.touches)
        differs = False
        for path in {**before, **after}:
            found = self._compare(item, _shown(path), before.get(path, _UNTOUCHED), after.get(path, _UNTOUCHED))
            differs = differs or found
        if not differs and old.payload != new.payload:
            self._compare_payloads(item, old.payload, new.payload)

    def _compare_payloads(self, item: str, old: bytes, new: bytes) -> None:
        """Addresses of sessions, GraphQL bodies and the like are treated by settings, with no rule to name."""
        left, now = _texts(old), _texts(new)
        more, less = sum((left - now).values()), sum((now - left).values())
        if more or less:
            row = self._at(item, "(settings)", "(somewhere)")
            row.more += more
            row.less += less

    def _compare(self, item: str, path: str, old: _Value, new: _Value) -> bool:
        """Whether anything differs."""
        lost, gained = _without(old.taken, new.taken), _without(new.taken, old.taken)
        for rule in _rules_of(lost, old):
            self._at(item, rule, path).less += 1
        for rule in _rules_of(gained, new):
            self._at(item, rule, path).more += 1
        if not lost and not gained and old.left != new.left:
            for rule in dict.fromkeys(rule for _, rule in new.taken):
                self._at(item, rule, path).other += 1
            return True
        return bool(lost or gained)

    def _at(self, item: str, rule: str, path: str) -> Difference:
        return self.places.setdefault(Place(item, rule, path), Difference())


@dataclass(slots=True)
class _Value:
    """One value on its way through the rules. `taken`: what was removed of the original, by whom; `left`: what is there now.

    `parts`: the present text as stretches, each with its length and where it stands in the original; -1: written by a rule.
    """

    taken: list[tuple[Span, str]] = field(default_factory=list)
    left: bytes | None = None
    parts: list[tuple[int, int]] = field(default_factory=list)


_UNTOUCHED: Final = _Value()


def _values(touches: Iterable[Touch]) -> dict[NodePath, _Value]:
    """The values that were touched, by path. A container that went stands for all values in it."""
    values: dict[NodePath, _Value] = {}
    for touch in touches:
        if touch.dry:
            continue
        if touch.kind in {"object", "array"}:
            for path, leaf in _leaves(touch.path, touch.before):
                _take(values.setdefault(path, _new(leaf)), ((0, len(leaf)),), None, leaf, touch)
        else:
            value = values.setdefault(touch.path, _new(touch.before))
            _take(value, touch.spans, touch.after, touch.before, touch)
    return values


def _new(original: bytes) -> _Value:
    return _Value(left=original, parts=[(len(original), 0)])


def _take(value: _Value, spans: tuple[Span, ...], after: bytes | None, before: bytes, touch: Touch) -> None:
    rule = touch.rule.origin
    if after is None:
        value.taken += [((start, start + length), rule) for length, start in value.parts if start >= 0 and length]
        value.parts, value.left = [], None
        return
    parts: list[tuple[int, int]] = []
    ends = list(accumulate(length for length, _ in value.parts))
    at = 0
    for (start, end), written in zip(spans, _written(spans, after, before, touch), strict=True):
        parts += _cut(value.parts, ends, at, start)
        value.taken += [
            ((origin, origin + length), rule) for length, origin in _cut(value.parts, ends, start, end) if origin >= 0
        ]
        parts.append((written, -1))
        at = end
    value.parts, value.left = [*parts, *_cut(value.parts, ends, at, len(before))], after


def _written(spans: tuple[Span, ...], after: bytes, before: bytes, touch: Touch) -> list[int]:
    """How many bytes were written for each stretch that was taken."""
    if touch.rule.redaction.method == "mask":
        return [characters(before[start:end]) for start, end in spans]
    plain = len(before) - sum(end - start for start, end in spans)
    return [(len(after) - plain) // len(spans)] * len(spans) if spans else []


def _cut(parts: list[tuple[int, int]], ends: list[int], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches between two positions of the present text. `ends`: where each part of it ends."""
    for index in range(bisect_right(ends, start), len(parts)):
        length, origin = parts[index]
        at = ends[index] - length
        first, last = max(at, start), min(ends[index], end)
        if at >= end:
            return
        if first < last:
            yield last - first, origin + first - at if origin >= 0 else -1


def _merged(taken: list[tuple[Span, str]]) -> list[Span]:
    """What was taken, in order, each byte once."""
    out: list[Span] = []
    for start, end in sorted(span for span, _ in taken):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _without(taken: list[tuple[Span, str]], others: list[tuple[Span, str]]) -> list[Span]:
    """What of the one is not in the other."""
    out: list[Span] = []
    covered = _merged(others)
    ends = [end for _, end in covered]
    for start, end in _merged(taken):
        at = start
        for index in range(bisect_right(ends, start), len(covered)):
            first, last = covered[index]
            if first >= end:
                break
            if first > at:
                out.append((at, first))
            at = last
        if at < end:
            out.append((at, end))
    return out


def _rules_of(spans: list[Span], value: _Value) -> dict[str, None]:
    """The rules that took any of these stretches."""
    ends = [end for _, end in spans]
    out: dict[str, None] = {}
    for (start, end), rule in value.taken:
        at = bisect_right(ends, start)
        if at < len(spans) and spans[at][0] < end:
            out[rule] = None
    return out


def _leaves(path: NodePath, data: bytes) -> Iterator[tuple[NodePath, bytes]]:
    """The values in a container, by the paths under which they would be touched one by one; texts as their bytes."""
    pairs = normalise.read_pairs(path[-1], data) if path and path[-1] in _PAIRS and data[0] in b"{[" else None
    if pairs is not None:
        for index, (_, value) in enumerate(pairs):
            yield from _leaves((*path, str(index), "1"), value)
    elif data[0] == BRACE:
        for key, member in decode_object(data).items():
            yield from _leaves((*path, key), bytes(member))
    elif data[0] == BRACKET:
        for index, element in enumerate(decode_array(data)):
            yield from _leaves((*path, str(index)), bytes(element))
    elif data[0] not in b"tfn":
        yield path, text_bytes(data) if data[0] == QUOTE else data


def _texts(payload: bytes) -> Counter[str]:
    """All values in a document but those of `_meta`; of what is none, the whole."""
    try:
        document = decode_any(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Counter([repr(payload)])
    if isinstance(document, dict):
        document.pop("_meta", None)
    return Counter(_flat(document))


def _flat(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _flat(member)
    elif isinstance(value, list):
        for element in value:
            yield from _flat(element)
    elif value is not None:
        yield str(value)


def _shown(path: NodePath) -> str:
    return ".".join("*" if key.isdigit() else key if _NAME.fullmatch(key) else "~" for key in path) or "(all of it)"
