"""Allow-list mode: of a payload only the listed leaves are left (scrubbing.md 15.5).

Runs before the passes, over every payload as a whole, so the deny rules see what is kept. A leaf stays if a selector matches it,
whatever its class; a container stays if something in it does, and keeps its keys. What a value is, and what the server cannot do
without, `allow_shapes.py` knows; the classes of the schema, the screen and the rules are none of this module's business.

Invariant: whatever leaves `reduce` is a listed leaf, a word or id that the protocol needs, a key, or a remark of a known rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from scrubjay.core.envelope import Item
from scrubjay.core.scrub import normalise
from scrubjay.core.scrub.allow_shapes import (
    DOCUMENTS,
    RECORDS,
    child_shape,
    image_shape,
    is_needed,
    leaf_types,
    object_types,
    pairs_in,
    tells_kind,
)
from scrubjay.core.scrub.builtin_rules import BUILTIN_RULES, FURTHER_RULES
from scrubjay.core.scrub.json_text import (
    BRACE,
    BRACKET,
    NULL,
    QUOTE,
    Raw,
    decode_any,
    decode_array,
    decode_object,
    encode,
    text_bytes,
)
from scrubjay.core.scrub.legacy import SENSITIVE_RULE
from scrubjay.core.scrub.matching import ALWAYS, TRUE, Application, Matcher, State
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import FILTERED, Redaction, Text, characters
from scrubjay.core.scrub.remarks import EMBEDDED
from scrubjay.core.scrub.rules import Rule
from scrubjay.core.scrub.selectors import SelectorError, parse_selector
from scrubjay.errors import ConfigError, Unscrubbable
from scrubjay.settings.scrub import Scrub

ORIGIN: Final = "@allow"
_FILTERED: Final = encode(FILTERED)
_REMOVAL: Final = [ORIGIN, "x"]
# What selectors lead to, and what takes what none leads to.
_MARKER: Final = Rule(ORIGIN, ORIGIN, Redaction(), (), ALWAYS, 0, takes_nodes=True, skip_overlaps=False)
# Item types whose leaves can be listed. All others leave whole or not at all.
_LISTABLE: Final = frozenset(
    ("event", "transaction", "security", "raw_security", "feedback", "user_report", "session", "sessions", "check_in", "log", "span",
     "trace_metric", "metric_buckets", "replay_event")
)  # fmt: skip
# Whose remarks say nothing but that somebody was here before.
_ORIGINS: Final = (*BUILTIN_RULES, *FURTHER_RULES, ORIGIN, EMBEDDED, SENSITIVE_RULE, "pii:ip_address", "@error")
_CODES: Final = frozenset("xsmpea")
_NO_NOTES: Final[dict[str, Any]] = {}

Notes: TypeAlias = dict[str, Any]
"""A part of `_meta`: a member per key or position, those of the node itself under the empty key."""


class _Part(NamedTuple):
    """What is left of a node: its JSON, whether that holds anything listed, and its part of `_meta`."""

    value: bytes
    kept: bool
    notes: Notes


class _Children(NamedTuple):
    """What is left of the children of a node."""

    values: Any
    kept: bool
    notes: Notes


class AllowList:
    """The listed leaves of one project."""

    def __init__(self, options: Scrub, rule_ids: Iterable[str] = ()) -> None:
        """`rule_ids`: the project's own rules, whose remarks may stay. Raises ConfigError."""
        self._items = frozenset(options.allow_items)
        applications = []
        for index, text in enumerate(options.allow):
            try:
                # Words such as `email` are keys here: as the basic type of the same name they would let every text leave.
                applications.append(Application(parse_selector(text, legacy_words=False), (_MARKER,)))
            except SelectorError as error:
                raise ConfigError(str(error), path=f"scrub.allow[{index}]") from None
        self._matcher = Matcher(applications, lambda _key: ALWAYS)
        self._origins = frozenset((*_ORIGINS, *rule_ids))

    @property
    def whole(self) -> tuple[str, ...]:
        """Types of items that leave under the deny rules alone."""
        return tuple(sorted(self._items - _LISTABLE))

    def fate(self, item: Item) -> Literal["reduce", "whole", "drop"]:
        """What becomes of an item by its type. `whole`: it leaves under the deny rules alone."""
        name, named = item.kind.type, item.type in self._items
        if name in _LISTABLE:
            return "reduce" if named or name != "replay_event" else "drop"
        return "whole" if named or name == "client_report" else "drop"

    def reduce(self, data: bytes, shape: str, record: Record | None = None) -> bytes:
        """The payload with its listed leaves only; `record` counts the others. Raises Unscrubbable, and what decoding raises."""
        return _Reduction(self._matcher, self._origins, record).payload(data, shape)


