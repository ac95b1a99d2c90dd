"""What was captured, as a test reads it: a record, and what scrubbing did to it (`capture.md` 7, 8).

Owns shapes and their reading. Everything shown is the scrubbed form, but for `Change.before`, which holds a value of the original as far as
the sink keeps them (`originals`). Asking the sink is `capture`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Export = Literal["json", "markdown", "curl", "envelope", "python"]


@dataclass(frozen=True, slots=True)
class Change:
    """One place that scrubbing touched. `path` is a JSON Pointer into the payload, `rule` such as `@email:replace`, `action` one of removed,
    replaced, masked, hashed, encrypted, truncated, item_dropped. `ranges` are characters of `before`; `before` is None where it is not kept.
    """

    path: str
    rule: str
    origin: str = ""
    action: str = ""
    kind: str = ""
    ranges: tuple[tuple[int, int], ...] = ()
    before: Any = None
    after: Any = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        ranges = tuple((int(begin), int(end)) for begin, end in document.get("ranges") or ())
        texts = {name: str(document.get(name) or "") for name in ("path", "rule", "origin", "action", "kind")}
        return cls(**texts, ranges=ranges, before=document.get("before"), after=document.get("after"))

    def __str__(self) -> str:
        return f"{self.path}  {self.rule}"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A value that scrubbing left, and that still looks personal. `excerpt` has its middle hidden."""

    path: str
    detector: str
    excerpt: str = ""
    reason: str = ""
    confidence: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        names = ("path", "detector", "excerpt", "reason", "confidence")
        return cls(**{name: str(document.get(name) or "") for name in names})

    def __str__(self) -> str:
        return "  ".join(filter(None, (self.path, self.detector, self.excerpt)))


@dataclass(frozen=True, slots=True)
class Report:
    """What scrubbing did to one item. `totals`: rule → hits and bytes; `reason` says why there is less than one would expect."""

    mode: str
    changes: tuple[Change, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    totals: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    bytes_removed: int = 0
    time_ms: float = 0.0
    reason: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            mode=str(document.get("mode") or ""),
            changes=tuple(map(Change.of, document.get("changes") or ())),
            suspects=tuple(map(Suspect.of, document.get("suspects") or ())),
            totals=document.get("totals") or {},
            bytes_removed=int(document.get("bytes_removed") or 0),
            time_ms=float(document.get("time_ms") or 0),
            reason=str(document.get("reason") or ""),
        )


@dataclass(frozen=True, slots=True)
class Source:
    """Where an event asks for what its list row does not have."""

    detail: Callable[[str], dict[str, Any]]
    report: Callable[[str], dict[str, Any]]
    exported: Callable[[str, Export], bytes]
    attachment: Callable[[str, int], bytes]


class Event:
    """One record: an error, a transaction, a log line, …

    What a list shows is there at once; payload and report are asked for when they are first read. A name that the record does not have
    gives an empty text or object.
    """

    def __init__(self, summary: Mapping[str, Any], source: Source) -> None:
        self.summary: Mapping[str, Any] = summary
        """The record as the API's lists have it (`capture.md` 7.2)."""
        self._source = source
        self._detail: dict[str, Any] | None = None
        self._report: Report | None = None

    @property
    def id(self) -> str:
        """Of the record, in the sink."""
        return str(self.summary["id"])

    @property
    def type(self) -> str:
        """error, transaction, span, log, feedback, check_in, …"""
        return self._text("type")

    @property
    def title(self) -> str:
        """`Type: value` of the last exception, else the message, first line."""
        return self._text("title")

    @property
    def level(self) -> str:
        return self._text("level")

    @property
    def event_id(self) -> str:
        """32 hex digits, as the SDK gave it; empty for what has none."""
        return self._text("event_id")

    @property
    def trace_id(self) -> str:
        return self._text("trace_id")

    @property
    def transaction(self) -> str:
        return self._text("transaction")

    @property
    def environment(self) -> str:
        return self._text("environment")

    @property
    def release(self) -> str:
        return self._text("release")

    @property
    def outcome(self) -> str:
        """accepted, filtered, sampled, rate_limited, invalid or too_large: what the relay would have done with it."""
        return self._text("outcome")

    @property
    def tags(self) -> dict[str, str]:
        return dict(self.summary.get("tags") or {})

    @property
    def user(self) -> dict[str, Any]:
        return dict(self.summary.get("user") or {})

    @property
    def detail(self) -> dict[str, Any]:
        """The record in full, as `GET /events/{id}` has it. Asked for once."""
        if self._detail is None:
            self._detail = self._source.detail(self.id)
        return self._detail

    @property
    def message(self) -> str:
        """The text whose first line is the title."""
        return str(self.detail.get("message") or self.title)

    @property
    def payload(self) -> Any:
        """What would have left, decoded; None for what is no JSON."""
        return self.detail.get("payload")

    @property
    def report(self) -> Report:
        """What scrubbing did, and what it may have missed. Asked for once."""
        if self._report is None:
            self._report = Report.of(self._source.report(self.id))
        return self._report

    def at(self, pointer: str) -> Any:
        """The payload's value at a JSON Pointer, such as `/request/data/card`. Raises `LookupError` where there is none."""
        node = self.payload
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(name)] if isinstance(node, list) else node[name]
            except (LookupError, TypeError, ValueError):
                raise LookupError(f"{self!r} has nothing at {pointer}: {name!r} is not there") from None
        return node

    def scrubbed(self, pointer: str) -> Change:
        """The first thing that scrubbing did at a place. Raises `AssertionError`, which says what it did do."""
        __tracebackhide__ = True
        for change in self.report.changes:
            if change.path == pointer:
                return change
        try:
            left = f"; what would leave there is {self.at(pointer)!r}"
        except LookupError:
            left = "; and nothing is there"
        done = "".join(f"\n    {change}" for change in self.report.changes) or "\n    nothing"
        raise AssertionError(f"scrubbing did nothing at {pointer} of {self!r}{left}. What it did:{done}")

    def exported(self, form: Export = "json") -> str:
        """In a form to paste: as JSON, Markdown, a curl command, an envelope, or a test."""
        return self._source.exported(self.id, form).decode("utf-8", "replace")

    def attachment(self, number: int) -> bytes:
        """What was attached, counted from 0."""
        return self._source.attachment(self.id, number)

    def _text(self, name: str) -> str:
        return str(self.summary.get(name) or "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<Event {self.type} {self.title!r}>"
