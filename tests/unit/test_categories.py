"""Data categories: names and numbers (`decisions.md` 1.1)."""

import pytest

from scrubjay.categories import DataCategory

NAMES = [
    ("decisions-1", "feedback", 14),
    ("decisions-1 alias", "user_report_v2", 14),
    ("decisions-2 unknown name", "statsd", -1),
    ("decisions-2 last", "snapshot_image", 38),
    ("case counts", "Error", -1),
    ("no name", "", -1),
    ("of clients alone", "internal", -1),
]


@pytest.mark.parametrize(("name", "number"), [case[1:] for case in NAMES], ids=[case[0] for case in NAMES])
def test_names(name: str, number: int) -> None:
    assert DataCategory.parse(name) == number


def test_the_name_of_feedback_decisions_1() -> None:
    assert DataCategory(14).wire == "feedback"


def test_no_category_has_a_number_beyond_decisions_2() -> None:
    assert DataCategory(38).wire == "snapshot_image"
    with pytest.raises(ValueError, match="39"):
        DataCategory(39)


def test_each_name_is_that_of_its_number() -> None:
    for category in DataCategory:
        assert DataCategory.parse(category.wire) is category
