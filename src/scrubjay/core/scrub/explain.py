"""Explaining what a program does to a payload: each change in the order applied, and what was left though it looks personal (15.2).

The payload is scrubbed as ever, with a `Trace` listening; afterwards the nodes of what came and of what leaves are surveyed, so that a
change can name the selector that led to it and the class of its place. Changes hold values before and after, for a diff and for
the capture page; `public` gives what may be printed anywhere: places, rules, numbers of characters, never a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from scrubjay.core.scrub.documents import CONTAINERS, TYPED, scrub_document, untyped_class
from scrubjay.core.scrub.findings import findings, may_hold, places
from scrubjay.core.scrub.json_text import decode_any, mended
from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE, Application
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Span, characters
from scrubjay.core.scrub.remarks import NodePath, Notes
from scrubjay.core.scrub.selectors import And, Not, Or, Selector, print_selector
from scrubjay.core.scrub.survey import Node, survey, survey_untyped
from scrubjay.core.scrub.suspects import Remarks, Suspect, suspects
from scrubjay.core.scrub.trace import Touch, Trace

CLASS_NAMES: Final = {TRUE: "true", MAYBE: "maybe", FALSE: "false"}
_ACTIONS: Final = {
    "default": "removed", "remove": "removed", "replace": "replaced", "mask": "masked", "hash": "hashed", "pseudonym": "hashed",
}  # fmt: skip
# Detectors that take a whole text, or a node by its key, for a word (gap G8).
_BY_WORD: Final = frozenset(("password", "token_key", "redact_pair"))
_HIDDEN: Final = "~"
"""Stands in a printed path for a key that is personal itself. No JSON Pointer has it alone."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a rule at one place, in the form of `capture.md` 8.1.

    `rule` acted; `remark` is what `_meta` names. `origin`: `builtin`, `config`, or `default` for what follows from the settings.
    `application` is the selector that the rule is bound to, `selector` the part of it that matched.
    `ranges` and lengths are characters of `before` and `after`; `after` None: the node is gone. `node_class` is empty for a place that the
    payload has in another form. `by_key`: the key decided. `word`: a word took the whole, so that a harmless key or text may be hit.
    """

    path: NodePath
    rule: str
    remark: str
    origin: str
    detector: str
    selector: str
    application: str
    node_class: str
    action: str
    kind: str
    ranges: tuple[Span, ...]
    before: str
    after: str | None
    by_key: bool = False
    word: bool = False
    dry_run: bool = False

    @property
    def pointer(self) -> str:
        """The path as it may be printed."""
        return pointer(self.path) if self.kind != "key" else f"{pointer(self.path[:-1])}/{_HIDDEN}"

    @property
    def len_before(self) -> int:
        return len(self.before)

    @property
    def len_after(self) -> int:
        return len(self.after or "")

    @property
    def taken(self) -> int:
        """Characters that the rule took."""
        return sum(end - start for start, end in self.ranges)

    def public(self) -> dict[str, Any]:
        """Everything but the values."""
        return {
            "path": self.pointer, "rule": self.rule, "origin": self.origin, "detector": self.detector, "selector": self.selector,
            "application": self.application, "class": self.node_class, "action": self.action, "kind": self.kind, "ranges": self.ranges, "taken": self.taken, "len_before": self.len_before,
            "len_after": self.len_after, "by_key": self.by_key, "word": self.word, "dry_run": self.dry_run,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Explanation:
    """`output` is what leaves, None if that is what came. `totals` by the rule that remarks name."""

    output: bytes | None
    changes: tuple[Change, ...]
    suspects: tuple[Suspect, ...]
    totals: Record

    def public(self) -> dict[str, Any]:
        """For printing: no values."""
        return {
            "changes": [change.public() for change in self.changes],
            "suspects": [
                {"path": pointer(one.path), "detector": one.detector, "reason": one.reason, "class": CLASS_NAMES[one.node_class],
                 "kind": one.kind, "ranges": one.spans, "length": one.length}
                for one in self.suspects
            ],
        }  # fmt: skip


def explain(program: ScrubProgram, payload: bytes | memoryview, shape: str) -> Explanation:
    """Scrub a payload and say what was done. Raises Unscrubbable."""
    trace = Trace()
    return explained(program, payload, scrub_document(program, payload, shape, trace), trace, shape)


def explained(
    program: ScrubProgram, payload: bytes | memoryview, output: bytes | None, trace: Trace, shape: str | None
) -> Explanation:
    """What a trace says of a payload that was scrubbed already. `shape` None: it is no JSON document, as far as scrubbing knows."""
    if shape is None:
        return Explanation(output, tuple(changes(trace.touches)), (), trace)
    came = _Side(payload)
    leaves = came if output is None else _Side(output)
    return Explanation(
        output,
        tuple(changes(trace.touches, _touched(trace, came, leaves, shape, strict=program.strict))),
        tuple(_suspects(program, came, leaves, shape)),
        trace,
    )


def nodes_of(document: Any, shape: str, *, strict: bool, within: AbstractSet[NodePath] | None = None) -> Iterator[Node]:
    """The nodes of a payload of any shape. `within`: the places that are asked for, each with all above it; None: every one."""
    if shape in TYPED:
        yield from survey(document, TYPED[shape], strict=strict, within=within)
    elif shape in CONTAINERS:
        for index, element in enumerate(document["items"]):
            base = ("items", str(index))
            if within is None or base in within:
                yield from survey(element, CONTAINERS[shape], strict=strict, base=base, within=within)
    else:
        yield from survey_untyped(document, untyped_class, within=within)


class _Side:
    """A payload as it came, or as it leaves; read when somebody asks."""

    def __init__(self, payload: bytes | memoryview) -> None:
        self._payload = payload

    @cached_property
    def data(self) -> bytes:
        return mended(bytes(self._payload))

    @cached_property
    def document(self) -> Any:
        return decode_any(self.data)


def _touched(trace: Trace, came: _Side, leaves: _Side, shape: str, *, strict: bool) -> dict[NodePath, Node]:
    """The nodes that a trace speaks of. Of a place that is in both, what came says more: what leaves may be a null there."""
    paths = {touch.path for touch in trace.touches}
    found: dict[NodePath, Node] = {}
    for side in dict.fromkeys((came, leaves)):
        if missing := paths.difference(found):
            within = {path[:length] for path in missing for length in range(1, len(path) + 1)}
            nodes = nodes_of(side.document, shape, strict=strict, within=within)
            found.update((node.path, node) for node in nodes if node.path in missing)
    return found


def _suspects(program: ScrubProgram, came: _Side, leaves: _Side, shape: str) -> Iterator[Suspect]:
    within = places(leaves.data)
    if within is not None and not within:
        return
    nodes = nodes_of(leaves.document, shape, strict=program.strict, within=within)
    remarks = _Remarks(came, leaves, shape, trusts=_trusts_remarks(program))
    yield from suspects(program, nodes, remarks.of)


def changes(touches: Iterable[Touch], by_path: Mapping[NodePath, Node] | None = None) -> Iterator[Change]:
    """What was traced, with what is known of the places."""
    # Most changes are the work of a few applications. What was printed is kept, so that no other object gets its identity.
    printed: dict[int, tuple[Selector, str]] = {}

    def shown(selector: Selector) -> str:
        known = printed.get(id(selector))
        if known is None:
            known = printed[id(selector)] = (selector, print_selector(selector))
        return known[1]

    for touch in touches:
        node = (by_path or {}).get(touch.path)
        application = _application(touch)
        # A number whose digits a rule found goes whole (gap G7).
        is_number = node is not None and node.kind == "number" and touch.kind == "string"
        after = None if touch.after is None or is_number else touch.after.decode("utf-8", "replace")
        before = touch.before.decode("utf-8", "replace")
        yield Change(
            path=touch.path,
            rule=touch.rule.id,
            remark=touch.rule.origin,
            origin=_origin(touch),
            detector=touch.detector,
            selector="" if application is None else shown(_matched(touch, application, node)),
            application="" if application is None else shown(application.selector),
            node_class=CLASS_NAMES[node.node_class] if node is not None else "",
            action="removed" if after is None else _ACTIONS.get(touch.rule.redaction.method, "removed"),
            kind="number" if is_number else touch.kind,
            ranges=tuple(
                (characters(touch.before[:start]), characters(touch.before[:end])) for start, end in touch.spans
            ),
            before=before,
            after=after,
            by_key=touch.by_key,
            word=touch.detector in _BY_WORD,
            dry_run=touch.dry,
        )


def pointer(path: NodePath) -> str:
    """A path as a JSON Pointer that may be printed: a key in which a detector finds something is `~`."""
    hides = may_hold(path)
    return "".join(
        f"/{_HIDDEN if hides and _is_personal(key) else key.replace('~', '~0').replace('/', '~1')}" for key in path
    )


def _is_personal(key: str) -> bool:
    return not key.isalpha() and bool(findings(key.encode("utf-8", "replace"), None))


def _origin(touch: Touch) -> str:
    if touch.one is not None and touch.one.legacy_view:
        return "default"
    return "builtin" if touch.rule.id.startswith("@") else "config"


def _application(touch: Touch) -> Application | None:
    """The application that holds the rule; none where rules run without one, as over plain text."""
    for application in touch.one.matcher.applications if touch.one is not None else ():
        if any(rule is touch.rule for rule in application.rules):
            return application
    return None


def _matched(touch: Touch, application: Application, node: Node | None) -> Selector:
    """The part of a selector by which it reached the node: of alternatives the first, and no negations."""
    if touch.one is None or node is None:
        return application.selector
    matcher, state = touch.one.matcher, node.state(touch.one.matcher)
    seen_as = TRUE if application.any_class else node.node_class

    def narrow(selector: Selector) -> Selector:
        if isinstance(selector, Or):
            part = next((part for part in selector.parts if matcher.matches(part, state, seen_as)), selector)
            return part if part is selector else narrow(part)
        if isinstance(selector, And):
            parts = tuple(narrow(part) for part in selector.parts if not isinstance(part, Not))
            return parts[0] if len(parts) == 1 else And(parts) if parts else selector
        return selector

    return narrow(application.selector)


def _trusts_remarks(program: ScrubProgram) -> bool:
    return not any("incoming_remarks" in one.closed for one in program.passes)


class _Remarks:
    """The remarks of a payload, as it came and as it leaves."""

    def __init__(self, came: _Side, leaves: _Side, shape: str, *, trusts: bool) -> None:
        self._came, self._leaves, self._shape, self._trusts = came, leaves, shape, trusts

    def of(self, path: NodePath) -> Remarks:
        return Remarks(self._at(self._came, path) if self._trusts else [], self._at(self._leaves, path))

    def _at(self, side: _Side, path: NodePath) -> list[Any]:
        document = side.document
        if self._shape in CONTAINERS:
            document, path = document["items"][int(path[1])], path[2:]
        meta = document.get("_meta") if isinstance(document, dict) else None
        return Notes(meta).text(path, b"").remarks
