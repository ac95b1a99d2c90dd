"""The few facts of a payload that the page's lists show beside a record's title (`capture.md` 10.4).

Owns, per type of item, what a row shows: the attributes of a log line, the status of a check-in, the counts of a session. It is
made from the scrubbed form, stays lean (twenty thousand log lines have one each) and is no substitute for the payload. Payloads
may have any shape; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from scrubjay.core.capture.reading import Json, as_list, get, pairs, text

MAX_CHIPS: Final = 12
MAX_CHIP_CHARS: Final = 120
MAX_LINES: Final = 50
"""Of a client report, a metric container or the like."""
MAX_TEXT_CHARS: Final = 2000
MAX_COUNT: Final = 2**53

_UNSHOWN: Final = ("sentry.", "process.", "server.address", "thread.", "telemetry.sdk.", "code.", "logger.name")
"""Attributes that SDKs put on everything: the record shows them, a row has no room."""


def digest(item_type: str, document: object) -> dict[str, object]:
    """`document`: what the record shows. Empty where the title says it all."""
    if not isinstance(document, Mapping) or item_type not in _DIGESTS:
        return {}
    return {name: value for name, value in _DIGESTS[item_type](document).items() if value not in (None, "", [], {})}


def _log(entry: Json) -> dict[str, object]:
    attributes = {name: _plain(value) for name, value in pairs(entry.get("attributes"))}
    parameters = {
        name.removeprefix("sentry.message.parameter."): _short(value)
        for name, value in attributes.items()
        if name.startswith("sentry.message.parameter.")
    }
    shown = ((name, _short(value)) for name, value in attributes.items() if not name.startswith(_UNSHOWN))
    return {
        "attributes": dict(list(shown)[:MAX_CHIPS]),
        "template": _cut(text(attributes.get("sentry.message.template"))),
        "parameters": dict(list(parameters.items())[:MAX_CHIPS]),
    }


def _feedback(event: Json) -> dict[str, object]:
    given = get(event, "contexts", "feedback")
    return {
        "message": _cut(text(get(given, "message"))),
        "name": text(get(given, "name")),
        "email": text(get(given, "contact_email")),
        "url": text(get(given, "url")),
        "associated_event_id": text(get(given, "associated_event_id")),
        "replay_id": text(get(given, "replay_id")),
    }


def _user_report(report: Json) -> dict[str, object]:
    return {
        "message": _cut(text(report.get("comments"))),
        "name": text(report.get("name")),
        "email": text(report.get("email")),
        "associated_event_id": text(report.get("event_id")),
    }


def _check_in(check_in: Json) -> dict[str, object]:
    schedule = get(check_in, "monitor_config", "schedule")
    return {
        "slug": text(check_in.get("monitor_slug")),
        "status": text(check_in.get("status")),
        "check_in_id": text(check_in.get("check_in_id")),
        "duration_s": _number(check_in.get("duration")),
        "schedule": " ".join(
            str(part) for part in (get(schedule, "type"), get(schedule, "value"), get(schedule, "unit")) if part
        ),
        "timezone": text(get(check_in, "monitor_config", "timezone")),
    }


def _session(update: Json) -> dict[str, object]:
    return {
        "sid": text(update.get("sid")),
        "status": text(update.get("status")),
        "init": update.get("init") is True or None,
        "errors": _number(update.get("errors")),
        "started": text(update.get("started")),
        "duration_s": _number(update.get("duration")),
        "release": text(get(update, "attrs", "release")),
        "environment": text(get(update, "attrs", "environment")),
    }


_COUNTS: Final = ("exited", "errored", "abnormal", "crashed", "unhandled")


def _sessions(aggregates: Json) -> dict[str, object]:
    groups = [group for group in as_list(aggregates.get("aggregates")) if isinstance(group, Mapping)]
    counts = {name: min(sum(_number(group.get(name)) or 0 for group in groups), MAX_COUNT) for name in _COUNTS}
    return {
        "groups": len(groups),
        "counts": {name: count for name, count in counts.items() if count},
        "started": min((text(group.get("started")) for group in groups), default=""),
        "release": text(get(aggregates, "attrs", "release")),
        "environment": text(get(aggregates, "attrs", "environment")),
    }


def _client_report(report: Json) -> dict[str, object]:
    lines = [
        {"reason": text(line.get("reason")), "category": text(line.get("category")), "quantity": _number(line.get("quantity"))}
        for line in as_list(report.get("discarded_events"))
        if isinstance(line, Mapping)
    ]  # fmt: skip
    return {"discarded": lines[:MAX_LINES]}


def _metrics(container: Json) -> dict[str, object]:
    lines = [
        {
            "name": text(one.get("name")),
            "type": text(one.get("type")),
            "value": _number(one.get("value")),
            "unit": text(one.get("unit")),
            "attributes": _chips(one.get("attributes")),
        }
        for one in as_list(container.get("items"))
        if isinstance(one, Mapping)
    ]
    return {"metrics": lines[:MAX_LINES], "omitted": max(0, len(lines) - MAX_LINES)}


def _spans(container: Json) -> dict[str, object]:
    """A container has no ids of its own."""
    entries = [one for one in as_list(container.get("items")) if isinstance(one, Mapping)]
    traces = dict.fromkeys(filter(None, (text(one.get("trace_id")) for one in entries)))
    return {"spans": len(entries), "traces": list(traces)[:MAX_CHIPS]} if entries else {}


def _profile(profile: Json) -> dict[str, object]:
    body = profile.get("profile")
    return {
        "samples": len(as_list(get(body, "samples"))),
        "stacks": len(as_list(get(body, "stacks"))),
        "profiler_id": text(profile.get("profiler_id")),
        "transaction": text(get(profile, "transaction", "name")),
    }


def _replay(event: Json) -> dict[str, object]:
    return {
        "replay_id": text(event.get("replay_id")),
        "segment_id": _number(event.get("segment_id")),
        "replay_type": text(event.get("replay_type")),
        "urls": [_cut(text(url)) for url in as_list(event.get("urls"))[:MAX_CHIPS]],
        "errors": len(as_list(event.get("error_ids"))),
        "traces": len(as_list(event.get("trace_ids"))),
    }


def _security(report: Json) -> dict[str, object]:
    body = next((one for key in ("csp-report", "body") if isinstance(one := report.get(key), Mapping)), report)
    names = ("effective-directive", "effectiveDirective", "violated-directive", "blocked-uri", "blockedURL", "document-uri", "documentURL", "disposition", "type", "hostname")  # fmt: skip
    return {"facts": {name: _cut(value) for name in names if (value := text(body.get(name)))}}


_DIGESTS: Final[Mapping[str, Callable[[Json], dict[str, object]]]] = {
    "log": _log,
    "feedback": _feedback,
    "user_report": _user_report,
    "check_in": _check_in,
    "session": _session,
    "sessions": _sessions,
    "client_report": _client_report,
    "trace_metric": _metrics,
    "span": _spans,
    "profile": _profile,
    "profile_chunk": _profile,
    "replay_event": _replay,
    "raw_security": _security,
}


def _chips(attributes: object) -> dict[str, object]:
    named = ((name, _short(_plain(value))) for name, value in pairs(attributes) if not name.startswith(_UNSHOWN))
    return dict(list(named)[:MAX_CHIPS])


def _plain(attribute: object) -> object:
    return attribute.get("value") if isinstance(attribute, Mapping) and "value" in attribute else attribute


def _short(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    shown = value if isinstance(value, str) else "…"
    return shown if len(shown) <= MAX_CHIP_CHARS else f"{shown[:MAX_CHIP_CHARS]}…"


def _cut(value: str) -> str:
    return value if len(value) <= MAX_TEXT_CHARS else f"{value[:MAX_TEXT_CHARS]}…"


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
