"""One line that says what an item is about, and one that says where (`capture.md` 7.2).

Owns titles and culprits, by item type. Payloads may have any shape; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scrubjay.core.capture.reading import Json, as_list, first_line, get, text


def message(item_type: str, headers: Json, part: Json) -> str:
    """The last exception, else the message, else what the type has to say; never empty. Its first line is the title."""
    found = text(headers.get("filename")) if item_type == "attachment" else _MESSAGES.get(item_type, _event)(part)
    return found.strip() or text(part.get("transaction")).strip() or item_type or "unknown"


def _event(part: Json) -> str:
    exception = last_exception(part)
    if exception:
        kind, value = text(exception.get("type")), text(exception.get("value"))
        return f"{kind}: {value}" if kind and value else kind or value
    message = part.get("message")
    entry = part.get("logentry")
    for place in (entry, message):
        if isinstance(place, Mapping) and (found := text(place.get("formatted")) or text(place.get("message"))):
            return found
    return text(message)


def _feedback(part: Json) -> str:
    return text(get(part, "contexts", "feedback", "message")) or text(part.get("comments"))


def _check_in(part: Json) -> str:
    return ": ".join(filter(None, (text(part.get("monitor_slug")), text(part.get("status")))))


def _span(part: Json) -> str:
    spans = [span for span in as_list(part.get("items")) if isinstance(span, Mapping)] or [part]
    names = [text(span.get("name")) or text(span.get("description")) or text(span.get("op")) for span in spans]
    return _several("span", list(filter(None, names)), len(spans))


def _metric(part: Json) -> str:
    entries = [entry for entry in as_list(part.get("items")) if isinstance(entry, Mapping)]
    names = dict.fromkeys(filter(None, (text(entry.get("name")) for entry in entries)))
    return _several("metric", list(names), len(entries))


def _client_report(part: Json) -> str:
    lines = [line for line in as_list(part.get("discarded_events")) if isinstance(line, Mapping)]
    shown = (f"{line.get('quantity')} {text(line.get('category'))} ({text(line.get('reason'))})" for line in lines)
    return f"discarded by the SDK: {', '.join(shown)}" if lines else "discarded by the SDK: nothing"


def _session(part: Json) -> str:
    release = text(get(part, "attrs", "release"))
    return " ".join(filter(None, ("session", text(part.get("status")), release)))


def _replay(part: Json) -> str:
    urls = [text(url) for url in as_list(part.get("urls"))]
    return f"segment {part.get('segment_id', 0)} {urls[0] if urls else ''}".strip()


def _log(part: Json) -> str:
    return text(part.get("body"))


def _security(part: Json) -> str:
    """`img-src blocked https://…` of a policy's report, else what kind of report it is."""
    body = next((one for name in ("csp-report", "body") if isinstance(one := part.get(name), Mapping)), part)
    names = ("effective-directive", "effectiveDirective", "violated-directive")
    directive = next((found for name in names if (found := text(body.get(name)))), "")
    blocked = text(body.get("blocked-uri")) or text(body.get("blockedURL"))
    return f"{directive} blocked {blocked}".rstrip() if directive else text(part.get("type"))


def _profile(part: Json) -> str:
    of = text(get(part, "transaction", "name"))
    return f"profile of {of}" if of else ""


_MESSAGES: Final = {
    "raw_security": _security,
    "profile": _profile,
    "feedback": _feedback,
    "user_report": _feedback,
    "check_in": _check_in,
    "span": _span,
    "trace_metric": _metric,
    "client_report": _client_report,
    "session": _session,
    "sessions": _session,
    "replay_event": _replay,
    "log": _log,
}


def _several(noun: str, names: list[str], count: int) -> str:
    listed = ", ".join(names[:5])
    if count <= 1:
        return listed
    return f"{count} {noun}s: {listed}{', …' if len(names) > 5 else ''}"


def last_exception(part: Json) -> Json:
    """The outermost exception: the last of the chain. Empty if there is none."""
    chain = part.get("exception")
    values = as_list(chain.get("values")) if isinstance(chain, Mapping) else as_list(chain)
    return next((value for value in reversed(values) if isinstance(value, Mapping)), {})


def culprit(part: Json) -> str:
    """What the SDK says, else the innermost frame of the application's own code."""
    if given := text(part.get("culprit")):
        return first_line(given)
    frames = [f for f in as_list(get(last_exception(part), "stacktrace", "frames")) if isinstance(f, Mapping)]
    frame = next((f for f in reversed(frames) if f.get("in_app")), frames[-1] if frames else {})
    place = text(frame.get("module")) or text(frame.get("filename"))
    function = text(frame.get("function"))
    return first_line(f"{place} in {function}" if place and function else place or function)
