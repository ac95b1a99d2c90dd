"""What is counted and said of fetched configurations."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay.runtime.telemetry import Telemetry

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"


@pytest.fixture
def book() -> Telemetry:
    return Telemetry()


def series(book: Telemetry, name: str) -> dict[Any, Any]:
    return dict(book.values.series[f"scrubjay_{name}"])


def test_requests_states_and_evictions_are_counted(book: Telemetry) -> None:
    book.config_query("ok", 0.2)
    book.config_query("failed", 5.0)
    book.config_query("failed", 5.0)
    book.configs_evicted(3)
    book.global_fetched("pending")
    book.fetched_configs(5, 2, 7, stale_s=40.0)
    assert series(book, "project_config_queries_total") == {("ok",): 1, ("failed",): 2}
    assert series(book, "project_config_evictions_total") == {(): 3}
    assert series(book, "global_config_fetches_total")["pending",] == 1
    assert series(book, "project_configs_pending") == {(): 7}
    assert series(book, "project_configs") == {("fetched",): 5, ("fetched_disabled",): 2, ("pending",): 7}
    named = "scrubjay_project_config_query_duration_seconds"
    assert [row for row in book.values.histogram_rows() if named in str(row)]


def test_failures_are_warnings_and_an_outage_is_an_error(book: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    book.configs_failed(2, f"502 for {KEY} from 10.0.0.1", failing_s=3.2, is_outage=False)
    book.configs_failed(2, "502", failing_s=95.0, is_outage=True)
    book.global_failed("502", 36.0)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR", "ERROR"]
    fields = caplog.records[0].__dict__["fields"]
    assert fields == {"keys": 2, "detail": f"502 for {KEY[:8]}… from [ip]", "failing_s": 3}


def test_what_cannot_be_used_is_told_by_its_key(book: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    book.config_unreadable(KEY, "slug: expected a text")
    assert series(book, "project_configs_unreadable_total") == {(): 1}
    assert caplog.records[0].levelname == "ERROR"
    assert caplog.records[0].__dict__["fields"]["problem"] == "slug: expected a text"


def test_a_relay_that_nobody_trusts_is_told_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    book = Telemetry(mono=lambda: now[0])
    for now[0] in (0.0, 5.0, 3_599.0, 3_601.0):
        book.mostly_disabled(19, 20)
    assert len(caplog.records) == 2, "once an hour"
    assert "`static` or `proxy`" in caplog.text
