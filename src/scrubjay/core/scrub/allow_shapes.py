"""The protocol as allow-list mode reads it: shapes of values, their value types, and what the server cannot do without.

Drawn from the schema, whose classes count for nothing here (scrubbing.md 15.5). A shape is written as in `schema_fields.py`; four
are added: `context:T`, `attribute`, `pairs:FIELD`, and object types that only this module knows. What stays is decided in `allow.py`.
"""

from __future__ import annotations

import re
from typing import Final

from scrubjay.core.scrub import normalise
from scrubjay.core.scrub.json_text import BRACE, BRACKET, NULL, QUOTE, Raw, decode_text
from scrubjay.core.scrub.matching import TRUE
from scrubjay.core.scrub.schema import OBJECT_TYPES
from scrubjay.core.scrub.schema_fields import CONTEXTS, DEBUG_IMAGES

# Documents and records by shape: schema type, and the value type of the root step where the root is one.
DOCUMENTS: Final = {"event": ("event", ""), "replay_event": ("replay", ""), "span": ("span", "span")}
RECORDS: Final = {
    "log_container": ("log", "log"),
    "span_container": ("span_v2", "span"),
    "trace_metric_container": ("trace_metric", "trace_metric"),
}
# What the server cannot do without, by object type. Only ids, times, counts and single words: a text with a space or an `@` is
# none of these, whatever its key.
_IDS: Final = frozenset(("trace_id", "span_id", "parent_span_id"))
_NEEDED: Final = {
    "event": frozenset(("event_id", "timestamp", "start_timestamp", "platform", "type", "level")),
    "replay": frozenset(("event_id", "replay_id", "segment_id", "timestamp", "platform", "type")),
    "sdk": frozenset(("name", "version")),
    "trace_context": _IDS,
    "span": _IDS | {"segment_id", "timestamp", "start_timestamp"},
    "span_v2": _IDS | {"start_timestamp", "end_timestamp", "status"},
    "log": _IDS | {"timestamp", "level"},
    "trace_metric": _IDS | {"timestamp", "type"},
    "session": frozenset(
        ("sid", "seq", "init", "status", "timestamp", "started", "errors", "exited", "errored", "abnormal", "crashed")
    ),
    "generic": frozenset(("event_id", "check_in_id", "status", "timestamp", "platform", "type")),
    "container": frozenset(("version",)),
    "ingest_settings": frozenset(("infer_ip", "infer_user_agent")),
}
_WORD: Final = re.compile(rb'"(?:[A-Za-z0-9_.:+-]{0,100}|[0-9-]{10} [0-9:.+Z-]{5,30})"|[-+.0-9eE]+|true|false')
# Words that say what kind of object one is: they stay if anything else of it does, and are no reason for it to stay.
_KINDS: Final = {
    "context": frozenset((*CONTEXTS, "monitor")),
    "attribute": frozenset(("string", "integer", "double", "boolean", "array")),
    "debug_image": frozenset(DEBUG_IMAGES),
}
# Kinds of shapes whose second half names an object type, and the types that only this module knows.
_TYPED: Final = frozenset(("type", "context"))
_OWN_SHAPES: Final = {
    ("session", "aggregates"): "list:type:session",
    ("container", "ingest_settings"): "type:ingest_settings",
}


def is_needed(shape: str, key: str, data: bytes) -> bool:
    """Whether the server needs a member of an object, and its value may be what is needed."""
    return key in _NEEDED.get(shape.partition(":")[2], ()) and _WORD.fullmatch(data) is not None


def tells_kind(shape: str, word: Raw | None) -> bool:
    """Whether the `type` of an object says what kind of its shape it is, and no more."""
    return _text(word) in _KINDS.get(shape.partition(":")[0], frozenset())


def image_shape(word: Raw | None) -> str:
    """The shape of a debug image by its `type`."""
    return f"type:{DEBUG_IMAGES.get(_text(word) or '', '')}"


def _text(value: Raw | None) -> str | None:
    return decode_text(value) if value is not None and bytes(value)[0] == QUOTE else None


def leaf_types(data: bytes, kind: str = "any") -> tuple[str, ...]:
    """The value types of a leaf: of what it is, and of the field that it stands in."""
    if data[0] == QUOTE:
        return ("string", "message") if kind == "message" else ("string",)
    if data == NULL:
        return ("string", "number", "boolean")  # it may have been any of them before a rule took it
    return ("boolean",) if data[0] in b"tf" else ("number",)


def object_types(shape: str) -> tuple[str, ...]:
    kind, _, rest = shape.partition(":")
    if kind == "values":
        return ()
    described = OBJECT_TYPES.get(rest) if kind in _TYPED else None
    return ("object",) if described is None else described.value_types


def child_shape(shape: str, key: str, data: bytes) -> str:
    """The shape of a member of an object."""
    kind, _, rest = shape.partition(":")
    if kind in _TYPED:
        described = OBJECT_TYPES.get(rest)
        if described is None:
            return _OWN_SHAPES.get((rest, key), "any")
        listed = described.fields.get(key, (TRUE, "any"))[1]
        return f"pairs:{key}" if listed == "pairs" else listed
    if kind == "values":
        return f"list:{rest}" if key == "values" else "any"
    if kind == "map":
        return rest
    if kind == "contexts" and data[0] == BRACE:
        name = normalise.context_kind(data, key)
        return f"context:{CONTEXTS[name]}" if name in CONTEXTS else "any"
    return "attribute" if kind == "attributes" else "any"


def pairs_in(data: bytes, kind: str, name: str) -> normalise.Pairs | None:
    """The pairs of a field that holds a list of them, or of an untyped array in which every element is one."""
    if kind == "pairs":
        return normalise.read_pairs(name, data)
    if data[0] != BRACKET or kind == "list":
        return None
    pairs = normalise.read_pairs("", data)
    return pairs if pairs and all(name is not None for name, _ in pairs) else None
