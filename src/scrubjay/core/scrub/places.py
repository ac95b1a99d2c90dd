"""A record that keeps, besides the counts, where each rule acted, and tells it without telling anything of anybody (scrubbing.md 15.8).

Paths are kept as they came, in memory and no longer than the payload. What is told of them are words of the protocol: array positions are
`*`, and a path ends before the first key that the protocol does not name, since keys of untyped objects can be personal data. Where
an operator wants them nevertheless, a key is told only if it stands in what leaves; any other was redacted, and is `~`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from scrubjay.core.scrub import attribute_keys
from scrubjay.core.scrub.json_text import encode
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.schema import OBJECT_TYPES
from scrubjay.core.scrub.schema_fields import CONTEXTS

if TYPE_CHECKING:
    from scrubjay.core.scrub.program import Pass
    from scrubjay.core.scrub.redact import Redaction, Text
    from scrubjay.core.scrub.remarks import NodePath
    from scrubjay.core.scrub.rules import Rule

PathStyle = Literal["schema", "full"]

MAX_PLACES: Final = 200
"""Of one payload; the counts are exact beyond them."""

_POSITION: Final = "*"
_REDACTED: Final = "~"
_CODES: Final = {"replace": "s", "mask": "m", "hash": "p", "pseudonym": "p"}
_UNTYPED: Final = "any"
# What a payload's scope is made of; containers hold records.
_ROOTS: Final = {
    "event": "type:event",
    "replay_event": "type:replay",
    "span": "type:span",
    "log_container": "container:log",
    "span_container": "container:span_v2",
    "trace_metric_container": "container:trace_metric",
    "session": "session",
    "user_report": "report",
}
# Documents that no rule knows the schema of, and members of theirs that the protocol names.
_MEMBERS: Final = {
    "session": {"did": _UNTYPED, "attrs": "attrs", "aggregates": "list:session"},
    "attrs": {"ip_address": _UNTYPED, "user_agent": _UNTYPED},
    "report": {"name": _UNTYPED, "email": _UNTYPED, "comments": _UNTYPED},
}
_ATTRIBUTES: Final = frozenset(
    name
    for text in (attribute_keys.TRUE, attribute_keys.MAYBE, attribute_keys.FALSE)
    for name in text.split()
    if "<key>" not in name
)
_IMAGE_MEMBERS: Final = frozenset({"code_file", "debug_file"})


class Place(NamedTuple):
    """Where a rule acted. `code`: that of the remark."""

    path: str
    rule: str
    code: str


@dataclass(slots=True)
class Places(Record):
    """Counts, and every place up to `MAX_PLACES`."""

    _found: dict[tuple[NodePath, str, str], None] = field(default_factory=dict)
    _base: NodePath = ()

    def attempt(self) -> Places:
        return Places(_base=self._base)

    def merge(self, other: Record) -> None:
        Record.merge(self, other)
        if isinstance(other, Places):
            for path, origin, code in other._found:  # noqa: SLF001 - one of its own
                if len(self._found) < MAX_PLACES:
                    self._found[path, origin, code] = None

    def begin(self, one: Pass) -> None:
        self._base = ()

    def enter(self, base: NodePath) -> None:
        self._base = base

    def apply(self, rule: Rule, text: Text, key_verdict: int, hits: int, path: NodePath) -> bool:
        before = text.value
        removed = Record.apply(self, rule, text, key_verdict, hits, path)
        if removed or text.value is not before:
            self._note(path, rule.origin, _code(rule.redaction, removed))
        return removed

    def removes_node(self, rule: Rule, key_verdict: int, data: bytes, path: NodePath) -> bool:
        removed = Record.removes_node(self, rule, key_verdict, data, path)
        if removed:
            self._note(path, rule.origin, "x")
        return removed

    def _note(self, path: NodePath, origin: str, code: str) -> None:
        if len(self._found) < MAX_PLACES:
            self._found[(*self._base, *path), origin, code] = None

    def told(self, scope: str | None, style: PathStyle, output: bytes | None) -> list[Place]:
        """The places, each once. `scope`: how the payload was read. `output`: what leaves; None tells no key but the protocol's."""
        if style == "schema" or output is None:
            tell = _by_schema
        else:
            leaves = output

            def tell(path: NodePath, scope: str | None) -> Iterator[str]:
                return _by_output(path, leaves)

        return list(dict.fromkeys(Place(".".join(tell(path, scope)), rule, code) for path, rule, code in self._found))


def _code(redaction: Redaction, removed: bool) -> str:
    return "x" if removed else _CODES.get(redaction.method, "x")


def _by_output(path: NodePath, output: bytes) -> Iterator[str]:
    for key in path:
        yield _POSITION if key.isdecimal() else key if encode(key) in output else _REDACTED


def _by_schema(path: NodePath, scope: str | None) -> Iterator[str]:
    shape = _ROOTS.get(scope or "", _UNTYPED)
    for key in path:
        step = _step(shape, key)
        if step is None:
            return
        told, shape = step
        yield told


def _step(shape: str, key: str) -> tuple[str, str] | None:
    """What is told of a key and the shape below it; None if the protocol does not know it there."""
    kind, _, rest = shape.partition(":")
    if kind == "type":
        known = OBJECT_TYPES[rest]
        if key in known.fields:
            return key, known.fields[key][1]
        return (key, _UNTYPED) if known.unknown == "@" and key in _ATTRIBUTES else None
    if kind in _MEMBERS:
        return (key, _MEMBERS[kind][key]) if key in _MEMBERS[kind] else None
    if kind == "container":
        return (key, f"list:type:{rest}") if key == "items" else None
    if key.isdecimal():
        return _POSITION, rest if kind in {"list", "values"} else shape
    if kind == "values" and key == "values":
        return key, f"list:{rest}"
    if kind == "contexts" and CONTEXTS.get(key, "dead") != "dead":
        return key, f"type:{CONTEXTS[key]}"
    if kind == "attributes" and key in _ATTRIBUTES:
        return key, "attribute"
    if (kind == "attribute" and key == "value") or (kind == "debug_image" and key in _IMAGE_MEMBERS):
        return key, _UNTYPED
    return None
