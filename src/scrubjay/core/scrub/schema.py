"""What the protocol's objects are made of, joined with what a config does to them: one `Plan` per node kind.

A plan says which rules act on a node, where its children lead, and in `mask` which screen bits could matter in it or below it; a
subtree whose bytes show none of them is not opened (scrubbing.md 5, 16). The tables are `schema_fields.py` and
`attribute_keys.py`. Who walks is `descend.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from scrubjay.core.scrub import attribute_keys
from scrubjay.core.scrub.matching import ALWAYS, FALSE, MAYBE, TRUE, Matcher, State
from scrubjay.core.scrub.normalise import ALIASES
from scrubjay.core.scrub.rules import Rule
from scrubjay.core.scrub.schema_fields import CONTEXTS, TYPES

CLASSES = {"+": TRUE, "~": MAYBE, "-": FALSE, "@": FALSE}
_BY_ATTRIBUTE: Final = "@"
# Value types by shape; every other shape has none.
SHAPE_TYPES = {
    "string": ("string",),
    "message": ("string", "message"),
    "ip": ("string",),
    "path": ("string",),
    "number": ("number",),
    "bool": ("boolean",),
    "list": ("array",),
    "map": ("object",),
    "pairs": ("object",),
    "contexts": ("object",),
    "attributes": ("object",),
}
_SPECIAL_TYPES = frozenset(("event", "replay", "logentry", "user", "request", "exception", "mechanism", "span_data"))
# The kind of a context decides what it is, so it is no value.
_CONTEXT_TYPES = frozenset(CONTEXTS.values())
_CROWD: Final = 4
# Members from which the walk may make the one named first, besides those that are an old name of it (scrubbing.md 5.6).
_OTHER_NAMES: Final = {
    "query_string": ["url"],
    "fragment": ["url"],
    "cookies": ["headers"],
    "data": ["mechanism"],
    **{target: [old for old, new in ALIASES.items() if new == target] for target in ALIASES.values()},
}
# Types whose unlisted members are of class true in `strict`: nobody knows what they hold.
OPEN_TYPES = frozenset(("log", "span", "span_v2", "mechanism"))
_TEXT_SHAPES = frozenset(("string", "message", "ip", "path"))


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One type of the schema: class of unlisted fields, value types of the object, fields as (class, shape)."""

    unknown: str
    value_types: tuple[str, ...]
    fields: dict[str, tuple[int, str]]


def _read_types(table: str) -> dict[str, ObjectType]:
    out: dict[str, ObjectType] = {}
    fields: dict[str, tuple[int, str]] = {}
    for line in table.splitlines():
        words = line.split()
        if line.startswith(" "):
            fields.update(dict.fromkeys(words[2:], (CLASSES[words[0]], words[1])))
        else:
            fields = {}
            out[words[0]] = ObjectType(words[1], tuple(words[2:]), fields)
    return out


OBJECT_TYPES = _read_types(TYPES)


class _AttributeClasses:
    """Class of an attribute key, segment by segment; `<key>` stands for one segment, a literal is preferred (scrubbing.md 5.5)."""

    def __init__(self) -> None:
        self._listed: dict[str, int] = {}
        self._patterns: dict[tuple[str, ...], int] = {}
        for text, node_class in (
            (attribute_keys.TRUE, TRUE), (attribute_keys.MAYBE, MAYBE), (attribute_keys.FALSE, FALSE),
        ):  # fmt: skip
            for name in text.split():
                if "<key>" in name:
                    self._patterns[tuple(name.split("."))] = node_class
                else:
                    self._listed[name] = node_class

    def get(self, key: str) -> int | None:
        """None: the key is not listed."""
        node_class = self._listed.get(key)
        if node_class is not None or "." not in key:
            return node_class
        segments = key.split(".")
        for pattern, listed in self._patterns.items():
            if len(pattern) == len(segments) and all(
                ours in ("<key>", theirs) for ours, theirs in zip(pattern, segments, strict=True)
            ):
                return listed
        return None


attribute_class = _AttributeClasses().get


