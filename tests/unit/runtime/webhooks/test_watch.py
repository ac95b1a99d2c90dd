"""Events from successive looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from scrubjay.runtime.standing import Standing, Surge, Window
from scrubjay.runtime.state import Drop, Merged
from scrubjay.runtime.webhooks import watch as module
from scrubjay.runtime.webhooks.watch import Watch

NOW = 1_767_261_600.0
END = NOW + 611


def window(consumed: int | None, **more: Any) -> Window:
    made = Window("k17e", "project 42", END, consumed, 2000, window_s=3600, categories=("error",))
    return msgspec.structs.replace(made, **more)


def drop(after_s: float = 0.0, **more: Any) -> Drop:
    made = Drop(NOW + after_s, 0, "full", "rate_limited", {"error": 1}, 42, "0a1b2c3d", "k17e")
    return msgspec.structs.replace(made, **more)


@dataclass
class Looks:
    """A watch that has seen a calm relay."""

    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        assert self.at(0) == []

    def at(self, after_s: float, *windows: Window, **more: Any) -> list[dict[str, Any]]:
        seen = Merged([], NOW + after_s, windows=list(windows), **more)
        return [msgspec.to_builtins(event) for event in self.watch.look(seen)]

    def types(self, after_s: float, *windows: Window, **more: Any) -> list[str]:
        return [event["type"] for event in self.at(after_s, *windows, **more)]


@pytest.fixture
def looks() -> Looks:
    return Looks()


# Quotas


def test_a_quota_over_the_life_of_its_window(looks: Looks) -> None:
    assert looks.types(1, window(1599)) == []
    (warning,) = looks.at(2, window(1600))
    assert warning == {
        "id": "",
        "type": "quota.warning",
        "at": int(NOW + 2),
        "project": 42,
        "category": "error",
        "quota": "k17e",
        "limit": 2000,
        "consumed": 1600,
        "resetsAt": int(END),
        "dropped": 0,
    }
    assert looks.types(3, window(1999)) == []
    (exhausted,) = looks.at(4, window(2000))
    assert (exhausted["type"], exhausted["consumed"]) == ("quota.exhausted", 2000)
    assert looks.types(5, window(2000)) == []
    (recovered,) = looks.at(612, window(3, ends_unix=END + 3600))
    assert (recovered["type"], recovered["consumed"], recovered["resetsAt"]) == ("quota.recovered", 2000, int(END))
    assert looks.types(613, window(4, ends_unix=END + 3600)) == []


def test_what_is_exhausted_at_once_is_not_announced_before(looks: Looks) -> None:
    assert looks.types(1, window(2000)) == ["quota.exhausted"]


def test_a_window_that_ends_unused_recovers(looks: Looks) -> None:
    looks.at(1, window(2000))
    assert looks.types(600) == []  # a row may be missing for a moment
    assert looks.types(611) == ["quota.recovered"]
    assert looks.types(612) == []


def test_the_next_window_may_warn_again(looks: Looks) -> None:
    assert looks.types(1, window(1700)) == ["quota.warning"]
    assert looks.types(612, window(1700, ends_unix=END + 3600)) == ["quota.warning"]
    assert looks.types(4300) == []  # nothing was exhausted, so nothing recovers


def test_what_stays_exhausted_over_the_end_is_not_told_again(looks: Looks) -> None:
    assert looks.types(1, window(2000)) == ["quota.exhausted"]
    assert looks.types(612, window(2000, ends_unix=END + 3600)) == []
    assert looks.types(613, window(2000, ends_unix=END + 3600)) == []


def test_a_refusal_is_exhaustion_although_a_little_is_left(looks: Looks) -> None:
    """A batch of five does not fit where three are left."""
    refusing = Standing("project 42", NOW + 60, "k17e", ("error",))
    assert looks.types(1, window(1997), limits=[refusing]) == ["quota.exhausted"]
    assert looks.types(100, window(1997)) == []  # what is told is capped, the window is not over
    assert looks.types(612) == ["quota.recovered"]


def test_refusals_of_others_are_not_its_own(looks: Looks) -> None:
    others = [Standing("project 43", NOW + 60, "k17e"), Standing("project 42", NOW + 60, "other")]
    ended = Standing("project 42", NOW, "k17e")
    assert looks.types(1, window(1), limits=[*others, ended]) == []


def test_organisations_have_no_number_in_windows(looks: Looks) -> None:
    refusing = Standing("organization 3", NOW + 60, "k17e")
    (event,) = looks.at(1, window(1, owner="organization", categories=("error", "replay")), limits=[refusing])
    assert (event["project"], event["owner"], event["category"]) == (None, "organization", "error;replay")


def test_a_higher_limit_ends_it(looks: Looks) -> None:
    looks.at(1, window(2000))
    assert looks.types(2, window(2000, limit=4000)) == ["quota.recovered"]
    assert looks.types(3, window(4000, limit=4000)) == []  # once for each slot


def test_blocks_that_lie_idle_are_not_used(looks: Looks) -> None:
    assert looks.types(1, window(2000, held=500)) == []
    assert looks.types(2, window(2000, held=400)) == ["quota.warning"]


def test_groups_are_one_quota(looks: Looks) -> None:
    assert looks.types(1, window(2000, group="a"), window(2000, group="b"), window(1, group="c")) == ["quota.exhausted"]


@pytest.mark.parametrize("more", [{"limit": None}, {"limit": 0}, {"ends_unix": NOW}, {"held": 2000}])
def test_what_has_no_limit_or_is_over_or_not_known_is_passed_over(looks: Looks, more: dict[str, Any]) -> None:
    assert looks.types(1, window(2000, **more), window(None)) == []


def test_short_windows_count_by_the_minute(looks: Looks) -> None:
    def second(number: int, consumed: int) -> Window:
        return window(consumed, ends_unix=NOW + number + 1, window_s=1)

    types = [looks.types(number, second(number, 2000 * (number % 2))) for number in range(1, 59)]
    assert types[:3] == [["quota.exhausted"], ["quota.recovered"], []]
    assert not any(types[2:])
    assert looks.types(61, second(61, 2000)) == ["quota.exhausted"]


def test_what_could_not_be_told_is_told_in_the_next_slot(looks: Looks) -> None:
    def second(number: int, consumed: int) -> Window:
        return window(consumed, ends_unix=NOW + number + 1, window_s=1)

    assert [looks.types(number, second(number, used)) for number, used in ((1, 2000), (2, 0), (3, 2000))][2] == []
    assert looks.types(61, second(61, 2000)) == ["quota.exhausted"]
    assert looks.types(62, second(62, 0)) == ["quota.recovered"]
    looks.at(119, second(119, 2000))
    assert looks.types(120, second(120, 2000)) == ["quota.exhausted"]
    assert looks.types(122) == ["quota.recovered"]


def test_a_recovery_that_waits_for_its_slot_is_not_forgotten(looks: Looks) -> None:
    bucket = {"algorithm": "bucket", "window_s": 60}
    refusing = Standing("project 42", NOW + 500, "k17e")
    assert looks.types(58, window(1, **bucket), limits=[refusing]) == ["quota.exhausted"]
    assert looks.types(60, window(1, **bucket)) == ["quota.recovered"]
    assert looks.types(61, window(1, **bucket), limits=[refusing]) == ["quota.exhausted"]
    assert looks.types(62, window(1, **bucket)) == []
    assert looks.types(63) == []
    assert looks.types(700) == ["quota.recovered"]


def test_nor_if_its_window_is_over_meanwhile(looks: Looks) -> None:
    bucket = window(1, algorithm="bucket", ends_unix=NOW + 62)
    refusing = Standing("project 42", NOW + 500, "k17e")
    assert looks.types(58, bucket, limits=[refusing]) == ["quota.exhausted"]
    assert looks.types(60, bucket) == ["quota.recovered"]
    assert looks.types(61, bucket, limits=[refusing]) == ["quota.exhausted"]
    assert looks.types(63) == []
    assert looks.types(120) == ["quota.recovered"]
    assert looks.types(121) == []


def test_a_bucket_is_exhausted_where_it_refuses(looks: Looks) -> None:
    full = window(2000, algorithm="bucket")
    assert looks.types(1, full) == []
    assert looks.types(2, full, limits=[Standing("project 42", NOW + 60, "k17e")]) == ["quota.exhausted"]
    assert looks.types(3, full) == ["quota.recovered"]


def test_what_was_so_before_is_not_told_but_its_end_is() -> None:
    watch = Watch()
    refused = {"limits": [Standing("key 0a1b2c3d", NOW + 60, "upstream")], "surges": [Surge(7, "error", 10, 50, END)]}
    assert watch.look(Merged([], NOW, windows=[window(2000)], drops=[drop(outcome="sampled")], **refused)) == []
    later = Merged([], END + 1, drops=[drop(1, outcome="sampled")])
    assert [event.type for event in watch.look(later)] == ["quota.recovered", "spike.end"]


@pytest.mark.parametrize(
    ("owner", "drops", "expected"),
    [
        ("project 42", [drop(), drop(quantities={"error": 4, "attachment": 900})], 5),
        ("project 42", [drop(project_id=43), drop(origin="other"), drop(-4000), drop(700)], 0),
        ("key 0a1b2c3d", [drop(), drop(key="ffffffff")], 1),
        ("key 17", [drop(), drop(key="ffffffff")], 2),
        ("organization", [drop(), drop(project_id=43)], 2),
    ],
)
def test_losses_that_are_remembered_are_counted(looks: Looks, owner: str, drops: Sequence[Drop], expected: int) -> None:
    (event,) = looks.at(1, window(2000, owner=owner), drops=list(drops))
    assert event["dropped"] == expected


# Spikes


def test_a_spike(looks: Looks) -> None:
    (start,) = looks.at(1, surges=[Surge(7, "error", 1200, 1300, END)])
    assert start == {
        "id": "",
        "type": "spike.start",
        "at": int(NOW + 1),
        "project": 7,
        "category": "error",
        "quota": "spike_protection",
        "limit": 1200,
        "consumed": 1300,
        "resetsAt": int(END),
        "dropped": 100,
    }
    assert looks.types(2, surges=[Surge(7, "error", 1200, 5000, END)]) == []
    (end,) = looks.at(612, surges=[Surge(7, "error", 1200, 5000, END)])  # a file a little old
    assert (end["type"], end["consumed"], end["dropped"]) == ("spike.end", 5000, 3800)
    assert looks.types(613, surges=[Surge(7, "error", 1920, 1921, END + 3600)]) == ["spike.start"]


def test_a_worker_that_begins_a_little_later_starts_no_other_spike(looks: Looks) -> None:
    looks.at(1, surges=[Surge(7, "error", 10, 11, END)])
    looks.at(2)
    assert looks.types(3, surges=[Surge(7, "error", 20, 40, END)]) == []


# The upstream


def test_limits_of_the_upstream(looks: Looks) -> None:
    learnt = Standing("key 0a1b2c3d", NOW + 90.5, "upstream", ("error",))
    ours = Standing("key 0a1b2c3d", NOW + 90.5, "k17e", ("replay",))
    (event,) = looks.at(1, limits=[learnt, ours])
    assert event == {
        "id": "",
        "type": "upstream.rate_limited",
        "at": int(NOW + 1),
        "project": None,
        "category": "error",
        "quota": None,
        "limit": None,
        "consumed": None,
        "resetsAt": int(NOW + 90),
        "dropped": 0,
        "owner": "key 0a1b2c3d",
    }
    assert looks.types(2, limits=[learnt]) == []
    assert looks.types(80, limits=[Standing("key 0a1b2c3d", NOW + 200, "upstream", ("error",))]) == []
    assert looks.types(210) == []
    again = Standing("key 0a1b2c3d", NOW + 300, "upstream", ("error",))
    assert looks.types(220, limits=[again]) == ["upstream.rate_limited"]
    looks.at(221)
    assert looks.types(222, limits=[again]) == []  # once a minute
    (everything,) = looks.at(223, limits=[Standing("project 7", NOW + 300, "upstream")])
    assert (everything["project"], everything["category"]) == (7, None)
    assert looks.types(224, limits=[Standing("project 7", NOW + 220, "upstream", ("span",))]) == []


# Sampling


def test_sampling_that_begins(looks: Looks) -> None:
    first = drop(1, outcome="sampled", origin="rule 3", quantities={"transaction": 1, "span": 9})
    found = looks.at(2, drops=[first])
    assert [(event["type"], event["category"], event["dropped"]) for event in found] == [
        ("sampling.active", "transaction", 1),
        ("sampling.active", "span", 9),
    ]
    assert (found[0]["quota"], found[0]["at"], found[0]["project"]) == ("rule 3", int(NOW + 1), 42)
    next_hour = [drop(3000 * number, outcome="sampled", quantities={"transaction": 1}) for number in (3, 2, 1)]
    assert looks.types(9001, drops=[*next_hour, first]) == []
    (again,) = looks.at(12_700, drops=[drop(12_600, outcome="sampled", origin="", quantities={"transaction": 1})])
    assert again["quota"] is None


def test_other_losses_and_old_ones_are_no_sampling(looks: Looks) -> None:
    others = [drop(), drop(outcome="sampled", project_id=None), drop(-3700, outcome="sampled")]
    assert looks.types(1, drops=others) == []


# Bounds


def test_memory_is_bounded(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_TOLD", 3)
    for number in range(10):
        owner = f"project {number}"
        looks.at(1, window(2000, owner=owner), drops=[drop(outcome="sampled", project_id=number)])
    assert len(looks.watch._told) == 3
    assert len(looks.watch._sampled_unix) == 3
    looks.at(700)
    assert not looks.watch._gauges
