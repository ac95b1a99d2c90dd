"""Remarks that come in, and where those that are made go (scrubbing.md 9)."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay.core.scrub.redact import Remark, Text
from scrubjay.core.scrub.remarks import Notes


def test_a_tree_of_places() -> None:
    notes = Notes()
    notes.write(("a", "0"), Text(b"x", [Remark("r", "s", (0, 1))], 5))
    notes.write(("b",), Text(b"x"))
    assert notes.tree == {"a": {"0": {"": {"rem": [["r", "s", 0, 1]], "len": 5}}}, "b": {"": {}}}


def test_removal_takes_what_was_noted_below() -> None:
    notes = Notes({"a": {"": {"rem": [["q", "a"]], "err": ["e"]}, "b": {"": {"len": 3}}}})
    notes.remove(("a",), Remark("r", "x"))
    assert notes.tree == {"a": {"": {"rem": [["q", "a"], ["r", "x"]], "err": ["e"]}}}
    notes.remove(("c",), Remark("r", "x"), Text(b"", [Remark("q", "s", (0, 1))], 4))
    assert notes.tree["c"] == {"": {"rem": [["q", "s", 0, 1], ["r", "x"]], "len": 4}}


def test_moving() -> None:
    notes = Notes()
    notes.write(("a",), Text(b"x", [Remark("r", "s", (0, 1))], 5))
    notes.move(("a",), ("b",))
    assert notes.tree == {"a": {"": {}}, "b": {"": {"rem": [["r", "s", 0, 1]], "len": 5}}}


@pytest.mark.parametrize(
    ("own", "remarks", "length"),
    [
        ({"rem": [["q", "s", 0, 1], ["n", "a"]], "len": 3}, [Remark("q", "s", (0, 1)), Remark("n", "a")], 3),
        ({"rem": 5, "len": "3"}, [], None),
        ({"rem": [5, ["q"], ["q", 5], ["q", "s", -1, 2], ["q", "s", 0, "1"]]}, [], None),
    ],
)
def test_incoming(own: dict[str, Any], remarks: list[Remark], length: int | None) -> None:
    text = Notes({"a": {"": own}}).text(("a",), b"xy")
    assert (text.remarks, text.length) == (remarks, length)


@pytest.mark.parametrize("tree", [None, 5, {}, {"a": 5}, {"a": {"": 5}}, {"b": {"": {"len": 5}}}])
def test_nothing_incoming(tree: object) -> None:
    text = Notes(tree).text(("a",), b"x")
    assert (text.value, text.remarks, text.length) == (b"x", [], None)


def test_damaged_trees_are_mended_where_written() -> None:
    notes = Notes({"a": 5})
    notes.write(("a", "b"), Text(b"", [], 1))
    assert notes.tree == {"a": {"b": {"": {"len": 1}}}}


def test_removal_where_nothing_was() -> None:
    notes = Notes({"a": {"b": {"": {}}}})
    notes.remove(("a", "b", "c"), Remark("r", "x"))
    assert notes.tree == {"a": {"b": {"": {}, "c": {"": {"rem": [["r", "x"]]}}}}}
