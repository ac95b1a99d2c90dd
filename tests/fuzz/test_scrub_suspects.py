"""Explanations look only where the screen saw something, and say what one says who looks at every node (scrubbing.md 15.2, 16)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrubjay.core.scrub.documents import CONTAINERS, scrub_document
from scrubjay.core.scrub.explain import Change, changes, explained, nodes_of
from scrubjay.core.scrub.json_text import decode_any, mended
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.core.scrub.remarks import NodePath, Notes
from scrubjay.core.scrub.suspects import Remarks, Suspect, suspects
from scrubjay.core.scrub.trace import Trace
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing
from support.labels import KINDS, Source
from support.look_alikes import clean_events
from support.planting import FORMS
from support.spellings import SPELLINGS, spell

SHAPES = ("event", "replay_event", "span", "log_container", "span_container", "trace_metric_container", "generic")
RULES: dict[str, Any] = {
    "rules": {"dry": {"type": "email", "dry_run": True}, "r": {"type": "pattern", "pattern": "[a-z]{4}@[a-z.]+"}},
    "applications": {"extra.**": ["dry"], "*.message || $log.body": ["r"], "$object && x": ["@anything:remove"]},
}
PROGRAMS = (
    compile_program(pii_config=None, settings=None, options=Scrub(profile="parity")),
    compile_program(pii_config=RULES, settings=None, options=Scrub(profile="strict")),
    *(scrubbing.default_program(profile) for profile in ("parity", "strict")),
)
Said = tuple[list[Change], list[Suspect]]


def briefly(program: ScrubProgram, payload: bytes, shape: str) -> Said:
    trace = Trace()
    found = explained(program, payload, scrub_document(program, payload, shape, trace), trace, shape)
    return list(found.changes), list(found.suspects)


def at_length(program: ScrubProgram, payload: bytes, shape: str) -> Said:
    """The same in its plain form: every node of both sides is surveyed, and every detector asked about each of what leaves."""
    trace = Trace()
    output = scrub_document(program, payload, shape, trace)
    came = decode_any(mended(payload))
    leaves = came if output is None else decode_any(mended(output))
    nodes = list(nodes_of(leaves, shape, strict=program.strict))
    by_path = {node.path: node for node in nodes}
    by_path.update((node.path, node) for node in nodes_of(came, shape, strict=program.strict))
    trusts = not any("incoming_remarks" in one.closed for one in program.passes)

    def remarks(document: Any, path: NodePath) -> list[Any]:
        if shape in CONTAINERS:
            document, path = document["items"][int(path[1])], path[2:]
        meta = document.get("_meta") if isinstance(document, dict) else None
        return Notes(meta).text(path, b"").remarks

    def remarks_of(path: NodePath) -> Remarks:
        return Remarks(remarks(came, path) if trusts else [], remarks(leaves, path))

    return list(changes(trace.touches, by_path)), list(suspects(program, nodes, remarks_of))


def planted(node: Any, source: Source, share: float) -> Any:
    """The document with personal values in some of its texts and keys, as numbers too."""
    if isinstance(node, dict):
        return {
            (value(source) if source.turn.random() < share / 4 else key): planted(each, source, share)
            for key, each in node.items()
        }
    if isinstance(node, list):
        return [planted(each, source, share) for each in node]
    if source.turn.random() < share and (isinstance(node, str) or source.turn.random() < 0.2):
        return source.turn.choice((value(source), value(source), 4242424242424242, 42424242.42424242e8))
    return node


def value(source: Source) -> str:
    label = source.label(source.turn.choice(list(KINDS)))
    return FORMS[source.turn.choice(list(FORMS))](label.text)


def wholes(document: Any, shape: str) -> Any:
    return {"items": [document, {"body": "b"}, document]} if shape in CONTAINERS else document


@pytest.mark.parametrize("which", range(len(PROGRAMS)))
def test_of_real_events(which: int) -> None:
    for name, event in scrubbing.corpus_events()[which::4]:
        assert briefly(PROGRAMS[which], event, "event") == at_length(PROGRAMS[which], event, "event"), name


@pytest.mark.parametrize("which", range(len(PROGRAMS)))
def test_of_real_events_with_personal_values_in_every_spelling(which: int) -> None:
    source = Source(which)
    found = 0
    for at, (name, event) in enumerate(scrubbing.corpus_events()[which::12]):
        document = planted(json.loads(event), source, 0.05)
        how = list(SPELLINGS.values())[at % len(SPELLINGS)]
        payload = spell(document, source.turn, how).encode("utf-8", "surrogatepass")
        said = briefly(PROGRAMS[which], payload, "event")
        assert said == at_length(PROGRAMS[which], payload, "event"), name
        found += len(said[1])
    assert found > 10


def test_of_look_alikes() -> None:
    for leaves in clean_events(20, seed=7):
        document = {"extra": {f"{key}-{at}": text for at, (key, text) in enumerate(leaves)}, "pairs": leaves}
        payload = json.dumps(document).encode()
        for shape in ("event", "generic"):
            assert briefly(PROGRAMS[0], payload, shape) == at_length(PROGRAMS[0], payload, shape)


MAIL, CARD, SECRET, ADDRESS = "ana@lab.example", "4242 4242 4242 4242", "q7Zt0pWm4kXv9sLb2nRc8yHd", "192.0.2.17"
TEXTS = (
    MAIL, CARD, SECRET, ADDRESS, "ana%40lab.example", "ana\0@lab.example", "ａna@lab.example", "٤242424242424242", f'{{"mail":"{MAIL}"}}',
    '{"mail":"ana\\u0040lab.example"}', f"a={SECRET}&token={SECRET}", f"token={SECRET}", "::1", "2001:db8::17", "f000::a:b:", "\ud800 x", f"\udc00{MAIL}",
    "plain", "", "de_modules/@sentry/node", "140374121397120",
)  # fmt: skip
KEYS = (
    "message", "extra", "tags", "request", "headers", "data", "attributes", "value", "type", "contexts", "body", "items", "values", "exception",
    "logentry", "_meta", "x", "client_secret", "api-key", "Token", "0", MAIL, ADDRESS, "a\u2028b", "\ud83d",
)  # fmt: skip
NUMBERS = ("4242424242424242", "-4242424242424242", "4.242424242424242e15", "42424242.42424242E8", "4242424242424242e-1", "42424242.42424242e-8",
           "0.4242424242424242", "4242424242424242.0", "4242424242424241.99999", "123456789012345678901234567890", "5", "0.5", "1E5")  # fmt: skip


class Number(float):
    """A number in the spelling that it was given."""

    spelled: str


def number(text: str) -> Number:
    made = Number(text)
    made.spelled = text
    return made


nodes = st.recursive(
    st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS).map(number), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        st.lists(inner, max_size=3),
        st.lists(st.tuples(st.sampled_from(TEXTS + KEYS), inner).map(list), min_size=1, max_size=3),
    ),
    max_leaves=20,
)
documents = st.dictionaries(st.sampled_from(KEYS), nodes, max_size=6)


def written(value: Any, turn: Random, share: float) -> Iterator[str]:
    """JSON with gaps, escapes where none is needed, and members that stand twice."""
    if isinstance(value, str):
        how = SPELLINGS["everything" if turn.random() < share else "plain"]
        yield spell(value, turn, how)
    elif isinstance(value, Number):
        yield value.spelled
    elif isinstance(value, dict):
        members = [*value.items()]
        if members and turn.random() < share / 4:
            members.insert(0, (members[-1][0], MAIL))
        yield (
            "{"
            + ",".join(
                "".join((*written(name, turn, share), ":", *written(each, turn, share))) for name, each in members
            )
            + "}"
        )
    elif isinstance(value, list):
        gap = " \n" if turn.random() < share else ""
        yield "[" + f"{gap},{gap}".join("".join(written(each, turn, share)) for each in value) + gap + "]"
    else:
        yield json.dumps(value)


@settings(max_examples=200, deadline=None)
@given(
    document=documents,
    shape=st.sampled_from(SHAPES),
    which=st.integers(0, len(PROGRAMS) - 1),
    seed=st.integers(0, 2**20),
    share=st.sampled_from((0.0, 0.3)),
    screened=st.booleans(),
)
def test_of_random_documents(
    document: dict[str, Any], shape: str, which: int, seed: int, share: float, screened: bool
) -> None:
    payload = "".join(written(wholes(document, shape), Random(seed), share)).encode("utf-8", "surrogatepass")
    program = PROGRAMS[which]
    try:
        said = briefly(program, payload, shape)
    except Unscrubbable:
        return
    assert said == at_length(program, payload, shape)
    if not screened:
        with scrubbing.full_walk():
            assert said == at_length(program, payload, shape)
