"""A report as an event: members, and scrubbing."""

from __future__ import annotations

import json
import logging
from typing import Any

from scrubjay import __version__
from scrubjay.runtime.self_reports.event import Identity, envelope_of
from scrubjay.runtime.self_reports.listening import Breadcrumb, Frame, Report

IDENTITY = Identity("relay-1", "production", {"zone": "a"}, 3)
EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
LINE = Breadcrumb(1_767_323_045.25, logging.ERROR, "scrubjay.spool", "spool: disk full", {"records": 3, "other": None})


def event(report: Report, identity: Identity = IDENTITY) -> dict[str, Any]:
    header, item, payload = envelope_of(report, identity, EVENT_ID).rstrip(b"\n").split(b"\n")
    assert json.loads(header) == {"event_id": EVENT_ID}
    assert json.loads(item) == {"type": "event", "length": len(payload)}
    document = json.loads(payload)
    assert isinstance(document, dict)
    return document


def test_what_an_event_says() -> None:
    breadcrumb = Breadcrumb(
        1_767_323_044.0, logging.INFO, "scrubjay.config", "configuration in force", {"generation": 1}
    )
    report = Report(
        LINE, (breadcrumb,), error="OSError", problem="no space", frames=(Frame("scrubjay/a.py", 3, "write"),)
    )
    found = event(report)
    contexts, fingerprint = found.pop("contexts"), found.pop("fingerprint")
    assert set(contexts) == {"runtime", "os"}
    assert fingerprint[0] == "scrubjay.spool"
    assert fingerprint == event(Report(LINE, (), error="OSError"))["fingerprint"]
    assert fingerprint != event(Report(LINE, (), error="MemoryError"))["fingerprint"]
    assert found == {
        "event_id": EVENT_ID,
        "timestamp": 1_767_323_045.25,
        "level": "error",
        "logger": "scrubjay.spool",
        "platform": "python",
        "logentry": {"formatted": "spool: disk full"},
        "release": f"scrubjay@{__version__}",
        "server_name": "relay-1",
        "environment": "production",
        "tags": {"zone": "a", "worker": "3"},
        "extra": {"records": 3, "other": "None"},
        "breadcrumbs": {
            "values": [
                {
                    "timestamp": 1_767_323_044.0,
                    "type": "default",
                    "category": "scrubjay.config",
                    "level": "info",
                    "message": "configuration in force",
                    "data": {"generation": 1},
                }
            ]
        },
        "exception": {
            "values": [
                {
                    "type": "OSError",
                    "value": "no space",
                    "stacktrace": {
                        "frames": [{"filename": "scrubjay/a.py", "lineno": 3, "function": "write", "in_app": True}]
                    },
                }
            ]
        },
        "sdk": {"name": "scrubjay", "version": __version__},
    }


def test_alone_without_an_environment() -> None:
    line = Breadcrumb(1.0, logging.WARNING, "scrubjay.config", "a warning", {})
    found = event(Report(line, ()), Identity("relay-1", None, {}, None))
    assert found["level"] == "warning"
    assert found["tags"] == {}
    assert "environment" not in found
    assert "exception" not in found


def test_the_references_normalisation_finds_nothing_wrong() -> None:
    from sentry_relay.processing import StoreNormalizer

    report = Report(LINE, (LINE,), error="OSError", problem="no space", frames=(Frame("scrubjay/a.py", 3, "write"),))
    century_s = 3_200_000_000
    normalizer = StoreNormalizer(project_id=1, max_secs_in_future=century_s, max_secs_in_past=century_s)
    found = normalizer.normalize_event(event(report))
    assert (found["type"], found.get("errors"), found.get("_meta")) == ("error", None, None)


def test_what_a_server_or_a_file_said_is_scrubbed() -> None:
    quoted = "cannot send to ana@lab.example, card 4111 1111 1111 1111"
    line = Breadcrumb(1.0, logging.WARNING, "scrubjay.upstream", quoted, {"detail": quoted, "password": "hunter2"})
    text = json.dumps(event(Report(line, (line,), error="OSError", problem=quoted)))
    assert "ana@lab" not in text
    assert "4111" not in text
    assert "hunter2" not in text
    assert "cannot send to" in text
