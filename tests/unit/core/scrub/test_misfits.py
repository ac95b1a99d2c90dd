"""Values of another kind than their field has: nobody knows what they are, so in `strict` they are scrubbed as untyped JSON.

The reference takes them out of the document and scrubs the original (scrubbing.md 5.6, 9.4); `strict` must not remove less.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import compile_program
from scrubjay.settings.scrub import Scrub
from support import scrubbing

STRICT = scrubbing.default_program("strict")
CARD = "4242424242424242"
EMAIL = "rosa.klein@ferry-line.example"
SECRET = "vermilion-otter"
PLACES = [
    ("extra",),
    ("user",),
    ("user", "email"),
    ("user", "data"),
    ("request",),
    ("request", "url"),
    ("request", "env"),
    ("request", "headers"),
    ("request", "cookies"),
    ("request", "fragment"),
    ("contexts",),
    ("contexts", "mine"),
    ("contexts", "response", "headers"),
    ("tags",),
    ("breadcrumbs", "values", 0, "message"),
    ("breadcrumbs", "values", 0, "data"),
    ("exception", "values", 0, "mechanism"),
    ("exception", "values", 0, "mechanism", "description"),
    ("exception", "values", 0, "mechanism", "data"),
    ("exception", "values", 0, "stacktrace", "frames", 0, "vars"),
    ("threads", "values", 0, "stacktrace", "frames", 0, "vars"),
    ("stacktrace", "frames", 0, "vars"),
    ("spans",),
    ("spans", 0),
    ("spans", 0, "data"),
    ("spans", 0, "description"),
]
WRONG: list[Any] = [
    f"{EMAIL} {CARD}",
    [f"{EMAIL} {CARD}"],
    {"k": f"{EMAIL} {CARD}"},
    [["k", f"{EMAIL} {CARD}"], ["a"]],
    [["k", {"z": f"{EMAIL} {CARD}"}]],
    [None, {"k": [CARD, EMAIL]}],
]


def at(place: tuple[Any, ...], value: Any) -> Any:
    for key in reversed(place):
        value = [value] if key == 0 else {key: value}
    return value


def scrubbed(document: Any, shape: str = "event") -> str:
    return json.dumps(scrubbing.scrub(STRICT, document, shape))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
@pytest.mark.parametrize("wrong", WRONG, ids=json.dumps)
def test_nothing_leaves_because_it_is_of_the_wrong_kind(place: tuple[Any, ...], wrong: Any) -> None:
    got = scrubbed(at(place, wrong))
    assert CARD not in got
    assert EMAIL not in got


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_parity_has_an_answer_to_each_and_strict_removes_no_less(place: tuple[Any, ...]) -> None:
    parity = scrubbing.default_program("parity")
    for wrong in WRONG:
        document = at(place, wrong)
        kept = json.dumps(scrubbing.scrub(parity, document))
        assert all(planted in kept for planted in (CARD, EMAIL) if planted in scrubbed(document))


@pytest.mark.parametrize(
    "cookies", [f"sessionid={SECRET}; c", f"c; sessionid={SECRET}", f"a=1;; ;sessionid={SECRET};b"]
)
def test_cookies_without_a_name_do_not_hide_the_others(cookies: str) -> None:
    assert SECRET not in scrubbed({"request": {"cookies": cookies}})
    assert SECRET not in scrubbed({"request": {"headers": {"Cookie": cookies}}})


def test_pairs_beside_what_is_no_pair() -> None:
    got = scrubbing.scrub(STRICT, {"request": {"headers": [["a"], ["X-Api-Key", SECRET], ["Accept", "x"]]}})
    assert got["request"]["headers"] == [["a"], ["X-Api-Key", "[Filtered]"], ["Accept", "x"]]
    assert list(got["_meta"]["request"]["headers"]) == ["1"]


def test_pair_that_holds_nothing_stays_beside_one_that_does() -> None:
    headers = [["X-A", {"password": None}], ["X-B", {"password": SECRET}]]
    got = scrubbing.scrub(STRICT, {"request": {"headers": headers}})["request"]["headers"]
    assert got == [["X-A", {"password": None}], ["X-B", {"password": "[Filtered]"}]]


def test_a_value_of_the_right_kind_is_no_misfit() -> None:
    event = {"user": None, "tags": None, "extra": {}, "request": {"url": None}, "level": "info", "exception": [None]}
    assert scrubbing.scrub(STRICT, event) == event


@pytest.mark.parametrize(
    "attributes",
    [
        {"k": f"{EMAIL} {CARD}"},
        {"password": SECRET},
        {"k": [CARD]},
        [{"key": "k", "value": EMAIL}],
        {"k": {"type": "string", "value": "a", "unit": EMAIL}},
        {"k": {"type": CARD, "value": "a"}},
        f"{EMAIL}",
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("shape", ["log_container", "span_container"])
def test_attributes_in_other_forms(attributes: Any, shape: str) -> None:
    got = scrubbed({"items": [{"attributes": attributes}]}, shape)
    assert not any(planted in got for planted in (EMAIL, CARD, SECRET))


@pytest.mark.parametrize(
    ("document", "shape"),
    [
        ({"items": [{"body": {"k": EMAIL}}]}, "log_container"),
        ({"items": [{"body": "a", "unheard": EMAIL, "password": SECRET}]}, "log_container"),
        ({"items": [{"unheard": EMAIL, "password": SECRET}]}, "span_container"),
        ({"items": [{"name": f"select '{EMAIL}'"}]}, "span_container"),
        ({"items": [], "note": EMAIL, "password": SECRET}, "log_container"),
        ({"items": [{"attributes": {"k": {"value": EMAIL}}, "password": SECRET}]}, "span"),
        ({"exception": [{"mechanism": {"unheard": EMAIL, "password": SECRET}}]}, "event"),
    ],
)
def test_members_that_nobody_has_heard_of(document: Any, shape: str) -> None:
    got = scrubbed(document, shape)
    assert EMAIL not in got
    assert SECRET not in got


def test_what_stands_beside_the_records_of_a_container_stays_if_it_is_known() -> None:
    logs = {"items": [{"body": "a"}], "version": 2, "ingest_settings": {"infer_ip": "never"}, "x": "y"}
    assert scrubbing.scrub(STRICT, logs, "log_container") == logs


def test_a_rule_that_names_a_context_reaches_it_whatever_it_is() -> None:
    """scrubbing.md 16: the key stands outside of the bytes that are screened"""
    config = {"applications": {"contexts.email": ["@anything"]}}
    program = compile_program(pii_config=config, settings=None, options=Scrub(profile="strict"))
    scrubbed = scrub_document(program, b'{"contexts":{"email":"order accepted"}}', "event")
    assert scrubbed is not None
    assert json.loads(scrubbed)["contexts"] == {"email": "[Filtered]"}
