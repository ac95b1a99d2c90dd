"""What came in `_meta`: what ingestion took out of a field of the wrong kind is scrubbed like the field (scrubbing.md 9.4).

Where gap G9 is closed nothing else of it leaves unread: original values that are no text go where any rule could reach the field,
those of cookies always, and of errors only code and reason stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from scrubjay.core.scrub.descend import Walk
from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE, State
from scrubjay.core.scrub.redact import Text
from scrubjay.core.scrub.remarks import NodePath, read_remarks
from scrubjay.core.scrub.schema import Plan
from scrubjay.core.scrub.schema_fields import CONTEXTS
from scrubjay.core.scrub.screen import EVERY
from scrubjay.core.scrub.shapes import span_data_class

_CODE: Final = re.compile(r"[a-z_]+")
_UNKNOWN_ERROR: Final = "invalid_data"


@dataclass(frozen=True, slots=True)
class _Place:
    """A node as its path describes it. `plan`: None in untyped content."""

    state: State
    match: int
    node_class: int
    verdict: int
    plan: Plan | None
    by_key: bool = False


def scrub_originals(walk: Walk, tree: dict[str, Any], plan: Plan, document: object) -> bool:
    """Scrub every original value below `tree`, in place; whether any changed."""
    return _below(walk, tree, _Place(plan.state, 0, plan.node_class, 0, plan), document, ())


def _below(walk: Walk, tree: dict[str, Any], place: _Place, node: object, path: NodePath) -> bool:
    is_closed = "meta" in walk.config.closed
    changed = is_closed and _clean(tree)
    for key, entry in tree.items():
        if key and isinstance(entry, dict):
            child = _child(walk, place, key, node)
            if child is None:
                if not is_closed:
                    continue
                child = _unknown(walk, place, key)
            own = entry.get("")
            if isinstance(own, dict) and "val" in own and _scrub(walk, own, child, (*path, key), is_closed=is_closed):
                changed = True
            if _below(walk, entry, child, _member(node, key), (*path, key)):
                changed = True
    return changed


def _clean(tree: dict[str, Any]) -> bool:
    """Take out of a level what is no remark, length, error or original value; whether there was anything."""
    own = tree.get("")
    cleaned = _cleaned(own) if isinstance(own, dict) else None
    kept = {key: entry for key, entry in tree.items() if key and isinstance(entry, dict)}
    if len(kept) + ("" in tree) == len(tree) and cleaned == own:
        return False
    tree.clear()
    if cleaned:
        tree[""] = cleaned
    tree.update(kept)
    return True


def _cleaned(own: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in own.items():
        if name == "rem":
            out[name] = [remark.to_json() for remark in read_remarks(value)]
        elif name == "err":
            out[name] = [_error(error) for error in value] if isinstance(value, list) else _error(value)
        elif name == "val" or (name == "len" and type(value) is int):
            out[name] = value
    return out


def _error(error: object) -> object:
    """The code of an error, with its reason if it has one."""
    if isinstance(error, str):
        return error if _CODE.fullmatch(error) else _UNKNOWN_ERROR
    if isinstance(error, dict):
        return {"reason": error["reason"]} if isinstance(error.get("reason"), str) else {}
    return [_error(part) for part in error] if isinstance(error, list) else _UNKNOWN_ERROR


def _unknown(walk: Walk, place: _Place, key: str) -> _Place:
    """A place that no rule of the reference reaches. Nobody knows what stood there."""
    match, verdict = walk.config.key_info(key)
    return _Place(walk.config.matcher.step(place.state, match), match, TRUE, verdict, None)


def _scrub(walk: Walk, own: dict[str, Any], place: _Place, path: NodePath, *, is_closed: bool) -> bool:
    """One original value: its path is the field's with the last key once more."""
    config = walk.config
    node_class = TRUE if is_closed else place.node_class
    if is_closed and (path[-1] == "cookies" or (not isinstance(own["val"], str) and _reached(walk, place))):
        del own["val"]
        return True
    if not isinstance(own["val"], str):
        return False
    state = config.matcher.step(place.state, place.match | config.planner.text_types)
    text = Text(own["val"].encode("utf-8", "replace"))
    if walk.run(text, state.rules[node_class], place.verdict, EVERY, path) is not None:
        del own["val"]
        return True
    if text.changed:
        own["val"] = text.value.decode()
    return text.changed


def _reached(walk: Walk, place: _Place) -> bool:
    """Whether a rule could reach a value there, or anything in it."""
    planner, step = walk.config.planner, walk.config.matcher.step
    for types in (planner.object_types, planner.array_types, planner.number_types, planner.text_types):
        state = step(place.state, place.match | types)
        if state.rules[TRUE] or state.region[TRUE]:
            return True
    return False


def _member(node: object, key: str) -> object:
    if isinstance(node, dict):
        return node.get(key)
    if isinstance(node, list) and key.isdecimal() and int(key) < len(node):
        return node[int(key)]
    return None


def _child(walk: Walk, place: _Place, key: str, node: object) -> _Place | None:
    config = walk.config
    match, verdict = config.key_info(key)
    if isinstance(node, list) and key.isdecimal():
        match, verdict = config.matcher.index_match(int(key)), 0
    planner, plan = config.planner, place.plan
    if plan is None:
        return _untyped(walk, place, key, node, match, verdict)
    kind = plan.kind
    if kind == "any":
        return _Place(planner.matcher.step(plan.state, match), match, plan.node_class, verdict, None)
    if kind in {"map", "list", "values", "type"} or plan.fields or plan.dead:
        inner = plan.fields.get(key)
        if inner is None and kind == "list":
            inner = planner.element(plan, int(key)) if key.isdecimal() else None
        elif inner is None and kind == "map" and plan.element != "any":
            inner = planner.child(plan, key, plan.element, plan.node_class)
        elif inner is None and kind == "map":
            return _Place(config.matcher.step(plan.state, match), match, plan.node_class, verdict, None)
        if inner is None:
            if key in plan.dead or plan.unknown == FALSE:
                return None
            return _Place(config.matcher.step(plan.state, match), match, plan.unknown, verdict, None)
        return _Place(inner.state, match, inner.node_class, inner.key_verdict, inner)
    if kind == "contexts":
        kind_name = (
            node.get(key, {}).get("type") if isinstance(node, dict) and isinstance(node.get(key), dict) else None
        )
        shape = CONTEXTS.get(kind_name if isinstance(kind_name, str) and kind_name else key)
        if shape == "dead":
            return None
        inner = planner.child(plan, key, f"type:{shape}" if shape else "any", FALSE if shape else TRUE)
        return _Place(inner.state, match, inner.node_class, verdict, inner)
    if kind == "span_data":
        state = config.matcher.step(plan.state, match)
        return _Place(state, match, span_data_class(key, TRUE), verdict, None, by_key=True)
    if kind == "pairs":
        pair = _member(node, key)
        name = pair[0] if isinstance(pair, list) and pair and isinstance(pair[0], str) else None
        if name is not None:
            match, verdict = config.key_info(name)
        return _Place(plan.state, match, plan.node_class, verdict, None)
    return None


def _untyped(walk: Walk, place: _Place, key: str, node: object, match: int, verdict: int) -> _Place:
    node_class = span_data_class(key, place.node_class) if place.by_key else place.node_class
    types = 0
    planner = walk.config.planner
    child = _member(node, key)
    if isinstance(child, dict):
        types = planner.object_types
    elif isinstance(child, list):
        types = planner.array_types
    state = walk.config.matcher.step(place.state, match | types)
    return _Place(state, match, node_class if node_class != FALSE else MAYBE, verdict, None, place.by_key)
