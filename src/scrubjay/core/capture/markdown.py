"""A record as Markdown, made for pasting into a ticket or a chat (`capture.md` 9.1, 10.3).

Whatever stands in an event is text: it is escaped, or stands in code spans and blocks whose fences are longer than any inside, so
that it can neither form a link, nor an image, nor HTML, nor do something to a terminal. Lengths are bounded. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.near import printable
from scrubjay.core.capture.reading import Json, as_list, get, pairs, text
from scrubjay.core.capture.values import text_of
from scrubjay.core.envelope import indented_json

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

_MAX_TEXT: Final = 2_000
_MAX_PAYLOAD: Final = 20_000
_MAX_FRAMES: Final = 50
_MAX_CRUMBS: Final = 20
_MAX_TAGS: Final = 50
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|!~()])")
_TICKS: Final = re.compile(r"`+")
_FACTS: Final = {
    "type": "Type",
    "level": "Level",
    "outcome": "Outcome",
    "outcome_reason": "Reason",
    "project": "Project",
    "environment": "Environment",
    "release": "Release",
    "platform": "Platform",
    "sdk": "SDK",
    "transaction": "Transaction",
    "logger": "Logger",
    "culprit": "Culprit",
    "timestamp": "Time",
    "event_id": "Event",
    "trace_id": "Trace",
    "span_id": "Span",
}


def as_markdown(found: Found) -> str:
    document = found.document()
    event: Json = document if isinstance(document, Mapping) else {}
    parts = [f"## {_escaped(text(found.record.value('title')))}", "\n".join(_facts(found)), *_sections(event)]
    if found.record.value("type") not in ("error", "log") and document is not None:
        parts.append("### Payload\n\n" + _block(indented_json(document).decode()[:_MAX_PAYLOAD], "json"))
    return "\n\n".join(parts) + "\n"


def _facts(found: Found) -> Iterator[str]:
    record = found.record
    for name, label in _FACTS.items():
        if value := record.value(name):
            yield f"- **{label}:** {_code(text_of(value))}"
    for label, members in (("User", record.value("user")), ("Tags", record.value("tags"))):
        if isinstance(members, Mapping) and members:
            shown = [_code(f"{name}={text_of(value)}") for name, value in list(members.items())[:_MAX_TAGS]]
            yield f"- **{label}:** {', '.join(shown)}"
    scrub = record.value("scrub")
    if isinstance(scrub, Mapping):
        rules = ", ".join(_code(text_of(rule)) for rule in as_list(scrub.get("rules")))
        suspects = f"; suspects left: {scrub['suspects']}" if "suspects" in scrub else ""
        yield f"- **Changes by scrubbing:** {scrub.get('changes', 0)}{f', by {rules}' if rules else ''}{suspects}"


def _sections(event: Json) -> Iterator[str]:
    if "body" in event:
        yield "### Message\n\n" + _block(text_of(event["body"])[:_MAX_TEXT])
        attributes = [f"{name} = {text_of(get(value, 'value'))}" for name, value in pairs(event.get("attributes"))]
        if attributes:
            yield "### Attributes\n\n" + _block("\n".join(attributes[:_MAX_TAGS]))
    chain = event.get("exception")
    values = as_list(get(chain, "values") if isinstance(chain, Mapping) else chain)
    traces = [_trace(one) for one in reversed(values) if isinstance(one, Mapping)]
    if traces:
        yield "### Stack trace\n\n" + _block("\n\ncaused by\n\n".join(traces))
    entry = text(get(event, "logentry", "formatted")) or text(get(event, "logentry", "message"))
    if entry and not traces:
        yield "### Message\n\n" + _block(entry[:_MAX_TEXT])
    url = text(get(event, "request", "url"))
    if url:
        yield "### Request\n\n" + _block(f"{text(get(event, 'request', 'method')) or 'GET'} {url[:_MAX_TEXT]}")
    crumbs = event.get("breadcrumbs")
    listed = as_list(get(crumbs, "values") if isinstance(crumbs, Mapping) else crumbs)
    lines = [_crumb(one) for one in listed[-_MAX_CRUMBS:] if isinstance(one, Mapping)]
    if lines:
        yield "### Breadcrumbs\n\n" + _block("\n".join(lines))


def _trace(exception: Json) -> str:
    kind, value = text(exception.get("type")), text(exception.get("value"))
    lines = [f"{kind}: {value[:_MAX_TEXT]}" if kind and value else kind or value[:_MAX_TEXT] or "exception"]
    frames = [one for one in as_list(get(exception, "stacktrace", "frames")) if isinstance(one, Mapping)]
    for frame in frames[: -_MAX_FRAMES - 1 : -1]:
        place = text(frame.get("filename")) or text(frame.get("module")) or text(frame.get("abs_path")) or "?"
        where = f"{place}:{frame['lineno']}" if isinstance(frame.get("lineno"), int) else place
        mark = "" if frame.get("in_app") is True else "  [library]"
        lines.append(f"  {where} in {text(frame.get('function')) or '?'}{mark}")
        if frame.get("in_app") is True and (line := text(frame.get("context_line")).strip()):
            lines.append(f"    {line[:_MAX_TEXT]}")
    if len(frames) > _MAX_FRAMES:
        lines.append(f"  … {len(frames) - _MAX_FRAMES} more")
    return "\n".join(lines)


def _crumb(crumb: Json) -> str:
    said = text(crumb.get("message")) or " ".join(
        f"{name}={text_of(value)}" for name, value in pairs(crumb.get("data"))
    )
    parts = (text_of(crumb.get("timestamp", "")), text(crumb.get("level")), text(crumb.get("category")), said[:200])
    return " ".join(part for part in parts if part)


def _escaped(said: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(said))


def _code(said: str) -> str:
    """A code span: as many backticks around as none inside are."""
    shown = printable(said[:_MAX_TEXT].replace("\n", " "))
    ticks = "`" * (1 + _longest(shown))
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{padding}{shown}{padding}{ticks}"


def _block(said: str, language: str = "") -> str:
    shown = "\n".join(printable(line.replace("\t", "    ")) for line in said.split("\n"))
    fence = "`" * max(3, 1 + _longest(shown))
    return f"{fence}{language}\n{shown}\n{fence}"


def _longest(shown: str) -> int:
    return max((len(run) for run in _TICKS.findall(shown)), default=0)
