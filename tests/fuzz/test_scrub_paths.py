"""Every field of the protocol, in every form it is sent in, under every kind of selector: the screen does not show (scrubbing-75, test 4).

Rules that need no content are told by bytes of keys alone, and a field may arrive below another key, or be made of another field. So
here each document holds one field, and most rules take whatever they find.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing
from support.protocol_shapes import SHAPES, Steps, documents
from support.spellings import SPELLINGS, as_lists, spell

TYPES = {
    "user": "$user", "request": "$http", "logentry": "$logentry", "exception": "$error", "frames": "$frame", "spans": "$span",
    "threads": "$thread", "breadcrumbs": "$breadcrumb", "sdk": "$sdk", "stacktrace": "$stack",
}  # fmt: skip
STEPS_TO_TYPE = {"$error": 3, "$thread": 3, "$breadcrumb": 3, "$frame": 2, "$span": 2}
GENERAL = (
    "**", "$string", "$number", "$object", "$array", "!zz", "$string && !k", "*.*", "0", "'0'", "**.k", "$array.*", "!(k || token)",
    "$http.**", "$frame.vars.*",
)  # fmt: skip
SHORT_SPELLINGS = sorted(set(SPELLINGS) - {"members twice", "everything"})
"""Members that stand twice are `test_scrub_screen.py`'s: they may be written anew."""
OWN_RULES: dict[str, Any] = {
    "word": {"type": "pattern", "pattern": "taken", "redaction": {"method": "mask"}},
    "digits": {"type": "pattern", "pattern": r"\d+", "redaction": {"method": "remove"}},
    "json": {"type": "pattern", "pattern": r'[{\[,:]"?\w+', "redaction": {"method": "mask"}},
    "key": {"type": "redact_pair", "keyPattern": "k", "redaction": {"method": "replace", "text": "[k]"}},
    "header": {"type": "redact_pair", "keyPattern": "X-K|K k|formatted|vars", "redaction": {"method": "remove"}},
}
WITHOUT_CONTENT = ("@anything", "@anything:remove", "@anything:mask")
OTHERS = (*OWN_RULES, "@password:filter", "@password", "@common", "@ip:hash", "@email", "@cookies:filter", "@userpath")
SETTINGS = (scrubbing.SETTINGS, {"scrubIpAddresses": True}, {"scrubData": True, "sensitiveFields": ["taken", "k k"]})


def selector(steps: Steps, turn: random.Random) -> str:
    """A selector that reaches what stands there, or nearly so."""
    items = [str(step) if isinstance(step, int) else f"'{step.replace(chr(39), chr(39) * 2)}'" for step in steps]
    if not items or "''" in items or any(item.startswith("' ") for item in items):
        return turn.choice(GENERAL)
    path = turn.choice((items, items, items[-1:], items[-2:], items[-3:]))
    typed = next((place for place, step in enumerate(steps) if step in TYPES), None)
    if typed is not None and turn.random() < 0.5:
        name = TYPES[str(steps[typed])]
        path = [name, *items[typed + STEPS_TO_TYPE.get(name, 1) :]]
    turned = turn.randrange(8)
    if turned == 0 and len(path) > 1:
        path = [*path[:-1], turn.choice(("*", "**"))]
    elif turned == 1 and len(path) > 2:
        path = [path[0], "**", path[-1]]
    elif turned == 2:
        path = ["**", items[-1]]
    elif turned == 3:
        path = [item.upper() if item[0] == "'" else item for item in path]
    elif turned == 4 and len(path) > 1:
        path = path[:-1]
    text = ".".join(path)
    frames = ("{}",) * 8 + (
        "{} && $string",
        "{} || zz",
        "!{}",
        "$string && !({})",
        "({} || k) && !zz",
        "{} && {}",
        "{} || {}",
    )
    return turn.choice(frames).format(text, turn.choice(GENERAL))


def outcome(program: ScrubProgram, payload: bytes, shape: str) -> Any:
    try:
        scrubbed = scrub_document(program, payload, shape)
    except Unscrubbable:
        return "refused"
    return json.loads(payload if scrubbed is None else scrubbed)


def noted(document: dict[str, Any], steps: Steps, turn: random.Random) -> dict[str, Any]:
    """With what a client noted of the field: remarks, or an original value."""
    meta: dict[str, Any] = {
        "": turn.choice(({"rem": [["q", "s", 0, 3]], "len": 9}, {"val": "taken"}, {"val": {"k": "a@b.co"}}))
    }
    for step in reversed(steps):
        meta = {str(step): meta}
    return {**document, "_meta": meta}


def screen_does_not_show(shape: str, seed: int, programs: int) -> None:
    turn = random.Random(f"{shape} {seed}")
    found: list[tuple[Steps, dict[str, Any]]] = []
    active = 0
    for number in range(programs):
        if number % 400 == 0:
            found = list(documents(shape, turn))
            by_field: dict[str, list[tuple[Steps, dict[str, Any]]]] = {}
            for steps, document in found:
                by_field.setdefault(str(next(iter(document), "")), []).append((steps, document))
        group = by_field[turn.choice(sorted(by_field))]
        steps, document = turn.choice(group)
        rule = turn.choice(WITHOUT_CONTENT if turn.random() < 0.65 else OTHERS)
        config = {
            "rules": {name: OWN_RULES[name] for name in {rule} & OWN_RULES.keys()},
            "applications": {selector(steps, turn): [rule]},
        }
        program = compile_program(
            pii_config=config,
            settings=turn.choice(SETTINGS) if turn.random() < 0.1 else None,
            options=Scrub(profile=turn.choice(("parity", "strict"))),
        )
        like = [each for each in group if each[0][-1:] == steps[-1:]]
        for near, each in (
            (steps, document),
            *turn.sample(like, min(6, len(like))),
            *turn.sample(group, min(4, len(group))),
        ):
            sent = noted(each, near, turn) if turn.random() < 0.05 else each
            payload = spell(sent, turn, SPELLINGS[turn.choice(("plain", turn.choice(SHORT_SPELLINGS)))]).encode()
            screened = outcome(program, payload, shape)
            with scrubbing.full_walk():
                full = outcome(program, payload, shape)
            assert as_lists(screened) == as_lists(full), (config, program, payload)
            active += full != json.loads(payload)
    assert active > programs // 5


@pytest.mark.parametrize("shape", SHAPES)
def test_scrubbing_75_4_every_field_in_every_form(shape: str) -> None:
    screen_does_not_show(shape, 1, 200 if shape == "event" else 50)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shape", SHAPES)
def test_scrubbing_75_4_every_field_in_every_form_long(shape: str) -> None:
    screen_does_not_show(shape, random.SystemRandom().randrange(2**31), 20_000 if shape == "event" else 4_000)
