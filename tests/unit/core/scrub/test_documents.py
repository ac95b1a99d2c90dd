"""Whole payloads: the conformance cases of scrubbing.md 17, containers, untyped JSON, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.documents import scrub_container, scrub_document, untyped_class
from scrubjay.core.scrub.matching import FALSE, MAYBE, TRUE
from scrubjay.core.scrub.program import compile_program
from scrubjay.core.scrub.record import Record
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing

CASES = [json.loads(line) for line in (scrubbing.ORACLE / "conformance.jsonl").read_text("utf-8").splitlines()]
LOG = {
    "body": "Bearer abc of ana@lab.example at 192.0.2.1",
    "attributes": {
        "user.email": {"type": "string", "value": "ana@lab.example"},
        "authToken": {"type": "string", "value": "q"},
        "sentry.release": {"type": "string", "value": "192.0.2.1"},
    },
}


def contains(got: Any, want: Any) -> bool:
    """Equal, but for what the reference adds to every event, and for remarks where the case makes no statement."""
    if isinstance(want, dict) and isinstance(got, dict):
        return all(key in got and contains(got[key], value) for key, value in want.items())
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(contains(*pair) for pair in zip(got, want, strict=True))
    return bool(got == want)


def canonical(event: Any) -> Any:
    from sentry_relay.processing import pii_strip_event

    return pii_strip_event({}, event)


@pytest.mark.parametrize("case", CASES, ids=[f"scrubbing-{case['n']}" for case in CASES])
def test_conformance(case: dict[str, Any]) -> None:
    if "settings" in case:
        settings = scrubbing.SETTINGS if case["settings"] == "default" else case["settings"]
        from scrubjay.core.scrub.legacy import convert_settings

        # The cases are answers on the JSON form of the settings, in which `sensitiveFields` heed case.
        program = scrubbing.config_program(convert_settings(settings))
    else:
        program = scrubbing.config_program(case["config"])
    got = scrubbing.scrub(program, canonical(case["in"]))
    assert contains(got, case["out"])
    if "_meta" in case["out"]:
        assert got.get("_meta") == case["out"]["_meta"]


def container(*records: dict[str, Any]) -> dict[str, Any]:
    return {"version": 2, "items": list(records)}


def test_scrubbing_66_log_by_default() -> None:
    record = scrubbing.scrub(scrubbing.default_program("parity"), container(LOG), "log_container")["items"][0]
    assert record["body"] == "Bearer [token] of [email] at 192.0.2.1"
    values = {name: attribute["value"] for name, attribute in record["attributes"].items()}
    assert values == {"user.email": "ana@lab.example", "authToken": "[Filtered]", "sentry.release": "192.0.2.1"}
    assert record["_meta"]["attributes"]["authToken"]["value"][""]["rem"] == [["@password:filter", "s", 0, 10]]


def test_scrubbing_67_log_by_wildcard() -> None:
    program = scrubbing.config_program({"applications": {"**": ["@anything:mask"]}})
    record = scrubbing.scrub(program, container(LOG), "log_container")["items"][0]
    values = {name: attribute["value"] for name, attribute in record["attributes"].items()}
    assert record["body"] == LOG["body"]
    assert values == {"user.email": "*" * 15, "authToken": "*", "sentry.release": "192.0.2.1"}
    assert all(attribute["type"] == "string" for attribute in record["attributes"].values())


def test_scrubbing_68_span_address() -> None:
    span = {"name": "x", "attributes": {"client.address": {"type": "string", "value": "192.0.2.1"}}}
    record = scrubbing.scrub(scrubbing.default_program("parity"), container(span), "span_container")["items"][0]
    assert record["attributes"]["client.address"]["value"] is None
    assert record["_meta"]["attributes"]["client.address"]["value"][""]["rem"][-1] == ["@anything:remove", "x"]


def test_scrubbing_69_replay_event() -> None:
    replay = {
        "urls": ["https://h/?ssn=457-55-5462", "https://h/?password=1"],
        "tags": {"card": "4242424242424242"},
    }
    got = scrubbing.scrub(scrubbing.default_program("parity"), replay, "replay_event")
    assert got["urls"] == ["https://h/?ssn=[Filtered]", "[Filtered]"]
    assert got["tags"] == [["card", "[Filtered]"]]


def test_records_of_a_container_keep_their_bytes() -> None:
    payload = b'{"items":[{"body" : "x"}, {"body": "ana@lab.example"}], "version": 2}'
    scrubbed = scrub_document(scrubbing.default_program("strict"), payload, "log_container")
    assert scrubbed is not None
    assert b'{"body" : "x"}' in scrubbed
    assert b"ana@" not in scrubbed


def test_clean_containers_travel_as_they_came() -> None:
    assert scrub_document(scrubbing.default_program("strict"), b'{"items": [ {"body": "x"} ]}', "log_container") is None


@pytest.mark.parametrize("payload", [b'{"items":5}', b"{}", b'{"items":[5]}'])
def test_container_without_records(payload: bytes) -> None:
    with pytest.raises(Unscrubbable):
        scrub_document(scrubbing.default_program("strict"), payload, "log_container")


def test_single_span() -> None:
    span = {
        "span_id": "b" * 16,
        "description": "mail ana@lab.example",
        "data": {"password": "x", "release": "192.0.2.1"},
    }
    got = scrubbing.scrub(scrubbing.default_program("strict"), span, "span")
    assert got["description"] == "mail [email]"
    assert got["data"] == {"password": "[Filtered]", "release": "192.0.2.1"}


def test_untyped_json_keeps_what_the_server_reads_by_value() -> None:
    report = {"event_id": "1" * 32, "release": "auth-api@1", "comments": "my password", "email": "ana@lab.example"}
    got = scrubbing.scrub(scrubbing.default_program("strict"), report, "generic")
    assert got == {**report, "comments": "[Filtered]", "email": "[email]"}
    assert untyped_class("environment", TRUE) == untyped_class("environment", FALSE) == FALSE
    config = {"schedule": {"type": "crontab", "value": "my password"}, "owners": ["ana@lab.example"]}
    check_in = {
        "monitor_config": config,
        "environment": "ana@lab.example",
        "release": {"environment": {"email": "ana@lab.example"}},
    }
    assert scrubbing.scrub(scrubbing.default_program("strict"), check_in, "generic") == {
        **check_in,
        "release": {"environment": {"email": "[email]"}},
    }
    got = scrubbing.scrub(
        scrubbing.default_program("strict"), {"environment": ["ana@lab.example"], "status": [[5]]}, "generic"
    )
    assert got == {"environment": ["[email]"], "status": [[5]]}
    assert untyped_class("anything", MAYBE) == MAYBE


@pytest.mark.parametrize("payload", [b'["ana@lab.example"]', b'"ana@lab.example"', b'[["email","ana@lab.example"]]'])
def test_untyped_json_of_any_kind(payload: bytes) -> None:
    scrubbed = scrub_document(scrubbing.default_program("strict"), payload, "generic")
    assert scrubbed is not None
    assert b"ana@" not in scrubbed


def test_clean_untyped_json() -> None:
    for payload in (b"5", b"[1, 2]", b'"x"', b"null", b"{}"):
        assert scrub_document(scrubbing.default_program("strict"), payload, "generic") is None


def test_sessions_lose_their_address() -> None:
    session = {"did": "4494", "attrs": {"release": "auth@1", "ip_address": "192.0.2.1"}}
    got = scrubbing.scrub(scrubbing.default_program("strict"), session, "session")
    assert got == {"did": "4494", "attrs": {"release": "auth@1"}}
    assert scrubbing.scrub(scrubbing.default_program("strict"), {"did": "4494", "attrs": 5}, "session") == {
        "did": "4494",
        "attrs": 5,
    }


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"  ",
        b"[]",
        b"5",
        b'"text"',
        b"{",
        b'{"a":NaN}',
        b'{"a":1e400}',
        b'{"a":[1e999 ]}',
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b"\xef\xbb\xbf{}",
        b'{"a":1}x',
        b"{'a':1}",
        b'{"a":' + b"[" * 127 + b"]" * 127 + b"}",
        b'{"extra":' + b"[" * 100_000,
        '{"a":1}'.encode("utf-16"),
    ],
)
def test_refused(payload: bytes, profile: str) -> None:
    """scrubbing.md 13: never forwarded unscrubbed, clean or not."""
    with pytest.raises(Unscrubbable):
        scrub_document(scrubbing.default_program(profile), payload, "event")


def test_nesting_up_to_the_limit() -> None:
    payload = b'{"a":' + b"[" * 126 + b"]" * 126 + b"}"
    assert scrub_document(scrubbing.default_program("parity"), payload, "event") is None


def test_hashes_that_look_like_numbers() -> None:
    payload = b'{"extra":{"hash":"9e4001","n":[1e3,2E10]}}'
    assert scrub_document(scrubbing.default_program("parity"), payload, "event") is None


def test_lone_surrogates() -> None:
    payload = rb'{"extra":{"a":"x\ud800y","b":"\ud83d\ude00","c":"\\ud800","d":"\udc00\ud83d"}}'
    with pytest.raises(Unscrubbable):
        scrub_document(scrubbing.default_program("parity"), payload, "event")
    scrubbed = scrub_document(scrubbing.default_program("strict"), payload, "event")
    assert scrubbed == rb'{"extra":{"a":"x\ufffdy","b":"\ud83d\ude00","c":"\\ud800","d":"\ufffd\ufffd"}}'


def test_limits() -> None:
    program = scrubbing.default_program("strict")
    with pytest.raises(Unscrubbable, match="longer"):
        scrub_document(program, json.dumps({"extra": {"a": "ana@lab.example " * 70_000}}).encode(), "event")
    with pytest.raises(Unscrubbable, match="nodes"):
        scrub_document(program, json.dumps({"extra": {"password": 1, "l": ["a@b.co"] * 100_001}}).encode(), "event")


def test_two_configs_run_one_after_the_other() -> None:
    """scrubbing.md 1: the second sees the text and the remarks of the first."""
    config = {"applications": {"extra.a": ["@email"]}}
    program = compile_program(pii_config=config, settings=scrubbing.SETTINGS, options=Scrub(profile="parity"))
    got = scrubbing.scrub(program, {"extra": {"a": "ana@lab.example 192.0.2.1"}})
    assert got["extra"]["a"] == "[email] [ip]"
    assert got["_meta"]["extra"]["a"][""]["rem"] == [["@email", "s", 0, 7], ["@ip:replace", "s", 8, 12]]


def test_program_without_rules_checks_all_the_same() -> None:
    program = compile_program(pii_config=None, settings=None)
    assert scrub_document(program, b'{"extra":{"password":"x"}}', "event") is None
    with pytest.raises(Unscrubbable):
        scrub_document(program, b'{"a":', "event")


def test_memoryviews_are_payloads() -> None:
    scrubbed = scrub_document(scrubbing.default_program("strict"), memoryview(b'{"extra":{"password":"x"}}'), "event")
    assert scrubbed is not None


def test_large_payloads() -> None:
    """Above the size from which the whole is not screened."""
    event = {"extra": {f"k{n}": "plain text" for n in range(4000)}}
    program = scrubbing.default_program("strict")
    assert scrub_document(program, json.dumps(event).encode(), "event") is None
    event["extra"]["k77"] = "ana@lab.example"
    got = scrubbing.scrub(program, event)
    assert got["extra"]["k77"] == "[email]"
    assert len(got["_meta"]["extra"]) == 1


def test_sessions_without_an_address() -> None:
    session = {"sid": "1", "attrs": {"release": "r"}}
    assert scrubbing.scrub(scrubbing.default_program("strict"), session, "session") == session


def test_records_that_are_lost_stay_lost_through_all_passes() -> None:
    program = compile_program(pii_config={"applications": {"$log.body": ["@mac"]}}, settings=scrubbing.SETTINGS)
    long = {"body": "00:1b:44:11:3a:b7" + "x" * 1_100_000}
    records = [{"body": "00:1b:44:11:3a:b7"}, long, {"body": "of ana@lab.example"}]
    record = Record()
    left = scrub_container(program, json.dumps({"items": records}).encode(), "log_container", record)
    assert left.payload is not None
    assert [entry["body"] for entry in json.loads(left.payload)["items"]] == ["*****************", "of [email]"]
    assert (left.records, left.lost, left.lost_bytes) == (2, 1, len(json.dumps(long)))
    assert record.rules["@email:replace"].hits == 1
    assert scrubbing.scrub(program, {"items": records}, "log_container") == json.loads(left.payload)


def test_a_container_without_any_record_left_is_refused() -> None:
    program = scrubbing.default_program("strict")
    with pytest.raises(Unscrubbable, match="no record"):
        scrub_container(program, b'{"items":[1,"x"]}', "log_container")
    assert scrub_container(program, b'{"items":[]}', "log_container") == (None, 0, 0, 0)


def test_metadata_of_a_trace_attachment() -> None:
    """scrubbing.md 12.2"""
    meta = {"trace_id": "192.0.2.1", "filename": "192.0.2.1", "attributes": {"a": {"type": "x", "value": "192.0.2.1"}}}
    got = scrubbing.scrub(scrubbing.default_program("parity"), meta, "trace_attachment")
    assert (got["trace_id"], got["filename"], got["attributes"]["a"]["value"]) == ("192.0.2.1", "[ip]", "[ip]")
    program = scrubbing.config_program({"applications": {"$object.filename": ["@anything:mask"]}})
    assert scrubbing.scrub(program, {"filename": "abc"}, "trace_attachment")["filename"] == "***"
