"""Which scrubber reads an item, and what becomes of it where none can (scrubbing.md 12, 15.6, 15.7)."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import msgspec
import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.items import KINDS
from scrubjay.core.items.batch import SPAN_CONTAINER_TYPE
from scrubjay.core.items.blobs import UNKNOWN
from scrubjay.core.scrub.documents import CONTAINERS, TYPED
from scrubjay.core.scrub.payloads import SCRUBBERS, Replaced, Unscrubbed, payload_of, scrub_item, scrub_payload
from scrubjay.core.scrub.policies import read_policies
from scrubjay.core.scrub.program import compile_program
from scrubjay.core.scrub.record import Record
from scrubjay.outcomes import Reason
from scrubjay.settings.scrub import Scrub
from support import scrubbing
from support.items import make_item

TRACE = "application/vnd.sentry.trace-attachment"
REFERENCE = "application/vnd.sentry.attachment-ref+json"
DEEP = b'{"a":' * 200 + b"1" + b"}" * 200
RECORDING = b'{"segment_id":0}\n' + zlib.compress(b'[{"type":3,"data":"ana@lab.example"}]')
VIDEO = msgspec.msgpack.encode({"replay_event": b"{}", "replay_recording": RECORDING, "replay_video": b"film"})


def scrubbed(item_type: str, payload: Any, profile: str = "strict", headers: Any = None, **options: Any) -> Any:
    item = make_item(item_type, payload, **(headers or {}))
    policies = read_policies(Scrub(profile=profile, **options))  # type: ignore[arg-type]
    return scrub_payload(scrubbing.default_program(profile), policies, item)


def test_every_kind_has_a_scrubber_or_is_a_document() -> None:
    scopes = {kind.scope for kind in (*KINDS.values(), UNKNOWN)}
    assert scopes - SCRUBBERS.keys() <= {*TYPED, "generic", "session"}
    assert SCRUBBERS.keys() - {"span_container"} <= scopes | CONTAINERS.keys()


@pytest.mark.parametrize(
    ("item_type", "payload"),
    [
        ("event", {"user": {"email": "ana@lab.example"}}),
        ("feedback", {"extra": {"a": "ana@lab.example"}}),
        ("raw_security", {"csp-report": {"referrer": "ana@lab.example"}}),
        ("user_report", {"comments": "ana@lab.example"}),
        ("session", {"attrs": {"user_agent": "ana@lab.example"}}),
        ("sessions", {"aggregates": [{"did": "ana@lab.example"}]}),
        ("check_in", {"owner": "ana@lab.example"}),
        ("client_report", {"discarded_events": [{"reason": "ana@lab.example"}]}),
        ("form_data", b"\x01\0\0\0a\x0f\0\0\0ana@lab.example"),
        ("replay_event", {"urls": ["https://h/?a=ana@lab.example"]}),
        ("replay_recording", RECORDING),
        ("replay_video", VIDEO),
        ("profile", {"measurements": {"a": "ana@lab.example"}}),
        ("profile_chunk", {"measurements": {"a": "ana@lab.example"}}),
        ("metric_buckets", [{"tags": {"a": "ana@lab.example"}}]),
        ("span", {"data": {"a": "ana@lab.example"}}),
        ("attachment", b"ana@lab.example"),
        ("whatever", {"a": "ana@lab.example"}),
    ],
)
def test_nothing_planted_gets_through(item_type: str, payload: Any) -> None:
    new = payload_of(scrubbed(item_type, payload))
    assert new is not None
    assert b"ana@" not in new
    assert item_type not in ("replay_recording", "replay_video") or b"ana@" not in zlib.decompress(
        new[new.index(b"x\x9c") :]
        if item_type == "replay_recording"
        else msgspec.msgpack.decode(new)["replay_recording"][17:]
    )


# Containers


def log(body: Any) -> dict[str, Any]:
    return {"timestamp": 1, "trace_id": "0" * 32, "level": "info", "body": body}


def test_a_record_that_cannot_be_scrubbed_falls_alone() -> None:
    """scrubbing.md 12.2"""
    records = [log("of ana@lab.example"), log("x@y.zz" + "x" * 2_000_000), "no record", log("clean")]
    payload = {"version": 2, "items": records}
    item = make_item("log", payload, item_count=4)
    result = scrub_payload(scrubbing.default_program("strict"), read_policies(Scrub()), item)
    assert isinstance(result, Replaced)
    assert [record["body"] for record in json.loads(result.payload)["items"]] == ["of [email]", "clean"]
    assert json.loads(result.payload)["version"] == 2
    assert result.headers == {"item_count": 2}
    lost = len(json.dumps(records[1])) + len(json.dumps(records[2]))
    assert result.dropped == ((DataCategory.LOG_ITEM, 2), (DataCategory.LOG_BYTE, lost))


def test_a_container_of_which_nothing_is_left_goes_whole() -> None:
    assert scrubbed("log", {"items": ["x", 7]}) == reasons.UNSCRUBBABLE
    assert scrubbed("log", {"items": 7}) == reasons.UNSCRUBBABLE
    assert scrubbed("log", b"{broken") == reasons.INVALID_JSON
    assert scrubbed("log", {"items": []}) is None


@pytest.mark.parametrize("name", ["log", "trace_metric", "span"])
def test_containers_of_each_kind_are_scrubbed_record_by_record(name: str) -> None:
    """scrubbing-66, scrubbing-68"""
    headers = {"item_count": 1, "content_type": SPAN_CONTAINER_TYPE} if name == "span" else {"item_count": 1}
    attributes = {"client.address": {"type": "string", "value": "192.0.2.1"}, "a": {"type": "string", "value": "x"}}
    result = scrubbed(name, {"items": [{"attributes": attributes}]}, headers=headers)
    (record,) = json.loads(result)["items"]
    assert record["attributes"]["client.address"]["value"] is None
    assert record["attributes"]["a"]["value"] == "x"
    odd = scrubbed(name, {"items": [{"attributes": attributes}, 7]}, headers=headers | {"item_count": 2})
    assert odd.headers == {"item_count": 1}
    assert odd.dropped[0][1] == 1


@pytest.mark.parametrize("announced", [1, 3, True, 2.0, "2", None])
def test_a_container_whose_count_is_wrong_stays_so(announced: object) -> None:
    """It counts as what it announced, and is for the server to refuse."""
    left = scrubbed("log", {"items": [log("of ana@lab.example"), 7]}, headers={"item_count": announced})
    assert [record["body"] for record in json.loads(left)["items"]] == ["of [email]"]


# Files with a document before them


def test_a_trace_attachment_is_a_document_and_a_file() -> None:
    meta = {
        "trace_id": "t",
        "filename": "of ana@lab.example",
        "attributes": {"a": {"type": "string", "value": "192.0.2.1"}},
    }
    head = json.dumps(meta).encode()
    item = make_item("attachment", head + b"mail of ana@lab.example", content_type=TRACE, meta_length=len(head))
    result = scrub_payload(scrubbing.default_program("strict"), read_policies(Scrub()), item)
    assert isinstance(result, Replaced)
    size = result.headers["meta_length"]
    assert isinstance(size, int)
    left = json.loads(result.payload[:size])
    assert (left["filename"], left["attributes"]["a"]["value"], left["trace_id"]) == ("of [email]", "[ip]", "t")
    assert result.payload[size:] == b"mail of [email]"


def test_of_a_trace_attachment_each_half_may_stay() -> None:
    def result(meta: bytes, body: bytes, **options: Any) -> Any:
        return scrubbed("attachment", meta + body, headers={"content_type": TRACE, "meta_length": len(meta)}, **options)

    assert result(b'{"trace_id":"t"}', b"clean") is None
    assert result(b'{"trace_id":"t"}', b"ana@lab.example").payload == b'{"trace_id":"t"}[email]'
    assert result(b'{"filename":"ana@lab.example"}', b"clean").payload.endswith(b"}clean")
    assert result(b"{}", b"x", attachments="drop") == reasons.OPAQUE_DROPPED
    assert result(b"{}", gzip.compress(b"x")) == reasons.OPAQUE_DROPPED
    assert result(b"{broken", b"x") == reasons.INVALID_JSON
    assert result(b'{"filename":"\\ud800 ana@lab.example"}', b"x").payload.startswith(
        '{"filename":"\ufffd [email]"'.encode()
    )
    assert result(b"[" * 3_000, b"x") == reasons.UNSCRUBBABLE
    for size in (None, 99, "x"):
        headers = {"content_type": TRACE, "meta_length": size}
        assert scrubbed("attachment", b"{}x", headers=headers) == reasons.INVALID_JSON


def test_rules_reach_files_with_metadata_without_a_gate() -> None:
    program = scrubbing.config_program({"applications": {"$attachments.**": ["@ip"]}})
    item = make_item("attachment", b"{}at 10.20.30.40", content_type=TRACE, meta_length=2)
    policies = read_policies(Scrub(profile="parity"))
    assert payload_of(scrub_payload(program, policies, item)) == b"{}at [ip]*******"
    assert scrub_payload(program, policies, make_item("attachment", b"at 10.20.30.40")) is None


def test_a_reference_says_where_a_file_lies_and_no_more() -> None:
    headers = {"content_type": REFERENCE}
    clean = b'{"location":"/a/b","content_type":"text/plain"}'
    assert scrubbed("attachment", clean, headers=headers) is None
    assert scrubbed("attachment", {"location": "/a", "who": "ana"}, headers=headers) == b'{"location":"/a"}'
    assert scrubbed("attachment", {"location": 7}, headers=headers) == b"{}"
    assert scrubbed("attachment", {"who": "ana"}, "parity", headers=headers) is None
    assert scrubbed("attachment", b"no json", headers=headers) == reasons.INVALID_JSON


def test_profiles_in_binary_form_are_a_document_and_a_file() -> None:
    headers = {"content_type": "application/x-perfetto-trace", "meta_length": 23}
    meta, trace = b'{"a":"ana@lab.example"}', b"\0\1\2\3" * 20
    result = scrubbed("profile_chunk", meta + trace, headers=headers)
    assert (result.payload, result.headers) == (b'{"a":"[email]"}' + trace, {"meta_length": 15})
    assert scrubbed("profile_chunk", meta + trace, headers=headers, binary_attachments="drop") == reasons.OPAQUE_DROPPED
    assert b"ana@" not in scrubbed("profile_chunk", meta + b"ana@lab.example", headers=headers).payload
    # A header alone makes no binary form.
    assert scrubbed("profile_chunk", meta, headers={"meta_length": 2}) == b'{"a":"[email]"}'
    assert scrubbed("profile_chunk", meta, headers={**headers, "meta_length": 99}) == b'{"a":"[email]"}'
    assert scrubbed("profile_chunk", b"[1]x", headers={**headers, "meta_length": 3}) is None


# Policies


def test_crash_archives_are_binary() -> None:
    archive = b"\0\1\2\3" + b" ana@lab.example"
    assert scrubbed("unreal_report", archive) is None
    assert scrubbed("unreal_report", gzip.compress(archive)) is None
    for options in ({"binary_attachments": "drop"}, {"attachments": "drop"}):
        assert scrubbed("unreal_report", archive, **options) == reasons.OPAQUE_DROPPED
    assert b"ana@" not in scrubbed("unreal_report", archive, binary_attachments="scrub_bytes")


def test_replays_have_a_policy() -> None:
    for name, payload in (("replay_recording", RECORDING), ("replay_video", VIDEO)):
        assert scrubbed(name, payload, replay="keep") is None
        assert scrubbed(name, payload, "parity") is None
        assert scrubbed(name, payload, replay="drop") == reasons.OPAQUE_DROPPED
    assert scrubbed("replay_event", {}, replay="drop") == reasons.OPAQUE_DROPPED
    assert scrubbed("replay_recording", b"x") == reasons.INVALID_REPLAY_RECORDING
    assert scrubbed("replay_video", b"x") == reasons.INVALID_REPLAY_VIDEO
    assert scrubbed("replay_recording", b"x", replay="keep") is None


def test_client_reports_of_parity_pass_as_they_came() -> None:
    assert scrubbed("client_report", b"{broken", "parity") is None
    assert scrubbed("client_report", b"{broken") == reasons.INVALID_JSON


def test_unknown_items_are_json_or_have_a_policy() -> None:
    assert scrubbed("odd", b"\0\1") == reasons.OPAQUE_DROPPED
    assert scrubbed("odd", b"\0\1", opaque="forward") == Unscrubbed()
    assert scrubbed("odd", DEEP, opaque="forward") == reasons.UNSCRUBBABLE
    assert scrubbed("odd", b"[" + b"1," * 2_100_000 + b"1]") == reasons.UNSCRUBBABLE


def test_what_cannot_be_scrubbed_is_dropped_stripped_or_forwarded() -> None:
    """scrubbing.md 15.7"""
    event = b'{"level":"info","extra":{"a":' + DEEP + b"}}"
    assert scrubbed("event", event) == reasons.UNSCRUBBABLE
    assert scrubbed("event", event, on_error="forward") == Unscrubbed()
    left = scrubbed("event", event, on_error="strip")
    assert json.loads(left) == {"level": "info", "_meta": {"": {"rem": [["@error", "x"]]}}}
    assert scrubbed("event", event, on_error="strip", on_error_by_type=("event=drop",)) == reasons.UNSCRUBBABLE
    assert scrubbed("event", b"{broken", on_error="strip") == reasons.INVALID_JSON
    assert scrubbed("event", b"[1]", on_error="strip") == reasons.INVALID_JSON
    assert scrubbed("check_in", DEEP, on_error="strip") == reasons.UNSCRUBBABLE
    assert scrubbed("attachment", b"x" * 1_200_000) == reasons.UNSCRUBBABLE


def test_what_is_only_tried_changes_nothing() -> None:
    options = Scrub(dry_run=True)
    program = compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=options)
    record = Record()
    for item_type, payload in (
        ("attachment", b"ana@lab.example"),
        ("replay_recording", RECORDING),
        ("form_data", b"\x01\0\0\0a\x0f\0\0\0ana@lab.example"),
        ("log", {"items": [{"body": "ana@lab.example"}, 7]}),
        ("client_report", {"who": "ana@lab.example"}),
    ):
        assert scrub_payload(program, read_policies(options), make_item(item_type, payload), record) is None
    assert record.tried["@email:replace"].hits >= 3


def test_no_payload_raises() -> None:
    for kind in KINDS.values():
        for payload in (b"", b"\0", b"\xff" * 40, b"{", b"[]", b"null", b"7", b'""', b"\n", b"{}\n", DEEP):
            result = scrubbed(kind.type, payload, headers={"content_type": SPAN_CONTAINER_TYPE})
            assert result is None or isinstance(result, bytes | Replaced | Reason)


def test_the_new_payload_of_a_result() -> None:
    assert payload_of(b"x") == payload_of(Replaced(b"x")) == b"x"
    assert payload_of(None) is payload_of(Unscrubbed()) is payload_of(reasons.UNSCRUBBABLE) is None


def test_what_rules_did_is_counted() -> None:
    record = Record()
    item = make_item("attachment", b'{}{"a":"ana@lab.example"}', content_type=TRACE, meta_length=2)
    scrub_payload(scrubbing.default_program("strict"), read_policies(Scrub()), item, record)
    assert record.rules["@email:replace"].hits == 1


@pytest.mark.parametrize(
    ("item_type", "becomes"),
    [("attachment", b"mail to [email]"), ("replay_video", None), ("user_report", b"{")],
)
def test_a_list_of_what_is_allowed_is_asked_first(item_type: str, becomes: bytes | None) -> None:
    options = Scrub(mode="allow", allow=("event_id",), allow_items=("attachment",))
    program = compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=options)
    payload = {"comments": "of ana"} if item_type == "user_report" else b"mail to ana@lab.example"
    result = scrub_item(program, read_policies(options), make_item(item_type, payload))
    if becomes is None:
        assert result is reasons.NOT_ALLOWED
    else:
        assert payload_of(result).startswith(becomes)
        assert b"ana" not in payload_of(result)
