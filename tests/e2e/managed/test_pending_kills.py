"""kill -9 at any moment while envelopes wait on disk for their configuration, and while they are taken up: what was acknowledged arrives.

`upstream-and-operations.md` 7.4 and 7.10, I1 and I8. A life begins without a configuration, which comes at some moment, or not in that life; so
kills meet records that wait, records whose scrubbed copy is written and whose own note is not, and the reading back. In numbers:

    pytest -m deep -s tests/e2e/managed/test_pending_kills.py
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

import pytest

from support.authority import WAITING, Authority
from support.daemon import KEY, Daemon
from support.managed import SECRET, event, scrubbing, send
from support.processes import wait_for
from support.promises import Arrivals, judge
from support.steady_load import SteadyLoad, steady_load

Relays = Callable[..., Daemon]
LIVES = 17
MODES = ["always", "interval", "never"]
LADEN = 5
"""Events with a secret, beside the load of each life."""


class Lives:
    """One instance, its clients, and the book of deaths."""

    def __init__(self, relay: Daemon, sentry: Authority, load: SteadyLoad, chance: random.Random) -> None:
        self.relay = relay
        self.deaths_mono: list[float] = []
        self.laden: list[str] = []
        self.held_at_death: list[int] = []
        self._sentry = sentry
        self._load = load
        self._chance = chance

    def live_and_die(self, workers: int) -> None:
        self._sentry.projects[KEY] = WAITING
        self.relay.configure(relay={"workers": workers})
        self.relay.start()
        for _ in range(LADEN):
            body = event()
            if send(self.relay, body).status == 200:
                self.laden.append(json.loads(body.split(b"\n", 1)[0])["event_id"])
        self._serve(self._chance.randint(20, 200))
        if self._chance.random() < 0.7:
            self._sentry.projects[KEY] = scrubbing()
            time.sleep(self._chance.choice([0, 0.2, 1, 2]) * self._chance.random())  # the moment is what is tested
        self.held_at_death.append(self.relay.account().held["error"])
        self.relay.kill()
        self.deaths_mono.append(time.monotonic())

    def _serve(self, more: int) -> None:
        count = len(self._load.acknowledged) + more
        wait_for(lambda: len(self._load.acknowledged) >= count, "load", timeout_s=90)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", MODES)
def test_what_waits_unscrubbed_survives_and_leaves_scrubbed(mode: str, sentry: Authority, relays: Relays) -> None:
    chance = random.Random()
    relay = relays(cache={"persist": False}, spool={"envelopes": {"pending": "disk", "fsync": mode}})
    with steady_load(relay.port, clients=8, pause_s=0.02) as load:
        lives = Lives(relay, sentry, load, chance)
        for _ in range(LIVES):
            lives.live_and_die(chance.choice([1, 2]))
        sentry.projects[KEY] = scrubbing()
        relay.configure(relay={"workers": 1})  # so that a partition is adopted
        relay.start()
    promised = [*load.acknowledged, *lives.laden]
    arrivals = Arrivals(sentry)  # type: ignore[arg-type]  # it keeps the same book
    arrivals.wait_for(promised, timeout_s=300)
    verdict = judge(promised, arrivals.times, lives.deaths_mono)
    numbers = f"{len(lives.deaths_mono)} kills, {sum(lives.held_at_death)} held then: {verdict}"
    assert not verdict.lost, numbers
    assert not verdict.astray, numbers
    assert load.statuses <= {200, 503}, load.statuses
    assert all(SECRET.encode() not in delivery.body for delivery in sentry.deliveries)
    account = relay.wait_until_empty()
    assert account.closed, account
    assert relay.stop() == 0, relay.log
    assert SECRET not in relay.log
    print(f"\n{mode}: {numbers}")
