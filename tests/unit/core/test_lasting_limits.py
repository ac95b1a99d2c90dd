"""Limits as they outlive a process."""

import json

import pytest

from scrubjay.categories import DataCategory
from scrubjay.core.lasting_limits import LEAST_LEFT_S, adopt_limits, encode_limits
from scrubjay.core.limits import ActiveLimit, LimitTable, Scoping, format_rate_limits, parse_rate_limits

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
SCOPING = Scoping(KEY, 21, 42)
UNIX = 1_767_261_600.0


def table(header: str, now_mono: float = 100.0) -> LimitTable:
    found = LimitTable()
    found.learn(SCOPING, parse_rate_limits(header, now_mono), now_mono)
    return found


def over(before: LimitTable, *, down_s: float = 0.0, cap_s: float = 86_400) -> LimitTable:
    """What a process knows that starts `down_s` later, on a machine that was started anew."""
    after = LimitTable()
    data = encode_limits(before, now_mono=100.0, now_unix=UNIX)
    adopt_limits(data, after, now_mono=5.0, now_unix=UNIX + down_s, cap_s=cap_s)
    return after


def told(found: LimitTable, scoping: Scoping = SCOPING, now_mono: float = 5.0) -> str:
    limits = format_rate_limits(found.active(scoping, now_mono), now_mono)
    return limits[1] if limits else ""


def test_what_lasts_is_in_force_again_with_what_is_left_of_it() -> None:
    header = "3600:replay:organization, 600:error:project:a, 60::key:generic, 50:metric_bucket:key::spans"
    after = over(table(header), down_s=20)
    assert told(after) == "3580:replay:organization, 580:error:project:a, 40::key:generic, 30:metric_bucket:key::spans"
    assert told(after, Scoping("other", 21)) == "580:error:project:a"
    assert told(after, Scoping("other", 1, 42)) == "3580:replay:organization"


def test_what_ends_soon_or_has_ended_is_not() -> None:
    assert told(over(table(f"{LEAST_LEFT_S}:error:key, {LEAST_LEFT_S + 1}:replay:key"))) == "31:replay:key"
    assert told(over(table("60:error:key, 61:replay:key"), down_s=60)) == "1:replay:key"


def test_a_clock_that_went_back_makes_none_longer_than_any_may_be() -> None:
    assert told(over(table("60:error:key"), down_s=-1e6, cap_s=300)) == "300:error:key"


def test_refusals_of_our_own_quotas_are_not_kept() -> None:
    found = LimitTable()
    found.learn(SCOPING, [ActiveLimit("key", frozenset(), 999.0, origin="quota-1")], 100.0)
    assert encode_limits(found, now_mono=100.0, now_unix=UNIX) == b"[]"


def test_the_content_is_the_same_while_nothing_is_learnt() -> None:
    found = table("600:error;transaction:key:why")
    first = encode_limits(found, now_mono=100.0, now_unix=UNIX)
    assert encode_limits(found, now_mono=140.2, now_unix=UNIX + 40.2) == first
    assert json.loads(first) == [
        {
            "binds": "key",
            "owner": KEY,
            "scope": "key",
            "until_unix": UNIX + 600,
            "categories": ["error", "transaction", "span"],
            "reason": "why",
        }
    ]


def test_nothing_grows_by_going_to_and_fro() -> None:
    one, other = table("600:error:key:a"), table("600:error:key:b")
    for step in range(1, 20):
        now = {"now_mono": 100.0 + step, "now_unix": UNIX + step + 0.4 * (step % 2)}
        adopt_limits(encode_limits(one, **now), other, **now, cap_s=86_400)
        adopt_limits(encode_limits(other, **now), one, **now, cap_s=86_400)
    assert told(one, now_mono=120.0) == "580:error:key:a"
    assert told(other, now_mono=120.0) == "580:error:key:b"


def test_the_later_end_wins() -> None:
    known, other = table("600:error:key:a"), table("900:error:key:b")
    data = encode_limits(other, now_mono=100.0, now_unix=UNIX)
    assert adopt_limits(data, known, now_mono=100.0, now_unix=UNIX, cap_s=86_400) == 1
    assert told(known, now_mono=100.0) == "900:error:key:b"
    assert next(iter(known.active(SCOPING, 100.0))).categories == {DataCategory.ERROR}


GOOD = {"binds": "key", "owner": KEY, "scope": "key", "until_unix": UNIX + 60}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"[1]",
        b"\xff",
        json.dumps([{**GOOD, "owner": 3}]).encode(),
        json.dumps([{**GOOD, "binds": "planet"}]).encode(),
        json.dumps([{**GOOD, "until_unix": None}]).encode(),
        json.dumps([{**GOOD, "until_unix": UNIX - 1}]).encode(),
    ],
)
def test_other_data_puts_nothing_in_force(content: bytes) -> None:
    found = LimitTable()
    assert adopt_limits(content, found, now_mono=0.0, now_unix=UNIX, cap_s=300) == 0
    assert len(found) == 0
