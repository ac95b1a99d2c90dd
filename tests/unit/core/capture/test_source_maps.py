"""Places in scripts that tools made, and where somebody wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.capture.source_maps import Original, Place, SourceMap, _fields
from support.bundle import CART, MAIN, PLACES, map_bytes

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def written(value: int) -> str:
    """One number as maps write it."""
    left, text = (-value << 1 | 1) if value < 0 else value << 1, ""
    while True:
        left, digit = left >> 5, left & 31
        text += DIGITS[digit | 32 if left else digit]
        if not left:
            return text


def find(data: bytes, line: int, column: int) -> Original | None:
    place = Place(line, column)
    return SourceMap.parse(data).find([place]).get(place)


def plain(mappings: str, /, **members: Any) -> bytes:
    return json.dumps(
        {"version": 3, "sources": ["a.ts", "b.ts"], "names": ["pay"], "mappings": mappings, **members}
    ).encode()


@pytest.mark.parametrize(("column", "expected"), PLACES.items())
def test_a_bundle_as_another_reader_reads_it(column: int, expected: tuple[str, int, int, str | None] | None) -> None:
    original = find(map_bytes(), 1, column)
    if expected is None:
        assert original is None
        return
    source, line, at, name = expected
    content = CART if source.endswith("cart.ts") else MAIN
    assert original == Original(source, Place(line, at), name, content)


def test_all_places_of_a_bundle_in_one_walk() -> None:
    places = [Place(1, column) for column in reversed(PLACES)]
    one_map = SourceMap.parse(map_bytes())
    found = one_map.find(places)
    assert {place.column for place in found} == {column for column, original in PLACES.items() if original}
    assert one_map.find([]) == {}
    assert one_map.find([Place(2, 1), Place(99, 1)]) == {}
    assert "1 sections" in repr(one_map)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A", (0,)),
        ("C", (1,)),
        ("D", (-1,)),
        ("2H", (123,)),
        ("qxmvrH", (123456789,)),
        ("uDt7D0TkuK", None),
        ("AAgBC", (0, 0, 16, 1)),
        ("AAAAA", (0, 0, 0, 0, 0)),
        ("+/////B", (2**30 - 1,)),
    ],
)
def test_numbers(text: str, values: tuple[int, ...] | None) -> None:
    assert _fields(text) == (values or (55, -1974, 314, 5346))


@pytest.mark.parametrize("text", ["AA", "AAA", "AAAAAA", "g", "AAg", "!", "AAA=", "gggggggA", "é", "A" * 36])
def test_what_is_no_segment(text: str) -> None:
    with pytest.raises(ValueError, match=r"segment"):
        find(plain(text), 1, 1)


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 1), st.integers(0, 500), st.integers(0, 500)), max_size=30)
)
def test_what_was_written_is_read(marks: list[tuple[int, int, int, int]]) -> None:
    """On one line, sorted by column; each place is the one of the last mark before it."""
    by_column = {column: (source, line, at) for column, source, line, at in sorted(marks)}
    before, segments = (0, 0, 0, 0), []
    for column, where in by_column.items():
        now = (column, *where)
        segments.append("".join(written(new - old) for new, old in zip(now, before, strict=True)))
        before = now
    data = plain(",".join(segments))
    found = SourceMap.parse(data).find(Place(1, column + 1) for column in range(101))
    for column in range(101):
        expected = next((by_column[at] for at in range(column, -1, -1) if at in by_column), None)
        original = found.get(Place(1, column + 1))
        told = original and (
            ["a.ts", "b.ts"].index(original.source),
            original.place.line - 1,
            original.place.column - 1,
        )
        assert told == expected


def test_lines_begin_anew_and_gaps_say_nothing() -> None:
    data = plain("AAAA,E,IACAA;;ACAA")  # column 2 of line 1 is of no file
    assert find(data, 1, 1) == Original("a.ts", Place(1, 1))
    assert find(data, 1, 4) is None
    assert find(data, 1, 7) == Original("a.ts", Place(2, 1), "pay")
    assert find(data, 1, 500) == Original("a.ts", Place(2, 1), "pay")
    assert find(data, 2, 1) is None
    assert find(data, 3, 1) == Original("b.ts", Place(2, 1))
    assert find(data, 4, 1) is None
    assert find(data, 0, 0) is None


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"sourceRoot": "/src/"}, Original("/src/a.ts", Place(1, 1), "pay")),
        ({"sourceRoot": "webpack://shop"}, Original("webpack://shop/a.ts", Place(1, 1), "pay")),
        ({"sources": [None]}, Original("", Place(1, 1), "pay")),
        ({"sources": []}, None),
        ({"names": []}, Original("a.ts", Place(1, 1))),
        ({"names": [5]}, Original("a.ts", Place(1, 1))),
        ({"sourcesContent": []}, Original("a.ts", Place(1, 1), "pay")),
        ({"sourcesContent": [None]}, Original("a.ts", Place(1, 1), "pay")),
        ({"sourcesContent": ["x"]}, Original("a.ts", Place(1, 1), "pay", "x")),
        ({"mappings": "ADAAA"}, None),
        ({"mappings": "AADAA"}, None),
        ({"mappings": "AAADA"}, None),
        ({"mappings": "AAAAD"}, Original("a.ts", Place(1, 1))),
        ({"file": 5, "x_more": [[]]}, Original("a.ts", Place(1, 1), "pay")),
    ],
)
def test_what_a_map_may_leave_out_or_have_wrong(members: dict[str, Any], expected: Original | None) -> None:
    assert find(plain("AAAAA", **members), 1, 1) == expected


def test_a_map_that_begins_with_a_guard() -> None:
    assert find(b")]}'\n" + plain("AAAA"), 1, 1) == Original("a.ts", Place(1, 1))


def test_maps_in_sections() -> None:
    def section(line: int, column: int, source: str, mappings: str) -> dict[str, Any]:
        one = {"version": 3, "sources": [source], "names": [], "mappings": mappings}
        return {"offset": {"line": line, "column": column}, "map": one}

    data = json.dumps(
        {
            "version": 3,
            "sections": [
                section(2, 0, "c.ts", "AAAA;AACA"),
                section(0, 10, "b.ts", "AAAA;EAEA"),
                section(0, 2, "a.ts", "AAAA"),
                {"offset": {"line": 9, "column": 0}, "url": "elsewhere.map"},
            ],
        }
    ).encode()
    assert find(data, 1, 1) is None
    assert find(data, 1, 3) == Original("a.ts", Place(1, 1))
    assert find(data, 1, 11) == Original("b.ts", Place(1, 1))
    assert find(data, 2, 3) == Original("b.ts", Place(3, 1))
    assert find(data, 4, 5) == Original("c.ts", Place(2, 1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html>",
        b"[]",
        b"{}",
        b'{"version":3}',
        b'{"version":2,"mappings":""}',
        b'{"version":3,"mappings":5}',
        b'{"version":3,"sections":[{}]}',
        b'{"version":3,"mappings":"","sources":"a"}',
        b'\xff{"version":3}',
        b'{"version":3,"x":' + b"[" * 200_000,
    ],
    ids=range(11),
)
def test_what_is_no_map(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        SourceMap.parse(data)


@given(st.text(alphabet="ACDgh,;!", max_size=40))
def test_whatever_a_map_says_there_is_an_answer_or_a_value_error(mappings: str) -> None:
    try:
        found = SourceMap.parse(plain(mappings)).find([Place(1, 1), Place(2, 9), Place(3, 3)])
    except ValueError:
        return
    assert len(found) <= 3


def test_segments_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrubjay.core.capture.source_maps._MAX_KNOWN", 1)
    assert find(plain("AAAA,CAAC,CAAC"), 1, 3) == Original("a.ts", Place(1, 3))
