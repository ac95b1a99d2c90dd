import pytest

from scrubjay.core.capture.reading import as_list, first_line, get, iso, pairs, parse_time, text


def test_get_follows_a_path_as_far_as_it_leads():
    document = {"a": {"b": [1]}}
    assert get(document) is document
    assert get(document, "a", "b") == [1]
    assert get(document, "a", "x") is None
    assert get(document, "a", "b", "c") is None
    assert get(None, "a") is None


def test_the_wrong_type_is_absent():
    assert text("x") == "x"
    assert text(5) == ""
    assert as_list([1]) == [1]
    assert as_list({"a": 1}) == []


def test_pairs_of_an_object_and_of_a_list():
    assert pairs({"a": 1}) == [("a", 1)]
    assert pairs([["a", 1], ["b"], "c", [5, 6], None]) == [("a", 1)]
    assert pairs(None) == []


def test_first_line_is_trimmed_and_bounded():
    assert first_line("\n  one\ntwo") == "one"
    assert first_line(" \n ") == ""
    assert len(first_line("x" * 1000)) == 200


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_800_000_000, 1_800_000_000.0),
        (1_800_000_000.25, 1_800_000_000.25),
        ("1800000000.5", 1_800_000_000.5),
        ("2027-01-15T08:00:00Z", 1_800_000_000.0),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000.0),
        ("2027-01-15T08:00:00.250", 1_800_000_000.25),
        (" 2027-01-15T08:00:00 ", 1_800_000_000.0),
        (0, 0.0),
        (True, None),
        (None, None),
        ([], None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        (-1, None),
        (1e30, None),
        (10**400, None),
        ("1960-01-01T00:00:00Z", None),
    ],
)
def test_times_of_clients(value, expected):
    assert parse_time(value) == expected


def test_iso_has_milliseconds_and_a_zone():
    assert iso(1_800_000_000.25) == "2027-01-15T08:00:00.250Z"
    assert iso(253_402_300_799) == "9999-12-31T23:59:59.000Z"
