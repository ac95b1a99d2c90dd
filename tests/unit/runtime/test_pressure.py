"""What is refused, kept on disk and collected as room runs out (`upstream-and-operations.md` 9.3, 9.5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrubjay.runtime import memory, pressure
from scrubjay.runtime.memory import MemoryGauge
from scrubjay.runtime.pressure import Pressure
from scrubjay.settings.load import build

KIB = 1024
NOW = 1000.0


class Room:
    """An outbox, seen from here."""

    def __init__(self) -> None:
        self.fullness = 0.0
        self.shares = {"greedy": 0.6, "modest": 0.1}
        self.looked = 0

    def share_of(self, key: str) -> float:
        return self.shares[key]

    def look_again(self) -> None:
        self.looked += 1


class Machine:
    """A pressure on 1000 KiB of memory, of which the test says how much is used."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> None:
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/meminfo").write_text("MemTotal: 1000 kB\n")
        self._statm = root / "proc/self/statm"
        self.mono = 100.0
        self.given_back = 0
        self.freed_kib = 0
        monkeypatch.setattr(memory, "_PAGE_BYTES", KIB)
        monkeypatch.setattr(pressure, "give_back", self._give_back)
        self.use(0)
        self.settings = build(options)
        self.gauge = MemoryGauge(root=root)
        self.room = Room()
        self.subject = Pressure(self.settings, self.gauge, lambda: self.mono)
        self.subject.room = self.room

    def use(self, kib: int) -> None:
        self.kib = kib
        self._statm.write_text(f"0 {kib} 0 0 0 0 0\n")

    def measure(self, kib: int) -> None:
        self.use(kib)
        self.subject.measure()

    def _give_back(self) -> None:
        self.given_back += 1
        self.use(self.kib - self.freed_kib)

    def reasons(self, key: str = "modest") -> list[str | None]:
        return [limit.reason for limit in self.subject.limits(key, NOW)]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_a_full_disk_sheds_and_an_empty_one_does_not(machine: Machine) -> None:
    assert machine.subject.limits("modest", NOW) == ()
    machine.room.fullness = 0.85
    machine.room.shares["modest"] = 0.2
    (limit,) = machine.subject.limits("modest", NOW)
    assert {each.wire for each in limit.categories} == {"replay", "profile", "profile_chunk", "profile_chunk_ui"}
    machine.room.fullness = 0.74
    assert machine.reasons() == []


def test_how_much_is_refused_is_known_without_anybody_who_asks(machine: Machine) -> None:
    assert machine.subject.kinds_refused == 0
    machine.room.fullness = 0.84
    assert machine.subject.kinds_refused == 2
    machine.room.fullness = 0.5
    assert machine.subject.kinds_refused == 0


def test_memory_sheds_from_the_soft_mark_on(machine: Machine) -> None:
    for kib, count in [(799, 0), (800, 1), (875, 3), (949, 5), (760, 1), (740, 0)]:
        machine.measure(kib)
        machine.subject.limits("modest", NOW)
        assert machine.subject._shedding.level == count, kib


def test_a_key_over_its_share_is_refused(machine: Machine) -> None:
    machine.room.fullness = 0.7
    assert machine.reasons("greedy") == ["spool_share"]
    assert machine.reasons("modest") == []
    machine.room.fullness = 0.45
    assert machine.reasons("greedy") == [], "nobody has more than there is"
    machine.room.fullness = 0.81
    assert machine.reasons("greedy") == ["backpressure", "spool_share"]


def test_a_share_of_one_disables_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path, monkeypatch, **{"spool.envelopes.max_project_share": 1.0})
    machine.room.fullness, machine.room.shares["greedy"] = 0.79, 1.1
    assert machine.reasons("greedy") == []


def test_above_the_soft_mark_the_backlog_stays_on_disk(machine: Machine) -> None:
    assert machine.subject.may_read()
    machine.measure(820)
    assert not machine.subject.may_read()
    assert machine.room.looked == 0
    machine.measure(700)
    assert machine.subject.may_read()
    assert machine.room.looked == 1
    machine.measure(700)
    assert machine.room.looked == 1


def test_garbage_is_collected_at_most_every_ten_seconds(machine: Machine) -> None:
    machine.measure(700)
    assert machine.given_back == 0
    for second, count in [(0, 1), (5, 1), (9.9, 1), (10.0, 2), (15, 2), (20, 3)]:
        machine.mono = 100.0 + second
        machine.measure(900)
        assert machine.given_back == count, second


def test_what_collecting_freed_is_seen_at_once(machine: Machine) -> None:
    machine.freed_kib = 300
    machine.measure(990)
    assert machine.subject.may_read()
    assert machine.gauge.has_room()


def test_reloading_changes_order_share_and_marks(machine: Machine) -> None:
    machine.room.fullness = 0.85
    machine.subject.reconfigure(
        build(
            {
                "spool.envelopes.shed_order": ("span",),
                "spool.envelopes.max_project_share": 0.05,
                "spool.envelopes.max_backpressure_memory_percent": 0.5,
                "health.max_memory_bytes": 200 * KIB,
                "health.max_memory_percent": 1.0,
            }
        )
    )
    shed, share = machine.subject.limits("modest", NOW)
    assert {each.wire for each in shed.categories} == {"span"}
    assert share.reason == "spool_share"
    machine.measure(120)
    assert not machine.subject.may_read()
    machine.measure(201)
    assert not machine.gauge.has_room()
    assert "Shedding span" in repr(machine.subject)


def test_without_an_outbox_nothing_is_shed(machine: Machine) -> None:
    machine.subject.room = None
    assert machine.subject.kinds_refused == 0
    machine.measure(999)
    machine.measure(1)
    assert machine.subject.limits("modest", NOW) == ()


def test_large_bodies_get_a_part_of_the_memory_or_what_is_set(machine: Machine) -> None:
    assert machine.subject.bodies(machine.settings.limits).most_bytes == 125 * KIB
    machine.gauge.limit_bytes = 1 << 40
    assert machine.subject.bodies(machine.settings.limits).most_bytes == 256 << 20
    assert machine.subject.bodies(build({"limits.max_bodies_size": 77}).limits).most_bytes == 77


def test_a_sidecar_gives_back_whether_it_must_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path, monkeypatch, **{"relay.profile": "sidecar"})
    for second, count in [(0, 1), (9, 1), (10, 2)]:
        machine.mono = 100.0 + second
        machine.measure(10)
        assert machine.given_back == count
