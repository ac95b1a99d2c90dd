"""Texts of JSON whose other parts stay as they are: replay frames, view hierarchies (scrubbing.md 12.3, 12.6).

Every text is a node of class true under the path of its object keys; positions in arrays do not count. Numbers, containers and keys
are never touched, and a text that a rule removes becomes empty, so that whatever shows the document still can. Nobody reads remarks
there, so none are left. Reading a payload and writing it again is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from scrubjay.core.scrub.bounds import Allowance
from scrubjay.core.scrub.descend import EXEMPT, Walk
from scrubjay.core.scrub.json_text import (
    BRACE,
    BRACKET,
    QUOTE,
    Raw,
    check_depth,
    decode_array,
    decode_object,
    encode,
    encode_text,
    has_shadowed_keys,
    text_bytes,
)
from scrubjay.core.scrub.matching import TRUE, State
from scrubjay.core.scrub.program import Pass
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Text
from scrubjay.core.scrub.remarks import NodePath, Notes
from scrubjay.core.scrub.rules import Rule
from scrubjay.core.scrub.screen import Scan
from scrubjay.errors import Unscrubbable

MAX_MEMBERS: Final = 2_000_000
"""Commas in one payload: taken apart, each member costs far more memory than its bytes."""

_EMPTY: Final = b'""'

IsStructure = Callable[[str, dict[str, Raw]], bool]
"""Of a member's key and the object it stands in: whether its text holds the document together."""


def check_document(data: bytes, max_depth: int) -> None:
    """Refuse what is no text, or could not be taken apart in bounded memory. Raises Unscrubbable and UnicodeDecodeError."""
    if not data.isascii():
        data.decode()
    if data.count(b",") > MAX_MEMBERS:
        raise Unscrubbable("more members than may be scrubbed")
    check_depth(data, max_depth)


class LeafWalk:
    """One pass over one document.

    Texts that `is_structure` names are looked at by the rules for texts alone, where the pass has any: a word in a style sheet must
    not cost the page its looks.
    """

    __slots__ = ("_config", "_is_structure", "_text_bits", "_walk")

    def __init__(
        self,
        config: Pass,
        scan: Scan,
        is_structure: IsStructure | None = None,
        record: Record | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self._config = config
        self._walk = Walk(config, scan, Notes(), record, allowance)
        self._is_structure = is_structure
        self._text_bits = _bits(config.text_rules) if is_structure is not None else 0

    def concerns(self, data: bytes | Raw) -> bool:
        """Whether anything in a document may change."""
        return bool(self._walk.scan(data) & (self._config.matcher.root.region[TRUE] | self._text_bits))

    def document(self, data: bytes) -> bytes | None:
        """A whole document, whose root is no step; None if it stays."""
        root = self._config.matcher.root
        if data[0] == BRACE:
            return self._members(data, root, ())
        return self.value(data, root, self._config.plain_match, 0, ())

    def value(
        self, data: bytes, parent: State, match: int, key_verdict: int, path: NodePath, *, is_structure: bool = False
    ) -> bytes | None:
        """One value by the step that leads to it; None if it stays."""
        walk = self._walk
        walk.budget -= 1
        if walk.budget < 0:
            walk.refill()
        first = data[0]
        if first == QUOTE:
            rules = self._text_rules(parent, match)
            if is_structure and self._config.text_rules:
                rules, key_verdict = self._config.text_rules, 0
            return self._text(data, rules, key_verdict, path)
        if first == BRACE:
            return self._members(data, self._config.matcher.step(parent, match), path)
        if first == BRACKET:
            return self._elements(data, parent, match, key_verdict, path, is_structure=is_structure)
        return None

    def _text_rules(self, parent: State, match: int) -> tuple[Rule, ...]:
        return self._config.matcher.step(parent, match | self._config.planner.text_types).rules[TRUE]

    def _text(self, data: bytes, rules: tuple[Rule, ...], key_verdict: int, path: NodePath) -> bytes | None:
        value = text_bytes(data)
        if value in EXEMPT:
            return None
        text = Text(value)
        if self._walk.run(text, rules, key_verdict, self._walk.scan(data), path) is not None:
            return _EMPTY
        if not text.changed:
            return None
        self._walk.budget -= len(text.remarks)
        return encode_text(text.value)

    def _members(self, data: bytes, state: State, path: NodePath) -> bytes | None:
        fields = decode_object(data)
        changed = has_shadowed_keys(data, fields)
        config, is_structure = self._config, self._is_structure
        region = state.region[TRUE] | self._text_bits
        for key, child in fields.items():
            match, verdict = config.key_info(key)
            if not (self._walk.scan(child) & region or verdict or match != config.plain_match):
                continue
            structure = is_structure is not None and is_structure(key, fields)
            new = self.value(bytes(child), state, match, verdict, (*path, key), is_structure=structure)
            if new is not None:
                fields[key] = Raw(new)
                changed = True
        return encode(fields) if changed else None

    def _elements(
        self, data: bytes, parent: State, match: int, key_verdict: int, path: NodePath, *, is_structure: bool
    ) -> bytes | None:
        """The elements of an array, each at the path of the array itself."""
        inside = self._config.matcher.step(parent, match).region[TRUE]
        region = inside | _bits(self._text_rules(parent, match)) | self._text_bits
        elements, changed = decode_array(data), False
        for index, child in enumerate(elements):
            if key_verdict or self._walk.scan(child) & region:
                new = self.value(bytes(child), parent, match, key_verdict, path, is_structure=is_structure)
                if new is not None:
                    elements[index] = Raw(new)
                    changed = True
        return encode(elements) if changed else None


def _bits(rules: tuple[Rule, ...]) -> int:
    bits = 0
    for rule in rules:
        bits |= rule.bits
    return bits
