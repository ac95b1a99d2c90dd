"""The relays that an envelope came through (upstream-and-operations 6.1)."""

from __future__ import annotations

import pytest

from scrubjay.core.hops import comes_round, extended, normal_hops

EIGHT = ", ".join("abcdefgh")


@pytest.mark.parametrize(
    ("value", "hops"),
    [
        (None, None),
        ("", None),
        (" , ,", None),
        ("a", "a"),
        ("a,b ,\tc", "a, b, c"),
        ("a, b\rc, \xe4, d", "a, d"),
        (f"{'x' * 600}", "x" * 512),
    ],
)
def test_names_are_read_from_a_header(value: str | None, hops: str | None) -> None:
    assert normal_hops(value) == hops


@pytest.mark.parametrize(
    ("hops", "own", "round_"),
    [("a, b", "b", True), ("a, bb", "b", False), (EIGHT, "x", True), (EIGHT[:-3], "x", False), ("a", "", False)],
)
def test_operations_74_a_loop_is_seen_by_the_own_name_or_the_length(hops: str, own: str, round_: bool) -> None:
    assert comes_round(hops, own) is round_


def test_the_own_name_goes_behind_the_others() -> None:
    assert extended(None, "x") == "x"
    assert extended("a, b", "x") == "a, b, x"
    assert extended("a, b", "") == "a, b"
    assert extended(None, "") == ""
