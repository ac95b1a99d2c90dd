"""Every node of a document as selectors see it: its path, the steps that are matched, their value types, its class (scrubbing.md 5, 6).

The walk (`descend.py`) knows the same, but opens only what rules can reach and forgets at once; this is for explanations, which ask
about all the rest. Both read the same tables. Nothing is converted here: a text that the walk would read as pairs is a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE, Matcher, State
from scrubjay.core.scrub.normalise import ALIASES, header_name
from scrubjay.core.scrub.program import DOCUMENT_TYPES
from scrubjay.core.scrub.protocol import attribute_value_class
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.schema import CLASSES, OBJECT_TYPES, OPEN_TYPES, SHAPE_TYPES
from scrubjay.core.scrub.schema_fields import CONTEXTS, DEBUG_IMAGES
from scrubjay.core.scrub.shapes import span_data_class

ByKey: TypeAlias = Callable[[str, int], int]
_KINDS: Final[Mapping[type, str]] = {
    str: "string", int: "number", float: "number", bool: "boolean", dict: "object", list: "array", type(None): "null",
}  # fmt: skip
_CONTEXT_TYPES: Final = frozenset(CONTEXTS.values())
# What a value must be for the walk to take it as its shape says; any other shape takes whatever comes.
_FITTING: Final = {
    **dict.fromkeys(("string", "message", "ip", "path"), (str,)),
    **dict.fromkeys(("number", "bool", "scalar"), (int, float)),
    **dict.fromkeys(("type", "contexts", "attributes", "debug_image"), (dict,)),
    "list": (list,),
    "values": (dict, list),
    "map": (dict, list),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path as selectors see it: an object key or an array position, and the value types there."""

    name: str | int
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """`path` leads to it in the document, `steps` are what selectors are matched with; the root has none."""

    path: NodePath
    steps: tuple[Step, ...]
    value: Any
    node_class: int

    @property
    def kind(self) -> str:
        return _KINDS[type(self.value)]

    @property
    def key(self) -> str | None:
        """The key that rules look at."""
        last = self.steps[-1].name if self.steps else None
        return last if isinstance(last, str) else None

    def state(self, matcher: Matcher) -> State:
        """Where the automaton of a config is at this node."""
        state = matcher.root
        for step in self.steps:
            match = matcher.key_match(step.name) if isinstance(step.name, str) else matcher.index_match(step.name)
            state = matcher.step(state, match | matcher.types_match(step.types))
        return state


def survey(
    document: Any, type_name: str, *, strict: bool, base: NodePath = (), within: AbstractSet[NodePath] | None = None
) -> Iterator[Node]:
    """The nodes of a document of a schema type (a key of `DOCUMENT_TYPES`), parents before children, the root left out.

    `base`: where the document stands. `within`: the places that are asked for, each with all above it; None: every one.
    """
    root_type = DOCUMENT_TYPES[type_name]
    root = (Step("", (root_type,)),) if root_type else ()
    if isinstance(document, dict):
        yield from _Survey(strict, base, within).members(document, type_name, base, root)


def survey_untyped(document: Any, by_key: ByKey, *, within: AbstractSet[NodePath] | None = None) -> Iterator[Node]:
    """The nodes of JSON of unknown meaning; the class of a member by its key. `within` as of `survey`."""
    yield from _Survey(True, (), within).inside(document, TRUE, (), (), by_key)


