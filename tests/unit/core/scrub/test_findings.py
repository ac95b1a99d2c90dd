"""What looks personal whatever the rules are, and where in a payload it may be (scrubbing-15.2)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from scrubjay.core.scrub import findings as module
from scrubjay.core.scrub.findings import RULES, findings, may_hold, places
from support import scrubbing

MAIL, SECRET = "ana@lab.example", "q7Zt0pWm4kXv9sLb2nRc8yHd"


def found_at(document: Any) -> set[str] | None:
    paths = places(document if isinstance(document, bytes) else json.dumps(document).encode())
    return None if paths is None else {".".join(path) for path in paths}


@pytest.mark.parametrize(
    ("value", "key", "detector"),
    [
        ("to ana@lab.example", None, "email"),
        ("paid with 4242 4242 4242 4242", None, "card"),
        ("DE89 3704 0044 0532 0130 00", None, "iban_strict"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9mLWl0", None, "jwt"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD9\n-----END RSA PRIVATE KEY-----", None, "private_key"),
        ("from 192.0.2.17", None, "ip_strict"),
        ("q7Zt0pWm4kXv9sLb2nRc8yHd", "client_secret", "secret_entropy"),
    ],
)  # fmt: skip
def test_detectors(value: str, key: str | None, detector: str) -> None:
    assert detector in [finding.detector for finding in findings(value.encode(), key)]


@pytest.mark.parametrize(
    "value", ["4242 4242 4242 4241", "DE88 3704 0044 0532 0130 00", "a.b.c", "release 1.2.3", "plain"]
)
def test_check_digits_and_forms_decide(value: str) -> None:
    assert findings(value.encode(), "note") == []


def test_every_rule_exists() -> None:
    assert len(RULES) == len(module._detectors().rules) == 7
    assert not findings(b"", None)


@pytest.mark.parametrize(
    ("names", "may"),
    [((), False), (("extra", "0", "span_id", "\ud800"), False), (("extra", MAIL), True), (("client_secret",), True)],
)
def test_names_that_are_clean_at_a_look(names: tuple[str, ...], may: bool) -> None:
    assert may_hold(names) is may


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"a": "plain", "b": [1, {"c": True}]}, set()),
        ({"a": {"b": [MAIL, "plain", 1], "c": MAIL}, "d": "x"}, {"a", "a.b", "a.b.0", "a.c"}),
        ({"a": {MAIL: {"b": 1}}}, {"a", f"a.{MAIL}"}),
        ({"a": {f"1{MAIL}": None}}, {"a", f"a.1{MAIL}"}),
        ({"a": 4242424242424242, "b": 4242424242424241, "c": "gateway_request"}, {"a"}),
        ({"client_secret": SECRET, "x": SECRET, "token": {"x": SECRET}}, {"client_secret"}),
        ({"a": [[MAIL, {"x": 1}], ["b", 1]]}, {"a", "a.0", "a.0.0", "a.0.1"}),
        ({"a": [["client_secret", SECRET], ["x", 1]]}, {"a", "a.0", "a.0.1"}),
        ({"a": [[5, MAIL], [[MAIL], 5]]}, {"a", "a.0", "a.0.1", "a.1", "a.1.0", "a.1.0.0"}),
        ({"a": [4242424242424242, 5]}, {"a", "a.0"}),
        ({"a": "4242 4242 4242 4241", "b": "secret"}, set()),
        (b' \n{"a":42424242.42424242e8,"b":"1e5","c":1E5}', {"a"}),
        (b'{"a":42424242.42424242e-8}', {"a"}),
        (b'{"a":"ana\\u0040lab.example","b":"ana\\u0000@lab.example"}', {"a", "b"}),
        ([MAIL], {"0"}),
        (MAIL, set()),
        (b"4242424242424242", set()),
        (b"null", set()),
    ],
)  # fmt: skip
def test_places(document: Any, paths: set[str]) -> None:
    assert found_at(document) == paths


@pytest.mark.parametrize(
    "payload", [b'{"a":1,"a":"ana@lab.example"}', b'{"b":[{"x":"ana@lab.example","x":{"y":"ana@lab.example"}}]}']
)
def test_what_cannot_be_screened_is_anywhere(payload: bytes) -> None:
    """A member that stands there twice has no place of its own."""
    assert found_at(payload) is None
    with scrubbing.full_walk():
        assert found_at({"a": "plain"}) is None


def test_too_much_to_see_is_anywhere() -> None:
    assert found_at({"a": "1" * 30_000}) is None


def test_each_text_is_asked_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    known = module._detectors()

    def find(text: bytes) -> list[Any]:
        asked.append(text)
        return []

    finders = tuple((bits, find) for bits, _ in known.finders)
    monkeypatch.setattr(module, "_detectors", lambda: replace(known, finders=finders))
    assert found_at({"a": [{"thread": "140374121397120"} for _ in range(50)]}) == set()
    assert sorted(asked) == [b"140374121397120", b"a", b"thread"]
