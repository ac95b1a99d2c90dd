"""What the pages on capturing tell people to type, as it stands there: the commands, the questions by curl, the tests."""

import functools
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sentry_sdk

from support.requirements import tool

DOCS = Path(__file__).parents[3] / "docs"
HERE = Path(sys.executable).parent
WITHIN_S = 240

EVENT = {
    "event_id": "f" * 32,
    "level": "error",
    "tags": {"area": "cart"},
    "exception": {"values": [{"type": "ValueError", "value": "no such card of ana@lab.example"}]},
}

# The port of this test's sink in place of the usual one, an end for what follows for ever, and no need of jq.
SHELL = f"""
set -eu -o pipefail
scrubjay() {{
  case "$1 ${{2:-}}" in
    "tail "*) "{HERE}/scrubjay" "$@" --port $PORT --no-start --count 1 --timeout 90 ;;
    "capture run") "{HERE}/scrubjay" "$@" ;;
    *) "{HERE}/scrubjay" "$@" --port $PORT ;;
  esac
}}
jq() {{ "{sys.executable}" -c 'import json, sys; [print(json.loads(line)["title"]) for line in sys.stdin]'; }}
"""


class PaymentRefused(Exception):
    pass


class Shop:
    """As a framework's test client, with what its integration would tell of the request."""

    status_code = 200

    def post(self, path: str, json: object = None) -> "Shop":
        scope = sentry_sdk.get_isolation_scope()
        scope.set_tag("area", "cart")
        scope.add_event_processor(lambda event, hint: event | {"request": {"url": path, "data": json}})
        try:
            raise PaymentRefused(f"the bank refused {json}")
        except PaymentRefused as error:
            sentry_sdk.capture_exception(error)
        return self


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def run(script: str, folder: Path, **variables: str) -> str:
    """By the shell, with what a fresh one has; its output, if it succeeds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SENTRY"))}
    done = subprocess.run(
        [str(tool("bash")), "-c", SHELL + script],
        cwd=folder,
        env={**kept, "NO_COLOR": "1", **variables},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def url(sentry_sink) -> str:
    """Of a sink to which the event has come, and nothing else."""
    sentry_sink.clear()
    share = sentry_sink.capture()
    dsn = urlsplit(share.dsn)
    body = b'{}\n{"type":"event"}\n' + json.dumps(EVENT).encode()
    headers = {"X-Sentry-Auth": f"Sentry sentry_key={dsn.username}, sentry_version=7"}
    connection = http.client.HTTPConnection(dsn.hostname, dsn.port)
    connection.request("POST", f"/api{dsn.path}/envelope/", body, headers)
    assert connection.getresponse().status == 200
    connection.close()
    share.one(type="error")
    return sentry_sink.url


def test_the_commands_of_the_terminal(url, tmp_path):
    (script,) = [block for block in blocks("capture.md", "sh") if "scrubjay tail" in block]
    script = script.replace("-- pytest", "-- sh -c 'echo told $SENTRY_SPOTLIGHT'")
    told = run(script, tmp_path, PORT=str(urlsplit(url).port))
    assert '"title":"ValueError: no such card of [email]"' in told
    assert "\nValueError: no such card of [email]\n" in told, "by jq"
    assert "told http://127.0.0.1:" in told
    assert "all 2 expectations hold" in told


def test_the_questions_by_curl(url, tmp_path):
    tool("curl")
    (script,) = [block for block in blocks("capture-api.md", "sh") if "/events?" in block]
    lines = script.replace("http://127.0.0.1:8969", url).splitlines()
    answers = [json.loads(run(line.replace("curl", "curl -sS"), tmp_path)) for line in lines]
    assert [answer["matched"] for answer in answers] == [1, 0, 0]


def test_the_tests_of_the_page_on_testing(sentry_sink, monkeypatch):
    init = functools.partial(sentry_sdk.init, default_integrations=False)  # they would stay in this process
    monkeypatch.setattr(sentry_sdk, "init", init)
    page: dict[str, Callable[..., None]] = {}
    for block in blocks("testing.md", "python"):
        if "def test_" in block:
            exec(block, page)
    tests = [call for name, call in page.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        with sentry_sdk.isolation_scope():
            share = sentry_sink.capture()
            init(share.dsn)
            test(share, Shop())
            sentry_sdk.get_client().close()
            sentry_sdk.get_global_scope().set_client(None)
