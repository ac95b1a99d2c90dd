"""`scrubjay spool` on relays as they run: looked into while written to, moved from one host to another, mended after a crash."""

import base64
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from support.daemon import KEY, Daemon
from support.http_client import auth, post
from support.processes import wait_for
from support.recorder import Delivery, recording
from support.relay_db import packed, write_buffer, zstd
from support.spool_folders import envelope

OTHER = "b" * 32
LATE_S = 60
"""So long after it was sent a busy machine may look at it."""
SEALED = base64.b64encode(bytes(range(32))).decode()


def send(relay: Daemon, number: int, *, key: str = KEY, project: int = 1) -> None:
    """Clients' clocks are late, so that what is done to `sent_at` shows."""
    sent_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 100))
    body = envelope(number, message=f"order {number} of jane@example.com", sent_at=sent_at)
    assert post(relay.port, f"/api/{project}/envelope/", body, auth(key)).status == 200


def json_lines(relay: Daemon, *arguments: str) -> list[dict[str, object]]:
    done = relay.run("spool", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def export(relay: Daemon, path: Path) -> None:
    with path.open("wb") as file:
        command = [sys.executable, "-m", "scrubjay", "-c", str(relay.folder), "spool", "export", "--out", "-"]
        subprocess.run(command, cwd=relay.folder, stdout=file, check=True)


def known(delivery: Delivery) -> str:
    """What a delivery says, but for when it was sent."""
    header, items = delivery.envelope()
    header.pop("sent_at", None)
    facts = [delivery.path, delivery.sender, delivery.headers.get("user-agent"), header]
    return json.dumps([*facts, [(item.headers, item.payload.decode()) for item in items]], sort_keys=True)


def drift_s(delivery: Delivery) -> float:
    sent_at = delivery.envelope()[0]["sent_at"].replace("Z", "+00:00")
    return time.time() - datetime.fromisoformat(sent_at).timestamp()


def test_what_waits_moves_to_another_relay_and_arrives_as_it_would_have(
    daemons: Callable[..., Daemon], tmp_path: Path
) -> None:
    """Also operations-92 and -93, on relays that run; the spool that is left is encrypted, the other is not."""
    with recording() as server:
        server.is_away = True
        sealed = {"spool": {"envelopes": {"encryption_key": SEALED}}}
        old = daemons(upstream=server.url, options=sealed)
        old.start()
        for number in range(1, 21):
            send(old, number)
        for number in range(21, 31):
            send(old, number, key=OTHER, project=7)

        (segment,) = json_lines(old, "ls", "--json")
        assert (segment["stored"], segment["waiting"], segment["being_written"]) == (30, 30, True)
        assert len(json_lines(old, "cat", "--project", "7")) == 10
        assert old.run("spool", "verify").returncode == 0
        refused = old.run("spool", "drop", "--project", "7")
        assert (refused.returncode, "stop it first" in refused.stderr) == (1, True)
        export(old, tmp_path / "stream")
        assert b"order 7 of" in (tmp_path / "stream").read_bytes()
        assert b"jane" not in (tmp_path / "stream").read_bytes()
        old.kill()

        new = daemons(upstream=server.url)
        new.start()
        buffer = [
            (int(time.time() * 1000), KEY, zstd(envelope(41, message="jane@example.com", dsn=new.dsn())), 1),
            (0, KEY, packed([(int(time.time() * 1000), envelope(n, dsn=new.dsn())) for n in (42, 43)]), 2),
            (int(time.time() * 1000), KEY, envelope(44, dsn=new.dsn()), 1),
        ]
        write_buffer(tmp_path / "relay.db", buffer, keeps_log=True)
        done = new.run("spool", "import", str(tmp_path / "stream"), str(tmp_path / "relay.db"))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("34 envelopes found, 34 imported\n")
        server.deliveries.clear()
        server.is_away = False
        account = wait_for(lambda: account if (account := new.account()).forwarded["error"] == 34 else None, "all sent")
        assert account is not None
        assert account.closed
        brought = [each for each in server.deliveries if each.status == 200]
        assert not any("jane" in known(each) for each in brought)
        ids = Counter(each.envelope()[0]["event_id"] for each in brought)
        assert ids == Counter(f"{number:032x}" for number in (*range(1, 31), *range(41, 45)))
        moved = [each for each in brought if int(each.envelope()[0]["event_id"], 16) <= 30]
        assert all(98 <= drift_s(each) <= 100 + LATE_S for each in moved)
        wait_for(lambda: not (new.folder / "spool" / "p90").exists(), "the partition is given back")

        # What the old relay sends itself, when it is there again, is the same.
        server.deliveries.clear()
        old.start()
        assert old.wait_until_empty().closed
        stayed = [each for each in server.deliveries if each.status == 200]
        assert Counter(map(known, stayed)) == Counter(map(known, moved))


@pytest.mark.deep
def test_a_crash_is_mended_and_a_project_taken_out(daemons: Callable[..., Daemon]) -> None:
    with recording() as server:
        server.is_away = True
        relay = daemons(upstream=server.url)
        relay.start()
        for number in range(1, 11):
            send(relay, number)
        for number in range(11, 16):
            send(relay, number, key=OTHER, project=7)
        relay.metrics()  # the books are written
        relay.kill()
        (path,) = (relay.folder / "spool" / "p00").glob("*.seg")
        data = bytearray(path.read_bytes())
        data[200] ^= 1  # in the payload of the first frame
        path.write_bytes(data)
        os.truncate(path, len(data) - 5)

        assert relay.run("spool", "verify").returncode == 4
        assert relay.run("spool", "repair").returncode == 0
        left = [int(str(row["e"]), 16) for row in json_lines(relay, "cat")]
        assert set(range(2, 15)) >= set(left) >= set(range(3, 14))
        assert relay.run("spool", "drop", "--project", "7").returncode == 0

        server.deliveries.clear()
        server.is_away = False
        relay.start()
        account = relay.wait_until_empty()
        assert account.closed
        assert account.received["error"] == 15
        sent = [number for number in left if number <= 10]
        assert account.forwarded["error"] >= len(sent)
        reports = [each for each in server.deliveries if b"client_report" in each.body and b'"error"' in each.body]
        assert any(b'"cache_overflow"' in each.body for each in reports)
