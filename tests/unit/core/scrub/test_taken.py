"""Names of what was taken already tell nothing (scrubbing.md 15.6)."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.taken import beside_taken


def occurs(text: bytes) -> bool:
    return b"token" in text


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        (b"token=\0", False),
        (b"/a?token=\0&b=1", False),
        (b"/a?token=[Filtered]#b", False),
        (b"/a?token=x\0&b=1", True),
        (b"/a?token=\0 and b", True),
        (b"/token?a=\0", True),
        (b'{"token":"[Filtered]","a":1}', False),
        (b'[{\\"token\\" : \\"[Filtered]\\"}]', False),
        (b'{"token":"[Filtered] x"}', True),
        (b'{"token":null,"a":"[Filtered]"}', True),
        (b'a {"token":"[Filtered]"}', True),
    ],
)
def test_what_is_passed_over(text: bytes, is_told: bool) -> None:
    assert beside_taken(occurs, {"queries", "embedded"})(text) is is_told
    assert beside_taken(occurs, {"queries"})(text) is (is_told or text[:1] in b"{[")
    assert beside_taken(occurs, {"embedded"})(text) is (is_told or text[:1] not in b"{[")


def test_without_either_closure_the_test_is_as_it_was() -> None:
    assert beside_taken(occurs, {"ipv6"}) is occurs
