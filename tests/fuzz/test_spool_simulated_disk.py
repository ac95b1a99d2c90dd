"""The spool on a simulated disk: random actions, full and failing disks, kills and power cuts, compared with a list."""

from __future__ import annotations

import errno
import random
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scrubjay.errors import SpoolError, SpoolFull
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.types import Damaged, Evicted, Faulted, SpoolOptions, Synced
from support.simulated_disk import SimulatedClock, SimulatedDisk
from support.spool_log import open_log, record, waiting

ROLL_BYTES = 1024 * 1024


@dataclass
class Model:
    """What the spool promised. Bodies are unique; `refused` may turn up or not (their writer got an error).

    `unsynced` may be lost with the power, and `doubtful` too: the spool said so when the disk failed twice.
    """

    held: dict[bytes, int]
    unsynced: set[bytes]
    doubtful: set[bytes]
    consumed: set[bytes]
    refused: set[bytes]


class Trial:
    def __init__(self, mode: str, when_full: str, seed: int) -> None:
        self.rng = random.Random(seed)
        self.mode = mode
        self.options = SpoolOptions(fsync=mode, segment_bytes=4_000, max_bytes=60_000, when_full=when_full)
        self.disk = SimulatedDisk()
        self.clock = SimulatedClock()
        self.model = Model({}, set(), set(), set(), set())
        self.count = 0
        self.lossy = False
        self.log: SegmentLog = open_log(self.disk, self.clock, self.options)[0]

    def append(self) -> None:
        records = []
        for _ in range(self.rng.choice([1, 1, 1, 2, 5])):
            self.count += 1
            noise = self.rng.randbytes(self.rng.choice([0, 10, 300, 1500]))
            records.append(record(b"%d:" % self.count + noise + bytes(self.rng.choice([0, 100]))))
        bodies = [each.body for each in records]
        try:
            first = self.log.append(records)
        except SpoolFull:
            self.listen()
        except SpoolError:
            self.model.refused.update(bodies)
            self.listen()
        else:
            self.listen()  # a sync it reports was one of the segment before
            for number, body in enumerate(bodies, first):
                self.model.held[body] = number
            if self.mode != "always":
                self.model.unsynced.update(bodies)

    def acknowledge(self) -> None:
        held = list(self.model.held)
        chosen = (
            held[: self.rng.randint(0, len(held))]
            if self.rng.random() < 0.5
            else self.rng.sample(held, len(held) * 4 // 5)
        )
        self.log.shelf.acknowledge([self.model.held[body] for body in chosen])
        for body in chosen:
            del self.model.held[body]
            self.model.consumed.add(body)
        self.listen()

    def tick(self) -> None:
        for _ in range(self.rng.choice([1, 5])):
            self.clock.advance(1.5)
            self.log.chores()
            self.listen()

    def listen(self) -> None:
        """Learns from the events what the spool says of itself."""
        events, self.log.shelf.events = self.log.shelf.events, []
        for event in events:
            if isinstance(event, Synced) or (isinstance(event, Faulted) and "may be lost" not in event.detail):
                self.model.unsynced.clear()
            elif isinstance(event, Faulted):
                self.model.doubtful.update(self.model.held)
            elif isinstance(event, Evicted):
                numbers = {number for number, *_ in event.records}
                for body in [body for body, number in self.model.held.items() if number in numbers]:
                    del self.model.held[body]
                    self.model.consumed.add(body)
            elif isinstance(event, Damaged):
                assert self.lossy, event

    def check(self) -> None:
        """Between crashes the log and the list agree exactly, order included."""
        found = waiting(self.log)
        numbers = {each.sequence: each.body for each in found}
        assert list(numbers) == sorted(numbers)
        assert numbers == {number: body for body, number in self.model.held.items()}
        usage = self.log.shelf.usage()
        assert usage.records == len(found)
        assert usage.size_bytes <= 60_000 + ROLL_BYTES
        assert self.log.shelf.size_bytes == sum(s.size_bytes + s.ack_bytes for s in self.log.shelf.segments)
        assert self.disk.open_descriptors <= 3

    def fill(self) -> None:
        self.disk.capacity_bytes = self.disk.used_bytes + self.rng.choice([0, 100, 700])

    def free(self) -> None:
        self.disk.capacity_bytes = 1 << 40

    def fail(self) -> None:
        operation = self.rng.choice(
            ["sync", "write", "create", "write_file", "unlink", "rename", "sync_directory", "truncate"]
        )
        self.disk.faults.setdefault(operation, []).append(errno.EIO)

    def die(self) -> None:
        with self.disk.unheard():
            self.log._stop_cleaning()

    def kill(self) -> None:
        self.die()
        self.disk.kill()
        self.reopen(lost=set())

    def power_cut(self) -> None:
        self.die()
        self.disk.power_cut(self.rng)
        lost = self.model.unsynced | self.model.doubtful
        if self.mode == "never":
            lost = set(self.model.held)
        self.reopen(lost)

    def stop(self) -> None:
        self.disk.faults.clear()
        self.log.close()
        self.listen()
        assert self.disk.open_descriptors == 0
        self.kill()

    def reopen(self, lost: set[bytes]) -> None:
        """What was held must be there but for `lost`; what is there must have been given, and is held from now on."""
        self.lossy = bool(lost or self.model.refused or self.mode != "always")
        self.log, recovery = open_log(self.disk, self.clock, self.options, is_whole=self.rng.random() < 0.5)
        found = {each.body: each.sequence for each in waiting(self.log)}
        model = self.model
        missing = set(model.held) - set(found) - lost
        assert not missing, f"{len(missing)} records lost"
        unknown = set(found) - set(model.held) - model.consumed - model.refused
        assert not unknown
        if not self.lossy:
            assert recovery.found.lost_records == 0
        self.listen()
        model.held = found
        model.unsynced &= set(found) if self.mode == "never" else set()
        model.doubtful = set(found) & (
            model.doubtful | model.refused | model.consumed
        )  # nobody was promised the others
        model.consumed -= set(found)
        model.refused -= set(found)
        assert self.log.next_sequence > max(found.values(), default=0)


ACTIONS = {
    "append": Trial.append,
    "acknowledge": Trial.acknowledge,
    "tick": Trial.tick,
    "check": Trial.check,
    "fill": Trial.fill,
    "free": Trial.free,
    "fail": Trial.fail,
    "kill": Trial.kill,
    "power_cut": Trial.power_cut,
    "stop": Trial.stop,
}
OFTEN = ["append"] * 8 + ["acknowledge"] * 2 + ["tick"] * 2 + list(ACTIONS)


def run(mode: str, when_full: str, seed: int, actions: list[str]) -> None:
    trial = Trial(mode, when_full, seed)
    for action in actions:
        ACTIONS[action](trial)
        if not trial.disk.faults.get("read"):
            trial.check()


@pytest.mark.parametrize("when_full", ["reject", "drop_oldest"])
@pytest.mark.parametrize("mode", ["always", "interval", "never"])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(seed=st.integers(0, 2**32), actions=st.lists(st.sampled_from(OFTEN), min_size=40, max_size=60))
def test_whatever_happens_the_log_holds_what_the_list_holds(mode, when_full, seed, actions):
    run(mode, when_full, seed, actions)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("when_full", ["reject", "drop_oldest"])
@pytest.mark.parametrize("mode", ["always", "interval", "never"])
@settings(
    max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink]
)
@given(seed=st.integers(0, 2**32), actions=st.lists(st.sampled_from(OFTEN), min_size=40, max_size=300))
def test_whatever_happens_for_long(mode, when_full, seed, actions):
    run(mode, when_full, seed, actions)
