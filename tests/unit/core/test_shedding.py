"""Which categories are refused as room runs out, and that the account shows it (`upstream-and-operations.md` 9.5)."""

from __future__ import annotations

import pytest

from scrubjay.categories import DataCategory
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.limits import ActiveLimit, format_rate_limits
from scrubjay.core.shedding import FULL_AT, STARTS_AT, Shedding, over_share
from support.path import KEY, Path, envelope

ORDER = ("replay", "profile", "attachment", "span", "log_item", "transaction")
NOW = 1000.0


@pytest.mark.parametrize(
    ("fullness", "shed"),
    [
        (0.0, ()),
        (0.799, ()),
        (0.80, ("replay",)),
        (0.829, ("replay",)),
        (0.83, ("replay", "profile")),
        (0.85, ("replay", "profile")),
        (0.861, ("replay", "profile", "attachment")),
        (0.891, ("replay", "profile", "attachment", "span")),
        (0.921, ("replay", "profile", "attachment", "span", "log_item")),
        (0.951, ORDER),
        (1.2, ORDER),
    ],
)
def test_each_three_percent_refuse_one_more(fullness: float, shed: tuple[str, ...]) -> None:
    shedding = Shedding(ORDER)
    limits = shedding.limits(fullness, NOW)
    assert shedding.shed == shed
    assert bool(limits) == bool(shed)
    assert str(shedding) == f"<Shedding {', '.join(shed) or 'nothing'}>"


def test_recovery_needs_five_percent_more_room() -> None:
    """operations-113: at 85 % replays and profiles, below 75 % nothing."""
    shedding = Shedding(ORDER)
    for fullness, level in [
        (0.85, 2),
        (0.79, 2),
        (0.781, 2),
        (0.779, 1),
        (0.751, 1),
        (0.749, 0),
        (0.76, 0),
        (0.99, 6),
        (0.90, 6),
        (0.5, 0),
    ]:
        shedding.limits(fullness, NOW)
        assert shedding.level == level, fullness


def test_another_order_holds_at_once() -> None:
    shedding = Shedding(ORDER)
    shedding.limits(0.99, NOW)
    shedding.reorder(("span", "replay"))
    assert shedding.shed == ("span", "replay")
    shedding.reorder(())
    assert shedding.limits(0.99, NOW) == ()


def test_clients_are_told_the_categories() -> None:
    limits = Shedding(ORDER).limits(0.84, NOW)
    assert format_rate_limits(limits, NOW) == (60, "60:profile;replay;profile_chunk;profile_chunk_ui:key:backpressure")
    assert format_rate_limits([over_share(NOW)], NOW) == (60, "60::key:spool_share")


def test_what_is_never_shed_is_in_no_category() -> None:
    (limit,) = Shedding((*ORDER, "trace_metric")).limits(1.0, NOW)
    never = ["default", "error", "security", "session", "monitor", "feedback", "user_report_v2", "metric_bucket"]
    assert not any(limit.takes(DataCategory.parse(name)) for name in never)
    assert STARTS_AT < FULL_AT


class Pressing:
    """Disk and memory as full as a test says."""

    def __init__(self, fullness: float, *over: str) -> None:
        self.shedding = Shedding(ORDER)
        self.fullness = fullness
        self.over = over

    def limits(self, key: str, now_mono: float) -> tuple[ActiveLimit, ...]:
        found = self.shedding.limits(self.fullness, now_mono)
        return (*found, over_share(now_mono)) if key in self.over else found


REPLAY = ("replay_video", b"x" * 10)
PROFILE = ('"type":"profile_chunk","platform":"python"', "{}")
SESSION = ("session", '{"sid":"a","started":"2026-01-05T10:00:00Z","attrs":{"release":"1"}}')
ERROR = ("event", '{"message":"x"}')


def test_replays_and_profiles_are_refused_and_errors_pass() -> None:
    """operations-113"""
    path = Path("config: {scrubjay: {scrub: {opaque: forward}}}", pressure=Pressing(0.85))
    told = path.send(envelope(PROFILE, SESSION))
    assert (told.status, told.retry_after_s) == (429, 60)
    assert told.rate_limits == "60:profile;replay;profile_chunk;profile_chunk_ui:key:backpressure"
    assert [item.type for item in parse_envelope(path.forwarded).items] == ["session"]
    assert path.account.lost() == [("profile_chunk", "backpressure", "pressure")]
    assert path.send(envelope(ERROR)).status == 200
    assert path.send(envelope(REPLAY)).status == 429
    assert path.closes()


def test_room_again_means_200_again() -> None:
    pressing = Pressing(0.85)
    path = Path("config: {scrubjay: {scrub: {opaque: forward}}}", pressure=pressing)
    assert path.send(envelope(PROFILE)).status == 429
    pressing.fullness = 0.74
    assert path.send(envelope(PROFILE)).status == 200


def test_a_key_over_its_share_is_refused_whole() -> None:
    """operations-83: what the other keys send is taken."""
    path = Path(pressure=Pressing(0.5, KEY))
    told = path.send(envelope(ERROR, SESSION))
    assert (told.status, told.rate_limits) == (429, "60::key:spool_share")
    assert {reason for _, reason, _ in path.account.lost()} == {"spool_share"}
    other = Path(pressure=Pressing(0.5, "0" * 32))
    assert other.send(envelope(ERROR, SESSION)).status == 200
