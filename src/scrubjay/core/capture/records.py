"""What captured items look like in a list: title, level, place, ids, and what was scrubbed.

Owns the records of `capture.md` 7. They are derived from the scrubbed form and from nothing else. Keeping them is `store`'s
business, finding them `query`'s. Payloads are what some client sent: every function here takes any JSON and raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay.core.capture.reading import Json, as_list, first_line, get, iso, pairs, parse_time, text
from scrubjay.core.capture.remarks import remarks
from scrubjay.core.capture.titles import culprit, message
from scrubjay.core.envelope import decode_json


@dataclass(frozen=True, slots=True)
class Record:
    """`summary` has the keys of `capture.md` 7.2, absent ones left out; `message` is the text whose first line is the title."""

    id: str
    index: int
    summary: dict[str, object]
    message: str


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
}
RECORD_TYPES: Final = (*dict.fromkeys(_TYPES.values()), "other")

_MOBILE: Final = (
    "cocoa",
    "android",
    "react-native",
    "dart",
    "flutter",
    "capacitor",
    "cordova",
    "xamarin",
    "maui",
    "unity",
    "kotlin",
)
_SERVER_JS: Final = ("node", "bun", "deno", "serverless", "aws", "google-cloud", "cloudflare", "vercel", "electron", "nextjs",
                     "nuxt", "remix", "sveltekit", "solidstart", "astro", "nestjs", "hono", "elysia", "tanstackstart")  # fmt: skip


@dataclass(frozen=True, slots=True)
class CapturedItem:
    """One item as it would leave. `payload` is None when the envelope was too large to keep."""

    type: str
    headers: Json
    payload: bytes | None
    size_bytes: int

    def document(self) -> object:
        """The payload as JSON, or None where it is none."""
        if self.payload is None or self.type in ("attachment", "replay_recording", "replay_video"):
            return None
        try:
            return decode_json(self.payload)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Facts:
    """What all records of one envelope have in common."""

    capture_id: str
    received_unix: float
    project: str
    key: str
    headers: Json
    via: str = "dsn"
    user_agent: str = ""


def records_of(facts: Facts, items: tuple[CapturedItem, ...]) -> list[Record]:
    """One record per item, and one per entry of a log container."""
    attachments = sum(item.type == "attachment" for item in items)
    records = []
    for index, item in enumerate(items):
        for suffix, part in _parts(item, item.document()):
            record = _record(facts, item, f"{facts.capture_id}-{index}{suffix}", index, part)
            if item.type in ("event", "transaction", "feedback") and attachments:
                record.summary["attachments"] = attachments
            records.append(record)
    return records


def part_of(item: CapturedItem, record_id: str) -> object:
    """The JSON that one record shows: an entry of a log container, else the whole document."""
    document = item.document()
    return next((part for suffix, part in _parts(item, document) if suffix and record_id.endswith(suffix)), document)


def _parts(item: CapturedItem, document: object) -> Iterator[tuple[str, object]]:
    if item.type == "log":
        entries = [entry for entry in as_list(get(document, "items")) if isinstance(entry, Mapping)]
        if entries:
            yield from ((f".{position}", entry) for position, entry in enumerate(entries))
            return
    yield "", document


def _record(facts: Facts, item: CapturedItem, record_id: str, index: int, document: object) -> Record:
    part: Json = document if isinstance(document, Mapping) else {}
    said = message(item.type, item.headers, part)
    summary: dict[str, object] = {
        "id": record_id,
        "item_index": index,
        "capture_id": facts.capture_id,
        "type": _TYPES.get(item.type, "other"),
        "item_type": item.type,
        "received_at": iso(facts.received_unix),
        "project": facts.project,
        "public_key": facts.key,
        "title": first_line(said),
        "bytes": item.size_bytes,
        "outcome": "accepted",
        "via": facts.via,
        "source": _source(part, facts.user_agent),
    }
    timestamp = parse_time(part.get("timestamp"))
    summary["timestamp"] = iso(facts.received_unix if timestamp is None else timestamp)
    if timestamp is None:
        summary["timestamp_guessed"] = True
    optional = {
        "event_id": text(part.get("event_id")) or text(facts.headers.get("event_id")),
        "level": _level(item, part),
        "culprit": culprit(part),
        "platform": text(part.get("platform")),
        "environment": _common(part, facts, "environment"),
        "release": _common(part, facts, "release"),
        "trace_id": text(part.get("trace_id")) or text(get(part, "contexts", "trace", "trace_id")),
        "span_id": text(part.get("span_id")) or text(get(part, "contexts", "trace", "span_id")),
        "transaction": text(part.get("transaction")),
        "sdk": _sdk(part, facts),
        "user": {name: value for name, value in pairs(part.get("user")) if isinstance(value, str | int)},
        "tags": {name: str(value) for name, value in pairs(part.get("tags")) if isinstance(value, str | int | float)},
        "scrub": _scrub_summary(part),
    }
    summary.update((name, value) for name, value in optional.items() if value)
    return Record(record_id, index, summary, said)


def _level(item: CapturedItem, part: Json) -> str:
    level = text(part.get("level"))
    return level or ("error" if item.type == "event" else "")


def _common(part: Json, facts: Facts, name: str) -> str:
    """`environment` and `release` stand in different places of each payload."""
    return (
        text(part.get(name))
        or text(get(part, "attributes", f"sentry.{name}", "value"))
        or text(get(part, "attrs", name))
        or text(get(facts.headers, "trace", name))
    )


def _sdk(part: Json, facts: Facts) -> str:
    for sdk in (part.get("sdk"), facts.headers.get("sdk")):
        if isinstance(sdk, Mapping) and (name := text(sdk.get("name"))):
            return "/".join(filter(None, (name, text(sdk.get("version")))))
    attributes = part.get("attributes")
    name, version = (text(get(attributes, f"sentry.sdk.{field}", "value")) for field in ("name", "version"))
    return f"{name}/{version}" if name and version else name


def _source(part: Json, user_agent: str) -> str:
    """Browser, mobile or server, decided in the order of `capture.md` 7.3."""
    sdk = text(get(part, "sdk", "name")) or text(get(part, "attributes", "sentry.sdk.name", "value"))
    platform = text(part.get("platform"))
    if any(word in sdk for word in _MOBILE):
        return "mobile"
    if user_agent.startswith("Mozilla/"):
        return "browser"
    if part.get("server_name") or get(part, "contexts", "runtime") or platform not in ("", "javascript"):
        return "server"
    if dict(pairs(part.get("tags"))).get("runtime") == "browser":
        return "browser"
    if sdk.startswith("sentry.javascript.") and not any(word in sdk for word in _SERVER_JS):
        return "browser"
    return "server"


def _scrub_summary(part: Json) -> dict[str, object]:
    found = remarks(part)
    return {"changes": len(found), "rules": list(dict.fromkeys(str(one["rule"]) for one in found))} if found else {}
