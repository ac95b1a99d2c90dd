"""`scrubjay doctor` in mode `managed`: what stands between a relay and its place at the server, each with its remedy."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scrubjay.runtime.series import Rows
from scrubjay.runtime.state import Snapshot, StateFile
from scrubjay.settings.credentials import generate, write_credentials
from support.authority import CHALLENGE, CONFIGS, ENVELOPE, RESPONSE, WAITING, Answer, Authority, document, presiding
from support.doctoring import Diagnosis, Setup, compile_once

DSN_KEY = "c" * 32


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_once(monkeypatch)
    for name in [name for name in os.environ if name.startswith(("RELAY_", "SCRUBJAY_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def sentry() -> Iterator[Authority]:
    with presiding() as authority:
        yield authority


class Relay(Setup):
    """A folder of mode `managed`, with credentials."""

    def __init__(self, folder: Path, sentry: Authority) -> None:
        super().__init__(folder, sentry.url, relay={"mode": "managed"})
        (self.folder / "projects" / "42.yaml").unlink()
        self.credentials = generate()
        write_credentials(self.folder, self.credentials)
        self.port_of_dsn = sentry.port

    def found(self, *, dsn: bool = True) -> Diagnosis:
        return self.diagnose(f"http://{DSN_KEY}@127.0.0.1:{self.port_of_dsn}/42" if dsn else None)

    def runs(self, series: dict[str, Rows]) -> None:
        now = time.time()
        snapshot = Snapshot(0, os.getpid(), "1", now, now, time.monotonic(), upstream_up=True, series=series)
        StateFile(self.state, 0).write(snapshot)


@pytest.fixture
def relay(tmp_path: Path, sentry: Authority) -> Relay:
    return Relay(tmp_path, sentry)


def test_all_is_well(relay: Relay, sentry: Authority) -> None:
    sentry.projects[DSN_KEY] = document(DSN_KEY, 42, rev="r7")
    sentry.listed = {relay.credentials.id: relay.credentials.public_key}
    found = relay.found()
    assert f"knows the relay {relay.credentials.id}" in found.of("registration")[0].text
    assert "revision r7" in found.of("project config")[0].text
    assert "configures its project" in found.of("dsn")[0].text
    assert found.of("stages")[0].verdict == "skipped"
    assert "other keys are configured by the upstream" in found.of("projects")[0].text
    assert found.bad(but=("relay", "spool", "configuration")) == []
    assert [asked.is_signed for asked in sentry.of(CHALLENGE) + sentry.of(RESPONSE) + sentry.of(CONFIGS)] == [True] * 3


def test_a_key_that_is_not_listed(relay: Relay, sentry: Authority) -> None:
    sentry.listed = {}
    finding = relay.found().failed("registration")
    assert "403 Relay is not allowed to register" in finding.text
    assert "auth.static_relays" in finding.remedy
    assert relay.credentials.public_key in finding.remedy
    assert sentry.of(ENVELOPE) == []


@pytest.mark.parametrize(
    ("answer", "text", "remedy"),
    [
        (Answer(403, {"relay": "stop"}), "this relay shall stop", "every 15 minutes"),
        (Answer(401, {"detail": "signature is too old"}), "too old", "timedatectl"),
        (Answer(400, {"detail": "relay_id did not match"}), "did not match", "credentials set -i random"),
        (Answer(400, {"detail": "the key is another one than is known here"}), "another one", "list the new one there"),
        (Answer(400, {"detail": "relay_id in payload did not match header"}), "header", "X-Sentry-Relay-Id"),
        (Answer(400, {"detail": "Missing relay signature"}), "Missing", "X-Sentry-Relay-Signature"),
        (Answer(401, {"detail": "no"}), "401 no", "auth.static_relays"),
        (Answer(404), "no registration for relays", "relay.mode: static"),
        (Answer(500), "500", "in trouble"),
        (Answer(418), "418", "for the relay's id"),
        (Answer(200, b"<html>"), "is no JSON", "who answers there"),
        (Answer(200, []), "is no object", "who answers there"),
        (Answer(reset=True), "no answer", "log"),
    ],
)
def test_each_refusal_has_a_remedy(relay: Relay, sentry: Authority, answer: Answer, text: str, remedy: str) -> None:
    sentry.always(CHALLENGE, answer)
    finding = relay.found().failed("registration")
    assert text in finding.text
    assert remedy in finding.remedy


def test_a_proxy_that_takes_the_headers_out(relay: Relay, sentry: Authority) -> None:
    sentry.always(RESPONSE, Answer(400, {"detail": "invalid signature on data"}))
    assert "let them through as they are" in relay.found().failed("registration").remedy


def test_a_configuration_that_is_not_given(relay: Relay, sentry: Authority) -> None:
    finding = relay.found().failed("project config")
    assert "project_id" in finding.text
    assert "relay.mode: static" in finding.remedy


def test_a_configuration_that_is_not_there_yet(relay: Relay, sentry: Authority) -> None:
    sentry.projects[DSN_KEY] = WAITING
    assert "none of cccccccc… yet" in relay.found().warned("project config").text


def test_a_server_that_lets_it_in_and_gives_no_configurations(relay: Relay, sentry: Authority) -> None:
    sentry.always(CONFIGS, Answer(500, {"detail": "internal"}))
    found = relay.found()
    assert found.of("registration")[0].verdict == "ok"
    assert "500 internal" in found.failed("project config").text


def test_a_configuration_that_cannot_be_used(relay: Relay, sentry: Authority) -> None:
    rules = {"x": {"type": "pattern", "pattern": "(unclosed", "redaction": {"method": "mask"}}}
    sentry.projects[DSN_KEY] = document(DSN_KEY, 42, piiConfig={"rules": rules, "applications": {"$string": ["x"]}})
    finding = relay.found().failed("project config")
    assert "rules.x" in finding.text
    assert "Security & Privacy" in finding.remedy


def test_a_configuration_of_which_a_part_cannot_be_used(relay: Relay, sentry: Authority) -> None:
    sentry.projects[DSN_KEY] = document(DSN_KEY, 42, quotas="many")
    assert "quotas" in relay.found().warned("project config").text


def test_without_a_key_nothing_is_asked_for(relay: Relay, sentry: Authority) -> None:
    assert "--dsn" in relay.found(dsn=False).of("project config")[0].text
    assert sentry.of(CONFIGS) == []


def test_nothing_is_sent_without_probes(relay: Relay, sentry: Authority) -> None:
    relay.diagnose(probes=False)
    assert sentry.of(CHALLENGE) == []


def series(auth_state: int, waiting_bytes: int = 0, oldest_s: float = 0, stale_s: float = 0) -> dict[str, Rows]:
    return {
        "scrubjay_auth_state": [((), auth_state)],
        "scrubjay_project_configs": [(("fetched",), 3), (("fetched_disabled",), 0), (("pending",), 1)],
        "scrubjay_project_config_stale_seconds": [(("fetched",), stale_s)],
        "scrubjay_waiting_envelopes": [((), 1)],
        "scrubjay_waiting_bytes": [((), waiting_bytes)],
        "scrubjay_waiting_capacity_bytes": [((), 1000)],
        "scrubjay_waiting_oldest_age_seconds": [((), oldest_s)],
    }


def test_a_relay_that_runs_and_is_not_let_in(relay: Relay, sentry: Authority) -> None:
    relay.runs(series(4))
    assert "its upstream has told the relay to stop" in relay.found().failed("relay's standing").text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"waiting_bytes": 900, "oldest_s": 100.0}, "nearly full"),
        ({"oldest_s": 100.0}, "the oldest for 1m"),
        ({"stale_s": 100.0}, "past its time since 1m"),
        ({}, "3 known, 0 disabled, 1 pending; 1 envelopes wait for one"),
    ],
)
def test_what_waits_at_a_relay_that_runs(relay: Relay, sentry: Authority, numbers: dict[str, float], text: str) -> None:
    relay.runs(series(2, **numbers))  # type: ignore[arg-type]
    (finding,) = relay.found().of("project configs")
    assert text in finding.text
    assert json.dumps(finding.document())
