"""Filters as Python writes them."""

import pytest

from scrubjay.testing.filters import described, matching, parameters


def test_values_alternatives_and_names_with_parts():
    given = {
        "type": ("error", "log"),
        "in_app": True,
        "tags": {"area": "cart"},
        "user": {"id": 7},
        "path": {"/a/b": 1.5},
    }
    assert parameters(given) == [
        ("type", "error"),
        ("type", "log"),
        ("in_app", "true"),
        ("tag.area", "cart"),
        ("user.id", "7"),
        ("path:/a/b", "1.5"),
    ]
    assert described({"type": "error", "tags": {"area": "cart"}}) == "type=error tag.area=cart"
    assert described({}) == "anything"


def test_as_a_member_of_an_expectation():
    assert matching({"type": ["error", "log"], "level": "info"}) == {"type": ["error", "log"], "level": "info"}


@pytest.mark.parametrize("given", [{"level": None}, {"level": [None]}, {"level": {"a": "b"}}, {"tags": {"a": None}}])
def test_what_is_no_value_names_its_filter(given):
    with pytest.raises(TypeError, match=r"level|tag\.a"):
        parameters(given)
