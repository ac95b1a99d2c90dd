"""When a partition is adopted and when it is let go of; locks and folders are real, what is in them is a stand-in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scrubjay.categories import DataCategory
from scrubjay.errors import SpoolError, SpoolLocked
from scrubjay.runtime.adoption import Adoption
from scrubjay.runtime.forwarding.dispatcher import DispatchOptions
from scrubjay.runtime.spool.partition_lock import PartitionLock, adoptable, is_free

ERRORS = ((DataCategory.ERROR, 3),)


class FakeOutbox:
    def __init__(self, partition: Any) -> None:
        self.partition = partition
        self.left = ERRORS
        self.calls: list[str] = []
        self.events: list[object] = []

        self.is_surveyed = False
        self.surveys_at_once = True
        self.on_surveyed: Any = None

    def start(self, on_surveyed: Any) -> None:
        self.calls.append("start")
        self.on_surveyed = on_surveyed
        if self.surveys_at_once:
            self.end_survey()

    def end_survey(self) -> None:
        self.is_surveyed = True
        self.on_surveyed(ERRORS, 0)

    def held(self) -> dict[str, Any]:
        return {"memory": (), "spool": self.left}

    def on_spool_event(self, event: object) -> None:
        self.events.append(event)

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def reconfigure(self, options: DispatchOptions) -> None:
        self.calls.append("reconfigure")

    async def drain(self, deadline_mono: float) -> int:
        self.calls.append("drain")
        return 0


class Scene:
    """A spool with partitions 0 to 3, of which 0 and 1 are ours."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 0.0
        self.outboxes: list[FakeOutbox] = []
        self.surveys_at_once = True
        self.inherited: list[tuple[int, Any]] = []
        self.told: list[str] = []
        self.closed: list[int] = []
        self.error: SpoolError | None = None
        for slot in range(4):
            (root / f"p{slot:02d}").mkdir()
            (root / f"p{slot:02d}" / "1.seg").touch()
        self.one = Adoption(
            root,
            frozenset({0, 1}),
            self._take,
            self._send,  # type: ignore[arg-type]
            lambda slot, held, damaged: self.inherited.append((slot, held)),
            self,
            mono=lambda: self.now,
            chance=lambda: 0.5,
        )

    async def _take(self, slot: int, on_event: Any) -> Any:
        if self.error is not None:
            raise self.error
        lock = PartitionLock.claim(self.root, slot, {})

        async def close() -> None:
            self.closed.append(slot)
            lock.release()

        return SimpleNamespace(slot=slot, recovered=SimpleNamespace(records=3), close=close, tell=on_event)

    def _send(self, partition: Any) -> FakeOutbox:
        self.outboxes.append(FakeOutbox(partition))
        self.outboxes[-1].surveys_at_once = self.surveys_at_once
        return self.outboxes[-1]

    def adopted(self, partition: str, records: int) -> None:
        self.told.append(f"{partition} {records}")

    def internal_error(self, place: str, error: BaseException) -> None:
        self.told.append(f"{place}: {error}")

    async def look(self, times: int = 1) -> None:
        for _ in range(times):
            await self.one.look()
            self.now += 4


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_who_has_had_no_owner_twice_in_a_row_is_adopted(scene: Scene) -> None:
    await scene.look()
    assert scene.inherited == []
    await scene.look()
    assert scene.inherited == [(2, ERRORS), (3, ERRORS)]
    assert scene.told == ["p02 3", "p03 3"]
    assert scene.one.held() == {2: ERRORS, 3: ERRORS}
    assert not is_free(scene.root, 2)
    await scene.look(5)
    assert len(scene.outboxes) == 2
    await scene.one.close()
    assert scene.closed == [2, 3]
    assert scene.one.held() == {2: ERRORS, 3: ERRORS}, "for the last books"
    assert is_free(scene.root, 2)


async def test_whoever_is_served_in_between_is_not(scene: Scene) -> None:
    locks = [PartitionLock.claim(scene.root, slot, {}) for slot in (2, 3)]
    await scene.look(3)
    locks[0].release()
    await scene.look()
    locks[0] = PartitionLock.claim(scene.root, 2, {})
    await scene.look()
    locks[0].release()
    await scene.look()
    assert scene.inherited == []
    await scene.look()
    assert scene.inherited == [(2, ERRORS)]
    locks[1].release()
    await scene.one.close()


async def test_looks_are_not_taken_more_often_than_that(scene: Scene) -> None:
    for _ in range(100):
        await scene.one.look()
    assert scene.inherited == []


async def test_what_is_empty_is_let_go_of(scene: Scene) -> None:
    await scene.look(2)
    scene.outboxes[0].left = ()
    await scene.look()
    assert scene.outboxes[0].calls == ["start", "resume", "drain"]
    assert scene.closed == [2]
    assert scene.one.held() == {3: ERRORS}
    await scene.one.close()


async def test_who_pauses_adopts_nobody(scene: Scene) -> None:
    scene.one.pause()
    await scene.look(5)
    assert scene.inherited == []
    scene.one.resume()
    await scene.look(2)
    scene.one.pause()
    scene.one.resume()
    scene.one.reconfigure(DispatchOptions())
    assert scene.outboxes[0].calls == ["start", "resume", "pause", "resume", "reconfigure"]
    await scene.one.drain(0)
    assert scene.outboxes[1].calls[-1] == "drain"
    assert "Adoption" in repr(scene.one)
    await scene.one.close()


@pytest.mark.parametrize(
    ("error", "told"), [(SpoolLocked("x"), []), (SpoolError("bad"), ["adopting a partition: bad"] * 2)]
)
async def test_what_cannot_be_had_is_left(scene: Scene, error: SpoolError, told: list[str]) -> None:
    scene.error = error
    await scene.look(2)
    assert scene.inherited == []
    assert scene.told == told


async def test_events_of_the_disk_reach_its_outbox(scene: Scene) -> None:
    await scene.look(2)
    scene.outboxes[1].partition.tell("event")
    assert [outbox.events for outbox in scene.outboxes] == [[], ["event"]]
    await scene.one.close()
    await asyncio.sleep(0)


def test_a_folder_whose_lock_nobody_made_is_free(tmp_path: Path) -> None:
    assert is_free(tmp_path, 7)
    (tmp_path / "p07").write_text("no folder")
    assert not is_free(tmp_path, 7)
    assert adoptable(tmp_path / "none") == []


async def test_nothing_is_sent_before_the_books_are_ours(scene: Scene) -> None:
    """Else a stop in between would leave what was sent in the books of both."""
    scene.surveys_at_once = False
    await scene.look(2)
    outbox = scene.outboxes[0]
    assert outbox.calls == ["start", "pause"]
    assert scene.inherited == []
    assert scene.one.held() == {}, "what it holds stands in the books of its slot"
    assert scene.told == []
    scene.one.pause()
    scene.one.resume()
    outbox.left = ()
    await scene.look()
    assert outbox.calls == ["start", "pause", "pause"]
    outbox.end_survey()
    assert outbox.calls[-1] == "resume"
    assert scene.inherited == [(2, ERRORS)]
    scene.one.pause()
    scene.outboxes[1].end_survey()
    assert scene.outboxes[1].calls[-1] == "pause"
    await scene.look()
    assert [each.slot for each in scene.one.partitions] == [3]
    await scene.one.close()
