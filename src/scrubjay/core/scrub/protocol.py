"""The protocol's objects with a treatment of their own: events, requests, users, exceptions, contexts, attributes, pair lists.

Shape conversions (scrubbing.md 5.6) are applied here, and only where scrubbing then changes something in that part.
"""

from __future__ import annotations

from scrubjay.core.scrub import normalise
from scrubjay.core.scrub.bodies import visit_request
from scrubjay.core.scrub.descend import Handler, Walk
from scrubjay.core.scrub.json_text import (
    BRACE,
    BRACKET,
    NULL,
    QUOTE,
    WORDS,
    Raw,
    as_text,
    decode_array,
    decode_object,
    decode_text,
    encode,
)
from scrubjay.core.scrub.keys import RENAMED, Names
from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE
from scrubjay.core.scrub.opening import Member, open_object
from scrubjay.core.scrub.pair_lists import scrub_pairs, seen_in_pairs
from scrubjay.core.scrub.redact import Remark
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.schema import Plan, attribute_class
from scrubjay.core.scrub.schema_fields import CONTEXTS, DEBUG_IMAGES
from scrubjay.core.scrub.screen import EVERY, NOWHERE
from scrubjay.core.scrub.shapes import visit_elements, visit_type

# Members of a user that may come as numbers and count as texts.
_NUMBERED = frozenset(("id", "username"))
# Members of an old mechanism that are no data.
_SIGNALS = ("posix_signal", "mach_exception")
# An attribute of another type is dropped by the server.
_ATTRIBUTE_TYPES = frozenset((b'"string"', b'"boolean"', b'"integer"', b'"double"', b'"array"'))


