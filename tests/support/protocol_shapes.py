"""Documents that hold one field each, in every form that clients send it in (scrubbing.md 5.3 to 5.6), made of the schema itself.

A document with one field is opened for that field or for nothing: rules that need no content are told by bytes of keys alone, and in
larger documents others' keys would open it.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, TypeAlias

from scrubjay.core.scrub.normalise import ALIASES
from scrubjay.core.scrub.schema import OBJECT_TYPES
from scrubjay.core.scrub.schema_fields import CONTEXTS, DEBUG_IMAGES

Steps: TypeAlias = list[str | int]
Form: TypeAlias = tuple[Steps, Any]
"""Where the value ends up in the protocol's own shape, below the field, and the field as it is sent."""

VALUES: tuple[Any, ...] = (
    "taken", "taken", "taken", "", "true", "a@b.co", "10.1.2.3", "my password is x", "order 17", "%74aken", "a+b=c d",
    '{"pin":"1","a":"taken"}', '["taken",{"k":"a@b.co"}]', "su=1; b=2", "/home/ines/x", "\u0661\u0662 \u212ain", "tak\0en",
    17, 1.7e19, 4242424242424242, True, None, ["taken"], ["a@b.co", 5], [["token", "x"], ["k", {"z": "taken"}]], [["k", 5]],
    {"k": "taken"}, {"k": {"z": 5}}, {"0": "taken"}, {"": "taken"}, [], {}, {"values": ["taken"]}, [["k", "taken"], ["loose"]],
)  # fmt: skip
NAMES = (
    "k", "K", "k k", " k ", "x-k", "%6b", "é", "token", "0", "", 'a"b', "a\\b", "a/b", "k.k", "Cookie", "su", "a'b", "\u212a", "a\tb",
    "😀", "a<b",
)  # fmt: skip
ATTRIBUTES = ("gen_ai.prompt", "client.address", "release", "thread.name", "http.request.header.cookie", "url.full")
QUERIES = (
    "k=taken",
    "?k=taken",
    "%6b=taken",
    "k=%74aken",
    "a=b; k=taken",
    "k",
    "=taken",
    "su=1",
    "k=taken;loose",
    "k=[%22taken%22]",
)
_OF_CONTAINERS = {"log_container": "log", "span_container": "span_v2", "trace_metric_container": "trace_metric"}
_OF_DOCUMENTS = {
    "event": "event",
    "replay_event": "replay",
    "span": "span",
    "trace_attachment": "trace_attachment_meta",
}
SHAPES = (*_OF_DOCUMENTS, *_OF_CONTAINERS, "generic")


def documents(shape: str, turn: Random) -> Iterator[tuple[Steps, dict[str, Any]]]:
    """Each field of a kind of payload, in each form, with values and names that change from turn to turn."""
    if shape in _OF_CONTAINERS:
        for steps, record in forms(f"type:{_OF_CONTAINERS[shape]}", turn):
            yield steps, {"items": turn.choice(([record], [{"body": "z"}, record], [record, {}]))}
    elif shape in _OF_DOCUMENTS:
        for steps, document in forms(f"type:{_OF_DOCUMENTS[shape]}", turn):
            if isinstance(document, dict):
                yield steps, document
                yield from _under_old_names(steps, document)
    else:
        yield from (form for form in forms("any", turn) if isinstance(form[1], dict))


def _under_old_names(steps: Steps, document: dict[str, Any]) -> Iterator[tuple[Steps, dict[str, Any]]]:
    for old, new in ALIASES.items():
        if new in document:
            yield steps, {old: document[new]}


def forms(shape: str, turn: Random) -> Iterator[Form]:
    """What may stand where the schema has this shape."""
    kind, _, rest = shape.partition(":")
    if kind in {"any", "map"}:
        yield from _untyped(turn)
    elif kind == "pairs":
        yield from _pairs(turn)
    elif kind == "attributes":
        yield from _attributes(turn)
    elif kind == "list":
        yield from (([0, *steps], [value]) for steps, value in forms(rest, turn))
    elif kind == "values":
        for steps, value in forms(rest, turn):
            yield ["values", 0, *steps], turn.choice(({"values": [value]}, [value], value))
    elif kind == "contexts":
        yield from _contexts(turn)
    elif kind == "debug_image":
        for image, name in DEBUG_IMAGES.items():
            for steps, value in forms(f"type:{name}", turn):
                if isinstance(value, dict):
                    yield steps, {"type": image, **value}
    elif kind == "type":
        yield from _object(rest, turn)
        yield [], turn.choice(VALUES)
    else:
        yield [], "taken"
        yield [], "/taken/x.py"
        yield [], turn.choice(VALUES)


def _object(name: str, turn: Random) -> Iterator[Form]:
    if name == "span_data":
        for key in (*ATTRIBUTES, turn.choice(NAMES)):
            yield from (([key, *steps], {key: value}) for steps, value in _untyped(turn) if turn.random() < 0.5)
        return
    for field, (_, shape) in OBJECT_TYPES[name].fields.items():
        yield from (([field, *steps], {field: value}) for steps, value in forms(shape, turn))
    unknown = turn.choice(NAMES)
    yield from (([unknown, *steps], {unknown: value}) for steps, value in _untyped(turn))


def _untyped(turn: Random) -> Iterator[Form]:
    key, inner, value = turn.choice(NAMES), turn.choice(NAMES), turn.choice(VALUES)
    yield [], value
    yield [key], {key: value}
    yield [key, inner], {key: {inner: value}}
    yield [key, 0], {key: [value]}
    yield [1], ["z", value]
    yield [key], [[key, value], ["a", "b"]]
    yield [key, inner], {key: [[inner, value]]}


def _pairs(turn: Random) -> Iterator[Form]:
    key, value = turn.choice(NAMES), turn.choice(VALUES)
    yield [key], {key: value}
    yield [key], [["a", "b"], [key, value]]
    yield [key], {key: [value, "taken"]}
    yield [key], [[key, value], ["loose"]]
    yield [0], [[None, value]]
    yield ["k"], turn.choice(QUERIES)
    yield ["k"], turn.choice(QUERIES)
    yield [], value


def _attributes(turn: Random) -> Iterator[Form]:
    for name in (*ATTRIBUTES, turn.choice(NAMES)):
        value = turn.choice(VALUES)
        yield [name, "value"], {name: {"type": "string", "value": value}}
        yield [name, "k"], {name: {"value": "z", "type": "string", "k": value}}
        yield [name, "type"], {name: {"value": "z", "type": value}}
        yield [name], {name: value}


def _contexts(turn: Random) -> Iterator[Form]:
    for kind in (*CONTEXTS, "monitor", "mine"):
        name = CONTEXTS.get(kind, "dead")
        for steps, value in _untyped(turn) if name == "dead" else forms(f"type:{name}", turn):
            key = turn.choice((kind, *NAMES)) if isinstance(value, dict) else kind
            yield [key, *steps], {key: {"type": kind, **value} if key != kind else value}
