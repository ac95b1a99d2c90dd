"""What of the log is told, and what is left out of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from scrubjay.errors import ConfigError
from scrubjay.runtime import log
from scrubjay.runtime.self_reports.listening import MAX_BREADCRUMBS, Report, ReportingHandler


class Listening:
    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.handler = ReportingHandler(self.reports.append)
        self.logger = logging.getLogger("scrubjay.listening-test")
        self.logger.setLevel(logging.DEBUG)


@pytest.fixture
def listening() -> Iterator[Listening]:
    made = Listening()
    logging.getLogger().addHandler(made.handler)
    yield made
    logging.getLogger().removeHandler(made.handler)


def test_errors_and_warnings_are_told_with_what_was_said_before(listening: Listening) -> None:
    listening.logger.debug("unheard")
    listening.logger.info("configuration in force", extra={"fields": {"generation": 2}})
    listening.logger.warning("outage", extra={"fields": {"upstream": "default"}})
    listening.logger.error("disk full")
    assert [(report.line.level, report.line.text) for report in listening.reports] == [
        (logging.WARNING, "outage"),
        (logging.ERROR, "disk full"),
    ]
    assert [breadcrumb.text for breadcrumb in listening.reports[1].breadcrumbs] == ["configuration in force", "outage"]
    assert listening.reports[0].line.fields == {"upstream": "default"}
    assert listening.reports[0].line.topic == "scrubjay.listening-test"
    assert repr(listening.handler) == "<ReportingHandler 3 breadcrumbs>"


def test_only_the_last_lines_are_remembered(listening: Listening) -> None:
    for number in range(100):
        listening.logger.info("line %d", number)
    listening.logger.error("end")
    assert [breadcrumb.text for breadcrumb in listening.reports[0].breadcrumbs] == [
        f"line {n}" for n in range(100 - MAX_BREADCRUMBS, 100)
    ]


def test_no_addresses_no_secrets_and_only_the_beginning_of_a_key(listening: Listening) -> None:
    listening.logger.warning(
        "no answer from %s",
        "https://0123456789abcdef:secret@10.1.2.3/4",
        extra={"fields": {"project_key": "a" * 32, "detail": "peer 2001:db8::1 at 192.0.2.7", "size_bytes": 3}},
    )
    (report,) = listening.reports
    assert report.line.text == "no answer from https://01234567…@[ip]/4"
    assert report.line.fields == {"project_key": "a" * 8, "detail": "peer [ip] at [ip]", "size_bytes": 3}
    assert report.key == "a" * 8


def test_an_exception_is_told_without_what_it_choked_on(listening: Listening) -> None:
    try:
        int("ana@lab.example")
    except ValueError as error:
        listening.logger.error("internal error", exc_info=error)
    (report,) = listening.reports
    assert (report.error, report.problem) == ("ValueError", "")
    assert report.frames[-1].function == "test_an_exception_is_told_without_what_it_choked_on"
    assert report.frames[-1].file == "test_listening.py"
    assert report.line.fields == {}


def test_our_own_exceptions_may_speak_and_files_are_named_within_the_package(listening: Listening) -> None:
    try:
        log.configure("info", "nonsense")
    except KeyError as error:
        listening.logger.error("a", exc_info=error)
    listening.logger.error("b", exc_info=ConfigError("bad at 10.0.0.1", path="relay.host"))
    first, second = listening.reports
    assert first.frames[-1].file == "scrubjay/runtime/log.py"
    assert (second.error, second.problem, second.frames) == ("ConfigError", "relay.host: bad at [ip]", ())


def test_what_is_said_of_reporting_is_not_heard(listening: Listening) -> None:
    logging.getLogger("scrubjay.self_reports").warning("not delivered")
    assert listening.reports == []


def test_a_line_that_cannot_be_told_harms_nobody(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    listening.logger.warning("%d", "no number")
    assert listening.reports == []


def test_the_ear_outlives_another_set_up_of_the_log(listening: Listening) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        log.configure("warn", "json")
        listening.logger.warning("still heard")
        assert [report.line.text for report in listening.reports] == ["still heard"]
    finally:
        root.handlers = handlers
        root.setLevel(level)
        logging.captureWarnings(False)
        for name in ("aiohttp.access", "asyncio"):
            logging.getLogger(name).setLevel(logging.NOTSET)
