"""What the doctor says of a DSN, and how the verb tells it: to people, to programs, by its exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from scrubjay.cli.findings import Verdict
from scrubjay.cli.program import program
from support.doctoring import KEY, PROJECT, Setup, compile_once

OTHER_KEY = "f" * 32


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_once(monkeypatch)
    for name in [name for name in os.environ if name.startswith(("RELAY_", "SCRUBJAY_"))]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("dsn", "verdict", "text"),
    [
        (f"http://{KEY}@127.0.0.1:{{port}}/42", Verdict.OK, "it leads to this relay; project 42"),
        (f"http://{KEY}@localhost:{{port}}/42", Verdict.OK, "it leads to this relay"),
        (f"http://{KEY}@127.0.0.1:9/42", Verdict.OK, "it leads to the upstream; project 42"),
        (f"http://{KEY}@127.0.0.1:{{port}}/43", Verdict.FAILED, "that of project 42, its path says 43"),
        (f"http://{OTHER_KEY}@127.0.0.1:{{port}}/42", Verdict.FAILED, "no project has its key"),
        (f"http://{KEY}@127.0.0.1:8/42", Verdict.WARNING, "neither this relay"),
        ("nonsense", Verdict.FAILED, "it is none"),
    ],
)
def test_whose_a_dsn_is(tmp_path: Path, dsn: str, verdict: Verdict, text: str) -> None:
    setup = Setup(tmp_path)
    (found,) = setup.diagnose(dsn.format(port=setup.port), probes=False).of("dsn")
    assert found.verdict is verdict
    assert text in found.text


def test_a_key_that_is_switched_off(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    setup.project("42.yaml", {"publicKeys": [{"publicKey": KEY, "isEnabled": False}], "config": {}})
    found = setup.diagnose(f"http://{KEY}@127.0.0.1:{setup.port}/42")
    assert "switched off" in found.failed("dsn").text
    assert "refuses the probe" in found.failed("stages").text
    assert "compare its project's id" in found.failed("stages").remedy, "and not what holds for envelopes that waited"


@pytest.mark.parametrize(
    ("config", "verdict", "text"),
    [
        ({"quotas": [{"id": "none", "categories": ["error"], "limit": 0, "reasonCode": "no_errors"}]}, Verdict.FAILED, "rate_limited/no_errors"),
        ({"filterSettings": {"errorMessages": {"patterns": ["*probe*"]}}}, Verdict.WARNING, "filtered/error-message"),
    ],
    ids=["a quota", "a filter"],
)  # fmt: skip
def test_a_plan_that_drops_the_probe(tmp_path: Path, config: object, verdict: Verdict, text: str) -> None:
    setup = Setup(tmp_path)
    setup.project("42.yaml", {**PROJECT, "config": config})
    (found,) = setup.diagnose().of("stages")
    assert found.verdict is verdict
    assert text in found.text
    assert found.remedy


def test_the_verb_prints_and_ends_with_1(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    result = CliRunner().invoke(program, ["-c", str(setup.folder), "doctor"])
    assert result.exit_code == 1
    lines = result.output.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("failed   tcp"))
    assert lines[at + 1].strip().startswith("do: start the server")
    assert "1 failed" in lines[-1]
    assert "\x1b" not in result.output


def test_for_programs(tmp_path: Path) -> None:
    setup = Setup(tmp_path, relay={"mode": "capture"})
    setup.config["relay"].pop("upstream")
    setup.write()
    result = CliRunner().invoke(program, ["-c", str(setup.folder), "doctor", "--json"])
    told = json.loads(result.output)
    assert (result.exit_code, told["ok"]) == (0, True)
    assert {"check", "verdict", "finding"} <= set(told["findings"][0])
    stages = next(each for each in told["findings"] if each["check"] == "stages")
    assert [step["stage"] for step in stages["facts"]["steps"]]


def test_nothing_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCRUBJAY__RELAY__PORT", "0")
    monkeypatch.setenv("SCRUBJAY__RELAY__STATE_DIR", str(tmp_path / "run"))
    result = CliRunner().invoke(program, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "no config folder, so all is default: mode capture" in result.output
