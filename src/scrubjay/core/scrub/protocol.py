"""The protocol's objects with a treatment of their own: events, requests, users, exceptions, contexts, attributes, pair lists.

Shape conversions (scrubbing.md 5.6) are applied here, and only where scrubbing then changes something in that part.
"""

from __future__ import annotations

from scrubjay.core.scrub import normalise
from scrubjay.core.scrub.bodies import visit_request
from scrubjay.core.scrub.descend import Handler, Walk, visit_elements, visit_type
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
    has_shadowed_keys,
)
from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE
from scrubjay.core.scrub.redact import Remark
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.schema import Plan, attribute_class
from scrubjay.core.scrub.schema_fields import CONTEXTS, DEBUG_IMAGES
from scrubjay.core.scrub.screen import EVERY

# Old names of interfaces. Beside the new name the old one is dropped.
_ALIASES = {
    "message": "logentry",
    "sentry.interfaces.Message": "logentry",
    "sentry.interfaces.User": "user",
    "sentry.interfaces.Http": "request",
    "sentry.interfaces.Contexts": "contexts",
    "sentry.interfaces.Breadcrumbs": "breadcrumbs",
    "sentry.interfaces.Exception": "exception",
    "sentry.interfaces.Stacktrace": "stacktrace",
    "sentry.interfaces.Template": "template",
    "sentry.interfaces.Csp": "csp",
}


def visit_event(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int) -> bytes | None:
    """Scrub an event. `_meta` has been read before and is written after."""
    fields = decode_object(data)
    changed = has_shadowed_keys(data, fields)
    aliases = [key for key in fields if key in _ALIASES]
    old = {key: fields.pop(key) for key in aliases}
    for key, child in old.items():
        target = _ALIASES[key]
        known = plan.fields.get(target)
        found = walk.scan(child)
        if known is None or not found & known.mask:
            continue
        new = walk.visit(bytes(child), known, (*path, target), found)
        if new is not None:
            changed = True
            old[key] = Raw(new)
            if target not in fields:
                fields[target] = Raw(new)
            old[key] = Raw(b"")
    restored = {key: child for key, child in old.items() if len(child)}
    if walk.fields(fields, plan, path, hits):
        changed = True
    if not changed:
        return None
    fields.update(restored)
    return encode(fields)


def visit_logentry(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int) -> bytes | None:
    """A log entry may come as mere text, or as any other value, which is spelled as JSON."""
    if data[0] == BRACE:
        return visit_type(walk, data, plan, path, hits)
    if data in (b"false", NULL):
        return None
    text = data if data[0] == QUOTE else normalise.as_json_text(data)
    return visit_type(walk, b'{"formatted":' + text + b"}", plan, path, hits)


def visit_values(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int) -> bytes | None:
    """`{"values": […]}`, or the array alone, or one object alone."""
    inner = plan.fields["values"]
    flagged = None
    if inner.skeleton is not None and data[0] in b"{[":
        flagged = inner.skeleton.flagged(data, walk.scan)
        if flagged is not None and not flagged:
            return None
    changed = False
    if data[0] == BRACKET:
        fields = {"values": Raw(data)}
    elif data[0] == BRACE:
        fields = decode_object(data)
        changed = has_shadowed_keys(data, fields)
        if "values" not in fields:
            fields = {"values": Raw(b"[" + data + b"]")}
    else:
        return None
    values = bytes(fields["values"])
    if walk.strict and values[0] not in b"[n":
        new = walk.misfit(values, inner, (*path, "values"))
        if new is not None:
            fields["values"] = Raw(new)
            changed = True
    elif values[0] == BRACKET:
        new = visit_elements(walk, values, inner, (*path, "values"), flagged)
        if new is not None:
            fields["values"] = Raw(new)
            changed = True
    return encode(fields) if changed else None


def visit_exception(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int) -> bytes | None:
    """An exception's value that is no text counts as its JSON text."""
    if data[0] != BRACE:
        return None
    fields = decode_object(data)
    changed = has_shadowed_keys(data, fields)
    original = fields.get("value")
    if original is not None and "value" in plan.fields:
        value = bytes(original)
        if value[0] != QUOTE and value != NULL:
            fields["value"] = Raw(normalise.as_json_text(value))
    converted = fields.get("value")
    if walk.fields(fields, plan, path, hits):
        changed = True
    if original is not None and fields["value"] is converted:
        fields["value"] = original
    return encode(fields) if changed else None


def visit_user(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int) -> bytes | None:
    """A user; an address that was pseudonymised may become the id (scrubbing.md 7.6)."""
    if data[0] != BRACE:
        return None
    fields = decode_object(data)
    changed = has_shadowed_keys(data, fields)
    originals = {}
    for key in ("id", "username"):
        value = fields.get(key)
        if value is not None and key in plan.fields and bytes(value)[0] in b"-0123456789":
            originals[key] = (value, Raw(encode(as_text(bytes(value)))))
            fields[key] = originals[key][1]
    before = fields.get("ip_address")
    if walk.fields(fields, plan, path, hits):
        changed = True
    for key, (original, converted) in originals.items():
        if fields[key] is converted:
            fields[key] = original
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


def visit_pairs(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int) -> bytes | None:
    """A pair list, in whatever form it came."""
    if data[0] in WORDS:
        return None
    if walk.removed(plan.rules, plan.key_verdict, path):
        return NULL
    pairs = normalise.read_pairs(path[-1], data)
    if pairs is None and walk.strict:
        if data[0] == BRACKET:
            return _loose_pairs(walk, data, plan, path)
        if data[0] != QUOTE or path[-1] != "cookies":
            return walk.misfit(data, plan, path)
        pairs = normalise.read_loose_cookies(data)
    if pairs is None or not walk.pairs(pairs, plan, path):
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
            new = walk.any(bytes(element), plan.state, match, TRUE, 0, (*path, str(index)), EVERY)
        else:
            new = normalise.write_pairs(pairs)[1:-1] if walk.pairs(pairs, plan, path, index) else None
        if new is not None:
            elements[index] = Raw(new)
            changed = True
    return encode(elements) if changed else None


