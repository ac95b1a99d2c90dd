"""Screening (scrubbing-75, tests 1 to 3): what the screen calls clean the walk leaves alone, whatever the spelling; planted values are
never clean; ordinary traffic mostly is. That the screen does not show in any result (test 4) is `test_scrub_rules.py`'s.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrubjay.core.scrub import screen
from scrubjay.core.scrub.detectors import DETECTORS
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import random_rules, scrubbing
from support.spellings import SPELLINGS, as_lists, spell

CONFIGS: tuple[dict[str, Any], ...] = (
    {"applications": {"$string": ["@common"], "**": ["@password:mask"]}},
    {"applications": {"*.email": ["@anything"], "tags.a || user.data.*": ["@anything:remove"], "$frame.vars.**": ["@ip:hash"]}},
    {
        "applications": {"$string && !a": ["word", "@userpath"], "extra.**.b": ["@anything:mask"]},
        "rules": {"word": {"type": "pattern", "pattern": "accepted"}},
    },
    {"applications": {"$string": ["@uuid", "@mac", "@imei", "@cookies:filter", "@urlauth"]}},
    {"applications": {"!nothing": ["@gdpr", "@secrets", "@pci", "@hipaa"]}},
)  # fmt: skip
OVER_REPORTS = 0.15
"""Share of what is clean that may be searched all the same (scrubbing.md 16)."""


def programs() -> Iterator[ScrubProgram]:
    for profile in ("parity", "strict"):
        yield scrubbing.default_program(profile)
        for config in CONFIGS:
            yield scrubbing.config_program(config, profile)


def outcome(program: ScrubProgram, payload: bytes, shape: str = "event") -> Any:
    """What scrubbing makes of the payload, as a value: spelling aside."""
    try:
        scrubbed = scrub_document(program, payload, shape)
    except Unscrubbable:
        return "refused"
    return json.loads(payload if scrubbed is None else scrubbed)


@settings(max_examples=40, deadline=None)
@given(
    document=random_rules.documents | random_rules.noted_documents,
    how=st.sampled_from(sorted(SPELLINGS)),
    seed=st.integers(0, 10**6),
)
def test_screened_walk_equals_full_walk(document: dict[str, Any], how: str, seed: int) -> None:
    turn = random.Random(seed)
    for program in programs():
        payload = spell(document, turn, SPELLINGS[how]).encode()
        screened = outcome(program, payload)
        with scrubbing.full_walk():
            assert as_lists(outcome(program, payload)) == as_lists(screened), payload


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize("how", sorted(SPELLINGS))
def test_scrubbing_75_1_corpus_screened_equals_full(profile: str, how: str) -> None:
    """Test 1, and 4: every kind of document, in each spelling; a share of them here, all of them in the deep profile."""
    compare_corpus(profile, how, step=7)


@pytest.mark.deep
@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize("how", sorted(SPELLINGS))
def test_scrubbing_75_1_corpus_screened_equals_full_all(profile: str, how: str) -> None:
    compare_corpus(profile, how, step=1)


def compare_corpus(profile: str, how: str, step: int) -> None:
    program = scrubbing.default_program(profile)
    turn = random.Random(how)
    documents = scrubbing.corpus_documents()
    for found in documents[turn.randrange(step) :: step]:
        payload = spell(json.loads(found.payload), turn, SPELLINGS[how]).encode()
        screened = outcome(program, payload, found.shape)
        with scrubbing.full_walk():
            full = outcome(program, payload, found.shape)
        assert as_lists(screened) == as_lists(full), found.file


GOLDEN = [
    (described["rule"], vector["in"])
    for described in scrubbing.vectors()["detectors"].values()
    for vector in described["positive"]
]
OWN = [
    (f"@{detector.family}", example)
    for detector in DETECTORS.values()
    for example in detector.examples
    if detector.family
]
CLEAN = {
    "extra": {"note": "fine", "list": ["fine", {"deep": "fine"}]},
    "server_name": "web",
    "contexts": {"x": {"y": "fine"}},
}
LEAVES = (("extra", "note"), ("extra", "list", 1, "deep"), ("server_name",), ("contexts", "x", "y"))


@pytest.mark.parametrize(
    ("rule", "value"), GOLDEN + OWN, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(GOLDEN + OWN)]
)
def test_scrubbing_75_2_planted_vectors_are_never_clean(rule: str, value: str) -> None:
    """Test 2: the positive vectors of each detector at a random leaf, alone and within a sentence, in each spelling."""
    program = scrubbing.config_program({"applications": {"$string": [rule]}}, "strict")
    turn = random.Random(value)
    for how in SPELLINGS.values():
        event = json.loads(json.dumps(CLEAN))
        leaf = turn.choice(LEAVES)
        parent = event
        for step in leaf[:-1]:
            parent = parent[step]
        parent[leaf[-1]] = value
        payload = spell(event, turn, how).encode()
        scrubbed = scrub_document(program, payload, "event")
        assert scrubbed is not None, payload
        assert json.loads(scrubbed) != event


@pytest.mark.parametrize(
    ("rule", "value"), GOLDEN + OWN, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(GOLDEN + OWN)]
)
def test_coded_vectors_are_taken_screened_or_not(rule: str, value: str) -> None:
    """The same in queries, cookies, bodies and URLs, whose texts come about by decoding."""
    program = scrubbing.config_program({"applications": {"$string": [rule]}}, "strict")
    for coded in (quote_plus(value), quote(value), value.replace(" ", "+")):
        for request in (
            {"query_string": f"q={coded}"},
            {"cookies": f"q={coded}"},
            {"url": f"https://h/?q={coded}"},
            {"data": f"q={coded}"},
        ):
            payload = json.dumps({"request": request}).encode()
            screened = outcome(program, payload)
            with scrubbing.full_walk():
                assert outcome(program, payload) == screened, payload


BESIDE = [
    (f"@{detector.family}", key, text)
    for detector in DETECTORS.values()
    if detector.beside is not None
    for key, text in detector.beside.examples
]


@pytest.mark.parametrize(
    ("rule", "key", "text"), BESIDE, ids=[f"{rule}-{number}" for number, (rule, _, _) in enumerate(BESIDE)]
)
def test_planted_below_telling_keys_is_never_clean(rule: str, key: str, text: str) -> None:
    program = scrubbing.config_program({"applications": {"$string": [rule]}}, "strict")
    for name, how in SPELLINGS.items():
        payload = spell({**CLEAN, "extra": {key: text}}, random.Random(name), how).encode()
        assert scrub_document(program, payload, "event") is not None, payload


@pytest.mark.parametrize("profile", ["parity", "strict"])
def test_scrubbing_75_3_clean_traffic_is_seldom_flagged(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Test 3: of what the full walk leaves alone on five platforms, how much the rules have to look at all the same.

    A match somewhere in a document opens what holds it and no more, so a document counts as flagged if any of its texts is searched.
    """
    program = scrubbing.default_program(profile)
    flagged: dict[str, Counter[str]] = {}
    for found in scrubbing.corpus_documents():
        with scrubbing.full_walk():
            full = outcome(program, found.payload, found.shape)
        if full == json.loads(found.payload):
            looks = scrubbing.looks(program, found.payload, found.shape)
            for name in (found.platform, "all"):
                counts = flagged.setdefault(name, Counter())
                counts["documents"] += 1
                counts["flagged"] += bool(looks.texts)
                counts["texts"] += len(scrubbing.leaves(full))
                counts["searched"] += len(looks.texts)
    with capsys.disabled():
        for name, counts in sorted(flagged.items()):
            print(
                f"\nscreen, {profile}, {name}: {', '.join(f'{count} {what}' for what, count in counts.items())}", end=""
            )
    assert len(flagged) == 5 + 1
    assert flagged["all"]["flagged"] <= OVER_REPORTS * flagged["all"]["documents"]


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
    # Settings that no other program has: equal ones share what was compiled for them.
    settings = {**scrubbing.SETTINGS, "sensitiveFields": ["no automaton"]}
    program = compile_program(pii_config=None, settings=settings, options=Scrub(profile="strict"))
    assert program.passes[0].screen.borrow()(b"x") == screen.EVERY
    scrubbed = scrub_document(program, b'{"extra":{"password":"x"},"user":{"id":"4"}}', "event")
    assert scrubbed is not None
    assert json.loads(scrubbed)["extra"]["password"] == "[Filtered]"
    assert scrub_document(program, b'{"extra":{"note":"x"}}', "event") is None
