"""scrubbing-73: each row of scrubbing.md 14 shows in `parity` and is closed in `strict`, unless its switch is thrown."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NamedTuple

import pytest

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.errors import ConfigError, Unscrubbable
from scrubjay.settings.gaps import CLOSURES, Gap
from scrubjay.settings.scrub import Scrub
from support import scrubbing

CARD = "4242424242424242"
EMAIL = "rosa.klein@ferry-line.example"


class Row(NamedTuple):
    """`kept` leaves in parity and stays in strict; `document` is scrubbed by the default settings, or by `config`."""

    gap: Gap
    document: Any
    kept: str
    left: Any = None
    shape: str = "event"
    config: dict[str, Any] | None = None


def extra(value: Any) -> dict[str, Any]:
    return {"extra": {"x": value}}


def hidden(value: str, **own: Any) -> dict[str, Any]:
    return {"extra": {"x": value}, "_meta": {"extra": {"x": {"": own}}}}


def log(**attributes: Any) -> dict[str, Any]:
    return {"items": [{"body": "x", "attributes": attributes}]}


def value_of(field: str, value: Any) -> dict[str, Any]:
    return {"request": {field: None}, "_meta": {"request": {field: {"": {"val": value}}}}}


ROWS = [
    Row("incoming_remarks", hidden(CARD, rem=[["q", "s", 0, 16]]), CARD, "[Filtered]"),
    Row("ipv6", extra("at 2001:db8:0:7::5 up"), "2001", "at [ip] up"),
    Row("ipv6", extra("::1 2001:db8:7:8:9:a:b:c"), "2001", "[ip] [ip]"),
    Row("ipv6", extra("peer2001:db8::5"), "2001", "peer[ip]"),
    Row("ipv6", extra("fe80::1%eth0"), "eth0", "[ip]"),
    Row("ipv6", extra("64:ff9b::203.0.113.9"), "64:", "[ip]"),
    Row("userpath", extra("/home/ines/x"), "ines", "/home/[Filtered]/x"),
    Row("userpath", extra("C:\\Documents and Settings\\ines\\x"), "ines", "C:\\Documents and Settings\\[Filtered]\\x"),
    Row("places", {"request": {"url": f"https://h/{CARD}"}}, CARD),
    Row("places", {"tags": {"a": CARD}}, CARD),
    Row("places", {"exception": {"values": [{"value": CARD}]}}, CARD),
    Row("places", {"breadcrumbs": [{"category": CARD}]}, CARD),
    Row("places", {"spans": [{"description": CARD}]}, CARD),
    Row("email", extra(EMAIL), EMAIL, "[email]"),
    Row("url_credentials", extra("HTTPS://u:pw@h/"), "pw", "HTTPS://u:[Filtered]@h/"),
    Row("url_credentials", extra("//:pw@h/"), "pw", "//:[Filtered]@h/"),
    Row("url_credentials", extra("https://u:p!q@h"), "p!q", "https://u:[Filtered]@h"),
    Row("url_credentials", {"server_name": "HTTPS://u@h"}, "u@h", config={"applications": {"$string": ["@urlauth"]}}),
    Row("meta", hidden("a", val={"k": CARD}), CARD, "a"),
    Row("meta", value_of("cookies", "sid=abcdef; c"), "abcdef"),
    Row("meta", value_of("method", {"k": CARD}), CARD),
    Row("meta", value_of("url", CARD), CARD),
    Row("meta", {"_meta": {"extra": {"": {"err": [["invalid_data", {"reason": "expected text", "value": CARD}]]}}}}, CARD),
    Row("meta", {"_meta": {"extra": CARD}}, CARD),
    Row("meta", {"_meta": CARD}, CARD),
    Row("meta", {"_meta": {"extra": {"": {"note": CARD}}}}, CARD),
    Row("imei", extra("864723041122335"), "8EAE4DCC1B19412C06D77E0D93F5A1DED28762A6", "*" * 15, "event",
        {"applications": {"$string": ["@imei:mask"]}}),
    Row("ai_texts", log(**{"gen_ai.prompt": {"type": "string", "value": EMAIL}}), EMAIL, shape="log_container"),
    Row("ai_texts", log(**{"gen_ai.response.text": {"type": "string", "value": CARD}}), CARD, shape="span_container"),
    Row("encoded", extra(f"to {EMAIL.replace('@', '%40')}"), "rosa", "to [email]"),
    Row("encoded", extra(f"to {EMAIL.replace('@', '%2540')}"), "rosa", "to [email]"),
    Row("encoded", extra(EMAIL.replace("@", "&#64;")), "rosa", "[email]"),
    Row("encoded", extra(EMAIL.replace("@", "\\u0040")), "rosa", "[email]"),
    Row("encoded", extra("next=%3Ftoken%3Dhunter2"), "hunter2", "[Filtered]"),
    Row("numbers", extra(int(CARD)), CARD),
    Row("numbers", extra([-int(CARD), float(CARD)]), CARD, [None, None]),
    Row("keys", extra({EMAIL: 1, "[email]": 2}), EMAIL, {"[email]~2": 1, "[email]": 2}),
    Row("keys", extra({"at 10.20.30.40": {"k": 1}}), "10.20.30.40", {"at [ip]": {"k": 1}}),
    Row("keys", extra([[EMAIL, 1], ["b", 2]]), EMAIL, [["[email]", 1], ["b", 2]]),
    Row("keys", {EMAIL: 1}, EMAIL),
    Row("keys", {"contexts": {EMAIL: {"a": 1}}}, EMAIL),
    Row("keys", {"request": {"headers": {EMAIL: "a"}}}, EMAIL),
    Row("keys", log(**{EMAIL: {"type": "string", "value": "a"}}), EMAIL, shape="log_container"),
    Row("embedded", extra('{"cookies": {"sessionid": "abcdef"}, "k": "v"}'), "abcdef",
        '{"cookies":{"sessionid":"[Filtered]"},"k":"v"}'),
    Row("queries", {"tags": {"url": "https://h/?token=hunter2&b=1"}}, "hunter2"),
    Row("headers", {"request": {"headers": [["Cookie", "sessionid=abcdef; c"], ["x"]]}}, "abcdef"),
    Row("headers", {"request": {"headers": [["Set-Cookie", "csrf=abcdef; Path=/"]]}}, "abcdef"),
    Row("headers", {"contexts": {"response": {"headers": {"set-cookie": "su=abcdef"}}}}, "abcdef"),
    Row("headers", {"request": {"env": {"HTTP_COOKIE": "a=b; PHPSESSID=abcdef"}}}, "abcdef"),
    Row("headers", {"extra": {"cookies": "sudo=abcdef"}}, "abcdef"),
    Row("wrong_kinds", {"exception": {"values": [], "x": CARD}}, CARD),
    Row("wrong_kinds", {"tags": [["a", CARD, "b"]]}, CARD),
    Row("bodies", {"request": {"url": "https://h/?f=/home/ines/x"}}, "ines"),
]  # fmt: skip


@cache
def program(profile: str, open_gap: Gap | None = None, config: str | None = None) -> ScrubProgram:
    options = Scrub(profile=profile, bundles=(), open_gaps=() if open_gap is None else (open_gap,))  # type: ignore[arg-type]
    if config is None:
        return compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=options)
    return compile_program(pii_config=json.loads(config), settings=None, options=options)


def scrubbed(row: Row, profile: str, open_gap: Gap | None = None) -> Any:
    one = program(profile, open_gap, None if row.config is None else json.dumps(row.config))
    return scrubbing.scrub(one, row.document, row.shape)


def spelled(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{CLOSURES[row.gap].row}-{row.gap}-{row.kept}")
def test_scrubbing_73(row: Row) -> None:
    assert row.kept in spelled(scrubbed(row, "parity"))
    got = scrubbed(row, "strict")
    assert row.kept not in spelled(got)
    if row.left is not None:
        assert got["extra"]["x"] == row.left
    assert row.kept in spelled(scrubbed(row, "strict", row.gap))


def test_every_gap_has_a_row_here_or_tests_of_its_own() -> None:
    assert {row.gap for row in ROWS} | {"overlaps", "validation", "surrogates"} == set(CLOSURES)


def test_lone_surrogates() -> None:
    payload = b'{"extra":{"x":"\\ud800 4242424242424242"}}'
    for one in (program("parity"), program("strict", "surrogates")):
        with pytest.raises(Unscrubbable):
            scrub_document(one, payload, "event")
    scrubbed = scrub_document(program("strict"), payload, "event")
    assert scrubbed is not None
    assert json.loads(scrubbed)["extra"]["x"] == "\ufffd [Filtered]"


def test_scrubbing_73_g1_remarks_are_kept_for_display() -> None:
    document = hidden("plain text", rem=[["q", "s", 0, 5]], len=40)
    assert scrubbing.scrub(program("strict"), document) == document
    document = hidden(f"{EMAIL} and text", rem=[["q", "s", 0, 4]], len=40)
    assert scrubbing.scrub(program("strict"), document)["_meta"]["extra"]["x"][""] == {
        "rem": [["@email:replace", "s", 0, 7]],
        "len": 40,
    }


def test_scrubbing_73_g1_the_second_pass_trusts_the_first() -> None:
    """What piiConfig wrote is not looked at by the default rules, also where other remarks came in."""
    masked = {"applications": {"extra.x": ["word"]}, "rules": {"word": {"type": "pattern", "pattern": "note", "redaction": {
        "method": "replace", "text": "the secret"}}}}  # fmt: skip
    both = compile_program(pii_config=masked, settings=scrubbing.SETTINGS, options=Scrub())
    assert scrubbing.scrub(both, extra("a note"))["extra"]["x"] == "a the secret"
    got = scrubbing.scrub(
        both, {"extra": {"x": "a note", "y": CARD}, "_meta": {"extra": {"y": {"": {"rem": [["q", "s", 0, 16]]}}}}}
    )
    assert got["extra"] == {"x": "a the secret", "y": "[Filtered]"}
    records = {
        "items": [
            {"body": "x", "note": "a note"},
            {"body": CARD, "_meta": {"body": {"": {"rem": [["q", "s", 0, 16]]}}}},
        ]
    }
    got = scrubbing.scrub(both, records, "log_container")
    assert got["items"][1]["body"] == "[creditcard]"


def test_scrubbing_73_g9_codes_and_reasons_stay() -> None:
    errors = ["invalid_data", ["invalid_data", {"reason": "expected text"}], {"value": 1}, 5, "Rosa Klein"]
    document = {
        "extra": {"x": None},
        "_meta": {"extra": {"x": {"": {"err": errors, "len": 4, "rem": [["a", "x"]]}}, "y": {"": {"err": "gone"}}}},
    }
    assert scrubbing.scrub(program("strict"), document)["_meta"]["extra"] == {
        "x": {"": {"err": ["invalid_data", ["invalid_data", {"reason": "expected text"}], {}, "invalid_data", "invalid_data"], "len": 4, "rem": [["a", "x"]]}},
        "y": {"": {"err": "gone"}},
    }  # fmt: skip


def test_scrubbing_73_g9_values_that_no_rule_reaches_stay() -> None:
    nothing = {"applications": {"$user.email": ["@email"]}}
    document = hidden("a", val={"k": CARD})
    one = program("strict", None, json.dumps(nothing))
    assert scrubbing.scrub(one, document) == document


OVERLAPPING = {
    "rules": {"r": {"type": "pattern", "pattern": "(a(b))", "replaceGroups": [1, 2], "redaction": {"method": "mask"}}},
    "applications": {"$string": ["r"]},
}


def test_scrubbing_73_g11_overlapping_groups() -> None:
    config = json.dumps(OVERLAPPING)
    with pytest.raises(Unscrubbable):
        scrub_document(program("parity", None, config), json.dumps(extra("ab")).encode(), "event")
    with pytest.raises(Unscrubbable):
        scrub_document(program("strict", "overlaps", config), json.dumps(extra("ab")).encode(), "event")
    assert scrubbing.scrub(program("strict", None, config), extra("ab"))["extra"]["x"] == "**"


def test_scrubbing_73_g12_unknown_redactions() -> None:
    config = json.dumps({
        "rules": {"r": {"type": "pattern", "pattern": "b", "redaction": {"method": "scramble"}}},
        "applications": {"$string": ["r"]},
    })  # fmt: skip
    for one in (program("parity", None, config), program("strict", "validation", config)):
        got = scrubbing.scrub(one, extra("ab"))
        assert got["extra"]["x"] == "a"
        assert "rem" not in got["_meta"]["extra"]["x"][""]
    with pytest.raises(ConfigError):
        program("strict", None, config)