def visit_contexts(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int) -> bytes | None:
    """Contexts; the kind of each by its `type`, else by its key (scrubbing.md 5.4). Together they are of class false."""
    if data[0] != BRACE:
        return None
    fields = decode_object(data)
    changed = has_shadowed_keys(data, fields)
    planner = walk.config.planner
    for key, child in fields.items():
        found = walk.scan(child)
        match, verdict = walk.config.key_info(key)
        if not (found & plan.mask or verdict or match != walk.config.plain_match):
            continue
        raw = bytes(child)
        if raw[0] != BRACE:
            inner = planner.child(plan, key, "any", TRUE)
            if walk.strict and (new := walk.misfit(raw, inner, (*path, key))) is not None:
                fields[key] = Raw(new)
                changed = True
            continue
        kind = _context_kind(raw, key)
        if kind == "monitor":
            inner = planner.child(plan, key, "any", MAYBE)
        elif kind in CONTEXTS:
            if (name := CONTEXTS[kind]) == "dead":
                continue
            inner = planner.child(plan, key, f"type:{name}", FALSE)
        else:
            inner = planner.child(plan, key, "any", TRUE)
        new = walk.visit(raw, inner, (*path, key), found)
        if new is not None:
            fields[key] = Raw(new)
            changed = True
    return encode(fields) if changed else None


def _context_kind(data: bytes, key: str) -> str:
    kind = decode_object(data).get("type")
    if kind is not None and bytes(kind)[0] == QUOTE:
        return decode_text(bytes(kind)) or key
    return key


def visit_attributes(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int) -> bytes | None:
    """Attributes `{"type", "value"}` by name. Legacy settings see each as its value (scrubbing.md 12.2)."""
    if data[0] != BRACE:
        return None
    config = walk.config
    if walk.removed(plan.rules, plan.key_verdict, path):
        return NULL
    fields = decode_object(data)
    changed = has_shadowed_keys(data, fields)
    object_types = config.planner.object_types
    for name, child in fields.items():
        found = walk.scan(child)
        match, verdict = config.key_info(name)
        if not (found & plan.mask or verdict or match != config.plain_match):
            continue
        raw = bytes(child)
        own = (*path, name)
        value_class = attribute_class(name)
        value_class = TRUE if value_class is None else value_class
        if raw[0] != BRACE:
            # The value alone, as older SDKs have it.
            if walk.strict:
                bare = walk.any(raw, plan.state, match, value_class, verdict, own, found, _attribute_class)
                if bare is not None:
                    fields[name] = Raw(bare)
                    changed = True
            continue
        attribute = decode_object(raw)
        shadowed = has_shadowed_keys(raw, attribute)
        if walk.strict and len(attribute) > 1:
            shadowed |= _beside_value(walk, attribute, plan, match, own)
        value = attribute.get("value")
        new = None
        if config.legacy_view:
            if value is not None:
                new = walk.any(
                    bytes(value), plan.state, match, value_class, verdict, (*own, "value"), found, _attribute_class
                )
        else:
            state = config.matcher.step(plan.state, match | object_types)
            if walk.removed(state.rules[plan.node_class], verdict, own):
                fields[name] = Raw(NULL)
                changed = True
                continue
            if value is not None:
                value_match, value_verdict = config.key_info("value")
                new = walk.any(
                    bytes(value),
                    state,
                    value_match,
                    value_class,
                    value_verdict,
                    (*own, "value"),
                    found,
                    _attribute_class,
                )
        if new is not None:
            attribute["value"] = Raw(new)
        if new is not None or shadowed:
            fields[name] = Raw(encode(attribute))
            changed = True
    return encode(fields) if changed else None


def _beside_value(walk: Walk, attribute: dict[str, Raw], plan: Plan, match: int, path: NodePath) -> bool:
    """Scrub in place what else stands in an attribute: its type, in truth, and whatever somebody put there."""
    changed = False
    for key, member in attribute.items():
        if key != "value" and (found := walk.scan(member)) & plan.mask:
            new = walk.any(bytes(member), plan.state, match, TRUE, 0, (*path, key), found)
            if new is not None:
                attribute[key] = Raw(new)
                changed = True
    return changed


def _attribute_class(key: str, enclosing: int) -> int:
    listed = attribute_class(key)
    return enclosing if listed is None else listed


def visit_debug_image(walk: Walk, data: bytes, plan: Plan, path: NodePath, hits: int) -> bytes | None:
    """A debug image by its `type`."""
    if data[0] != BRACE:
        return None
    kind = decode_object(data).get("type")
    name = DEBUG_IMAGES.get(decode_text(bytes(kind))) if kind is not None and bytes(kind)[0] == QUOTE else None
    if name is None:
        return None
    inner = walk.config.planner.plan(plan.parent, plan.match, f"type:{name}", FALSE)
    return walk.visit(data, inner, path, hits)


HANDLERS: dict[str, Handler] = {
    "event": visit_event,
    "replay": visit_type,
    "logentry": visit_logentry,
    "values": visit_values,
    "exception": visit_exception,
    "user": visit_user,
    "request": visit_request,
    "pairs": visit_pairs,
    "contexts": visit_contexts,
    "attributes": visit_attributes,
    "debug_image": visit_debug_image,
}
