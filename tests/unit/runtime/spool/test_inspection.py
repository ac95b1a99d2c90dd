from __future__ import annotations

import asyncio
import errno
import os
import random
import shutil
from pathlib import Path

import pytest

from scrubjay.core.spool_format import FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, encode_frame
from scrubjay.errors import SpoolError, SpoolSealed
from scrubjay.runtime.spool import inspection
from scrubjay.runtime.spool.codec import Codec
from scrubjay.runtime.spool.disk import Clock, Disk
from scrubjay.runtime.spool.inspection import OpenSegment, PartitionView, inspect, waiting
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.partition_lock import PartitionLock
from scrubjay.runtime.spool.segment_log import SegmentLog
from scrubjay.runtime.spool.types import SpoolOptions
from support.spool_folders import fill, records, segment_files

BOOT = Clock().boot_id


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Numbers 1 to 9 in three frames; 4 is consumed."""
    fill(tmp_path / "spool", [records(range(1, 4)), records(range(4, 7)), records(range(7, 10))], consumed=[4])
    return tmp_path / "spool"


def told(root: Path, codec: Codec | None = None) -> list[int]:
    return [record.sequence for _, record in waiting(inspect(root), codec or Codec(1), BOOT)]


def flaws(root: Path) -> list[tuple[str, int]]:
    """All of them, payloads included."""
    found = []
    for segment in (segment for partition in inspect(root) for segment in partition.segments(BOOT)):
        found += segment.view.flaws
        found += [flaw for frame in segment.frames(waiting_only=False) if (flaw := segment.check(frame, Codec(1)))]
    return [(flaw.kind, flaw.records) for flaw in found]


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def after_a_start(root: Path) -> list[int]:
    """What a relay that starts would find; it changes the folder."""
    log, found = SegmentLog(Disk(), root / "p00", SpoolOptions(fsync="never"), Clock()), list[int]()
    while not log.shelf.is_whole:
        log.shelf.reveal()
    while part := log.shelf.read(found[-1] if found else 0, 10_000, None):
        found += [record.sequence for record in part]
    return found


def test_what_waits_is_told_and_nothing_is_changed(root):
    before = content(root)
    assert told(root) == [1, 2, 3, 5, 6, 7, 8, 9]
    assert flaws(root) == []
    (partition,) = inspect(root)
    assert (partition.name, partition.slot, partition.is_owned) == ("p00", 0, False)
    assert partition.owner["pid"] == os.getpid()
    (segment,) = partition.segments()
    view = segment.view
    assert (view.base, view.until, view.stored, view.live, view.is_written) == (1, 10, 9, 8, False)
    assert [frame.waiting for frame in segment.frames()] == [((1, 4),), ((5, 7),), ((7, 10),)]
    assert content(root) == before


def test_a_partition_that_is_written_to(tmp_path):
    async def work() -> None:
        partition = await Partition.open(tmp_path / "s", 3, options=SpoolOptions(fsync="never"))
        await partition.append(records([1, 2]))
        with segment_files(tmp_path / "s", 3)[0].open("ab") as file:
            file.write(b"SJFR half a frame")
        (view,) = inspect(tmp_path / "s")
        assert view.is_owned
        assert told(tmp_path / "s") == [1, 2]
        assert flaws(tmp_path / "s") == []
        assert [segment.view.is_written for segment in view.segments()] == [True]
        await partition.close()

    asyncio.run(work())
    assert flaws(tmp_path / "s") == [("torn", 0)]


def test_any_damage_is_told_as_a_start_finds_it(root, tmp_path):
    """Of each byte that may be wrong, what is told to wait is what a start gives back; and nothing is written."""
    whole, rng = segment_files(root)[0].read_bytes(), random.Random(5)
    places = {
        0,
        9,
        SEGMENT_HEADER_BYTES,
        SEGMENT_HEADER_BYTES + 5,
        SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES,
        len(whole) - 1,
    }
    for place in sorted(places | set(rng.sample(range(len(whole)), 60))):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.randrange(8)
        copy = tmp_path / f"flip{place}"
        shutil.copytree(root, copy)
        segment_files(copy)[0].write_bytes(damaged)
        before = content(copy)
        found, kinds = told(copy), flaws(copy)
        assert content(copy) == before
        assert found == after_a_start(copy), place
        padding = found == [1, 2, 3, 5, 6, 7, 8, 9]
        assert kinds or padding, place
        assert sum(lost for _, lost in kinds) in (8 - len(found), 0), place


@pytest.mark.parametrize("kept", [0, 30, 64, 100, 119, 300, 500])
def test_a_file_that_ends_early(root, kept):
    path = segment_files(root)[0]
    os.truncate(path, kept)
    found = told(root)
    assert [kind for kind, _ in flaws(root)] in (["torn"], [])
    assert found == after_a_start(root)


def test_damage_between_segments_reaches_to_the_next(tmp_path):
    fill(tmp_path / "s", [records([number]) for number in range(1, 7)], segment_bytes=500)
    first, second = segment_files(tmp_path / "s")[:2]
    os.truncate(first, first.stat().st_size - 20)
    lost = int(second.stem) - 1 - len([number for number in told(tmp_path / "s") if number < int(second.stem)])
    assert lost > 0
    assert flaws(tmp_path / "s") == [("frames", lost)]
    assert told(tmp_path / "s") == after_a_start(tmp_path / "s")


def test_a_torn_file_of_acknowledgements(root):
    path = segment_files(root)[0].with_suffix(".ack")
    path.write_bytes(path.read_bytes() + b"half")
    assert flaws(root) == [("acks", 0)]
    assert path.read_bytes().endswith(b"half")


def test_what_is_no_regular_file_is_not_opened(root, tmp_path):
    target = tmp_path / "elsewhere"
    shutil.copy(segment_files(root)[0], target)
    (root / "p00" / f"{50:020d}.seg").symlink_to(target)
    os.mkfifo(root / "p00" / f"{60:020d}.seg")
    (root / "p00" / f"{70:020d}.seg").mkdir()
    (root / "p01").symlink_to(root / "p00")
    (root / "p02").write_text("")
    assert [partition.name for partition in inspect(root)] == ["p00"]
    assert told(root) == [1, 2, 3, 5, 6, 7, 8, 9]


def test_a_count_that_cannot_be_costs_nothing(root):
    """A header that announces four thousand million records, with a right checksum."""
    path = segment_files(root)[0]
    frame = encode_frame(b"x" * 80, flags=0, first=10, count=2**32 - 1, raw_bytes=80, written_ms=1, written_boot_ms=1)
    path.write_bytes(path.read_bytes() + b"".join(frame))
    assert told(root) == [1, 2, 3, 5, 6, 7, 8, 9]
    assert [kind for kind, _ in flaws(root)] == ["torn"]


def test_what_is_deleted_meanwhile_is_left_out(root, monkeypatch):
    recover_acks = inspection.Segment.recover_acks

    def deleted(self: inspection.Segment) -> None:
        recover_acks(self)
        self.path.unlink()

    monkeypatch.setattr(inspection.Segment, "recover_acks", deleted)
    assert told(root) == []
    (partition,) = inspect(root)
    shutil.rmtree(partition.directory)
    assert list(partition.segments()) == []


def test_unreadable_sectors(root, monkeypatch):
    def fails(self: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(inspection.Segment, "recover_frames", fails)
    assert flaws(root) == [("unreadable", 0)]
    monkeypatch.undo()

    def refuses(self: object, path: Path) -> int:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(inspection._ReadOnlyDisk, "open", refuses)
    with pytest.raises(SpoolError, match="Permission denied"):
        told(root)


def test_a_sector_that_fails_under_a_payload(root, monkeypatch):
    segments = list(PartitionView.segments(inspect(root)[0]))
    assert len(segments) == 1
    for segment in inspect(root)[0].segments():
        (frame, *_) = segment.frames()
        monkeypatch.setattr(OpenSegment, "_stored_crc", lambda self, frame: None)
        flaw = segment.check(frame, Codec(1))
        assert flaw is not None
        assert (flaw.kind, flaw.records) == ("payload", 0)


def test_what_is_encrypted_is_checked_as_it_is_stored(tmp_path):
    key = bytes(range(32))
    lock = PartitionLock.claim(tmp_path / "s", 0, {})
    log = SegmentLog(Disk(), lock.directory, SpoolOptions(fsync="never", encryption_key=key), Clock())
    log.append(records([1, 2]))
    log.close()
    lock.release()
    assert told(tmp_path / "s", Codec(1, key)) == [1, 2]
    with pytest.raises(SpoolSealed):
        told(tmp_path / "s")
    assert flaws(tmp_path / "s") == []
    path = segment_files(tmp_path / "s")[0]
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    assert flaws(tmp_path / "s") == [("payload", 2)]


@pytest.mark.parametrize(
    ("marker", "problem"), [(None, "there is no spool"), ("scrubjay-spool 2\n", "this version reads")]
)
def test_what_is_no_spool_of_ours(root, marker, problem):
    (root / "FORMAT").unlink()
    if marker is not None:
        (root / "FORMAT").write_text(marker)
    with pytest.raises(SpoolError, match=problem):
        inspect(root)


def test_a_marker_that_is_a_pipe_holds_nobody_up(root):
    (root / "FORMAT").unlink()
    os.mkfifo(root / "FORMAT")
    with pytest.raises(SpoolError, match="no regular file"):
        inspect(root)


def test_what_cannot_be_opened(root, monkeypatch):
    (root / "p00" / "OWNER").write_text("[")
    assert inspect(root)[0].owner == {}
    (root / "p00" / "OWNER").unlink()
    assert inspect(root)[0].owner == {}

    def refuses(self: object, directory: Path) -> list[str]:
        raise OSError(errno.EACCES, "Permission denied")

    (partition,) = inspect(root)
    monkeypatch.setattr(inspection._ReadOnlyDisk, "list", refuses)
    with pytest.raises(SpoolError, match="Permission denied"):
        inspect(root)
    with pytest.raises(SpoolError, match="Permission denied"):
        list(partition.segments())


def test_the_quarantine_is_counted(root):
    (root / "p00" / "quarantine").mkdir()
    (root / "p00" / "quarantine" / "x.bin").write_bytes(b"12345")
    (partition,) = inspect(root)
    assert (partition.quarantined_files, partition.quarantined_bytes) == (1, 5)


def test_the_disk_refuses_to_be_written_to():
    disk = inspection._ReadOnlyDisk()
    for name in (
        "create",
        "make_directory",
        "write",
        "write_file",
        "truncate",
        "sync",
        "sync_directory",
        "rename",
        "unlink",
    ):
        with pytest.raises(OSError, match="Read-only"):
            getattr(disk, name)(Path("x"))


def test_looking_on_while_it_is_written(tmp_path):
    """Segments roll, empty, are rewritten and go; whoever looks sees no damage, and all that was there and stays."""
    rng = random.Random(11)

    async def work() -> int:
        options = SpoolOptions(fsync="never", segment_bytes=20_000, frame_bytes=4_000, max_bytes=8 * 2**20)
        partition = await Partition.open(tmp_path / "s", 0, options=options)
        stored, consumed, looks, ended = set[int](), set[int](), 0, False

        async def write() -> None:
            nonlocal ended
            for _ in range(250):
                noise = [
                    each._replace(body=each.body + rng.randbytes(500)) for each in records(range(rng.randint(1, 9)))
                ]
                stored.update(await partition.append(noise))
                for sequence in [each for each in stored - consumed if rng.random() < 0.4]:
                    consumed.add(sequence)
                    partition.acknowledge(sequence)
                partition.flush_acks()
                await asyncio.sleep(0)
            ended = True

        async def look() -> None:
            nonlocal looks
            while not ended:
                known = set(stored)
                found = await asyncio.to_thread(told, tmp_path / "s")
                assert len(found) == len(set(found))
                assert known - consumed <= set(found) <= stored | {max(stored, default=0) + each for each in range(10)}
                assert await asyncio.to_thread(flaws, tmp_path / "s") == []
                looks += 1

        await asyncio.gather(write(), look())
        await partition.close()
        return looks

    assert asyncio.run(work()) > 3
