"""View hierarchies: a JSON tree of what an app showed (scrubbing.md 12.6).

Every text of it is scrubbed, the tree stays. Bytes that are no JSON raise; whether such a file leaves is a matter of policy.
"""

from __future__ import annotations

from typing import Final

import msgspec

from scrubjay.core.scrub.json_text import Raw, mended, validate
from scrubjay.core.scrub.leaves import LeafWalk, check_document
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.record import Record
from scrubjay.errors import Unreadable

# What a viewer draws the tree by: kinds of views and the names that code gives them.
_STRUCTURE: Final = frozenset(("type", "rendering_system", "identifier", "tag", "class"))


def scrub_view_hierarchy(
    program: ScrubProgram, payload: bytes | memoryview, record: Record | None = None
) -> bytes | None:
    """Scrub one tree; None if it may leave as it is. Raises Unscrubbable."""
    original = bytes(payload)
    try:
        data = (mended(original) if program.strict else original).strip()
        check_document(data, program.bounds.max_depth)
        validate(data)
        for one in program.passes:
            if one.legacy_view and not program.strict:
                continue  # the reference scrubs attachments by the advanced config alone
            scan = one.screen.borrow()
            if record is not None:
                record.begin(one)
            walk = LeafWalk(one, scan, _is_structure if program.strict else None, record)
            if walk.concerns(data):
                data = walk.document(data) or data
            one.screen.give_back(scan)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"view hierarchy cannot be read: {type(error).__name__}") from None
    return None if data == original.strip() else data


def _is_structure(key: str, _fields: dict[str, Raw]) -> bool:
    return key in _STRUCTURE
