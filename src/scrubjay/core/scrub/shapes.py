"""The plain shapes of the schema: texts, lists, objects, paths, numbers, maps, and content whose class its keys decide."""

from __future__ import annotations

from scrubjay.core.scrub.descend import EXEMPT, Handler, Walk
from scrubjay.core.scrub.embedded import MAY_EMBED, scrub_embedded
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
from scrubjay.core.scrub.matching import ALWAYS, TRUE
from scrubjay.core.scrub.opening import open_array
from scrubjay.core.scrub.pair_lists import read_pair_array
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.schema import Plan, attribute_class
from scrubjay.core.scrub.screen import NOWHERE


def visit_any(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int, at: int) -> bytes | None:
    return walk.any(data, plan.parent, plan.match, plan.node_class, plan.key_verdict, path, hits, at)


def visit_text(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int, _at: int) -> bytes | None:
    if data[0] != QUOTE:
        return None
    new = None
    if data[1] in MAY_EMBED:
        new = scrub_embedded(walk, data, plan.rules, plan.parent, plan.match, plan.node_class, plan.key_verdict, path)
    return walk.text(data, plan.rules, plan.key_verdict, path, hits) if new is None else new


def visit_list(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    if data[0] != BRACKET:
        return None
    if walk.removed(plan.rules, plan.key_verdict, path, data):
        return NULL
    return visit_elements(walk, data, plan, path, at)


def visit_elements(walk: Walk, data: bytes, plan: Plan, path: NodePath, at: int) -> bytes | None:
    """Scrub the elements of a typed list."""
    planner, changed = walk.config.planner, False
    elements, flagged = open_array(walk.scan, data, at, every=bool(plan.mask & ALWAYS))
    for index, child, hits, place in flagged:
        element = planner.element(plan, index)
        if hits & element.mask:
            new = walk.visit(bytes(child), element, (*path, str(index)), hits, place)
            if new is not None:
                elements[index] = Raw(new)
                changed = True
    return encode(elements) if changed else None


def visit_type(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    """Scrub a typed object. It is of class false, so no rule takes it whole (scrubbing.md 5)."""
    if data[0] != BRACE:
        return None
    fields, changed, members = walk.open(data, plan, at)
    if walk.members(fields, members, plan, path):
        changed = True
    return encode(fields) if changed else None


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
    if data[0] == BRACKET and plan.element != "any":
        return walk.misfit(data, plan, path) if walk.strict else None
    if data[0] not in b"{[":
        return None
    if walk.removed(plan.rules, plan.key_verdict, path, data):
        return NULL
    if data[0] == BRACKET:
        return _map_of_array(walk, data, plan, path)
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


def _map_of_array(walk: Walk, data: bytes, plan: Plan, path: NodePath) -> bytes | None:
    """Arrays of variables: the reference makes them objects, so that the name in a pair says nothing of its value."""
    pairs = None
    if walk.strict and read_pair_array(decode_array(data)):
        pairs = walk.any_array(data, plan.state, plan.node_class, path, NOWHERE)
    elements = decode_array(data if pairs is None else pairs)
    fields = encode({str(index): element for index, element in enumerate(elements)})
    new = walk.any_object(fields, plan.state, plan.node_class, path, NOWHERE)
    return fields if new is None and pairs is not None else new


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
    "any": visit_any,
    "string": visit_text,
    "message": visit_text,
    "ip": visit_text,
    "list": visit_list,
    "type": visit_type,
    "path": visit_path,
    "number": visit_leaf,
    "bool": visit_leaf,
    "scalar": visit_leaf,
    "map": visit_map,
    "span_data": visit_span_data,
}
