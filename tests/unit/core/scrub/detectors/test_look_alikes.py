"""Innocent values survive (scrubbing.md 15.4): at most one hit in 1,000 clean events for what is on by default.

A small, repeatable run; `tests/bench/look_alikes.py` is the long one.
"""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.families import BUNDLES, FAMILIES
from scrubjay.settings.scrub import DEFAULT_BUNDLES
from support import look_alikes

EVENTS = 600
EACH = 150
# Of 6,750 look-alikes.
SURVIVE = 0.999


def on_by_default() -> set[str]:
    rules = [member for bundle in DEFAULT_BUNDLES for member in BUNDLES.get(bundle, (bundle,))]
    return {detector.name for rule in rules for detector in FAMILIES[rule[1:]]}


DEFAULT = sorted(on_by_default())
HITS, WHERE = look_alikes.hits_in_events(EVENTS)
LOST = look_alikes.losses(EACH)


@pytest.mark.parametrize("name", DEFAULT)
def test_the_budget_of_false_positives(name: str) -> None:
    assert HITS[name] <= 1, WHERE.get(name)
    assert LOST[name].total() <= (1 - SURVIVE) * EACH * len(look_alikes.KINDS), LOST[name]


def test_the_measure_sees_what_is_not_on_by_default() -> None:
    assert HITS["national_id_nl"] > EVENTS // 1_000
    assert LOST["national_id_nl"]["long row id"]


def test_every_secret_is_on_by_default() -> None:
    assert {detector.name for rule in BUNDLES["@secrets"] for detector in FAMILIES[rule[1:]]} <= set(DEFAULT)


def test_events_come_from_five_platforms_and_differ() -> None:
    events = list(look_alikes.clean_events(10))
    assert len({str(event) for event in events}) == 10
    assert events == list(look_alikes.clean_events(10))
