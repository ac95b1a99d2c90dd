"""Names of what was taken already tell nothing (scrubbing.md 15.6)."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.taken import beside_members, beside_parameters


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
        (b"/token", True),
    ],
)
def test_parameters(text: bytes, is_told: bool) -> None:
    assert beside_parameters(occurs)(text) is is_told


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        (b'{"token":"[Filtered]","a":1}', False),
        (b'[{\\"token\\" : \\"[Filtered]\\"}]', False),
        (b'{"token":"[Filtered] x"}', True),
        (b'{"token":null,"a":"[Filtered]"}', True),
        (b'a {"token":"[Filtered]"}', True),
        (b'{"token":1}', True),
    ],
)
def test_members(text: bytes, is_told: bool) -> None:
    assert beside_members(occurs)(text) is is_told
