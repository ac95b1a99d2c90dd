"""Files: by what they are, not by what they are called (scrubbing.md 12.4 to 12.6, 15.6; kinds in ingest.md 6.6, 6.7).

Rules that the config binds to attachments run first, over the bytes. Then text and JSON are scrubbed as such, crash dumps part by part,
and of all else the policies decide whether it may leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from scrubjay.core.scrub.binary import scrub_binary
from scrubjay.core.scrub.file_kinds import compression_of, encoding_of
from scrubjay.core.scrub.minidump import scrub_minidump
from scrubjay.core.scrub.packed import scrub_packed_breadcrumbs, scrub_packed_event
from scrubjay.core.scrub.policies import Policies
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.text import scrub_text
from scrubjay.core.scrub.view_hierarchy import scrub_view_hierarchy
from scrubjay.errors import Unreadable

Dropped = Literal["dropped"]
DROPPED: Final[Dropped] = "dropped"
"""Instead of a payload: policy says that the file does not leave."""

_MERGED: Final[dict[str, Callable[[ScrubProgram, bytes, Record | None], bytes | None]]] = {
    "event.payload": scrub_packed_event,
    "event.breadcrumbs": scrub_packed_breadcrumbs,
}


def scrub_file(
    program: ScrubProgram,
    policies: Policies,
    payload: bytes | memoryview,
    *,
    filename: str = "",
    kind: str = "",
    gated: bool = True,
    record: Record | None = None,
) -> bytes | Dropped | None:
    """One file; None if it may leave as it is. `kind` is its `attachment_type`. Raises Unscrubbable."""
    if policies.attachments == "drop":
        return DROPPED
    original = bytes(payload)
    if policies.structured and kind == "event.view_hierarchy":
        return _scrub_tree(program, original, record)
    if policies.structured and kind in _MERGED:
        return _MERGED[kind](program, original, record)
    if policies.attachments == "text" and policies.compressed is not None:
        compression = compression_of(original)
        if compression is not None:
            return None if compression in policies.compressed else DROPPED
    is_binary = kind == "event.minidump" or encoding_of(original) is None
    if is_binary and policies.binary == "drop":
        return DROPPED
    by_text_rules = is_binary and policies.binary == "scrub_bytes"
    if kind == "event.minidump":
        data = scrub_minidump(program, original, filename, by_text_rules=by_text_rules, record=record)
    else:
        data = scrub_binary(program, original, filename, gated=gated, by_text_rules=by_text_rules, record=record)
    if is_binary or policies.attachments != "text":
        return data
    text = scrub_text(program, original if data is None else data, record)
    return data if text is None else text


def _scrub_tree(program: ScrubProgram, data: bytes, record: Record | None) -> bytes | None:
    try:
        return scrub_view_hierarchy(program, data, record)
    except Unreadable:
        if program.strict:
            raise
        return None  # gap G10: the reference forwards what it cannot read
