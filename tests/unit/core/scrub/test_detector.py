"""What a detector is."""

from __future__ import annotations

import re

from scrubjay.core.scrub.detector import RAW_OTHER_SPACE, RAW_SLASH, Detector


def test_defaults() -> None:
    detector = Detector("x", ("x",))
    assert (detector.groups, detector.whole, detector.exact_case) == ((0,), False, False)


def test_spellings_of_white_space_in_raw_bytes() -> None:
    pattern = re.compile(RAW_OTHER_SPACE.encode())
    for raw in (rb"\n", rb"\u00a0", "\u00a0".encode(), "\u2003".encode(), "\u3000".encode(), "\u1680".encode()):
        assert pattern.fullmatch(raw), raw
    assert re.fullmatch(RAW_SLASH, "\\/")