class _Survey:
    """One document under one profile."""

    def __init__(self, strict: bool, base: NodePath, within: AbstractSet[NodePath] | None) -> None:
        self._strict = strict
        self._base = base
        self._within = within

    def _skips(self, path: NodePath) -> bool:
        return self._within is not None and path not in self._within

    def members(self, value: dict[str, Any], type_name: str, path: NodePath, steps: tuple[Step, ...]) -> Iterator[Node]:
        """The members of a typed object."""
        described = OBJECT_TYPES[type_name]
        unknown = TRUE if self._strict and type_name in OPEN_TYPES else CLASSES[described.unknown]
        for key, child in value.items():
            if key == "_meta" and path == self._base:
                continue
            name = ALIASES.get(key, key) if type_name == "event" else key
            if described.unknown == "@":
                yield from self.untyped(child, span_data_class(key, TRUE), (*path, key), steps, key, span_data_class)
                continue
            node_class, shape = described.fields.get(name, (unknown, "any"))
            if name == "type" and type_name in _CONTEXT_TYPES:
                node_class = FALSE  # the kind of a context decides what it is, so it is no value
            yield from self._node(child, shape, node_class, (*path, key), steps, name)

    def _node(
        self, value: Any, shape: str, node_class: int, path: NodePath, above: tuple[Step, ...], name: str | int
    ) -> Iterator[Node]:
        """A node by its shape, and what is below it."""
        if self._skips(path):
            return
        kind, _, rest = shape.partition(":")
        if kind in {"any", "dead"}:
            yield from self.untyped(value, FALSE if kind == "dead" else node_class, path, above, name)
            return
        if kind == "pairs":
            yield from self._pairs(value, node_class, path, above, name)
            return
        if rest == "logentry" and isinstance(value, str):
            steps = (*above, Step(name, OBJECT_TYPES[rest].value_types))
            node_class, shape = OBJECT_TYPES[rest].fields["formatted"]
            yield from self._node(value, shape, node_class, path, steps, "formatted")
            return
        if value is not None and (isinstance(value, bool) or not isinstance(value, _FITTING[kind])):
            # In `strict` a value of the wrong kind is taken as untyped, in `parity` it stays.
            yield from self.untyped(value, TRUE if self._strict else FALSE, path, above, name)
            return
        types = OBJECT_TYPES[rest].value_types if kind == "type" else SHAPE_TYPES.get(kind, ())
        steps = (*above, Step(name, types))
        yield Node(path, steps, value, node_class)
        if isinstance(value, dict):
            yield from self._in_object(value, kind, rest, node_class, path, steps)
        elif kind == "values":
            yield from self._values(value, rest, path, steps)
        elif isinstance(value, list):
            for index, element in enumerate(value):
                # An array of variables counts as an object.
                key = str(index) if kind == "map" else index
                yield from self._node(element, rest, node_class, (*path, str(index)), steps, key)

    def _in_object(
        self, value: dict[str, Any], kind: str, rest: str, node_class: int, path: NodePath, steps: tuple[Step, ...]
    ) -> Iterator[Node]:
        if kind == "type":
            yield from self.members(value, rest, path, steps)
        elif kind == "debug_image":
            image = DEBUG_IMAGES.get(value["type"]) if isinstance(value.get("type"), str) else None
            if image is not None:
                yield from self.members(value, image, path, steps)
            else:
                yield from self.inside(value, FALSE, path, steps)
        elif kind == "values":
            if "values" in value:
                yield from self._values(value["values"], rest, (*path, "values"), steps)
            else:
                yield from self._node(value, rest, FALSE, path, (*steps, Step("values", ("array",))), 0)
        else:
            for key, child in value.items():
                at = (*path, key)
                if kind == "map":
                    yield from self._node(child, rest, node_class, at, steps, key)
                elif kind == "contexts":
                    yield from self._context(child, at, steps, key)
                else:
                    yield from self._attribute(child, node_class, at, steps, key)

    def _values(self, value: Any, rest: str, path: NodePath, steps: tuple[Step, ...]) -> Iterator[Node]:
        if not isinstance(value, list):
            yield from self.untyped(value, TRUE if self._strict else FALSE, path, steps, "values")
            return
        below = (*steps, Step("values", ("array",)))
        for index, element in enumerate(value):
            yield from self._node(element, rest, FALSE, (*path, str(index)), below, index)

    def _pairs(
        self, value: Any, node_class: int, path: NodePath, above: tuple[Step, ...], name: str | int
    ) -> Iterator[Node]:
        steps = (*above, Step(name, ("object",)))
        yield Node(path, steps, value, node_class)
        headers = name == "headers"
        if isinstance(value, dict):
            for key, child in value.items():
                yield from self.untyped(child, node_class, (*path, key), steps, header_name(key) if headers else key)
        for index, element in enumerate(value if isinstance(value, list) else ()):
            key, child, at = index, element, (*path, str(index))
            if isinstance(element, list) and len(element) == 2:
                child, at = element[1], (*at, "1")
                if isinstance(element[0], str):
                    key = header_name(element[0]) if headers else element[0]
            yield from self.untyped(child, node_class, at, steps, key)

    def _context(self, value: Any, path: NodePath, above: tuple[Step, ...], key: str) -> Iterator[Node]:
        if not isinstance(value, dict):
            yield from self.untyped(value, TRUE if self._strict else FALSE, path, above, key)
            return
        named = value.get("type")
        kind = named if isinstance(named, str) and named else key
        if kind in CONTEXTS and CONTEXTS[kind] != "dead":
            yield from self._node(value, f"type:{CONTEXTS[kind]}", FALSE, path, above, key)
        else:
            node_class = FALSE if kind in CONTEXTS else MAYBE if kind == "monitor" else TRUE
            yield from self.untyped(value, node_class, path, above, key)

    def _attribute(
        self, value: Any, node_class: int, path: NodePath, above: tuple[Step, ...], key: str
    ) -> Iterator[Node]:
        if self._skips(path):
            return
        own = attribute_value_class(key, TRUE)
        if not isinstance(value, dict):
            yield from self.untyped(value, own if self._strict else FALSE, path, above, key, attribute_value_class)
            return
        steps = (*above, Step(key, ("object",)))
        yield Node(path, steps, value, node_class)
        for name, member in value.items():
            member_class = own if name == "value" else TRUE if self._strict else FALSE
            yield from self.untyped(member, member_class, (*path, name), steps, name, attribute_value_class)

    def untyped(
        self,
        value: Any,
        node_class: int,
        path: NodePath,
        above: tuple[Step, ...],
        name: str | int,
        by_key: ByKey | None = None,
    ) -> Iterator[Node]:
        """An untyped node, and what is below it."""
        if self._skips(path):
            return
        steps = (*above, Step(name, () if value is None else (_KINDS[type(value)],)))
        yield Node(path, steps, value, node_class)
        yield from self.inside(value, node_class, path, steps, by_key)

    def inside(
        self, value: Any, node_class: int, path: NodePath, steps: tuple[Step, ...], by_key: ByKey | None = None
    ) -> Iterator[Node]:
        """What is below an untyped node. An array of pairs counts as an object (scrubbing.md 7.3)."""
        members: list[tuple[str | int, NodePath, Any]] = []
        if isinstance(value, dict):
            members = [(key, (key,), child) for key, child in value.items()]
        elif isinstance(value, list):
            pairs = all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in value)
            for index, child in enumerate(value):
                members.append((child[0], (str(index), "1"), child[1]) if pairs else (index, (str(index),), child))
        for name, below, child in members:
            child_class = by_key(name, node_class) if by_key is not None and isinstance(name, str) else node_class
            yield from self.untyped(child, child_class, (*path, *below), steps, name, by_key)
