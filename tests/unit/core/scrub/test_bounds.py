"""What redacting a document may cost (scrubbing.md 15.7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scrubjay.core.scrub.bounds import Allowance, read_bounds
from scrubjay.core.scrub.program import compile_program
from scrubjay.core.scrub.redact import MAX_MATCHES
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing

STRICT = scrubbing.default_program("strict")


@pytest.mark.parametrize("piece", ["::", "a@b.co ", "192.0.2.1 "])
def test_a_text_made_of_nothing_but_matches_is_refused(piece: str) -> None:
    """Half a million matches took seconds, and their remarks ten times the size of the text (scrubbing.md 15.7)."""
    with pytest.raises(Unscrubbable, match="more matches"):
        scrubbing.scrub(STRICT, {"extra": {"x": piece * 2 * (MAX_MATCHES + 1)}})


def test_redactions_count_as_nodes() -> None:
    """Many texts of many matches are as slow as one."""
    with pytest.raises(Unscrubbable, match="nodes"):
        scrubbing.scrub(STRICT, {"extra": {"x": ["a@b.co " * 10_000] * 11}})


class Clock:
    """Each look at it takes a second."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return float(self.looks)


MANY_MAILS = {"extra": {"x": ["a@b.co"] * 2_000}}


def test_time_is_bounded_where_there_is_a_clock() -> None:
    clock = Clock()
    options = Scrub(max_event_ms=2_500)
    program = compile_program(
        pii_config={"applications": {"$string": ["@email"]}}, settings=None, options=options, clock=clock
    )
    scrubbing.scrub(program, {"extra": {"x": ["a@b.co"] * 100}})
    assert clock.looks == 0  # of a small document nobody asks
    with pytest.raises(Unscrubbable, match="longer than"):
        scrubbing.scrub(program, MANY_MAILS)
    timeless = compile_program(pii_config={"applications": {"$string": ["@email"]}}, settings=None, options=options)
    scrubbing.scrub(timeless, MANY_MAILS)


def test_long_texts_cost_as_many_nodes_as_they_have_stretches() -> None:
    program = scrubbing.config_program({"applications": {"$string": ["@email"]}})
    small = replace(
        program, passes=tuple(replace(one, bounds=read_bounds(Scrub(max_nodes=100))) for one in program.passes)
    )
    text = "a@b.co " + "x" * 1_000
    scrubbing.scrub(small, {"extra": {"x": [text] * 10}})
    with pytest.raises(Unscrubbable, match="nodes"):
        scrubbing.scrub(small, {"extra": {"x": [text] * 30}})


def test_bounds_are_settings() -> None:
    deep = {"extra": {"a": {"b": {"c": {"d": {"e": {"f": "a@b.co"}}}}}}}
    text = {"extra": {"x": "a@b.co" + "x" * 2_000}}
    config = {"applications": {"$string": ["@email"]}}
    for options, document in ((Scrub(max_depth=6), deep), (Scrub(max_text_bytes=1_024), text)):
        with pytest.raises(Unscrubbable):
            scrubbing.scrub(compile_program(pii_config=config, settings=None, options=options), document)
        scrubbing.scrub(compile_program(pii_config=config, settings=None), document)


def test_an_allowance_is_given_in_slices() -> None:
    clock = Clock()
    allowance = Allowance(read_bounds(Scrub(max_nodes=300, max_event_ms=2_000), clock), documents=2)
    assert [allowance.more() for _ in range(3)] == [256, 256, 88]
    with pytest.raises(Unscrubbable, match="nodes"):
        allowance.more()
    assert clock.looks == 4
    allowance.check_time()
    with pytest.raises(Unscrubbable, match="longer"):
        allowance.check_time()
