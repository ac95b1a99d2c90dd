"""What captured items look like in a list: title, level, place, ids, outcome, and what was scrubbed.

Owns the records of `capture.md` 7. They are derived from the scrubbed form and from nothing else. Keeping them is `store`'s
business, finding them `query`'s. Payloads are what some client sent: every function here takes any JSON and raises nothing. A
record holds what lists and filters ask for, in slots: 20,000 log lines are 20,000 of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from sys import intern
from typing import Any, Final

from scrubjay.core.capture.digest import digest
from scrubjay.core.capture.facts import Facts
from scrubjay.core.capture.item import UNPARSABLE, CapturedItem, Fate
from scrubjay.core.capture.reading import Json, as_list, first_line, get, iso, pairs, parse_time, text
from scrubjay.core.capture.remarks import remarks
from scrubjay.core.capture.source import inferred_source
from scrubjay.core.capture.titles import culprit, message
from scrubjay.core.envelope import decode_json, encode_json

_TYPES: Final = {
    "event": "error",
    "transaction": "transaction",
    "span": "span",
    "log": "log",
    "feedback": "feedback",
    "user_report": "feedback",
    "check_in": "check_in",
    "session": "release_health",
    "sessions": "release_health",
    "replay_event": "replay",
    "replay_recording": "replay",
    "replay_video": "replay",
    "profile": "profile",
    "profile_chunk": "profile",
    "trace_metric": "metric",
    "statsd": "metric",
    "metric_buckets": "metric",
    "client_report": "client_report",
    "attachment": "attachment",
    "raw_security": "security",
    UNPARSABLE: UNPARSABLE,
}
RECORD_TYPES: Final = tuple(dict.fromkeys((*_TYPES.values(), "other")))

_WHOLE: Final = -1
_BEARERS: Final = frozenset({"event", "transaction", "feedback"})
"""Items whose records say how many attachments came with them."""
_MAX_MESSAGE: Final = 8192


class Record:
    """One line of a list. `part` is the place of an entry in its container, -1 for an item that is one record.

    What scrubbing did (`changes`, `rules`, `suspects`) is known from `_meta` at once, and exactly once the item was looked into.
    """

    __slots__ = (
        "_digest", "attachments", "changes", "culprit", "environment", "event_id", "facts", "fate", "index", "item_type", "level", "logger",
        "message", "part", "platform", "release", "rules", "sdk", "size_bytes", "source", "span_id", "suspects", "tags",
        "timestamp_unix", "trace_id", "transaction", "type", "user",
    )  # fmt: skip

    facts: Facts
    fate: Fate
    attachments: int
    changes: int
    suspects: int
    rules: tuple[str, ...]
    tags: Mapping[str, str] | None
    user: Mapping[str, object] | None
    timestamp_unix: float | None
    """None: the payload gives no time that can be read."""
    culprit: str
    environment: str
    event_id: str
    level: str
    logger: str
    message: str
    platform: str
    release: str
    sdk: str
    source: str
    span_id: str
    trace_id: str
    transaction: str

    def __init__(self, facts: Facts, item: CapturedItem, index: int, part: int, document: Json, heads: Json) -> None:
        """`heads`: the headers of the envelope, read once for all its records."""
        self.facts, self.fate, self.index, self.part = facts, item.fate, index, part
        self.item_type = intern(item.type)
        self.type = _TYPES.get(item.type, "other")
        self.size_bytes = item.size_bytes
        self.attachments = self.suspects = 0
        if item.type == UNPARSABLE:
            said = item.fate.detail or item.fate.reason or UNPARSABLE
        else:
            said = message(item.type, item.headers if item.type == "attachment" else {}, document)
        self.message = said[:_MAX_MESSAGE]
        traced = _first_span(document) if item.type == "span" else document
        self.timestamp_unix = parse_time(traced.get("timestamp", traced.get("end_timestamp")))
        self.event_id = text(document.get("event_id")) or text(heads.get("event_id"))
        self.level = intern(text(document.get("level")) or ("error" if item.type == "event" else ""))
        self.culprit = culprit(document)
        self.platform = intern(text(document.get("platform")))
        self.environment = intern(_common(document, heads, "environment"))
        self.release = intern(_common(document, heads, "release"))
        self.trace_id = intern(text(traced.get("trace_id")) or text(get(document, "contexts", "trace", "trace_id")))
        self.span_id = text(traced.get("span_id")) or text(get(document, "contexts", "trace", "span_id"))
        self.transaction = intern(text(document.get("transaction")))
        self.logger = intern(text(document.get("logger")) or text(get(document, "attributes", "logger.name", "value")))
        name, version = _sdk(document, heads)
        self.sdk = intern("/".join(filter(None, (name, version))))
        self.source = inferred_source(document, name, facts.user_agent)
        user = {name: value for name, value in pairs(document.get("user")) if isinstance(value, str | int)}
        self.user = user or None
        tags = {name: str(value) for name, value in pairs(document.get("tags")) if isinstance(value, str | int | float)}
        self.tags = tags or None
        facts_of_type = digest(item.type, document)
        self._digest = encode_json(facts_of_type) if facts_of_type else b""
        found = remarks(document) if item.is_touched else []
        self.changes = len(found)
        self.rules = tuple(dict.fromkeys(intern(str(one["rule"])) for one in found))

    @property
    def id(self) -> str:
        return f"{self.facts.capture_id}{self.suffix}"

    @property
    def suffix(self) -> str:
        """What follows the capture id."""
        return f"-{self.index}" if self.part == _WHOLE else f"-{self.index}.{self.part}"

    @property
    def title(self) -> str:
        return first_line(self.message)

    @property
    def scrub(self) -> dict[str, object]:
        if not self.changes and not self.suspects:
            return {}
        told: dict[str, object] = {"changes": self.changes, "rules": list(self.rules)}
        return told | {"suspects": self.suspects} if self.suspects else told

    @property
    def summary(self) -> dict[str, object]:
        """The keys of `capture.md` 7.2, absent ones left out."""
        received_at = self.facts.received_at
        told: dict[str, object] = {
            "id": self.id,
            "capture_id": self.facts.capture_id,
            "item_index": self.index,
            "type": self.type,
            "item_type": self.item_type,
            "received_at": received_at,
            "timestamp": received_at if self.timestamp_unix is None else iso(self.timestamp_unix),
            "title": self.title,
            "bytes": self.size_bytes,
            "via": self.facts.via,
            "source": self.source,
            **self.fate.summary(),
        }
        if self.timestamp_unix is None:
            told["timestamp_guessed"] = True
        told |= {name: text for name, text in (("project", self.facts.project), ("public_key", self.facts.key)) if text}
        for name in _OPTIONAL:
            if value := getattr(self, name):
                told[name] = value
        if self._digest:
            told["digest"] = decode_json(self._digest)
        return told

    def value(self, name: str) -> object | None:
        """One value of the summary, without making the rest of it; None where it is absent. Names that are no keys are absent."""
        read = _VALUES.get(name)
        return None if read is None else read(self) or None

    def scrubbed(self, changes: int, rules: Sequence[str], suspects: int) -> None:
        """What looking into the item found."""
        self.changes, self.rules, self.suspects = changes, tuple(map(intern, rules)), suspects

    def __repr__(self) -> str:
        return f"<Record {self.id} {self.type}>"


_OPTIONAL: Final = ("event_id", "level", "culprit", "platform", "environment", "release", "trace_id", "span_id", "transaction",
                    "sdk", "logger", "user", "tags", "attachments", "scrub")  # fmt: skip


def _attribute(name: str) -> Callable[[Record], Any]:
    return lambda record: getattr(record, name)


_VALUES: Final[Mapping[str, Callable[[Record], Any]]] = {
    **{name: _attribute(name) for name in (*_OPTIONAL, "id", "type", "item_type", "title", "source")},
    "capture_id": lambda record: record.facts.capture_id,
    "project": lambda record: record.facts.project,
    "public_key": lambda record: record.facts.key,
    "via": lambda record: record.facts.via,
    "received_at": lambda record: record.facts.received_at,
    "timestamp": lambda record: (
        record.facts.received_at if record.timestamp_unix is None else iso(record.timestamp_unix)
    ),
    "bytes": lambda record: record.size_bytes,
    "outcome": lambda record: record.fate.outcome,
    "outcome_reason": lambda record: record.fate.reason,
}


def records_of(facts: Facts, items: Sequence[CapturedItem]) -> list[Record]:
    """One record per item, and one per entry of a log container."""
    heads = facts.headers
    attachments = sum(item.type == "attachment" for item in items)
    records = []
    for index, item in enumerate(items):
        for part, document in _parts(item):
            known = document if isinstance(document, Mapping) else {}
            record = Record(facts, item, index, part, known, heads)
            if item.type in _BEARERS:
                record.attachments = attachments
            records.append(record)
    return records


def document_of(item: CapturedItem, part: int) -> object:
    """The JSON that one record shows: an entry of a log container, else the whole document."""
    if part == _WHOLE:
        return item.document()
    return next((document for place, document in _parts(item) if place == part), None)


def _parts(item: CapturedItem) -> Iterator[tuple[int, object]]:
    document = item.document()
    entries = as_list(get(document, "items")) if item.type == "log" else []
    if any(isinstance(entry, Mapping) for entry in entries):
        yield from ((place, entry) for place, entry in enumerate(entries) if isinstance(entry, Mapping))
    else:
        yield _WHOLE, document


def _first_span(document: Json) -> Json:
    """All spans of a container are of one trace, as SDKs send them; a span that stands alone is its own first."""
    first = next(iter(as_list(document.get("items"))), None)
    return first if isinstance(first, Mapping) else document


def _common(part: Json, heads: Json, name: str) -> str:
    """`environment` and `release` stand in different places of each payload."""
    return (
        text(part.get(name))
        or text(get(part, "attributes", f"sentry.{name}", "value"))
        or text(get(part, "attrs", name))
        or text(get(heads, "trace", name))
    )


def _sdk(part: Json, heads: Json) -> tuple[str, str]:
    for sdk in (part.get("sdk"), heads.get("sdk")):
        if isinstance(sdk, Mapping) and (name := text(sdk.get("name"))):
            return name, text(sdk.get("version"))
    attributes = part.get("attributes")
    name, version = (text(get(attributes, f"sentry.sdk.{field}", "value")) for field in ("name", "version"))
    return name, version if name else ""
