"""A container of spans, as new SDKs send traces, is told in a line like a transaction."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay.cli.tail_lines import human

ROOT = {
    "name": "job",
    "is_segment": True,
    "start_timestamp": 5.0,
    "end_timestamp": 5.25,
    "status": "ok",
    "attributes": {"sentry.op": {"value": "task", "type": "string"}},
}
CHILD = {"name": "db", "start_timestamp": 5.0, "end_timestamp": 5.1, "op": "query", "status": "ok"}


def line(payload: Any) -> str:
    record = {"type": "span", "title": "job", "source": "server", "payload": payload}
    return "".join(text for text, _ in human(record)).split("[server]", 1)[1].strip()


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"version": 2, "items": [CHILD, ROOT]}, "[task] job [250ms] [ok] [2 spans]"),
        ({"items": [CHILD]}, "[query] job [100ms] [ok] [1 span]"),
        (ROOT, "[task] job [250ms] [ok]"),
        ({"items": ["?"]}, "job [1 span]"),
        ({"items": "?"}, "job"),
    ],
)
def test_spans(payload: Any, told: str) -> None:
    assert line(payload) == told
