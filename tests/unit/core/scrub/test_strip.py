"""What is left of a document that cannot be scrubbed (scrubbing.md 15.5, 15.7)."""

from __future__ import annotations

import json

import pytest

from scrubjay.core.scrub.strip import strip_document
from scrubjay.errors import Unreadable

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_what_the_protocol_needs_is_left() -> None:
    event = {
        "event_id": TRACE,
        "timestamp": 1767607200.5,
        "start_timestamp": "2026-01-05T10:00:00.000Z",
        "platform": "javascript",
        "type": "transaction",
        "level": "error",
        "sdk": {"name": "sentry.javascript.browser", "version": "8.0.0-beta.1", "packages": [1]},
        "contexts": {"trace": {"trace_id": TRACE, "span_id": TRACE[:16], "op": "x"}, "os": {"name": "x"}},
        "message": "of ana",
        "user": {"email": "ana@lab.example"},
    }
    assert json.loads(strip_document(json.dumps(event).encode())) == {
        "event_id": TRACE,
        "timestamp": 1767607200.5,
        "start_timestamp": "2026-01-05T10:00:00.000Z",
        "platform": "javascript",
        "type": "transaction",
        "level": "error",
        "sdk": {"name": "sentry.javascript.browser", "version": "8.0.0-beta.1"},
        "contexts": {"trace": {"trace_id": TRACE, "span_id": TRACE[:16]}},
        "_meta": {"": {"rem": [["@error", "x"]]}},
    }


def test_a_segment_of_a_replay_is_a_number() -> None:
    assert json.loads(strip_document(b'{"segment_id":3,"replay_id":"0af7651916cd43dd8448eb211c80319c"}')) == {
        "replay_id": TRACE,
        "segment_id": 3,
        "_meta": {"": {"rem": [["@error", "x"]]}},
    }


@pytest.mark.parametrize("planted", ["ana@lab.example", "ana klein", {"a": "ana"}, ["ana"], "ana\n", "A\u00f1a", True])
def test_what_reads_like_anything_else_goes(planted: object) -> None:
    names = ("event_id", "timestamp", "platform", "type", "level", "trace_id", "start_timestamp")
    document = {
        **dict.fromkeys(names, planted),
        "sdk": {"name": planted, "version": planted},
        "contexts": {"trace": {"trace_id": planted, "span_id": planted}},
    }
    assert strip_document(json.dumps(document).encode()) == b'{"_meta":{"":{"rem":[["@error","x"]]}}}'
    assert b"ana" not in strip_document(json.dumps({"sdk": planted, "contexts": {"trace": planted}}).encode())


def test_what_is_nested_too_deeply_is_passed_over() -> None:
    deep = b"[" * 900 + b"]" * 900
    assert strip_document(b'{"level":"info","extra":' + deep + b"}").startswith(b'{"level":"info"')


@pytest.mark.parametrize("payload", [b"", b"[]", b"{broken", b'{"a":' + b"[" * 5_000])
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        strip_document(payload)
