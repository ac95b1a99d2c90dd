"""Screening (scrubbing-75): what the screen calls clean the walk leaves alone, whatever the spelling; planted values are never clean."""

from __future__ import annotations

import dataclasses
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrubjay.core.scrub import documents, screen
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing

WORDS = (
    "order accepted", "x", "", "true", "::", "api-key", "token", "4242 4242", "42\u00a042", "k\u212a", "pa\u017fs", "\u0661\u0662",
    "/home/x", "@", "a@b.co", "ſecret", "10.1.2.3", "%41", "a+b", "\u0000", "é", "😀", "bearer x", "otp", "su=1; b=2", "?a=1&b=2",
)  # fmt: skip
KEYS = (
    "extra", "message", "user", "ip_address", "email", "password", "otp", "a", "b", "values", "data", "vars", "request", "cookies",
    "headers", "query_string", "url", "tags", "contexts", "type", "exception", "breadcrumbs", "frames", "stacktrace", "value",
    "category", "sdk", "client_ip", "env", "REMOTE_ADDR", "spans", "description", "logentry", "formatted", "params", "threads",
)  # fmt: skip

scalars = st.one_of(
    st.sampled_from(WORDS), st.none(), st.booleans(), st.integers(0, 10**17), st.floats(0, 1e20, allow_nan=False),
    st.text(max_size=12, alphabet=st.characters(exclude_categories=("Cs",))),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
        st.lists(st.tuples(st.sampled_from(KEYS), inner).map(list), max_size=3),
    ),
    max_leaves=24,
)
events = st.dictionaries(st.sampled_from(KEYS), values, max_size=8)
CONFIGS: tuple[dict[str, Any], ...] = (
    {"applications": {"$string": ["@common"], "**": ["@password:mask"]}},
    {
        "applications": {
            "*.email": ["@anything"],
            "tags.a || user.data.*": ["@anything:remove"],
            "$frame.vars.**": ["@ip:hash"],
        }
    },
    {
        "applications": {"$string && !a": ["word", "@userpath"], "extra.**.b": ["@anything:mask"]},
        "rules": {"word": {"type": "pattern", "pattern": "accepted"}},
    },
    {"applications": {"$string": ["@uuid", "@mac", "@imei", "@cookies:filter", "@urlauth"]}},
)


def programs() -> list[ScrubProgram]:
    return [
        scrubbing.default_program("parity"),
        scrubbing.default_program("strict"),
        *(scrubbing.config_program(config, profile) for config in CONFIGS for profile in ("parity", "strict")),
    ]


def outcome(program: ScrubProgram, payload: bytes, shape: str = "event") -> Any:
    """What scrubbing makes of the payload, as a value: spelling aside."""
    try:
        scrubbed = scrub_document(program, payload, shape)
    except Unscrubbable:
        return "refused"
    return json.loads(payload if scrubbed is None else scrubbed)


def full_outcome(program: ScrubProgram, payload: bytes, monkeypatch: pytest.MonkeyPatch, shape: str = "event") -> Any:
    """The same under the screen that always says yes."""
    with monkeypatch.context() as patch:
        patch.setattr(screen.Screen, "borrow", lambda _self: screen.Scan(None, []))
        patch.setattr(screen.Screen, "give_back", lambda _self, _scan: None)
        return outcome(program, payload, shape)


SPELLINGS = (
    {},
    {"escapes": 0.01},
    {"escapes": 1.0},
    {"slashes": True},
    {"gaps": True},
    {"escapes": 0.2, "slashes": True, "gaps": True},
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=events, seed=st.integers(0, 10**6))
def test_screened_walk_equals_full_walk(event: dict[str, Any], seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = random.Random(seed)
    for program in programs():
        payload = scrubbing.spell(event, turn, **turn.choice(SPELLINGS)).encode()
        assert outcome(program, payload) == full_outcome(program, payload, monkeypatch), payload


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize("spelling", range(len(SPELLINGS)))
def test_corpus_screened_equals_full(profile: str, spelling: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = scrubbing.default_program(profile)
    turn = random.Random(spelling)
    for name, event in scrubbing.corpus_events()[spelling :: len(SPELLINGS)]:
        payload = scrubbing.spell(json.loads(event), turn, **SPELLINGS[spelling]).encode()
        assert outcome(program, payload) == full_outcome(program, payload, monkeypatch), name


PLANTED = [
    (family, vector["in"])
    for family, described in scrubbing.vectors()["detectors"].items()
    for vector in described["positive"]
]


@pytest.mark.parametrize(("family", "value"), PLANTED, ids=[f"{family}-{n}" for n, (family, _) in enumerate(PLANTED)])
def test_planted_vectors_are_never_clean(family: str, value: str) -> None:
    rule = scrubbing.vectors()["detectors"][family]["rule"]
    program = scrubbing.config_program({"applications": {"$string": [rule]}})
    turn = random.Random(value)
    clean = {"extra": {"note": "fine", "list": ["fine", {"deep": "fine"}]}, "server_name": "web"}
    for spelling in SPELLINGS:
        event = json.loads(json.dumps(clean))
        event["extra"]["list"][1]["deep"] = value
        payload = scrubbing.spell(event, turn, **spelling).encode()
        scrubbed = scrub_document(program, payload, "event")
        assert scrubbed is not None, payload
        assert json.loads(scrubbed)["extra"]["list"][1]["deep"] != value


def test_clean_payloads_travel_as_they_came() -> None:
    program = scrubbing.default_program("strict")
    assert scrub_document(program, b' {"extra" : {"a": "plain"} }\n', "event") is None


def test_shadowed_values_do_not_leave() -> None:
    """A key that stands twice: the value that decoding drops must not travel (scrubbing.md 16)."""
    program = scrubbing.default_program("parity")
    frames = b'[{"vars":{"password":"hunter2"},"vars":{}}]'
    cases = (
        b'{"extra":{"password":"hunter2"},"extra":{}}',
        b'{"extra":{"a":{"b":"hunter2 password"},"a":1}}',
        b'{"extra":{"a": {"b": "hunter2 password"}, "a": 1}}',
        b'{"exception":{"values":[{"stacktrace":{"frames":' + frames + b"}}]}}",
        b'{"exception":[{"stacktrace":{"frames":' + frames + b"}}]}",
        b'{"threads":{"values":[],"values":[{"stacktrace":{"frames":' + frames + b'}}],"values":[]}}',
        b'{"breadcrumbs":[{"message":"hunter2 password","message":""}]}',
    )
    for payload in cases:
        scrubbed = scrub_document(program, payload, "event")
        assert scrubbed is not None, payload
        assert b"hunter2" not in scrubbed, payload


def test_programs_without_hyperscan_take_the_full_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "hyperscan", None)
    program = documents_program()
    assert all(dataclasses.replace(program).passes[0].screen.borrow()(b"x") == screen.EVERY for _ in range(2))
    scrubbed = scrub_document(program, b'{"extra":{"password":"x"},"user":{"id":"4"}}', "event")
    assert scrubbed is not None
    assert json.loads(scrubbed)["extra"]["password"] == "[Filtered]"
    assert scrub_document(program, b'{"extra":{"note":"x"}}', "event") is None


def documents_program() -> ScrubProgram:
    assert documents.scrub_document is scrub_document
    return scrubbing.compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=Scrub(profile="strict"))
