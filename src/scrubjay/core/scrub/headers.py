"""What envelope and item headers say of people, by the rules for texts (scrubbing.md 15.6, profile `strict`).

The trace's context names the transaction and the user, an attachment its file. Runs after sampling has read them. A value that
cannot be scrubbed is left out.
"""

from __future__ import annotations

from typing import Final

from scrubjay.core.envelope import Envelope
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.text import scrub_text
from scrubjay.errors import Unscrubbable

_TRACE: Final = ("transaction", "segment_name", "user_id", "user_segment", "user")


def scrub_headers(program: ScrubProgram, envelope: Envelope, record: Record | None = None) -> None:
    """In place; what changes marks its header as changed. `record` counts what is done."""
    trace = envelope.headers.get("trace")
    if program.allow is not None and isinstance(trace, dict):
        # Nothing of it can be listed, and only sampling needs it (15.5).
        for name in _TRACE:
            envelope.dirty |= trace.pop(name, None) is not None
    if isinstance(trace, dict) and _scrub_members(program, trace, _TRACE, record):
        envelope.dirty = True
    for item in envelope.items:
        if "filename" in item.headers and _scrub_members(program, item.headers, ("filename",), record):
            item.dirty = True


def _scrub_members(
    program: ScrubProgram, headers: dict[str, object], names: tuple[str, ...], record: Record | None
) -> bool:
    changed = False
    for name in names:
        value = headers.get(name)
        if isinstance(value, dict):
            changed = _scrub_members(program, value, tuple(value), record) or changed
        elif isinstance(value, str):
            text = _scrubbed(program, value, record)
            if text != value:
                headers[name] = text
                changed = True
    return changed


def _scrubbed(program: ScrubProgram, text: str, record: Record | None) -> str | None:
    try:
        new = scrub_text(program, text.encode(), record)
    except Unscrubbable:
        return None
    return text if new is None else new.decode()
