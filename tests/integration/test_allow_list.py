"""Allow-list mode through the whole path (scrubbing.md 15.5): every item type of the corpus, nothing but words and keys leaves."""

from __future__ import annotations

import json
from pathlib import Path as File
from typing import Any

import pytest

from scrubjay.core.envelope import parse_envelope, read_header, rewrite_header
from scrubjay.core.plan import Programs, ProjectPlan, compile_plan
from scrubjay.settings.project import ProjectConfig, ProjectOptions, ScrubjayOptions
from scrubjay.settings.schema import Settings
from support.path import Path, Plans, envelope

CORPUS = sorted((File(__file__).parents[1] / "support" / "corpus").glob("*.envelope"))
PROGRAMS = Programs()
LISTABLE = {
    "event", "transaction", "feedback", "user_report", "session", "sessions", "check_in", "log", "span", "trace_metric",
    "client_report", "security", "raw_security", "metric_buckets",
}  # fmt: skip


def path(**scrub: Any) -> Path:
    options = ProjectOptions(scrubjay=ScrubjayOptions(scrub={"mode": "allow", **scrub}))
    return Path(None, plans=Plans({"*": compile_plan(ProjectConfig(config=options), Settings(), PROGRAMS)}))


def texts(node: object) -> list[str]:
    if isinstance(node, dict):
        return [text for key, value in node.items() if key != "_meta" for text in texts(value)]
    if isinstance(node, list):
        return [text for value in node for text in texts(value)]
    return [node] if isinstance(node, str) else []


@pytest.fixture(scope="module", autouse=True)
def kept() -> ProjectPlan:
    """Programs live as long as a plan uses them: this one does for all tests."""
    options = ProjectOptions(scrubjay=ScrubjayOptions(scrub={"mode": "allow"}))
    return compile_plan(ProjectConfig(config=options), Settings(), PROGRAMS)


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_with_an_empty_list_only_words_leave(file: File) -> None:
    came = path()
    body = file.read_bytes()
    came.send(rewrite_header(body, {"dsn": None}) if "dsn" in read_header(body)[0] else body)
    assert came.closes()
    for parcel in came.shelf.parcels:
        for item in parse_envelope(parcel.body).items:
            assert item.type in LISTABLE
            if item.type != "client_report":
                left = texts(json.loads(bytes(item.payload)))
                assert [
                    text for text in left if text != "[Filtered]" and (" " in text[:10] or "@" in text or "/" in text)
                ] == []


def test_items_without_leaves_are_dropped_and_counted() -> None:
    came = path(allow=["extra.a"])
    came.send(
        envelope(
            ("event", '{"extra":{"a":"kept","b":"rosa"}}'), ("attachment", "rosa"), ("profile", "{}"), ("odd", "rosa")
        )
    )
    (event,) = parse_envelope(came.forwarded).items
    assert json.loads(bytes(event.payload))["extra"] == {"a": "kept", "b": "[Filtered]"}
    assert b"rosa" not in came.forwarded
    assert came.closes()


def test_named_items_leave_under_the_rules() -> None:
    came = path(allow_items=["attachment"])
    came.send(envelope(("event", "{}"), ("attachment", "peer 192.0.2.1")))
    _, attachment = parse_envelope(came.forwarded).items
    assert bytes(attachment.payload) == b"peer [ip]"
