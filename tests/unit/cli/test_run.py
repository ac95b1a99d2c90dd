"""`scrubjay run`: flags to settings. The worker is a stand-in that notes what it was given."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import Result

from scrubjay.settings.credentials import generate
from scrubjay.settings.load import Loaded

Call = Callable[..., Result]
Folder = Callable[..., Path]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Loaded]:
    found: list[Loaded] = []

    def run(loaded: Loaded) -> int:
        found.append(loaded)
        return 3

    worker = ModuleType("scrubjay.runtime.worker")
    worker.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "scrubjay.runtime.worker", worker)
    return found


def test_nothing_configured_is_a_capture(call: Call, served: list[Loaded]) -> None:
    assert call("run").exit_code == 3  # what the worker returned
    assert served[0].settings.relay.mode == "capture"


@pytest.mark.parametrize(
    ("arguments", "attribute", "value"),
    [
        (["--upstream", "https://h"], "relay.upstream", "https://h/"),
        (["-u", "https://h"], "relay.mode", "static"),
        (["--upstream-dsn", "https://k@h:8443/7"], "relay.upstream", "https://h:8443/"),
        (["--mode", "proxy"], "relay.mode", "proxy"),
        (["-H", "127.0.0.2"], "relay.host", "127.0.0.2"),
        (["-P", "5000"], "relay.port", 5000),
        (["--shutdown-timeout", "2m"], "limits.shutdown_timeout", 120),
        (["--workers", "1"], "relay.workers", 1),
        (["--no-processing"], "relay.mode", "capture"),
    ],
)
def test_flags_become_settings(
    call: Call, served: list[Loaded], arguments: list[str], attribute: str, value: object
) -> None:
    call("run", *arguments)
    section, name = attribute.split(".")
    assert getattr(getattr(served[0].settings, section), name) == value


def test_operations_10_flag_before_environment_before_file(
    call: Call, served: list[Loaded], folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAY_PORT", "4000")
    conf = str(folder("relay: {port: 3001}"))
    call("run", "-c", conf, "--port", "5000")
    call("run", "-c", conf)
    assert [loaded.settings.relay.port for loaded in served] == [5000, 4000]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-s", "X"],
        ["-p", "X"],
        ["--upstream", "https://h", "--upstream-dsn", "https://k@h/1"],
        ["--processing", "--no-processing"],
        ["--mode", "bogus"],
    ],
)
def test_operations_17_conflicts_are_usage_errors(call: Call, served: list[Loaded], arguments: list[str]) -> None:
    result = call("run", *arguments)
    assert result.exit_code == 2
    assert served == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--processing"], "config: flag --processing: there is no processing here"),
        (["--port", "x"], "config: flag --port: relay.port: `x`: no number"),
        (
            ["--upstream", "https://h/x"],
            "config: flag --upstream: relay.upstream: `https://h/x`: the upstream has a non-root",
        ),
        (["--upstream-dsn", "https://h/1"], "config: flag --upstream-dsn: relay.upstream: no DSN"),
        (["--mode", "managed"], "config: flag --mode: relay.mode: mode `managed` needs credentials"),
        (["--mode", "static"], "config: relay.upstream: mode `static` needs an upstream"),
        (["--workers", "0"], "config: flag --workers: relay.workers: `0`: out of bounds"),
        (["-H", "0.0.0.0"], "config: flag --host: relay.host: mode `capture` shows what it catches"),
    ],
)
def test_what_cannot_be_run_says_why(call: Call, served: list[Loaded], arguments: list[str], message: str) -> None:
    result = call("run", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert served == []


def test_flags_without_effect_are_named(call: Call, served: list[Loaded]) -> None:
    call(
        "run",
        "--redis-url",
        "redis://h",
        "--instance",
        "canary",
        "--source-id",
        "s",
        "--kafka-broker-url",
        "k",
        "--server-name",
        "n",
    )
    (loaded,) = served
    assert loaded.warnings == ()
    assert loaded.settings.sentry.server_name == "n"
    (notice,) = loaded.notices
    assert notice.startswith("known keys without effect here: outcomes.source (client reports name no source); ")
    assert "processing.kafka_config (" in notice
    assert "relay.instance (" in notice


def test_an_identity_by_flags(call: Call, served: list[Loaded]) -> None:
    made = generate().dump()
    call("run", "--mode", "proxy", "-i", made["id"], "-p", made["public_key"], "-s", made["secret_key"])
    assert served[0].credentials is not None
    assert served[0].credentials.dump() == made
    assert "RELAY_ID" not in os.environ
