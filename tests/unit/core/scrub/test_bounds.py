"""What redacting a document may cost (scrubbing.md 15.7)."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.redact import MAX_MATCHES
from scrubjay.errors import Unscrubbable
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
