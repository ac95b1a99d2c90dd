"""The walk: runs one pass of a program over a JSON document, opening only what the screen flags (architecture 11).

The full walk of the specification is this same code under a screen that always says yes. Every handler gets the bytes of one
value and gives the bytes to put in its place, or None: unchanged. A level is written again only if one of its children changed;
the rest is the original bytes. Further shapes are in `shapes.py`, the protocol's own objects in `protocol.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from scrubjay.core.scrub import encoded, numbers
from scrubjay.core.scrub.bounds import TEXT_BYTES_OF_A_NODE, Allowance
from scrubjay.core.scrub.choice import Choice
from scrubjay.core.scrub.embedded import MAY_EMBED, scrub_embedded
from scrubjay.core.scrub.json_text import (
    BRACE,
    BRACKET,
    NULL,
    QUOTE,
    Raw,
    decode_text,
    encode,
    encode_text,
    text_bytes,
)
from scrubjay.core.scrub.keys import RENAMED, Names, renamed
from scrubjay.core.scrub.matching import ALWAYS, FALSE, MAYBE, TRUE, State
from scrubjay.core.scrub.opening import Element, Member, open_array, open_object
from scrubjay.core.scrub.pair_lists import read_pair_array
from scrubjay.core.scrub.program import Pass
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Text
from scrubjay.core.scrub.remarks import EMBEDDED, NodePath, Notes
from scrubjay.core.scrub.rules import Rule
from scrubjay.core.scrub.schema import Plan
from scrubjay.core.scrub.screen import EVERY, NOWHERE, Scan
from scrubjay.errors import Unscrubbable

# Texts that stand for nothing; no rule touches them (scrubbing.md 7.1).
EXEMPT = frozenset((b"", b"true", b"false", b"null", b"undefined"))

_ANY_BYTE: Final = bytes(range(256))
_TEXT: Final = b'"tfn'
_OBJECT: Final = b"{tfn"
# How the values of a kind begin; null, true and false are nothing to scrub anywhere. Kinds that are not listed take all values.
_FIRST_BYTES: Final = {
    **dict.fromkeys(("string", "message", "ip", "path"), _TEXT),
    **dict.fromkeys(("number", "bool", "scalar"), b"-0123456789tfn"),
    **dict.fromkeys(
        ("type", "event", "replay", "user", "request", "exception", "mechanism", "contexts", "attributes"), _OBJECT
    ),
    **dict.fromkeys(("span_data", "debug_image"), _OBJECT),
    "list": b"[tfn",
    "values": b"{[tfn",
    "map": b"{[tfn",
}

Handler: TypeAlias = Callable[["Walk", bytes, Plan, NodePath, int, int], bytes | None]


class Walk:
    """One pass over one document."""

    __slots__ = ("_allowance", "budget", "config", "level", "notes", "record", "scan", "strict", "untyped")

    def __init__(
        self, config: Pass, scan: Scan, notes: Notes, record: Record | None = None, allowance: Allowance | None = None
    ) -> None:
        """`budget`: nodes that may be visited before it is filled again, from an allowance that other walks may share."""
        self.record = record
        self.level, self.untyped = 0, False  # of JSON inside of texts; names exempt values, but no containers
        self._allowance = allowance
        self.config = config
        self.scan = scan
        self.notes = notes
        self.budget = config.bounds.first_nodes if allowance is None else 0
        self.strict = config.strict

    def refill(self) -> None:
        """Raises Unscrubbable where the document has had its share."""
        bounds = self.config.bounds
        if self._allowance is None:
            self._allowance = Allowance(bounds, spent=bounds.first_nodes)
        while self.budget < 0:
            self.budget += self._allowance.more()

    def visit(self, data: bytes, plan: Plan, path: NodePath, hits: int, at: int) -> bytes | None:
        """Scrub one value by its plan. `hits` is what the screen saw in it, `at` its place in the document."""
        self.budget -= 1
        if self.budget < 0:
            self.refill()
        if self.strict and data[0] not in _FIRST_BYTES.get(plan.kind, _ANY_BYTE):
            return self.misfit(data, plan, path)
        return _HANDLERS[plan.kind](self, data, plan, path, hits, at)

    def visit_made(self, data: bytes, plan: Plan, path: NodePath) -> bytes | None:
        """Scrub a value that is not in the document in this form."""
        hits = self.scan(data)
        return self.visit(data, plan, path, hits, NOWHERE) if hits & plan.mask else None

    def misfit(self, data: bytes, plan: Plan, path: NodePath) -> bytes | None:
        """Scrub a value of another kind than its field has, as untyped JSON: nobody knows what it is, so nothing of it is exempt.

        The reference takes such values out of the document and scrubs the original (scrubbing.md 5.6, 9.4).
        """
        return self.any(data, plan.parent, plan.match, TRUE, plan.key_verdict, path, EVERY, NOWHERE)

    # ---- texts

    def text(self, data: bytes, rules: tuple[Rule, ...], key_verdict: int, path: NodePath, hits: int) -> bytes | None:
        """Scrub a JSON string."""
        value = text_bytes(data)
        if value in EXEMPT:
            return None
        text = self.notes.text(path, value)
        config = self.config
        if text.remarks and config.embeds and text.remarks[0].origin == EMBEDDED:
            text.remarks = []
        if config.encoded & hits and hits != EVERY:
            hits = self.decoded(value, hits)
        removed = self.run(text, rules, key_verdict, hits, path)
        if removed is not None:
            self.notes.remove(path, removed.removal, text)
            return NULL
        if not text.changed:
            return None
        self.budget -= len(text.remarks)  # what is redacted costs as much as a node
        self.notes.write(path, text)
        return encode_text(text.value)

    def decoded(self, value: bytes, hits: int) -> int:
        """What the screen saw in a text, and sees in it decoded, in place of the sign that it may be encoded."""
        for view in encoded.views(value):
            hits |= self.scan(encode_text(view.text))
        return hits & ~self.config.encoded

    def run(self, text: Text, rules: tuple[Rule, ...], key_verdict: int, hits: int, path: NodePath) -> Rule | None:
        """Run rules over a text; the rule that removes it whole, if any."""
        if len(text.value) > self.config.bounds.max_text_bytes:
            raise Unscrubbable("text longer than may be scrubbed")
        self.budget -= len(text.value) // TEXT_BYTES_OF_A_NODE
        record = self.record
        for rule in self.acting(rules, hits, key_verdict):
            if (
                rule.apply(text, key_verdict, hits)
                if record is None
                else record.apply(rule, text, key_verdict, hits, path)
            ):
                return rule
            if text.changed and rule.redaction.joins and hits != EVERY:
                # Something new may stand there that no scan has seen.
                return self.run(text, rules[rules.index(rule) + 1 :], key_verdict, EVERY, path)
        return None

    def acting(self, rules: tuple[Rule, ...], hits: int, key_verdict: int) -> tuple[Rule, ...]:
        """The rules that have something to do."""
        choices = self.config.choices
        choice = choices.get(id(rules))
        if choice is None:
            choice = Choice(rules)
            if hits != EVERY:
                choices[id(rules)] = choice
        return choice.acting(hits, key_verdict)

    def removed(self, rules: tuple[Rule, ...], key_verdict: int, path: NodePath, data: bytes) -> bool:
        """Whether a node without text goes; noted if so. `data` is its JSON."""
        record = self.record
        for rule in self.acting(rules, ALWAYS, key_verdict):
            if rule.removes_node(key_verdict) if record is None else record.removes_node(rule, key_verdict, data, path):
                self.notes.remove(path, rule.removal)
                return True
        return False

    # ---- untyped content

    def any(
        self,
        data: bytes,
        parent: State,
        match: int,
        node_class: int,
        key_verdict: int,
        path: NodePath,
        hits: int,
        at: int,
        by_key: Callable[[str, int], int] | None = None,
    ) -> bytes | None:
        """Scrub untyped JSON. `by_key`: the class of a child by its key and the class here, where keys decide (attributes)."""
        self.budget -= 1
        if self.budget < 0:
            self.refill()
        planner, step = self.config.planner, self.config.matcher.step
        first = data[0]
        if node_class == FALSE and self.untyped and first in b"{[":
            node_class = TRUE
        if first == QUOTE:
            rules = step(parent, match | planner.text_types).rules[node_class]
            new = None
            if data[1] in MAY_EMBED:
                new = scrub_embedded(self, data, rules, parent, match, node_class, key_verdict, path)
            return self.text(data, rules, key_verdict, path, hits) if new is None and rules else new
        if first == BRACE:
            state = step(parent, match | planner.object_types)
            if self.removed(state.rules[node_class], key_verdict, path, data):
                return NULL
            return self.any_object(data, state, node_class, path, at, by_key)
        if first == BRACKET:
            state = step(parent, match | planner.array_types)
            if self.removed(state.rules[node_class], key_verdict, path, data):
                return NULL
            return self.any_array(data, state, node_class, path, at, by_key)
        if first in b"tfn":
            return None
        rules = step(parent, match | planner.number_types).rules[node_class]
        if self.removed(rules, key_verdict, path, data):
            return NULL
        if len(data) >= numbers.SHORTEST and self.config.searches_numbers:
            rules = step(parent, match | planner.text_types).rules[node_class]
            if numbers.tells(self, data, rules, path, hits):
                return NULL
        return None

    def any_object(
        self,
        data: bytes,
        state: State,
        node_class: int,
        path: NodePath,
        at: int,
        by_key: Callable[[str, int], int] | None = None,
    ) -> bytes | None:
        """Scrub the members of an untyped object."""
        region = state.region[node_class] if by_key is None else state.region[TRUE] | state.region[MAYBE]
        fields, changed, members = open_object(self.scan, data, at, every=bool(region & ALWAYS))
        names: Names | None = None
        for key, child, hits, place in members:
            match, verdict = self.config.key_info(key)
            if not (hits & region or verdict or match != self.config.plain_match):
                continue
            child_class = node_class if by_key is None else by_key(key, node_class)
            name = key
            if verdict & RENAMED and child_class == TRUE:
                names = names or Names(fields)
                name = self.rename(names, key, path)
                changed = True
            new = self.any(bytes(child), state, match, child_class, verdict, (*path, name), hits, place, by_key)
            if new is not None:
                fields[key] = Raw(new)
                changed = True
        if names is not None:
            names.put(fields)
        return encode(fields) if changed else None

    def rename(self, names: Names, key: str, path: NodePath) -> str:
        """The new name of a member whose key holds something; what came in about the member moves along."""
        name = names.add(key, self.renamed(key, path))
        self.notes.rename(path, key, name)
        return name

    def renamed(self, key: str, path: NodePath) -> str:
        """A key without what rules find in it; counted, so this is asked once for each that leaves. `path`: of its object."""
        if self.record is None:
            return renamed(key, self.config.key_rules)
        return renamed(key, self.config.key_rules, EVERY, self.record, (*path, key))

    def any_array(
        self,
        data: bytes,
        state: State,
        node_class: int,
        path: NodePath,
        at: int,
        by_key: Callable[[str, int], int] | None = None,
    ) -> bytes | None:
        """Scrub the elements of an untyped array; an array of pairs counts as an object (scrubbing.md 7.3)."""
        matcher = self.config.matcher
        region = state.region[node_class] if by_key is None else state.region[TRUE] | state.region[MAYBE]
        every = bool(region & ALWAYS or matcher.indices)
        elements, flagged = open_array(self.scan, data, at, every=every)
        if flagged and bytes(elements[0])[0] == BRACKET:
            pairs = read_pair_array(elements)
            if pairs is not None:
                return self._pair_array(pairs, flagged, state, node_class, path, by_key)
        changed = False
        for index, child, hits, place in flagged:
            match = matcher.index_match(index)
            if hits & region or match != self.config.plain_match:
                new = self.any(bytes(child), state, match, node_class, 0, (*path, str(index)), hits, place, by_key)
                if new is not None:
                    elements[index] = Raw(new)
                    changed = True
        return encode(elements) if changed else None

    def _pair_array(
        self,
        pairs: list[list[Raw]],
        flagged: list[Element],
        state: State,
        node_class: int,
        path: NodePath,
        by_key: Callable[[str, int], int] | None,
    ) -> bytes | None:
        changed = False
        for index, _, hits, _ in flagged:
            pair = pairs[index]
            key = decode_text(pair[0])
            match, verdict = self.config.key_info(key)
            if not (hits & state.region[node_class] or verdict or match != self.config.plain_match) and by_key is None:
                continue
            child_class = node_class if by_key is None else by_key(key, node_class)
            if verdict & RENAMED and child_class == TRUE:
                pair[0] = Raw(encode(self.renamed(key, path)))
                changed = self.notes.changed = True
            inner = (*path, str(index), "1")
            new = self.any(bytes(pair[1]), state, match, child_class, verdict, inner, hits, NOWHERE, by_key)
            if new is not None:
                pair[1] = Raw(new)
                changed = True
        return encode(pairs) if changed else None

    # ---- typed content

    def open(self, data: bytes, plan: Plan, at: int) -> tuple[dict[str, Raw], bool, list[Member]]:
        """Open a typed object: its members, whether it has to be written again anyhow, the members to look at."""
        return open_object(self.scan, data, at, every=bool(plan.mask & ALWAYS))

    def members(self, fields: dict[str, Raw], members: list[Member], plan: Plan, path: NodePath) -> bool:
        """Scrub these members of a typed object in place; whether any changed."""
        listed, changed = plan.fields, False
        unknown = plan.unknown
        region = plan.state.region[unknown] if unknown != FALSE else 0
        names: Names | None = None
        for key, child, hits, at in members:
            known = listed.get(key)
            if known is not None:
                if not hits & known.mask:
                    continue
                new = self.visit(bytes(child), known, (*path, key), hits, at)
            elif unknown != FALSE and key not in plan.dead:
                match, verdict = self.config.key_info(key)
                if not (hits & region or verdict or match != self.config.plain_match):
                    continue
                name = key
                if verdict & RENAMED and unknown == TRUE:
                    names = names or Names(fields)
                    name = self.rename(names, key, path)
                    changed = True
                new = self.any(bytes(child), plan.state, match, unknown, verdict, (*path, name), hits, at)
            else:
                continue
            if new is not None:
                fields[key] = Raw(new)
                changed = True
        if names is not None:
            names.put(fields)
        return changed


_HANDLERS: dict[str, Handler] = {}


def register(handlers: Mapping[str, Handler]) -> None:
    """Add the handlers of further kinds of plans."""
    _HANDLERS.update(handlers)
