"""kill -9 at any moment under load, of a worker, of the supervisor, of all at once, in each durability: nothing acknowledged is lost.

`upstream-and-operations.md` 7.10 and 7.12, I1 and I2. The server behind goes away and comes back meanwhile, so that kills meet records on
their way, records between the server's answer and the note of it, and records that only wait. A process is killed while it starts, too.

At length, with exact numbers on the standard output:

    pytest -m deep -s tests/e2e/test_kills.py
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.daemon import Daemon
from support.processes import wait_for
from support.promises import ACK_DELAY_S, GRACE_S, Arrivals, judge
from support.recorder import Recorder, recording
from support.steady_load import SteadyLoad, steady_load

Daemons = Callable[..., Daemon]
MODES = ["always", "interval", "never"]
MOST_STARTS = 10
DEEP_ROUNDS, DEEP_LIVES = 4, 17
"""For each mode; a life is of two or three kills, so that there are more than 500 in all."""


class Killing:
    """One instance, its clients, its server, and the book of deaths."""

    def __init__(self, relay: Daemon, upstream: Recorder, load: SteadyLoad, chance: random.Random) -> None:
        self.relay = relay
        self.deaths_mono: list[float] = []
        self._upstream = upstream
        self._load = load
        self._chance = chance

    def live_and_die(self, workers: int, mode: str, worker_kills: int) -> None:
        """One life of the instance, to its violent end."""
        self._upstream.is_away = self._chance.random() < 0.3
        self.relay.configure(relay={"workers": workers}, spool={"envelopes": {"fsync": mode}})
        if self._chance.random() < 0.2:
            self.relay.launch()
            time.sleep(self._chance.uniform(0, 1))  # the moment is what is tested: any one of the start
            self._die(self.relay.kill)
        self.start()
        for _ in range(worker_kills):
            self._serve_for_a_while()
            victim = self._pid_of(self._chance.randrange(workers))
            if victim is not None:
                self._die(lambda: os.kill(victim, signal.SIGKILL))  # noqa: B023  called at once
        self._serve_for_a_while()
        if workers > 1 and self._chance.random() < 0.5:
            self._die(lambda: self.relay.signal(signal.SIGKILL))
            self.relay.wait()  # its workers are alone now, and the next instance begins beside them
        else:
            self._die(self.relay.kill)

    def start(self) -> None:
        """As whoever looks after processes does: again, if workers whose supervisor was killed hold the port for longer than a start waits."""
        for _ in range(MOST_STARTS):
            try:
                self.relay.start()
            except AssertionError:
                if "cannot listen" not in self.relay.log:
                    raise
                self.relay.close()
            else:
                return
        raise AssertionError(f"the port is not to be had: {self.relay.log}")

    def _serve_for_a_while(self) -> None:
        """Until some of what clients send was acknowledged by this process, and a moment longer."""
        count = len(self._load.acknowledged) + self._chance.randint(1, 100)
        wait_for(lambda: len(self._load.acknowledged) >= count, "load", timeout_s=90)
        self._upstream.is_away = self._upstream.is_away and self._chance.random() < 0.5
        time.sleep(self._chance.uniform(0, 0.05))

    def _pid_of(self, slot: int) -> int | None:
        """Whoever serves a slot now; None between two of them. A number that is somebody else's by now is not returned."""
        try:
            pid = int(json.loads((self.relay.folder / "run" / f"worker-{slot}.json").read_text())["pid"])
            is_ours = os.getpgid(pid) == self.relay.pid
            is_alive = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (OSError, ValueError, KeyError):
            return None
        return pid if is_ours and is_alive else None

    def _die(self, kill: Callable[[], None]) -> None:
        kill()
        self.deaths_mono.append(time.monotonic())


def kill_again_and_again(daemons: Daemons, lives: list[tuple[int, str, int]], chance: random.Random) -> str:
    """Lives of (workers, mode, kills of a worker). Returns what happened in numbers."""
    with recording() as upstream:
        relay = daemons(upstream=upstream.url)
        with steady_load(relay.port, clients=8, pause_s=0.02) as load:
            killing = Killing(relay, upstream, load, chance)
            for workers, mode, worker_kills in lives:
                killing.live_and_die(workers, mode, worker_kills)
            upstream.is_away = False
            killing.start()
        arrivals = Arrivals(upstream)
        arrivals.wait_for(load.acknowledged)
        verdict = judge(load.acknowledged, arrivals.times, killing.deaths_mono)
        numbers = f"{len(killing.deaths_mono)} kills: {verdict}"
        assert verdict.acknowledged > 20 * len(lives), "there was no load worth the name"
        assert not verdict.lost, numbers
        assert not verdict.astray, numbers
        assert load.statuses <= {200, 503}, load.statuses
        account = relay.wait_until_empty()
        assert account.closed, account
        assert relay.stop() == 0, relay.log
    return numbers


def test_operations_76_120_nothing_acknowledged_is_lost_whoever_is_killed(daemons: Daemons) -> None:
    lives = [(2, "always", 1), (1, "never", 0)]
    kill_again_and_again(daemons, lives, random.Random(4))


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", range(DEEP_ROUNDS))
@pytest.mark.parametrize("mode", MODES)
def test_operations_76_120_at_length(mode: str, number: int, daemons: Daemons) -> None:
    chance = random.Random()
    lives = [(chance.choice([1, 2, 2, 3]), mode, chance.randint(1, 3)) for _ in range(DEEP_LIVES)]
    lives = [(workers, mode, kills if workers > 1 else 0) for workers, mode, kills in lives]
    print(f"\n{mode} {number}: {kill_again_and_again(daemons, lives, chance)}")


def test_the_comparison_can_fail() -> None:
    times = {"a": [1.0], "b": [2.0, 9.0], "c": [50.0, 60.0], "x": [3.0]}
    verdict = judge(["a", "b", "c", "d"], times, [2.0 + ACK_DELAY_S, 50.0 - 2 * GRACE_S])
    assert (verdict.lost, verdict.duplicates, verdict.astray) == ({"d"}, 2, {"c"})
    assert str(verdict) == "4 acknowledged, 1 lost, 2 duplicates, 1 of them astray"
