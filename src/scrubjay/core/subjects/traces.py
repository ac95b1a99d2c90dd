"""A trace as its dynamic sampling context tells of it (`decisions.md` 5.5, 6.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from scrubjay.core.conditions import HexId, Subject, Value
from scrubjay.core.subjects.document import hex_id


class TraceSubject:
    """The members of the envelope header `trace`; it never is broken, since whoever made it has read it."""

    __slots__ = ("_fields",)

    is_broken = False

    def __init__(self, context: Mapping[str, object]) -> None:
        user_id, user_segment = _text(context, "user_id"), _text(context, "user_segment")
        user = context.get("user")
        if not user_id and not user_segment and isinstance(user, Mapping):
            user_id, user_segment = _text(user, "id"), _text(user, "segment")
        self._fields: dict[str, Value] = {
            "trace.release": _text(context, "release"),
            "trace.environment": _text(context, "environment"),
            "trace.transaction": _text(context, "transaction") or _text(context, "segment_name"),
            "trace.user.id": user_id or None,
            "trace.user.segment": user_segment or None,
            "trace.replay_id": _uuid(context),
        }

    @property
    def names(self) -> tuple[str, ...]:
        """All that a trace may have."""
        return tuple(self._fields)

    def value(self, name: str) -> Value:
        return self._fields.get(name)

    def elements(self, name: str) -> Sequence[Subject] | None:
        return None

    def __repr__(self) -> str:
        return f"<TraceSubject {[name for name, value in self._fields.items() if value is not None]}>"


_UUID_DIGITS: Final = 32


def _text(context: Mapping[str, object], name: str) -> str | None:
    value = context.get(name)
    return value if isinstance(value, str) else None


def _uuid(context: Mapping[str, object]) -> HexId | None:
    found = hex_id(_text(context, "replay_id"))
    return found if found is not None and len(found) == _UUID_DIGITS else None
