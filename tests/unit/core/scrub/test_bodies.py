"""What a request hides in its texts: N1 to N3 in profile `strict`, GraphQL in both."""

from __future__ import annotations

from typing import Any

import pytest

from support import scrubbing

STRICT, PARITY = scrubbing.default_program("strict"), scrubbing.default_program("parity")


def request(program: Any, **members: Any) -> dict[str, Any]:
    return scrubbing.scrub(program, {"request": members})["request"]


def test_n1_query_in_the_url() -> None:
    got = request(STRICT, url="https://h/x?token=1&q=a%40b.co&r=+#part")
    assert got == {
        "url": "https://h/x",
        "query_string": [["token", "[Filtered]"], ["q", "[email]"], ["r", " "]],
        "fragment": "part",
    }
    assert request(PARITY, url="https://h/x?token=1") == {"url": "https://h/x?token=1"}


def test_n1_fragment_in_the_url() -> None:
    got = request(STRICT, url="https://h/x?a=1#token=5")
    assert got == {"url": "https://h/x", "fragment": "[Filtered]", "query_string": [["a", "1"]]}


def test_n1_fragment_that_loses_nothing_stays_in_the_url() -> None:
    for url in ("https://h/x#my-token", "https://h/x?a=1#my-token"):
        assert request(STRICT, url=url) == {"url": url}


def test_n1_beside_a_query() -> None:
    """The query of the URL is cut off if it would lose something, and only then."""
    assert request(STRICT, url="https://h/x?token=1", query_string="a=1") == {
        "url": "https://h/x",
        "query_string": "a=1",
    }
    assert request(STRICT, url="https://h/x#token=1", fragment="f") == {"url": "https://h/x", "fragment": "f"}
    for members in (
        {"url": "https://h/x?b=1#f", "query_string": "a=1"},
        {"url": "https://h/x#g", "fragment": "f"},
        {"url": 5},
    ):
        assert request(STRICT, **members) == members


def test_n1_fragment_without_a_query_to_move() -> None:
    got = request(STRICT, url="https://h/x#token=5")
    assert got == {"url": "https://h/x", "fragment": "[Filtered]"}
    got = request(STRICT, url="https://h/x?a=1#token=5", query_string="b=2")
    assert got == {"url": "https://h/x", "fragment": "[Filtered]", "query_string": "b=2"}


def test_n1_url_that_loses_nothing_stays_whole_beside_what_does() -> None:
    for url in ("https://h/x#part", "https://h/x?a=1#part"):
        assert request(STRICT, url=url, env={"password": "x"}) == {"url": url, "env": {"password": "[Filtered]"}}


@pytest.mark.parametrize(
    ("data", "got"),
    [
        ('{"pin":"1","password":"2"}', {"pin": "1", "password": "[Filtered]"}),
        (' ["a", {"token": "2"}]', ["a", {"token": "[Filtered]"}]),
        ("a=1&password=x", {"a": "1", "password": "[Filtered]"}),
        ("a=1&a=2&password=x", [["a", "1"], ["a", "2"], ["password", "[Filtered]"]]),
        ("password=x", {"password": "[Filtered]"}),
        ("password=", "[Filtered]"),
        ("my password", "[Filtered]"),
        ("{broken password", "[Filtered]"),
        ("<?xml password=1&b=2", "[Filtered]"),
        ('{"pin":"1"}', '{"pin":"1"}'),
        ('{"password": null}', "[Filtered]"),
        ("a=1&b=2", "a=1&b=2"),
    ],
)
def test_n2_bodies(data: str, got: Any) -> None:
    assert request(STRICT, data=data)["data"] == got


