import io
import json
import logging
import re

import pytest

from scrubjay.errors import ConfigError
from scrubjay.runtime import log
from scrubjay.runtime.log import LimitedLog, configure


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def stream():
    """A log that can be read; the root logger is put back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    yield io.StringIO()
    root.handlers = before
    root.setLevel(level)
    logging.captureWarnings(False)
    for name in ("aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def read(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_have_the_specified_fields_and_no_others(stream):
    configure("info", "json", worker=3, stream=stream)
    logging.getLogger("scrubjay.http").info(
        "said %s", "hello", extra={"fields": {"project_key": "a" * 32, "event_id": "e" * 32, "none": None, "empty": ""}}
    )
    (line,) = read(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line.pop("line_number") > 0
    assert line == {
        "level": "INFO",
        "target": "scrubjay.http",
        "message": "said hello",
        "filename": "test_log.py",
        "worker": 3,
        "project_key": "a" * 8,
        "event_id": "e" * 32,
    }


def test_fields_do_not_overwrite_the_line(stream):
    configure("info", "json", stream=stream)
    logging.getLogger("scrubjay").info("true", extra={"fields": {"message": "false", "odd": object}})
    (line,) = read(stream)
    assert line["message"] == "true"
    assert line["field_message"] == "false"
    assert "object" in line["odd"]


@pytest.mark.parametrize(
    ("level", "passes"),
    [
        ("off", []),
        ("", ["ERROR"]),
        ("error", ["ERROR"]),
        ("warn", ["WARN", "ERROR"]),
        ("trace", ["TRACE", "WARN", "ERROR"]),
    ],
)
def test_levels(stream, level, passes):
    configure(level, "json", stream=stream)
    logger = logging.getLogger("scrubjay.levels")
    for number in (log.TRACE, logging.WARNING, logging.CRITICAL):
        logger.log(number, "x")
    assert [line["level"] for line in read(stream)] == passes


@pytest.mark.parametrize(
    ("form", "start"), [("simplified", "[scrubjay.spool 1] INFO: ready"), ("pretty", " 1 INFO  ready")]
)
def test_of_several_workers_each_line_says_whose_it_is(stream, form, start):
    configure("info", form, stream=stream, worker=1)
    logging.getLogger("scrubjay.spool").info("ready")
    assert start in stream.getvalue()


def test_a_text_cannot_look_like_another_field(stream):
    configure("info", "simplified", stream=stream)
    logging.getLogger("scrubjay.http").info(
        "refused", extra={"fields": {"detail": 'a" level="ERROR', "path": "C:\\ x"}}
    )
    assert stream.getvalue().endswith(r' INFO: refused detail="a\" level=\"ERROR" path="C:\\ x"' + "\n")


def test_auto_is_pretty_on_a_terminal_and_simplified_elsewhere(stream, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    terminal = Terminal()
    for out in (terminal, stream):
        configure("info", "auto", stream=out)
        logging.getLogger("scrubjay.x").warning("hello", extra={"fields": {"a": "b c", "n": 1, "list": ["p", "q"]}})
    assert "\x1b[33mWARN" in terminal.getvalue()
    assert "hello" in terminal.getvalue()
    assert '[scrubjay.x] WARN: hello a="b c" n=1 list=\n    p\n    q\n' in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("env", "terminal", "coloured"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
    ],
)
def test_colours_are_for_terminals(monkeypatch, stream, env, terminal, coloured):
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    out = Terminal() if terminal else stream
    configure("info", "pretty", stream=out)
    logging.getLogger("scrubjay.x").error("hello", extra={"fields": {"a": "b c"}})
    assert ("\x1b[31mERROR\x1b[0m hello" in out.getvalue()) is coloured
    if not coloured:
        assert re.fullmatch(r'\d\d:\d\d:\d\d ERROR hello a="b c"\n', out.getvalue())


def test_what_others_said_keeps_no_address_and_no_whole_key():
    said = "203.0.113.7 may not use 0a1b2c3d4e5f60718293a4b5c6d7e8f9 at [2001:db8::7]:443, 40 digits: " + "a" * 40
    assert log.of_others(said) == ("[ip] may not use 0a1b2c3d… at [[ip]]:443, 40 digits: " + "a" * 40)


def test_access_logs_with_client_addresses_stay_off_at_debug(stream):
    configure("debug", "json", stream=stream)
    logging.getLogger("aiohttp.access").info('203.0.113.7 "POST /api/1/envelope/"')
    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", ["json", "simplified", "pretty"])
def test_secrets_and_control_characters_do_not_pass(stream, form):
    configure("info", form, stream=stream)
    logging.getLogger("scrubjay.upstream").info(
        "to https://0123456789abcdef0123456789abcdef:hunter2@server/1 \x1b]0;x\x07",
        extra={"fields": {"upstream": "http://user:hunter3@host", "evil": "a\x1bb"}},
    )
    text = stream.getvalue()
    assert "hunter" not in text
    assert "89abcdef0" not in text
    assert "01234567…@server" in text
    assert "\x1b]0" not in text
    assert "\x07" not in text
    assert "a\x1bb" not in text


def test_foreign_lines_lose_their_addresses_and_ours_keep_them(stream):
    configure("info", "json", stream=stream)
    logging.getLogger("aiohttp.server").warning(
        "Error from 203.0.113.7 and 2001:db8::7 and ::ffff:203.0.113.7 at 12:30"
    )
    logging.getLogger("scrubjay.worker").info("listening on 127.0.0.1:3000")
    foreign, ours = read(stream)
    assert foreign["message"] == "Error from [ip] and [ip] and [ip] at 12:30"
    assert ours["message"] == "listening on 127.0.0.1:3000"


def fail(error):
    try:
        raise error
    except type(error) as raised:
        return raised


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("secret payload"), "ValueError"),
        (ConfigError("no such key"), "ConfigError: no such key"),
        (OSError(28, "No space left"), "OSError: [Errno 28] No space left"),
    ],
)
def test_exceptions_are_told_without_what_they_choked_on(stream, error, told):
    configure("info", "json", stream=stream)
    logging.getLogger("scrubjay.x").error("failed", exc_info=fail(error))
    (line,) = read(stream)
    assert line["error"] == told
    assert line["at"].endswith("in fail")
    assert "secret" not in stream.getvalue()


def test_backtraces_on_demand(stream):
    configure("info", "json", backtraces=True, stream=stream)
    logging.getLogger("scrubjay.x").error("failed", exc_info=fail(KeyError("secret")))
    (line,) = read(stream)
    assert [place.rsplit(" ", 1)[1] for place in line["at"]] == ["fail"]


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def test_a_call_site_speaks_once_in_ten_seconds_and_says_what_it_left_out(stream):
    configure("info", "json", stream=stream)
    clock = Clock()
    limited = LimitedLog("http", clock)
    for _ in range(5):
        limited.line(logging.INFO, "a", "one", {"x": 1})
    limited.line(logging.INFO, "b", "two")
    clock.now_s += 9.9
    limited.line(logging.INFO, "a", "one")
    clock.now_s += 0.1
    limited.line(logging.INFO, "a", "one", {"x": 2})
    shown = [(line["message"], line.get("x"), line.get("suppressed")) for line in read(stream)]
    assert shown == [("one", 1, None), ("two", None, None), ("one", 2, 5)]
    assert {line["filename"] for line in read(stream)} == {"test_log.py"}


def test_lines_below_the_level_cost_and_remember_nothing(stream):
    configure("warn", "json", stream=stream)
    limited = LimitedLog("http", Clock())
    limited.line(logging.INFO, "a", "one")
    assert not limited.enabled(logging.INFO)
    configure("info", "json", stream=stream)
    limited.line(logging.INFO, "a", "one")
    assert len(read(stream)) == 1
    assert "suppressed" not in read(stream)[0]


def test_the_memory_of_call_sites_is_bounded(stream):
    configure("info", "json", stream=stream)
    clock = Clock()
    limited = LimitedLog("http", clock)
    for number in range(1_500):
        limited.line(logging.INFO, str(number), "x")
    assert len(read(stream)) == 1_001
    clock.now_s += 10
    limited.line(logging.INFO, "new", "x")
    assert len(read(stream)) == 1_002
    assert "suppressed" not in read(stream)[-1]
