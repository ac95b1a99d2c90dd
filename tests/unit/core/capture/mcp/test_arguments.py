"""Arguments of tools become questions to the store; what is wrong is refused with what would do."""

from __future__ import annotations

import pytest

from scrubjay.core.capture.mcp.arguments import Search, of_kind, of_text, the_one
from scrubjay.core.capture.values import BadQuery
from support.founds import NOW, Shelf, titles


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf()
    frames = {"frames": [{"filename": "shop/cart.py", "function": "pay"}]}
    shelf.event(exception={"values": [{"type": "ValueError", "value": "old", "stacktrace": frames}]})
    shelf.now_unix = NOW + 100
    shelf.event(message="new")
    attributes = {"code.file.path": {"value": "C:\\shop\\cart.py", "type": "string"}}
    lines = [{"body": "one", "attributes": attributes}, {"body": "two", "attributes": {"code.file.path": 5}}]
    shelf.offer(("log", {"items": lines}))
    return shelf


def found(shelf: Shelf, search: Search) -> list[str]:
    return titles(one for one in shelf.founds if search.matches(one))


@pytest.mark.parametrize(
    ("kind", "filters", "wanted"),
    [
        ("error", None, ["new", "ValueError: old"]),
        ("error", {}, ["new", "ValueError: old"]),
        ("error", {"timeWindow": 50}, ["new"]),
        ("error", {"timeWindow": 100.5}, ["new", "ValueError: old"]),
        ("error", {"filename": "cart.py"}, ["ValueError: old"]),
        ("error", {"filename": "shop\\cart.py"}, ["ValueError: old"]),
        ("error", {"filename": "*.py"}, []),
        ("error", {"filename": "!cart.py"}, []),
        ("log", {}, ["one", "two"]),
        ("log", {"filename": "shop/cart.py", "timeWindow": 50}, ["one"]),
        ("", {"filename": "cart.py"}, ["one", "ValueError: old"]),
    ],
)
def test_filters_choose(shelf: Shelf, kind: str, filters: object, wanted: list[str]) -> None:
    search = of_kind({"filters": filters}, kind, NOW + 100)
    assert found(shelf, search) == wanted
    assert search.looks_inside is ("filename" in (filters or {}))  # type: ignore[operator]
    assert not search.needs_reports


def test_pages(shelf: Shelf) -> None:
    search = of_kind({}, "error", NOW)
    assert (search.limit, search.offset) == (10, 0)
    search = of_kind({"filters": {"limit": 50, "offset": 3.0}}, "error", NOW)
    assert (search.limit, search.offset) == (50, 3)
    search = of_text({"query": "type:error level:error", "limit": 2, "offset": 1}, NOW)
    assert (search.limit, search.offset, len(search.conditions)) == (2, 1, 2)
    assert of_text({"query": "has:changes"}, NOW).needs_reports


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"filter": {}}, "did you mean 'filters'"),
        ({"filters": []}, "an object is wanted"),
        ({"filters": {"timewindow": 5}}, "did you mean 'timeWindow'"),
        ({"filters": {"timeWindow": "5"}}, "a number from"),
        ({"filters": {"timeWindow": True}}, "a number from"),
        ({"filters": {"timeWindow": 0}}, "a number from"),
        ({"filters": {"timeWindow": 1e300}}, "a number from"),
        ({"filters": {"filename": 5}}, "filters.filename: a text"),
        ({"filters": {"filename": "a" * 5_000}}, "at most"),
        ({"filters": {"limit": 51}}, "from 1 to 50"),
        ({"filters": {"limit": 1.5}}, "a whole number"),
        ({"filters": {"offset": -1}}, "from 0 to"),
    ],
)
def test_what_is_wrong_is_told(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(BadQuery, match=says):
        of_kind(arguments, "error", NOW)


def test_traces_are_twenty_at_most() -> None:
    assert of_kind({"filters": {"limit": 20}}, "", NOW).limit == 20
    with pytest.raises(BadQuery, match="from 1 to 20"):
        of_kind({"filters": {"limit": 21}}, "", NOW)


def test_a_search_text_is_the_pages() -> None:
    for wrong, says in (
        ({}, "query: a text"),
        ({"query": "("}, "without"),
        ({"query": "lvl:x", "q": 1}, "unknown argument q"),
    ):
        with pytest.raises(BadQuery, match=says):
            of_text(wrong, NOW)


def test_one_text() -> None:
    assert the_one({"id": " abc "}, "id") == "abc"
    for wrong in ({}, {"id": 5}, {"id": "a", "x": 1}):
        with pytest.raises(BadQuery):
            the_one(wrong, "id")