class _Reduction:
    """One payload on its way through the list. `_path` is where in it the reduction is."""

    def __init__(self, matcher: Matcher, origins: frozenset[str], record: Record | None) -> None:
        self._matcher = matcher
        self._origins = origins
        self._record = record
        self._path: list[str] = []

    def payload(self, data: bytes, shape: str) -> bytes:
        if shape in DOCUMENTS:
            return self._document(data, *DOCUMENTS[shape])
        if shape in RECORDS:
            return self._container(data, *RECORDS[shape])
        data = data.strip()
        root = self._matcher.root
        if data[0] == BRACE:
            kind = "session" if shape == "session" else "generic"
            return encode(self._members(decode_object(data), root, f"type:{kind}", _NO_NOTES).values)
        if data[0] == BRACKET:
            return encode(self._elements(decode_array(data), root, "any", _NO_NOTES).values)
        return self._leaf(data, _NO_NOTES, kept=False).value

    def _document(self, data: bytes, type_name: str, root_type: str) -> bytes:
        """A document with remarks of its own. Its root stays, whatever is left in it."""
        fields = decode_object(data)
        notes = _below({"_meta": decode_any(fields.pop("_meta", Raw(NULL)))}, "_meta")
        if type_name == "event":
            for old, new in normalise.ALIASES.items():
                if old in fields:
                    fields.setdefault(new, fields.pop(old))
                    fields.pop(old, None)
        state = self._matcher.root
        if root_type:
            state = self._step(state, self._matcher.key_match(""), (root_type,))
        members = self._members(fields, state, f"type:{type_name}", notes)
        tree = {**members.notes, **self._own(notes)}
        return encode({**members.values, "_meta": Raw(encode(tree))} if tree else members.values)

    def _container(self, data: bytes, type_name: str, root_type: str) -> bytes:
        """Records that are documents of their own."""
        fields = decode_object(data)
        items = fields.pop("items", None)
        if items is None or bytes(items)[0] != BRACKET:
            raise Unscrubbable("container without items")
        records = decode_array(items)
        if any(bytes(record)[0] != BRACE for record in records):
            raise Unscrubbable("record is not an object")
        around = self._members(fields, self._matcher.root, "type:container", _NO_NOTES).values
        left = []
        for index, one in enumerate(records):
            self._path = ["items", str(index)]
            left.append(Raw(self._document(bytes(one), type_name, root_type)))
        return encode({**around, "items": left})

    # ---- nodes

    def _node(self, data: bytes, parent: State, match: int, shape: str, notes: Notes) -> _Part:
        """What is left of a value that is reached from `parent` by a step that matches `match`."""
        kind, _, rest = shape.partition(":")
        if shape == "type:logentry" and data[0] != BRACE and data not in (NULL, b"false"):
            text = data if data[0] == QUOTE else normalise.as_json_text(data)
            data = b'{"formatted":' + text + b"}"
        elif data[0] == BRACKET and kind == "values":
            data = b'{"values":' + data + b"}"
        elif data[0] == BRACKET and shape == "map:any":
            # Variables may come as an array; the protocol has them by number.
            data = encode({str(index): element for index, element in enumerate(decode_array(data))})
        if data[0] not in b"{[":
            if kind == "pairs" and data[0] == QUOTE and not self._lists(parent, match, ("string",)):
                return self._spelled_pairs(data, parent, match, rest, notes)
            return self._leaf(data, notes, kept=self._lists(parent, match, leaf_types(data, kind)))
        pairs = pairs_in(data, kind, rest)
        if pairs is not None:
            children = self._pairs(pairs, self._step(parent, match, ("object",)), notes)
        elif data[0] == BRACE:
            children = self._object(decode_object(data), parent, match, shape, notes)
        else:
            element = rest if kind == "list" else "any"
            children = self._elements(decode_array(data), self._step(parent, match, ("array",)), element, notes)
        if not children.kept:
            # Servers take tags apart without asking whether there are any.
            return _removed(self._own(notes), b"[]" if kind == "pairs" else NULL)
        return _Part(encode(children.values), True, {**children.notes, **self._own(notes)})

    def _leaf(self, data: bytes, notes: Notes, *, kept: bool) -> _Part:
        own = self._own(notes)
        if kept or data in (NULL, _FILTERED):
            return _Part(data, kept, own)
        record, path = self._record, tuple(self._path)
        if data[0] != QUOTE:
            if record is not None:
                record.removes_node(_MARKER, 0, data, path)
            return _removed(own)
        text = text_bytes(data)
        if record is not None:
            record.apply(_MARKER, Text(text), 0, ALWAYS, path)
        length = own.get("", _NO_NOTES).get("len", characters(text))
        return _Part(_FILTERED, False, {"": {"rem": [[ORIGIN, "s", 0, len(FILTERED)]], "len": length}})

    def _object(self, fields: dict[str, Raw], parent: State, match: int, shape: str, notes: Notes) -> _Children:
        kind = shape.partition(":")[0]
        if kind == "values" and "values" not in fields:
            fields = {"values": Raw(b"[" + encode(fields) + b"]")}
        word = tells_kind(shape, fields.get("type"))
        if kind == "debug_image":
            shape = image_shape(fields.get("type"))
        state = self._step(parent, match, object_types(shape))
        value = fields.get("value") if kind == "attribute" else None
        # By its name an attribute stands for its value.
        listed = value is not None and self._lists(parent, match, leaf_types(bytes(value)))
        return self._members(fields, state, shape, notes, listed="value" if listed else None, word=word)

    def _members(
        self,
        fields: dict[str, Raw],
        state: State,
        shape: str,
        notes: Notes,
        *,
        listed: str | None = None,
        word: bool = False,
    ) -> _Children:
        """The members of an object that is in `state`. `listed`: a leaf that is known to stay. `word`: its `type` is no value, so it
        stays, and is no reason for the object to stay."""
        values: dict[str, Raw] = {}
        tree: Notes = {}
        any_kept = False
        for key, child in fields.items():
            data = bytes(child)
            self._path.append(key)
            if word and key == "type":
                part = _Part(data, False, {})
            elif is_needed(shape, key, data) or (key == listed and data[0] not in b"{["):
                part = self._leaf(data, _below(notes, key), kept=True)
            else:
                member = child_shape(shape, key, data)
                part = self._node(data, state, self._matcher.key_match(key), member, _below(notes, key))
            self._path.pop()
            values[key] = Raw(part.value)
            any_kept = any_kept or part.kept
            if part.notes and key:  # under the empty key stands what is noted of the object itself
                tree[key] = part.notes
        return _Children(values, any_kept, tree)

    def _elements(self, elements: list[Raw], state: State, shape: str, notes: Notes) -> _Children:
        parts = []
        for index, child in enumerate(elements):
            self._path.append(str(index))
            match = self._matcher.index_match(index)
            parts.append(self._node(bytes(child), state, match, shape, _below(notes, str(index))))
            self._path.pop()
        tree = {str(index): part.notes for index, part in enumerate(parts) if part.notes}
        return _Children([Raw(part.value) for part in parts], any(part.kept for part in parts), tree)

    def _pairs(self, pairs: normalise.Pairs, state: State, notes: Notes) -> _Children:
        """A list of pairs: each value stands under the name before it (scrubbing.md 7.3, 7.4)."""
        matcher = self._matcher
        values: list[tuple[str | None, Raw]] = []
        tree: Notes = {}
        any_kept = False
        for index, (name, value) in enumerate(pairs):
            match = matcher.index_match(index) if name is None else matcher.key_match(name)
            self._path += (str(index), "1")
            part = self._node(value, state, match, "any", _below(_below(notes, str(index)), "1"))
            del self._path[-2:]
            values.append((name, Raw(part.value)))
            any_kept = any_kept or part.kept
            if part.notes:
                tree[str(index)] = {"1": part.notes}
        return _Children(values, any_kept, tree)

    def _spelled_pairs(self, data: bytes, parent: State, match: int, name: str, notes: Notes) -> _Part:
        """A query or cookies in one text. A name in it may be anything, so pairs that are not listed leave with theirs."""
        state = self._step(parent, match, ("object",))
        listed: normalise.Pairs = [
            (key, value)
            for key, value in normalise.read_pairs(name, data) or ()
            if key is not None and self._lists(state, self._matcher.key_match(key), ("string",))
        ]
        return _Part(normalise.write_pairs(listed), True, {}) if listed else self._leaf(data, notes, kept=False)

    # ---- selectors and remarks

    def _step(self, state: State, match: int, types: Iterable[str]) -> State:
        return self._matcher.step(state, match | self._matcher.types_match(types))

    def _lists(self, parent: State, match: int, types: Iterable[str]) -> bool:
        """Whether a selector matches a node, of any class."""
        return bool(self._step(parent, match, types).rules[TRUE])

    def _own(self, notes: Notes) -> Notes:
        """What may stay of the remarks about a node: those of known rules, and its length. Anything else could hold anything."""
        own = notes.get("")
        if not isinstance(own, dict):
            return {}
        out: Notes = {}
        remarks = [entry for entry in _list(own.get("rem")) if self._is_remark(entry)]
        if remarks:
            out["rem"] = remarks
        if type(own.get("len")) is int:
            out["len"] = own["len"]
        return {"": out} if out else {}

    def _is_remark(self, entry: object) -> bool:
        match entry:
            case [str(origin), str(code)] | [str(origin), str(code), int(), int()]:
                return origin in self._origins and code in _CODES
        return False


def _removed(own: Notes, left: bytes = NULL) -> _Part:
    earlier = own.get("", _NO_NOTES)
    remarks = earlier.get("rem", [])
    if remarks[-1:] != [_REMOVAL]:
        remarks = [*remarks, _REMOVAL]
    return _Part(left, False, {"": {**earlier, "rem": remarks}})


def _below(notes: Notes, key: str) -> Notes:
    """The part of incoming `_meta` below a key; SDKs send what they like."""
    child = notes.get(key)
    return child if isinstance(child, dict) and key else _NO_NOTES


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
