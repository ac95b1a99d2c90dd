"""What a request hides in its texts: query in the URL, body as JSON or form, cookies in a header, GraphQL variables.

N1 to N3 of scrubbing.md 5.6 are done in profile `strict`, on a copy: if the copy loses something, the parsed form is sent, else the
original text. The GraphQL step of section 1 leaves no remark.
"""

from __future__ import annotations

from typing import Any

import msgspec

from scrubjay.core.scrub import normalise
from scrubjay.core.scrub.descend import Walk
from scrubjay.core.scrub.json_text import (
    BRACE,
    QUOTE,
    Raw,
    decode_any,
    decode_object,
    decode_text,
    encode,
)
from scrubjay.core.scrub.pair_lists import scrub_pairs
from scrubjay.core.scrub.redact import FILTERED
from scrubjay.core.scrub.remarks import NodePath, Notes
from scrubjay.core.scrub.schema import Plan
from scrubjay.core.scrub.screen import EVERY, NOWHERE


def visit_request(walk: Walk, data: bytes, plan: Plan, path: NodePath, _hits: int, at: int) -> bytes | None:
    """Scrub a request."""
    if data[0] != BRACE:
        return None
    fields, changed, members = walk.open(data, plan, at)
    if "bodies" in walk.config.closed:
        shown = {member[0] for member in members}
        opened = "headers" in shown and "cookies" in plan.fields and _cookie_header(walk, fields, plan, path)
        opened |= "url" in shown and _url(walk, fields, plan, path)
        opened |= "data" in shown and _body(walk, fields, plan, path)
        if opened:
            changed = True
            members = [(key, child, walk.scan(child), NOWHERE) for key, child in fields.items()]
    changed |= walk.members(fields, members, plan, path)
    return encode(fields) if changed else None


def _cookie_header(walk: Walk, fields: dict[str, Raw], plan: Plan, path: NodePath) -> bool:
    """N3: cookies sent as a header, or as several, which HTTP/2 permits."""
    known, headers = plan.fields["cookies"], fields["headers"]
    cookies: normalise.Pairs = []
    others: normalise.Pairs = []
    for name, value in normalise.read_pairs("headers", bytes(headers)) or ():
        if name is not None and name.lower() == "cookie" and value[0] == QUOTE:
            cookies += normalise.read_pairs("cookies", value) or normalise.read_loose_cookies(value)
        else:
            others.append((name, value))
    absent = _absent(fields, "cookies")
    if not _loses(walk, cookies, known, (*path, "cookies"), keep=absent):
        return False
    if absent:
        fields["cookies"] = Raw(normalise.write_pairs(cookies))
    fields["headers"] = Raw(normalise.write_pairs(others))
    return True


def _url(walk: Walk, fields: dict[str, Raw], plan: Plan, path: NodePath) -> bool:
    """N1: query and fragment of the URL."""
    url = fields.get("url")
    if url is None or bytes(url)[:1] != b'"':
        return False
    text = decode_text(bytes(url))
    before, _, fragment = text.partition("#")
    base, _, query = before.partition("?")
    changed = False
    known = plan.fields.get("query_string")
    if query and known is not None:
        pairs = normalise.parse_form(query, keeps_plus=True)
        absent = _absent(fields, "query_string")
        if _loses(walk, pairs, known, (*path, "query_string"), keep=absent):
            changed = True
            if absent:
                fields["query_string"] = Raw(normalise.write_pairs(pairs))
    known = plan.fields.get("fragment")
    if fragment and known is not None:
        value = encode(fragment)
        if _absent(fields, "fragment"):
            if changed:
                fields["fragment"] = Raw(value)
            elif (new := walk.visit_made(value, known, (*path, "fragment"))) is not None:
                fields["fragment"] = Raw(new)
                changed = True
                if query and _absent(fields, "query_string"):
                    fields["query_string"] = Raw(normalise.write_pairs(normalise.parse_form(query, keeps_plus=True)))
        else:
            changed |= _would_change(walk, value, known, (*path, "fragment"))
    if changed:
        fields["url"] = Raw(encode(base))
    return changed


def _body(walk: Walk, fields: dict[str, Raw], plan: Plan, path: NodePath) -> bool:
    """N2: a body sent as text."""
    known, data = plan.fields.get("data"), fields.get("data")
    if known is None or data is None or bytes(data)[:1] != b'"':
        return False
    text = decode_text(bytes(data))
    parsed = _parsed_json(text) or _parsed_form(text)
    if parsed is None:
        return False
    new = walk.visit_made(parsed, known, (*path, "data"))
    if new is None:
        return False
    fields["data"] = Raw(new)
    return True


def _parsed_json(text: str) -> bytes | None:
    data = text.strip().encode()
    if data[:1] not in (b"{", b"["):
        return None
    try:
        decode_any(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    return data


def _parsed_form(text: str) -> bytes | None:
    if not text.isascii() or text.startswith(("<?xml", "{", "[")) or "=" not in text:
        return None
    pairs = normalise.parse_form(text, keeps_plus=True)
    if len(pairs) == 1 and decode_any(pairs[0][1]) in ("", "="):
        return None
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        return normalise.write_pairs(pairs)
    return encode({name: Raw(value) for name, value in pairs})


def _absent(fields: dict[str, Raw], name: str) -> bool:
    return name not in fields or bytes(fields[name]) == b"null"


def _loses(walk: Walk, pairs: normalise.Pairs, plan: Plan, path: NodePath, *, keep: bool) -> bool:
    """Whether scrubbing takes something from these pairs, which it does in place. `keep`: they will be sent, so note remarks."""
    notes = walk.notes
    if not keep:
        walk.notes = Notes()
    try:
        return scrub_pairs(walk, pairs, plan, path)
    finally:
        walk.notes = notes


def _would_change(walk: Walk, value: bytes, plan: Plan, path: NodePath) -> bool:
    notes, walk.notes = walk.notes, Notes()
    try:
        return walk.visit(value, plan, path, EVERY, NOWHERE) is not None
    finally:
        walk.notes = notes


def treat_graphql(data: bytes) -> bytes:
    """Take the variables of a GraphQL request out of the event, and out of the response (scrubbing.md 1)."""
    event = decode_object(data)
    request = _object(event.get("request"))
    if str(_value(request.get("api_target"))).lower() != "graphql":
        return data
    body = _value(request.get("data"))
    if not isinstance(body, dict):
        return data
    names: set[str] = set()
    variables = body.get("variables")
    if isinstance(variables, dict) and variables:
        names = set(variables)
        body["variables"] = dict.fromkeys(variables, FILTERED)
        request["data"] = Raw(encode(body))
        event["request"] = Raw(encode(request))
    contexts = _object(event.get("contexts"))
    response = _object(contexts.get("response"))
    answer = _value(response.get("data"))
    if isinstance(answer, dict) and "data" in answer:
        if names:
            _filter_members(answer["data"], names)
        else:
            del answer["data"]
        response["data"] = Raw(encode(answer))
        contexts["response"] = Raw(encode(response))
        event["contexts"] = Raw(encode(contexts))
    return encode(event)


def _filter_members(node: Any, names: set[str]) -> None:
    """Depth is bounded with the document's."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict):
                _filter_members(value, names)
            elif key in names:
                node[key] = FILTERED


def _object(raw: Raw | None) -> dict[str, Raw]:
    return decode_object(raw) if raw is not None and bytes(raw)[:1] == b"{" else {}


def _value(raw: Raw | None) -> Any:
    return None if raw is None else decode_any(raw)
