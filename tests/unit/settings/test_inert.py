"""Keys that are known and have no effect."""

from __future__ import annotations

from scrubjay.settings.fields import FIELDS, SECTIONS
from scrubjay.settings.inert import ELSEWHERE, by_reason, covers, why


def test_a_name_stands_for_itself_or_for_all_below() -> None:
    assert covers(ELSEWHERE, "outcomes.source")
    assert covers(ELSEWHERE, "processing.kafka_config")
    assert covers(ELSEWHERE, "processing")
    assert not covers(ELSEWHERE, "processings.kafka_config")
    assert not covers(ELSEWHERE, "outcomes.sources")


def test_nothing_is_both_honoured_and_not() -> None:
    assert not [key for key in FIELDS if covers(ELSEWHERE, key)]
    assert not [key for key in SECTIONS if key in ELSEWHERE or f"{key}." in ELSEWHERE]


def test_each_says_why() -> None:
    assert why("processing.kafka_config") == why("processing.enabled")
    assert "payloads" in why("logging.log_failed_payloads")
    assert dict(by_reason()).keys() == set(ELSEWHERE.values())
