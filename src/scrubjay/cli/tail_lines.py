"""How `scrubjay tail` writes a record: for people, for programs, for log systems, for a ticket (`capture.md` 11.1).

A record is the summary of the API's stream, with `payload`. It is what strangers sent: whatever leaves here went through `terminal.safe`, and
any shape will do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from scrubjay.cli.terminal import Piece, safe, safe_json

Record = Mapping[str, Any]

HANG: Final = 9
"""Where long lines go on: behind the time."""
_LABELS: Final = {
    "transaction": "TRACE",
    "span": "SPAN",
    "check_in": "CHECKIN",
    "release_health": "SESSION",
    "client_report": "REPORT",
    "attachment": "ATTACH",
    "unparsable": "BROKEN",
}
_BY_LEVEL: Final = frozenset({"error", "log"})
_STYLES: Final = {"FATAL": "bad", "ERROR": "bad", "BROKEN": "bad", "WARNING": "warn", "WARN": "warn", "DEBUG": "faint"}
_LABEL_WIDTH: Final = 10
_SOURCE_WIDTH: Final = 9
_MAX_VALUE: Final = 200
_MAX_ATTRIBUTES: Final = 20
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+,")


def human(record: Record) -> list[Piece]:
    """`HH:MM:SS [LEVEL] [source] Title [file:line:col] [function]`; traces and logs have their own ends."""
    kind = _text(record.get("type"))
    label = _label(record, kind)
    title = safe(_text(record.get("title")), _MAX_VALUE)
    pieces: list[Piece] = [
        (f"{_clock(record)} ", "faint"),
        (f"[{label}]".ljust(_LABEL_WIDTH) + " ", _STYLES.get(label, "note")),
        (f"[{safe(_text(record.get('source')) or '-', 20)}]".ljust(_SOURCE_WIDTH) + " ", "faint"),
    ]
    payload = _object(record.get("payload"))
    if kind in ("transaction", "span"):
        pieces += _trace(title, payload, kind)
    else:
        pieces.append((title, ""))
    if kind == "log":
        pieces += [(f" [{name}={value}]", "faint") for name, value in _attributes(payload)]
    frame = _frame(payload)
    if place := _place(frame):
        pieces.append((f" [{place}]", "note"))
    if function := _text(frame.get("function")):
        pieces.append((f" [{safe(function, _MAX_VALUE)}]", "note"))
    return [*pieces, *_marks(record)]


def stack(record: Record) -> Iterator[list[Piece]]:
    """The stack trace of each exception, innermost call last."""
    for exception in _exceptions(_object(record.get("payload"))):
        kind, value = (safe(_text(exception.get(name)), 1_000) for name in ("type", "value"))
        yield [("    ", ""), (": ".join(filter(None, (kind, value))), "bold")]
        for frame in _frames(exception):
            style = "" if frame.get("in_app") else "faint"
            function = safe(_text(frame.get("function")) or "?", _MAX_VALUE)
            yield [(f"      {_place(frame) or '?'} in {function}", style)]
            if line := _text(frame.get("context_line")).strip():
                yield [(f"          {safe(line, _MAX_VALUE)}", style)]


def diff(report: Record) -> Iterator[list[Piece]]:
    """`path  rule  before → after`, and what still looks like personal data."""
    for change in _objects(report.get("changes")):
        before = _before(change)
        after = _shown(change.get("after")) if "after" in change else _text(change.get("action")) or "removed"
        yield [
            ("    ", ""),
            (f"{safe(_text(change.get('path')) or '/', 400)}  ", "note"),
            (f"{safe(_text(change.get('rule')), 100)}  ", ""),
            (f"{before} → " if before else "→ ", "bad"),
            (after, "good"),
        ]
    for suspect in _objects(report.get("suspects")):
        path, detector, excerpt = (safe(_text(suspect.get(name)), 400) for name in ("path", "detector", "excerpt"))
        yield [("    ", ""), ("still there: ", "warn"), (f"{path}  {detector}  {excerpt}", "")]


def as_json(record: Record, *, ascii_only: bool) -> str:
    """The summary, as the API has it, and what was asked for beside it."""
    return safe_json({name: value for name, value in record.items() if name != "payload"}, ascii_only=ascii_only)


def logfmt(record: Record) -> str:
    """`key=value`, nested names with dots, quoted where a space or a quote demands it."""
    frame = _frame(_object(record.get("payload")))
    place = {"file": _place(frame), "function": _text(frame.get("function"))}
    told = {**{name: value for name, value in record.items() if name not in ("payload", "digest")}, **place}
    return " ".join(f"{safe(name, 100)}={_quoted(value)}" for name, value in _flat("", told) if value not in ("", None))


def stack_lines(record: Record) -> list[str]:
    """The stack traces as text, for programs."""
    return ["".join(text for text, _ in line).strip() for line in stack(record)]


def _label(record: Record, kind: str) -> str:
    level = safe(_text(record.get("level")), 20).upper()
    return level if kind in _BY_LEVEL and level else _LABELS.get(kind, safe(kind, 20).upper())


def _clock(record: Record) -> str:
    """In the time of this machine."""
    for name in ("timestamp", "received_at"):
        try:
            return datetime.fromisoformat(_text(record.get(name))).astimezone().strftime("%H:%M:%S")
        except (ValueError, OverflowError, OSError):
            continue
    return "--:--:--"


def _trace(title: str, payload: Record, kind: str) -> list[Piece]:
    held = payload.get("items") if kind == "span" else None
    spans = [_object(one) for one in held] if isinstance(held, list) and held else payload.get("spans")
    if held and isinstance(spans, list):  # a container: the one that the others are under, or the first
        payload = next((one for one in spans if one.get("is_segment")), spans[0])
    context = _object(_object(payload.get("contexts")).get("trace")) if kind == "transaction" else payload
    told: list[Piece] = []
    named = _object(_object(context.get("attributes")).get("sentry.op")).get("value")
    if op := safe(_text(context.get("op", named)), 100):
        told.append((f"[{op}] ", "note"))
    told.append((title, ""))
    start = _seconds(payload.get("start_timestamp"))
    end = _seconds(payload.get("timestamp", payload.get("end_timestamp")))
    if start is not None and end is not None:
        told.append((f" [{(end - start) * 1_000:.0f}ms]", "bold"))
    if status := safe(_text(context.get("status")), 100):
        told.append((f" [{status}]", "good" if status == "ok" else "warn"))
    if isinstance(spans, list):
        told.append((f" [{len(spans)} span{'' if len(spans) == 1 else 's'}]", "faint"))
    return told


def _seconds(value: object) -> float | None:
    """A number or ISO 8601."""
    if isinstance(value, int | float):
        return float(value)
    try:
        return datetime.fromisoformat(_text(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _attributes(payload: Record) -> list[tuple[str, str]]:
    listed = list(_object(payload.get("attributes")).items())
    own = [(name, value) for name, value in listed if not name.startswith("sentry.")][:_MAX_ATTRIBUTES]
    return [
        (safe(name, 100), _shown(value.get("value") if isinstance(value, Mapping) else value)) for name, value in own
    ]


def _marks(record: Record) -> list[Piece]:
    told: list[Piece] = []
    if (outcome := _text(record.get("outcome"))) not in ("", "accepted"):
        reason = _text(record.get("outcome_reason"))
        told.append((f" [{safe(': '.join(filter(None, (outcome, reason))), _MAX_VALUE)}]", "warn"))
    suspects = _object(record.get("scrub")).get("suspects")
    if isinstance(suspects, int) and suspects:
        told.append((f" [{suspects} suspect{'' if suspects == 1 else 's'}]", "warn"))
    return told


def _exceptions(payload: Record) -> list[Record]:
    chain = payload.get("exception")
    return _objects(chain.get("values") if isinstance(chain, Mapping) else chain)


def _frames(bearer: Record) -> list[Record]:
    return _objects(_object(bearer.get("stacktrace")).get("frames"))


def _frame(payload: Record) -> Record:
    """Where it happened: the innermost frame of the application's own code."""
    exceptions = _exceptions(payload)
    frames = _frames(exceptions[-1]) if exceptions else []
    return next((one for one in reversed(frames) if one.get("in_app")), frames[-1] if frames else {})


def _place(frame: Record) -> str:
    parts = [safe(_text(frame.get("filename")) or _text(frame.get("module")), _MAX_VALUE)]
    parts += [str(frame[name]) for name in ("lineno", "colno") if isinstance(frame.get(name), int)]
    return ":".join(parts) if parts[0] else ""


def _before(change: Record) -> str:
    """The value, or what is known of it."""
    if "before" in change:
        return _shown(change["before"])
    shape = _object(change.get("shape_before"))
    return safe(f"{shape.get('length')} characters, {shape.get('classes')}", _MAX_VALUE) if shape else ""


def _shown(value: object) -> str:
    return safe(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _MAX_VALUE)


def _flat(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
    else:
        yield prefix, value


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else safe_json(value)
    return text if text and _PLAIN.issuperset(text) else safe_json(text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Record:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Record]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
