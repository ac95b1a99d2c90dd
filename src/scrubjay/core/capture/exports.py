"""A captured record in the forms in which it is taken elsewhere (`capture.md` 9.1).

Owns JSON, curl, Python and the lines of `/export`; Markdown is `markdown`'s, the envelope the store's. All of it is the scrubbed form. What is
pasted into a shell or a file does there what it says and nothing else: whatever is not plain text travels as base64.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from shlex import quote
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.reading import text
from scrubjay.core.capture.titles import last_exception
from scrubjay.core.envelope import indented_json

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Captured, Found

_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/javascript")
_LINE_CHARS: Final = 76
_MAX_ASSERTED: Final = 3


def line(found: Found) -> dict[str, object]:
    """All there is of a record, as one line of `/export` and as `/import` takes it."""
    return {
        **found.record.summary,
        "message": found.record.message,
        "envelope_header": found.captured.facts.headers,
        "item_header": found.item.headers,
        **_payload(found),
    }


def _payload(found: Found) -> dict[str, object]:
    document = found.document()
    if document is not None:
        return {"payload": document}
    payload = found.item.payload()
    if payload is None:
        return {"payload_omitted": True}
    if str(found.item.headers.get("content_type", "")).startswith(_TEXTUAL):
        try:
            return {"payload_text": payload.decode()}
        except UnicodeDecodeError:
            pass
    return {"payload_base64": base64.b64encode(payload).decode()}


def as_json(found: Found) -> bytes:
    """The payload, for people; of one that is no JSON all there is of its record."""
    document = found.document()
    return indented_json(line(found) if document is None else document) + b"\n"


def as_curl(captured: Captured, base_url: str, key: str) -> str:
    """Sends the envelope once more, with everything that came in it. `base_url` without a slash at its end."""
    project = captured.facts.project if captured.facts.project.isdigit() else "1"
    command = (
        f"curl -sS {quote(f'{base_url}/api/{project}/envelope/')} \\\n"
        "  -H 'Content-Type: application/x-sentry-envelope' \\\n"
        f"  -H 'X-Sentry-Auth: Sentry sentry_version=7, sentry_key={captured.facts.key or key}' \\\n"
        "  --data-binary @-"
    )
    body = captured.wire()
    shown = _plain(body)
    if shown is None:
        packed = base64.b64encode(body).decode()
        lines = "\n".join(packed[at : at + _LINE_CHARS] for at in range(0, len(packed), _LINE_CHARS))
        return f"base64 -d <<'ENVELOPE' | {command}\n{lines}\nENVELOPE\n"
    end = "ENVELOPE"
    while end in shown:
        end += "_"
    return f"{command} <<'{end}'\n{shown}{'' if shown.endswith(chr(10)) else chr(10)}{end}\n"


def _plain(body: bytes) -> str | None:
    """As text that a shell takes as it stands; None if there is anything in it that does something to a terminal."""
    try:
        decoded = body.decode()
    except UnicodeDecodeError:
        return None
    return decoded if all(c.isprintable() or c == "\n" for c in decoded) else None


def as_python(found: Found) -> str:
    """A test with `scrubjay.testing`'s fixture that wants a record like this one."""
    record = found.record
    wanted: dict[str, str] = {"type": record.type}
    kind = _last_exception(found)
    wanted |= {"exception": kind} if kind else {"message": _literal(record.title)}
    for name in ("level", "transaction", "logger"):
        if value := text(record.value(name)):
            wanted[name] = _literal(value)
    named = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
    asserted = [f"    assert event.title == {record.title!r}"]
    tags = record.tags or {}
    asserted += [f"    assert event.tags[{name!r}] == {value!r}" for name, value in list(tags.items())[:_MAX_ASSERTED]]
    return (
        f"def test_{_identifier(kind or record.title)}(sentry_capture):\n"
        "    ...  # do here what sends it\n"
        f"    event = sentry_capture.one({named}, within=3)\n" + "\n".join(asserted) + "\n"
        "    sentry_capture.assert_clean()\n"
    )


def _last_exception(found: Found) -> str:
    return text(last_exception(document).get("type")) if isinstance(document := found.document(), Mapping) else ""


def _literal(value: str) -> str:
    """As a filter that means exactly this."""
    return f"\\{value}" if value.startswith(("!", "~", "\\")) or "*" in value else value


def _identifier(said: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", said[:60])
    return re.sub(r"\W+", "_", spaced, flags=re.ASCII).strip("_").lower() or "captured"
