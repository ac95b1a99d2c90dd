"""Stack traces of scripts: which places are asked about, and what is told of each frame."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from scrubjay.core.capture.context_lines import MAX_FRAMES
from scrubjay.core.capture.originals import inline_map, lines_of, map_reference, scripts_of, url_of, with_originals
from scrubjay.core.capture.source_maps import Original, Place, SourceMap
from support.bundle import MAP, SCRIPT, THROWN, map_bytes

URL = "http://localhost:5173/app.js"
OTHER = "http://localhost:5173/other.js"


def frame(column: int, url: Any = URL, **members: Any) -> dict[str, Any]:
    return {"filename": url, "lineno": 1, "colno": column, **members}


def test_a_trace_as_it_was_written() -> None:
    trace = {"frames": [frame(column, function=name) for name, column in THROWN], "registers": {}}
    assert scripts_of(trace) == {URL: {Place(1, column) for _, column in THROWN}}
    places = SourceMap.parse(map_bytes()).find(scripts_of(trace)[URL])
    filled = with_originals(trace, {(URL, place): original for place, original in places.items()})
    assert filled["registers"] == {}
    frames: Any = filled["frames"]
    told = [each.pop("original") for each in frames]
    assert frames == trace["frames"]
    assert [(each["filename"], each["lineno"], each.get("function"), each["context_line"]) for each in told] == [
        ("../src/main.ts", 12, None, "checkOut();"),
        ("../src/main.ts", 9, "checkOut", "  console.log(sumOfCart(lines));"),
        ("../src/cart.ts", 11, "sumOfCart", "      throw new TypeError(`no price of ${line.name}`);"),
    ]
    assert told[2]["pre_context"][-1] == "    if (line.price === null) {"
    assert told[2]["post_context"][0] == "    }"


def test_a_frame_in_between_that_is_not_known_ends_what_a_function_was_called() -> None:
    found = {(URL, Place(1, 5)): Original("a.ts", Place(1, 1), "pay", None)}
    frames: Any = with_originals({"frames": [frame(5), frame(5), {"function": "forEach"}, frame(5)]}, found)["frames"]
    assert [each.get("original", {}).get("function") for each in frames] == [None, "pay", None, None]
    assert frames[1]["original"] == {"filename": "a.ts", "lineno": 1, "colno": 1, "function": "pay"}


def test_lines_that_the_original_does_not_have() -> None:
    found = {(URL, Place(1, 5)): Original("a.ts", Place(9, 1), None, "one\ntwo\r\nthree")}
    frames: Any = with_originals({"frames": [frame(5)]}, found)["frames"]
    assert frames[0]["original"] == {"filename": "a.ts", "lineno": 9, "colno": 1}
    assert lines_of("one\ntwo\r\nthree\rfour\x0bstill four\u2028and here") == [
        "one",
        "two",
        "three",
        "four\x0bstill four\u2028and here",
    ]


@pytest.mark.parametrize(
    ("members", "url"),
    [
        ({"filename": URL}, URL),
        ({"filename": "app.js", "abs_path": URL + "#part"}, URL),
        ({"filename": URL, "abs_path": "/srv/app.js"}, URL),
        ({"filename": "HTTPS://shop.test/a.js"}, "HTTPS://shop.test/a.js"),
        ({"filename": "app:///app.js"}, None),
        ({"filename": "file:///app.js"}, None),
        ({"filename": "<anonymous>", "abs_path": 5}, None),
        ({"filename": "http://localhost/" + "x" * 2048}, None),
    ],
)
def test_the_address_of_a_script(members: dict[str, Any], url: str | None) -> None:
    assert url_of(members) == url


@pytest.mark.parametrize(
    "odd",
    [
        None,
        5,
        {},
        frame(0),
        frame(5, lineno=0),
        frame(5, lineno="1"),
        frame(5, colno=True),
        frame(5, lineno=True),
        frame(5, url="http://localhost/node_modules/x.js"),
        frame(5, url=""),
        frame(5, url=7),
        frame(5, url="app.js"),
    ],
)
def test_frames_that_ask_for_nothing_stay_as_they_came(odd: Any) -> None:
    assert scripts_of({"frames": [odd]}) == {}
    assert with_originals({"frames": [odd]}, {}) == {"frames": [odd]}


@pytest.mark.parametrize("trace", [{}, {"frames": None}, {"frames": "x"}, {"frames": {}}])
def test_what_has_no_frames_stays_as_it_came(trace: dict[str, Any]) -> None:
    assert scripts_of(trace) == {}
    assert with_originals(trace, {}) == trace


def test_those_nearest_to_the_error_go_first_and_far_ones_not_at_all() -> None:
    frames = [frame(1, "http://localhost/far.js"), *[frame(1, OTHER)] * (MAX_FRAMES - 1), frame(2)]
    assert list(scripts_of({"frames": frames})) == [URL, OTHER]


@pytest.mark.parametrize(
    ("script", "header", "reference"),
    [
        (SCRIPT.encode(), None, "app.js.map"),
        (SCRIPT.encode(), " other.map ", "other.map"),
        (b"x//# sourceMappingURL=one.map\n//@ sourceMappingURL=two.map?v=1\nmore", None, "two.map?v=1"),
        (b"x/*# sourceMappingURL=app.css.map*/", None, "app.css.map"),
        (b"x/*# \t sourceMappingURL=app.css.map */", None, "app.css.map"),
        (b"//# sourceMappingURL=", None, None),
        (b"//# sourceMappingURL= x", None, None),
        (b'const sign = "sourceMappingURL=" + x', None, None),
        (b"# sourceMappingURL=x", None, None),
        (b"nothing", "", None),
        (b"", None, None),
        (b"//# sourceMappingURL=\xff.map", None, "\ufffd.map"),
    ],
)
def test_where_a_map_is(script: bytes, header: str | None, reference: str | None) -> None:
    assert map_reference(script, header) == reference


def test_maps_inside_of_their_script() -> None:
    data = map_bytes()
    coded = base64.b64encode(data).decode()
    assert inline_map(f"data:application/json;charset=utf-8;base64,{coded}") == data
    assert inline_map("data:application/json,%7B%22version%22:3%7D") == b'{"version":3}'
    for wrong in ("data:application/json;base64", "data:;base64,A", ""):
        with pytest.raises(ValueError, match=r"."):
            inline_map(wrong)
    assert MAP["version"] == 3
