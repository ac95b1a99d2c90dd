"""Properties of scrubbing under random rules, over random documents in random spellings (scrubbing-75, tests 1 and 4).

The definition of every result is the full walk; the screen must not show in it.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from scrubjay.settings.setting import Secret
from support import random_rules, scrubbing
from support.spellings import SPELLINGS, as_lists, rewritten_without_need, spell

mark_deep = pytest.mark.deep
BOUNDLESS = 1500
"""Examples of a run in the deep profile."""
KEY = Secret(f"k1:{bytes(range(32)).hex()}")
rounds = {
    "config": random_rules.any_config,
    "with_defaults": st.booleans(),
    "documents": st.lists(random_rules.documents, min_size=5, max_size=5),
    "how": st.sampled_from(sorted(SPELLINGS)),
    "seed": st.integers(0, 2**32),
}
"""One rule set, which takes long to compile, and some documents for it."""


def compiled(config: dict[str, Any], *, with_defaults: bool) -> Iterator[ScrubProgram]:
    """The rules in both profiles."""
    for profile in ("parity", "strict"):
        yield compile_program(
            pii_config=config,
            settings=scrubbing.SETTINGS if with_defaults else None,
            options=Scrub(profile=profile, pseudonym_key=KEY),
        )


def outcome(program: ScrubProgram, payload: bytes) -> Any:
    """The payload as it leaves, as a value."""
    try:
        scrubbed = scrub_document(program, payload, "event")
    except Unscrubbable:
        return "refused"
    return json.loads(payload if scrubbed is None else scrubbed)


def screen_does_not_show(
    config: dict[str, Any], with_defaults: bool, documents: list[dict[str, Any]], how: str, seed: int
) -> None:
    turn = random.Random(seed)
    for program in compiled(config, with_defaults=with_defaults):
        for document in documents:
            payload = spell(document, turn, SPELLINGS[how]).encode()
            screened = outcome(program, payload)
            with scrubbing.full_walk():
                assert as_lists(outcome(program, payload)) == as_lists(screened), (program, payload)


def untouched_keeps_its_bytes(
    config: dict[str, Any], with_defaults: bool, documents: list[dict[str, Any]], how: str, seed: int
) -> None:
    if SPELLINGS[how].shadows:  # an object in which a member stands twice is written anew, lest the first of them leave
        how = "white space"
    turn = random.Random(seed)
    for program in compiled(config, with_defaults=with_defaults):
        for document in documents:
            payload = spell(document, turn, SPELLINGS[how]).encode()
            scrubbed = scrub_document(program, payload, "event")
            if scrubbed is not None:
                assert rewritten_without_need(payload, scrubbed) == [], (program, payload)
                assert json.loads(scrubbed) != json.loads(payload), (program, payload)


# Rules that leave alone what they wrote. A hash is hashed again, and so is what a rule without content wrote. Stars in the place of a
# password or a user's name still read as one, which another rule of the same kind takes.
SETTLING = sorted(
    name
    for name in random_rules.BUILTIN_RULES
    if not name.endswith((":hash", ":pseudonym"))
    and name not in {"@urlauth:mask", "@userpath:mask"}
    and not name.startswith(("@anything", "@imei", "@pemkey", "@password", "@common"))
)


def nothing_is_left(config: dict[str, Any], documents: list[dict[str, Any]]) -> None:
    """For a second time, without the remarks of the first, which would protect what it wrote."""
    program = compile_program(pii_config=config, settings=None, options=Scrub(profile="strict"))
    for document in documents:
        once = outcome(program, json.dumps(document).encode())
        if once != "refused":
            once.pop("_meta", None)
            twice = outcome(program, json.dumps(once).encode())
            twice.pop("_meta", None)
            assert twice == once, (program, document)


settling = {"config": random_rules.configs(st.sampled_from(SETTLING)), "documents": rounds["documents"]}

test_scrubbing_75_4_the_screen_does_not_show = settings(max_examples=25, deadline=None)(
    given(**rounds)(screen_does_not_show)
)
test_what_is_untouched_keeps_its_bytes = settings(max_examples=25, deadline=None)(
    given(**rounds)(untouched_keeps_its_bytes)
)
test_nothing_is_left_for_a_second_time = settings(max_examples=25, deadline=None)(given(**settling)(nothing_is_left))
boundless = settings(max_examples=BOUNDLESS, deadline=None, suppress_health_check=list(HealthCheck))
test_scrubbing_75_4_the_screen_does_not_show_long = mark_deep(boundless(given(**rounds)(screen_does_not_show)))
test_what_is_untouched_keeps_its_bytes_long = mark_deep(boundless(given(**rounds)(untouched_keeps_its_bytes)))
test_nothing_is_left_for_a_second_time_long = mark_deep(boundless(given(**settling)(nothing_is_left)))


@pytest.mark.parametrize("how", sorted(SPELLINGS))
def test_respelling_means_the_same(how: str) -> None:
    turn = random.Random(how)
    for value in ({"a": [1, "é/\n", {"b": None}], "c": 2.5}, {"x": {"y": "😀"}}, [], "text"):
        assert json.loads(spell(value, turn, SPELLINGS[how])) == value
