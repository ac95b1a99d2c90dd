"""What of the log is told, and what is left out of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from scrubjay.errors import ConfigError
from scrubjay.runtime import log
from scrubjay.runtime.self_reports.listening import MAX_CRUMBS, Ear, Told


class Listening:
    def __init__(self) -> None:
        self.told: list[Told] = []
        self.ear = Ear(self.told.append)
        self.logger = logging.getLogger("scrubjay.listening-test")
        self.logger.setLevel(logging.DEBUG)


@pytest.fixture
def listening() -> Iterator[Listening]:
    made = Listening()
    logging.getLogger().addHandler(made.ear)
    yield made
    logging.getLogger().removeHandler(made.ear)


def test_errors_and_warnings_are_told_with_what_was_said_before(listening: Listening) -> None:
    listening.logger.debug("unheard")
    listening.logger.info("configuration in force", extra={"fields": {"generation": 2}})
    listening.logger.warning("outage", extra={"fields": {"upstream": "default"}})
    listening.logger.error("disk full")
    assert [(told.line.level, told.line.text) for told in listening.told] == [
        (logging.WARNING, "outage"),
        (logging.ERROR, "disk full"),
    ]
    assert [crumb.text for crumb in listening.told[1].before] == ["configuration in force", "outage"]
    assert listening.told[0].line.fields == {"upstream": "default"}
    assert listening.told[0].line.topic == "scrubjay.listening-test"
    assert repr(listening.ear) == "<Ear 3 crumbs>"


def test_only_the_last_lines_are_remembered(listening: Listening) -> None:
    for number in range(100):
        listening.logger.info("line %d", number)
    listening.logger.error("end")
    assert [crumb.text for crumb in listening.told[0].before] == [f"line {n}" for n in range(100 - MAX_CRUMBS, 100)]


def test_no_addresses_no_secrets_and_only_the_beginning_of_a_key(listening: Listening) -> None:
    listening.logger.warning(
        "no answer from %s",
        "https://0123456789abcdef:secret@10.1.2.3/4",
        extra={"fields": {"project_key": "a" * 32, "detail": "peer 2001:db8::1 at 192.0.2.7", "size_bytes": 3}},
    )
    (told,) = listening.told
    assert told.line.text == "no answer from https://01234567…@[ip]/4"
    assert told.line.fields == {"project_key": "a" * 8, "detail": "peer [ip] at [ip]", "size_bytes": 3}
    assert told.key == "a" * 8


def test_an_exception_is_told_without_what_it_choked_on(listening: Listening) -> None:
    try:
        int("ana@lab.example")
    except ValueError as error:
        listening.logger.error("internal error", exc_info=error)
    (told,) = listening.told
    assert (told.error, told.problem) == ("ValueError", "")
    assert told.frames[-1].function == "test_an_exception_is_told_without_what_it_choked_on"
    assert told.frames[-1].file == "test_listening.py"
    assert told.line.fields == {}


def test_our_own_exceptions_may_speak_and_files_are_named_within_the_package(listening: Listening) -> None:
    try:
        log.configure("info", "nonsense")
    except KeyError as error:
        listening.logger.error("a", exc_info=error)
    listening.logger.error("b", exc_info=ConfigError("bad at 10.0.0.1", path="relay.host"))
    first, second = listening.told
    assert first.frames[-1].file == "scrubjay/runtime/log.py"
    assert (second.error, second.problem, second.frames) == ("ConfigError", "relay.host: bad at [ip]", ())


def test_what_is_said_of_reporting_is_not_heard(listening: Listening) -> None:
    logging.getLogger("scrubjay.self_reports").warning("not delivered")
    assert listening.told == []


def test_a_line_that_cannot_be_told_harms_nobody(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    listening.logger.warning("%d", "no number")
    assert listening.told == []


def test_the_ear_outlives_another_set_up_of_the_log(listening: Listening) -> None:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    try:
        log.configure("warn", "json")
        listening.logger.warning("still heard")
        assert [told.line.text for told in listening.told] == ["still heard"]
    finally:
        root.handlers = before
        root.setLevel(level)
        logging.captureWarnings(False)
        for name in ("aiohttp.access", "asyncio"):
            logging.getLogger(name).setLevel(logging.NOTSET)
