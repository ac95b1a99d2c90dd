"""The plugin as a suite of third parties meets it: pytest in a process of its own, with warnings as errors (`capture.md` 12)."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from scrubjay.testing import plugin
from support.posting import post

SEND = """
import json, urllib.request

def send(capture, message):
    body = "{}\\n{\\"type\\":\\"event\\"}\\n" + json.dumps({"message": message})
    url = f"{capture.url}/api/{capture.project}/envelope/?sentry_key={capture.key}"
    with urllib.request.urlopen(url, body.encode()) as answer:
        assert answer.status == 200
"""

SUITE_S = 300
"""For a suite of its own, with processes of its own, on a machine that is busy."""
pytestmark = pytest.mark.timeout(2 * SUITE_S)


@pytest.fixture
def suite(tmp_path):
    """Writes files and runs pytest on them: status and text."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (tmp_path / "conftest.py").write_text(SEND)

    def run(tests: str, *arguments: str) -> tuple[int, str]:
        (tmp_path / "test_it.py").write_text(f"import os\nimport pytest\nfrom conftest import send\n{tests}")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SUITE_S, check=False
        )
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout

    return run


def test_capture_14_tests_in_parallel_processes_share_nothing_and_pass(suite):
    status, text = suite(
        """
@pytest.mark.parametrize("number", range(6))
def test_own(sentry_capture, number):
    sentry_capture.none(within=0)
    send(sentry_capture, f"number {number}")
    assert sentry_capture.one().title == f"number {number}"

def test_what_the_environment_says(sentry_capture):
    assert (os.environ["SENTRY_DSN"], "SENTRY_SPOTLIGHT" in os.environ) == (sentry_capture.dsn, False)
""",
        "-n2", "-o", "sentry_capture_env=on",
    )  # fmt: skip
    assert (status, "7 passed" in text) == (0, True), text


def test_capture_14_a_failure_shows_what_arrived_and_leaves_it_in_a_file(suite, tmp_path):
    status, text = suite(
        """
def test_fails(sentry_capture):
    send(sentry_capture, "mail to ana@lab.example")
    sentry_capture.one(type="error", level="fatal", within=0.1)

def test_spotlight(sentry_capture):
    assert os.environ["SENTRY_SPOTLIGHT"] == sentry_capture.spotlight_url
""",
        "--sentry-capture-dir=artefacts", "-o", "sentry_capture_env=spotlight", "-o", "sentry_sink_scope=module",
    )  # fmt: skip
    assert (status, "1 failed, 1 passed" in text) == (1, True), text
    assert "E       AssertionError: exactly one record with type=error level=fatal wanted, none found" in text
    assert "E             wanted level=fatal, but it has error" in text
    assert "capture.py" not in text, "the traceback ends in the test"
    section = text.split("- sentry capture -")[1]
    (file,) = (tmp_path / "artefacts").iterdir()
    assert "error error      mail to [email]" in section
    assert f"artefacts{os.sep}{file.name}" in section
    assert json.loads(file.read_text())["title"] == "mail to [email]"


def test_rules_that_are_not_there(suite):
    status, text = suite(
        """
@pytest.mark.sentry_rules("nowhere.yml")
def test_missing(sentry_capture):
    pass

@pytest.mark.sentry_rules
def test_nameless(sentry_capture):
    pass
"""
    )
    assert ("2 errors" in text, status) == (True, 1)
    assert ("there is no file nowhere.yml in" in text, "sentry_rules takes one file" in text) == (True, True)


def test_settings_that_are_none_are_refused():
    with pytest.raises(pytest.UsageError, match="'day' is none of session"):
        plugin._scope("sentry_sink", SimpleNamespace(getini=lambda name: "day"))
    with pytest.raises(pytest.UsageError, match="'maybe' is none of off"):
        plugin._environment(SimpleNamespace(getini=lambda name: "maybe"))
    assert plugin._environment(SimpleNamespace(getini=lambda name: "True")) == "dsn"


def test_nothing_is_imported_until_a_fixture_is_asked_for(suite):
    status, text = suite(
        """
import sys

def test_it():
    loaded = sorted(name for name in sys.modules if name.startswith("scrubjay"))
    assert loaded == ["scrubjay", "scrubjay.testing", "scrubjay.testing.plugin"]
"""
    )
    assert status == 0, text


def test_what_was_captured_stands_in_the_report_and_in_a_file(sentry_capture, tmp_path):
    def attached(folder):
        report = SimpleNamespace(sections=[])
        item = SimpleNamespace(
            nodeid="tests/test_a.py::test_b[1/2]", config=SimpleNamespace(getoption=lambda name: folder)
        )
        plugin._attach(item, report, sentry_capture)
        ((title, text),) = report.sections
        assert title == "sentry capture"
        return text

    assert attached(tmp_path) == "nothing has arrived"
    for number in range(plugin._MAX_SHOWN + 2):
        post(sentry_capture, ("event", {"message": f"number {number}"}))
    lines = attached(tmp_path / "new").splitlines()
    (file,) = (tmp_path / "new").iterdir()
    assert (file.name, lines[-2:]) == ("tests-test_a.py--test_b-1-2.ndjson", ["and 2 more", f"All of it: {file}"])
    assert len(file.read_bytes().splitlines()) == plugin._MAX_SHOWN + 2


@pytest.mark.sentry_rules("rules.yml")
def test_a_share_of_a_sink_with_rules_of_its_own(sentry_capture):
    post(sentry_capture, ("event", {"extra": {"note": "hello"}}))
    assert sentry_capture.one().at("/extra/note") == "gone"
