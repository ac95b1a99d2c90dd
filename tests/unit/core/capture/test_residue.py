import pytest

from scrubjay.core.capture.residue import Place, differences, is_covered, kind_of, text_of, value_at

CAME = {"a": "x", "b": {"c": [1, {"d": True}], "e": "y"}, "f": [1], "g": [[2]], "_meta": {"z": 1}, "same": 1}
LEFT = {"a": "[x]", "b": {"c": [1, {"d": None}]}, "f": [1, 2], "g": [[2]], "_meta": {"other": 2}, "same": 1, "new": 5}


def test_each_difference_is_told_where_it_is():
    assert list(differences(CAME, LEFT)) == [
        Place(("a",), "string", "x", "[x]"),
        Place(("b", "c", "1", "d"), "number", "true", None),
        Place(("b", "e"), "string", "y", None),
        Place(("f",), "array", "[1]", "[1,2]"),
    ]
    assert list(differences(CAME, CAME)) == []
    assert list(differences("x", "x")) == []
    assert list(differences([{"a": 1}], {})) == [Place((), "array", '[{"a":1}]', "{}")]


@pytest.mark.parametrize(
    ("path", "other", "covered"),
    [
        (("a", "b"), ("a", "b"), True),
        (("a", "b"), ("a",), True),
        (("a",), ("a", "b"), True),
        (("a", "b"), ("a", "c"), False),
        (("tags", "0", "1"), ("tags", "area"), True),
        (("tags", "0"), ("tags", "1"), False),
    ],
)
def test_what_is_spoken_of_is_covered(path, other, covered):
    assert is_covered(path, [other]) is covered
    assert not is_covered(path, [])


def test_a_path_leads_to_its_value_or_nowhere():
    assert value_at(CAME, ("b", "c", "1", "d")) is True
    assert value_at(CAME, ("b", "c", "7"), absent="") == ""
    assert value_at(CAME, ("b", "c", "x"), absent="") == ""
    assert value_at(CAME, ("a", "x")) is None
    assert value_at(CAME, ()) is CAME


def test_kinds_and_texts():
    assert [kind_of(value) for value in ("a", {}, [], 1, None)] == ["string", "object", "array", "number", "number"]
    assert (text_of("a"), text_of([1])) == ("a", "[1]")
