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
        (f"{'x' * 64}, {'y' * 65}", "x" * 64),
        ("a," * 5000, ", ".join("a" * 8)),
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


@pytest.mark.parametrize("said", ["x" * 600, ", ".join(["x" * 64] * 7), "x" * 8000 + ",y"])
def test_whatever_a_client_says_the_own_name_is_seen_when_it_comes_round(said: str) -> None:
    before = normal_hops(said)
    after = normal_hops(extended(before, "own"))
    assert after is not None
    assert comes_round(after, "own")


def test_the_own_name_goes_behind_the_others() -> None:
    assert extended(None, "x") == "x"
    assert extended("a, b", "x") == "a, b, x"
    assert extended("a, b", "") == "a, b"
    assert extended(None, "") == ""