@dataclass(slots=True)
class Plan:
    """How a node of a certain shape is treated at a certain place.

    `kind` is the head of the shape (`string`, `any`, `type`, `list`, …), `name` the object type. `key_verdict` belongs to the
    last key of the path. `fields` are the listed fields that can hold something; `dead` the listed ones that cannot.
    The state of untyped content depends on its actual kind, so `parent` and `match` say how it is reached; elsewhere `state` is it.
    """

    kind: str
    name: str
    node_class: int
    parent: State
    match: int
    state: State
    key_verdict: int
    mask: int = 0
    rules: tuple[Rule, ...] = ()
    fields: dict[str, Plan] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    unknown: int = FALSE
    element: str = ""


class Planner:
    """Makes plans for one automaton; each once."""

    def __init__(
        self,
        matcher: Matcher,
        key_verdict: Callable[[str], int],
        field_bit: Callable[[str], int],
        percent: int,
        exponent: int,
        *,
        strict: bool = False,
    ) -> None:
        """`percent` and `exponent`: screen bits of what makes text that is not in the bytes (scrubbing.md 16)."""
        self._open = OPEN_TYPES if strict else frozenset[str]()
        self.matcher = matcher
        self._field_bit = field_bit
        self._key_verdict = key_verdict
        self._percent = percent
        self._exponent = exponent
        self._plans: dict[tuple[int, int, str, int, int], Plan] = {}
        self.text_types = matcher.types_match(("string",))
        self.number_types = matcher.types_match(("number",))
        self.boolean_types = matcher.types_match(("boolean",))
        self.array_types = matcher.types_match(("array",))
        self.object_types = matcher.types_match(("object",))

    def plan(self, parent: State, match: int, shape: str, node_class: int, key_verdict: int = 0) -> Plan:
        """The plan of a node reached from `parent` by a step that matches `match` (key or position, without value types)."""
        key = (id(parent), match, shape, node_class, key_verdict)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._make(parent, match, shape, node_class, key_verdict)
            if self._open and plan.mask and plan.kind != "any":
                # A value of the wrong kind is scrubbed as untyped, so what could matter there has to open it.
                plan.mask |= self._make_any(parent, match, TRUE, key_verdict).mask
        return plan

    def document(self, type_name: str, root_type: str = "") -> Plan:
        """The plan of a document. Its root is no step, unless it has a value type: then it is a step with an empty key."""
        matcher = self.matcher
        state, match = matcher.root, 0
        if root_type:
            match = matcher.key_match("") | matcher.types_match((root_type,))
            state = matcher.step(matcher.root, match)
        plan = Plan(self._kind("type", type_name), type_name, FALSE, matcher.root, match, state, 0)
        self._fill_type(plan)
        return plan

    def _make(self, parent: State, match: int, shape: str, node_class: int, key_verdict: int) -> Plan:
        kind, _, rest = shape.partition(":")
        if kind == "any":
            return self._make_any(parent, match, node_class, key_verdict)
        types = OBJECT_TYPES[rest].value_types if kind == "type" else SHAPE_TYPES.get(kind, ())
        state = self.matcher.step(parent, match | self.matcher.types_match(types))
        plan = Plan(self._kind(kind, rest), rest, node_class, parent, match, state, key_verdict)
        plan.rules = state.rules[node_class]
        if kind in _TEXT_SHAPES:
            plan.mask = self._text_mask(plan.rules, key_verdict)
            if plan.mask and kind != "message":
                plan.mask |= self._exponent
            return plan
        plan.mask = self._removal_mask(plan.rules, key_verdict)
        region = state.region[node_class]
        if kind == "type":
            self._fill_type(plan)
        elif kind == "values":
            inner = self.plan(state, self.matcher.key_match("values"), f"list:{rest}", FALSE)
            plan.fields["values"] = inner
            plan.mask |= inner.mask
        elif kind == "list":
            plan.element = rest
            plan.mask |= region if rest == "any" else self.element(plan, -1).mask
            for index in self.matcher.indices:
                plan.mask |= self.element(plan, index).mask
        elif kind == "map":
            plan.element = rest
            plan.mask |= region | (self._exponent if region and rest != "any" else 0)
        elif kind == "pairs":
            plan.mask |= region | (self._percent | self._exponent if region else 0)
        elif kind == "contexts":
            plan.mask |= state.region[TRUE] | state.region[MAYBE]
            if plan.mask:
                plan.mask |= self._percent | self._exponent
        elif kind == "attributes":
            plan.mask |= state.region[TRUE] | state.region[MAYBE]
        elif kind == "debug_image":
            for image in ("native_image", "sourcemap_image"):
                plan.mask |= self.plan(parent, match, f"type:{image}", FALSE).mask
        return plan

    @staticmethod
    def _kind(kind: str, name: str) -> str:
        """What the walk dispatches on: some object types have a treatment of their own."""
        return name if kind == "type" and name in _SPECIAL_TYPES else kind

    def element(self, plan: Plan, index: int) -> Plan:
        """The plan of an element of a list."""
        match = self.matcher.index_match(index)
        return self.plan(plan.state, match, plan.element, plan.node_class)

    def child(self, plan: Plan, key: str, shape: str, node_class: int) -> Plan:
        """The plan of a child under a key that the schema does not list."""
        return self.plan(plan.state, self.matcher.key_match(key), shape, node_class, self._key_verdict(key))

    def _make_any(self, parent: State, match: int, node_class: int, key_verdict: int) -> Plan:
        step = self.matcher.step
        texts = step(parent, match | self.text_types)
        arrays = step(parent, match | self.array_types)
        objects = step(parent, match | self.object_types)
        numbers = step(parent, match | self.number_types)
        plan = Plan("any", "", node_class, parent, match, objects, key_verdict)
        plan.mask = self._text_mask(texts.rules[node_class], key_verdict)
        for state in (arrays, objects, numbers):
            plan.mask |= self._removal_mask(state.rules[node_class], key_verdict)
        plan.mask |= arrays.region[node_class] | objects.region[node_class]
        return plan

    def _fill_type(self, plan: Plan) -> None:
        described = OBJECT_TYPES[plan.name]
        plan.unknown = CLASSES[described.unknown]
        if described.unknown == _BY_ATTRIBUTE:
            plan.mask |= plan.state.region[TRUE] | plan.state.region[MAYBE]
            return
        if plan.name in self._open:
            plan.unknown = TRUE
        dead = ["type"] if plan.name in _CONTEXT_TYPES else []
        for name, (node_class, shape) in described.fields.items():
            child = None
            if shape != "dead":
                child = self.plan(plan.state, self.matcher.key_match(name), shape, node_class, self._key_verdict(name))
            if child is None or not child.mask:
                dead.append(name)
            else:
                plan.fields[name] = child
                plan.mask |= self._mask_by_key(name, child.mask)
        plan.dead = frozenset(dead)
        if plan.unknown != FALSE:
            plan.mask |= plan.state.region[plan.unknown]
        if plan.name == "request":
            plan.mask |= self._percent if plan.mask else 0

    def _mask_by_key(self, name: str, mask: int) -> int:
        """What the screen must show in an object for a member to matter. Without its key the member is not there.

        So the key stands for what would always be looked at, and for a crowd of short keys such as names of cookies. Some members
        also arise from others, or have old names; a text of a log entry needs no key at all.
        """
        keys = mask & self.matcher.short_key_bits
        if keys.bit_count() > _CROWD:
            mask = mask & ~keys | ALWAYS
        if not mask & ALWAYS or name == "formatted":
            return mask
        mask &= ~ALWAYS
        for spelling in (name, *_OTHER_NAMES.get(name, ())):
            mask |= self._field_bit(spelling)
        return mask

    @staticmethod
    def _text_mask(rules: tuple[Rule, ...], key_verdict: int) -> int:
        mask = 0
        for rule in rules:
            mask |= ALWAYS if rule.key_bits & key_verdict else rule.bits
        return mask

    @staticmethod
    def _removal_mask(rules: tuple[Rule, ...], key_verdict: int) -> int:
        # Asked of the class: what a rule would take that is only tried has to be met too.
        return ALWAYS if any(Rule.removes_node(rule, key_verdict) for rule in rules) else 0
