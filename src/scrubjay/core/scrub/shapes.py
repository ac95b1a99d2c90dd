"""Shapes that are neither plain text nor untyped: paths, numbers, maps, and content whose class its keys decide."""

from __future__ import annotations

from scrubjay.core.scrub.descend import EXEMPT, Handler, Walk
from scrubjay.core.scrub.json_text import (
    BRACE,
    BRACKET,
    NULL,
    QUOTE,
    Raw,
    decode_array,
    encode,
    encode_text,
    text_bytes,
)
from scrubjay.core.scrub.matching import TRUE
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.schema import Plan, attribute_class
from scrubjay.core.scrub.screen import NOWHERE


def visit_path(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int, _at: int) -> bytes | None:
    """Only the part before the last separator is text (scrubbing.md 7.5)."""
    if data[0] != QUOTE:
        return None
    value = text_bytes(data)
    cut = max(value.rfind(b"/"), value.rfind(b"\\"))
    if cut < 0 or value in EXEMPT:
        return None
    text = walk.notes.text(path, value[:cut])
    removed = walk.run(text, plan.rules, plan.key_verdict, hits, path) if text.value not in EXEMPT else None
    if removed is not None:
        walk.notes.remove(path, removed.removal, text)
        return encode_text(value[cut + 1 :])
    if not text.changed:
        return None
    walk.notes.write(path, text)
    return encode_text(text.value + value[cut:])


def visit_leaf(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    if data[0] in b"tfn":
        return None
    return NULL if walk.removed(plan.rules, plan.key_verdict, path, data) else None


def visit_map(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    if data[0] == BRACKET and plan.element == "any":
        # Arrays of variables: the reference makes them objects.
        fields = {str(index): element for index, element in enumerate(decode_array(data))}
        return walk.any_object(encode(fields), plan.state, plan.node_class, path, NOWHERE)
    if data[0] != BRACE:
        return None
    if walk.removed(plan.rules, plan.key_verdict, path, data):
        return NULL
    if plan.element == "any":
        return walk.any_object(data, plan.state, plan.node_class, path, at)
    fields, changed, members = walk.open(data, plan, at)
    for key, child, found, place in members:
        element = walk.config.planner.child(plan, key, plan.element, plan.node_class)
        if found & element.mask:
            new = walk.visit(bytes(child), element, (*path, key), found, place)
            if new is not None:
                fields[key] = Raw(new)
                changed = True
    return encode(fields) if changed else None


def visit_span_data(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    """Content whose class is decided by the nearest key (scrubbing.md 5.5)."""
    if data[0] != BRACE:
        return None
    if walk.removed(plan.rules, plan.key_verdict, path, data):
        return NULL
    return walk.any_object(data, plan.state, TRUE, path, at, span_data_class)


def span_data_class(key: str, _enclosing: int) -> int:
    listed = attribute_class(key)
    return TRUE if listed is None else listed


HANDLERS: dict[str, Handler] = {
    "path": visit_path,
    "number": visit_leaf,
    "bool": visit_leaf,
    "scalar": visit_leaf,
    "map": visit_map,
    "span_data": visit_span_data,
}
