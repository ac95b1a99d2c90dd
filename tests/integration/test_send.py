"""`scrubjay send` to a real relay with a server behind it: what is sent arrives, and what looks personal in it does not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scrubjay.cli import samples
from scrubjay.cli.program import program
from support.mini_upstream import Answer, mini_upstream
from support.processes import free_port
from support.relay import K, relay

PROJECTS = {"42.yaml": {"publicKeys": [{"publicKey": K}], "config": {}}}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verbs find no configuration of somebody's where tests are run."""
    monkeypatch.chdir(tmp_path)


async def call(folder: Path, *arguments: str) -> Result:
    """While this event loop serves."""
    config = ["-c", str(folder)] if (folder / "scrubjay.yaml").exists() else []
    line = [*config, "send", *arguments]
    return await asyncio.to_thread(CliRunner().invoke, program, line, catch_exceptions=False)


async def _sent(tmp_path: Path, *arguments: str) -> tuple[dict[str, Any], bytes]:
    """What was said, and all that arrived."""
    async with relay(tmp_path, mode="static", projects=PROJECTS) as running:
        settings = (tmp_path / "scrubjay.yaml").read_text().replace("port: 0", f"port: {running.port}")
        (tmp_path / "scrubjay.yaml").write_text(settings)
        result = await call(tmp_path, *arguments, "--json")
        assert result.exit_code == 0, result.output
        told = json.loads(result.output)
        await running.upstream.until_delivered(len(told["sent"]))
        return told, b"".join(each.body for each in running.upstream.delivered)


@pytest.mark.parametrize("kind", ["error", "transaction", "log"])
async def test_what_looks_personal_does_not_arrive(kind: str, tmp_path: Path) -> None:
    made = {"error": samples.error, "transaction": samples.transaction, "log": samples.log}[kind]()
    planted = [text for text in samples.PERSONAL if text.encode() in made.body]
    assert len(planted) >= 2
    told, body = await _sent(tmp_path, kind)
    assert (told["project_id"], told["key"]) == (42, K)
    assert told["sent"][0]["status"] == 200
    assert body.count(b'"type":') >= 1
    for text in planted:
        assert text.encode() not in body


async def test_a_job_begins_and_ends(tmp_path: Path) -> None:
    told, body = await _sent(tmp_path, "check-in", "--monitor", "nightly", "--status", "error")
    assert [each["kind"] for each in told["sent"]] == ["check-in begin", "check-in end"]
    for part in (b'"monitor_slug":"nightly"', b'"status":"in_progress"', b'"status":"error"', b'"duration":1.5'):
        assert part in body


async def test_a_dsn_leads_elsewhere(tmp_path: Path) -> None:
    async with mini_upstream() as server:
        dsn = f"http://{K}@127.0.0.1:{server.port}/prefix/7"
        result = await call(tmp_path, "error", "--message", "by hand", "--dsn", dsn)
        assert result.exit_code == 0, result.output
        (arrival,) = server.envelopes
        assert arrival.path == "/prefix/api/7/envelope/"
        assert b'"value":"by hand"' in arrival.body
        assert f"sentry_key={K}" in arrival.headers["X-Sentry-Auth"]
        assert arrival.header["event_id"] in result.output
        assert "look" in result.output


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (Answer(403, body=b'{"detail": "no such key", "causes": ["none"]}'), ["403 no such key; none", "Client Keys"]),
        (Answer(429, {"X-Sentry-Rate-Limits": "60:error:key:quota", "Retry-After": "60"}), ["60:error:key:quota, again in 60 s"]),
        (Answer(500, body=b"<h1>no</h1>\x1b[31m"), ["500 <h1>no</h1>"]),
        (Answer(400, body=b'{"detail": "odd", "causes": 7}'), ["400 odd"]),
        (Answer(400, body=b"[" * 100_000), ["400 [[["]),
    ],
    ids=["no such key", "limited", "in trouble", "odd", "deep"],
)  # fmt: skip
async def test_a_refusal_says_why(answer: Answer, shown: list[str], tmp_path: Path) -> None:
    async with mini_upstream() as server:
        server.default = answer
        result = await call(tmp_path, "error", "--dsn", f"http://{K}@127.0.0.1:{server.port}/7")
        assert result.exit_code == 1
        assert all(text in result.output for text in shown), result.output
        assert "look" not in result.output
        assert "\x1b" not in result.output


async def test_nobody_answers(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "scrubjay.yaml").write_text(f"relay: {{mode: capture, port: {port}, state_dir: {tmp_path}/run}}\n")
    near = await call(tmp_path, "error")
    far = await call(tmp_path, "error", "--dsn", f"http://{K}@127.0.0.1:{free_port()}/7")
    assert (near.exit_code, far.exit_code) == (1, 1)
    assert f"no relay answers at 127.0.0.1:{port}" in near.output
    assert "`scrubjay run`" in near.output
    assert "gives no answer" in far.output


async def test_nobody_whose_it_could_be(tmp_path: Path) -> None:
    (tmp_path / "scrubjay.yaml").write_text("relay: {mode: static, upstream: 'http://127.0.0.1:9'}\n")
    result = await call(tmp_path, "error")
    assert result.exit_code == 1
    assert "no project is configured" in result.output
    assert (await call(tmp_path, "error", "--dsn", "nonsense")).exit_code == 1


async def test_a_capture_takes_any_key(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="capture") as running:
        settings = (tmp_path / "scrubjay.yaml").read_text().replace("port: 0", f"port: {running.port}")
        (tmp_path / "scrubjay.yaml").write_text(settings)
        result = await call(tmp_path, "transaction")
        assert result.exit_code == 0, result.output
        assert f"at http://127.0.0.1:{running.port} in the browser" in result.output


def test_nothing_of_this_machine_is_in_a_sample() -> None:
    import getpass
    import socket

    made = (samples.error(), samples.transaction(), samples.log(), *samples.check_ins("m", "ok"), samples.probe())
    for text in (socket.gethostname(), getpass.getuser() + "@", str(Path.cwd())):
        assert not any(text.encode() in sample.body for sample in made)
