"""Suspects: what still looks like personal data in a document as it leaves, and why it was left (scrubbing.md 15.2).

What looks like it is `findings.py`'s. A suspect tells where and how long, never what; `explain.py` puts the document together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from scrubjay.core.scrub import legacy
from scrubjay.core.scrub.findings import Finding, findings
from scrubjay.core.scrub.json_text import encode
from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE, Application
from scrubjay.core.scrub.program import Pass, ScrubProgram
from scrubjay.core.scrub.redact import Remark, Span, Text, characters
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.rules import DryRule, Rule
from scrubjay.core.scrub.selectors import And, Not, Selector, parse_selector
from scrubjay.core.scrub.survey import Node

Reason: TypeAlias = Literal[
    "number", "key", "class false", "class maybe without specific selector", "exempt text", "excluded by excludeFields",
    "excluded by its selector", "protected by an incoming remark", "dry run", "no rule for it",
]  # fmt: skip
_EXEMPT: Final = parse_selector(legacy.EXEMPT_PLACES)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A value that was left. `kind` is that of the node, or `key`; `spans` are characters of its text, of which it has `length`."""

    path: NodePath
    detector: str
    reason: Reason
    node_class: int
    kind: str
    spans: tuple[Span, ...]
    length: int


class Remarks(NamedTuple):
    """Where text of a node counts as redacted: by remarks that came with it, and by all that leave with it."""

    incoming: list[Remark]
    leaving: list[Remark]


def suspects(
    program: ScrubProgram, nodes: Iterable[Node], remarks_of: Callable[[NodePath], Remarks]
) -> Iterator[Suspect]:
    """The suspects among the nodes of a document as it leaves, and among their keys."""
    reasons = _Reasons(program)
    for node in nodes:
        # A name of nothing but letters is none of what the detectors look for.
        if node.key is not None and not node.key.replace("_", "").isalpha():
            key = node.key.encode("utf-8", "replace")
            for finding in findings(key, None):
                yield _suspect(node, "key", key, finding, "key")
        if node.kind == "number":
            text = str(node.value).encode()
            for finding in findings(text, node.key):
                yield _suspect(node, "number", text, finding, "number")
        elif node.kind == "string":
            text = node.value.encode("utf-8", "replace")
            yield from _in_text(reasons, node, text, remarks_of)


def _in_text(
    reasons: _Reasons, node: Node, text: bytes, remarks_of: Callable[[NodePath], Remarks]
) -> Iterator[Suspect]:
    found = findings(text, node.key)
    if not found:
        return
    incoming, leaving = remarks_of(node.path)
    came = {(remark.origin, remark.code) for remark in incoming}
    for finding in found:
        covering = [remark for remark in leaving if remark.span is not None and _covers(remark.span, finding.spans)]
        if not covering:
            yield _suspect(node, "string", text, finding, reasons.of(node, text))
        elif any((remark.origin, remark.code) in came for remark in covering):
            yield _suspect(node, "string", text, finding, "protected by an incoming remark")


def _covers(outer: Span, spans: tuple[Span, ...]) -> bool:
    return any(outer[0] <= start and end <= outer[1] for start, end in spans)


def _suspect(node: Node, kind: str, text: bytes, finding: Finding, reason: Reason) -> Suspect:
    spans = tuple((characters(text[:start]), characters(text[:end])) for start, end in finding.spans)
    return Suspect(node.path, finding.detector, reason, node.node_class, kind, spans, characters(text))


class _Reasons:
    """Why texts were left: found once for the same text in equal places, such as an address in each of many spans."""

    def __init__(self, program: ScrubProgram) -> None:
        self._program = program
        self._known: dict[tuple[object, ...], Reason] = {}

    def of(self, node: Node, text: bytes) -> Reason:
        # States live as long as their pass.
        states = (id(node.state(one.matcher)) for one in self._program.passes)
        place = (text, node.key, node.node_class, *states)
        reason = self._known.get(place)
        if reason is None:
            reason = self._known[place] = _reason(self._program, node, text)
        return reason


def _reason(program: ScrubProgram, node: Node, text: bytes) -> Reason:
    """Why no rule took a text of a document."""
    if node.node_class == FALSE:
        return "class false"
    reason: Reason = "no rule for it"
    for one in program.passes:
        state, hits = node.state(one.matcher), _shown(one, text)
        verdict = one.key_info(node.key)[1] if node.key is not None else 0
        for application in one.matcher.applications:
            taking = [rule for rule in application.rules if _takes(rule, text, verdict, hits)]
            if not taking:
                continue
            seen_as = TRUE if application.any_class else node.node_class
            if not one.matcher.matches(application.selector, state, seen_as):
                reason = _exclusion(one, application, node) or reason
            elif any(type(rule) is DryRule for rule in taking):
                return "dry run"
            else:
                return "no rule for it"  # of paths only the part before the name is text
    return "class maybe without specific selector" if node.node_class == MAYBE else reason


def _shown(one: Pass, text: bytes) -> int:
    """What the screen of a pass sees in a text."""
    scan = one.screen.borrow()
    hits = scan(encode(text.decode("utf-8", "replace")))
    one.screen.give_back(scan)
    return hits


def _takes(rule: Rule, text: bytes, verdict: int, hits: int) -> bool:
    """Whether a rule would take something from the text, if its application reached it."""
    if not (rule.bits & hits or rule.key_bits & verdict):
        return False
    trial = Text(text)
    return Rule.apply(rule, trial, verdict, hits) or trial.changed


def _exclusion(one: Pass, application: Application, node: Node) -> Reason | None:
    """Whether it is for a `!…` of its selector that an application does not reach a node."""
    if not isinstance(application.selector, And):
        return None
    state = node.state(one.matcher)
    missing: list[Selector] = [
        part for part in application.selector.parts if not one.matcher.matches(part, state, node.node_class)
    ]
    if not missing or not all(isinstance(part, Not) for part in missing):
        return None
    if not one.legacy_view:
        return "excluded by its selector"
    return "exempt text" if Not(_EXEMPT) in missing else "excluded by excludeFields"
