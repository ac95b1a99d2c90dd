"""Starts over a spool that holds something: with another key, and killed while what it holds is gone through."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from scrubjay.core.spool_format import Record
from scrubjay.errors import ConfigError
from scrubjay.runtime.spool.disk import Clock, Disk
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.types import SpoolOptions
from scrubjay.runtime.worker import Worker
from scrubjay.settings.load import load
from support.daemon import KEY, Daemon
from support.http_client import auth, post
from support.processes import wait_for
from support.relay import relay

CANARY = b"canary-4711"
EVENT = b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc"}\n{"type":"event"}\n{"message":"%s"}\n' % CANARY
KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2)]
HELD = 20_000


def encrypted(key: str | None) -> dict[str, Any]:
    return {"encryption_key": key} if key else {}


async def test_what_is_encrypted_is_kept_for_the_right_key_and_a_start_without_it_is_refused(tmp_path: Path) -> None:
    spool = tmp_path / "spool"

    def options(key: str | None) -> dict[str, Any]:
        return {"spool": {"envelopes": {"path": str(spool), "fsync": "never", **encrypted(key)}}}

    async with relay(tmp_path / "first", options=options(KEYS[0])) as one:
        one.worker._toggle_sending()
        for _ in range(2):
            assert (await one.env(EVENT)).status == 200
    files = [path for path in spool.rglob("*") if path.is_file()]
    assert any(path.suffix == ".seg" for path in files)
    assert not any(CANARY in path.read_bytes() or b"sentry_key" in path.read_bytes() for path in files)
    for number, key in enumerate((None, KEYS[1], "no key at all")):
        folder = tmp_path / f"refused-{number}"
        folder.mkdir()
        base = {"relay": {"mode": "proxy", "upstream": "http://127.0.0.1:9/", "state_dir": str(folder / "run")}}
        (folder / "scrubjay.yaml").write_text(yaml.safe_dump({**base, **options(key)}))
        with pytest.raises(ConfigError) as caught:
            await Worker(load(folder, {})).start()
        assert caught.value.path == "spool.envelopes.encryption_key"
        assert key is None or key not in str(caught.value)
    async with relay(tmp_path / "again", options=options(KEYS[0])) as one:
        for _ in range(2):
            assert CANARY in (await one.forwarded()).body


def fill(folder: Path, records: int) -> None:
    """As a relay would have left it, which was told of many envelopes in an outage, and whose state file is gone."""
    (folder / "p00").mkdir(parents=True, mode=0o700)
    log = SegmentLog(Disk(), folder / "p00", SpoolOptions(fsync="never"), Clock(), partition=bytes(16))
    received_ms = int(time.time() * 1000)
    for first in range(0, records, 10):
        log.append(
            [
                Record(
                    b'{"k":"%s","p":"1","r":%d,"d":"%d","c":{"error":1}}' % (KEY.encode(), received_ms, first + number),
                    b'{}\n{"type":"event","length":2}\n{}\n' + os.urandom(400),
                )
                for number in range(10)
            ]
        )
    log.close()


def held(daemon: Daemon) -> int:
    return daemon.account().held["error"]


@pytest.mark.timeout(120)
def test_killed_while_what_it_holds_is_gone_through_the_account_closes_at_the_next_start(tmp_path: Path) -> None:
    """The port is open meanwhile: what comes is taken, and nothing of either is lost or counted twice."""
    options = {"spool": {"envelopes": {"fsync": "never"}}, "logging": {"level": "warn"}}
    daemon = Daemon(tmp_path, mode="proxy", upstream="http://127.0.0.1:9/", options=options)
    spool = Path(yaml.safe_load((tmp_path / "scrubjay.yaml").read_text())["spool"]["envelopes"]["path"])
    fill(spool, HELD)
    taken = 0
    try:
        for _ in range(2):
            daemon.start()
            for _ in range(5):
                assert post(daemon.port, "/api/1/envelope/", EVENT, auth()).status == 200
                taken += 1
            daemon.kill()
        daemon.start()
        wait_for(lambda: held(daemon) == HELD + taken, "all is counted", timeout_s=60)
        account = daemon.account()
        assert account.received["error"] == HELD + taken
        assert account.closed
        assert not account.dropped
    finally:
        daemon.close()
