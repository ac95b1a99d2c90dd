"""No inferred addresses where addresses are scrubbed (ingest.md 7.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.program import compile_program
from support import scrubbing

HIDING = compile_program(pii_config=None, settings=None, hide_client_ip=True)
NEVER = {"settings": {"infer_ip": "never"}}


@pytest.mark.parametrize(
    ("event", "hidden"),
    [
        ({"user": {"ip_address": "{{auto}}", "id": "4"}}, {"user": {"ip_address": None, "id": "4"}, "sdk": NEVER}),
        (
            {"sentry.interfaces.User": {"ip_address": "{{auto}}"}},
            {"sentry.interfaces.User": {"ip_address": None}, "sdk": NEVER},
        ),
        ({"sdk": {"settings": {"infer_ip": "auto"}}}, {"sdk": NEVER}),
        ({"sdk": {"name": "x", "settings": {"infer_ip": "legacy"}}}, {"sdk": {"name": "x", **NEVER}}),
        ({"platform": "javascript"}, {"platform": "javascript", "sdk": NEVER}),
        ({"platform": "cocoa", "user": 5}, {"platform": "cocoa", "user": 5, "sdk": NEVER}),
        (
            {"user": {"ip_address": "{{auto}}"}, "sdk": NEVER},
            {"user": {"ip_address": None}, "sdk": NEVER},
        ),
    ],
)
@pytest.mark.parametrize("shape", ["event", "replay_event"])
def test_events(event: dict[str, Any], hidden: dict[str, Any], shape: str) -> None:
    assert scrubbing.scrub(HIDING, event, shape) == hidden


@pytest.mark.parametrize(
    "event",
    [
        {"platform": "python"},
        {"platform": "python", "user": {"ip_address": "192.0.2.1"}},
        {"platform": "javascript", "user": {"ip_address": "192.0.2.1"}},
        {"platform": "javascript", "sdk": NEVER},
        {"user": [], "message": "javascript"},
    ],
)
def test_ordinary_events_travel_as_they_came(event: dict[str, Any]) -> None:
    payload = json.dumps(event).encode()
    from scrubjay.core.scrub.documents import scrub_document

    assert scrub_document(HIDING, payload, "event") is None


def test_escaped_markers_are_seen() -> None:
    from scrubjay.core.scrub.documents import scrub_document

    scrubbed = scrub_document(HIDING, rb'{"user":{"ip_address":"\u007b{auto}}"}}', "event")
    assert scrubbed is not None
    assert json.loads(scrubbed)["user"]["ip_address"] is None


def test_sessions() -> None:
    session = {"sid": "1", "attrs": {"ip_address": "{{auto}}", "release": "r"}}
    assert scrubbing.scrub(HIDING, session, "session") == {"sid": "1", "attrs": {"release": "r"}}
    other = {"sid": "1", "attrs": {"ip_address": "192.0.2.1"}, "infer_ip": 1}
    assert scrubbing.scrub(HIDING, other, "session") == other


def test_containers() -> None:
    auto = {"type": "string", "value": "{{auto}}"}
    container = {
        "version": 2,
        "ingest_settings": {"infer_ip": "auto", "infer_user_agent": "auto"},
        "items": [
            {"attributes": {"client.address": auto, "x": auto}},
            {"attributes": {"client.address": {"value": "h"}}},
            5,
        ],
    }
    got = scrubbing.scrub(HIDING, container, "log_container")
    assert got["ingest_settings"] == {"infer_ip": "never", "infer_user_agent": "auto"}
    assert got["items"] == [{"attributes": {"x": auto}}, *container["items"][1:]]
    for plain in ({"version": 1, "ingest_settings": {"infer_ip": "auto"}, "items": []}, {"items": 5, "infer_ip": []}):
        assert scrubbing.scrub(HIDING, plain, "span_container") == plain


def test_single_spans() -> None:
    span = {"data": {"client.address": "{{auto}}", "a": 1}}
    assert scrubbing.scrub(HIDING, span, "span") == {"data": {"a": 1}}


def test_other_json_is_left_alone() -> None:
    assert scrubbing.scrub(HIDING, ["{{auto}}"], "generic") == ["{{auto}}"]
