"""State file and metrics of one worker among others."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.ledger import Account, Booking
from scrubjay.runtime.account import AccountBook
from scrubjay.runtime.chronicle import Chronicle
from scrubjay.runtime.spool.types import Usage
from scrubjay.runtime.state import Balance, StateFile, read_states
from scrubjay.runtime.telemetry import Telemetry


def chronicle(folder: Path, slot: int = 0, **more: Any) -> tuple[Chronicle, Telemetry]:
    telemetry = Telemetry(slot)
    held = {"spool": ((DataCategory.ERROR, 2),)}
    return Chronicle(StateFile(folder, slot), telemetry, lambda: held, **more), telemetry


def test_the_numbers_of_all_workers_are_shown_and_written_first(tmp_path: Path) -> None:
    other, other_telemetry = chronicle(tmp_path, 1)
    other_telemetry.received("event", ((DataCategory.ERROR, 3),))
    other.write()
    mine, telemetry = chronicle(tmp_path)
    telemetry.received("event", ((DataCategory.ERROR, 4),))
    assert 'scrubjay_items_received_total{category="error"} 7.0' in mine.metrics()
    assert read_states(tmp_path).account["error"].received == 7
    assert "worker-0.json" in repr(mine)


@pytest.mark.parametrize("oldest_ms", [None, 1])
def test_the_spool_is_measured_when_it_is_written(tmp_path: Path, oldest_ms: int | None) -> None:
    usage = Usage(size_bytes=10, records=2, segments=1, oldest_ms=oldest_ms)
    spool: Any = SimpleNamespace(slot=3, usage=usage, capacity_bytes=99, flush_acks=lambda: None)
    adopted: Any = SimpleNamespace(slot=7, usage=usage, capacity_bytes=0, flush_acks=lambda: None)
    partitions = [spool, adopted]
    mine, telemetry = chronicle(tmp_path, partitions=lambda: partitions)
    series = telemetry.values.series
    mine.write()
    assert dict(series["scrubjay_spool_capacity_bytes"]) == {("p03",): 99, ("p07",): 0}
    partitions.pop()
    mine.write(stopped=True)
    assert dict(series["scrubjay_spool_records"]) == {("p03",): 2}
    assert series["scrubjay_spool_bytes"][("p03",)] == 10
    assert series["scrubjay_spool_capacity_bytes"][("p03",)] == 99
    age_s = series["scrubjay_spool_oldest_age_seconds"][("p03",)]
    assert age_s == 0 if oldest_ms is None else age_s > 1_000_000
    assert read_states(tmp_path).workers[0].stopped


def test_a_disk_that_refuses_is_told_and_survived(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mine, _ = chronicle(tmp_path / "run")
    (tmp_path / "run").rmdir()
    mine.write()
    assert "the state file cannot be written" in caplog.text


def test_books_of_a_slot_that_is_no_more_move_here(tmp_path: Path) -> None:
    other, other_telemetry = chronicle(tmp_path, 5)
    other_telemetry.received("event", ((DataCategory.ERROR, 3),))
    other.write()
    (tmp_path / "worker-5.drops.json").write_text("[]")
    mine, _ = chronicle(tmp_path, 1)
    mine.inherit(5, ((DataCategory.ERROR, 3),))
    merged = read_states(tmp_path)
    assert [worker.slot for worker in merged.workers] == [1]
    assert merged.account["error"].received == 3
    assert [path.name for path in tmp_path.iterdir()] == ["worker-1.json"]
    mine.inherit(5, ())


def test_what_an_adopted_partition_holds_stays_in_its_own_file(tmp_path: Path) -> None:
    """Whenever its adopter stops or is killed, whoever takes the partition next finds books that fit."""
    left = [3]
    mine, telemetry = chronicle(tmp_path)
    telemetry.received("event", ((DataCategory.ERROR, 2),))
    mine.adopted = lambda: {5: ((DataCategory.ERROR, left[0]),) if left[0] else ()}
    mine.inherit(5, ((DataCategory.ERROR, 3),))

    def books() -> list[tuple[int, Balance]]:
        return [(worker.slot, worker.account["error"]) for worker in read_states(tmp_path).workers]

    assert books() == [(0, Balance(received=2, held=2)), (5, Balance(received=3, held=3))]
    assert [worker.slot for worker in read_states(tmp_path).alive] == [0], "a partition is no worker"
    telemetry.ended(Booking(reasons.FORWARDED, ((DataCategory.ERROR, 1),), Account("key", 1, "", None, 0.0)))
    left[0] = 2
    assert mine.merged().account["error"] == Balance(received=5, forwarded=1, held=4)
    mine.write(stopped=True)
    assert books() == [(0, Balance(received=3, forwarded=1, held=2)), (5, Balance(received=2, held=2))]
    found = StateFile(tmp_path, 5).load()
    assert found is not None
    assert AccountBook(5, previous=found).close_account(((DataCategory.ERROR, 2),)) == {}
    left[0] = 0
    mine.write()
    assert [slot for slot, _ in books()] == [0], "the file goes when the partition is empty"


def test_a_file_that_cannot_be_removed_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: StateFile) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(StateFile, "remove", refuse)
    mine, _ = chronicle(tmp_path)
    mine.inherit(5, ())
    assert "of an adopted slot cannot be removed" in caplog.text
