"""What one of several workers may use."""

from __future__ import annotations

import pytest

from scrubjay.runtime.share import share_of
from scrubjay.settings.fields import FIELDS, value_of
from scrubjay.settings.load import build
from scrubjay.settings.setting import MIB

DIVIDED = {
    "limits.max_concurrent_requests": 100,
    "spool.envelopes.max_disk_size": 500 * MIB,
    "spool.envelopes.max_memory_size": 64 * MIB,
    "spool.envelopes.pending_max_bytes": 32 * MIB,
    "spool.envelopes.max_unspool_envelopes_per_second": 10,
}


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (1, [100, 500 * MIB, 64 * MIB, 32 * MIB, 10]),
        (3, [33, 500 * MIB // 3, 64 * MIB // 3, 32 * MIB // 3, 3]),
        (100, [1, 5 * MIB, 64 * MIB // 100, 32 * MIB // 100, 1]),
    ],
)
def test_bounds_of_the_whole_are_divided(workers: int, expected: list[int]) -> None:
    share = share_of(build({**DIVIDED, "relay.workers": workers}))
    assert [value_of(share, key) for key in DIVIDED] == expected


def test_nobody_gets_less_than_a_setting_may_be() -> None:
    least = {
        "limits.max_concurrent_requests": 1,
        "spool.envelopes.max_disk_size": MIB,
        "spool.envelopes.max_memory_size": 65536,
        "spool.envelopes.pending_max_bytes": 65536,
    }
    share = share_of(build({**least, "relay.workers": 7}))
    assert {key: value_of(share, key) for key in least} == least


def test_all_else_is_the_same_for_all() -> None:
    whole = build({"relay.workers": 4, "limits.max_event_size": 7, "spool.envelopes.path": "/s"})
    share = share_of(whole)
    kept = FIELDS.keys() - DIVIDED.keys()
    assert {key: value_of(share, key) for key in kept} == {key: value_of(whole, key) for key in kept}
    assert share.spool.envelopes.max_unspool_envelopes_per_second is None