def test_n3_cookie_header() -> None:
    headers = {"Cookie": "sessionid=1; b=2", "X": "y"}
    got = request(STRICT, headers=headers)
    assert got == {"headers": [["X", "y"]], "cookies": [["sessionid", "[Filtered]"], ["b", "2"]]}
    assert request(STRICT, headers=headers, cookies={"a": "1"}) == {"headers": [["X", "y"]], "cookies": {"a": "1"}}
    for same in ({"Cookie": "b=2"}, {"Cookie": "unparsed"}, {"X": "y"}, [["Cookie", None], [None, "x"]], 5):
        assert request(STRICT, headers=same, url="x") == {"headers": same, "url": "x"}


@pytest.mark.parametrize("first", ["", " ; ", "b=2", "unparsed", "sessionid=3"])
def test_n3_every_cookie_header_is_read(first: str) -> None:
    """HTTP/2 may split cookies over several headers; a harmless first one must not hide the next."""
    got = request(STRICT, headers=[["Cookie", first], ["X", "y"], ["cookie", "sessionid=secret"]])
    assert got["headers"] == [["X", "y"]]
    assert got["cookies"][-1] == ["sessionid", "[Filtered]"]
    assert not {"secret", "3"} & {value for _, value in got["cookies"]}


def test_n3_empty_cookie_header_stays() -> None:
    got = request(STRICT, headers=[["Cookie", " ; "], ["X-Api-Key", "k"]])
    assert got == {"headers": [["Cookie", " ; "], ["X-Api-Key", "[Filtered]"]]}


GRAPHQL = {
    "request": {
        "api_target": "GraphQL",
        "data": {"query": "query($u: ID)", "variables": {"u": 5, "v": {"w": 1}}},
    },
    "contexts": {
        "response": {
            "type": "response",
            "data": {"data": {"u": "x", "o": {"v": 1, "k": {"u": {"y": 1}}}, "l": [{"u": 1}]}},
        }
    },
}


def test_graphql() -> None:
    for program in (PARITY, STRICT):
        got = scrubbing.scrub(program, GRAPHQL)
        assert got["request"]["data"]["variables"] == {"u": "[Filtered]", "v": "[Filtered]"}
        data = {"u": "[Filtered]", "o": {"v": "[Filtered]", "k": {"u": {"y": 1}}}, "l": [{"u": 1}]}
        assert got["contexts"]["response"]["data"]["data"] == data
        assert "_meta" not in got


def test_graphql_without_variables() -> None:
    event = {**GRAPHQL, "request": {"api_target": "graphql", "data": {"query": "q"}}}
    assert scrubbing.scrub(PARITY, event)["contexts"]["response"]["data"] == {}


def test_graphql_without_a_response() -> None:
    """Scrubbing.md 1: the variables go whether or not the answer was captured."""
    got = scrubbing.scrub(PARITY, {"request": GRAPHQL["request"]})
    assert got["request"]["data"]["variables"] == {"u": "[Filtered]", "v": "[Filtered]"}
    assert "contexts" not in got


@pytest.mark.parametrize("answer", [None, "u", [{"u": "x"}]])
def test_graphql_answers_that_are_no_object_are_not_entered(answer: Any) -> None:
    """Scrubbing.md 1: nested objects are searched, arrays are not; a failed request has null there."""
    contexts = {"response": {"type": "response", "data": {"data": answer, "errors": []}}}
    got = scrubbing.scrub(PARITY, {**GRAPHQL, "contexts": contexts})
    assert got["request"]["data"]["variables"]["u"] == "[Filtered]"
    assert got["contexts"] == contexts


@pytest.mark.parametrize(
    "request_", [{"api_target": "rest", "data": {"variables": {"a": 1}}}, {"api_target": "graphql", "data": "text"}, 5]
)
def test_not_graphql(request_: Any) -> None:
    event = {"request": request_, "extra": "api_target"}
    assert scrubbing.scrub(PARITY, event) == event


def test_requests_go_whole() -> None:
    program = scrubbing.config_program({"applications": {"!nope": ["@anything"]}}, "strict")
    assert scrubbing.scrub(program, {"request": {"env": {"a": "b"}}})["request"]["env"] is None
    assert scrubbing.scrub(program, {"request": "text"})["request"] == "[Filtered]"
