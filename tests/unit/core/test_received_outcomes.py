"""Outcomes of other relays: what of each a client report can say, and why not of others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.categories import DataCategory as C
from scrubjay.core.client_reports import Count
from scrubjay.core.received_outcomes import MAX_OUTCOMES, Heard, read_outcomes
from scrubjay.outcomes import Section

NOW = 1_772_359_205.5
AT = 1_772_359_200.0
EXAMPLE = {
    "timestamp": "2026-03-01T10:00:00.000000Z",
    "org_id": 1,
    "project_id": 42,
    "key_id": 7,
    "outcome": 2,
    "reason": "key_hourly",
    "source": "edge-a",
    "category": 1,
    "quantity": 3,
}


def read(*outcomes: Any) -> list[Heard]:
    return read_outcomes(json.dumps({"outcomes": outcomes}).encode(), received_unix=NOW)


def heard(**members: Any) -> Heard:
    """Of the example with these members; None: without it."""
    written = {name: value for name, value in {**EXAMPLE, **members}.items() if value is not None}
    (one,) = read(written)
    return one


def test_the_example_of_the_specification() -> None:
    count = Count(Section.RATE_LIMITED, "key_hourly", C.ERROR, 3)
    assert read(EXAMPLE) == [Heard(42, 7, AT, count)]
    assert heard(event_id="5d2c7a5e1b8f4c0e9a3d6f7081920abc", remote_addr="192.0.2.1") == Heard(42, 7, AT, count)


@pytest.mark.parametrize(
    ("outcome", "reason", "section", "told"),
    [
        (1, "web-crawlers", Section.FILTERED, "web-crawlers"),
        (1, "Sampled:3001,5", Section.SAMPLING, "Sampled:3000,0"),
        (1, "Sampled:none", Section.FILTERED, ""),
        (1, None, Section.FILTERED, ""),
        (2, None, Section.RATE_LIMITED, ""),
        (2, "for jane@example.com", Section.RATE_LIMITED, ""),
        (2, "x" * 201, Section.RATE_LIMITED, ""),
        (3, "invalid_signature", Section.DISCARDED, "invalid_signature"),
        (3, "too_large:attachment", Section.DISCARDED, "internal_sdk_error"),
        (3, None, Section.DISCARDED, "internal_sdk_error"),
        (4, "abuse_limit", Section.DISCARDED, "abuse_limit"),
        (5, "before_send", Section.DISCARDED, "before_send"),
        (5, "because of 192.0.2.1", Section.DISCARDED, "internal_sdk_error"),
        (6, "cardinality", Section.RATE_LIMITED, "cardinality"),
    ],
)
def test_where_an_outcome_is_told(outcome: int, reason: str | None, section: Section, told: str) -> None:
    assert heard(outcome=outcome, reason=reason).count == Count(section, told, C.ERROR, 3)


def test_what_may_be_left_out() -> None:
    assert heard(key_id=None, org_id=None, quantity=None) == Heard(
        42, None, AT, Count(Section.RATE_LIMITED, "key_hourly", C.ERROR, 1)
    )
    assert heard(key_id=0).key_id is None


@pytest.mark.parametrize(
    ("members", "project_id", "why"),
    [
        ({"outcome": 0}, 42, "outcome 0 has no place"),
        ({"outcome": 7}, 42, "outcome 7 has no place"),
        ({"category": None}, 42, "no category"),
        ({"category": 999}, 42, "no category"),
        ({"category": -1}, 42, "no category"),
        ({"timestamp": "2025-11-01T00:00:00Z"}, 42, "another time"),
        ({"timestamp": "2026-03-01T10:02:00Z"}, 42, "another time"),
        ({"timestamp": "yesterday"}, None, "cannot be read"),
        ({"timestamp": None}, None, "cannot be read"),
        ({"project_id": None}, None, "cannot be read"),
        ({"project_id": 0}, None, "cannot be read"),
        ({"quantity": 2**32}, None, "cannot be read"),
        ({"quantity": -1}, None, "cannot be read"),
        ({"outcome": "2"}, None, "cannot be read"),
    ],
)
def test_what_cannot_be_told_says_why(members: dict[str, Any], project_id: int | None, why: str) -> None:
    one = heard(**members)
    assert (one.count, one.project_id) == (None, project_id)
    assert why in one.why


def test_one_that_cannot_be_read_takes_no_other_along() -> None:
    assert [one.count is None for one in read(EXAMPLE, 5, None, [], EXAMPLE)] == [False, True, True, True, False]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"outcomes":{}}',
        b'{"outcomes":null}',
        b'{"outcomes":[',
        b"\xff",
        b'{"outcomes":' + b"[" * 100_000,
        b'{"outcomes":[' + b"1," * MAX_OUTCOMES + b"1]}",
    ],
    ids=range(9),
)
def test_what_is_no_report(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_outcomes(body, received_unix=NOW)


VALUES = st.none() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.sampled_from(sorted(EXAMPLE)), VALUES))
def test_whatever_comes_each_outcome_is_in_the_answer(members: dict[str, Any]) -> None:
    body = json.dumps({"outcomes": [{**EXAMPLE, **members}, EXAMPLE]}).encode()
    first, second = read_outcomes(body, received_unix=NOW)
    assert (first.count is None) == bool(first.why)
    assert second.count is not None
