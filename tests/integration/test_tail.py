"""`scrubjay tail` and the verbs of `scrubjay capture`, against a sink that runs (`capture.md` 11)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scrubjay.capture_client import CaptureClient
from scrubjay.cli.program import program
from scrubjay.cli.tail_source import envelope_of
from scrubjay.testing.housing import InThread, Lodging

HOSTILE = "bad \x1b]0;pwned\x07 \x9b2J \u202e ana@lab.example"
EVENT = {
    "event_id": "a" * 32,
    "level": "error",
    "exception": {
        "values": [
            {
                "type": "ValueError",
                "value": HOSTILE,
                "stacktrace": {
                    "frames": [{"filename": "app/views.py", "lineno": 42, "function": "pay", "in_app": True}]
                },
            }
        ]
    },
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    home = InThread(Lodging())
    client = CaptureClient(home.url, timeout_s=60)
    client.post("/stream", envelope_of(json.dumps([{}, [[{"type": "event"}, EVENT]]])), {})
    client.wait({"type": "error"}, timeout_s=60)
    yield home.port
    home.close()


@pytest.fixture
def call(port: int) -> Callable[..., Result]:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(program, [*arguments, "--port", str(port)], prog_name="scrubjay")

    return invoke


def test_capture_13_json_is_one_object_per_line_and_the_default_in_a_pipe(call: Callable[..., Result]) -> None:
    result = call("tail", "--count", "1", "--timeout", "5s", "--diff", "--stack")
    assert result.exit_code == 0
    (told,) = map(json.loads, result.stdout.splitlines())
    assert told["type"] == "error"
    assert "@email:replace" in {change["rule"] for change in told["changes"]}
    assert told["stack"][1] == "app/views.py:42 in pay"
    assert "ana@lab.example" not in told["title"]


@pytest.mark.parametrize("form", ["human", "json", "logfmt", "md"])
def test_capture_13_no_colour_and_no_escape_in_any_form(call: Callable[..., Result], form: str) -> None:
    result = call("tail", "-f", form, "--count", "1", "--timeout", "5s", "--stack")
    assert result.exit_code == 0
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(result.stdout)
    assert "app/views.py" in result.stdout or form == "json"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--count", "1", "--timeout", "5s"), 0),
        (("--timeout", "0.1"), 0),
        (("--count", "9", "--timeout", "0.3"), 6),
        (("--since", "now", "--count", "1", "--timeout", "0.3"), 6),
        (("logs", "--count", "1", "--timeout", "0.3"), 6),
        (("--fail-on", "error", "--timeout", "5s"), 5),
        (("--fail-on", "fatal", "--count", "1", "--timeout", "5s"), 0),
        (("--since", "nonsense"), 2),
        (("nonsense",), 2),
    ],
)
def test_capture_13_exit_codes(call: Callable[..., Result], arguments: tuple[str, ...], status: int) -> None:
    assert call("tail", *arguments).exit_code == status


def test_capture_13_nobody_there_is_1() -> None:
    assert CliRunner().invoke(program, ["tail", "--no-start", "--port", "1"]).exit_code == 1


def test_expectations_from_a_shell(call: Callable[..., Result]) -> None:
    good = call("capture", "assert", "--type", "error", "--exception", "ValueError", "--count", "1..2")
    assert (good.exit_code, "ok" in good.stdout) == (0, True)
    bad = call("capture", "assert", "--type", "log", "--count", "1")
    assert (bad.exit_code, "FAIL" in bad.stdout) == (5, True)
    assert call("capture", "assert").exit_code == 2
    assert call("capture", "assert", "--where", "typ=error").exit_code == 2


def test_waiting_marking_exporting_and_clearing(call: Callable[..., Result], tmp_path: Path) -> None:
    assert json.loads(call("capture", "wait", "--type", "error").stdout)["type"] == "error"
    missed = call("capture", "wait", "--type", "log", "--timeout", "100ms")
    assert (missed.exit_code, "wanted type=log" in missed.stderr) == (6, True)
    mark = call("capture", "mark").stdout.strip()
    assert call("capture", "wait", "--since", mark, "--timeout", "100ms").exit_code == 6
    call("capture", "export", "-o", str(tmp_path / "out"))
    assert json.loads((tmp_path / "out").read_text().splitlines()[0])
    assert call("capture", "clear", "--type", "log").stdout == "removed 0\n"


@pytest.mark.parametrize(("script", "status"), [("exit 9", 9), ('test -n "$SENTRY_SPOTLIGHT"', 0), ("kill -9 $$", 137)])
def test_a_command_with_a_sink_of_its_own_ends_as_it_ends(script: str, status: int) -> None:
    assert CliRunner().invoke(program, ["capture", "run", "--", "sh", "-c", script]).exit_code == status
