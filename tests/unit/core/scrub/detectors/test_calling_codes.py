"""The table of calling codes."""

from __future__ import annotations

from scrubjay.core.scrub.detectors.calling_codes import NATIONAL_LENGTHS


def test_no_code_begins_with_another() -> None:
    codes = sorted(NATIONAL_LENGTHS)
    assert len(codes) > 200
    assert not [(one, other) for one in codes for other in codes if one != other and other.startswith(one)]


def test_numbers_have_eight_to_fifteen_digits_with_their_code() -> None:
    assert all(lengths[-1] + len(code) <= 15 for code, lengths in NATIONAL_LENGTHS.items())
    assert all(lengths[0] + len(code) >= 8 for code, lengths in NATIONAL_LENGTHS.items())


def test_some_countries() -> None:
    assert NATIONAL_LENGTHS["1"] == range(10, 11)
    assert NATIONAL_LENGTHS["33"] == range(9, 10)
    assert 10 in NATIONAL_LENGTHS["44"]
    assert "999" not in NATIONAL_LENGTHS
