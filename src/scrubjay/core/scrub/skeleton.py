"""Looking into lists of typed objects without building them: which elements hold something that the screen flags?

Frames, breadcrumbs and the like are nine parts in ten what no rule can reach. From a plan a type is derived that has the reachable
members only, down to untyped content; msgspec skips the rest in one go. The result only says where to look: elements that it names
are scrubbed level by level as any other, and a list that does not fit the type is looked at in full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from scrubjay.core.scrub.json_text import BRACKET
from scrubjay.core.scrub.screen import KeyCounter, Scan

if TYPE_CHECKING:
    from scrubjay.core.scrub.schema import Plan

# Counts the members that it finds, by name, and says whether the screen flags anything in them.
_Judge: TypeAlias = Callable[[Any, Scan, dict[str, int]], bool]
# Type, judge, names in and below it.
_Made: TypeAlias = tuple[Any, _Judge, frozenset[str]]
_VALUES = "values"
_OBJECTS = frozenset(("type", "exception"))


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Decoders and judge of a list. `element` is the type of its elements, `names` the members that are read.

    `decode_list` reads the list alone, `decode_values` also an object around it, as `exception` and others have it.
    """

    element: Any
    judge: _Judge
    names: frozenset[str]
    decode_list: Callable[[bytes], Any]
    decode_values: Callable[[bytes], Any]
    counter: KeyCounter

    def flagged(self, data: bytes, scan: Scan) -> list[int] | None:
        """Positions of the elements to open in a list, or in an object around it; None: look at every one.

        A key that stands twice in an object is decoded once, and the other value must not leave unseen: so each name has to be found
        as often as the bytes have it as a key, which fails also, harmlessly, where untyped content has such a key.
        """
        counted = self.counter.count(data)
        if counted is None:
            return None
        found = dict.fromkeys(counted, 0)
        try:
            if data[0] == BRACKET:
                elements = self.decode_list(data)
            else:
                elements = self.decode_values(data).values
                found[_VALUES] = 1
        except msgspec.DecodeError:
            return None
        if data[0] == BRACKET:
            counted[_VALUES] = 0
        judge = self.judge
        flagged = [index for index, element in enumerate(elements) if judge(element, scan, found)]
        return flagged if found == counted else None


def make_skeleton(element_plan: Plan) -> Skeleton | None:
    """The skeleton of a list whose elements have this plan; None where the members of an element are not known beforehand."""
    made = _object(element_plan)
    if made is None:
        return None
    element, judge, names = made
    values = msgspec.defstruct("Values", [(_VALUES, list[element])])  # type: ignore[valid-type]
    return Skeleton(
        element,
        judge,
        names,
        msgspec.json.Decoder(list[element]).decode,  # type: ignore[valid-type]
        msgspec.json.Decoder(values).decode,
        KeyCounter(sorted({*names, _VALUES})),
    )


def _object(plan: Plan) -> _Made | None:
    """Type and judge of a typed object, or null, and the names in and below it."""
    if plan.kind not in _OBJECTS or not plan.closed or plan.rules:
        return None
    members: list[tuple[str, Any, Any]] = []
    judges: list[tuple[str, str, _Judge]] = []
    names = set(plan.fields)
    for place, (name, child) in enumerate(plan.fields.items()):
        kind, judge, below = _member(child)
        attribute = f"member_{place}"
        members.append((attribute, kind | msgspec.UnsetType, msgspec.field(default=msgspec.UNSET, name=name)))
        judges.append((attribute, name, judge))
        names |= below
    struct = msgspec.defstruct("Skeleton", members, gc=False)

    def judge_object(value: Any, scan: Scan, found: dict[str, int]) -> bool:
        flagged = False
        if value is not None:
            for attribute, name, judge in judges:
                member = getattr(value, attribute)
                if member is not msgspec.UNSET:
                    found[name] += 1
                    if judge(member, scan, found):
                        flagged = True
        return flagged

    return struct | None, judge_object, frozenset(names)


def _member(plan: Plan) -> _Made:
    if plan.kind == "list" and plan.skeleton is not None and not plan.rules:
        inner = plan.skeleton

        def judge_list(value: Any, scan: Scan, found: dict[str, int]) -> bool:
            flagged = False
            for element in value or ():
                if inner.judge(element, scan, found):
                    flagged = True
            return flagged

        return list[inner.element] | None, judge_list, inner.names  # type: ignore[name-defined]
    if (made := _object(plan)) is not None:
        return made
    mask = plan.mask
    return msgspec.Raw, lambda value, scan, _found: bool(scan(value) & mask), frozenset()