def visit_event(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    """Scrub an event. `_meta` has been read before and is written after."""
    fields, changed, members = walk.open(data, plan, at)
    if not normalise.ALIASES.keys().isdisjoint(fields):
        changed |= _old_names(walk, fields, members, plan, path)
        members = [member for member in members if member[0] not in normalise.ALIASES]
    if walk.members(fields, members, plan, path):
        changed = True
    return encode(fields) if changed else None


def _old_names(walk: Walk, fields: dict[str, Raw], members: list[Member], plan: Plan, path: NodePath) -> bool:
    """Scrub interfaces under their old names in place. What changes gets the new name, beside which the old one is dropped."""
    changed = False
    for key, child, hits, at in members:
        target = normalise.ALIASES.get(key, "")
        known = plan.fields.get(target)
        if known is not None and hits & known.mask:
            new = walk.visit(bytes(child), known, (*path, target), hits, at)
            if new is not None:
                del fields[key]
                fields.setdefault(target, Raw(new))
                changed = True
    return changed


def visit_logentry(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int, at: int) -> bytes | None:
    """A log entry may come as mere text, or as any other value, which is spelled as JSON."""
    if data[0] == BRACE:
        return visit_type(walk, data, plan, path, hits, at)
    if data in (b"false", NULL):
        return None
    text = data if data[0] == QUOTE else normalise.as_json_text(data)
    return visit_type(walk, b'{"formatted":' + text + b"}", plan, path, hits, NOWHERE)


def visit_values(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int, at: int) -> bytes | None:
    """`{"values": […]}`, or the array alone, or one object alone."""
    inner = plan.fields["values"]
    own = (*path, "values")
    if data[0] == BRACKET:
        new = visit_elements(walk, data, inner, own, at)
        return None if new is None else b'{"values":' + new + b"}"
    if data[0] != BRACE:
        return None
    fields, changed, members = walk.open(data, plan, at)
    if "values" not in fields:
        new = visit_elements(walk, b"[" + data + b"]", inner, own, at - 1 if at > 0 else NOWHERE)
        return None if new is None else b'{"values":' + new + b"}"
    if walk.strict and len(fields) > 1 and _beside_values(walk, fields, members, plan, path):
        changed = True
    for key, child, found, place in members:
        if key != "values" or not found & inner.mask:
            continue
        values, new = bytes(child), None
        if values[0] == BRACKET:
            new = visit_elements(walk, values, inner, own, place)
        elif walk.strict and values != NULL:
            new = walk.misfit(values, inner, own)
        if new is not None:
            fields["values"] = Raw(new)
            changed = True
    return encode(fields) if changed else None


def _beside_values(walk: Walk, fields: dict[str, Raw], members: list[Member], plan: Plan, path: NodePath) -> bool:
    """Scrub in place what stands beside the values, which nobody has heard of; whether anything changed."""
    changed = False
    for key, child, hits, place in members:
        if key != "values":
            match, verdict = walk.config.key_info(key)
            new = walk.any(bytes(child), plan.state, match, TRUE, verdict, (*path, key), hits, place)
            if new is not None:
                fields[key] = Raw(new)
                changed = True
    return changed


def visit_exception(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    """An exception's value that is no text counts as its JSON text."""
    if data[0] != BRACE:
        return None
    fields, changed, members = walk.open(data, plan, at)
    members = [
        _made("value", normalise.as_json_text(bytes(member[1])))
        if member[0] == "value" and bytes(member[1])[0] not in b'"n'
        else member
        for member in members
    ]
    if walk.members(fields, members, plan, path):
        changed = True
    return encode(fields) if changed else None


def visit_mechanism(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int, at: int) -> bytes | None:
    """A mechanism without a type is one of old: all of it is data, but for what the system said."""
    known = plan.fields.get("data")
    if data[0] != BRACE or known is None or "type" in (fields := decode_object(data)):
        return visit_type(walk, data, plan, path, hits, at)
    kept = {key: fields.pop(key) for key in _SIGNALS if key in fields}
    new = walk.visit_made(encode(fields), known, (*path, "data"))
    return None if new is None else encode({"type": "generic", "data": Raw(new), **kept})


def _made(key: str, data: bytes) -> Member:
    """A member in another form than it has in the document."""
    return key, Raw(data), EVERY, NOWHERE


def visit_user(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    """A user; an address that was pseudonymised may become the id (scrubbing.md 7.6)."""
    if data[0] != BRACE:
        return None
    fields, changed, members = walk.open(data, plan, at)
    members = [
        _made(member[0], encode(as_text(bytes(member[1]))))
        if member[0] in _NUMBERED and bytes(member[1])[0] in b"-0123456789"
        else member
        for member in members
    ]
    before = fields.get("ip_address")
    if walk.members(fields, members, plan, path):
        changed = True
    if not changed:
        return None
    after = fields.get("ip_address")
    if before is not None and after is not None and after is not before and bytes(after)[0] == QUOTE:
        was = bytes(before)
        valid_before = was[0] != QUOTE or normalise.is_ip(decode_text(was))
        absent = all(key not in fields or fields[key] == Raw(NULL) for key in ("id", "username", "email"))
        if valid_before and absent and not normalise.is_ip(decode_text(bytes(after))):
            fields["id"], fields["ip_address"] = after, Raw(NULL)
            walk.notes.move((*path, "ip_address"), (*path, "id"))
            walk.notes.remove((*path, "ip_address"), Remark("pii:ip_address", "x"))
    return encode(fields)


def visit_pairs(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    """A pair list, in whatever form it came."""
    if data[0] in WORDS:
        return None
    if walk.removed(plan.rules, plan.key_verdict, path, data):
        return NULL
    pairs = normalise.read_pairs(path[-1], data, keeps_plus=walk.strict)
    if pairs is None and walk.strict:
        if data[0] == BRACKET:
            return _loose_pairs(walk, data, plan, path)
        if data[0] != QUOTE or path[-1] != "cookies":
            return walk.misfit(data, plan, path)
        pairs = normalise.read_loose_cookies(data)
    if pairs is None or not scrub_pairs(walk, pairs, plan, path, seen=seen_in_pairs(walk, data, at)):
        return None
    return normalise.write_pairs(pairs)


def _loose_pairs(walk: Walk, data: bytes, plan: Plan, path: NodePath) -> bytes | None:
    """A list of which some elements are pairs, and others are what they are."""
    changed = False
    elements = decode_array(data)
    for index, element in enumerate(elements):
        pairs = normalise.read_pairs(path[-1], b"[" + bytes(element) + b"]")
        if pairs is None:
            match = walk.config.matcher.index_match(index)
            new = walk.any(bytes(element), plan.state, match, TRUE, 0, (*path, str(index)), EVERY, NOWHERE)
        else:
            new = normalise.write_pairs(pairs)[1:-1] if scrub_pairs(walk, pairs, plan, path, index) else None
        if new is not None:
            elements[index] = Raw(new)
            changed = True
    return encode(elements) if changed else None


def visit_contexts(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    """Contexts; the kind of each by its `type`, else by its key (scrubbing.md 5.4). Together they are of class false."""
    if data[0] != BRACE:
        return None
    fields, changed, members = walk.open(data, plan, at)
    planner = walk.config.planner
    names: Names | None = None
    for key, child, hits, place in members:
        match, verdict = walk.config.key_info(key)
        if not (hits & plan.mask or verdict or match != walk.config.plain_match):
            continue
        raw, own = bytes(child), (*path, key)
        if verdict & RENAMED:
            names = names or Names(fields)
            own = (*path, walk.rename(names, key, path))
        if raw[0] != BRACE:
            inner = planner.child(plan, key, "any", TRUE)
            if walk.strict and (new := walk.misfit(raw, inner, own)) is not None:
                fields[key] = Raw(new)
                changed = True
            continue
        kind = normalise.context_kind(raw, key)
        if kind == "monitor":
            inner = planner.child(plan, key, "any", MAYBE)
        elif kind in CONTEXTS:
            if (name := CONTEXTS[kind]) == "dead":
                continue
            inner = planner.child(plan, key, f"type:{name}", FALSE)
        else:
            inner = planner.child(plan, key, "any", TRUE)
        new = walk.visit(raw, inner, own, hits, place)
        if new is not None:
            fields[key] = Raw(new)
            changed = True
    if names is not None:
        names.put(fields)
    return encode(fields) if changed or names is not None else None


def visit_attributes(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    """Attributes `{"type", "value"}` by name. Legacy settings see each as its value (scrubbing.md 12.2)."""
    if data[0] != BRACE:
        return None
    config = walk.config
    if walk.removed(plan.rules, plan.key_verdict, path, data):
        return NULL
    fields, changed, members = walk.open(data, plan, at)
    names: Names | None = None
    for name, child, hits, place in members:
        match, verdict = config.key_info(name)
        if not (hits & plan.mask or verdict or match != config.plain_match):
            continue
        raw = bytes(child)
        own = (*path, name)
        if verdict & RENAMED:
            names = names or Names(fields)
            own = (*path, walk.rename(names, name, path))
        if raw[0] == BRACE:
            new = _attribute(walk, raw, plan, name, own, hits, place)
        elif walk.strict:  # the value alone, as older SDKs have it
            new = walk.any(raw, plan.state, match, _named_class(name), verdict, own, hits, place, attribute_value_class)
        else:
            continue
        if new is not None:
            fields[name] = Raw(new)
            changed = True
    if names is not None:
        names.put(fields)
    return encode(fields) if changed or names is not None else None


def _attribute(walk: Walk, data: bytes, plan: Plan, name: str, path: NodePath, hits: int, at: int) -> bytes | None:
    config = walk.config
    match, verdict = config.key_info(name)
    inside = config.matcher.step(plan.state, match | config.planner.object_types)
    state = plan.state
    if not config.legacy_view:
        state = inside
        if walk.removed(state.rules[plan.node_class], verdict, path, data):
            return NULL
        match, verdict = config.key_info("value")
    fields, changed, members = open_object(walk.scan, data, at, every=True)
    for key, member, found, place in members:
        new = None
        if key == "value":
            # The name stands before the object, so what the screen saw in both counts for the value.
            value_class = _named_class(name)
            inner = (*path, "value")
            new = walk.any(
                bytes(member), state, match, value_class, verdict, inner, found | hits, place, attribute_value_class
            )
        elif walk.strict and (found | hits) & plan.mask and (key != "type" or bytes(member) not in _ATTRIBUTE_TYPES):
            # Whatever somebody put there; the name may be what tells, as above.
            key_match, _ = config.key_info(key)
            new = walk.any(bytes(member), inside, key_match, TRUE, 0, (*path, key), found | hits, place)
        if new is not None:
            fields[key] = Raw(new)
            changed = True
    return encode(fields) if changed else None


def _named_class(name: str) -> int:
    """The class of an attribute's value."""
    return attribute_value_class(name, TRUE)


def attribute_value_class(key: str, enclosing: int) -> int:
    listed = attribute_class(key)
    return enclosing if listed is None else listed


def visit_debug_image(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int, at: int) -> bytes | None:
    """A debug image by its `type`."""
    if data[0] != BRACE:
        return None
    kind = decode_object(data).get("type")
    name = DEBUG_IMAGES.get(decode_text(bytes(kind))) if kind is not None and bytes(kind)[0] == QUOTE else None
    if name is None:
        return None
    inner = walk.config.planner.plan(plan.parent, plan.match, f"type:{name}", FALSE)
    return walk.visit(data, inner, path, hits, at)


HANDLERS: dict[str, Handler] = {
    "event": visit_event,
    "replay": visit_type,
    "logentry": visit_logentry,
    "values": visit_values,
    "exception": visit_exception,
    "mechanism": visit_mechanism,
    "user": visit_user,
    "request": visit_request,
    "pairs": visit_pairs,
    "contexts": visit_contexts,
    "attributes": visit_attributes,
    "debug_image": visit_debug_image,
}
