"""What is left of a document that cannot be scrubbed and must not be lost: the fields that the protocol needs (scrubbing.md 15.5, 15.7).

Each is kept only if it reads like what it is; where a document is broken, a name may stand where an id belongs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from scrubjay.core.scrub.json_text import NULL, Raw, decode_any, decode_object, encode, mended
from scrubjay.errors import Unreadable

_ID: Final = re.compile(r"[0-9a-fA-F-]{16,36}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{5,18}(?:Z|[+-][0-9:]{2,6})?", re.ASCII)
_WORD: Final = re.compile(r"[a-z][a-z_-]{0,31}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
_VERSION: Final = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5}){0,3}(?:[-.+][A-Za-z]{1,10}[0-9.]{0,6})?", re.ASCII)
_REMARK: Final = {"": {"rem": [["@error", "x"]]}}
"""On the root: what is missing was taken because of an error."""
STRIPPABLE: Final = frozenset(("event", "replay_event", "span"))
"""Shapes of documents of which anything is left."""


def _is_time(value: object) -> bool:
    if isinstance(value, str):
        return _TIME.fullmatch(value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _reads(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_KEPT: Final[Mapping[str, Callable[[object], bool]]] = {
    **dict.fromkeys(("event_id", "trace_id", "span_id", "parent_span_id", "segment_id", "replay_id"), _reads(_ID)),
    **dict.fromkeys(("timestamp", "start_timestamp", "end_timestamp", "replay_start_timestamp"), _is_time),
    **dict.fromkeys(("platform", "type", "level", "replay_type"), _reads(_WORD)),
}
_KEPT_BELOW: Final[Mapping[tuple[str, ...], Callable[[object], bool]]] = {
    ("sdk", "name"): _reads(_NAME),
    ("sdk", "version"): _reads(_VERSION),
    ("contexts", "trace", "trace_id"): _reads(_ID),
    ("contexts", "trace", "span_id"): _reads(_ID),
}


def strip_document(payload: bytes | memoryview) -> bytes:
    """The document without all else. Raises Unreadable if it is no object."""
    try:
        fields = decode_object(mended(bytes(payload)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"document cannot be read: {type(error).__name__}") from None
    left: dict[str, Any] = {}
    for name, is_right in _KEPT.items():
        value = _leaf(fields, (name,))
        if is_right(value):
            left[name] = value
    segment = _leaf(fields, ("segment_id",))
    if type(segment) is int:
        left["segment_id"] = segment
    for path, is_right in _KEPT_BELOW.items():
        value = _leaf(fields, path)
        if is_right(value):
            *above, last = path
            node = left
            for name in above:
                node = node.setdefault(name, {})
            node[last] = value
    return encode({**left, "_meta": _REMARK})


def _leaf(fields: dict[str, Raw], path: tuple[str, ...]) -> object:
    """A text or a number at a path; None if there is no such thing."""
    *above, last = path
    try:
        for name in above:
            fields = decode_object(fields.get(name, NULL))
        raw = bytes(fields.get(last, NULL))
        return None if raw[0] in b"{[" else decode_any(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
