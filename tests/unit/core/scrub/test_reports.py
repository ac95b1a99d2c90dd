"""Client reports (ingest.md A.8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.reports import scrub_report
from scrubjay.errors import Unreadable, Unscrubbable
from support import scrubbing
from support.corpus import recorded

STRICT = scrubbing.default_program("strict")


def scrubbed(report: Any) -> Any:
    new = scrub_report(STRICT, json.dumps(report).encode())
    return report if new is None else json.loads(new)


def test_reports_stay_as_they_are() -> None:
    line = {"reason": "sample_rate", "category": "error", "quantity": 40}
    odd = {"reason": "Sampled:3000,3001", "category": "transaction_indexed", "quantity": 7}
    for time in (1767261600, 1767261600.5, "2026-01-05T10:00:00.000Z"):
        report = {
            "timestamp": time,
            "discarded_events": [line],
            "filtered_sampling_events": [odd],
            "filtered_events": [],
        }
        assert scrub_report(STRICT, json.dumps(report).encode()) is None


def test_nothing_but_names_and_counts_leaves() -> None:
    got = scrubbed(
        {
            "timestamp": "ana was here",
            "who": "ana@lab.example",
            "discarded_events": [
                {"reason": "of ana@lab.example", "category": "error", "quantity": 1, "note": "ana"},
                {"reason": "192.0.2.1", "category": "error", "quantity": "ana"},
                {"reason": "4242424242424242", "category": 7, "quantity": True},
                {"reason": "", "category": "error", "quantity": 2},
                "ana",
            ],
            "filtered_events": "ana",
        }
    )
    assert got == {
        "discarded_events": [
            {"reason": "", "category": "error", "quantity": 1},
            {"reason": "", "category": "error"},
            {"reason": ""},
            {"reason": "", "category": "error", "quantity": 2},
        ]
    }


def test_a_reason_that_cannot_be_looked_at_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise Unscrubbable("no")

    monkeypatch.setattr("scrubjay.core.scrub.reports.scrub_text", refuse)
    assert scrubbed({"discarded_events": [{"reason": "x"}]}) == {"discarded_events": [{"reason": ""}]}


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"a":"\xff"}', b'{"a":' * 5_000])
def test_what_cannot_be_read_is_refused(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        scrub_report(STRICT, payload)


def test_reports_of_real_clients_pass() -> None:
    found = 0
    for request in recorded("envelope"):
        for line, payload in zip(*[iter(request.body.split(b"\n")[1:])] * 2, strict=False):
            if b'"client_report"' in line:
                found += 1
                assert scrub_report(STRICT, payload) is None
    assert found
