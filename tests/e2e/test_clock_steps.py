"""The wall clock jumps ten years ahead and ten years back while envelopes wait: none expires by it, none is dated wrongly, nobody dies.

`upstream-and-operations.md` 7.7, 7.9 and 7.12, I10. What is shifted is the clock of the relay's processes alone, as they run (`support/faulty_system.c`);
clients and server live in the true time, so that a wrong clock in between must not show in `sent_at` at all.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from support.daemon import READY, Daemon
from support.faulty_system import FaultySystem
from support.http_client import post
from support.processes import answers
from support.recorder import recording
from support.steady_load import TARGET

TEN_YEARS_S = 3653 * 86_400
DRIFT_S = 300.0
"""The clock of the clients is slow by this much, which the server can see and must go on seeing."""
LATE_S = 30.0
"""So much later than it was stamped a request may be taken by a server on a busy machine."""


def envelope(event_id: str, sent_at: datetime) -> bytes:
    payload = json.dumps({"event_id": event_id, "message": "a moment in time"}).encode()
    header = json.dumps({"event_id": event_id, "sent_at": sent_at.isoformat().replace("+00:00", "Z")}).encode()
    return header + b'\n{"type":"event","length":%d}\n%b\n' % (len(payload), payload)


STEPS = [(0, False), (TEN_YEARS_S, False), (-TEN_YEARS_S, True), (0, False)]
"""How far the clock is ahead of the truth, and whether the relay is killed and started after that step."""
ALL_STEPS = [
    (shift_s, restart) for restart in (False, True) for shift_s in (0, TEN_YEARS_S, -TEN_YEARS_S, TEN_YEARS_S, 0)
]


@pytest.mark.parametrize("steps", [STEPS, pytest.param(ALL_STEPS, marks=pytest.mark.deep)], ids=["short", "all"])
def test_operations_84_no_step_of_the_clock_expires_or_misdates_anything(
    steps: list[tuple[int, bool]], tmp_path: Path, daemons: Callable[..., Daemon]
) -> None:
    machine = FaultySystem(tmp_path)
    limits = {"spool": {"envelopes": {"max_envelope_delay_secs": 3600, "expiry_holdoff": 0}}}
    with recording() as upstream:
        upstream.is_away = True
        relay = daemons(upstream=upstream.url, options=limits, env=machine.env)
        relay.start()
        promised: set[str] = set()
        for shift_s, restart in steps:
            machine.shift_clock(shift_s)
            if restart:
                relay.kill()
                relay.start()
            for _ in range(10):
                event_id = uuid.uuid4().hex
                sent_at = datetime.now(UTC) - timedelta(seconds=DRIFT_S)
                answer = post(relay.port, TARGET, envelope(event_id, sent_at))
                assert answer.status == 200
                promised.add(event_id)
            believed = parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC)
            assert abs(believed.total_seconds() - shift_s) < LATE_S, "the relay lives in the right time"
            assert answers(relay.port, READY)
            assert relay.account().held["error"] == len(promised)
        upstream.is_away = False
        account = relay.wait_until_empty()
        assert account.closed, account
        assert not account.dropped, account
        assert relay.stop() == 0, relay.log
        assert "Traceback" not in relay.log, relay.log
        assert '"level":"ERROR"' not in relay.log, relay.log
    taken = [each for each in upstream.deliveries if each.status == 200]
    headers = {each.envelope()[0]["event_id"]: (each.envelope()[0]["sent_at"], each.at_mono) for each in taken}
    assert promised <= headers.keys()
    now, now_mono = datetime.now(UTC), time.monotonic()
    for event_id in promised:
        sent_at, at_mono = headers[event_id]
        arrived = now - timedelta(seconds=now_mono - at_mono)
        assert -1 < (arrived - datetime.fromisoformat(sent_at)).total_seconds() - DRIFT_S < LATE_S, event_id


@pytest.mark.deep
def test_a_limit_learnt_in_the_future_does_not_last_until_then(tmp_path: Path, daemons: Callable[..., Daemon]) -> None:
    """The server refuses for a second while the clock is wrong; what the file of limits remembers is bounded after the clock is right."""
    machine = FaultySystem(tmp_path)
    with recording() as upstream:
        relay = daemons(upstream=upstream.url, options={"limits": {"upstream_max": 2}}, env=machine.env)
        machine.shift_clock(TEN_YEARS_S)
        relay.start()
        upstream.script.append((429, {"X-Sentry-Rate-Limits": "1:error:key:wrong_time"}))
        assert post(relay.port, TARGET, envelope(uuid.uuid4().hex, datetime.now(UTC))).status == 200
        account = relay.wait_until_empty()
        assert account.dropped["error"] == 1
        assert relay.stop() == 0
        machine.shift_clock(0)
        relay.start()
        deadline_mono = time.monotonic() + 30
        while post(relay.port, TARGET, envelope(uuid.uuid4().hex, datetime.now(UTC))).status != 200:
            assert time.monotonic() < deadline_mono, "the limit lasts"
        assert relay.stop() == 0
