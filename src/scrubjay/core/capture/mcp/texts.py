"""What tools tell, as text for a model: errors, lines of logs, traces, reports, each within bounds (`capture.md` 14).

All of it is made of the scrubbed form. Places that a report names are shown as far as they still are in what leaves: the name of a member can be
what was scrubbed. Whatever stands in an event stays on its line or in its fence (`markdown`); nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.exports import as_json
from scrubjay.core.capture.markdown import as_markdown
from scrubjay.core.capture.near import printable
from scrubjay.core.capture.reading import Json, as_list, get, iso, pairs, text
from scrubjay.core.capture.report import Report
from scrubjay.core.capture.values import text_of

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

MAX_BLOCK: Final = 20_000
MAX_ANSWER: Final = 60_000
"""Characters: clients refuse what is much longer, and models lose sight of it."""
_MAX_TEXT: Final = 2_000
_MAX_NAME: Final = 200
_MAX_ATTRIBUTES: Final = 30
_MAX_SPANS: Final = 400
_MAX_RIDERS: Final = 50
_MAX_PLACES: Final = 200
_HIDDEN: Final = "*"


def result(texts: Sequence[str], *, is_error: bool = False) -> Json:
    """What a tool answers: blocks as far as there is room for them, and how many there is none for."""
    blocks: list[str] = []
    room = MAX_ANSWER
    for place, one in enumerate(texts):
        shown = cut(one, min(MAX_BLOCK, max(room, 0)))
        if place and len(one) > room:
            blocks.append(f"{len(texts) - place} more are left out: the answer would be too long. Ask for fewer.")
            break
        blocks.append(shown)
        room -= len(shown)
    told: dict[str, object] = {"content": [{"type": "text", "text": block} for block in blocks]}
    return told | {"isError": True} if is_error else told


def cut(said: str, most: int) -> str:
    return said if len(said) <= most else f"{said[:most]}\n… {len(said) - most} characters more"


def page(what: str, shown: int, offset: int, matched: int) -> str:
    """Which part of all that match is shown."""
    if not shown:
        return f"No {what} match." if not matched else f"There are only {matched} {what}."
    more = f"; the next by offset {offset + shown}" if offset + shown < matched else ""
    return f"{offset + 1} to {offset + shown} of {matched} {what}, newest first{more}."


def error(found: Found) -> str:
    return f"{as_markdown(found)}\n- **Record:** `{found.id}`\n"


def event(found: Found) -> list[str]:
    """All there is, what it says and its payload; of most kinds the first has the second in it."""
    said = [error(found)]
    if found.record.type in ("error", "log"):
        said.append(as_json(found).decode("utf-8", "replace"))
    return said


def log(found: Found) -> str:
    """One line, and one for each attribute."""
    record, document = found.record, found.document()
    unix = found.captured.facts.received_unix if record.timestamp_unix is None else record.timestamp_unix
    lines = [f"{iso(unix)} {_line(record.level or 'info')} {_line(record.message, _MAX_TEXT)}"]
    attributes = pairs(get(document, "attributes"))
    lines += [
        f"  {_line(name)} = {_line(text_of(get(value, 'value')))}" for name, value in attributes[:_MAX_ATTRIBUTES]
    ]
    if record.trace_id:
        lines.append(f"  trace {_line(record.trace_id)}")
    return "\n".join([*lines, f"  record {found.id}"])


def row(found: Found) -> str:
    """One record in a list of all kinds."""
    record = found.record
    said = [iso(found.captured.facts.received_unix), record.type]
    said += [text(record.value(name)) for name in ("level", "environment", "release")]
    outcome = text(record.value("outcome"))
    if outcome != "accepted":
        said.append(" ".join(filter(None, (outcome, text(record.value("outcome_reason"))))))
    said.append(text(record.value("title")))
    return f"- {', '.join(_line(one) for one in said if one)}; record {found.id}"


def trace_row(told: Json) -> str:
    """One trace of `Traces.rows`."""
    name = text(told.get("name")) or "(no span of it)"
    op = text(told.get("op"))
    duration = told.get("duration_ms")
    said = [f"{text(told.get('trace_id'))}: {name}{f' ({op})' if op else ''}"]
    said += [f"{duration} ms"] if duration is not None else []
    said += [f"{told.get('spans')} spans", f"{told.get('errors')} errors", f"{told.get('logs')} logs"]
    said += [text(told.get("status")), text(told.get("start")) or text(told.get("received_at"))]
    return f"- {', '.join(_line(one) for one in said if one)}"


def trace(told: Json) -> str:
    """One trace of `Traces.one` as an outline."""
    spans = [one for one in as_list(told.get("spans")) if isinstance(one, Mapping)]
    duration = f", {told['duration_ms']} ms" if "duration_ms" in told else ""
    lines = [f"Trace {_line(text(told.get('trace_id')))}{duration}, {len(spans)} spans", ""]
    lines += [_span(one) for one in spans[:_MAX_SPANS]]
    more = len(spans) - _MAX_SPANS + (omitted if isinstance(omitted := told.get("spans_omitted"), int) else 0)
    if more > 0:
        lines.append(f"… {more} spans more")
    for what in ("errors", "logs"):
        riders = [one for one in as_list(told.get(what)) if isinstance(one, Mapping)]
        if riders:
            lines += ["", f"{what.capitalize()}: {len(riders)}"]
            lines += [f"- {_line(text(one.get('title')))}; record {one.get('id')}" for one in riders[:_MAX_RIDERS]]
    return "\n".join(lines)


def _span(told: Json) -> str:
    depth = told.get("depth")
    indent = "  " * min(depth if isinstance(depth, int) else 0, 40)
    op, status, name = text(told.get("op")), text(told.get("status")), text(told.get("name"))
    description = text(told.get("description"))
    said = [name if not description or description == name else f"{name}: {description}"]
    said += [op] if op and op != name else []
    said += [f"{told.get('duration_ms')} ms, from {told.get('offset_ms')} ms"]
    said += [status] if status and status != "ok" else []
    return f"{indent}- {', '.join(map(_line, said))}"


def report(found: Found, changes: Iterable[Json], suspects: Iterable[Json], whole: Report) -> str:
    """Where, by which rule, how. `changes` and `suspects` are those of this record."""
    changes, suspects = list(changes), list(suspects)
    roots = _roots(found)
    lines = [f"{len(changes)} changes, {len(suspects)} places that still look personal.", ""]
    lines += [
        f"- {shown_path(text(one.get('path')), roots)}: {_line(text(one.get('action')))} by {_line(text(one.get('rule')))}"
        for one in changes[:_MAX_PLACES]
    ]
    lines += [
        f"- {shown_path(text(one.get('path')), roots)}: still looks like {_line(text(one.get('detector')))}"
        for one in suspects[:_MAX_PLACES]
    ]
    more = max(0, len(changes) - _MAX_PLACES) + max(0, len(suspects) - _MAX_PLACES)
    lines += [f"… {more} more"] if more else []
    lines += [f"Note: {_line(whole.reason)}"] if whole.reason else []
    return "\n".join(lines)


def shown_path(path: str, roots: Sequence[object]) -> str:
    """A JSON Pointer, its steps as far as one of `roots` has them; what is not there any more may itself have been what was taken."""
    if path.startswith("/@attachment/"):  # the name of the file as it came, and where in it
        return f"/@attachment{path[path.rfind('@') :]}"
    nodes, shown = list(roots), []
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        nodes = [child for node in nodes for child in _child(node, name)]
        shown.append(_line(step) if nodes else _HIDDEN)
    return "".join(f"/{step}" for step in shown) or "the whole"


def _roots(found: Found) -> list[object]:
    """What leaves, and the remarks, which have the places of what does not."""
    document = found.item.document()
    headers = {"@header": {**found.captured.facts.headers, **found.item.headers}}
    return [document, get(document, "_meta"), headers]


def _child(node: object, name: str) -> list[object]:
    if isinstance(node, Mapping):
        return [node[name]] if name in node else []
    if isinstance(node, list) and name.isascii() and name.isdigit() and len(name) <= 9 and int(name) < len(node):
        return [node[int(name)]]
    return []


def _line(said: str, most: int = _MAX_NAME) -> str:
    """On one line, and nothing in it that does something to a terminal."""
    shown = printable(" ".join(said.split()) if "\n" in said else said)
    return shown if len(shown) <= most else f"{shown[:most]}…"
