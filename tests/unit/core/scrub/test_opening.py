"""Opening one level: places follow from lengths, each match goes to the member in which it ends, in every spelling."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from scrubjay.core.scrub.matching import ALWAYS
from scrubjay.core.scrub.opening import matched, open_array, open_object
from scrubjay.core.scrub.screen import NOWHERE, Scan, ScreenBuilder

BUILDER = ScreenBuilder()
RED, BLUE = BUILDER.key_bit("red"), BUILDER.key_bit("blue")
SCREEN = BUILDER.build()


def look(document: bytes) -> Scan:
    scan = SCREEN.borrow()
    scan.document(document)
    return scan


def shown(members: list[Any]) -> list[tuple[Any, bytes, int]]:
    return [(key, bytes(value), found & ~ALWAYS) for key, value, found, _ in members]


COMPACT = b'{"a":"red","blue":[1,2],"c":{"x":"y"},"d":"blue red"}'
SPACED = b'{ "a" : "red" ,"blue":[1,2],\n"c":{"x":"y"}, "d" :"blue red"\t}'


@pytest.mark.parametrize("data", [COMPACT, SPACED, COMPACT.replace(b"a", b"\\u00e9")])
@pytest.mark.parametrize("before", [b"", b"[0,"])
def test_objects(data: bytes, before: bytes) -> None:
    scan = look(before + data + b',"red"]')
    fields, shadowed, members = open_object(scan, data, len(before), every=False)
    first = "a" if b'"a"' in data else "é"
    assert list(fields) == [first, "blue", "c", "d"]
    assert not shadowed
    assert shown(members) == [(first, b'"red"', RED), ("blue", b"[1,2]", BLUE), ("d", b'"blue red"', RED | BLUE)]
    for _, value, _, at in members:
        assert (before + data)[at:].startswith(bytes(value))
    _, _, members = open_object(scan, data, len(before), every=True)
    assert [member[0] for member in members] == [first, "blue", "c", "d"]


def test_an_object_without_matches_is_not_looked_into() -> None:
    scan = look(b'{"x":{"a":1,"a":2},"y":"red"}')
    assert open_object(scan, b'{"a":1,"a":2}', 5, every=False)[1:] == (False, [])


@pytest.mark.parametrize(
    "data", [b'{"a":"red","a":1}', b'{"a":1,"a":"red"}', b'{"a":1,"\\u0061":"red"}', b'{"a":"red" ,"a":"red"}']
)
def test_shadowed_values_are_told(data: bytes) -> None:
    fields, shadowed, members = open_object(look(data), data, 0, every=False)
    assert shadowed
    assert [(key, value) for key, value, _ in shown(members)] == [("a", bytes(fields["a"]))]
    assert [at for *_, at in members] == [NOWHERE]


@pytest.mark.parametrize("data", [b"{}", b"{ }", b"[]", b"[ ]"])
def test_nothing_inside(data: bytes) -> None:
    scan = look(b'["red",' + data + b"]")
    if data[:1] == b"{":
        assert open_object(scan, data, 7, every=True) == ({}, False, [])
        assert open_object(scan, data, NOWHERE, every=True) == ({}, False, [])
    else:
        assert open_array(scan, data, 7, every=True) == ([], [])


def test_values_without_a_place_are_scanned() -> None:
    scan = look(b"{}")
    for data in (COMPACT, SPACED):
        _, shadowed, members = open_object(scan, data, NOWHERE, every=False)
        assert not shadowed
        assert shown(members) == [
            ("a", b'"red"', RED),
            ("blue", b"[1,2]", 0),
            ("c", b'{"x":"y"}', 0),
            ("d", b'"blue red"', RED | BLUE),
        ]
    elements, flagged = open_array(scan, b'["red",1]', NOWHERE, every=False)
    assert len(elements) == 2
    assert shown(flagged) == [(0, b'"red"', RED), (1, b"1", 0)]


@pytest.mark.parametrize("data", [b'[1,"red",{"blue":1},"x"]', b'[ 1 , "red",{"blue":1} ,"x"]'])
def test_arrays(data: bytes) -> None:
    scan = look(b'{"a":' + data + b',"b":"red"}')
    elements, flagged = open_array(scan, data, 5, every=False)
    assert len(elements) == 4
    assert shown(flagged) == [(1, b'"red"', RED), (2, b'{"blue":1}', BLUE)]
    assert [element[0] for element in open_array(scan, data, 5, every=True)[1]] == [0, 1, 2, 3]
    assert open_array(scan, b"[1]", 0, every=False)[1] == []


def test_matches_between_two_places() -> None:
    scan = look(b'"red blue"')
    assert matched(scan, 0, 4) == ALWAYS | RED
    assert matched(scan, 4, 20) == ALWAYS | BLUE
    assert matched(scan, 9, 20) == ALWAYS


def test_any_document_in_any_spelling() -> None:
    turn = random.Random(3)
    words = ["red", "blue", "x", "", "é", "a\\b", '"', "reda"]
    for _ in range(300):
        document = {
            turn.choice(words) + str(at): [turn.choice(words) for _ in range(turn.randrange(3))] for at in range(5)
        }
        separators = turn.choice([(",", ":"), (", ", ": "), (" ,", " :  ")])
        data = json.dumps(document, separators=separators, ensure_ascii=turn.random() < 0.5).encode()
        _, shadowed, members = open_object(look(data), data, 0, every=True)
        assert not shadowed
        for key, value, found, at in members:
            assert data[at:].startswith(bytes(value))
            whole = key + json.dumps(document[key])
            assert bool(found & RED) == ("red" in whole)
            assert bool(found & BLUE) == ("blue" in whole)
