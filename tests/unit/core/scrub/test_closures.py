"""Which gaps are closed, and what that adds to the reach of the default rules (scrubbing.md 14: G4, G5, G14)."""

from __future__ import annotations

from scrubjay.core.scrub.closures import closed_gaps
from scrubjay.settings.gaps import CLOSURES
from scrubjay.settings.scrub import Scrub
from support import scrubbing

EMAIL = "rosa.klein@ferry-line.example"


def test_the_profile_and_the_list_say_what_is_closed() -> None:
    assert closed_gaps(Scrub()) == frozenset(CLOSURES)
    assert closed_gaps(Scrub(open_gaps=("keys", "ipv6"))) == frozenset(CLOSURES) - {"keys", "ipv6"}
    assert closed_gaps(Scrub(profile="parity")) == frozenset()


def test_each_application_is_there_if_its_gap_is_closed() -> None:
    def applications(*open_gaps: str) -> int:
        options = Scrub(open_gaps=open_gaps)  # type: ignore[arg-type]
        program = scrubbing.compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=options)
        event = {"extra": {"a": EMAIL}, "tags": {"b": EMAIL}}
        got = scrubbing.scrub(program, event)
        return 2 * (EMAIL not in str(got["extra"])) + (EMAIL not in str(got["tags"]))

    assert [applications(), applications("email"), applications("places"), applications("email", "places")] == [
        3,
        1,
        2,
        0,
    ]


def test_texts_keep_addresses_where_these_are_not_scrubbed() -> None:
    settings = {**scrubbing.SETTINGS, "scrubIpAddresses": False}
    program = scrubbing.compile_program(pii_config=None, settings=settings, options=Scrub(bundles=()))
    got = scrubbing.scrub(program, {"tags": {"a": f"10.20.30.40 {EMAIL}"}})
    assert got["tags"] == [["a", "10.20.30.40 [email]"]]
